/* A peer that speaks AccECN: its counters go out and ours come in as numbers. */
#ifndef TESTS_UNIT_TCP_ACCECN_FIXTURE_H
#define TESTS_UNIT_TCP_ACCECN_FIXTURE_H

#include "tcp_peer.h"

#include "tcp/accecn.h"
#include "tcp/info.h"
#include "tcp/output.h"

enum {
    SETTING_ASK = 3,
    SETTING_ASK_CLASSIC = 4,
    SETTING_AGREE = 5,
    ASK = TCP_AE | TCP_CWR | TCP_ECE,
    ASK_CLASSIC = TCP_CWR | TCP_ECE,
};

static inline uint16_t flags_of(const struct segment *segment)
{
    return segment->flags & (TCP_AE | TCP_CWR | TCP_ECE);
}

static inline struct tcp_options counters(unsigned order, uint32_t first, uint32_t ce,
                                          uint32_t last)
{
    return (struct tcp_options){.has_accecn = true,
                                .accecn_order = (uint8_t)order,
                                .accecn_count = 3,
                                .accecn = {first, ce, last}};
}

static inline void add_counters(struct tcp_options *options, struct tcp_options counters)
{
    options->has_accecn = counters.has_accecn;
    options->accecn_order = counters.accecn_order;
    options->accecn_count = counters.accecn_count;
    memcpy(options->accecn, counters.accecn, sizeof options->accecn);
}

static inline struct peer *peer_with(int64_t setting)
{
    struct peer *p = peer_new();
    peer_settings(p)->tcp_ecn = setting;
    return p;
}

/* A SYN with `flags` to the listener, answered. */
static inline struct segment ask_listener(struct peer *p, uint16_t flags, uint8_t codepoint)
{
    p->iss = 0;
    p->ecn = codepoint;
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN | flags, PEER_SACK)), DROP_NONE);
    p->ecn = ECN_NOT_ECT;
    struct segment answer = peer_take(p);
    p->iss = answer.seq;
    p->next = p->acked = 1;
    return answer;
}

/* The pure ACK that ends the handshake, saying `flags`. */
static inline void end_handshake(struct peer *p, uint16_t flags, bool option)
{
    struct segment ack = peer_segment(p, TCP_ACK | flags, 1, 0);
    if (option)
        add_counters(&ack.options, counters(0, 1, 0, 1));
    peer_after(p, PEER_RTT_MS);
    assert_int_equal(peer_send_raw(p, ack), DROP_NONE);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
}

/* Accepted, in accurate mode, with the option both ways or none. */
static inline struct peer *peer_accepted_accurate(bool option)
{
    struct peer *p = peer_with(SETTING_AGREE);
    peer_listen(p, 5);
    ask_listener(p, ASK, ECN_NOT_ECT);
    end_handshake(p, TCP_CWR, option);
    assert_int_equal(p->tcb->ecn.handshake.mode, ECN_ACCURATE);
    peer_quiet(p);
    return p;
}

/* Our SYN, up to its `tries`-th time; its flags. */
static inline uint16_t connect_asking(struct peer *p, unsigned tries)
{
    struct segment syn = peer_await_asking(p);
    p->acked = p->next = 1;
    for (unsigned i = 1; i < tries; i++) {
        while (peer_is_quiet(p))
            peer_after(p, 500);
        syn = peer_take(p);
    }
    assert_int_equal(syn.ecn, ECN_NOT_ECT);
    return flags_of(&syn);
}

/* A SYN,ACK with `flags`, that arrived with `codepoint`; the ACK of it. */
static inline struct segment answer_syn(struct peer *p, uint16_t flags, uint8_t codepoint,
                                        bool option)
{
    struct segment answer = peer_syn(p, TCP_SYN | TCP_ACK | flags, PEER_SACK);
    if (option)
        add_counters(&answer.options, counters(0, 1, 0, 1));
    p->ecn = codepoint;
    assert_int_equal(peer_send_raw(p, answer), DROP_NONE);
    p->ecn = ECN_NOT_ECT;
    return peer_take(p);
}

static inline struct peer *peer_connected_accurate(bool option)
{
    struct peer *p = peer_with(SETTING_ASK);
    connect_asking(p, 1);
    peer_after(p, PEER_RTT_MS);
    answer_syn(p, TCP_CWR, ECN_NOT_ECT, option);
    assert_int_equal(p->tcb->ecn.handshake.mode, ECN_ACCURATE);
    return p;
}

/* The peer has heard of `packets` marked ones, acknowledges up to `ack`, and says so. */
static inline void ack_marks(struct peer *p, uint32_t ack, uint32_t packets)
{
    p->acked = ack;
    peer_send(p, TCP_ACK | accecn_flags(packets), p->next, 0);
}

/* A window's worth of our data, and what of it was sent forgotten. */
static inline void send_flight(struct peer *p, uint32_t segments)
{
    peer_write(p, segments * PEER_MSS);
    peer_forget(p);
}

#endif
