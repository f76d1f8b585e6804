/* Ending, asking and setting: shutdown, close, poll, select, epoll, fcntl, ioctl, options. */
#include "matrix.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void shut_sending(struct play *p, int s)
{
    STEP(A->shutdown(s, SHUT_WR));
    play_readiness(p, s);
    STEP(A->shutdown(s, SHUT_WR));
}

static void shut_receiving(struct play *p, int s)
{
    char byte;
    STEP(A->shutdown(s, SHUT_RD));
    play_readiness(p, s);
    STEP(A->recv(s, &byte, 1, 0));
}

static void shut_both(struct play *p, int s)
{
    STEP(A->shutdown(s, SHUT_RDWR));
    play_readiness(p, s);
    STEP(A->send(s, "x", 1, MSG_NOSIGNAL));
}

static void shut_what_is_not_there(struct play *p, int s)
{
    STEP(A->shutdown(s, 3));
    STEP(A->shutdown(s, -1));
}

/* What its peer sees of it. */
static void close_it(struct play *p, int s)
{
    char byte;
    STEP(A->close(s));
    STEP(A->close(s));
    if (p->peer < 0)
        return;
    if (A->getpeername(p->peer, play_address("0.0.0.0", 0), &(socklen_t){16}) == 0)
        STEP(A->recv(p->peer, &byte, 1, 0));
}

static void close_at_once(struct play *p, int s)
{
    struct linger linger = {1, 0};
    STEP(A->setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    STEP(A->close(s));
}

static void poll_it(struct play *p, int s)
{
    play_readiness(p, s);
    struct pollfd fd = {.fd = s, .events = 0};
    STEP(A->poll(&fd, 1, 0));
    fd.events = POLLRDNORM | POLLRDBAND | POLLWRBAND | POLLPRI;
    STEP(A->poll(&fd, 1, 0));
    play_note(p, "revents: %x", (unsigned)fd.revents);
}

static void select_it(struct play *p, int s)
{
    static const struct timeval at_once = {0, 0};
    fd_set in, out, except;
    if (s < 0)
        return;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&except);
    FD_SET(s, &in);
    FD_SET(s, &out);
    FD_SET(s, &except);
    STEP(A->select(s + 1, &in, &out, &except, &at_once));
    play_note(p, "in %d, out %d, except %d", FD_ISSET(s, &in), FD_ISSET(s, &out),
              FD_ISSET(s, &except));
}

static void watch_it(struct play *p, int s)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP}, got = {0};
    int e = A->epoll_create1(0);
    STEP(A->epoll_ctl(e, EPOLL_CTL_MOD, s, &event));
    STEP(A->epoll_ctl(e, EPOLL_CTL_DEL, s, NULL));
    STEP(A->epoll_ctl(e, EPOLL_CTL_ADD, s, &event));
    STEP(A->epoll_ctl(e, EPOLL_CTL_ADD, s, &event));
    if (STEP(A->epoll_wait(e, &got, 1, 0)) > 0)
        play_note(p, "events: %x", got.events);
}

static void watch_its_edges(struct play *p, int s)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET}, got = {0};
    int e = A->epoll_create1(0);
    STEP(A->epoll_ctl(e, EPOLL_CTL_ADD, s, &event));
    STEP(A->epoll_wait(e, &got, 1, 0));
    STEP(A->epoll_wait(e, &got, 1, 0));
    if (STEP(A->shutdown(s, SHUT_WR)) == 0 && STEP(A->epoll_wait(e, &got, 1, 0)) > 0)
        play_note(p, "events: %x", got.events);
}

static void use_it_as_an_instance(struct play *p, int s)
{
    struct epoll_event event = {.events = EPOLLIN};
    int other = play_datagram(p);
    STEP(A->epoll_ctl(s, EPOLL_CTL_ADD, other, &event));
    STEP(A->epoll_wait(s, &event, 1, 0));
    STEP(A->epoll_wait(s, &event, 0, 0));
    STEP(A->epoll_ctl(s, EPOLL_CTL_ADD, s, &event));
}

