/* RFC 9293 §3.10.7.4 fifth: the acknowledgment. */
#include "tcp_peer.h"

#include "tcp/rtt.h"

static struct peer *peer_opened(enum peer_offer offer)
{
    struct peer *p = peer_new();
    peer_open(p, offer);
    return p;
}

static void segment_without_ACK_bit_is_dropped(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    assert_int_equal(peer_send(p, 0, 1, 10), DROP_TCP_NO_ACK);
    peer_quiet(p);
    assert_int_equal(tcp_queued_in(p->tcb), 0);
    peer_free(p);
}

static void ack_of_data_not_yet_sent_is_challenged_and_its_text_dropped(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    p->acked = 2;
    assert_int_equal(peer_send(p, TCP_ACK, 1, 10), DROP_TCP_ACK);
    assert_int_equal(peer_expect_ack(p, 1).seq, 1);
    assert_int_equal(tcp_queued_in(p->tcb), 0);
    peer_free(p);
}

/* RFC 5961 §5.2. */
static void MAY_12_ack_older_than_any_window_is_challenged(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    p->acked = 1u - PEER_WINDOW; /* SND.UNA - MAX.SND.WND: the oldest that is taken */
    assert_int_equal(peer_send(p, TCP_ACK, 1, 10), DROP_NONE);
    peer_forget(p);
    p->acked--;
    assert_int_equal(peer_send(p, TCP_ACK, 11, 10), DROP_TCP_ACK);
    peer_expect_ack(p, 11);
    assert_int_equal(tcp_queued_in(p->tcb), 10);
    peer_free(p);
}

/* An old duplicate may bring text, and changes nothing of the sender. */
static void old_ack_is_ignored_but_its_text_is_taken(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    peer_flight(p, 1, 2);
    peer_ack(p, 1001);
    p->acked = 1;
    assert_int_equal(peer_text(p, 1, 10), DROP_NONE);
    assert_int_equal(p->tcb->snd.una - p->iss, 1001);
    assert_int_equal(tcp_queued_in(p->tcb), 10);
    peer_free(p);
}

static void ack_frees_what_it_covers_and_wakes_who_waits_to_write(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    peer_set(p, SOL_SOCKET, SO_SNDBUF, 3000);
    peer_open(p, PEER_PLAIN);
    /* Full: one write goes beyond by what the last unit takes. */
    while (peer_write_flags(p, 1000, 0) > 0)
        ;
    assert_int_equal(peer_write_flags(p, 1, 0), -EAGAIN);
    assert_int_equal(tcp_readiness(p->tcb) & POLLOUT, 0);
    uint32_t sent = p->tcb->snd.nxt - p->iss;
    p->events = 0;
    peer_ack(p, sent);
    assert_true(p->events & POLLOUT);
    assert_true(tcp_readiness(p->tcb) & POLLOUT);
    peer_free(p);
}

static void acknowledged_ring_and_records_are_given_back(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    uint64_t idle = p->m->stack.memory_used_bytes;
    peer_flight(p, 1, 4);
    assert_true(p->m->stack.memory_used_bytes > idle);
    assert_false(tcp_drained(p->tcb));
    peer_ack(p, 4001);
    assert_int_equal(p->m->stack.memory_used_bytes, idle);
    assert_true(tcp_drained(p->tcb));
    peer_free(p);
}

/* ── The window (SND.WL1, SND.WL2) ── */

static enum drop_reason window_update(struct peer *p, uint32_t seq, uint32_t ack, uint16_t window)
{
    struct segment s = peer_segment(p, TCP_ACK, seq, 0);
    s.ack = p->iss + ack;
    s.window = window;
    return peer_send_raw(p, s);
}

