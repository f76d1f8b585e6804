/* LISTEN: RFC 9293 §3.10.7.2, and floods of SYNs. */
#include "listen_fixture.h"

static void reset_to_a_listener_is_ignored(void **state)
{
    (void)state;
    struct peer *p = peer_listening();
    assert_int_equal(peer_send(p, TCP_RST, 0, 0), DROP_TCP_RST);
    assert_int_equal(peer_send(p, TCP_RST | TCP_ACK, 0, 0), DROP_TCP_RST);
    assert_int_equal(peer_send(p, TCP_RST | TCP_SYN, 0, 0), DROP_TCP_RST);
    peer_quiet(p);
    peer_free(p);
}

static void ACK_to_a_listener_is_answered_with_a_reset(void **state)
{
    (void)state;
    struct peer *p = peer_listening();
    p->acked = 12345;
    assert_int_equal(peer_send(p, TCP_ACK, 7, 10), DROP_TCP_NO_CONNECTION);
    peer_expect(p, TCP_RST, 12345, 0);
    assert_int_equal(peer_send(p, TCP_SYN | TCP_ACK, 7, 0), DROP_TCP_NO_CONNECTION);
    peer_expect(p, TCP_RST, 12345, 0);
    peer_free(p);
}

static void other_segments_to_a_listener_are_dropped(void **state)
{
    (void)state;
    struct peer *p = peer_listening();
    assert_int_equal(peer_send(p, 0, 7, 10), DROP_TCP_FLAGS);
    assert_int_equal(peer_send(p, TCP_FIN, 7, 0), DROP_TCP_FLAGS);
    assert_int_equal(peer_send(p, TCP_SYN | TCP_FIN, 7, 0), DROP_TCP_FLAGS);
    peer_quiet(p);
    peer_free(p);
}

static void SYN_makes_a_half_open_entry_and_no_connection(void **state)
{
    (void)state;
    struct peer *p = peer_listening();
    struct segment answer = peer_half_open(p, PEER_FULL);
    assert_int_equal(answer.ack, 1);
    assert_true(answer.options.has_mss && answer.options.has_sack_permitted &&
                answer.options.has_timestamps && answer.options.has_window_scale);
    assert_int_equal(answer.options.timestamp_echo, 1000);
    assert_true(list_empty(&tcp_of(&p->m->stack)->all));
    assert_int_equal(p->listener->half_open_count, 1);
    peer_free(p);
}

static void flood(unsigned backlog, int64_t cookies)
{
    struct peer *p = peer_new();
    peer_listen(p, backlog);
    peer_settings(p)->tcp_syncookies = cookies;
    peer_accept(p, PEER_FULL);
    struct peer established = *p;
    uint64_t before = p->m->stack.memory_used_bytes;
    p->tcb = NULL;
    for (uint32_t i = 0; i < 20000; i++) {
        p->theirs.address = address_from_ipv4(PEER_ADDRESS + (i >> 8 & 7));
        p->theirs.port = (uint16_t)(1 + i);
        if (address_to_ipv4(&p->theirs.address) == MACHINE_ADDRESS)
            continue;
        p->iss = p->acked = 0;
        peer_send_raw(p, peer_syn(p, TCP_SYN, PEER_SACK));
        peer_forget(p);
        assert_true(p->listener->half_open_count <= backlog + 1);
    }
    unsigned most = backlog < LIMIT_HALF_OPEN ? backlog + 1 : LIMIT_HALF_OPEN;
    assert_int_equal(p->listener->half_open_count, most);
    assert_true(p->m->stack.memory_used_bytes - before <= most * 512);
    /* The established connection goes on in both directions. */
    *p = established;
    p->seen = p->m->sent_count;
    assert_int_equal(peer_text(p, 1, 1000), DROP_NONE);
    assert_int_equal(peer_read(p, 1, 2000), 1000);
    peer_forget(p);
    peer_flight(p, 1, 1);
    peer_ack(p, 1001);
    assert_true(tcp_drained(p->tcb));
    /* And the flood passes. */
    for (int second = 0; second < 200; second++) {
        peer_after(p, 1000);
        peer_forget(p);
    }
    assert_int_equal(p->listener->half_open_count, 0);
    peer_free(p);
}

/* Security rules 9 and 16. */
static void SYN_flood_takes_bounded_memory_and_leaves_connections_alone(void **state)
{
    (void)state;
    flood(5, 0);
    flood(5, 1);
    flood(LIMIT_BACKLOG, 0);
    flood(LIMIT_BACKLOG, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reset_to_a_listener_is_ignored),
        cmocka_unit_test(ACK_to_a_listener_is_answered_with_a_reset),
        cmocka_unit_test(other_segments_to_a_listener_are_dropped),
        cmocka_unit_test(SYN_makes_a_half_open_entry_and_no_connection),
        cmocka_unit_test(SYN_flood_takes_bounded_memory_and_leaves_connections_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
