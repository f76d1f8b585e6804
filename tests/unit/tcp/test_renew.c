#include "tcp_peer.h"

#include <errno.h>
#include <poll.h>

#include "common/allocation.h"

static struct peer *peer_opened(void)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    return p;
}

static void renewing_resets_and_keeps_what_was_asked_for(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    struct tcb *fresh;
    p->tcb->preferences.no_delay = true;
    assert_int_equal(tcp_renew(p->tcb, ECONNRESET, &fresh), 0);
    p->tcb = fresh;
    peer_expect(p, TCP_RST | TCP_ACK, 1, 0);
    assert_int_equal(fresh->state, TCP_CLOSED);
    assert_true(fresh->preferences.no_delay);
    assert_int_equal(tcp_error(fresh, true), ECONNRESET);
    assert_int_equal(tcp_readiness(fresh), POLLOUT | POLLWRNORM | POLLHUP);
    peer_free(p);
}

static void without_memory_all_is_as_before(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    struct tcb *fresh = NULL;
    allocations_fail_after(0);
    int error = tcp_renew(p->tcb, 0, &fresh);
    allocations_succeed();
    assert_int_equal(error, -ENOMEM);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renewing_resets_and_keeps_what_was_asked_for),
        cmocka_unit_test(without_memory_all_is_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