static void set_flags(struct play *p, int s)
{
    STEP(A->fcntl(s, F_GETFL, 0));
    STEP(A->fcntl(s, F_SETFL, 0));
    STEP(A->fcntl(s, F_GETFL, 0));
    STEP(A->fcntl(s, F_SETFL, O_NONBLOCK));
    STEP(A->fcntl(s, 999, 0));
}

static void ask_what_is_queued(struct play *p, int s)
{
    int value = -1;
    if (STEP(A->ioctl(s, FIONREAD, &value)) == 0)
        play_note(p, "in: %d", value);
    if (STEP(A->ioctl(s, TIOCOUTQ, &value)) == 0)
        play_note(p, "out: %d", value);
    value = 1;
    STEP(A->ioctl(s, FIONBIO, &value));
    STEP(A->ioctl(s, FIONREAD, NULL));
    STEP(A->ioctl(s, 0x12345678, &value));
}

static void ask_for_the_mark(struct play *p, int s)
{
    int value = -1;
    STEP(A->ioctl(s, SIOCATMARK, &value));
    play_note(p, "at it: %d", value);
    STEP(A->ioctl(s, SIOCATMARK, NULL));
    STEP(A->ioctl(s, TIOCOUTQ, NULL));
    STEP(A->ioctl(s, FIONBIO, NULL));
}

/* Each of the manuals' options, set to a number and read again. */
static void set_options(struct play *p, int s, int level, const int *options, size_t count,
                        int number)
{
    for (size_t i = 0; i < count; i++) {
        int value = number;
        socklen_t length = sizeof value;
        play_note(p, "option %d", options[i]);
        STEP(A->setsockopt(s, level, options[i], &value, sizeof value));
        value = 0;
        if (STEP(A->getsockopt(s, level, options[i], &value, &length)) == 0)
            play_note(p, "%d, %u bytes", value, length);
    }
}

static void set_options_of_tcp(struct play *p, int s)
{
    static const int options[] = {TCP_NODELAY,      TCP_CORK,
                                  TCP_KEEPIDLE,     TCP_KEEPINTVL,
                                  TCP_KEEPCNT,      TCP_SYNCNT,
                                  TCP_LINGER2,      TCP_DEFER_ACCEPT,
                                  TCP_WINDOW_CLAMP, TCP_USER_TIMEOUT,
                                  TCP_FASTOPEN,     TCP_FASTOPEN_CONNECT,
                                  TCP_QUICKACK,     TCP_FASTOPEN_NO_COOKIE};
    set_options(p, s, IPPROTO_TCP, options, COUNT(options), 1);
    set_options(p, s, IPPROTO_TCP, options, COUNT(options), 0);
    set_options(p, s, IPPROTO_TCP, options, COUNT(options), -1);
}

static void set_options_of_sockets(struct play *p, int s)
{
    static const int options[] = {
        SO_BROADCAST, SO_DEBUG,    SO_DONTROUTE, SO_KEEPALIVE,   SO_OOBINLINE, SO_REUSEADDR,
        SO_REUSEPORT, SO_PRIORITY, SO_TIMESTAMP, SO_TIMESTAMPNS, SO_ZEROCOPY,  SO_BUSY_POLL,
        SO_RCVLOWAT,  SO_SNDLOWAT, SO_RCVBUF,    SO_SNDBUF,      SO_ERROR,     SO_ACCEPTCONN};
    set_options(p, s, SOL_SOCKET, options, COUNT(options), 1);
    set_options(p, s, SOL_SOCKET, options, COUNT(options), 0);
}

static void set_options_of_ip(struct play *p, int s)
{
    static const int options[] = {IP_TOS,     IP_TTL,      IP_RECVTTL, IP_RECVTOS,
                                  IP_PKTINFO, IP_FREEBIND, IP_RECVERR, IP_MTU_DISCOVER};
    set_options(p, s, IPPROTO_IP, options, COUNT(options), 1);
    set_options(p, s, IPPROTO_IP, options, COUNT(options), 0);
    set_options(p, s, IPPROTO_IP, options, COUNT(options), -1);
}

static void ask_for_its_error(struct play *p, int s)
{
    OPTION(s, SOL_SOCKET, SO_ERROR);
    OPTION(s, SOL_SOCKET, SO_ERROR);
    play_readiness(p, s);
}

