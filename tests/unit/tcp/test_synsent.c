/* RFC 9293 §3.10.7.3: segments that arrive in SYN-SENT, and §3.5's simultaneous open. */
#include "tcp_peer.h"

static void SYN_ACK_opens_and_is_acknowledged(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_await_syn(p);
    p->acked = 1;
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN | TCP_ACK, PEER_FULL)), DROP_NONE);
    p->timestamps = true;
    assert_int_equal(peer_expect_ack(p, 1).seq, 1);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    assert_true(p->events & POLLOUT);
    /* A SYN's window is not scaled (RFC 7323 §2.2). */
    assert_int_equal(p->tcb->snd.wnd, PEER_WINDOW);
    assert_int_equal(p->tcb->snd.scale, 7);
    assert_int_equal(machine_counter(p->m, "TcpActiveOpens"), 1);
    peer_free(p);
}

/* Who was woken by the opening has a turn before the batch is over. */
static void first_data_carries_the_acknowledgment_of_the_SYN_ACK(void **state)
{
    (void)state;
    for (int writes = 0; writes < 2; writes++) {
        struct peer *p = peer_new();
        peer_await_syn(p);
        p->acked = 1;
        stack_batch_begin(&p->m->stack);
        assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN | TCP_ACK, PEER_PLAIN)), DROP_NONE);
        stack_batch_pause(&p->m->stack);
        peer_quiet(p);
        if (writes) {
            peer_write(p, 10);
            assert_int_equal(peer_expect(p, TCP_ACK | TCP_PSH, 1, 10).ack, 1);
        }
        stack_batch_end(&p->m->stack);
        if (!writes)
            peer_expect_ack(p, 1);
        peer_quiet(p);
        peer_free(p);
    }
}

static void text_and_FIN_on_the_SYN_ACK_are_taken(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_await_syn(p);
    p->acked = 1;
    struct segment syn = peer_syn(p, TCP_SYN | TCP_ACK | TCP_FIN, PEER_PLAIN);
    syn.text = peer_pattern(1);
    syn.length = 5;
    assert_int_equal(peer_send_raw(p, syn), DROP_NONE);
    peer_expect_ack(p, 7);
    assert_int_equal(peer_read(p, 1, 10), 5);
    assert_int_equal(peer_read(p, 6, 10), 0);
    assert_int_equal(p->tcb->state, TCP_CLOSE_WAIT);
    peer_free(p);
}

/* RFC 7323 §3.2: the echo is of one of our SYNs, or the segment is not an answer to them. */
static void echo_of_what_no_SYN_had_is_answered_with_a_reset(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    uint32_t first = peer_await_syn(p).options.timestamp_value;
    peer_after(p, 1000); /* and a second one */
    peer_take(p);
    p->acked = 1;
    static const int32_t wrong[] = {-1, 1001};
    for (size_t i = 0; i < 2; i++) {
        p->ts_echo = first + (uint32_t)wrong[i];
        struct segment syn = peer_syn(p, TCP_SYN | TCP_ACK, PEER_FULL);
        assert_int_equal(peer_send_raw(p, syn), DROP_TCP_ECHO);
        peer_expect(p, TCP_RST, 1, 0);
    }
    assert_int_equal(machine_counter(p->m, "TcpExtPAWSActive"), 2);
    p->ts_echo = first;
    struct segment syn = peer_syn(p, TCP_SYN | TCP_ACK, PEER_FULL);
    assert_int_equal(peer_send_raw(p, syn), DROP_NONE);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    peer_free(p);
}

/* First: the ACK. */
static void unacceptable_ACK_is_answered_with_a_reset_of_its_number(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_await_syn(p);
    static const uint32_t wrong[] = {0, 2, 0x80000000u};
    for (size_t i = 0; i < 3; i++) {
        p->acked = wrong[i];
        assert_int_equal(peer_send(p, TCP_ACK, 300, 0), DROP_TCP_ACK);
        peer_expect(p, TCP_RST, wrong[i], 0);
        assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN | TCP_ACK, PEER_PLAIN)),
                         DROP_TCP_ACK);
        peer_expect(p, TCP_RST, wrong[i], 0);
        /* A reset is never answered. */
        assert_int_equal(peer_send(p, TCP_RST | TCP_ACK, 300, 0), DROP_TCP_ACK);
        peer_quiet(p);
    }
    assert_int_equal(p->tcb->state, TCP_SYN_SENT);
    peer_free(p);
}

/* Second: the reset. */
static void acceptable_reset_refuses_the_connection(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_await_syn(p);
    p->acked = 1;
    assert_int_equal(peer_send(p, TCP_RST | TCP_ACK, 0, 0), DROP_NONE);
    peer_quiet(p);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    assert_true(p->events & POLLERR);
    assert_int_equal(tcp_error(p->tcb, true), ECONNREFUSED);
    assert_int_equal(machine_counter(p->m, "TcpAttemptFails"), 1);
    assert_int_equal(machine_counter(p->m, "TcpActiveOpens"), 1); /* RFC 4022: it was begun */
    peer_free(p);
}

static void reset_without_ACK_is_ignored(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_await_syn(p);
    assert_int_equal(peer_send(p, TCP_RST, 0, 0), DROP_TCP_RST);
    assert_int_equal(p->tcb->state, TCP_SYN_SENT);
    peer_quiet(p);
    peer_free(p);
}