static void window_is_taken_from_the_newest_segment_only(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    peer_flight(p, 1, 2);
    peer_text(p, 1, 100); /* SND.WL1 = 1 */
    p->next = 101;
    window_update(p, 101, 1, 5000);
    assert_int_equal(p->tcb->snd.wnd, 5000);
    /* Same sequence number, same acknowledgment: newer. */
    window_update(p, 101, 1, 6000);
    assert_int_equal(p->tcb->snd.wnd, 6000);
    /* A larger acknowledgment. */
    window_update(p, 101, 1001, 7000);
    assert_int_equal(p->tcb->snd.wnd, 7000);
    /* An old segment that comes late: its text is known, its window too. */
    struct segment old = peer_segment(p, TCP_ACK, 1, 101);
    old.ack = p->iss + 1001;
    old.window = 100;
    assert_int_equal(peer_send_raw(p, old), DROP_NONE);
    assert_int_equal(p->tcb->snd.wnd, 7000);
    /* An older acknowledgment with the same number. */
    window_update(p, 102, 1, 50);
    assert_int_equal(p->tcb->snd.wnd, 7000);
    peer_free(p);
}

static void MUST_1_window_field_is_unsigned(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    window_update(p, 1, 1, 0xffff);
    assert_int_equal(p->tcb->snd.wnd, 65535);
    peer_free(p);
}

static void REC_1_windows_are_kept_in_32_bits_scaled(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_FULL);
    window_update(p, 1, 1, 0xffff);
    assert_int_equal(p->tcb->snd.wnd, 65535u << 7);
    peer_free(p);
}

/* ── RTT samples ── */

static void sample_is_taken_from_what_was_sent_once(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    peer_flight(p, 1, 1);
    peer_after(p, 30);
    peer_ack(p, 1001);
    assert_int_equal(p->tcb->rtt.latest_ns, TIME_MS(30));
    peer_free(p);
}

static void MUST_18_karn_no_sample_from_what_was_sent_again(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    peer_flight(p, 1, 1);
    uint64_t srtt = p->tcb->rtt.srtt_ns;
    peer_after(p, 250);
    peer_expect(p, TCP_ACK | TCP_PSH, 1, 1000);
    peer_after(p, 50);
    peer_ack(p, 1001);
    assert_int_equal(p->tcb->rtt.srtt_ns, srtt);
    assert_int_equal(p->tcb->rtt.latest_ns, TIME_MS(PEER_RTT_MS));
    peer_free(p);
}

/* RFC 7323 §4: the echo tells which of the two it was. */
static void timestamp_gives_a_sample_also_after_a_retransmission(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_FULL);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_NODELAY, 1);
    peer_settings(p)->tcp_tail_loss_probe = 0;
    peer_flight(p, 1, 1);
    peer_after(p, 210);
    peer_expect(p, TCP_ACK | TCP_PSH, 1, 1000);
    peer_after(p, 40);
    p->ts += 250;
    peer_ack(p, 1001);
    assert_int_equal(p->tcb->rtt.latest_ns, TIME_MS(40));
    peer_free(p);
}

/* ── What the acknowledgment of our FIN leads to ── */

static void FIN_WAIT_1_becomes_FIN_WAIT_2(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    assert_int_equal(tcp_shutdown_send(p->tcb), 0);
    assert_int_equal(p->tcb->state, TCP_FIN_WAIT_1);
    peer_expect(p, TCP_FIN | TCP_ACK, 1, 0);
    peer_ack(p, 2);
    assert_int_equal(p->tcb->state, TCP_FIN_WAIT_2);
    assert_true(tcp_drained(p->tcb));
    peer_free(p);
}

static void CLOSING_becomes_TIME_WAIT(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    tcp_shutdown_send(p->tcb);
    peer_expect(p, TCP_FIN | TCP_ACK, 1, 0);
    peer_fin(p);
    assert_int_equal(p->tcb->state, TCP_CLOSING);
    peer_expect_ack(p, 2);
    peer_ack(p, 2);
    assert_int_equal(p->tcb->state, TCP_TIME_WAIT);
    peer_free(p);
}

