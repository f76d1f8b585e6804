/* The user's calls (RFC 9293 §3.10.1 to §3.10.5): what each returns in each state. */
#include "tcp_peer.h"

#include "common/allocation.h"

static struct peer *peer_closed(void)
{
    struct peer *p = peer_new();
    assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    return p;
}

static struct peer *peer_opened(void)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    return p;
}

static int connect_to(struct peer *p, uint32_t address, uint16_t port)
{
    struct endpoint to = {address_from_ipv4(address), port};
    return tcp_connect(p->tcb, &to);
}

/* ── OPEN ── */

static void create_without_memory_is_ENOMEM(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    allocations_fail_after(0);
    int error = tcp_create(&p->m->stack, p, &p->tcb);
    allocations_succeed();
    assert_int_equal(error, -ENOMEM);
    p->tcb = NULL;
    peer_free(p);
}

static void connect_says_what_state_it_is_in(void **state)
{
    (void)state;
    struct peer *p = peer_closed();
    assert_int_equal(connect_to(p, PEER_ADDRESS, 0), -EADDRNOTAVAIL);
    assert_int_equal(connect_to(p, PEER_ADDRESS, PEER_PORT), -EINPROGRESS);
    assert_int_equal(connect_to(p, PEER_ADDRESS, PEER_PORT), -EALREADY);
    peer_free(p);
    p = peer_opened();
    assert_int_equal(connect_to(p, PEER_ADDRESS, PEER_PORT), -EISCONN);
    peer_send(p, TCP_RST, 1, 0);
    assert_int_equal(connect_to(p, PEER_ADDRESS, PEER_PORT), -EISCONN); /* has been open */
    peer_free(p);
}

static void connect_without_a_route_is_ENETUNREACH(void **state)
{
    (void)state;
    struct peer *p = peer_closed();
    assert_int_equal(connect_to(p, 0xc0000201, 80), -ENETUNREACH);
    peer_quiet(p);
    peer_free(p);
}

static void MUST_46_connect_to_broadcast_or_multicast_is_refused(void **state)
{
    (void)state;
    static const uint32_t addresses[] = {0xffffffff, 0x0a0000ff, 0xe0000001};
    for (size_t i = 0; i < 3; i++) {
        struct peer *p = peer_closed();
        int error = connect_to(p, addresses[i], 80);
        assert_int_equal(error, -ENETUNREACH);
        peer_quiet(p);
        peer_free(p);
    }
}

static void MUST_43_MUST_44_local_address_is_the_user_s_or_chosen_before_the_SYN(void **state)
{
    (void)state;
    struct peer *p = peer_closed();
    connect_to(p, PEER_ADDRESS, 80);
    assert_int_equal(address_to_ipv4(&tcp_local(p->tcb)->address), MACHINE_ADDRESS);
    peer_free(p);
    p = peer_closed();
    struct endpoint local = {address_from_ipv4(MACHINE_ADDRESS), 1234};
    assert_int_equal(tcp_bind(p->tcb, &local, false), 0);
    connect_to(p, PEER_ADDRESS, 80);
    assert_true(endpoint_equal(tcp_local(p->tcb), &local));
    peer_free(p);
}

static void same_two_endpoints_are_not_opened_twice(void **state)
{
    (void)state;
    struct peer *p = peer_closed();
    struct endpoint local = {address_from_ipv4(MACHINE_ADDRESS), 1234};
    assert_int_equal(tcp_bind(p->tcb, &local, true), 0);
    connect_to(p, PEER_ADDRESS, 80);
    struct tcb *first = p->tcb;
    assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    assert_int_equal(tcp_bind(p->tcb, &local, true), 0);
    assert_int_equal(connect_to(p, PEER_ADDRESS, 80), -EADDRNOTAVAIL);
    assert_int_equal(connect_to(p, PEER_ADDRESS, 81), -EINPROGRESS);
    tcp_abort(first);
    peer_free(p);
}

static void refused_connection_may_be_tried_again(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_await_syn(p);
    p->acked = 1;
    peer_send(p, TCP_RST | TCP_ACK, 0, 0);
    assert_int_equal(tcp_error(p->tcb, false), ECONNREFUSED);
    assert_int_equal(tcp_error(p->tcb, true), ECONNREFUSED);
    assert_int_equal(tcp_error(p->tcb, true), 0);
    p->acked = 0;
    peer_open(p, PEER_PLAIN);
    peer_free(p);
}

/* ── SEND and RECEIVE ── */

static void send_and_receive_before_and_while_opening(void **state)
{
    (void)state;
    struct peer *p = peer_closed();
    assert_int_equal(peer_write_flags(p, 1, 0), -EPIPE);
    assert_int_equal(peer_read(p, 1, 1), -ENOTCONN);
    assert_int_equal(tcp_shutdown_send(p->tcb), -ENOTCONN);
    assert_false(tcp_connected(p->tcb));
    assert_true(tcp_drained(p->tcb));
    peer_await_syn(p);
    assert_int_equal(peer_write_flags(p, 1, 0), -EAGAIN);
    assert_int_equal(peer_read(p, 1, 1), -EAGAIN);
    assert_int_equal(tcp_readiness(p->tcb), 0);
    assert_false(tcp_connected(p->tcb));
    peer_free(p);
}

static void shutting_the_receiving_side_works_without_a_peer(void **state)
{
    (void)state;
    struct peer *p = peer_closed();
    assert_int_equal(tcp_shutdown_receive(p->tcb), -ENOTCONN);
    assert_int_equal(peer_read(p, 1, 1), 0);
    assert_true(tcp_readiness(p->tcb) & POLLRDHUP);
    peer_free(p);
}

