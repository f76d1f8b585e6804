/* What is sent next, and what is held back: windows, Nagle (RFC 9293 §3.7.4), silly windows
 * (§3.8.6.2.1), push (§3.9.1.2). */
#include "tcp_peer.h"

#include "tcp/output.h"

static struct peer *peer_opened(void)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    return p;
}

/* ── Nagle ── */

static void SHLD_7_short_segment_waits_while_one_is_unacknowledged(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_write(p, 10);
    peer_expect(p, TCP_ACK | TCP_PSH, 1, 10);
    peer_write(p, 20);
    peer_write(p, 30);
    peer_quiet(p);
    assert_int_equal(tcp_next_send(p->tcb, URGE_USUAL).held, HELD_BY_USER);
    peer_ack(p, 11);
    peer_expect(p, TCP_ACK | TCP_PSH, 11, 50); /* MAY-16, SHLD-27: gathered */
    peer_free(p);
}

static void full_segment_does_not_wait(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_write(p, 10);
    peer_take(p);
    peer_write(p, 1000);
    peer_expect(p, TCP_ACK | TCP_PSH, 11, 1000);
    peer_free(p);
}

static void MUST_17_NODELAY_turns_it_off(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_set(p, IP_PROTOCOL_TCP, OPTION_NODELAY, 1);
    peer_write(p, 10);
    peer_expect(p, TCP_ACK | TCP_PSH, 1, 10);
    peer_write(p, 20);
    peer_expect(p, TCP_ACK | TCP_PSH, 11, 20);
    peer_free(p);
}

static void cork_holds_what_is_short_until_it_is_pulled(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_set(p, IP_PROTOCOL_TCP, OPTION_CORK, 1);
    peer_write(p, 10);
    peer_after(p, 100);
    peer_quiet(p);
    peer_write(p, 1000);
    assert_int_equal(peer_take(p).length, 1000);
    peer_quiet(p);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_CORK, 0);
    assert_int_equal(peer_take(p).length, 10);
    peer_free(p);
}

static void MSG_MORE_holds_what_is_short_until_the_next_write(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    assert_int_equal(peer_write_flags(p, 10, MSG_MORE), 10);
    peer_quiet(p);
    peer_write(p, 10);
    peer_expect(p, TCP_ACK | TCP_PSH, 1, 20);
    peer_free(p);
}

/* ── Windows ── */

static void nothing_goes_beyond_the_peer_s_window(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    p->window = 2500;
    peer_text(p, 1, 1);
    peer_forget(p);
    peer_write(p, 10000);
    uint32_t sent = 0;
    while (!peer_is_quiet(p))
        sent += peer_take(p).length;
    assert_true(sent >= 2000 && sent <= 2500);
    peer_free(p);
}

static void nothing_goes_beyond_the_congestion_window(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_write(p, 20 * PEER_MSS);
    unsigned count = peer_forget(p);
    assert_int_equal(count, 10);
    assert_int_equal(tcp_next_send(p->tcb, URGE_USUAL).held, HELD_BY_CONGESTION);
    peer_free(p);
}

static void SHLD_15_nothing_new_is_sent_while_the_usable_window_is_negative(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_flight(p, 1, 5);
    p->window = 2000; /* the right edge moves left: 3000 bytes of what is out lie beyond */
    peer_text(p, 1, 1);
    peer_forget(p);
    peer_write(p, 1000);
    peer_quiet(p);
    assert_int_equal(tcp_next_send(p->tcb, URGE_USUAL).held, HELD_BY_PEER);
    peer_free(p);
}

static void SHLD_16_MUST_34_what_is_inside_a_shrunken_window_is_still_retransmitted(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_flight(p, 1, 5);
    p->window = 2000;
    peer_text(p, 1, 1);
    peer_forget(p);
    peer_after(p, 250);
    peer_expect(p, TCP_ACK, 1, 1000);
    peer_ack(p, 1001);
    peer_forget(p);
    peer_ack(p, 5001);
    assert_true(tcp_drained(p->tcb));
    peer_free(p);
}

static void SHLD_17_data_beyond_a_shrunken_window_does_not_end_the_connection(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_flight(p, 1, 5);
    p->window = 0;
    peer_text(p, 1, 1);
    for (int i = 0; i < 40; i++) { /* the peer answers whatever comes, and takes nothing */
        peer_after(p, 60000);
        peer_ack(p, 1);
        peer_forget(p);
        assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    }
    peer_after(p, 2000000); /* it falls silent: that is another matter */
    assert_int_equal(tcp_error(p->tcb, true), ETIMEDOUT);
    peer_free(p);
}

