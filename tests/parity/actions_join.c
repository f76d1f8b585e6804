/* Names and connections: bind, listen, accept, connect, getsockname, getpeername. */
#include "matrix.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct sockaddr_in6 six = {.sin6_family = AF_INET6};
static const struct sockaddr unspecified = {.sa_family = AF_UNSPEC};

static void bind_it(struct play *p, int s)
{
    STEP(A->bind(s, LOOP((uint16_t)(p->port + 3))));
    play_readiness(p, s);
}

static void bind_to_any_port(struct play *p, int s)
{
    STEP(A->bind(s, LOOP(0)));
}

static void bind_to_a_stranger(struct play *p, int s)
{
    STEP(A->bind(s, AT("192.0.2.1", 5)));
}

static void bind_wrongly(struct play *p, int s)
{
    struct sockaddr *in = play_address("127.0.0.1", 0);
    STEP(A->bind(s, in, 1));
    STEP(A->bind(s, in, 8));
    STEP(A->bind(s, (const struct sockaddr *)&six, sizeof six));
    STEP(A->bind(s, in, 0));
    STEP(A->bind(s, NULL, sizeof(struct sockaddr_in)));
}

static void listen_at_it(struct play *p, int s)
{
    STEP(A->listen(s, 1));
    play_readiness(p, s);
    OPTION(s, SOL_SOCKET, SO_ACCEPTCONN);
}

static void listen_with_an_odd_backlog(struct play *p, int s)
{
    STEP(A->listen(s, -1));
    STEP(A->listen(s, 0));
    STEP(A->listen(s, 1 << 30));
}

static void accept_one(struct play *p, int s)
{
    struct sockaddr_in from = {0};
    socklen_t length = sizeof from;
    if (STEP_OK(A->accept(s, (struct sockaddr *)&from, &length)) >= 0)
        play_note(p, "from %d, %u bytes, %s", from.sin_family, length, inet_ntoa(from.sin_addr));
    play_readiness(p, s);
}

static void accept_without_a_name(struct play *p, int s)
{
    int a = (int)STEP_OK(A->accept4(s, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (a < 0)
        return;
    STEP(A->fcntl(a, F_GETFL, 0));
    STEP(A->fcntl(a, F_GETFD, 0));
}

/* What is asked of the listener's descriptor means nothing to that of the connection. */
static void accept_without_flags(struct play *p, int s)
{
    A->fcntl(s, F_SETFD, FD_CLOEXEC);
    int a = (int)STEP_OK(A->accept(s, NULL, NULL));
    if (a < 0)
        return;
    STEP(A->fcntl(a, F_GETFL, 0));
    STEP(A->fcntl(a, F_GETFD, 0));
}

static void accept_with_a_short_name(struct play *p, int s)
{
    char short_name[3] = {0};
    socklen_t length = sizeof short_name;
    if (STEP_OK(A->accept(s, (struct sockaddr *)(void *)short_name, &length)) >= 0)
        play_note(p, "length: %u", length);
}

static void accept_with_a_wrong_flag(struct play *p, int s)
{
    STEP_OK(A->accept4(s, NULL, NULL, 1));
}

static void connect_nowhere(struct play *p, int s)
{
    STEP(A->connect(s, LOOP((uint16_t)(p->port + 5))));
    play_note(p, "once more");
    STEP(A->connect(s, LOOP((uint16_t)(p->port + 5))));
}

static void connect_to_a_listener(struct play *p, int s)
{
    int listener = play_stream(p);
    A->bind(listener, LOOP((uint16_t)(p->port + 4)));
    A->listen(listener, 1);
    STEP(A->connect(s, LOOP((uint16_t)(p->port + 4))));
    play_readiness(p, s);
}

/* No address in particular is one's own. */
static void connect_to_any_address(struct play *p, int s)
{
    int listener = play_stream(p);
    struct sockaddr_in name = {0};
    socklen_t length = sizeof name;
    A->bind(listener, LOOP((uint16_t)(p->port + 4)));
    A->listen(listener, 1);
    STEP(A->connect(s, AT("0.0.0.0", (uint16_t)(p->port + 4))));
    if (STEP(A->getpeername(s, (struct sockaddr *)&name, &length)) == 0)
        play_note(p, "%s", inet_ntoa(name.sin_addr));
}

static void connect_wrongly(struct play *p, int s)
{
    struct sockaddr *in = play_address("127.0.0.1", 5);
    STEP(A->connect(s, in, 1));
    STEP(A->connect(s, in, 8));
    STEP(A->connect(s, (const struct sockaddr *)&six, sizeof six));
}

static void connect_without_an_address(struct play *p, int s)
{
    STEP(A->connect(s, NULL, sizeof(struct sockaddr_in)));
}

static void connect_to_many(struct play *p, int s)
{
    STEP(A->connect(s, AT("255.255.255.255", 5)));
    STEP(A->connect(s, AT("224.0.0.1", 5)));
}

static void connect_to_nobody(struct play *p, int s)
{
    STEP(A->connect(s, &unspecified, sizeof unspecified));
    play_readiness(p, s);
}

static void getsockname_of_it(struct play *p, int s)
{
    struct sockaddr_in name = {0};
    socklen_t length = sizeof name;
    if (STEP(A->getsockname(s, (struct sockaddr *)&name, &length)) == 0)
        play_note(p, "%d, %u bytes, %s, %s", name.sin_family, length, inet_ntoa(name.sin_addr),
                  name.sin_port ? "a port" : "no port");
}

static void getpeername_of_it(struct play *p, int s)
{
    struct sockaddr_in name = {0};
    socklen_t length = sizeof name;
    if (STEP(A->getpeername(s, (struct sockaddr *)&name, &length)) == 0)
        play_note(p, "%d, %u bytes, %s, %s", name.sin_family, length, inet_ntoa(name.sin_addr),
                  name.sin_port ? "a port" : "no port");
}

static void names_into_too_little(struct play *p, int s)
{
    char bytes[sizeof(struct sockaddr_in)] = {0};
    struct sockaddr *name = (struct sockaddr *)(void *)bytes;
    socklen_t length = 4;
    if (STEP(A->getsockname(s, name, &length)) == 0)
        play_note(p, "length: %u, the rest %d", length, bytes[4]);
    length = 0;
    if (STEP(A->getpeername(s, name, &length)) == 0)
        play_note(p, "length: %u", length);
    length = (socklen_t)-1;
    STEP(A->getsockname(s, name, &length));
    STEP(A->getsockname(s, NULL, NULL));
    STEP(A->getpeername(s, NULL, NULL));
}

#define ACTION(name) \
    {                \
#name, name  \
    }
const struct action actions_join[] = {
    ACTION(bind_it),
    ACTION(bind_to_any_port),
    ACTION(bind_to_a_stranger),
    ACTION(bind_wrongly),
    ACTION(listen_at_it),
    ACTION(listen_with_an_odd_backlog),
    ACTION(accept_one),
    ACTION(accept_without_a_name),
    ACTION(accept_without_flags),
    ACTION(accept_with_a_short_name),
    ACTION(accept_with_a_wrong_flag),
    ACTION(connect_nowhere),
    ACTION(connect_to_a_listener),
    ACTION(connect_to_any_address),
    ACTION(connect_wrongly),
    ACTION(connect_without_an_address),
    ACTION(connect_to_many),
    ACTION(connect_to_nobody),
    ACTION(getsockname_of_it),
    ACTION(getpeername_of_it),
    ACTION(names_into_too_little),
};
const unsigned actions_join_count = COUNT(actions_join);
