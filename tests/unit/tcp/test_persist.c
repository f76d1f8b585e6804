/* RFC 9293 §3.8.6.1 and RFC 6429: a window that stays shut. */
#include "tcp_peer.h"

#include <string.h>

#include "tcp/persist.h"

static struct peer *peer_opened(void)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    return p;
}

/* The peer's window is shut with the acknowledgment of all that it took. */
static struct peer *peer_shut(uint32_t waiting)
{
    struct peer *p = peer_opened();
    peer_flight(p, 1, 1);
    p->window = 0;
    peer_ack(p, 1001);
    peer_write(p, waiting);
    peer_quiet(p);
    return p;
}

static void MUST_36_zero_window_is_probed_with_growing_intervals(void **state)
{
    (void)state;
    struct peer *p = peer_shut(10);
    /* SHLD-29: the first after a timeout; SHLD-30: then with back-off. */
    uint64_t rto = timer_deadline(p->tcb, TCP_TIMER_PERSIST) - p->m->stack.now_ns;
    assert_in_range(rto, TIME_MS(200), TIME_MS(210));
    for (int i = 0; i < 6; i++, rto *= 2) {
        stack_advance(&p->m->stack, p->m->stack.now_ns + rto - 1);
        peer_quiet(p);
        stack_advance(&p->m->stack, p->m->stack.now_ns + 1);
        peer_expect(p, TCP_ACK, 1000, 0);
        peer_quiet(p);
    }
    peer_free(p);
}

static void MUST_37_answered_probes_keep_the_connection_open(void **state)
{
    (void)state;
    struct peer *p = peer_shut(10);
    for (int i = 0; i < 60; i++) {
        peer_after(p, 120000);
        assert_true(peer_forget(p) > 0);
        peer_ack(p, 1001);
        assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    }
    p->window = 1000;
    peer_ack(p, 1001);
    peer_expect(p, TCP_ACK | TCP_PSH, 1001, 10);
    peer_free(p);
}

static void unanswered_probes_give_the_connection_up(void **state)
{
    (void)state;
    struct peer *p = peer_shut(10);
    peer_after(p, 3600000);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    assert_int_equal(tcp_error(p->tcb, true), ETIMEDOUT);
    peer_free(p);
}

/* What the link refuses says nothing of the peer, and is tried twice a second. */
static void SHLD_11_link_that_takes_nothing_does_not_end_the_connection_in_seconds(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    p->m->transmit_error = -EIO;
    peer_write(p, 10);
    peer_after(p, 100000);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    p->m->transmit_error = 0;
    peer_after(p, 1000);
    peer_expect(p, TCP_ACK | TCP_PSH, 1, 10);

    p->m->transmit_error = -EIO;
    peer_ack(p, 11);
    peer_write(p, 10);
    peer_after(p, 3600000);
    assert_int_equal(tcp_error(p->tcb, true), ETIMEDOUT);
    peer_free(p);
}

static void MUST_35_window_that_shrinks_to_zero_is_probed(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_write(p, 3000);
    peer_forget(p);
    p->window = 0; /* before it was 60000 */
    peer_ack(p, 3001);
    peer_write(p, 100);
    peer_after(p, 1000);
    assert_int_equal(peer_take(p).seq, 3000);
    peer_free(p);
}

/* ── How long (RFC 6429 §4) ── */

/* Lets so much time pass; each probe is answered, at once, with the window as it is. */
static void answer_for(struct peer *p, uint64_t ms)
{
    uint64_t end = p->m->stack.now_ns + TIME_MS(ms);
    while (p->m->stack.now_ns < end) {
        stack_advance(&p->m->stack, time_min(stack_deadline(&p->m->stack), end));
        if (peer_forget(p) > 0)
            peer_ack(p, 1001);
    }
}

static bool told_why(const struct peer *p, const char *word)
{
    const char *why = p->m->last_event[TERN_TRACE_NOTE].why;
    return why && strstr(why, word);
}

static void users_time_ends_a_connection_though_its_probes_are_answered(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_set(p, IP_PROTOCOL_TCP, OPTION_USER_TIMEOUT, 5000);
    peer_flight(p, 1, 1);
    p->window = 0;
    peer_ack(p, 1001);
    answer_for(p, 60000); /* nothing waits yet */
    peer_write(p, 10);
    uint64_t rto = timer_deadline(p->tcb, TCP_TIMER_PERSIST) - p->m->stack.now_ns;
    answer_for(p, rto / TIME_MS(1) + 4999); /* from the first probe on */
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPAbortOnTimeout"), 0);
    answer_for(p, 2);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    assert_int_equal(tcp_error(p->tcb, true), ETIMEDOUT);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPAbortOnTimeout"), 1);
    assert_true(told_why(p, "longer than the user allows"));
    peer_free(p);
}