/* §3.8.6.2.1. */
static void MUST_38_no_sliver_is_sent_into_a_small_window(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_flight(p, 1, 1);
    p->window = 100; /* the largest offered was 60000 */
    peer_ack(p, 1001);
    peer_write(p, 5000);
    peer_quiet(p);
    p->window = 1000;
    peer_ack(p, 1001);
    peer_expect(p, TCP_ACK, 1001, 1000);
    peer_free(p);
}

/* A peer whose whole window is small gets half of it: else both would wait. */
static void segment_is_at_most_half_the_largest_window_seen(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    p->window = 1200;
    peer_open(p, PEER_PLAIN);
    assert_int_equal(tcp_segment_size(p->tcb), 600);
    peer_free(p);
}

/* ── Push ── */

static void MUST_61_last_segment_of_a_write_has_PSH(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_write(p, 2500);
    peer_expect(p, TCP_ACK, 1, 1000);
    peer_take(p); /* the end of a burst may be pushed too */
    peer_expect(p, TCP_ACK | TCP_PSH, 2001, 500);
    peer_free(p);
}

static void SHLD_28_segments_are_as_large_as_they_may_be(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_write(p, 300);
    peer_take(p);
    for (int i = 0; i < 10; i++)
        peer_write(p, 300);
    while (!peer_is_quiet(p))
        assert_int_equal(peer_take(p).length, 1000);
    peer_free(p);
}

static void MUST_60_what_was_written_goes_without_being_asked(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_write(p, 1);
    peer_expect(p, TCP_ACK | TCP_PSH, 1, 1);
    peer_write(p, 1);
    peer_after(p, 100);
    peer_ack(p, 2);
    peer_expect(p, TCP_ACK | TCP_PSH, 2, 1);
    peer_free(p);
}

/* ── FIN ── */

static void FIN_rides_on_the_last_of_what_is_queued(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_write(p, 10);
    peer_take(p);
    peer_write(p, 20);
    assert_int_equal(tcp_shutdown_send(p->tcb), 0);
    peer_expect(p, TCP_FIN | TCP_ACK | TCP_PSH, 11, 20);
    peer_free(p);
}

static void decision_changes_nothing(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_write(p, 10);
    peer_take(p);
    peer_write(p, 20);
    struct tcb before = *p->tcb;
    tcp_next_send(p->tcb, URGE_USUAL);
    tcp_next_send(p->tcb, URGE_PUSH);
    assert_memory_equal(&before, p->tcb, sizeof before);
    peer_free(p);
}

static void after_the_end_nothing_is_sent(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_send(p, TCP_RST, 1, 0);
    assert_int_equal(tcp_next_send(p->tcb, URGE_PUSH).held, HELD_BY_STATE);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(SHLD_7_short_segment_waits_while_one_is_unacknowledged),
        cmocka_unit_test(full_segment_does_not_wait),
        cmocka_unit_test(MUST_17_NODELAY_turns_it_off),
        cmocka_unit_test(cork_holds_what_is_short_until_it_is_pulled),
        cmocka_unit_test(MSG_MORE_holds_what_is_short_until_the_next_write),
        cmocka_unit_test(nothing_goes_beyond_the_peer_s_window),
        cmocka_unit_test(nothing_goes_beyond_the_congestion_window),
        cmocka_unit_test(SHLD_15_nothing_new_is_sent_while_the_usable_window_is_negative),
        cmocka_unit_test(SHLD_16_MUST_34_what_is_inside_a_shrunken_window_is_still_retransmitted),
        cmocka_unit_test(SHLD_17_data_beyond_a_shrunken_window_does_not_end_the_connection),
        cmocka_unit_test(MUST_38_no_sliver_is_sent_into_a_small_window),
        cmocka_unit_test(segment_is_at_most_half_the_largest_window_seen),
        cmocka_unit_test(MUST_61_last_segment_of_a_write_has_PSH),
        cmocka_unit_test(SHLD_28_segments_are_as_large_as_they_may_be),
        cmocka_unit_test(MUST_60_what_was_written_goes_without_being_asked),
        cmocka_unit_test(FIN_rides_on_the_last_of_what_is_queued),
        cmocka_unit_test(decision_changes_nothing),
        cmocka_unit_test(after_the_end_nothing_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
