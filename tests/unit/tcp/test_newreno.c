/* RFC 5681 §3.2, RFC 6582 and RFC 3042 for a peer without SACK. */
#include "tcp_peer.h"

static struct peer *peer_with_more_to_send(void)
{
    struct peer *p = peer_new();
    peer_settings(p)->tcp_congestion_control = 1; /* reno */
    peer_open(p, PEER_PLAIN);
    peer_write(p, 20 * PEER_MSS);
    for (uint32_t i = 0; i < 10; i++)
        peer_take(p);
    peer_quiet(p);
    peer_after(p, PEER_RTT_MS);
    return p;
}

/* Far enough apart that each is acted on by itself. */
static void duplicate(struct peer *p)
{
    peer_after(p, 2);
    peer_ack(p, 1);
}

/* RFC 3042 §2: the first two duplicates each let one new segment out. */
static void limited_transmit_sends_new_data_on_the_first_two_duplicates(void **state)
{
    (void)state;
    struct peer *p = peer_with_more_to_send();
    duplicate(p);
    peer_expect(p, TCP_ACK, 10001, 1000);
    duplicate(p);
    peer_expect(p, TCP_ACK, 11001, 1000);
    peer_quiet(p);
    assert_int_equal(p->tcb->cc.cwnd, 10);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_DISORDER);
    peer_free(p);
}

static void third_duplicate_retransmits_and_halves_the_window(void **state)
{
    (void)state;
    struct peer *p = peer_with_more_to_send();
    for (int i = 0; i < 3; i++)
        duplicate(p);
    peer_take(p);
    peer_take(p);
    peer_expect(p, TCP_ACK, 1, 1000);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_RECOVERY);
    assert_int_equal(p->tcb->cc.ssthresh, 5);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPRenoRecovery"), 1);
    peer_free(p);
}

/* RFC 5681 §2: neither text nor a changed window, and something outstanding. */
static void ACK_with_text_or_another_window_is_no_duplicate(void **state)
{
    (void)state;
    struct peer *p = peer_with_more_to_send();
    for (uint32_t i = 0; i < 5; i++)
        peer_text(p, 1 + i * 10, 10);
    for (uint32_t i = 0; i < 5; i++) {
        p->window++;
        peer_ack(p, 1);
    }
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_OPEN);
    assert_int_equal(p->tcb->records.sacked, 0);
    peer_free(p);
}

/* RFC 6582 §3.2 step 3: a partial acknowledgment shows the next hole. */
static void partial_acknowledgment_retransmits_the_next_hole(void **state)
{
    (void)state;
    struct peer *p = peer_with_more_to_send();
    for (int i = 0; i < 3; i++)
        duplicate(p);
    peer_forget(p);
    peer_after(p, PEER_RTT_MS);
    peer_ack(p, 8001);
    peer_expect(p, TCP_ACK, 8001, 1000);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_RECOVERY);
    peer_free(p);
}

static void full_acknowledgment_ends_recovery_with_the_halved_window(void **state)
{
    (void)state;
    struct peer *p = peer_with_more_to_send();
    for (int i = 0; i < 3; i++)
        duplicate(p);
    peer_forget(p);
    peer_after(p, PEER_RTT_MS);
    peer_ack(p, 12001); /* past the recovery point: all that was out, and limited transmit's */
    assert_true(p->tcb->cc.cwnd <= 6);
    peer_forget(p);
    peer_after(p, PEER_RTT_MS);
    peer_ack(p, 13001);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_OPEN);
    peer_free(p);
}

/* RFC 6582 §3.2 step 2 and §4: duplicates of the same trouble start no second reduction. */
static void duplicates_after_recovery_do_not_start_another(void **state)
{
    (void)state;
    struct peer *p = peer_with_more_to_send();
    for (int i = 0; i < 3; i++)
        duplicate(p);
    peer_forget(p);
    peer_after(p, PEER_RTT_MS);
    peer_ack(p, 12001);
    uint32_t ssthresh = p->tcb->cc.ssthresh;
    for (int i = 0; i < 5; i++)
        peer_ack(p, 12001);
    assert_int_equal(p->tcb->cc.ssthresh, ssthresh);
    peer_free(p);
}

static void no_more_is_believed_to_have_arrived_than_was_sent(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    peer_flight(p, 1, 4);
    for (int i = 0; i < 200; i++)
        peer_ack(p, 1);
    assert_true(p->tcb->records.sacked < p->tcb->records.out);
    assert_true(tcb_in_flight(p->tcb) <= p->tcb->records.out);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limited_transmit_sends_new_data_on_the_first_two_duplicates),
        cmocka_unit_test(third_duplicate_retransmits_and_halves_the_window),
        cmocka_unit_test(ACK_with_text_or_another_window_is_no_duplicate),
        cmocka_unit_test(partial_acknowledgment_retransmits_the_next_hole),
        cmocka_unit_test(full_acknowledgment_ends_recovery_with_the_halved_window),
        cmocka_unit_test(duplicates_after_recovery_do_not_start_another),
        cmocka_unit_test(no_more_is_believed_to_have_arrived_than_was_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
