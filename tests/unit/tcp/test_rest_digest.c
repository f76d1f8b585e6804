/* What is kept of a connection in short comes back as it was.
 *
 * The old block and the new one are compared byte by byte, but for what is named here: what is
 * rounded, and what is given up. So a member that is new in the block, and that the digest does not
 * know of, is missed here. */
#include "tcp_peer.h"

#include "tcp/ack.h"
#include "tcp/chrono.h"
#include "tcp/preferences.h"
#include "tcp/rest.h"

/* What lies between members differs as it likes. Clang cannot tell where that is. */
#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
#define clear_padding(block) __builtin_clear_padding(block)
#endif
#endif

/* Puts the block away and has it made anew: *before is the old one, as it was. Whether anything was
 * kept of what is rarely used. */
static bool there_and_back(struct peer *p, struct tcb *before)
{
    struct tcp_connection *connection = tcp_connection_keep(p->tcb);
    if (!rest_possible(p->tcb))
        fail_msg("it cannot rest");
    memcpy(before, p->tcb, sizeof *before);
    assert_true(rest_begin(p->tcb));
    assert_true(tcp_connection_rests(connection));
    bool has_extra = connection->rest.extra;
    p->tcb = tcp_connection_wake(connection);
    timer_clear(p->tcb, TCP_TIMER_REST);
    before->deadline_ns[TCP_TIMER_REST] = TIME_NEVER;
    return has_extra;
}

/* A connection that has sent and received. */
static struct peer *experienced(enum peer_offer offer)
{
    struct peer *p = peer_new();
    peer_listen(p, 5);
    peer_accept(p, offer);
    for (uint32_t i = 0; i < 4; i++) {
        peer_flight(p, 1 + i * 2000, 2);
        peer_after(p, 10 + i);
        p->ts += 10 + i;
        peer_ack(p, 2001 + i * 2000);
        peer_text(p, 1 + i * 1000, 1000);
        peer_after(p, 300);
        assert_int_equal(peer_read(p, 1 + i * 1000, 1000), 1000);
        peer_forget(p);
    }
    peer_after(p, 1500);
    return p;
}

/* ── The comparison ── */

/* At most that much apart; in place of which the new one is taken. */
#define near(member, most)                                                      \
    do {                                                                        \
        assert_in_range((old->member) - (new->member) + (most), 0, 2 * (most)); \
        old->member = new->member;                                              \
    } while (0)
#define given_up(member) (old->member = new->member)

enum { RTT = 64, RATE = 1024 };

/* What is about text to come is given up in TIME-WAIT. */
static void compare_habits(struct tcb *old, const struct tcb *new)
{
    near(rcv.rtt_ns, RTT);
    near(ack.delay_ns, RTT);
}

static void give_up_habits(struct tcb *old, const struct tcb *new)
{
    given_up(rcv.rtt_ns);
    given_up(rcv.read_most);
    given_up(ack.delay_ns);
    given_up(recovery.reordering);
}

static void compare_rounded(struct tcb *old, const struct tcb *new)
{
    const uint64_t time = TIME_MS(17);
    near(rtt.srtt_ns, RTT);
    near(rtt.rttvar_ns, RTT);
    near(rtt.deviation_ns, RTT);
    near(rtt.rto_ns, RTT);
    near(rtt.min_ns, RTT);
    near(rtt.min_stamp_ns, time);
    near(ack.last_data_ns, time);
    near(allowance.answers.since_ns, time);
    near(opt.ts_recent_ns, time);
    near(rate.latest, RATE);
    near(stat.last_sent_ns, time);
    near(stat.last_data_sent_ns, time);
    near(stat.last_received_ns, time);
    near(stat.last_ack_received_ns, time);
    near(chrono.spent_ns[CHRONO_BUSY], TIME_US(1));
}

/* What is void, empty or found anew: rest_possible() holds for the new block too. */
static void give_up_what_is_over(struct tcb *old, const struct tcb *new)
{
    given_up(queue);
    given_up(all);
    given_up(errors);
    given_up(stamps);
    given_up(zerocopy);
    given_up(woken);
    given_up(beyond);
    given_up(path.version);
    given_up(rcv.space_taken);
    given_up(path.mtu_until_ns);
    given_up(records.tree);
    given_up(records.in_flight);
    given_up(records.lost);
    given_up(records.stamp_ns);
    given_up(records.out);
    given_up(records.sacked);
    given_up(records.lost_out);
    given_up(records.retransmitted);
    given_up(recovery.advanced_ns);
    given_up(rate.delivered_ns);
    given_up(rate.first_sent_ns);
    given_up(rate.app_limited);
    given_up(rate.lost);
    bool syn_data_acked = old->fast_open.syn_data_acked;
    given_up(fast_open);
    old->fast_open.syn_data_acked = syn_data_acked;
    given_up(syn_attempts);
    given_up(syn_timestamp);
}

