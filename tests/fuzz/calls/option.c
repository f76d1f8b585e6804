/* Options, requests and settings. */
#include "fuzz/calls/world.h"

#include <linux/sockios.h>
#include <netinet/tcp.h>

enum { OPTIONS = 70 }; /* no option that there is has a greater number, but datagrams' */

static int pick_level(struct world *w)
{
    static const int levels[] = {SOL_SOCKET,  SOL_SOCKET,  IPPROTO_IP,  IPPROTO_TCP,
                                 IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, 255};
    return CHOOSE(w, levels);
}

static int pick_number(struct world *w)
{
    return once_in(w, 10) ? 100 + (int)pick(w, 10) : (int)pick(w, OPTIONS);
}

void set_an_option(struct world *w, struct end *end, int socket)
{
    static const char *const words[] = {"cubic", "reno", "bbr"};
    uint32_t length = once_in(w, 4) ? pick(w, 40) : sizeof(int);
    uint8_t *value = malloc(length ? length : 1); /* of exactly that size, for ASan */
    if (value == NULL)
        return;
    for (uint32_t i = 0; i < length; i++)
        value[i] = i == 0 || once_in(w, 4) ? (uint8_t)pick(w, 256) : 0;
    if (once_in(w, 10)) {
        const char *word = CHOOSE(w, words);
        tern_setsockopt(end->t, socket, IPPROTO_TCP, TCP_CONGESTION, word, (socklen_t)strlen(word));
    } else {
        tern_setsockopt(end->t, socket, pick_level(w), pick_number(w),
                        once_in(w, 50) ? NULL : value, length);
    }
    free(value);
}

void get_an_option(struct world *w, struct end *end, int socket)
{
    socklen_t length = once_in(w, 4) ? pick(w, 400) : sizeof(int);
    uint8_t *value = malloc(length ? length : 1);
    if (value == NULL)
        return;
    tern_getsockopt(end->t, socket, pick_level(w), pick_number(w), value, &length);
    free(value);
}

/* Groups, as sockets join and leave them and choose where to send; whole or short of it. */
void join_a_group(struct world *w, struct end *end, int socket)
{
    static const int options[] = {
        IP_ADD_MEMBERSHIP,        IP_DROP_MEMBERSHIP, IP_MULTICAST_IF,           IP_MULTICAST_ALL,
        IP_ADD_SOURCE_MEMBERSHIP, IP_BLOCK_SOURCE,    IP_DROP_SOURCE_MEMBERSHIP, IP_UNBLOCK_SOURCE};
    static const socklen_t lengths[] = {sizeof(struct ip_mreqn), sizeof(struct ip_mreq),
                                        sizeof(struct in_addr)};
    struct ip_mreqn request = {.imr_multiaddr.s_addr = htonl(GROUP + pick(w, 2)),
                               .imr_address.s_addr = htonl(pick(w, 2) ? 0 : 0x0a000001),
                               .imr_ifindex = pick(w, 8) ? 0 : (int)pick(w, 3)};
    tern_setsockopt(end->t, socket, IPPROTO_IP, CHOOSE(w, options), &request, CHOOSE(w, lengths));
}

void ask_something(struct world *w, struct end *end, int socket)
{
    static const unsigned long requests[] = {FIONREAD, SIOCATMARK, FIONBIO, SIOCOUTQ, 0x1234};
    struct sockaddr_in address;
    socklen_t length = pick(w, 30);
    int value = (int)pick(w, 2);
    switch (pick(w, 6)) {
    case 0:
        tern_ioctl(end->t, socket, CHOOSE(w, requests), &value);
        break;
    case 1:
        tern_sockatmark(end->t, socket);
        break;
    case 2:
        tern_fcntl(end->t, socket, pick(w, 2) ? F_GETFL : F_SETFL, value ? O_NONBLOCK : 0);
        break;
    case 3:
        tern_getsockname(end->t, socket, (struct sockaddr *)&address, &length);
        break;
    case 4:
        tern_getpeername(end->t, socket, (struct sockaddr *)&address, &length);
        break;
    default:
        tern_drain(end->t, socket);
        break;
    }
}

/* Those that move a limit: what is held when it is lowered must live on. */
void set_a_setting(struct world *w, struct end *end, int socket)
{
    static const char *const names[] = {"memory.low",
                                        "memory.pressure",
                                        "memory.high",
                                        "socket.descriptors",
                                        "socket.epoll_watches",
                                        "tcp.fastopen",
                                        "tcp.syncookies",
                                        "tcp.sndbuf",
                                        "tcp.rcvbuf",
                                        "ip.mtu",
                                        "tcp.notsent_lowat",
                                        "udp.rcvbuf",
                                        "tcp.ecn",
                                        "tcp.mtu_probing",
                                        "tcp.pacing",
                                        "tcp.max_orphans",
                                        "tcp.timestamps",
                                        "tcp.fastopen_peers"};
    char value[16];
    (void)socket;
    if (once_in(w, 4)) {
        tern_quiesce(end->t, TIME_MS(pick(w, 1000)));
        return;
    }
    uint32_t number = once_in(w, 3) ? pick(w, 1 << 24)
                      : pick(w, 2)  ? 4096 + pick(w, 5000)
                                    : pick(w, 10);
    snprintf(value, sizeof value, "%u", number);
    tern_set(end->t, CHOOSE(w, names), value);
}
