/* Listeners: LISTEN and CLOSE, and the queue of those to be accepted. */
#include "listen_fixture.h"

/* Security rule 16. */
static void backlog_is_bounded_whatever_is_asked_for(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_listen(p, UINT32_MAX);
    assert_int_equal(p->listener->backlog, LIMIT_BACKLOG);
    assert_int_equal(tcp_listener_backlog(p->listener, LIMIT_BACKLOG + 1), 0);
    assert_int_equal(p->listener->backlog, LIMIT_BACKLOG);
    peer_free(p);
}

static void MUST_41_listening_twice_fails_and_leaves_what_is_there(void **state)
{
    (void)state;
    struct peer *p = peer_listening();
    peer_accept(p, PEER_PLAIN);
    struct tcb *tcb;
    struct endpoint any = {.port = LISTEN_PORT, .address = address_from_ipv4(0)};
    assert_int_equal(tcp_create(&p->m->stack, NULL, &tcb), 0);
    assert_int_equal(tcp_bind(tcb, &any, true), -EADDRINUSE);
    tcp_abort(tcb);
    assert_int_equal(peer_text(p, 1, 5), DROP_NONE);
    peer_free(p);
}

static void MUST_42_port_of_an_opening_connection_may_be_listened_on(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct endpoint any = {.port = LISTEN_PORT, .address = address_from_ipv4(0)};
    struct tcb *listening;
    assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    assert_int_equal(tcp_bind(p->tcb, &any, true), 0);
    peer_await_syn(p);
    assert_int_equal(tcp_create(&p->m->stack, NULL, &listening), 0);
    assert_int_equal(tcp_bind(listening, &any, true), 0);
    assert_int_equal(tcp_listen(listening, 1, NULL, &p->listener), 0);
    /* Both find their segments. */
    p->acked = 1;
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN | TCP_ACK, PEER_PLAIN)), DROP_NONE);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    peer_forget(p);
    p->theirs.port++;
    peer_half_open(p, PEER_PLAIN);
    peer_free(p);
}

static void listen_says_why_it_cannot(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp_listener *listener;
    peer_open(p, PEER_PLAIN);
    assert_int_equal(tcp_listen(p->tcb, 1, NULL, &listener), -EINVAL);
    tcp_abort(p->tcb);
    p->tcb = NULL;
    /* Unbound: an ephemeral port. */
    assert_int_equal(tcp_create(&p->m->stack, NULL, &p->tcb), 0);
    assert_int_equal(tcp_listen(p->tcb, 1, NULL, &p->listener), 0);
    p->tcb = NULL;
    assert_true(tcp_listener_local(p->listener)->port >= 32768);
    peer_free(p);
}

/* The accept queue is full: the handshake waits, and the peer tries again. */
static void full_accept_queue_leaves_connections_half_open(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_listen(p, 1);
    /* Linux's meaning: one more than asked for. */
    for (int i = 0; i < 2; i++) {
        peer_half_open(p, PEER_PLAIN);
        assert_int_equal(peer_ack(p, 1), DROP_NONE);
        another_peer(p);
    }
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN, PEER_PLAIN)), DROP_TCP_LISTEN_FULL);
    peer_quiet(p);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
    struct tcb *first = p->tcb;
    peer_half_open(p, PEER_PLAIN);
    peer_free(p);
    (void)first;
}

static void MUST_11_accepted_connection_that_was_reset_meanwhile_says_so(void **state)
{
    (void)state;
    struct peer *p = peer_listening();
    peer_half_open(p, PEER_PLAIN);
    peer_ack(p, 1);
    assert_int_equal(peer_send(p, TCP_RST, 1, 0), DROP_NONE);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
    assert_int_equal(peer_read(p, 1, 10), -ECONNRESET);
    peer_free(p);
}

static void closed_listener_resets_what_was_not_accepted(void **state)
{
    (void)state;
    struct peer *p = peer_listening();
    peer_half_open(p, PEER_PLAIN);
    peer_ack(p, 1);
    peer_forget(p);
    tcp_listener_close(p->listener);
    p->listener = NULL;
    peer_expect(p, TCP_RST | TCP_ACK, 1, 0);
    assert_true(list_empty(&tcp_of(&p->m->stack)->all));
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backlog_is_bounded_whatever_is_asked_for),
        cmocka_unit_test(MUST_41_listening_twice_fails_and_leaves_what_is_there),
        cmocka_unit_test(MUST_42_port_of_an_opening_connection_may_be_listened_on),
        cmocka_unit_test(listen_says_why_it_cannot),
        cmocka_unit_test(full_accept_queue_leaves_connections_half_open),
        cmocka_unit_test(MUST_11_accepted_connection_that_was_reset_meanwhile_says_so),
        cmocka_unit_test(closed_listener_resets_what_was_not_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
