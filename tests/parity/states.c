#include "matrix.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ── No socket ── */

static void not_open(struct play *p)
{
    p->subject = 63;
}

static void negative(struct play *p)
{
    p->subject = -1;
}

static void instance_of_epoll(struct play *p)
{
    p->subject = A->epoll_create1(0);
}

/* ── TCP ── */

static void stream_fresh(struct play *p)
{
    p->subject = play_stream(p);
}

static void stream_bound(struct play *p)
{
    p->subject = play_stream(p);
    A->bind(p->subject, LOOP(p->port));
}

static void stream_listening(struct play *p)
{
    p->subject = play_listener(p);
}

static void stream_listening_and_one_waits(struct play *p)
{
    p->subject = play_listener(p);
    p->peer = play_dial(p);
    play_await(p, p->subject, POLLIN);
}

static void stream_connecting(struct play *p)
{
    p->subject = play_stream(p);
    A->connect(p->subject, AT("10.0.0.99", 5));
}

static void stream_refused(struct play *p)
{
    p->subject = play_stream(p);
    A->connect(p->subject, LOOP(p->port));
    play_await(p, p->subject, POLLHUP);
}

static void stream_refused_and_told(struct play *p)
{
    stream_refused(p);
    A->connect(p->subject, LOOP(p->port));
}

static void stream_connected(struct play *p)
{
    play_connected(p, &p->subject, &p->peer);
}

static void stream_accepted(struct play *p)
{
    play_connected(p, &p->peer, &p->subject);
}

static void stream_with_data(struct play *p)
{
    stream_connected(p);
    A->send(p->peer, "hello", 5, 0);
    play_await(p, p->subject, POLLIN);
}

static void stream_peer_finished(struct play *p)
{
    stream_connected(p);
    A->shutdown(p->peer, SHUT_WR);
    play_await(p, p->subject, POLLRDHUP);
}

static void stream_peer_finished_after_data(struct play *p)
{
    stream_with_data(p);
    A->shutdown(p->peer, SHUT_WR);
    play_await(p, p->subject, POLLRDHUP);
}

static void stream_peer_closed(struct play *p)
{
    stream_connected(p);
    A->close(p->peer);
    p->peer = -1;
    play_await(p, p->subject, POLLRDHUP);
}

static void stream_reset(struct play *p)
{
    stream_connected(p);
    play_linger(p, p->peer, 1, 0);
    A->close(p->peer);
    p->peer = -1;
    play_await(p, p->subject, POLLERR);
}

static void stream_reset_after_data(struct play *p)
{
    stream_with_data(p);
    play_linger(p, p->peer, 1, 0);
    A->close(p->peer);
    p->peer = -1;
    play_await(p, p->subject, POLLERR);
}

static void stream_reset_and_told(struct play *p)
{
    char byte;
    stream_reset(p);
    A->recv(p->subject, &byte, 1, 0);
}

static void stream_sending_shut(struct play *p)
{
    stream_connected(p);
    A->shutdown(p->subject, SHUT_WR);
    play_await_fin(p, p->subject);
}

static void stream_receiving_shut(struct play *p)
{
    stream_connected(p);
    A->shutdown(p->subject, SHUT_RD);
}

static void stream_both_shut(struct play *p)
{
    stream_connected(p);
    A->shutdown(p->subject, SHUT_RDWR);
    play_await_fin(p, p->subject);
}

static void stream_over(struct play *p)
{
    stream_connected(p);
    A->shutdown(p->subject, SHUT_WR);
    A->shutdown(p->peer, SHUT_WR);
    play_await(p, p->subject, POLLHUP);
}

/* The peer closes last: no TIME-WAIT on this side. */
static void stream_over_closed_last(struct play *p)
{
    stream_connected(p);
    A->shutdown(p->peer, SHUT_WR);
    play_await(p, p->subject, POLLRDHUP);
    A->shutdown(p->subject, SHUT_WR);
    play_await(p, p->peer, POLLHUP);
    play_await(p, p->subject, POLLHUP);
}

