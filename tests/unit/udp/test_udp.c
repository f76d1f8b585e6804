#include "udp_fixture.h"

static void shutdown_ends_sending_and_receiving(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct endpoint peer = at(PEER_ADDRESS, PEER_PORT);
    assert_int_equal(udp_connect(udp, &peer), 0);
    assert_int_equal(udp_shutdown(udp, false, true), 0);
    assert_int_equal(send_text(udp, "x", NULL), -EPIPE);
    assert_int_equal(udp_readiness(udp) & (POLLRDHUP | POLLHUP), 0);
    assert_int_equal(udp_shutdown(udp, true, false), 0);
    assert_true(notified.events & POLLIN && notified.events & POLLRDHUP &&
                notified.events & POLLHUP);
}

/* Linux's way to wake who waits for datagrams: an error, but it works. */
static void shutdown_without_a_peer_is_refused_and_works(void **state)
{
    struct machine *m = *state;
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    assert_int_equal(udp_shutdown(udp, true, true), -ENOTCONN);
    assert_true(udp_readiness(udp) & POLLHUP);
}

static void stack_frees_what_is_still_open(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    connected(m, OUR_PORT);
    bound(m, anywhere(OUR_PORT + 1));
    open_socket(m);
    assert_int_equal(arrives(m, PEER_ADDRESS, 1, MACHINE_ADDRESS, OUR_PORT + 1, "x"), DROP_NONE);
    machine_free(m);
}

static void exhausted_memory_is_said(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct udp *udp;
    assert_int_equal(ip_attach(&m->stack), 0);
    for (unsigned successes = 0; successes < 3; successes++) {
        allocations_fail_after(successes);
        int error = udp_attach(&m->stack);
        allocations_succeed();
        assert_int_equal(error, -ENOMEM);
    }
    assert_int_equal(udp_attach(&m->stack), 0);
    allocations_fail_after(0);
    int error = udp_open(&m->stack, NULL, &udp);
    allocations_succeed();
    assert_int_equal(error, -ENOMEM);

    udp = connected(m, OUR_PORT);
    char a[] = "a", b[] = "b";
    struct iovec spans[] = {{a, 1}, {b, 1}};
    allocations_fail_after(0);
    ssize_t sent = udp_send(udp, spans, 2, NULL, false);
    allocations_succeed();
    assert_int_equal(sent, -ENOMEM);
    allocations_fail_after(1); /* the first is the test's own */
    enum drop_reason reason =
        arrives(m, PEER_ADDRESS, PEER_PORT, MACHINE_ADDRESS, OUR_PORT, "lost");
    allocations_succeed();
    assert_int_equal(reason, DROP_NO_MEMORY);
    assert_int_equal(arrives(m, PEER_ADDRESS, PEER_PORT, MACHINE_ADDRESS, OUR_PORT, "taken"), 0);
    assert_receives(udp, "taken");
    udp_close(udp);
    machine_free(m);
}

/* Stacks with one address (core/share.h). */
static void port_is_one_whose_answers_come_here(void **state)
{
    struct machine *m = *state;
    struct endpoint any = anywhere(0), peer = at(PEER_ADDRESS, PEER_PORT);
    struct endpoint self = at(MACHINE_ADDRESS, PEER_PORT);
    m->stack.share = (struct share){.index = 2, .count = 3};
    for (unsigned i = 0; i < 50; i++) {
        struct udp *udp = open_socket(m);
        assert_int_equal(i % 2 ? udp_bind(udp, &any) : udp_connect(udp, &peer), 0);
        assert_true(share_owns_port(&m->stack.share, udp_local(udp)->port));
        udp_close(udp);
    }
    struct udp *other = bound(m, anywhere(40000)); /* 40000 % 3 is 1 */
    assert_int_equal(udp_connect(other, &peer), -EADDRNOTAVAIL);
    assert_int_equal(udp_connect(other, &self), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        udp_test(shutdown_ends_sending_and_receiving),
        udp_test(shutdown_without_a_peer_is_refused_and_works),
        cmocka_unit_test(stack_frees_what_is_still_open),
        cmocka_unit_test(exhausted_memory_is_said),
        udp_test(port_is_one_whose_answers_come_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
