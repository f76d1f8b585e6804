/* A TCP peer made by hand: a machine with IP and TCP over the recording link of machine.h, and the
 * other end of one connection, whose every segment a test writes itself and sees answered.
 *
 * Numbers are relative on both sides, as in packetdrill's scripts: a side's SYN is 0, its first
 * byte 1. What the machine sends is taken from the record one segment at a time, each with its
 * checksums verified; a test says what it expects, or that nothing came. */
#ifndef TESTS_TCP_PEER_H
#define TESTS_TCP_PEER_H

#include "machine.h"

#include <errno.h>
#include <poll.h>

#include "base/seq.h"
#include "base/time.h"
#include "ip/ip.h"
#include "tcp/connection.h"
#include "tcp/fastopen.h"
#include "tcp/input.h"
#include "tcp/listener.h"
#include "tcp/options.h"
#include "tcp/records.h"
#include "tcp/recovery.h"
#include "tcp/sockopt.h"
#include "tcp/state.h"
#include "tcp/tcb.h"
#include "tcp/timers.h"

enum {
    PEER_PORT = 80,         /* the peer's, when we connect */
    LISTEN_PORT = 8080,     /* ours, when the peer does */
    PEER_CLIENT = 40000,    /* the peer's port then */
    PEER_ISS = 0xfffff000u, /* near the wrap, so that every test crosses it */
    PEER_MSS = 1000,
    PEER_WINDOW = 60000,
    PEER_RTT_MS = 10,
};

/* What the peer offers in its SYN. */
enum peer_offer {
    PEER_PLAIN = 0,
    PEER_SACK = 1,
    PEER_TIMESTAMPS = 2,
    PEER_SCALING = 4, /* by 7 */
    PEER_FULL = 7,
};

struct peer {
    struct machine *m;
    struct tcb *tcb; /* the connection under test; a test that lets go of it clears this */
    struct tcp_listener *listener;
    struct endpoint ours, theirs;
    unsigned seen;  /* of m->sent */
    uint32_t iss;   /* the machine's, absolute */
    uint32_t next;  /* the peer's next sequence number, relative */
    uint32_t acked; /* what the peer acknowledges, relative */
    uint16_t window;
    bool timestamps; /* its segments carry them */
    uint32_t ts, ts_echo;
    uint16_t
        super;   /* its segments are super-segments of packets with so much text; 0: they are not */
    uint8_t ecn; /* codepoint of its IP headers */
    unsigned events; /* all that the connection's owner has been told */
    unsigned listener_events;
};

static inline void peer_notify(struct stack *stack, void *owner, unsigned events)
{
    struct peer *p = owner;
    (void)stack;
    if (p)
        p->events |= events;
}

static inline struct peer *peer_new(void)
{
    struct peer *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->m = machine_new(0);
    assert_int_equal(ip_attach(&p->m->stack), 0);
    assert_int_equal(tcp_attach(&p->m->stack), 0);
    p->m->stack.notify = peer_notify;
    stack_advance(&p->m->stack, TIME_S(10));
    p->ours = (struct endpoint){address_from_ipv4(MACHINE_ADDRESS), LISTEN_PORT};
    p->theirs = (struct endpoint){address_from_ipv4(PEER_ADDRESS), PEER_PORT};
    p->window = PEER_WINDOW;
    p->ts = 1000;
    return p;
}

/* Ends whatever is left; all memory must be given back. */
static inline void peer_free(struct peer *p)
{
    if (p->tcb)
        tcp_abort(p->tcb);
    if (p->listener)
        tcp_listener_close(p->listener);
    machine_free(p->m);
    free(p);
}

static inline struct settings *peer_settings(struct peer *p)
{
    return &p->m->stack.settings;
}

/* Lets time pass, from one deadline to the next. */
static inline void peer_after(struct peer *p, uint64_t ms)
{
    uint64_t until = p->m->stack.now_ns + TIME_MS(ms);
    while (stack_deadline(&p->m->stack) < until)
        stack_advance(&p->m->stack, stack_deadline(&p->m->stack));
    stack_advance(&p->m->stack, until);
}

