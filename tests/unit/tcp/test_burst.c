#include "tcp_peer.h"

#include "tcp/burst.h"
#include "tcp/pacing.h"

static struct peer *peer_opened(void)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    return p;
}

static void burst_is_about_a_millisecond_of_the_rate_and_two_segments_at_least(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    p->tcb->rtt.min_ns = TIME_S(1); /* a long path: the rate alone decides */
    p->tcb->cc.pacing_rate = 1;
    assert_int_equal(burst_segments(p->tcb, 1000), 2);
    p->tcb->cc.pacing_rate = 10240000;
    assert_int_equal(burst_segments(p->tcb, 1000), 10);
    p->tcb->cc.pacing_rate = UINT64_MAX;
    assert_int_equal(burst_segments(p->tcb, 1000), burst_bytes_max(p->tcb) / 1000);
    peer_free(p);
}

static void short_path_sends_longer_bursts(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    p->tcb->cc.pacing_rate = 1;
    p->tcb->rtt.min_ns = TIME_US(100);
    assert_int_equal(burst_segments(p->tcb, 1000), burst_bytes_max(p->tcb) / 1000);
    peer_free(p);
}

static void burst_to_this_hosts_kernel_is_longer(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    uint32_t usual = burst_bytes_max(p->tcb);
    p->m->interface->big_packet_max = LIMIT_BIG_PACKET;
    assert_int_equal(burst_bytes_max(p->tcb), usual);
    p->m->interface->kernel = p->tcb->connection->remote.address;
    /* What a program writes at once, 256 KB, is one packet, whole segments that end behind it. */
    assert_in_range(burst_bytes_max(p->tcb), (1 << 18) + 1460, (1 << 18) + 2 * 1460);
    peer_free(p);
}

static void rate_follows_window_and_round_trip(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    p->tcb->cc.cwnd = 10;
    p->tcb->cc.ssthresh = 10;
    p->tcb->rtt.srtt_ns = TIME_MS(10);
    pacing_update_rate(p->tcb);
    /* 10 segments each 10 ms, and a fifth more (tcp.pacing_ca_ratio). */
    assert_int_equal(p->tcb->cc.pacing_rate, 1200000);
    p->tcb->cc.ssthresh = 100;
    pacing_update_rate(p->tcb);
    assert_int_equal(p->tcb->cc.pacing_rate, 2000000);
    peer_free(p);
}

/* A tail that the next acknowledgment will complete waits for it, but never long. */
static void small_part_waits_for_the_acknowledgment_that_is_near(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    enum tcp_held held = HELD_BY_NOTHING_MORE;
    peer_write(p, 20 * PEER_MSS);
    peer_forget(p);
    peer_after(p, 9);
    p->tcb->stat.last_sent_ns = p->m->stack.now_ns;
    assert_true(burst_should_wait(p->tcb, 10000, false, 1000, 50000, 10000, &held));
    assert_int_equal(held, HELD_BY_CONGESTION);
    assert_true(burst_should_wait(p->tcb, 10000, false, 50000, 1000, 10000, &held));
    assert_int_equal(held, HELD_BY_PEER);
    assert_false(burst_should_wait(p->tcb, 10000, false, 10000, 50000, 10000, &held));
    peer_after(p, 2); /* nothing was sent for more than a millisecond */
    assert_false(burst_should_wait(p->tcb, 10000, false, 1000, 50000, 10000, &held));
    p->tcb->stat.last_sent_ns = p->m->stack.now_ns;
    p->tcb->recovery.phase = TCP_PHASE_RECOVERY;
    assert_false(burst_should_wait(p->tcb, 10000, false, 1000, 50000, 10000, &held));
    p->tcb->recovery.phase = TCP_PHASE_OPEN;
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(burst_is_about_a_millisecond_of_the_rate_and_two_segments_at_least),
        cmocka_unit_test(short_path_sends_longer_bursts),
        cmocka_unit_test(burst_to_this_hosts_kernel_is_longer),
        cmocka_unit_test(rate_follows_window_and_round_trip),
        cmocka_unit_test(small_part_waits_for_the_acknowledgment_that_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
