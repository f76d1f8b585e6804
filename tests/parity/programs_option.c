/* Options: what they take, and what is read back. */
#include "programs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    const char *name;
    int level, option;
} options[] = {
#define OF(level, option)      \
    {                          \
#option, level, option \
    }
    OF(SOL_SOCKET, SO_REUSEADDR),
    OF(SOL_SOCKET, SO_REUSEPORT),
    OF(SOL_SOCKET, SO_KEEPALIVE),
    OF(SOL_SOCKET, SO_BROADCAST),
    OF(SOL_SOCKET, SO_DEBUG),
    OF(SOL_SOCKET, SO_DONTROUTE),
    OF(SOL_SOCKET, SO_OOBINLINE),
    OF(SOL_SOCKET, SO_RCVLOWAT),
    OF(SOL_SOCKET, SO_SNDLOWAT),
    OF(SOL_SOCKET, SO_PRIORITY),
    OF(SOL_SOCKET, SO_TYPE),
    OF(IPPROTO_IP, IP_TTL),
    OF(IPPROTO_IP, IP_TOS),
    OF(IPPROTO_IP, IP_RECVTTL),
    OF(IPPROTO_IP, IP_RECVTOS),
    OF(IPPROTO_IP, IP_PKTINFO),
    OF(IPPROTO_IP, IP_FREEBIND),
    OF(IPPROTO_IP, IP_MTU_DISCOVER),
    OF(IPPROTO_IP, IP_RECVERR),
    OF(IPPROTO_TCP, TCP_NODELAY),
    OF(IPPROTO_TCP, TCP_CORK),
    OF(IPPROTO_TCP, TCP_KEEPIDLE),
    OF(IPPROTO_TCP, TCP_KEEPINTVL),
    OF(IPPROTO_TCP, TCP_KEEPCNT),
    OF(IPPROTO_TCP, TCP_SYNCNT),
    OF(IPPROTO_TCP, TCP_LINGER2),
    OF(IPPROTO_TCP, TCP_DEFER_ACCEPT),
    OF(IPPROTO_TCP, TCP_QUICKACK),
    OF(IPPROTO_TCP, TCP_USER_TIMEOUT),
    OF(IPPROTO_TCP, TCP_NOTSENT_LOWAT),
    OF(IPPROTO_TCP, TCP_SAVE_SYN),
};

/* Values in and beyond the range of most. */
static const int values[] = {1, 0, 2, 255, 256, -1, 40000, 1 << 30};

static void take_and_give_back(struct play *p, int s, bool set)
{
    for (size_t i = 0; i < COUNT(options); i++) {
        play_option(p, s, options[i].name, options[i].level, options[i].option);
        for (size_t v = 0; set && v < COUNT(values); v++) {
            int result =
                A->setsockopt(s, options[i].level, options[i].option, &values[v], sizeof values[v]);
            int now = -9;
            socklen_t length = sizeof now;
            A->getsockopt(s, options[i].level, options[i].option, &now, &length);
            play_note(p, "%s %d: %s, then %d", options[i].name, values[v],
                      result < 0 ? strerrorname_np(errno) : "set", now);
        }
    }
}

static void of_a_stream_at_first(struct play *p)
{
    take_and_give_back(p, play_stream(p), false);
}

static void of_a_datagram_socket_at_first(struct play *p)
{
    take_and_give_back(p, play_datagram(p), false);
}

static void of_a_stream(struct play *p)
{
    take_and_give_back(p, play_stream(p), true);
}

static void of_a_datagram_socket(struct play *p)
{
    take_and_give_back(p, play_datagram(p), true);
}

static void buffers_are_doubled_and_bounded(struct play *p)
{
    const int sizes[] = {8192, 1, 0, 30000};
    const int kinds[] = {play_stream(p), play_datagram(p)};
    for (size_t k = 0; k < COUNT(kinds); k++) {
        for (size_t i = 0; i < COUNT(sizes); i++) {
            play_set(p, kinds[k], SOL_SOCKET, SO_RCVBUF, sizes[i]);
            OPTION(kinds[k], SOL_SOCKET, SO_RCVBUF);
            play_set(p, kinds[k], SOL_SOCKET, SO_SNDBUF, sizes[i]);
            OPTION(kinds[k], SOL_SOCKET, SO_SNDBUF);
        }
    }
}