static void send_after_shutdown_is_EPIPE(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    assert_true(tcp_connected(p->tcb));
    assert_int_equal(tcp_shutdown_send(p->tcb), 0);
    assert_int_equal(peer_write_flags(p, 1, 0), -EPIPE);
    assert_int_equal(tcp_shutdown_send(p->tcb), 0); /* again: nothing more happens */
    peer_expect(p, TCP_FIN | TCP_ACK, 1, 0);
    peer_quiet(p);
    peer_free(p);
}

static void MUST_12_normal_close_and_reset_are_told_apart(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_text(p, 1, 10);
    peer_fin(p);
    assert_int_equal(peer_read(p, 1, 100), 10);
    assert_int_equal(peer_read(p, 11, 100), 0);
    assert_int_equal(tcp_error(p->tcb, false), 0);
    peer_free(p);
    p = peer_opened();
    peer_text(p, 1, 10);
    peer_send(p, TCP_RST, 11, 0);
    assert_int_equal(peer_read(p, 1, 100), 10); /* what had come is still there */
    assert_int_equal(peer_read(p, 11, 100), -ECONNRESET);
    assert_int_equal(peer_read(p, 11, 100), 0); /* told once */
    assert_int_equal(peer_write_flags(p, 1, 0), -EPIPE);
    peer_free(p);
}

static void peek_leaves_and_truncation_drops_what_is_read(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_text(p, 1, 100);
    uint8_t bytes[10] = {0};
    struct iovec span = {bytes, sizeof bytes};
    assert_int_equal(tcp_receive(p->tcb, &span, 1, MSG_PEEK), 10);
    assert_int_equal(bytes[0], 1);
    assert_int_equal(tcp_queued_in(p->tcb), 100);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(tcp_receive(p->tcb, &span, 1, MSG_TRUNC), 10);
    assert_int_equal(bytes[0], 0);
    assert_int_equal(peer_read(p, 11, 100), 90);
    peer_free(p);
}

static void several_spans_are_written_and_read_as_one(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    struct iovec out[3] = {
        {(void *)(uintptr_t) "ab", 2}, {NULL, 0}, {(void *)(uintptr_t) "cde", 3}};
    assert_int_equal(tcp_send(p->tcb, out, 3, 0), 5);
    uint32_t length = 0;
    while (!peer_is_quiet(p))
        length += peer_take(p).length;
    assert_int_equal(length, 5);
    char a[3], b[10];
    struct iovec in[2] = {{a, 3}, {b, 10}};
    peer_text(p, 1, 8);
    assert_int_equal(tcp_receive(p->tcb, in, 2, 0), 8);
    assert_int_equal(a[2], 3);
    assert_int_equal(b[4], 8);
    peer_free(p);
}

/* ── CLOSE and ABORT ── */

static void close_while_opening_sends_nothing(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_await_syn(p);
    tcp_detach(p->tcb);
    p->tcb = NULL;
    peer_after(p, 10000);
    peer_quiet(p);
    assert_true(list_empty(&tcp_of(&p->m->stack)->all));
    peer_free(p);
}

static void close_still_delivers_what_is_queued(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_write(p, 20 * PEER_MSS);
    peer_forget(p);
    tcp_detach(p->tcb);
    p->tcb = NULL;
    assert_int_equal(tcp_orphan_count(&p->m->stack), 1);
    peer_ack(p, 10001);
    uint32_t end = 0;
    while (!peer_is_quiet(p)) {
        struct segment s = peer_take(p);
        end = s.seq + s.length + ((s.flags & TCP_FIN) != 0);
    }
    assert_int_equal(end, 20002);
    peer_ack(p, 20002);
    peer_fin(p);
    assert_int_equal(tcp_orphan_count(&p->m->stack), 0);
    peer_free(p);
}

static void abort_sends_a_reset_in_every_synchronized_state(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    tcp_abort(p->tcb);
    p->tcb = NULL;
    peer_expect(p, TCP_RST | TCP_ACK, 1, 0);
    peer_quiet(p);
    peer_free(p);
    p = peer_opened();
    peer_fin(p);
    tcp_shutdown_send(p->tcb);
    peer_forget(p);
    tcp_abort(p->tcb);
    p->tcb = NULL;
    assert_true(peer_take(p).flags & TCP_RST);
    peer_free(p);
}

/* §3.10.4: closed before it opened. */
static void shutdown_while_opening_ends_the_attempt(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_await_syn(p);
    assert_int_equal(tcp_shutdown_send(p->tcb), 0);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    assert_int_equal(tcp_error(p->tcb, true), 0);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_without_memory_is_ENOMEM),
        cmocka_unit_test(connect_says_what_state_it_is_in),
        cmocka_unit_test(connect_without_a_route_is_ENETUNREACH),
        cmocka_unit_test(MUST_46_connect_to_broadcast_or_multicast_is_refused),
        cmocka_unit_test(MUST_43_MUST_44_local_address_is_the_user_s_or_chosen_before_the_SYN),
        cmocka_unit_test(same_two_endpoints_are_not_opened_twice),
        cmocka_unit_test(refused_connection_may_be_tried_again),
        cmocka_unit_test(send_and_receive_before_and_while_opening),
        cmocka_unit_test(shutting_the_receiving_side_works_without_a_peer),
        cmocka_unit_test(send_after_shutdown_is_EPIPE),
        cmocka_unit_test(MUST_12_normal_close_and_reset_are_told_apart),
        cmocka_unit_test(peek_leaves_and_truncation_drops_what_is_read),
        cmocka_unit_test(several_spans_are_written_and_read_as_one),
        cmocka_unit_test(close_while_opening_sends_nothing),
        cmocka_unit_test(close_still_delivers_what_is_queued),
        cmocka_unit_test(abort_sends_a_reset_in_every_synchronized_state),
        cmocka_unit_test(shutdown_while_opening_ends_the_attempt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