/* ── What the peer sends ── */

/* Sends a segment whose every field but ports and checksum is the test's own. */
static inline enum drop_reason peer_send_raw(struct peer *p, struct segment segment)
{
    static uint8_t bytes[65536];
    struct test_packet packet;
    struct ipv4_header header = header_between(address_to_ipv4(&p->theirs.address),
                                               address_to_ipv4(&p->ours.address), IP_PROTOCOL_TCP);
    header.traffic_class = p->ecn;
    segment.source_port = p->theirs.port;
    segment.destination_port = p->ours.port;
    segment.checksum = 0;
    size_t size = tcp_build(&segment, bytes);
    if (segment.length)
        memcpy(bytes + size, segment.text, segment.length);
    segment.checksum = transport_checksum(&header, bytes, size + segment.length);
    tcp_build(&segment, bytes);
    packet_make(&packet, header, bytes, size + segment.length);
    struct tern_offload offload = {.segment_size = p->super};
    return machine_input_offloaded(p->m, packet.bytes, packet.length, p->super ? &offload : NULL);
}

/* The bytes of the peer's stream from relative number `seq` on. */
static inline const uint8_t *peer_pattern(uint32_t seq)
{
    static uint8_t bytes[131072];
    if (bytes[1] == 0)
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)(i % 251);
    return bytes + seq % 251;
}

/* A segment of the connection as the peer would send it now. */
static inline struct segment peer_segment(const struct peer *p, uint16_t flags, uint32_t seq,
                                          uint32_t length)
{
    struct segment segment = {.seq = PEER_ISS + seq,
                              .flags = flags,
                              .window = p->window,
                              .text = peer_pattern(seq),
                              .length = length};
    if (flags & TCP_ACK)
        segment.ack = p->iss + p->acked;
    if (p->timestamps) {
        segment.options.has_timestamps = true;
        segment.options.timestamp_value = p->ts;
        segment.options.timestamp_echo = p->ts_echo;
    }
    return segment;
}

static inline enum drop_reason peer_send(struct peer *p, uint16_t flags, uint32_t seq,
                                         uint32_t length)
{
    return peer_send_raw(p, peer_segment(p, flags, seq, length));
}

/* Text at the relative number `seq`. */
static inline enum drop_reason peer_text(struct peer *p, uint32_t seq, uint32_t length)
{
    uint32_t end = seq + length;
    if (end > p->next)
        p->next = end;
    return peer_send(p, TCP_ACK, seq, length);
}

/* A pure acknowledgment of everything before the machine's relative number `ack`. */
static inline enum drop_reason peer_ack(struct peer *p, uint32_t ack)
{
    p->acked = ack;
    return peer_send(p, TCP_ACK, p->next, 0);
}

static inline enum drop_reason peer_fin(struct peer *p)
{
    return peer_send(p, TCP_FIN | TCP_ACK, p->next++, 0);
}

/* An acknowledgment with up to three SACK blocks, relative; a block (0, 0) is none. */
static inline enum drop_reason peer_sack(struct peer *p, uint32_t ack, struct range a,
                                         struct range b, struct range c)
{
    p->acked = ack;
    struct segment segment = peer_segment(p, TCP_ACK, p->next, 0);
    struct range blocks[] = {a, b, c};
    for (int i = 0; i < 3 && blocks[i].end; i++)
        segment.options.sack[segment.options.sack_count++] =
            (struct range){p->iss + blocks[i].start, p->iss + blocks[i].end};
    return peer_send_raw(p, segment);
}
#define BLOCK(start, end) ((struct range){start, end})
#define NO_BLOCK          ((struct range){0, 0})

/* ── What the machine sends ── */

static inline bool peer_is_quiet(const struct peer *p)
{
    return p->seen == p->m->sent_count;
}