static void give_up_of_sending(struct tcb *old, const struct tcb *new)
{
    given_up(snd.wl1);
    given_up(snd.wl2);
    given_up(snd.up);
    given_up(snd.push);
    given_up(snd.small);
    given_up(snd.expected);
    given_up(snd.ring);
    given_up(snd.units);
    given_up(rtt.deviation_max_ns);
    given_up(rtt.period_end);
    given_up(rtt.latest_ns);
    given_up(rack.sent_ns);
    given_up(rack.end);
    given_up(rack.rtt_ns);
    given_up(rack.dsack_round);
    given_up(rack.dsack_round_open);
    given_up(rack.advanced);
    given_up(rack.probe_was_new);
    given_up(rack.probe_end);
    uint32_t reordering = old->recovery.reordering;
    given_up(recovery);
    given_up(undo);
    old->recovery.reordering = reordering;
}

/* What the algorithm remembers has tests of its own. */
static void give_up_of_congestion_control(struct tcb *old, const struct tcb *new)
{
    given_up(cc.fraction);
    given_up(cc.limited);
    given_up(cc.most_out);
    given_up(cc.usage_end);
    given_up(cwv.pipe_now);
    given_up(cwv.pipe_before);
    given_up(cwv.pipe_since_ns);
    given_up(cwv.pipe_round_start);
    given_up(cwv.pipe_round_end);
    given_up(cwv.validated_ns);
    given_up(cwv.fell_from);
    given_up(cwv.resent_before);
    given_up(cc.pacing_rate);
    given_up(cc.next_send_ns);
    memcpy(old->cc.private_state, new->cc.private_state, sizeof old->cc.private_state);
}

static void give_up_of_receiving(struct tcb *old, const struct tcb *new)
{
    given_up(rcv.read_bytes);
    given_up(rcv.read_start_ns);
    given_up(rcv.up);
    given_up(rcv.urgent_taken);
    if (!old->rcv.fin)
        given_up(rcv.fin_seq);
    given_up(rcv.ring);
    given_up(rcv.out_of_order);
    memcpy(old->rcv.sack_recent, new->rcv.sack_recent, sizeof old->rcv.sack_recent);
    given_up(rcv.sack_recent_count);
    given_up(rcv.duplicate);
    given_up(ack.batch);
    given_up(ack.pushed);
    given_up(ack.arrived);
    given_up(ack.acks_alone);
    given_up(allowance.challenges);
    given_up(opt.ts_advanced);
}

/* Of a connection that has nothing of what is rarely used (struct rest_extra). */
static void give_up_extras(struct tcb *old, const struct tcb *new)
{
    given_up(snd.iss);
    given_up(rcv.irs);
    given_up(accecn);
    given_up(ecn.plain_syn);
    given_up(ecn.delivered_ce);
    given_up(mtu.low);
    given_up(mtu.high);
    given_up(mtu.start);
    given_up(mtu.end);
    given_up(mtu.since_ns);
    given_up(chrono.since_ns);
    given_up(chrono.spent_ns[CHRONO_IDLE]);
}

static void compare_bytes(struct tcb *old, struct tcb *new)
{
#ifdef clear_padding
    clear_padding(old);
    clear_padding(new);
    const uint8_t *a = (const uint8_t *)old, *b = (const uint8_t *)new;
    for (size_t i = 0; i < sizeof *old; i++)
        if (a[i] != b[i])
            fail_msg("byte %zu of the block was %u and is %u: neither kept nor named here", i, a[i],
                     b[i]);
#else
    (void)old;
    (void)new;
#endif
}

