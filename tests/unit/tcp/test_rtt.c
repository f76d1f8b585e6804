/* RFC 6298. */
#include "tcp_peer.h"

#include "tcp/rtt.h"

static struct peer *peer_closed(void)
{
    struct peer *p = peer_new();
    assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    return p;
}

/* §2.1. */
static void timeout_is_one_second_before_any_sample(void **state)
{
    (void)state;
    struct peer *p = peer_closed();
    assert_int_equal(rtt_rto(p->tcb), TIME_S(1));
    peer_free(p);
}

/* §2.2: SRTT = R, RTTVAR = R/2, RTO = SRTT + 4 RTTVAR. */
static void first_sample_sets_everything(void **state)
{
    (void)state;
    struct peer *p = peer_closed();
    rtt_sample(p->tcb, TIME_MS(400));
    assert_int_equal(p->tcb->rtt.srtt_ns, TIME_MS(400));
    assert_int_equal(p->tcb->rtt.rttvar_ns, TIME_MS(200));
    assert_int_equal(rtt_rto(p->tcb), TIME_MS(1200));
    peer_free(p);
}

/* §2.3: alpha 1/8, beta 1/4. */
static void later_samples_move_SRTT_by_an_eighth_and_the_deviation_by_a_quarter(void **state)
{
    (void)state;
    struct peer *p = peer_closed();
    rtt_sample(p->tcb, TIME_MS(400));
    rtt_sample(p->tcb, TIME_MS(1200));
    assert_int_equal(p->tcb->rtt.srtt_ns, TIME_MS(500));
    assert_int_equal(p->tcb->rtt.deviation_ns, TIME_MS(350)); /* 200 + (800 - 200) / 4 */
    assert_int_equal(p->tcb->rtt.rttvar_ns, TIME_MS(350));
    assert_int_equal(rtt_rto(p->tcb), TIME_MS(500 + 4 * 350));
    peer_free(p);
}

static void timeout_lies_at_least_its_floor_above_SRTT(void **state)
{
    (void)state;
    struct peer *p = peer_closed();
    for (int i = 0; i < 100; i++)
        rtt_sample(p->tcb, TIME_MS(1));
    assert_int_equal(rtt_rto(p->tcb), TIME_MS(201));
    peer_free(p);
}

/* §5.5 and §2.5; §5.7 with Karn: a sample ends it. */
static void back_off_doubles_to_the_longest_and_ends_with_a_sample(void **state)
{
    (void)state;
    struct peer *p = peer_closed();
    uint64_t most = TIME_MS(peer_settings(p)->tcp_rto_max_ms);
    assert_true(most >= TIME_S(60));
    for (uint8_t i = 0; i < 60; i++) {
        p->tcb->rtt.backoff = i;
        assert_int_equal(rtt_rto(p->tcb), i < 7 ? TIME_S(1) << i : most);
    }
    rtt_sample(p->tcb, TIME_MS(400));
    assert_int_equal(rtt_rto(p->tcb), TIME_MS(1200));
    peer_free(p);
}

static void sample_of_zero_counts_as_the_shortest(void **state)
{
    (void)state;
    struct peer *p = peer_closed();
    rtt_sample(p->tcb, 0);
    assert_true(p->tcb->rtt.srtt_ns > 0);
    rtt_min_sample(p->tcb, 0);
    assert_true(p->tcb->rtt.min_ns > 0);
    peer_free(p);
}

/* RFC 8985 §6.2 step 1. */
static void minimum_is_believed_for_its_window_only(void **state)
{
    (void)state;
    struct peer *p = peer_closed();
    rtt_min_sample(p->tcb, TIME_MS(10));
    rtt_min_sample(p->tcb, TIME_MS(50));
    assert_int_equal(p->tcb->rtt.min_ns, TIME_MS(10));
    peer_after(p, 300001);
    rtt_min_sample(p->tcb, TIME_MS(50));
    assert_int_equal(p->tcb->rtt.min_ns, TIME_MS(50));
    rtt_min_sample(p->tcb, TIME_MS(20));
    assert_int_equal(p->tcb->rtt.min_ns, TIME_MS(20));
    peer_free(p);
}

/* §4 and RFC 7323 appendix G: many samples a round trip do not let RTTVAR collapse. */
static void variance_falls_slowly(void **state)
{
    (void)state;
    struct peer *p = peer_closed();
    rtt_sample(p->tcb, TIME_MS(400));
    rtt_sample(p->tcb, TIME_MS(1200));
    uint64_t before = p->tcb->rtt.rttvar_ns;
    for (int i = 0; i < 50; i++) /* SND.UNA stays: one round trip */
        rtt_sample(p->tcb, TIME_MS(500));
    assert_int_equal(p->tcb->rtt.rttvar_ns, before);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timeout_is_one_second_before_any_sample),
        cmocka_unit_test(first_sample_sets_everything),
        cmocka_unit_test(later_samples_move_SRTT_by_an_eighth_and_the_deviation_by_a_quarter),
        cmocka_unit_test(timeout_lies_at_least_its_floor_above_SRTT),
        cmocka_unit_test(back_off_doubles_to_the_longest_and_ends_with_a_sample),
        cmocka_unit_test(sample_of_zero_counts_as_the_shortest),
        cmocka_unit_test(minimum_is_believed_for_its_window_only),
        cmocka_unit_test(variance_falls_slowly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
