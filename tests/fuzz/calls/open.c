/* A socket's life. */
#include "fuzz/calls/world.h"

void open_something(struct world *w, struct end *end, int socket)
{
    (void)socket;
    static const int types[] = {SOCK_STREAM, SOCK_STREAM, SOCK_STREAM, SOCK_DGRAM,
                                SOCK_DGRAM,  0,           SOCK_RAW,    SOCK_SEQPACKET};
    static const int protocols[] = {0, 0, 0, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, 255};
    int domain = once_in(w, 30) ? (int)pick(w, 12) : AF_INET;
    int type = CHOOSE(w, types) | (pick(w, 2) ? SOCK_NONBLOCK : 0);
    tern_socket(end->t, domain, type, CHOOSE(w, protocols));
}

void bind_something(struct world *w, struct end *end, int socket)
{
    struct sockaddr_in address;
    socklen_t length = pick_address(w, &w->ends[!end->index], &address);
    tern_bind(end->t, socket, (struct sockaddr *)&address, length);
}

void listen_somewhere(struct world *w, struct end *end, int socket)
{
    static const char *const names[] = {"7", ":8", "10.0.0.2:9", "x", "70000"};
    if (pick(w, 2))
        tern_listen(end->t, socket, (int)pick(w, 6) - 1);
    else
        tern_listen_on(end->t, CHOOSE(w, names), (int)pick(w, 5));
}

void connect_somewhere(struct world *w, struct end *end, int socket)
{
    struct sockaddr_in address;
    if (once_in(w, 4)) {
        /* While it waits, others may use the number, which is not theirs, and the
         * dial closes it. */
        if (tern_dial(end->t, end->index ? "10.0.0.1:7" : "10.0.0.2:7") < 0)
            for (int i = 0; i < NUMBERS; i++) {
                forget_reserved(end, i);
                forget_shown(end, i);
            }
        return;
    }
    socklen_t length = pick_address(w, end, &address);
    forget_shown(end, socket);
    tern_connect(end->t, socket, (struct sockaddr *)&address, length);
}

void accept_something(struct world *w, struct end *end, int socket)
{
    struct sockaddr_in address;
    socklen_t length = pick(w, 30);
    int flags = once_in(w, 20) ? (int)pick(w, 1 << 20) : pick(w, 2) ? SOCK_NONBLOCK : 0;
    tern_accept4(end->t, socket, pick(w, 2) ? (struct sockaddr *)&address : NULL, &length, flags);
}

void shut_something(struct world *w, struct end *end, int socket)
{
    forget_shown(end, socket); /* it calls off a connect(2), and then the connection is another */
    tern_shutdown(end->t, socket, (int)pick(w, 4));
}

void close_something(struct world *w, struct end *end, int socket)
{
    if (pick(w, 2)) {
        struct linger linger = {(int)pick(w, 3), (int)pick(w, 3)};
        tern_setsockopt(end->t, socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    }
    forget_reserved(end, socket);
    forget_shown(end, socket);
    tern_close(end->t, socket);
    forget_reserved(end, socket);
    forget_shown(end, socket);
}