static bool check(struct peer *p)
{
    struct tcb old, new;
    bool has_extra = there_and_back(p, &old);
    assert_true(rest_possible(p->tcb));
    memcpy(&new, p->tcb, sizeof new);
    if (!old.preferences.send_buffer_fixed)
        old.preferences.send_buffer = (uint32_t)peer_settings(p)->tcp_sndbuf;
    if (old.state != TCP_TIME_WAIT)
        compare_habits(&old, &new);
    compare_rounded(&old, &new);
    give_up_what_is_over(&old, &new);
    give_up_of_sending(&old, &new);
    give_up_of_congestion_control(&old, &new);
    give_up_of_receiving(&old, &new);
    if (!has_extra)
        give_up_extras(&old, &new);
    if (old.state == TCP_TIME_WAIT)
        give_up_habits(&old, &new);
    compare_bytes(&old, &new);
    return has_extra;
}

/* ── Every member off its beginning ── */

/* Numbers and flags of which no two are the same: two flags differ under one of the patterns. */
struct oddity {
    uint32_t number, pattern;
    unsigned flags;
};

static uint32_t odd(struct oddity *o)
{
    o->number += 0x00054321u;
    return o->number;
}

static uint16_t odd16(struct oddity *o)
{
    return (uint16_t)(odd(o) >> 8 | 1);
}

static uint8_t odd8(struct oddity *o)
{
    return (uint8_t)(odd(o) | 1);
}

static bool flag(struct oddity *o)
{
    return o->pattern >> o->flags++ & 1;
}

/* Since the connection has been established. */
static uint64_t odd_time(const struct tcb *tcb, struct oddity *o)
{
    uint64_t since = tcb->stack->now_ns - tcb->stat.established_ns;
    return tcb->stat.established_ns + (uint64_t)odd(o) * TIME_US(1) % since;
}

#define valid(member) (tcb->member = good->member)

/* All bits are set in what these do not know, so that what comes back of it is missed if it does
 * not. First what a block that may rest is made of: who it is, and that nothing goes on. */
static void fill_with_nothing_going_on(struct tcb *tcb, const struct tcb *good)
{
    memset(tcb, 0xff, sizeof *tcb);
    valid(connection);
    valid(stack);
    valid(tcp);
    valid(listener);
    valid(queue);
    valid(all);
    valid(path);
    valid(error);
    valid(soft_error);
    valid(errors);
    valid(stamps);
    valid(zerocopy);
    valid(beyond);
    valid(ended);
    valid(orphan);
    valid(snd.full);
    valid(snd.urgent);
    valid(snd.ring);
    valid(snd.reservation);
    valid(snd.lending);
    valid(snd.writing);
    valid(snd.put_off);
    valid(snd.units);
    valid(rcv.urgent);
    valid(rcv.ring);
    valid(rcv.landing);
    valid(rcv.arrivals);
    valid(rcv.out_of_order);
    valid(rcv.duplicate);
    valid(ack.batch);
    valid(ack.now);
    valid(ack.pending);
    valid(allowance.challenges);
    valid(rtt.backoff);
    valid(records);
    valid(recovery);
    valid(rack.probe_out);
    valid(cc.operations);
    memcpy(tcb->cc.private_state, good->cc.private_state, sizeof tcb->cc.private_state);
    valid(mtu.size);
    valid(charged);
    valid(fast_open);
    valid(opens_early);
    valid(opens_late);
    valid(user_timeout.announce);
    valid(saved_syn);
    valid(chrono.kind);
    valid(stat.established_ns);
    for (unsigned i = 0; i < TCP_TIMERS; i++)
        tcb->deadline_ns[i] = TIME_NEVER;
}

static void fill_state(struct tcb *tcb, struct oddity *o)
{
    tcb->deadline_ns[TCP_TIMER_KEEPALIVE] = tcb->stack->now_ns + TIME_S(77);
    tcb->in_demux = tcb->ever_open = true;
    tcb->detached = flag(o);
    tcb->bound = flag(o);
    tcb->accepted_open = flag(o);
    tcb->receive_shut = flag(o);
    tcb->fast_open.syn_data_acked = flag(o);
    tcb->keepalive_sent = odd8(o);
    tcb->path.mtu = odd16(o);
    tcb->path.header_bytes = odd8(o);
    memset(&tcb->preferences, flag(o), sizeof tcb->preferences);
    tcb->preferences.user_timeout_ms = odd(o);
}