static void LAST_ACK_becomes_CLOSED(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    peer_fin(p);
    peer_expect_ack(p, 2);
    tcp_shutdown_send(p->tcb);
    assert_int_equal(p->tcb->state, TCP_LAST_ACK);
    peer_expect(p, TCP_FIN | TCP_ACK, 1, 0);
    peer_ack(p, 2);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    assert_int_equal(tcp_error(p->tcb, true), 0);
    peer_free(p);
}

/* Data in flight: the FIN is only acknowledged with all before it. */
static void ack_of_the_data_before_the_FIN_does_not_count_as_its_ack(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    peer_write(p, 1000);
    peer_expect(p, TCP_ACK | TCP_PSH, 1, 1000);
    tcp_shutdown_send(p->tcb);
    peer_expect(p, TCP_FIN | TCP_ACK, 1001, 0);
    peer_ack(p, 1001);
    assert_int_equal(p->tcb->state, TCP_FIN_WAIT_1);
    peer_ack(p, 1002);
    assert_int_equal(p->tcb->state, TCP_FIN_WAIT_2);
    peer_free(p);
}

/* ── SYN-RECEIVED ── */

static void ack_of_no_SYN_of_ours_is_answered_with_a_reset(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_await_syn(p);
    p->next = 0;
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN, PEER_PLAIN)), DROP_NONE);
    assert_int_equal(p->tcb->state, TCP_SYN_RECEIVED);
    peer_expect(p, TCP_SYN | TCP_ACK, 0, 0);
    p->acked = 2;
    assert_int_equal(peer_send(p, TCP_ACK, 1, 0), DROP_TCP_ACK);
    struct segment reset = peer_take(p);
    assert_int_equal(reset.flags, TCP_RST);
    assert_int_equal(reset.seq, 2);
    assert_int_equal(p->tcb->state, TCP_SYN_RECEIVED);
    peer_free(p);
}

/* The acknowledgment of the original was lost, and that of the second retransmission echoes it. */
static void echo_that_comes_with_a_duplicate_is_no_sample(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    peer_flight(p, 1, 1);
    uint64_t before = p->tcb->rtt.srtt_ns;
    peer_after(p, 3000);
    peer_forget(p);
    peer_sack(p, 1001, BLOCK(1, 1001), NO_BLOCK, NO_BLOCK);
    assert_int_equal(p->tcb->snd.una, p->tcb->snd.nxt);
    assert_int_equal(p->tcb->stat.dsacks, 1);
    assert_int_equal(p->tcb->rtt.srtt_ns, before);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segment_without_ACK_bit_is_dropped),
        cmocka_unit_test(ack_of_data_not_yet_sent_is_challenged_and_its_text_dropped),
        cmocka_unit_test(MAY_12_ack_older_than_any_window_is_challenged),
        cmocka_unit_test(old_ack_is_ignored_but_its_text_is_taken),
        cmocka_unit_test(ack_frees_what_it_covers_and_wakes_who_waits_to_write),
        cmocka_unit_test(acknowledged_ring_and_records_are_given_back),
        cmocka_unit_test(window_is_taken_from_the_newest_segment_only),
        cmocka_unit_test(MUST_1_window_field_is_unsigned),
        cmocka_unit_test(REC_1_windows_are_kept_in_32_bits_scaled),
        cmocka_unit_test(sample_is_taken_from_what_was_sent_once),
        cmocka_unit_test(MUST_18_karn_no_sample_from_what_was_sent_again),
        cmocka_unit_test(timestamp_gives_a_sample_also_after_a_retransmission),
        cmocka_unit_test(FIN_WAIT_1_becomes_FIN_WAIT_2),
        cmocka_unit_test(CLOSING_becomes_TIME_WAIT),
        cmocka_unit_test(LAST_ACK_becomes_CLOSED),
        cmocka_unit_test(ack_of_the_data_before_the_FIN_does_not_count_as_its_ack),
        cmocka_unit_test(ack_of_no_SYN_of_ours_is_answered_with_a_reset),
        cmocka_unit_test(echo_that_comes_with_a_duplicate_is_no_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
