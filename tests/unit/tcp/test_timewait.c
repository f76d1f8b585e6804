#include "tcp_peer.h"

#include "tcp/info.h"

/* Closes actively; both FINs are acknowledged. */
static void to_time_wait(struct peer *p)
{
    tcp_shutdown_send(p->tcb);
    peer_expect(p, TCP_FIN | TCP_ACK, 1, 0);
    peer_ack(p, 2);
    peer_fin(p);
    peer_expect_ack(p, 2);
    assert_int_equal(p->tcb->state, TCP_TIME_WAIT);
}

static struct peer *peer_in_time_wait(enum peer_offer offer)
{
    struct peer *p = peer_new();
    peer_listen(p, 5);
    peer_accept(p, offer);
    to_time_wait(p);
    return p;
}

static void MUST_13_active_close_waits_for_2_MSL(void **state)
{
    (void)state;
    struct peer *p = peer_in_time_wait(PEER_PLAIN);
    peer_after(p, 59999);
    assert_int_equal(p->tcb->state, TCP_TIME_WAIT);
    struct tern_tcp_info info;
    tcp_info_fill(p->tcb, &info);
    assert_int_equal(info.tcpi_state, TCP_CLOSED); /* to its user it is over */
    peer_after(p, 1);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    assert_int_equal(tcp_of(&p->m->stack)->time_wait_count, 0);
    peer_free(p);
}

static void repeated_FIN_is_acknowledged_and_starts_the_wait_again(void **state)
{
    (void)state;
    struct peer *p = peer_in_time_wait(PEER_PLAIN);
    peer_after(p, 50000);
    assert_int_equal(peer_send(p, TCP_FIN | TCP_ACK, 1, 0), DROP_TCP_TIME_WAIT);
    peer_expect_ack(p, 2);
    peer_after(p, 59999);
    assert_int_equal(p->tcb->state, TCP_TIME_WAIT);
    peer_after(p, 1);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    peer_free(p);
}

static void pure_ACK_in_place_is_not_answered(void **state)
{
    (void)state;
    struct peer *p = peer_in_time_wait(PEER_PLAIN);
    assert_int_equal(peer_send(p, TCP_ACK, 2, 0), DROP_TCP_TIME_WAIT);
    peer_quiet(p);
    /* Anything else shows that its sender missed something. */
    peer_send(p, TCP_ACK, 1, 0);
    peer_expect_ack(p, 2);
    peer_send(p, TCP_ACK, 2, 10);
    peer_expect_ack(p, 2);
    peer_free(p);
}

/* RFC 1337 §3, F1. */
static void rfc1337_reset_does_not_end_TIME_WAIT(void **state)
{
    (void)state;
    struct peer *p = peer_in_time_wait(PEER_PLAIN);
    assert_int_equal(peer_send(p, TCP_RST, 2, 0), DROP_TCP_TIME_WAIT);
    assert_int_equal(p->tcb->state, TCP_TIME_WAIT);
    peer_quiet(p);
    /* Where that is switched off, only the exact number does. */
    peer_settings(p)->tcp_rfc1337 = 0;
    peer_send(p, TCP_RST, 3, 0);
    assert_int_equal(p->tcb->state, TCP_TIME_WAIT);
    peer_send(p, TCP_RST, 2, 0);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    peer_free(p);
}

/* ── A SYN that opens anew (RFC 6191 §2) ── */

static void reopens(struct peer *p, uint32_t seq, uint32_t ts, bool with_timestamps, bool expected)
{
    struct tcb *old = p->tcb;
    struct segment syn = peer_syn(p, TCP_SYN, with_timestamps ? PEER_FULL : PEER_PLAIN);
    syn.seq = PEER_ISS + seq;
    syn.options.timestamp_value = ts;
    enum drop_reason reason = peer_send_raw(p, syn);
    assert_int_equal(reason, expected ? DROP_NONE : DROP_TCP_TIME_WAIT);
    assert_int_equal(old->state, expected ? TCP_CLOSED : TCP_TIME_WAIT);
    if (expected) {
        uint32_t before = p->iss;
        p->iss = 0;
        struct segment answer = peer_take(p);
        assert_int_equal(answer.flags, TCP_SYN | TCP_ACK);
        assert_int_equal(answer.ack, seq + 1);
        /* RFC 9293 §3.6.1, MAY-2: beyond what the old connection used. */
        assert_true(seq_gt(answer.seq, before + 1));
        assert_int_equal(machine_counter(p->m, "TcpExtTWRecycled"), 1);
    } else {
        peer_expect_ack(p, 2);
    }
}

