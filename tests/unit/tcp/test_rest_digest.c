/* What is kept of a connection in short comes back as it was. */
#include "tcp_peer.h"

#include "tcp/rest.h"

/* Puts the block away and has it made anew: *before is the old one, as it was. */
static void there_and_back(struct peer *p, struct tcb *before)
{
    struct tcp_connection *connection = tcp_connection_keep(p->tcb);
    if (!rest_possible(p->tcb))
        fail_msg("it cannot rest");
    *before = *p->tcb;
    assert_true(rest_begin(p->tcb));
    assert_true(tcp_connection_rests(connection));
    p->tcb = tcp_connection_wake(connection);
    timer_clear(p->tcb, TCP_TIMER_REST);
    before->deadline_ns[TCP_TIMER_REST] = TIME_NEVER;
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

#define same(member) assert_true(a->member == b->member)
/* At most that much apart. */
#define near(member, most) assert_in_range((a->member) - (b->member) + (most), 0, 2 * (most))

static void check_sequence(const struct tcb *a, const struct tcb *b)
{
    same(state);
    same(snd.una);
    same(snd.nxt);
    same(snd.base);
    same(snd.wnd);
    same(snd.max_wnd);
    same(snd.mss);
    same(snd.peer_mss);
    same(snd.scale);
    same(snd.fin_queued);
    same(snd.fin_sent);
    same(snd.fin_acked);
    same(rcv.nxt);
    same(rcv.wnd);
    same(rcv.wup);
    same(rcv.scale);
    same(rcv.fin);
    same(rcv.mss);
    same(rcv.advertised_mss);
    same(rcv.buffer);
    same(rcv.limit);
    same(rcv.read_most);
    same(opt.sack);
    same(opt.timestamps);
    same(opt.scaling);
    same(opt.ts_offset);
    same(opt.ts_recent);
    near(opt.ts_recent_ns, TIME_MS(17));
    same(opt.last_ack_sent);
    same(records.highest_sacked);
    same(path.mtu);
    same(path.link_mtu);
    same(path.interface);
    same(path.header_bytes);
    assert_true(address_equal(&a->path.source, &b->path.source));
}

static void check_path(const struct tcb *a, const struct tcb *b)
{
    near(rtt.srtt_ns, 64);
    near(rtt.rttvar_ns, 64);
    near(rtt.deviation_ns, 64);
    near(rtt.rto_ns, 64);
    near(rtt.min_ns, 64);
    assert_true(a->rtt.min_stamp_ns <= b->rtt.min_stamp_ns + TIME_MS(17));
    near(rcv.rtt_ns, 64);
    near(ack.delay_ns, 64);
    same(ack.quick);
    same(ack.interactive);
    same(recovery.reordering);
    same(rack.window_steps);
    same(rack.window_persist);
    same(rack.reordering_seen);
    same(rack.rtt_taken);
    same(cc.operations);
    same(cc.cwnd);
    same(cc.ssthresh);
    same(rate.delivered);
    near(rate.latest, 1024);
    same(mtu.proven);
    same(mtu.enabled);
}

static void check_statistics(const struct tcb *a, const struct tcb *b)
{
    same(stat.bytes_acked);
    same(stat.bytes_received);
    same(stat.bytes_sent);
    same(stat.bytes_retransmitted);
    same(stat.retransmits);
    same(stat.dsacks);
    same(stat.timeouts);
    same(stat.segments_in);
    same(stat.segments_out);
    same(stat.data_segments_in);
    same(stat.data_segments_out);
    same(stat.established_ns);
    near(stat.last_sent_ns, TIME_MS(17));
    near(stat.last_data_sent_ns, TIME_MS(17));
    near(stat.last_received_ns, TIME_MS(17));
    near(stat.last_ack_received_ns, TIME_MS(17));
    near(ack.last_data_ns, TIME_MS(17));
    near(ack.answers.since_ns, TIME_MS(17));
    same(ack.answers.taken);
    near(chrono.spent_ns[1], 1000);
    same(user_timeout.remote_s);
    same(keepalive_sent);
    same(saved_syn);
}

static void check_user(const struct tcb *a, const struct tcb *b)
{
    assert_memory_equal(&a->preferences, &b->preferences, sizeof a->preferences);
    assert_memory_equal(a->deadline_ns, b->deadline_ns, sizeof a->deadline_ns);
    assert_memory_equal(&a->ecn.handshake, &b->ecn.handshake, sizeof a->ecn.handshake);
    if (a->ecn.handshake.mode != ECN_OFF)
        assert_memory_equal(&a->ecn, &b->ecn, sizeof a->ecn);
    same(detached);
    same(bound);
    same(in_demux);
    same(accepted_open);
    same(receive_shut);
    same(ever_open);
    same(connection);
    same(stack);
    same(tcp);
}

static void check(struct peer *p)
{
    struct tcb before;
    there_and_back(p, &before);
    check_sequence(&before, p->tcb);
    check_path(&before, p->tcb);
    check_statistics(&before, p->tcb);
    check_user(&before, p->tcb);
}

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
    assert_int_equal(p->tcb->ecn.accurate.received_ce, 1);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connection_comes_back_as_it_was),
        cmocka_unit_test(what_was_asked_for_comes_back),
        cmocka_unit_test(what_few_connections_have_comes_back),
        cmocka_unit_test(SYN_that_is_kept_comes_back),
        cmocka_unit_test(marks_that_were_counted_come_back),
        cmocka_unit_test(algorithm_remembers_what_it_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
