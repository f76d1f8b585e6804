/* RFC 9937 with numbers of its own. */
#include "unit.h"

#include "tcp/recovery.h"

enum { WINDOW = 20, HALF = 10 };

static uint32_t half(struct tcb *tcb)
{
    (void)tcb;
    return HALF;
}

static const struct cc_operations operations = {.name = "half", .reduced = half};

/* 20 segments are out, the first is lost, and recovery begins. */
static struct tcb begun(void)
{
    static struct stack stack; /* without window validation */
    struct tcb tcb = {
        .stack = &stack, .cc.operations = &operations, .cc.cwnd = WINDOW, .opt.sack = true};
    tcb.records.out = WINDOW;
    tcb.records.lost_out = 1;
    tcb.recovery.phase = TCP_PHASE_RECOVERY;
    prr_begin(&tcb, 0);
    return tcb;
}

/* Sends all that the window lets out, as new data. */
static uint32_t fill(struct tcb *tcb)
{
    uint32_t sent = tcb->cc.cwnd > tcb_in_flight(tcb) ? tcb->cc.cwnd - tcb_in_flight(tcb) : 0;
    tcb->records.out += sent;
    tcb->recovery.prr_out += sent;
    return sent;
}

static void sacked(struct tcb *tcb, uint32_t segments)
{
    tcb->records.sacked += segments;
    prr_on_ack(tcb, segments, 0, false);
}

static void reduction_is_spread_over_the_round_trip(void **state)
{
    (void)state;
    struct tcb tcb = begun();
    uint32_t sent = 0;
    for (uint32_t i = 0; i < WINDOW - 1; i++) {
        sacked(&tcb, 1);
        uint32_t now = fill(&tcb);
        assert_true(now <= 1);
        sent += now;
    }
    /* One for each two delivered: half the window, to a segment. */
    assert_in_range(sent, HALF - 1, HALF);
    assert_in_range(tcb_in_flight(&tcb), HALF - 1, HALF);
    prr_end(&tcb);
    tcb.recovery.undo_possible = true;
    prr_end(&tcb);
    assert_int_equal(tcb.cc.cwnd, HALF);
}

static void fast_retransmit_always_goes_out(void **state)
{
    (void)state;
    struct tcb tcb = begun();
    tcb.cc.ssthresh = 0; /* nothing would be allowed */
    sacked(&tcb, 1);
    assert_int_equal(tcb.cc.cwnd, tcb_in_flight(&tcb) + 1);
}

static void without_a_delivery_nothing_changes(void **state)
{
    (void)state;
    struct tcb tcb = begun();
    prr_on_ack(&tcb, 0, 3, true);
    assert_int_equal(tcb.cc.cwnd, WINDOW);
}

/* §6: below ssthresh at most one more than was delivered, and only when all is well. */
static void flight_emptied_by_losses_is_rebuilt_no_faster_than_slow_start(void **state)
{
    (void)state;
    struct tcb tcb = begun();
    tcb.records.lost_out = 18; /* pipe 2 */
    tcb.recovery.prr_out = 1;
    tcb.recovery.prr_delivered = 1;
    prr_on_ack(&tcb, 1, 0, true);
    assert_int_equal(tcb.cc.cwnd, tcb_in_flight(&tcb) + 2);
    /* New losses: packet conservation. */
    tcb = begun();
    tcb.records.lost_out = 18;
    tcb.recovery.prr_out = 1;
    tcb.recovery.prr_delivered = 1;
    prr_on_ack(&tcb, 1, 1, true);
    assert_int_equal(tcb.cc.cwnd, tcb_in_flight(&tcb) + 1);
}

static void window_never_passes_ssthresh_in_recovery(void **state)
{
    (void)state;
    struct tcb tcb = begun();
    tcb.records.lost_out = 11; /* pipe 9 */
    prr_on_ack(&tcb, 100, 0, true);
    assert_int_equal(tcb.cc.cwnd, HALF);
}

/* §6.1: RecoverFS is what may still be delivered and what has just been; what was SACKed before is
 * not, so that half of what comes in the round trip goes out of a flight half of which is SACKed.
 */
static void what_was_SACKed_before_is_no_part_of_RecoverFS(void **state)
{
    (void)state;
    struct tcb tcb = begun();
    assert_int_equal(tcb.recovery.recover_fs, WINDOW);
    tcb.records.sacked = 8;
    tcb.cc.ssthresh = 6;
    prr_begin(&tcb, 2);
    assert_int_equal(tcb.recovery.recover_fs, WINDOW - 8 + 2);
    tcb.cc.cwnd = WINDOW;
}

/* §6.2: without SACK duplicates beyond what was out at the begin are none of ours. */
static void duplicates_without_SACK_are_bounded(void **state)
{
    (void)state;
    struct tcb tcb = begun();
    tcb.opt.sack = false;
    tcb.recovery.prr_delivered = WINDOW - 1;
    prr_on_ack(&tcb, 5, 0, false);
    assert_int_equal(tcb.recovery.prr_delivered, WINDOW);
    uint32_t cwnd = tcb.cc.cwnd;
    prr_on_ack(&tcb, 1, 0, false);
    assert_int_equal(tcb.recovery.prr_delivered, WINDOW);
    assert_int_equal(tcb.cc.cwnd, cwnd);
}

/* §6.1: each episode begins anew. */
static void episode_begins_with_nothing_delivered_or_sent(void **state)
{
    (void)state;
    struct tcb tcb = begun();
    sacked(&tcb, 3);
    fill(&tcb);
    prr_begin(&tcb, 0);
    assert_int_equal(tcb.recovery.prr_delivered, 0);
    assert_int_equal(tcb.recovery.prr_out, 0);
    assert_int_equal(tcb.cc.ssthresh, HALF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reduction_is_spread_over_the_round_trip),
        cmocka_unit_test(fast_retransmit_always_goes_out),
        cmocka_unit_test(without_a_delivery_nothing_changes),
        cmocka_unit_test(flight_emptied_by_losses_is_rebuilt_no_faster_than_slow_start),
        cmocka_unit_test(window_never_passes_ssthresh_in_recovery),
        cmocka_unit_test(what_was_SACKed_before_is_no_part_of_RecoverFS),
        cmocka_unit_test(duplicates_without_SACK_are_bounded),
        cmocka_unit_test(episode_begins_with_nothing_delivered_or_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
