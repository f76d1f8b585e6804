/* RFC 3522, RFC 4015, RFC 3708: a reduction that was for nothing is taken back. */
#include "tcp_peer.h"

/* Ten segments out, and three SACKed above the first: it was sent again, the window reduced. */
static struct peer *peer_in_recovery(enum peer_offer offer)
{
    struct peer *p = peer_new();
    peer_open(p, offer);
    peer_flight(p, 1, 10);
    peer_after(p, PEER_RTT_MS);
    p->ts += PEER_RTT_MS;
    peer_sack(p, 1, BLOCK(1001, 4001), NO_BLOCK, NO_BLOCK);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_RECOVERY);
    assert_true(p->tcb->cc.ssthresh <= 7);
    return p;
}

static void check_taken_back(const struct peer *p, const char *counter)
{
    assert_int_equal(machine_counter(p->m, counter), 1);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_OPEN);
    assert_true(p->tcb->cc.cwnd >= 10);
    assert_int_equal(p->tcb->cc.ssthresh, UINT32_MAX);
}

/* Eifel (RFC 3522 §3.2): the echo is older than the retransmission. */
static void acknowledgment_of_the_original_takes_the_reduction_back(void **state)
{
    (void)state;
    struct peer *p = peer_in_recovery(PEER_FULL);
    uint32_t original = p->ts_echo;
    peer_expect(p, TCP_ACK, 1, 1000); /* a later timestamp, which the peer does not echo */
    peer_after(p, 2);
    p->ts_echo = original;
    peer_ack(p, 10001);
    check_taken_back(p, "TcpExtTCPFullUndo");
    peer_free(p);
}

static void acknowledgment_of_the_retransmission_leaves_it(void **state)
{
    (void)state;
    struct peer *p = peer_in_recovery(PEER_FULL);
    peer_expect(p, TCP_ACK, 1, 1000);
    peer_after(p, PEER_RTT_MS);
    peer_ack(p, 10001);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPFullUndo"), 0);
    assert_true(p->tcb->cc.ssthresh <= 7);
    peer_free(p);
}

/* RFC 8985 §6.2 step 3 knows only of what SACKs show; this the timestamp shows: RACK waits from now
 * on. */
static void original_that_fills_the_hole_shows_reordering(void **state)
{
    (void)state;
    struct peer *p = peer_in_recovery(PEER_FULL);
    uint32_t original = p->ts_echo;
    peer_expect(p, TCP_ACK, 1, 1000);
    assert_false(p->tcb->rack.reordering_seen);
    peer_after(p, 2);
    p->ts_echo = original;
    peer_ack(p, 4001);
    check_taken_back(p, "TcpExtTCPPartialUndo");
    assert_true(p->tcb->rack.reordering_seen);
    assert_int_equal(p->tcb->recovery.reordering, 4);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPTSReorder"), 1);
    peer_free(p);
}

/* Takes what was sent up to the segment at `seq`, whose timestamp the peer may echo. */
static uint32_t timestamp_of(struct peer *p, uint32_t seq)
{
    while (peer_take(p).seq != seq)
        continue;
    return p->ts_echo;
}

/* RFC 3522 §3.2 step 1: a copy of the recovery before, which arrives in this one, has an older
 * timestamp than all that this one has sent again, and is no original for that. */
static void copy_from_the_recovery_before_is_no_original(void **state)
{
    (void)state;
    struct peer *p = peer_in_recovery(PEER_FULL);
    uint32_t first = timestamp_of(p, 1);
    peer_write(p, 20000);
    peer_sack(p, 1, BLOCK(1001, 10001), NO_BLOCK, NO_BLOCK);
    timestamp_of(p, 14001);
    peer_after(p, 2);
    peer_sack(p, 1, BLOCK(11001, 14001), BLOCK(1001, 10001), NO_BLOCK);
    uint32_t second = timestamp_of(p, 10001);
    p->ts_echo = first;
    peer_ack(p, 10001); /* the end of this recovery, with that copy under way */

    peer_after(p, 2);
    p->ts_echo = second;
    peer_sack(p, 10001, BLOCK(15001, 18001), BLOCK(11001, 14001), NO_BLOCK);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPSackRecovery"), 2);
    assert_true(seq_lt(second, timestamp_of(p, 14001)));
    p->ts_echo = second;
    peer_ack(p, 14001);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_RECOVERY);
    assert_false(p->tcb->rack.reordering_seen);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPTSReorder"), 0);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPPartialUndo"), 0);
    peer_free(p);
}

/* RFC 3708: every retransmission is accounted for by a D-SACK. */
static void duplicate_reports_for_all_retransmissions_take_it_back(void **state)
{
    (void)state;
    struct peer *p = peer_in_recovery(PEER_SACK);
    peer_expect(p, TCP_ACK, 1, 1000);
    peer_after(p, 2);
    peer_ack(p, 4001);
    peer_after(p, 2);
    peer_sack(p, 4001, BLOCK(1, 1001), NO_BLOCK, NO_BLOCK);
    check_taken_back(p, "TcpExtTCPDSACKUndo");
    peer_free(p);
}

static void duplicate_report_for_one_of_two_retransmissions_leaves_it(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_SACK);
    peer_flight(p, 1, 10);
    peer_after(p, PEER_RTT_MS);
    peer_sack(p, 1, BLOCK(2001, 8001), NO_BLOCK, NO_BLOCK);
    peer_after(p, PEER_RTT_MS);
    assert_int_equal(p->tcb->stat.retransmits, 2);
    peer_sack(p, 8001, BLOCK(1, 1001), NO_BLOCK, NO_BLOCK);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_RECOVERY);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPDSACKUndo"), 0);
    peer_free(p);
}

/* After a timeout, too (RFC 4015). */
static void timeout_that_came_too_early_is_taken_back(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->tcp_tail_loss_probe = 0;
    peer_settings(p)->tcp_frto = 0;
    peer_open(p, PEER_FULL);
    peer_flight(p, 1, 10);
    uint32_t original = p->ts_echo;
    peer_after(p, 210);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_LOSS);
    assert_int_equal(p->tcb->cc.cwnd, 1);
    peer_forget(p);
    p->ts += 210;
    p->ts_echo = original;
    peer_ack(p, 1001);
    check_taken_back(p, "TcpExtTCPLossUndo");
    assert_int_equal(p->tcb->records.lost_out, 0);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledgment_of_the_original_takes_the_reduction_back),
        cmocka_unit_test(acknowledgment_of_the_retransmission_leaves_it),
        cmocka_unit_test(original_that_fills_the_hole_shows_reordering),
        cmocka_unit_test(copy_from_the_recovery_before_is_no_original),
        cmocka_unit_test(duplicate_reports_for_all_retransmissions_take_it_back),
        cmocka_unit_test(duplicate_report_for_one_of_two_retransmissions_leaves_it),
        cmocka_unit_test(timeout_that_came_too_early_is_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