static void fill_sequence(struct tcb *tcb, struct oddity *o)
{
    tcb->snd.fin_queued = tcb->snd.fin_sent = tcb->snd.fin_acked = flag(o);
    tcb->snd.una = tcb->snd.nxt = tcb->records.highest_sacked = odd(o);
    tcb->snd.base = tcb->snd.una - tcb->snd.fin_queued;
    tcb->snd.wnd = odd(o);
    tcb->snd.max_wnd = odd(o);
    tcb->snd.mss = odd16(o);
    tcb->snd.peer_mss = odd16(o);
    tcb->snd.scale = odd8(o) % 15;
    tcb->rcv.fin = tcb->rcv.fin_seen = flag(o);
    tcb->rcv.nxt = tcb->rcv.wup = tcb->opt.last_ack_sent = odd(o);
    tcb->rcv.fin_seq = tcb->rcv.nxt - 1;
    tcb->rcv.wnd = odd(o);
    tcb->rcv.scale = odd8(o) % 15;
    tcb->rcv.mss = odd16(o);
    tcb->rcv.advertised_mss = odd16(o);
    tcb->rcv.buffer = odd(o);
    tcb->rcv.limit = odd(o);
    tcb->rcv.text_share = odd8(o);
    tcb->rcv.read_most = odd(o);
    tcb->rcv.rtt_ns = odd(o);
}

static void fill_acknowledging(struct tcb *tcb, struct oddity *o)
{
    tcb->ack.quick = odd8(o);
    tcb->ack.interactive = flag(o);
    tcb->ack.delay_ns = odd(o);
    tcb->ack.last_data_ns = odd_time(tcb, o);
    tcb->allowance.answers.since_ns = odd_time(tcb, o);
    tcb->allowance.answers.taken = odd16(o);
    tcb->opt.sack = flag(o);
    tcb->opt.timestamps = flag(o);
    tcb->opt.scaling = flag(o);
    tcb->opt.ts_offset = odd(o);
    tcb->opt.ts_recent = odd(o);
    tcb->opt.ts_recent_ns = odd_time(tcb, o);
}

static void fill_path(struct tcb *tcb, struct oddity *o)
{
    tcb->rtt.srtt_ns = odd(o);
    tcb->rtt.rttvar_ns = odd(o);
    tcb->rtt.deviation_ns = odd(o);
    tcb->rtt.rto_ns = odd(o);
    tcb->rtt.min_ns = odd(o);
    tcb->rtt.min_stamp_ns = odd_time(tcb, o);
    tcb->recovery.reordering = odd(o);
    tcb->rack.window_steps = odd8(o);
    tcb->rack.window_persist = odd8(o);
    tcb->rack.reordering_seen = flag(o);
    tcb->rack.rtt_taken = flag(o);
    tcb->cc.cwnd = odd16(o);
    tcb->cc.ssthresh = odd(o);
    tcb->rate.delivered = (uint64_t)odd(o) << 20;
    tcb->rate.latest = odd(o);
    tcb->rate.latest_app_limited = flag(o);
}

static void fill_statistics(struct tcb *tcb, struct oddity *o)
{
    struct tcb_stat *stat = &tcb->stat;
    stat->last_sent_ns = odd_time(tcb, o);
    stat->last_data_sent_ns = odd_time(tcb, o);
    stat->last_received_ns = odd_time(tcb, o);
    stat->last_ack_received_ns = odd_time(tcb, o);
    stat->bytes_acked = stat->bytes_sent = (uint64_t)odd(o) << 20;
    stat->bytes_received = (uint64_t)odd(o) << 20;
    stat->segments_in = odd(o);
    stat->segments_out = odd(o);
    stat->data_segments_in = odd(o);
    stat->data_segments_out = odd(o);
    tcb->chrono.spent_ns[CHRONO_BUSY] = odd(o);
}

/* What is rarely used, so that it is there to be kept, or that it is not. */
static void fill_extras(struct tcb *tcb, struct oddity *o, bool has_extra)
{
    struct tcb_stat *stat = &tcb->stat;
    tcb->ecn.echo = tcb->ecn.reduced = false;
    tcb->ecn.ect_seen = flag(o);
    tcb->ecn.asked = odd8(o);
    tcb->ecn.handshake.mode = has_extra ? ECN_ACCURATE : ECN_OFF;
    tcb->ecn.handshake.answers = odd8(o);
    tcb->ecn.handshake.peer_ecn = odd8(o);
    tcb->ecn.handshake.no_ect = flag(o);
    tcb->ecn.handshake.plain = flag(o);
    tcb->mtu.proven = odd16(o);
    tcb->user_timeout.remote_s = has_extra ? odd(o) : 0;
    tcb->user_timeout.off = has_extra;
    if (has_extra)
        return;
    tcb->mtu.enabled = false;
    stat->retransmits = stat->dsacks = stat->reordering_events = stat->out_of_order = 0;
    stat->timeouts = stat->timeout_rounds = 0;
    stat->bytes_retransmitted = stat->timeout_ns = stat->timeout_since_ns = 0;
    tcb->chrono.spent_ns[CHRONO_PEER] = tcb->chrono.spent_ns[CHRONO_BUFFER] = 0;
}