static void times_and_lingering(struct play *p)
{
    const struct timeval times[] = {{1, 500000}, {0, 0}, {-1, 0}, {0, 1000000}, {0, -1}};
    const struct linger lingers[] = {{1, 7}, {0, 9}, {1, 0}, {1, 60000}};
    int s = play_stream(p);
    for (size_t i = 0; i < COUNT(times); i++) {
        struct timeval got = {9, 9};
        socklen_t length = sizeof got;
        STEP(A->setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &times[i], sizeof times[i]));
        STEP(A->getsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &got, &length));
        play_note(p, "%d bytes: %d s %d", (int)length, (int)got.tv_sec, (int)got.tv_usec / 10000);
    }
    STEP(A->setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &times[0], sizeof times[0] - 1));
    for (size_t i = 0; i < COUNT(lingers); i++) {
        struct linger got = {9, 9};
        socklen_t length = sizeof got;
        STEP(A->setsockopt(s, SOL_SOCKET, SO_LINGER, &lingers[i], sizeof lingers[i]));
        STEP(A->getsockopt(s, SOL_SOCKET, SO_LINGER, &got, &length));
        play_note(p, "%d bytes: %d %d", (int)length, got.l_onoff, got.l_linger);
    }
    STEP(A->setsockopt(s, SOL_SOCKET, SO_LINGER, &lingers[0], 4));
}

static void one_byte_will_do_at_the_level_of_ip(struct play *p)
{
    const unsigned char byte = 44;
    int s = play_stream(p);
    STEP(A->setsockopt(s, IPPROTO_IP, IP_TTL, &byte, 1));
    OPTION(s, IPPROTO_IP, IP_TTL);
    STEP(A->setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &byte, 1));
}

static void congestion_control_by_name(struct play *p)
{
    char name[16] = "";
    socklen_t length = sizeof name;
    int s = play_stream(p);
    STEP(A->setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
    STEP(A->getsockopt(s, IPPROTO_TCP, TCP_CONGESTION, name, &length));
    play_note(p, "%.16s, %u bytes", name, length);
    STEP(A->setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "no such", 7));
    STEP(A->setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "", 0));
}

/* Those that every kernel has have nothing to tell. */
static void congestion_control_that_tells_nothing(struct play *p)
{
    static const char *const names[] = {"reno", "cubic"};
    unsigned char bytes[32] = {0};
    socklen_t length;
    int streams[] = {play_stream(p), play_listener(p)};
    for (size_t i = 0; i < COUNT(streams); i++) {
        for (size_t k = 0; k < COUNT(names); k++) {
            STEP(A->setsockopt(streams[i], IPPROTO_TCP, TCP_CONGESTION, names[k],
                               (socklen_t)strlen(names[k])));
            length = sizeof bytes;
            STEP(A->getsockopt(streams[i], IPPROTO_TCP, TCP_CC_INFO, bytes, &length));
            play_note(p, "%s: %u bytes", names[k], length);
        }
    }
    STEP(A->setsockopt(streams[0], IPPROTO_TCP, TCP_CC_INFO, bytes, 4));
    STEP(A->getsockopt(streams[0], IPPROTO_TCP, TCP_CC_INFO, bytes, NULL));
    length = (socklen_t)-1;
    STEP(A->getsockopt(streams[0], IPPROTO_TCP, TCP_CC_INFO, bytes, &length));
    length = sizeof bytes;
    STEP(A->getsockopt(play_datagram(p), IPPROTO_TCP, TCP_CC_INFO, bytes, &length));
}

