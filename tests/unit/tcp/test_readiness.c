/* STATUS (RFC 9293 §3.10.6): what a connection is ready for, and what is queued. */
#include "tcp_peer.h"

static struct peer *peer_opened(void)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    return p;
}

static void readiness_is_as_poll_means_it(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    assert_int_equal(tcp_readiness(p->tcb), POLLOUT | POLLWRNORM | POLLHUP);
    peer_free(p);
    p = peer_opened();
    assert_int_equal(tcp_readiness(p->tcb), POLLOUT | POLLWRNORM);
    peer_text(p, 1, 1);
    assert_int_equal(tcp_readiness(p->tcb), POLLOUT | POLLWRNORM | POLLIN | POLLRDNORM);
    peer_read(p, 1, 1);
    peer_fin(p);
    assert_int_equal(tcp_readiness(p->tcb), POLLOUT | POLLWRNORM | POLLIN | POLLRDNORM | POLLRDHUP);
    tcp_shutdown_send(p->tcb);
    assert_true(tcp_readiness(p->tcb) & POLLHUP);
    peer_send(p, TCP_RST, 3, 0);
    assert_true(tcp_readiness(p->tcb) & POLLERR);
    peer_free(p);
}

static void queues_and_endpoints_are_told(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    assert_true(endpoint_equal(tcp_remote(p->tcb), &p->theirs));
    peer_text(p, 1, 30);
    peer_write(p, 20);
    assert_int_equal(tcp_queued_in(p->tcb), 30);
    assert_int_equal(tcp_queued_out(p->tcb), 20);
    assert_false(tcp_drained(p->tcb));
    peer_ack(p, 21);
    assert_true(tcp_drained(p->tcb));
    tcp_shutdown_send(p->tcb);
    assert_false(tcp_drained(p->tcb));
    assert_int_equal(tcp_queued_out(p->tcb), 1);
    peer_ack(p, 22);
    assert_int_equal(tcp_queued_out(p->tcb), 0);
    assert_true(tcp_drained(p->tcb));
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readiness_is_as_poll_means_it),
        cmocka_unit_test(queues_and_endpoints_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