static void MAY_2_SYN_with_a_larger_sequence_number_reopens(void **state)
{
    (void)state;
    struct peer *p = peer_in_time_wait(PEER_PLAIN);
    reopens(p, 2, 0, false, false);
    reopens(p, 1, 0, false, false);
    peer_after(p, 100);
    reopens(p, 3, 0, false, true);
    peer_free(p);
}

static void SHLD_4_SYN_with_a_newer_timestamp_reopens_whatever_its_number(void **state)
{
    (void)state;
    struct peer *p = peer_in_time_wait(PEER_FULL);
    reopens(p, 0x80000000u, 999, true, false);
    reopens(p, 5, 999, true, false);
    peer_after(p, 100);
    reopens(p, (uint32_t)-100, 1001, true, true);
    peer_free(p);
}

/* RFC 6191 §2: equal timestamps leave it to the sequence number. */
static void SYN_with_an_equal_timestamp_is_judged_by_its_number(void **state)
{
    (void)state;
    struct peer *p = peer_in_time_wait(PEER_FULL);
    reopens(p, 1, 1000, true, false);
    peer_after(p, 100);
    reopens(p, 3, 1000, true, true);
    peer_free(p);
}

static void new_SYN_where_nobody_listens_does_not_end_TIME_WAIT(void **state)
{
    (void)state;
    struct peer *p = peer_in_time_wait(PEER_PLAIN);
    tcp_listener_close(p->listener);
    p->listener = NULL;
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN, PEER_PLAIN)), DROP_TCP_TIME_WAIT);
    assert_int_equal(p->tcb->state, TCP_TIME_WAIT);
    peer_free(p);
}

/* Rule 16: the table is bounded; the oldest go, and connections that are open live on. */
static void TIME_WAIT_table_is_bounded_and_the_oldest_goes_first(void **state)
{
    (void)state;
    struct peer *p = peer_in_time_wait(PEER_PLAIN);
    struct tcp *tcp = tcp_of(&p->m->stack);
    struct tcb *oldest = p->tcb;
    p->tcb = NULL;
    p->theirs.port++;
    p->next = p->acked = 0;
    peer_accept(p, PEER_PLAIN);
    struct tcb *open = p->tcb;
    /* As many as fit beside the oldest, made without their lives. */
    for (uint32_t i = 1; i < LIMIT_TIME_WAIT; i++) {
        struct tcb *tcb = tcp_connection_new(tcp);
        assert_non_null(tcb);
        tcp_set_state(tcb, TCP_SYN_RECEIVED);
        tcp_set_state(tcb, TCP_FIN_WAIT_1);
        tcp_connection_time_wait(tcb);
    }
    assert_int_equal(tcp->time_wait_count, LIMIT_TIME_WAIT);
    assert_int_equal(oldest->state, TCP_TIME_WAIT);
    /* One more by the real way. */
    p->tcb = NULL;
    p->theirs.port++;
    p->next = p->acked = 0;
    peer_accept(p, PEER_PLAIN);
    to_time_wait(p);
    assert_int_equal(tcp->time_wait_count, LIMIT_TIME_WAIT);
    assert_int_equal(oldest->state, TCP_CLOSED);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPTimeWaitOverflow"), 1);
    assert_int_equal(open->state, TCP_ESTABLISHED);
    tcp_abort(oldest);
    tcp_abort(open);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(MUST_13_active_close_waits_for_2_MSL),
        cmocka_unit_test(repeated_FIN_is_acknowledged_and_starts_the_wait_again),
        cmocka_unit_test(pure_ACK_in_place_is_not_answered),
        cmocka_unit_test(rfc1337_reset_does_not_end_TIME_WAIT),
        cmocka_unit_test(MAY_2_SYN_with_a_larger_sequence_number_reopens),
        cmocka_unit_test(SHLD_4_SYN_with_a_newer_timestamp_reopens_whatever_its_number),
        cmocka_unit_test(SYN_with_an_equal_timestamp_is_judged_by_its_number),
        cmocka_unit_test(new_SYN_where_nobody_listens_does_not_end_TIME_WAIT),
        cmocka_unit_test(TIME_WAIT_table_is_bounded_and_the_oldest_goes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
