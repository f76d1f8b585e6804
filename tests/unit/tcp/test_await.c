/* What a write leaves, when its user is about to write again. */
#include "tcp_peer.h"

#include "tcp/rate.h"
#include "tcp/tcp.h"

enum {
    BURST = 65 * PEER_MSS,
    REST = 5 * PEER_MSS + 300,
};

static struct peer *p;
static uint32_t written; /* relative, the end of it */

/* A connection that sends bursts as large as the link takes, and whose windows allow many. */
static int setup(void **state)
{
    (void)state;
    p = peer_new();
    peer_open(p, PEER_SCALING | PEER_SACK);
    p->window = 0xffff;
    peer_ack(p, 1);
    p->tcb->cc.cwnd = 10000;
    p->tcb->rtt.min_ns = TIME_US(100);
    written = 1;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    peer_free(p);
    return 0;
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static uint32_t unsent(void)
{
    return written - (p->tcb->snd.nxt - p->iss);
}

/* Writes so much, after which so much is left. */
static void write_leaving(uint32_t length, int flags, uint32_t left)
{
    assert_int_equal(peer_write_flags(p, length, flags), length);
    written += length;
    assert_int_equal(unsent(), left);
}

/* The same, of a user who is about to write again: a burst and a rest. */
static void leave_rest(void)
{
    write_leaving(BURST + REST, MSG_BATCH, REST);
    peer_forget(p);
}

/* What has left since, all in segments that are full, but for the last. */
static void expect_whole_segments(uint32_t from, uint32_t to)
{
    while (from < to) {
        struct segment s = peer_take(p);
        assert_int_equal(s.seq, from);
        assert_int_equal(s.length, to - from < PEER_MSS ? to - from : PEER_MSS);
        from += s.length;
    }
    peer_quiet(p);
}

static void the_rest_waits_and_goes_with_the_next_write(void **state)
{
    (void)state;
    leave_rest();
    write_leaving(BURST - REST, MSG_BATCH, 0);
    expect_whole_segments(1 + BURST, 1 + 2 * BURST);
    assert_null(p->tcb->tcp->awaits);
}

static void less_than_a_segment_waits_as_well(void **state)
{
    (void)state;
    write_leaving(BURST + 1, MSG_BATCH, 1);
    write_leaving(BURST, MSG_BATCH, 1);
    tcp_let_go(&p->m->stack);
    assert_int_equal(unsent(), 0);
}

static void a_last_write_takes_it_along(void **state)
{
    (void)state;
    leave_rest();
    write_leaving(1, 0, 0);
    expect_whole_segments(1 + BURST, written);
}

static void an_acknowledgment_does_not_let_it_go(void **state)
{
    (void)state;
    leave_rest();
    peer_ack(p, 1 + BURST);
    peer_quiet(p);
}

static void it_goes_when_it_is_let_go(void **state)
{
    (void)state;
    leave_rest();
    tcp_let_go(&p->m->stack);
    expect_whole_segments(1 + BURST, written);
    tcp_let_go(&p->m->stack);
    peer_quiet(p);
}

static void it_goes_at_the_end_of_a_batch_and_not_in_a_pause(void **state)
{
    (void)state;
    leave_rest();
    stack_batch_begin(&p->m->stack);
    stack_batch_pause(&p->m->stack);
    stack_batch_pause_late(&p->m->stack);
    peer_quiet(p);
    stack_batch_end(&p->m->stack);
    expect_whole_segments(1 + BURST, written);
}

static void it_goes_where_the_next_write_does_not_come(void **state)
{
    (void)state;
    leave_rest();
    assert_true(tcp_await_write(p->tcb, true));
    peer_quiet(p);
    assert_false(tcp_await_write(p->tcb, false));
    expect_whole_segments(1 + BURST, written);
    assert_null(p->tcb->tcp->awaits);
}

static void the_end_takes_it_along(void **state)
{
    (void)state;
    leave_rest();
    assert_int_equal(tcp_shutdown_send(p->tcb), 0);
    uint32_t length = 0;
    struct segment s;
    do {
        s = peer_take(p);
        length += s.length;
    } while (!(s.flags & TCP_FIN));
    assert_int_equal(length, REST);
    peer_quiet(p);
}

/* RFC 9293 §3.8.6.2.1: the override of the silly window's algorithm holds for this, too; a user who
 * breaks his promise does not stop the stream. */
static void it_goes_after_a_while_whoever_forgets_it(void **state)
{
    (void)state;
    leave_rest();
    peer_ack(p, 1 + BURST);
    for (int ms = 0; ms < 1000 && peer_is_quiet(p); ms += 100)
        peer_after(p, 100);
    assert_false(peer_is_quiet(p));
}

static void nobody_is_left_to_be_let_go_after_an_abort(void **state)
{
    (void)state;
    leave_rest();
    struct tcp *tcp = p->tcb->tcp;
    tcp_abort(p->tcb);
    p->tcb = NULL;
    assert_null(tcp->awaits);
    peer_forget(p);
    stack_batch_end(&p->m->stack);
    peer_quiet(p);
}

static void nor_after_a_reset(void **state)
{
    (void)state;
    leave_rest();
    peer_send(p, TCP_RST, 1, 0);
    assert_null(p->tcb->tcp->awaits);
    stack_batch_end(&p->m->stack);
    peer_quiet(p);
}

/* RFC 8985 §7.3: new data, if there is some. */
static void a_loss_probe_takes_it(void **state)
{
    (void)state;
    leave_rest();
    p->tcb->rack.rtt_taken = true;
    for (int ms = 0; ms < 1000 && peer_is_quiet(p); ms++)
        peer_after(p, 1);
    expect_whole_segments(1 + BURST, written);
}

/* While the window is shut so much is written, of which the first is a record; then it opens for
 * ten segments, just before more is written. */
static void write_before_window(uint32_t record, uint32_t more)
{
    p->window = 0;
    peer_ack(p, 1);
    assert_int_equal(peer_write_flags(p, record, MSG_EOR), record);
    assert_int_equal(peer_write_flags(p, more, 0), more);
    assert_true(tcp_await_write(p->tcb, true));
    p->window = 10 * PEER_MSS / 128;
    peer_ack(p, 1);
}

static void what_is_not_the_last_does_not_wait(void **state)
{
    (void)state;
    write_before_window(2 * PEER_MSS + 500, 3 * PEER_MSS);
    expect_whole_segments(1, 1 + 2 * PEER_MSS + 500);
}

static void nor_does_what_more_waits_behind_for_the_window(void **state)
{
    (void)state;
    write_before_window(PEER_MSS, 20 * PEER_MSS);
    expect_whole_segments(1, 1 + 9 * PEER_MSS);
}

static void a_whole_segment_is_no_rest(void **state)
{
    (void)state;
    write_leaving(BURST + PEER_MSS, MSG_BATCH, 0);
    assert_null(p->tcb->tcp->awaits);
}

/* It waits for as long as MSG_MORE says, whoever else lets go. */
static void what_more_is_to_follow_is_not_let_go(void **state)
{
    (void)state;
    write_leaving(BURST + REST, MSG_BATCH | MSG_MORE, REST % PEER_MSS);
    peer_forget(p);
    tcp_let_go(&p->m->stack);
    peer_quiet(p);
}

static void one_connection_at_a_time_waits(void **state)
{
    (void)state;
    leave_rest();
    struct peer *other = calloc(1, sizeof *other);
    *other = *p;
    other->tcb = NULL;
    other->theirs.port = PEER_PORT + 1;
    other->window = PEER_WINDOW;
    peer_open(other, PEER_SCALING);
    other->window = 0xffff;
    peer_ack(other, 1);
    other->tcb->cc.cwnd = 10000;
    other->tcb->rtt.min_ns = TIME_US(100);
    assert_int_equal(peer_write_flags(other, BURST + REST, MSG_BATCH), BURST + REST);
    assert_int_equal(unsent(), 0);
    assert_int_equal(other->tcb->snd.nxt - other->iss, 1 + BURST);
    assert_ptr_equal(p->tcb->tcp->awaits, other->tcb);
    tcp_abort(other->tcb);
    free(other);
    p->seen = p->m->sent_count;
}

/* Who has something against it, or gives no cause. */

static void it_does_not_wait(int flags)
{
    write_leaving(BURST + REST, flags, 0);
}

static void nothing_waits_of_who_is_not_about_to_write(void **state)
{
    (void)state;
    it_does_not_wait(0);
}

static void nor_of_who_wants_no_delay(void **state)
{
    (void)state;
    peer_set(p, IP_PROTOCOL_TCP, OPTION_NODELAY, 1);
    it_does_not_wait(MSG_BATCH);
}

static void nor_the_end_of_a_record(void **state)
{
    (void)state;
    it_does_not_wait(MSG_BATCH | MSG_EOR);
}

static void nor_what_is_urgent(void **state)
{
    (void)state;
    it_does_not_wait(MSG_BATCH | MSG_OOB);
}

static void nor_what_its_user_is_told_of(void **state)
{
    (void)state;
    it_does_not_wait(MSG_BATCH | MSG_ZEROCOPY);
}

static void nor_where_the_setting_says_so(void **state)
{
    (void)state;
    peer_settings(p)->tcp_autocorking = 0;
    it_does_not_wait(MSG_BATCH);
}

static void nor_half_a_burst(void **state)
{
    (void)state;
    write_leaving(BURST + BURST / 2 + 1, MSG_BATCH, 0);
}

static void nor_of_a_write_that_fills_no_burst(void **state)
{
    (void)state;
    write_leaving(REST, MSG_BATCH, 0);
}

/* The user does not keep the connection waiting (draft-ietf-ccwg-bbr's CheckIfApplicationLimited):
 * that he has written nothing more than the rest is seen by its side. */
static void who_keeps_a_rest_is_limited_by_the_user(void **state)
{
    (void)state;
    leave_rest();
    p->tcb->rate.app_limited = 0;
    write_leaving(BURST - REST, MSG_BATCH, 0);
    assert_int_not_equal(p->tcb->rate.app_limited, 0);
}

/* Who waits for the peer's window, and not for the user, is limited by neither. */
static void who_has_more_than_the_window_takes_is_not(void **state)
{
    (void)state;
    p->window = BURST / 128;
    peer_ack(p, 1);
    assert_int_equal(peer_write_flags(p, 2 * BURST, 0), 2 * BURST);
    assert_true(tcp_await_write(p->tcb, true));
    peer_ack(p, 1 + BURST / 2);
    assert_in_range(p->tcb->snd.nxt - p->iss, 1 + BURST, 2 * BURST - PEER_MSS);
    p->tcb->rate.app_limited = 0;
    assert_true(peer_write_flags(p, BURST, 0) > 0);
    assert_int_equal(p->tcb->rate.app_limited, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_rest_waits_and_goes_with_the_next_write),
        test(less_than_a_segment_waits_as_well),
        test(a_last_write_takes_it_along),
        test(an_acknowledgment_does_not_let_it_go),
        test(it_goes_when_it_is_let_go),
        test(it_goes_at_the_end_of_a_batch_and_not_in_a_pause),
        test(it_goes_where_the_next_write_does_not_come),
        test(the_end_takes_it_along),
        test(it_goes_after_a_while_whoever_forgets_it),
        test(nobody_is_left_to_be_let_go_after_an_abort),
        test(nor_after_a_reset),
        test(a_loss_probe_takes_it),
        test(what_is_not_the_last_does_not_wait),
        test(nor_does_what_more_waits_behind_for_the_window),
        test(a_whole_segment_is_no_rest),
        test(what_more_is_to_follow_is_not_let_go),
        test(one_connection_at_a_time_waits),
        test(nothing_waits_of_who_is_not_about_to_write),
        test(nor_of_who_wants_no_delay),
        test(nor_the_end_of_a_record),
        test(nor_what_is_urgent),
        test(nor_what_its_user_is_told_of),
        test(nor_where_the_setting_says_so),
        test(nor_half_a_burst),
        test(nor_of_a_write_that_fills_no_burst),
        test(who_keeps_a_rest_is_limited_by_the_user),
        test(who_has_more_than_the_window_takes_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