/* Fifth. */
static void segment_with_neither_SYN_nor_RST_is_dropped(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_await_syn(p);
    p->acked = 1;
    assert_int_equal(peer_send(p, TCP_ACK, 300, 10), DROP_TCP_FLAGS);
    assert_int_equal(peer_send(p, TCP_FIN, 300, 0), DROP_TCP_FLAGS);
    assert_int_equal(peer_send(p, 0, 300, 0), DROP_TCP_FLAGS);
    peer_quiet(p);
    assert_int_equal(p->tcb->state, TCP_SYN_SENT);
    peer_free(p);
}

/* Figure 8. */
static void MUST_10_simultaneous_open_reaches_ESTABLISHED(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_await_syn(p);
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN, PEER_FULL)), DROP_NONE);
    assert_int_equal(p->tcb->state, TCP_SYN_RECEIVED);
    struct segment answer = peer_expect(p, TCP_SYN | TCP_ACK, 0, 0);
    assert_int_equal(answer.ack, 1);
    p->timestamps = true;
    /* The other side's SYN,ACK. */
    p->acked = 1;
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN | TCP_ACK, PEER_FULL)), DROP_NONE);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    p->next = 1;
    peer_forget(p);
    peer_write(p, 10);
    peer_expect(p, TCP_ACK | TCP_PSH, 1, 10);
    assert_int_equal(peer_text(p, 1, 10), DROP_NONE);
    assert_int_equal(peer_read(p, 1, 10), 10);
    peer_free(p);
}

static void MUST_10_simultaneous_open_is_completed_by_a_plain_ACK_too(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_await_syn(p);
    peer_send_raw(p, peer_syn(p, TCP_SYN, PEER_PLAIN));
    peer_expect(p, TCP_SYN | TCP_ACK, 0, 0);
    p->next = 1;
    peer_ack(p, 1);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    peer_free(p);
}

static void repeated_SYN_of_a_simultaneous_open_is_answered_again(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_await_syn(p);
    peer_send_raw(p, peer_syn(p, TCP_SYN, PEER_PLAIN));
    peer_expect(p, TCP_SYN | TCP_ACK, 0, 0);
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN, PEER_PLAIN)), DROP_TCP_SYN);
    peer_expect(p, TCP_SYN | TCP_ACK, 0, 0);
    peer_free(p);
}

/* §3.10.7.4, second: a reset in SYN-RECEIVED after an active OPEN refuses it. */
static void MUST_11_reset_tells_an_active_open_in_SYN_RECEIVED_that_it_is_refused(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_await_syn(p);
    peer_send_raw(p, peer_syn(p, TCP_SYN, PEER_PLAIN));
    peer_forget(p);
    assert_int_equal(peer_send(p, TCP_RST, 1, 0), DROP_NONE);
    assert_int_equal(tcp_error(p->tcb, true), ECONNREFUSED);
    peer_free(p);
}

/* RFC 6298 §5.7 and RFC 5681 §3.1. */
static void lost_SYN_leaves_a_window_of_one_segment(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_await_syn(p);
    peer_after(p, 1000);
    assert_int_equal(peer_take(p).flags, TCP_SYN);
    p->acked = 1;
    peer_send_raw(p, peer_syn(p, TCP_SYN | TCP_ACK, PEER_PLAIN));
    assert_int_equal(p->tcb->cc.cwnd, 1);
    peer_free(p);
}

/* RFC 6298 §5.7. */
static void RFC_6298_lost_SYN_without_a_sample_leaves_a_timeout_of_3_seconds(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_await_syn(p);
    peer_after(p, 1000);
    peer_take(p);
    p->acked = 1;
    peer_send_raw(p, peer_syn(p, TCP_SYN | TCP_ACK, PEER_PLAIN));
    p->next = 1;
    peer_forget(p);
    peer_write(p, 10);
    peer_take(p);
    assert_int_equal(timer_deadline(p->tcb, TCP_TIMER_RETRANSMIT) - p->m->stack.now_ns, TIME_S(3));
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(SYN_ACK_opens_and_is_acknowledged),
        cmocka_unit_test(first_data_carries_the_acknowledgment_of_the_SYN_ACK),
        cmocka_unit_test(text_and_FIN_on_the_SYN_ACK_are_taken),
        cmocka_unit_test(echo_of_what_no_SYN_had_is_answered_with_a_reset),
        cmocka_unit_test(unacceptable_ACK_is_answered_with_a_reset_of_its_number),
        cmocka_unit_test(acceptable_reset_refuses_the_connection),
        cmocka_unit_test(reset_without_ACK_is_ignored),
        cmocka_unit_test(segment_with_neither_SYN_nor_RST_is_dropped),
        cmocka_unit_test(MUST_10_simultaneous_open_reaches_ESTABLISHED),
        cmocka_unit_test(MUST_10_simultaneous_open_is_completed_by_a_plain_ACK_too),
        cmocka_unit_test(repeated_SYN_of_a_simultaneous_open_is_answered_again),
        cmocka_unit_test(MUST_11_reset_tells_an_active_open_in_SYN_RECEIVED_that_it_is_refused),
        cmocka_unit_test(lost_SYN_leaves_a_window_of_one_segment),
        cmocka_unit_test(RFC_6298_lost_SYN_without_a_sample_leaves_a_timeout_of_3_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
