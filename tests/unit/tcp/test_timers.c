/* RFC 6298 §5, and RFC 9293 §3.8.3 (giving up) and §3.8.4 (keep-alive). */
#include "tcp_peer.h"

static struct peer *peer_opened(void)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    return p;
}

/* ── Retransmission ── */

/* §5.1 to §5.3: runs while something is out, anew on each new acknowledgment. */
static void retransmission_timer_runs_while_something_is_out(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    assert_false(timer_is_set(p->tcb, TCP_TIMER_RETRANSMIT));
    peer_flight(p, 1, 2);
    uint64_t start = p->m->stack.now_ns;
    assert_int_equal(timer_deadline(p->tcb, TCP_TIMER_RETRANSMIT), start + TIME_MS(210));
    peer_after(p, PEER_RTT_MS);
    peer_ack(p, 1001);
    assert_true(timer_deadline(p->tcb, TCP_TIMER_RETRANSMIT) > start + TIME_MS(210));
    peer_ack(p, 2001);
    assert_false(timer_is_set(p->tcb, TCP_TIMER_RETRANSMIT));
    peer_free(p);
}

/* §5.4 to §5.6. */
static void MUST_19_expiry_sends_the_earliest_again_and_doubles_the_timeout(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_settings(p)->tcp_mtu_probing = 0;
    peer_flight(p, 1, 3);
    for (uint64_t rto = 210, i = 0; i < 6; i++, rto *= 2) {
        peer_after(p, rto - 1);
        peer_quiet(p);
        peer_after(p, 1);
        peer_expect(p, TCP_ACK, 1, 1000);
        peer_quiet(p);
    }
    peer_free(p);
}

static void SHLD_11_connection_is_given_up_after_100_seconds_at_the_least(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_flight(p, 1, 1);
    peer_after(p, 100000);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    assert_true(peer_forget(p) >= 3); /* SHLD-10: R1 is at least 3 */
    peer_after(p, 2000000);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    assert_true(p->events & POLLERR);
    assert_int_equal(tcp_error(p->tcb, true), ETIMEDOUT);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPAbortOnTimeout"), 1);
    peer_free(p);
}

/* SHLD-10: R1 is three retransmissions. */
static void SHLD_9_user_is_told_between_R1_and_R2(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_flight(p, 1, 1);
    peer_after(p, 210 * (1 + 2 + 4 + 8) - 1); /* three have gone, the last one's time is not over */
    assert_int_equal(tcp_soft_error(p->tcb), 0);
    assert_int_equal(p->m->events[TERN_TRACE_NOTE], 0);
    peer_after(p, 1);
    assert_int_equal(tcp_soft_error(p->tcb), ETIMEDOUT);
    assert_int_equal(p->m->events[TERN_TRACE_NOTE], 1);
    assert_int_equal(tcp_error(p->tcb, false), 0);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    peer_after(p, 20000);
    assert_int_equal(tcp_soft_error(p->tcb), 0); /* once */
    peer_ack(p, 1001);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    peer_free(p);
}

static void MUST_20_acknowledged_progress_starts_the_count_anew(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_write(p, 10 * PEER_MSS);
    for (uint32_t i = 0; i < 9; i++) {
        peer_after(p, 300000);
        peer_ack(p, (i + 1) * PEER_MSS + 1);
        assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
        peer_forget(p);
    }
    peer_free(p);
}

/* What the link does not take is not sent again: the last has gone once, long ago. */
static void MUST_20_what_was_not_sent_again_is_not_given_up(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_flight(p, 1, 2);
    peer_after(p, 800000);
    peer_forget(p);
    p->m->transmit_error = -ENOBUFS;
    peer_ack(p, PEER_MSS + 1);
    peer_after(p, 300000);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    p->m->transmit_error = 0;
    peer_after(p, 500);
    assert_int_equal(peer_take(p).seq, PEER_MSS + 1);
    peer_ack(p, 2 * PEER_MSS + 1);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    peer_free(p);
}

static void MUST_21_user_timeout_decides_where_it_is_set(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_set(p, IP_PROTOCOL_TCP, OPTION_USER_TIMEOUT, 5000);
    peer_flight(p, 1, 1);
    peer_after(p, 4999);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    peer_after(p, 1); /* whatever the back-off */
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    assert_int_equal(tcp_error(p->tcb, true), ETIMEDOUT);
    peer_free(p);
}