/* ── UDP ── */

static void datagram_fresh(struct play *p)
{
    p->subject = play_datagram(p);
}

static void datagram_bound(struct play *p)
{
    p->subject = play_datagram(p);
    A->bind(p->subject, LOOP(p->port));
}

static void datagram_connected(struct play *p)
{
    p->subject = play_datagram(p);
    p->peer = play_datagram(p);
    A->bind(p->subject, LOOP(p->port));
    A->bind(p->peer, LOOP((uint16_t)(p->port + 1)));
    A->connect(p->subject, LOOP((uint16_t)(p->port + 1)));
}

static void datagram_with_data(struct play *p)
{
    datagram_connected(p);
    A->sendto(p->peer, "hello", 5, 0, LOOP(p->port));
    play_await(p, p->subject, POLLIN);
}

static void datagram_with_an_empty_one(struct play *p)
{
    datagram_connected(p);
    A->sendto(p->peer, "", 0, 0, LOOP(p->port));
    play_await(p, p->subject, POLLIN);
}

static void datagram_refused(struct play *p)
{
    datagram_connected(p);
    A->close(p->peer);
    p->peer = -1;
    A->send(p->subject, "x", 1, 0);
    play_await(p, p->subject, POLLERR);
}

static void datagram_sending_shut(struct play *p)
{
    datagram_connected(p);
    A->shutdown(p->subject, SHUT_WR);
}

static void datagram_receiving_shut(struct play *p)
{
    datagram_connected(p);
    A->shutdown(p->subject, SHUT_RD);
}

static void datagram_both_shut(struct play *p)
{
    datagram_connected(p);
    A->shutdown(p->subject, SHUT_RDWR);
}

/* ── Echo requests ── */

static void echo_fresh(struct play *p)
{
    p->subject = play_echo(p);
}

static void echo_bound(struct play *p)
{
    p->subject = play_echo(p);
    A->bind(p->subject, LOOP(p->port));
}

static void echo_connected(struct play *p)
{
    echo_bound(p);
    A->connect(p->subject, LOOP(7)); /* the number means nothing, but that there is one */
}

static void echo_answered(struct play *p)
{
    static const char request[] = {8, 0, 0, 0, 0, 0, 0, 1, 'h', 'e', 'l', 'l', 'o'};
    echo_connected(p);
    A->send(p->subject, request, sizeof request, 0);
    play_await(p, p->subject, POLLIN);
}

static void echo_both_shut(struct play *p)
{
    echo_connected(p);
    A->shutdown(p->subject, SHUT_RDWR);
}

#define STATE(name) \
    {               \
#name, name \
    }
const struct state states[] = {
    STATE(not_open),
    STATE(negative),
    STATE(instance_of_epoll),
    STATE(stream_fresh),
    STATE(stream_bound),
    STATE(stream_listening),
    STATE(stream_listening_and_one_waits),
    STATE(stream_connecting),
    STATE(stream_refused),
    STATE(stream_refused_and_told),
    STATE(stream_connected),
    STATE(stream_accepted),
    STATE(stream_with_data),
    STATE(stream_peer_finished),
    STATE(stream_peer_finished_after_data),
    STATE(stream_peer_closed),
    STATE(stream_reset),
    STATE(stream_reset_after_data),
    STATE(stream_reset_and_told),
    STATE(stream_sending_shut),
    STATE(stream_receiving_shut),
    STATE(stream_both_shut),
    STATE(stream_over),
    STATE(stream_over_closed_last),
    STATE(datagram_fresh),
    STATE(datagram_bound),
    STATE(datagram_connected),
    STATE(datagram_with_data),
    STATE(datagram_with_an_empty_one),
    STATE(datagram_refused),
    STATE(datagram_sending_shut),
    STATE(datagram_receiving_shut),
    STATE(datagram_both_shut),
    STATE(echo_fresh),
    STATE(echo_bound),
    STATE(echo_connected),
    STATE(echo_answered),
    STATE(echo_both_shut),
};
const unsigned state_count = COUNT(states);
