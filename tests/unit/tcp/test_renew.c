#include "tcp_peer.h"

#include <errno.h>
#include <poll.h>

#include "common/allocation.h"
#include "tcp/listener.h"
#include "tcp/sockopt.h"

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

/* Memory runs out at each point where it is asked for; in the end it does not. */
static void a_bound_connection_keeps_its_name_or_is_as_before(void **state)
{
    (void)state;
    int error = -ENOMEM;
    for (unsigned successes = 0; error < 0; successes++) {
        struct peer *p = peer_new();
        struct endpoint any = {address_from_ipv4(0), 4000};
        struct tcb *fresh = NULL;
        assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
        assert_int_equal(tcp_bind(p->tcb, &any, false), 0);
        assert_int_equal(tcp_connect(p->tcb, &p->theirs), -EINPROGRESS);
        assert_false(address_is_unspecified(&tcp_local(p->tcb)->address));
        allocations_fail_after(successes);
        error = tcp_renew(p->tcb, 0, &fresh);
        allocations_succeed();
        if (error == 0)
            p->tcb = fresh;
        else
            assert_int_equal(p->tcb->state, TCP_SYN_SENT);
        assert_int_equal(tcp_local(p->tcb)->port, 4000);
        assert_int_equal(address_is_unspecified(&tcp_local(p->tcb)->address), error == 0);
        peer_free(p);
    }
}

static void a_listener_keeps_its_name_and_options_or_is_as_before(void **state)
{
    (void)state;
    static const uint8_t key[16] = {1};
    int error = -ENOMEM;
    for (unsigned successes = 0; error < 0; successes++) {
        struct peer *p = peer_new();
        struct endpoint name = {p->ours.address, 4000};
        struct tcp_listener *listener;
        struct tcb *fresh = NULL;
        assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
        assert_int_equal(tcp_bind(p->tcb, &name, false), 0);
        p->tcb->preferences.no_delay = true;
        assert_int_equal(
            tcp_set_option(p->tcb, IP_PROTOCOL_TCP, OPTION_FASTOPEN_KEY, key, sizeof key), 0);
        assert_int_equal(tcp_listen(p->tcb, 1, p, &listener), 0);
        p->tcb = NULL;
        allocations_fail_after(successes);
        error = tcp_renew_listener(listener, &fresh);
        allocations_succeed();
        if (error < 0) {
            assert_int_equal(tcp_listener_local(listener)->port, 4000);
            tcp_listener_close(listener);
        } else {
            p->tcb = fresh;
            assert_true(fresh->bound && fresh->bound_address && fresh->preferences.no_delay);
            assert_true(address_equal(&tcp_local(fresh)->address, &name.address));
            assert_non_null(fresh->fast_open.keys);
            assert_int_equal(fresh->fast_open.keys->count, 1);
        }
        peer_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renewing_resets_and_keeps_what_was_asked_for),
        cmocka_unit_test(without_memory_all_is_as_before),
        cmocka_unit_test(a_bound_connection_keeps_its_name_or_is_as_before),
        cmocka_unit_test(a_listener_keeps_its_name_and_options_or_is_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