static void MUST_21_user_timeout_of_a_connect_is_over_when_it_is_asked_for(void **state)
{
    (void)state;
    static const struct {
        uint32_t asked_ms, over_ms;
        unsigned syns;
    } cases[] = {
        {500, 1000, 1}, /* not before the first retransmission would be due */
        {1500, 1500, 2}, {2900, 2900, 2}, {4000, 4000, 3}, {7500, 7500, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer *p = peer_new();
        peer_await_syn(p);
        peer_set(p, IP_PROTOCOL_TCP, OPTION_USER_TIMEOUT, (int)cases[i].asked_ms);
        peer_after(p, cases[i].over_ms - 1);
        assert_int_equal(p->tcb->state, TCP_SYN_SENT);
        assert_int_equal(p->tcb->syn_attempts, cases[i].syns);
        peer_after(p, 1);
        assert_int_equal(p->tcb->state, TCP_CLOSED);
        assert_int_equal(tcp_error(p->tcb, true), ETIMEDOUT);
        peer_free(p);
    }
}

static void MUST_22_MUST_23_SYN_is_repeated_for_three_minutes(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_await_syn(p);
    for (uint64_t rto = 1000, t = 0; t + rto < 180000; t += rto, rto *= 2) {
        peer_after(p, rto - 1);
        peer_quiet(p);
        peer_after(p, 1);
        assert_int_equal(peer_take(p).flags, TCP_SYN);
    }
    peer_after(p, 180000 - 127000);
    assert_int_equal(p->tcb->state, TCP_SYN_SENT);
    peer_after(p, 200000);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    assert_int_equal(tcp_error(p->tcb, true), ETIMEDOUT);
    peer_free(p);
}

/* What the link does not take is tried twice a second: as many tries as there may be SYNs would end
 * in seconds. */
static void MUST_23_SYN_that_the_link_does_not_take_is_tried_for_three_minutes(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_await_syn(p);
    p->m->transmit_error = -ENOBUFS;
    peer_after(p, 180000);
    assert_int_equal(p->tcb->state, TCP_SYN_SENT);
    peer_quiet(p);
    p->m->transmit_error = 0;
    peer_after(p, 500);
    assert_int_equal(peer_take(p).flags, TCP_SYN);
    peer_after(p, 1999);
    peer_quiet(p); /* the back-off is that of a second SYN */
    p->m->transmit_error = -ENOBUFS;
    peer_after(p, 80000);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    assert_int_equal(tcp_error(p->tcb, true), ETIMEDOUT);
    peer_free(p);
}

/* As Linux has them: more SYNs, in no more time. */
static void first_SYNs_may_be_repeated_without_backing_off(void **state)
{
    (void)state;
    static const uint64_t waits[] = {1000, 1000, 1000, 2000};
    struct peer *p = peer_new();
    peer_settings(p)->tcp_syn_linear_timeouts = 2;
    assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_SYNCNT, 2);
    peer_await_syn(p);
    for (size_t i = 0; i < 4; i++) {
        peer_after(p, waits[i] - 1);
        peer_quiet(p);
        peer_after(p, 1);
        assert_int_equal(peer_take(p).flags, TCP_SYN);
    }
    peer_after(p, 3999);
    assert_int_equal(p->tcb->state, TCP_SYN_SENT);
    peer_after(p, 1);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    peer_free(p);
}

static void MUST_22_SYN_retries_can_be_set_for_a_connection(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_SYNCNT, 1);
    peer_await_syn(p);
    peer_after(p, 1000);
    assert_int_equal(peer_take(p).flags, TCP_SYN);
    peer_after(p, 2000);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    peer_quiet(p);
    peer_free(p);
}

/* ── Keep-alive ── */

static void MUST_25_keepalive_is_off_unless_asked_for(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_after(p, 24ull * 3600 * 1000);
    peer_quiet(p);
    peer_free(p);
}

static void MUST_28_keepalive_waits_two_hours_unless_set(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_set(p, SOL_SOCKET, SO_KEEPALIVE, 1);
    peer_after(p, 7200000 - 1000);
    peer_quiet(p);
    peer_after(p, 1000);
    /* SHLD-12: an old number, and nothing in it. */
    peer_expect(p, TCP_ACK, 0, 0);
    peer_free(p);
}

static struct peer *peer_kept_alive(void)
{
    struct peer *p = peer_opened();
    peer_set(p, IP_PROTOCOL_TCP, OPTION_KEEPIDLE, 10);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_KEEPINTVL, 2);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_KEEPCNT, 3);
    peer_set(p, SOL_SOCKET, SO_KEEPALIVE, 1);
    return p;
}