/* The kernel keeps TCP options that are ours to choose: lengths are not compared, but for 0. */
static void headers_of_a_SYN_are_kept_and_read_once(struct play *p)
{
    unsigned char bytes[120] = {0};
    socklen_t length = sizeof bytes;
    int listener = play_listener(p);
    play_set(p, listener, IPPROTO_TCP, TCP_SAVE_SYN, 1);
    STEP(A->setsockopt(listener, IPPROTO_TCP, TCP_SAVED_SYN, &(int){1}, sizeof(int)));
    STEP(A->getsockopt(listener, IPPROTO_TCP, TCP_SAVED_SYN, bytes, &length));
    play_note(p, "of a listener: %u bytes", length);
    int client = play_dial(p);
    int server = play_accept(p, listener);
    OPTION(server, IPPROTO_TCP, TCP_SAVE_SYN);
    length = 20;
    STEP(A->getsockopt(server, IPPROTO_TCP, TCP_SAVED_SYN, bytes, &length));
    play_note(p, "more is needed: %d", length > 40);
    STEP(A->getsockopt(server, IPPROTO_TCP, TCP_SAVED_SYN, bytes, &length));
    play_note(p, "version and length %x, protocol %d, to port %d, SYN %d", bytes[0], bytes[9],
              (bytes[22] << 8 | bytes[23]) == p->port, bytes[33] & 2);
    STEP(A->getsockopt(server, IPPROTO_TCP, TCP_SAVED_SYN, bytes, &length));
    play_note(p, "again: %u bytes", length);
    length = sizeof bytes;
    STEP(A->getsockopt(client, IPPROTO_TCP, TCP_SAVED_SYN, bytes, &length));
    play_note(p, "of who connected: %u bytes", length);
}

static void key_of(struct play *p, int s, const char *what)
{
    unsigned char key[40] = {0};
    socklen_t length = sizeof key;
    STEP(A->getsockopt(s, IPPROTO_TCP, TCP_FASTOPEN_KEY, key, &length));
    play_note(p, "%s has %u bytes, %d first", what, length, key[0]);
}

static void a_key_for_cookies_is_the_socket_s_own(struct play *p)
{
    static const unsigned char key[33] = {65};
    int listener = play_listener(p), client = play_dial(p);
    int server = play_accept(p, listener);
    const int sockets[] = {play_stream(p), listener, client, server};
    for (size_t i = 0; i < COUNT(sockets); i++) {
        key_of(p, sockets[i], "at first");
        STEP(A->setsockopt(sockets[i], IPPROTO_TCP, TCP_FASTOPEN_KEY, key, 15));
        STEP(A->setsockopt(sockets[i], IPPROTO_TCP, TCP_FASTOPEN_KEY, key, 33));
        STEP(A->setsockopt(sockets[i], IPPROTO_TCP, TCP_FASTOPEN_KEY, key, 32));
        key_of(p, sockets[i], "then");
        STEP(A->setsockopt(sockets[i], IPPROTO_TCP, TCP_FASTOPEN_KEY, key, 16));
        key_of(p, sockets[i], "at last");
        socklen_t length = 7;
        unsigned char bytes[7] = {0};
        STEP(A->getsockopt(sockets[i], IPPROTO_TCP, TCP_FASTOPEN_KEY, bytes, &length));
        play_note(p, "%u bytes fit", length);
    }
    play_dial(p);
    key_of(p, play_accept(p, listener), "its listener's is not handed down:");
}

#define PROGRAM(name)         \
    {                         \
        "option/" #name, name \
    }
const struct program programs_option[] = {
    PROGRAM(of_a_stream_at_first),
    PROGRAM(of_a_datagram_socket_at_first),
    PROGRAM(of_a_stream),
    PROGRAM(of_a_datagram_socket),
    PROGRAM(buffers_are_doubled_and_bounded),
    PROGRAM(times_and_lingering),
    PROGRAM(one_byte_will_do_at_the_level_of_ip),
    PROGRAM(congestion_control_by_name),
    PROGRAM(congestion_control_that_tells_nothing),
    PROGRAM(headers_of_a_SYN_are_kept_and_read_once),
    PROGRAM(a_key_for_cookies_is_the_socket_s_own),
};
const unsigned programs_option_count = COUNT(programs_option);