static void ask_what_it_is(struct play *p, int s)
{
    OPTION(s, SOL_SOCKET, SO_TYPE);
    OPTION(s, SOL_SOCKET, SO_DOMAIN);
    OPTION(s, SOL_SOCKET, SO_PROTOCOL);
    OPTION(s, SOL_SOCKET, SO_ACCEPTCONN);
    OPTION(s, SOL_SOCKET, SO_REUSEADDR);
    OPTION(s, SOL_SOCKET, SO_KEEPALIVE);
    OPTION(s, SOL_SOCKET, SO_RCVLOWAT);
    OPTION(s, SOL_SOCKET, SO_SNDLOWAT);
    OPTION(s, IPPROTO_TCP, TCP_NODELAY);
}

static void ask_for_its_state(struct play *p, int s)
{
    struct tcp_info info = {0};
    socklen_t length = 8;
    if (STEP(A->getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &length)) == 0)
        play_note(p, "state %d, %u bytes", info.tcpi_state, length);
}

static void ask_for_options_wrongly(struct play *p, int s)
{
    int value;
    socklen_t length = sizeof value, negative = (socklen_t)-1;
    STEP(A->getsockopt(s, SOL_SOCKET, 9999, &value, &length));
    STEP(A->getsockopt(s, IPPROTO_TCP, 9999, &value, &length));
    STEP(A->getsockopt(s, IPPROTO_IP, 9999, &value, &length));
    STEP(A->getsockopt(s, 9999, SO_TYPE, &value, &length));
    STEP(A->getsockopt(s, SOL_SOCKET, SO_TYPE, &value, NULL));
    STEP(A->getsockopt(s, SOL_SOCKET, SO_TYPE, NULL, &length));
    STEP(A->getsockopt(s, SOL_SOCKET, SO_TYPE, &value, &negative));
    STEP(A->getsockopt(s, IPPROTO_TCP, TCP_NODELAY, &value, &negative));
}

static void set_options_wrongly(struct play *p, int s)
{
    int value = 1;
    STEP(A->setsockopt(s, SOL_SOCKET, 9999, &value, sizeof value));
    STEP(A->setsockopt(s, IPPROTO_TCP, 9999, &value, sizeof value));
    STEP(A->setsockopt(s, IPPROTO_IP, 9999, &value, sizeof value));
    STEP(A->setsockopt(s, 9999, SO_TYPE, &value, sizeof value));
    STEP(A->setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &value, 3));
    STEP(A->setsockopt(s, SOL_SOCKET, SO_REUSEADDR, NULL, sizeof value));
    STEP(A->setsockopt(s, SOL_SOCKET, SO_TYPE, &value, sizeof value));
    STEP(A->setsockopt(s, SOL_SOCKET, SO_ERROR, &value, sizeof value));
    STEP(A->setsockopt(s, SOL_SOCKET, SO_ACCEPTCONN, &value, sizeof value));
    STEP(A->setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &value, 3));
    STEP(A->setsockopt(s, IPPROTO_TCP, TCP_INFO, &value, sizeof value));
}

#define ACTION(name) \
    {                \
#name, name  \
    }
const struct action actions_control[] = {
    ACTION(shut_sending),
    ACTION(shut_receiving),
    ACTION(shut_both),
    ACTION(shut_what_is_not_there),
    ACTION(close_it),
    ACTION(close_at_once),
    ACTION(poll_it),
    ACTION(select_it),
    ACTION(watch_it),
    ACTION(watch_its_edges),
    ACTION(use_it_as_an_instance),
    ACTION(set_flags),
    ACTION(ask_what_is_queued),
    ACTION(ask_for_the_mark),
    ACTION(set_options_of_tcp),
    ACTION(set_options_of_sockets),
    ACTION(set_options_of_ip),
    ACTION(ask_for_its_error),
    ACTION(ask_what_it_is),
    ACTION(ask_for_its_state),
    ACTION(ask_for_options_wrongly),
    ACTION(set_options_wrongly),
};
const unsigned actions_control_count = COUNT(actions_control);