/* Takes the next segment that the machine sent; sequence numbers are made relative. */
static inline struct segment peer_take(struct peer *p)
{
    struct segment segment;
    assert_false(peer_is_quiet(p));
    assert_int_equal(sent_header(p->m, p->seen).protocol, IP_PROTOCOL_TCP);
    assert_true(sent_checksum_is_right(p->m, p->seen));
    assert_true(
        tcp_parse(sent_payload(p->m, p->seen), sent_payload_length(p->m, p->seen), &segment));
    segment.ecn = sent_header(p->m, p->seen).traffic_class & ECN_MASK;
    p->seen++;
    if (segment.options.has_timestamps)
        p->ts_echo = segment.options.timestamp_value;
    segment.seq -= p->iss;
    if (segment.flags & TCP_ACK)
        segment.ack -= PEER_ISS;
    return segment;
}

static inline struct segment peer_expect_at(struct peer *p, uint16_t flags, uint32_t seq,
                                            uint32_t length, const char *file, int line)
{
    if (peer_is_quiet(p)) {
        print_error("%s:%d: nothing was sent\n", file, line);
        fail();
    }
    struct segment s = peer_take(p);
    if (s.flags != flags || s.seq != seq || s.length != length) {
        print_error("%s:%d: flags %x seq %u length %u, expected flags %x seq %u length %u\n", file,
                    line, s.flags, s.seq, s.length, flags, seq, length);
        fail();
    }
    return s;
}
#define peer_expect(p, flags, seq, length) peer_expect_at(p, flags, seq, length, __FILE__, __LINE__)

static inline void peer_quiet_at(const struct peer *p, const char *file, int line)
{
    if (!peer_is_quiet(p)) {
        print_error("%s:%d: %u more segments were sent\n", file, line, p->m->sent_count - p->seen);
        fail();
    }
}
#define peer_quiet(p) peer_quiet_at(p, __FILE__, __LINE__)

/* An acknowledgment without text of the peer's bytes before `ack`. */
static inline struct segment peer_expect_ack_at(struct peer *p, uint32_t ack, const char *file,
                                                int line)
{
    if (peer_is_quiet(p)) {
        print_error("%s:%d: nothing was sent\n", file, line);
        fail();
    }
    struct segment s = peer_take(p);
    if ((s.flags & ~TCP_PSH) != TCP_ACK || s.length || s.ack != ack) {
        print_error("%s:%d: flags %x ack %u length %u, expected an ACK of %u\n", file, line,
                    s.flags, s.ack, s.length, ack);
        fail();
    }
    return s;
}
#define peer_expect_ack(p, ack) peer_expect_ack_at(p, ack, __FILE__, __LINE__)

/* Forgets what has been sent so far; how many segments it was. */
static inline unsigned peer_forget(struct peer *p)
{
    unsigned count = p->m->sent_count - p->seen;
    machine_clear(p->m);
    p->seen = 0;
    return count;
}

/* ── Connections ── */

static inline struct tcp_options peer_options(enum peer_offer offer)
{
    struct tcp_options o = {.has_mss = true, .mss = PEER_MSS};
    o.has_sack_permitted = offer & PEER_SACK;
    o.has_timestamps = offer & PEER_TIMESTAMPS;
    if (o.has_timestamps) {
        o.mss = PEER_MSS + 12; /* segments of PEER_MSS bytes either way */
        o.timestamp_value = 1000;
    }
    o.has_window_scale = offer & PEER_SCALING;
    o.window_scale = 7;
    return o;
}

/* A connection block of ours, and its SYN, whatever that asks for. */
static inline struct segment peer_await_asking(struct peer *p)
{
    if (!p->tcb)
        assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    assert_int_equal(tcp_connect(p->tcb, &p->theirs), -EINPROGRESS);
    p->iss = 0;
    struct segment syn = peer_take(p);
    p->iss = syn.seq;
    p->ours = *tcp_local(p->tcb);
    return syn;
}