static void nothing_of_the_block_is_forgotten(void **state)
{
    (void)state;
    static const uint32_t patterns[] = {0,          UINT32_MAX, 0x55555555, 0x33333333,
                                        0x0f0f0f0f, 0x00ff00ff, 0x0000ffff};
    static const enum tcp_state states[] = {TCP_ESTABLISHED, TCP_FIN_WAIT_2, TCP_CLOSE_WAIT,
                                            TCP_TIME_WAIT};
    enum { PATTERNS = sizeof patterns / sizeof *patterns };
    for (unsigned i = 0; i < PATTERNS * 4 * 2; i++) {
        struct oddity o = {.pattern = patterns[i % PATTERNS]};
        bool has_extra = i / PATTERNS % 2;
        struct peer *p = experienced(PEER_FULL);
        struct tcb good;
        memcpy(&good, p->tcb, sizeof good);
        fill_with_nothing_going_on(p->tcb, &good);
        fill_state(p->tcb, &o);
        fill_sequence(p->tcb, &o);
        fill_acknowledging(p->tcb, &o);
        fill_path(p->tcb, &o);
        fill_statistics(p->tcb, &o);
        fill_extras(p->tcb, &o, has_extra);
        p->tcb->state = states[i / PATTERNS / 2];
        list_init(&p->tcb->connection->rest.time_wait);
        assert_int_equal(check(p), has_extra);
        p->tcb->state = good.state; /* so that it can be ended */
        p->tcb->bound = good.bound;
        p->tcb->detached = good.detached;
        p->tcb->path.header_bytes = good.path.header_bytes;
        peer_free(p);
    }
}

/* ── What has gone on ── */

static void connection_comes_back_as_it_was(void **state)
{
    (void)state;
    for (int offer = 0; offer <= PEER_FULL; offer++) {
        struct peer *p = experienced((enum peer_offer)offer);
        assert_true(p->tcb->rtt.srtt_ns > 0);
        check(p);
        peer_free(p);
    }
}

static void what_was_asked_for_comes_back(void **state)
{
    (void)state;
    struct peer *p = experienced(PEER_FULL);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_NODELAY, 1);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_USER_TIMEOUT, 4321);
    peer_set(p, SOL_SOCKET, SO_KEEPALIVE, 1);
    peer_set(p, SOL_SOCKET, SO_SNDBUF, 40000);
    check(p);
    assert_true(timer_is_set(p->tcb, TCP_TIMER_KEEPALIVE));
    assert_true(p->tcb->preferences.no_delay);
    peer_free(p);
}

/* Losses, and what was counted of them. */
static void what_few_connections_have_comes_back(void **state)
{
    (void)state;
    struct peer *p = experienced(PEER_FULL);
    peer_flight(p, 8001, 3);
    peer_after(p, 3000);
    p->ts += 3000;
    peer_forget(p);
    peer_ack(p, 11001);
    peer_after(p, 2000);
    assert_true(p->tcb->stat.retransmits > 0);
    assert_true(p->tcb->stat.timeouts > 0);
    uint64_t held = p->m->stack.memory_used_bytes;
    check(p);
    assert_int_equal(p->m->stack.memory_used_bytes, held);
    peer_free(p);
}

/* TCP_SAVE_SYN: the headers of the SYN, until they are read. */
static void SYN_that_is_kept_comes_back(void **state)
{
    (void)state;
    uint8_t bytes[120];
    socklen_t length = sizeof bytes;
    int save = 1;
    struct peer *p = peer_new();
    peer_listen(p, 5);
    assert_int_equal(
        tcp_listener_set_option(p->listener, IP_PROTOCOL_TCP, OPTION_SAVE_SYN, &save, sizeof save),
        0);
    peer_accept(p, PEER_PLAIN);
    peer_after(p, 1500);
    uint64_t held = p->m->stack.memory_used_bytes;
    check(p);
    assert_int_equal(p->m->stack.memory_used_bytes, held);
    assert_int_equal(tcp_get_option(p->tcb, IP_PROTOCOL_TCP, OPTION_SAVED_SYN, bytes, &length), 0);
    assert_int_equal(length, IPV4_HEADER_MIN + TCP_HEADER_MIN + 4);
    peer_free(p);
}

