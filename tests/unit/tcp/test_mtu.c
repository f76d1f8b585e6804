/* RFC 1191 for TCP. */
#include "tcp_peer.h"

#include "tcp/mtu.h"

static struct peer *peer_with_flight(unsigned segments)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_SACK);
    peer_flight(p, 1, segments);
    return p;
}

/* §6.4, and RFC 5681: not congestion. */
static void what_was_too_big_goes_again_in_smaller_pieces(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(2);
    uint32_t cwnd = p->tcb->cc.cwnd;
    mtu_too_big(p->tcb, 640);
    assert_int_equal(p->tcb->snd.mss, 600);
    uint32_t length = 0;
    while (!peer_is_quiet(p)) {
        struct segment s = peer_take(p);
        assert_true(s.length <= 600);
        length += s.length;
    }
    assert_int_equal(length, 2000);
    assert_int_equal(p->tcb->cc.cwnd, cwnd);
    assert_int_equal(p->tcb->cc.ssthresh, UINT32_MAX);
    peer_sack(p, 1, BLOCK(601, 1001), NO_BLOCK, NO_BLOCK); /* duplicate ACKs do not change that */
    peer_ack(p, 2001);
    assert_true(p->tcb->cc.cwnd >= cwnd);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_OPEN);
    peer_free(p);
}

/* RFC 1191 §6.2: what one connection has learnt holds for all that go there, at once, and for those
 * that come. */
static void size_learnt_holds_for_every_connection_to_the_destination(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(1);
    struct peer other = {.m = p->m, .ts = 1000, .window = PEER_WINDOW, .theirs = p->theirs};
    other.theirs.port++;
    other.seen = p->seen;
    peer_open(&other, PEER_PLAIN);
    p->seen = other.seen;
    mtu_too_big(p->tcb, 640);
    peer_forget(p);
    other.seen = 0;
    assert_int_equal(other.tcb->snd.mss, 1000);
    peer_write(&other, 1200);
    peer_expect(&other, TCP_ACK, 1, 600);
    peer_expect(&other, TCP_ACK | TCP_PSH, 601, 600);

    struct peer third = other;
    third.tcb = NULL;
    third.theirs.port++;
    assert_int_equal(peer_await_syn(&third).options.mss,
                     1460); /* what comes is the link's affair */
    assert_int_equal(third.tcb->path.mtu, 640);
    tcp_abort(third.tcb);
    tcp_abort(other.tcb);
    peer_free(p);
}

/* §3 and §6.3: an increase is tried, no sooner than five minutes after the decrease. */
static void size_learnt_is_forgotten_after_ten_minutes(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(1);
    mtu_too_big(p->tcb, 640);
    peer_ack(p, 1001);
    peer_after(p, 599 * 1000);
    peer_forget(p);
    peer_write(p, 1000);
    peer_expect(p, TCP_ACK, 1001, 600);
    peer_expect(p, TCP_ACK | TCP_PSH, 1601, 400);
    peer_ack(p, 2001);
    peer_after(p, 1000);
    peer_write(p, 1000);
    peer_expect(p, TCP_ACK | TCP_PSH, 2001, 1000);
    assert_int_equal(p->tcb->path.mtu, 1500);
    peer_free(p);
}

/* IP_PMTUDISC_PROBE. */
static void who_would_rather_find_out_does_not_heed_the_message(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(1);
    int probe = 3;
    assert_int_equal(
        tcp_set_option(p->tcb, OPTION_LEVEL_IP, OPTION_IP_MTU_DISCOVER, &probe, sizeof probe), 0);
    mtu_too_big(p->tcb, 640);
    assert_int_equal(p->tcb->snd.mss, 1000);
    peer_quiet(p);
    peer_free(p);
}

static void larger_or_equal_size_changes_nothing(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(1);
    mtu_too_big(p->tcb, 1500);
    mtu_too_big(p->tcb, 9000);
    assert_int_equal(p->tcb->path.mtu, 1500);
    peer_quiet(p);
    peer_free(p);
}

/* CVE-2004-1060: no forged error makes us send crumbs. */
static void size_below_the_least_is_not_believed(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(1);
    mtu_too_big(p->tcb, 68);
    assert_int_equal(p->tcb->path.mtu, 552);
    peer_free(p);
}

/* §5: routers that do not say. */
static void unknown_size_takes_the_next_plateau(void **state)
{
    (void)state;
    static const uint32_t steps[][2] = {{65535, 32000}, {9000, 8166}, {1500, 1492}, {1492, 1006}};
    for (size_t i = 0; i < 4; i++) {
        struct peer *p = peer_new();
        p->m->interface->mtu = steps[i][0];
        peer_open(p, PEER_PLAIN);
        peer_flight(p, 1, 1);
        mtu_too_big(p->tcb, 0);
        assert_int_equal(p->tcb->path.mtu, steps[i][1]);
        peer_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_too_big_goes_again_in_smaller_pieces),
        cmocka_unit_test(size_learnt_holds_for_every_connection_to_the_destination),
        cmocka_unit_test(size_learnt_is_forgotten_after_ten_minutes),
        cmocka_unit_test(who_would_rather_find_out_does_not_heed_the_message),
        cmocka_unit_test(larger_or_equal_size_changes_nothing),
        cmocka_unit_test(size_below_the_least_is_not_believed),
        cmocka_unit_test(unknown_size_takes_the_next_plateau),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