static void users_time_counts_anew_when_something_goes(void **state)
{
    (void)state;
    struct peer *p = peer_shut(10);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_USER_TIMEOUT, 5000);
    answer_for(p, 4000);
    p->window = 1000;
    peer_ack(p, 1001);
    peer_expect(p, TCP_ACK | TCP_PSH, 1001, 10);
    p->window = 0;
    peer_ack(p, 1011);
    peer_write(p, 10);
    uint64_t rto = timer_deadline(p->tcb, TCP_TIMER_PERSIST) - p->m->stack.now_ns;
    peer_after(p, rto / TIME_MS(1) + 4999);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    peer_after(p, 2);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    peer_free(p);
}

/* A peer that opens its window a little and shuts it again takes nothing. */
static void a_window_that_is_opened_and_shut_wins_no_time(void **state)
{
    (void)state;
    struct peer *p = peer_shut(10);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_USER_TIMEOUT, 5000);
    peer_after(p, 210);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
        p->window = 1;
        peer_ack(p, 1001);
        p->window = 0;
        peer_ack(p, 1001);
        peer_after(p, 100);
        peer_forget(p);
    }
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    peer_free(p);
}

/* What was agreed with the peer (RFC 5482) is how long what was sent may be unacknowledged. */
static void agreed_time_counts_only_silence(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->tcp_user_timeout_option = 1;
    peer_settings(p)->tcp_user_timeout_s = 300;
    peer_open(p, PEER_PLAIN);
    peer_flight(p, 1, 1);
    p->window = 0;
    peer_ack(p, 1001);
    struct segment tells = peer_segment(p, TCP_ACK, p->next, 0);
    tells.ack = p->iss + 1001;
    tells.options.has_user_timeout = true;
    tells.options.user_timeout_s = 300;
    peer_send_raw(p, tells);
    peer_write(p, 10);
    answer_for(p, 3600000);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    peer_after(p, 600000);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    assert_true(told_why(p, "answers no window probes"));
    peer_free(p);
}

/* ── Without a user (RFC 6429 §3) ── */

static void detach(struct peer *p)
{
    tcp_detach(p->tcb);
    p->tcb = NULL;
}

static void orphan_that_is_answered_is_not_waited_for_forever(void **state)
{
    (void)state;
    struct peer *p = peer_shut(10);
    answer_for(p, 3600000); /* its user is patient, and closes it then */
    detach(p);
    answer_for(p, 324600 - 1); /* 0.2 s, doubled to 120 s */
    assert_int_equal(tcp_orphan_count(&p->m->stack), 1);
    answer_for(p, 120000);
    assert_int_equal(tcp_orphan_count(&p->m->stack), 0);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPAbortOnTimeout"), 1);
    assert_true(told_why(p, "its user has closed it"));
    peer_free(p);
}

static void orphan_can_be_waited_for_for_longer(void **state)
{
    (void)state;
    struct peer *p = peer_shut(10);
    peer_settings(p)->tcp_orphan_retries = 255;
    detach(p);
    answer_for(p, 8 * 3600000);
    assert_int_equal(tcp_orphan_count(&p->m->stack), 1);
    peer_free(p);
}

static void orphan_that_is_not_answered_ends_sooner(void **state)
{
    (void)state;
    struct peer *p = peer_shut(10);
    detach(p);
    peer_after(p, 210000);
    assert_int_equal(tcp_orphan_count(&p->m->stack), 0);
    assert_true(told_why(p, "answers no window probes"));
    peer_free(p);
}

static void orphans_data_goes_when_its_window_opens(void **state)
{
    (void)state;
    struct peer *p = peer_shut(10);
    detach(p);
    answer_for(p, 300000);
    p->window = 1000;
    peer_ack(p, 1001);
    peer_expect(p, TCP_ACK | TCP_PSH | TCP_FIN, 1001, 10);
    peer_ack(p, 1012);
    peer_fin(p);
    assert_int_equal(tcp_orphan_count(&p->m->stack), 0);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPAbortOnTimeout"), 0);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(MUST_36_zero_window_is_probed_with_growing_intervals),
        cmocka_unit_test(MUST_37_answered_probes_keep_the_connection_open),
        cmocka_unit_test(unanswered_probes_give_the_connection_up),
        cmocka_unit_test(SHLD_11_link_that_takes_nothing_does_not_end_the_connection_in_seconds),
        cmocka_unit_test(MUST_35_window_that_shrinks_to_zero_is_probed),
        cmocka_unit_test(users_time_ends_a_connection_though_its_probes_are_answered),
        cmocka_unit_test(users_time_counts_anew_when_something_goes),
        cmocka_unit_test(a_window_that_is_opened_and_shut_wins_no_time),
        cmocka_unit_test(agreed_time_counts_only_silence),
        cmocka_unit_test(orphan_that_is_answered_is_not_waited_for_forever),
        cmocka_unit_test(orphan_can_be_waited_for_for_longer),
        cmocka_unit_test(orphan_that_is_not_answered_ends_sooner),
        cmocka_unit_test(orphans_data_goes_when_its_window_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