static void MUST_24_keepalive_can_be_turned_off_again(void **state)
{
    (void)state;
    struct peer *p = peer_kept_alive();
    peer_set(p, SOL_SOCKET, SO_KEEPALIVE, 0);
    peer_after(p, 100000);
    peer_quiet(p);
    peer_free(p);
}

static void MUST_26_keepalive_waits_for_silence_with_nothing_out(void **state)
{
    (void)state;
    struct peer *p = peer_kept_alive();
    for (uint32_t i = 0; i < 5; i++) { /* MUST-27: the interval that was set */
        peer_after(p, 9000);
        peer_text(p, 1 + i, 1);
        peer_after(p, 500);
        peer_forget(p);
    }
    peer_after(p, 9499);
    peer_quiet(p);
    peer_after(p, 2);
    assert_int_equal(peer_take(p).seq, 0);
    peer_free(p);
}

static void MUST_29_one_unanswered_probe_is_not_death_but_all_are(void **state)
{
    (void)state;
    struct peer *p = peer_kept_alive();
    peer_after(p, 10000);
    peer_expect(p, TCP_ACK, 0, 0);
    peer_after(p, 2000);
    peer_expect(p, TCP_ACK, 0, 0);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    peer_ack(p, 1); /* it lives */
    peer_after(p, 2000);
    peer_after(p, 10000);
    peer_forget(p);
    peer_after(p, 6000);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    assert_int_equal(tcp_error(p->tcb, true), ETIMEDOUT);
    peer_free(p);
}

/* ── Waiting for the peer's FIN ── */

static void FIN_WAIT_2_that_nobody_reads_any_more_ends(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    tcp_detach(p->tcb);
    p->tcb = NULL;
    peer_expect(p, TCP_FIN | TCP_ACK, 1, 0);
    peer_ack(p, 2);
    peer_after(p, 59999);
    assert_int_equal(tcp_orphan_count(&p->m->stack), 1);
    peer_after(p, 1);
    assert_int_equal(tcp_orphan_count(&p->m->stack), 0);
    peer_free(p);
}

static void FIN_WAIT_2_with_a_reader_waits(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    tcp_shutdown_send(p->tcb);
    peer_expect(p, TCP_FIN | TCP_ACK, 1, 0);
    peer_ack(p, 2);
    peer_after(p, 3600000);
    assert_int_equal(p->tcb->state, TCP_FIN_WAIT_2);
    peer_text(p, 1, 10);
    assert_int_equal(peer_read(p, 1, 10), 10);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retransmission_timer_runs_while_something_is_out),
        cmocka_unit_test(MUST_19_expiry_sends_the_earliest_again_and_doubles_the_timeout),
        cmocka_unit_test(SHLD_11_connection_is_given_up_after_100_seconds_at_the_least),
        cmocka_unit_test(SHLD_9_user_is_told_between_R1_and_R2),
        cmocka_unit_test(MUST_20_acknowledged_progress_starts_the_count_anew),
        cmocka_unit_test(MUST_20_what_was_not_sent_again_is_not_given_up),
        cmocka_unit_test(MUST_21_user_timeout_decides_where_it_is_set),
        cmocka_unit_test(MUST_21_user_timeout_of_a_connect_is_over_when_it_is_asked_for),
        cmocka_unit_test(MUST_22_MUST_23_SYN_is_repeated_for_three_minutes),
        cmocka_unit_test(MUST_22_SYN_retries_can_be_set_for_a_connection),
        cmocka_unit_test(MUST_23_SYN_that_the_link_does_not_take_is_tried_for_three_minutes),
        cmocka_unit_test(first_SYNs_may_be_repeated_without_backing_off),
        cmocka_unit_test(MUST_25_keepalive_is_off_unless_asked_for),
        cmocka_unit_test(MUST_28_keepalive_waits_two_hours_unless_set),
        cmocka_unit_test(MUST_24_keepalive_can_be_turned_off_again),
        cmocka_unit_test(MUST_26_keepalive_waits_for_silence_with_nothing_out),
        cmocka_unit_test(MUST_29_one_unanswered_probe_is_not_death_but_all_are),
        cmocka_unit_test(FIN_WAIT_2_that_nobody_reads_any_more_ends),
        cmocka_unit_test(FIN_WAIT_2_with_a_reader_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
