/* RFC 8985 §7: tail loss probes. The round trip of the fixture is 10 ms. */
#include "tcp_peer.h"

static struct peer *peer_with_flight(unsigned segments)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_SACK);
    peer_flight(p, 1, segments);
    return p;
}

/* §7.2: PTO = 2 SRTT, and a little for the clock. */
static void last_segment_goes_again_after_two_round_trips(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(3);
    peer_after(p, 21);
    peer_quiet(p);
    peer_after(p, 1);
    peer_expect(p, TCP_ACK | TCP_PSH, 2001, 1000);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPLossProbes"), 1);
    peer_free(p);
}

static void single_segment_waits_for_the_delayed_acknowledgment(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(1);
    peer_after(p, 200);
    peer_quiet(p);
    peer_after(p, 20);
    peer_expect(p, TCP_ACK | TCP_PSH, 1, 1000);
    peer_free(p);
}

/* §7.3. */
static void new_data_is_the_better_probe(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_SACK);
    peer_write(p, 12 * PEER_MSS);
    for (int i = 0; i < 10; i++)
        peer_take(p);
    peer_after(p, 22);
    peer_expect(p, TCP_ACK, 10001, 1000);
    peer_quiet(p);
    peer_free(p);
}

static void only_one_probe_is_sent_and_then_the_timeout(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(3);
    peer_after(p, 22);
    peer_forget(p);
    peer_after(p, 209);
    peer_quiet(p);
    peer_after(p, 1);
    peer_expect(p, TCP_ACK, 1, 1000);
    peer_free(p);
}

/* The probe's SACK starts fast recovery instead of a timeout. */
static void probe_brings_the_SACK_that_shows_the_losses(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(4);
    peer_after(p, 22);
    peer_expect(p, TCP_ACK | TCP_PSH, 3001, 1000);
    peer_after(p, 10);
    peer_sack(p, 1, BLOCK(3001, 4001), NO_BLOCK, NO_BLOCK);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_RECOVERY);
    peer_expect(p, TCP_ACK, 1, 1000);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPTimeouts"), 0);
    peer_free(p);
}

/* §7.4.2: the probe repaired the loss of the last segment, which congestion control must hear. */
static void loss_that_the_probe_repaired_reduces_the_window(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(3);
    peer_after(p, 22);
    peer_forget(p);
    peer_after(p, 10);
    peer_ack(p, 3001);
    peer_flight(p, 3001, 1);
    peer_after(p, 10);
    peer_ack(p, 4001);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPLossProbeRecovery"), 1);
    assert_true(p->tcb->cc.cwnd < 10);
    peer_free(p);
}

/* §7.4: the D-SACK shows that the original had arrived. */
static void probe_that_arrived_twice_reduces_nothing(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(3);
    peer_after(p, 22);
    peer_forget(p);
    peer_after(p, 10);
    peer_ack(p, 3001);
    peer_sack(p, 3001, BLOCK(2001, 3001), NO_BLOCK, NO_BLOCK);
    peer_flight(p, 3001, 1);
    peer_after(p, 10);
    peer_ack(p, 4001);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPLossProbeRecovery"), 0);
    assert_true(p->tcb->cc.cwnd >= 10);
    peer_free(p);
}

static void without_SACK_there_are_no_probes(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    peer_flight(p, 1, 3);
    peer_after(p, 209);
    peer_quiet(p);
    peer_after(p, 1);
    peer_expect(p, TCP_ACK, 1, 1000);
    peer_free(p);
}

/* §7.3: what a probe sent again brings no sample; another must wait for one, and the timeout is
 * next. */
static void next_probe_waits_for_a_round_trip_to_be_measured(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(1);
    peer_after(p, 220);
    peer_expect(p, TCP_ACK | TCP_PSH, 1, 1000);
    peer_after(p, 10);
    peer_ack(p, 1001); /* of which of the two? */
    peer_sack(p, 1001, BLOCK(1, 1001), NO_BLOCK, NO_BLOCK);
    assert_false(p->tcb->rack.probe_out);
    peer_flight(p, 1001, 3);
    peer_after(p, 150);
    peer_quiet(p);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPLossProbes"), 1);
    peer_after(p, 10);
    peer_ack(p, 4001);
    peer_flight(p, 4001, 3);
    peer_after(p, 60 * PEER_RTT_MS);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPLossProbes"), 2);
    peer_free(p);
}

/* §7.4.2: a D-SACK for something else than the probe does not acquit it. */
static void copy_of_another_segment_is_no_copy_of_the_probe(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(3);
    peer_after(p, 22);
    peer_forget(p);
    peer_after(p, 10);
    peer_ack(p, 2001);
    peer_flight(p, 3001, 1);
    peer_after(p, 10);
    peer_sack(p, 4001, BLOCK(1, 1001), NO_BLOCK, NO_BLOCK);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPLossProbeRecovery"), 1);
    assert_true(p->tcb->cc.cwnd < 10);
    peer_free(p);
}

/* §7.2: what has been SACKed has the reordering timer instead. */
static void no_probe_is_scheduled_once_something_is_SACKed(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(4);
    peer_after(p, 10);
    peer_sack(p, 1, BLOCK(1001, 2001), NO_BLOCK, NO_BLOCK);
    p->tcb->recovery.phase = TCP_PHASE_REDUCED;
    tlp_schedule(p->tcb, true);
    assert_false(timer_is_set(p->tcb, TCP_TIMER_PROBE));
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_segment_goes_again_after_two_round_trips),
        cmocka_unit_test(single_segment_waits_for_the_delayed_acknowledgment),
        cmocka_unit_test(new_data_is_the_better_probe),
        cmocka_unit_test(only_one_probe_is_sent_and_then_the_timeout),
        cmocka_unit_test(probe_brings_the_SACK_that_shows_the_losses),
        cmocka_unit_test(loss_that_the_probe_repaired_reduces_the_window),
        cmocka_unit_test(probe_that_arrived_twice_reduces_nothing),
        cmocka_unit_test(without_SACK_there_are_no_probes),
        cmocka_unit_test(next_probe_waits_for_a_round_trip_to_be_measured),
        cmocka_unit_test(copy_of_another_segment_is_no_copy_of_the_probe),
        cmocka_unit_test(no_probe_is_scheduled_once_something_is_SACKed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
