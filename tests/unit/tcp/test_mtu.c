/* RFC 1191 for TCP. */
#include "tcp_peer.h"

#include "tcp/mtu.h"

static struct peer *peer_with_flight(unsigned segments)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
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
    struct peer *p = peer_with_flight(1);
    for (size_t i = 0; i < 4; i++) {
        p->tcb->path.mtu = steps[i][0];
        mtu_too_big(p->tcb, 0);
        assert_int_equal(p->tcb->path.mtu, steps[i][1]);
    }
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_too_big_goes_again_in_smaller_pieces),
        cmocka_unit_test(larger_or_equal_size_changes_nothing),
        cmocka_unit_test(size_below_the_least_is_not_believed),
        cmocka_unit_test(unknown_size_takes_the_next_plateau),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