static void marks_that_were_counted_come_back(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_listen(p, 5);
    p->iss = 0;
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN | TCP_ECE | TCP_CWR | TCP_AE, PEER_SACK)),
                     DROP_NONE);
    struct segment s = peer_take(p);
    p->iss = s.seq;
    p->next = p->acked = 1;
    peer_ack(p, 1);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
    p->ecn = ECN_CE;
    peer_text(p, 1, 1000);
    peer_after(p, 1500);
    assert_int_equal(peer_read(p, 1, 1000), 1000);
    assert_int_equal(p->tcb->ecn.handshake.mode, ECN_ACCURATE);
    assert_int_equal(p->tcb->accecn.received_ce, 1);
    check(p);
    peer_free(p);
}

static void algorithm_remembers_what_it_must(void **state)
{
    (void)state;
    static const char *const names[] = {"cubic", "reno", "bbr"};
    for (size_t i = 0; i < 3; i++) {
        struct peer *p = experienced(PEER_FULL);
        assert_int_equal(tcp_set_option(p->tcb, IP_PROTOCOL_TCP, OPTION_CONGESTION, names[i],
                                        (socklen_t)strlen(names[i])),
                         0);
        p->tcb->cc.ssthresh = 20;
        assert_string_equal(p->tcb->cc.operations->name, names[i]);
        check(p);
        peer_flight(p, 8001, 1);
        peer_free(p);
    }
}

/* The window of CUBIC some time after a reduction, between which there is a rest or none. */
static uint32_t grown_after_a_reduction(bool rests)
{
    struct peer *p = experienced(PEER_FULL);
    p->tcb->cc.cwnd = 400;
    p->tcb->cc.cwnd = p->tcb->cc.ssthresh = p->tcb->cc.operations->reduced(p->tcb);
    if (rests)
        check(p);
    for (int i = 0; i < 30; i++) {
        struct ack_event event = {.delivered = p->tcb->cc.cwnd, .rtt_ns = p->tcb->rtt.srtt_ns};
        p->tcb->cc.limited = true;
        peer_after(p, 100);
        p->tcb->cc.operations->acknowledged(p->tcb, &event);
    }
    uint32_t grown = p->tcb->cc.cwnd;
    peer_free(p);
    return grown;
}

/* RFC 9438: W_max and cwnd_prior say how. */
static void CUBIC_grows_as_if_it_had_not_rested(void **state)
{
    (void)state;
    uint32_t grown = grown_after_a_reduction(false);
    assert_in_range(grown, 300, 399);
    assert_int_equal(grown_after_a_reduction(true), grown);
}

static void BBR_knows_its_model_after_a_rest(void **state)
{
    (void)state;
    struct cc_info before, after;
    struct peer *p = experienced(PEER_FULL);
    assert_int_equal(tcp_set_option(p->tcb, IP_PROTOCOL_TCP, OPTION_CONGESTION, "bbr", 3), 0);
    peer_write(p, 4000);
    peer_after(p, 20);
    p->ts += 20;
    peer_forget(p);
    peer_ack(p, 12001);
    peer_after(p, 1500);
    p->tcb->cc.operations->tell(p->tcb, &before);
    assert_true(before.bbr.bw_low > 0);
    check(p);
    p->tcb->cc.operations->tell(p->tcb, &after);
    assert_memory_equal(&after, &before, sizeof after);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_the_block_is_forgotten),
        cmocka_unit_test(connection_comes_back_as_it_was),
        cmocka_unit_test(what_was_asked_for_comes_back),
        cmocka_unit_test(what_few_connections_have_comes_back),
        cmocka_unit_test(SYN_that_is_kept_comes_back),
        cmocka_unit_test(marks_that_were_counted_come_back),
        cmocka_unit_test(algorithm_remembers_what_it_must),
        cmocka_unit_test(CUBIC_grows_as_if_it_had_not_rested),
        cmocka_unit_test(BBR_knows_its_model_after_a_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