static inline struct segment peer_await_syn(struct peer *p)
{
    struct segment syn = peer_await_asking(p);
    assert_int_equal(syn.flags, TCP_SYN);
    return syn;
}

static inline struct segment peer_syn(struct peer *p, uint16_t flags, enum peer_offer offer)
{
    struct segment syn = peer_segment(p, flags, 0, 0);
    syn.options = peer_options(offer);
    syn.options.timestamp_value = p->ts;
    syn.options.timestamp_echo = flags & TCP_ACK ? p->ts_echo : 0;
    return syn;
}

/* Opens actively, with a round trip of PEER_RTT_MS. */
static inline void peer_open(struct peer *p, enum peer_offer offer)
{
    peer_await_syn(p);
    peer_after(p, PEER_RTT_MS);
    p->acked = 1;
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN | TCP_ACK, offer)), DROP_NONE);
    p->next = 1;
    p->timestamps = offer & PEER_TIMESTAMPS;
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    peer_expect_ack(p, 1);
    if (offer & PEER_SCALING)
        p->window = PEER_WINDOW >> 7;
    p->events = 0;
}

static inline void peer_listen(struct peer *p, unsigned backlog)
{
    struct tcb *tcb;
    struct endpoint any = {.port = LISTEN_PORT, .address = address_from_ipv4(0)};
    assert_int_equal(tcp_create(&p->m->stack, NULL, &tcb), 0);
    assert_int_equal(tcp_bind(tcb, &any, false), 0);
    assert_int_equal(tcp_listen(tcb, backlog, NULL, &p->listener), 0);
    p->theirs.port = PEER_CLIENT;
}

/* Sends a SYN to the listener and takes the SYN,ACK. */
static inline struct segment peer_half_open(struct peer *p, enum peer_offer offer)
{
    p->iss = 0;
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN, offer)), DROP_NONE);
    struct segment s = peer_take(p);
    assert_int_equal(s.flags, TCP_SYN | TCP_ACK);
    p->iss = s.seq;
    p->next = p->acked = 1;
    p->timestamps = s.options.has_timestamps;
    return s;
}

static inline void peer_accept(struct peer *p, enum peer_offer offer)
{
    peer_half_open(p, offer);
    peer_after(p, PEER_RTT_MS);
    if (offer & PEER_SCALING)
        p->window = PEER_WINDOW >> 7;
    assert_int_equal(peer_ack(p, 1), DROP_NONE);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    p->events = 0;
}

/* ── The user's calls ── */

static inline ssize_t peer_write_flags(struct peer *p, uint32_t length, int flags)
{
    struct iovec span = {(void *)(uintptr_t)peer_pattern(0), length};
    return tcp_send(p->tcb, &span, 1, flags);
}

/* Writes all of `length` bytes. */
static inline void peer_write(struct peer *p, uint32_t length)
{
    assert_int_equal(peer_write_flags(p, length, 0), length);
}

/* Reads up to `length` bytes; what comes must be the peer's stream from `seq` on. */
static inline ssize_t peer_read(struct peer *p, uint32_t seq, uint32_t length)
{
    static uint8_t bytes[131072];
    struct iovec span = {bytes, length};
    ssize_t got = tcp_receive(p->tcb, &span, 1, 0);
    for (ssize_t i = 0; i < got; i++)
        assert_int_equal(bytes[i], (seq + (uint32_t)i) % 251);
    return got;
}

static inline void peer_set(struct peer *p, int level, int option, int value)
{
    assert_int_equal(tcp_set_option(p->tcb, level, option, &value, sizeof value), 0);
}

/* Writes `count` segments of PEER_MSS and takes them from the record. */
static inline void peer_flight(struct peer *p, uint32_t seq, unsigned count)
{
    peer_write(p, count * PEER_MSS);
    for (unsigned i = 0; i < count; i++) {
        struct segment s = peer_take(p);
        assert_int_equal(s.seq, seq + i * PEER_MSS);
        assert_int_equal(s.length, PEER_MSS);
    }
}

#endif
