/* SEND (RFC 9293 §3.10.2): how much is taken, and what an idle connection starts with. */
#include "tcp_peer.h"

#include "common/allocation.h"
#include "tcp/send.h"

static void only_as_much_is_taken_as_the_buffer_holds(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    peer_set(p, SOL_SOCKET, SO_SNDBUF, 5000);
    peer_open(p, PEER_PLAIN);
    ssize_t taken = peer_write_flags(p, 100000, 0);
    assert_true(taken >= 5000 && taken < 100000);
    assert_int_equal(peer_write_flags(p, 1, 0), -EAGAIN);
    assert_false(send_writable(p->tcb));
    assert_int_equal(tcp_queued_out(p->tcb), taken);
    peer_forget(p);
    for (uint32_t acked = 1; !tcp_drained(p->tcb);) {
        acked = p->tcb->snd.nxt - p->iss;
        peer_ack(p, acked);
        peer_forget(p);
    }
    assert_true(send_writable(p->tcb));
    peer_free(p);
}

/* Rule 16: small writes are bounded too, by what they cost and not by their bytes. */
/* Two windows' worth, for what is on its way and for what follows it. */
static void buffer_grows_with_the_window_until_it_is_fixed(void **state)
{
    (void)state;
    for (int fixed = 0; fixed < 2; fixed++) {
        struct peer *p = peer_new();
        peer_settings(p)->tcp_sndbuf = 20000;
        peer_settings(p)->tcp_sndbuf_max = 100000;
        peer_open(p, PEER_PLAIN);
        int size = 10000;
        if (fixed)
            assert_int_equal(tcp_set_option(p->tcb, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
        for (uint32_t cwnd = 20; cwnd <= 80; cwnd *= 2) {
            p->tcb->cc.cwnd = cwnd;
            while (peer_write_flags(p, 1000, 0) > 0)
                ;
            peer_after(p, PEER_RTT_MS);
            peer_forget(p);
            peer_ack(p, p->tcb->snd.nxt - p->iss);
            uint32_t least = 2 * cwnd * PEER_MSS < 100000 ? 2 * cwnd * PEER_MSS : 100000;
            uint32_t buffer = p->tcb->preferences.send_buffer;
            if (fixed)
                assert_int_equal(buffer, 20000);
            else
                assert_in_range(buffer, least, 100000);
        }
        peer_free(p);
    }
}

static void many_small_writes_are_bounded(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    peer_set(p, SOL_SOCKET, SO_SNDBUF, 20000);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_NODELAY, 1);
    p->window = 0;
    peer_open(p, PEER_PLAIN);
    unsigned writes = 0;
    while (peer_write_flags(p, 1, MSG_EOR) == 1)
        writes++;
    assert_true(writes < 100);
    peer_free(p);
}

static void without_memory_nothing_is_taken(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    allocations_fail_after(0);
    ssize_t taken = peer_write_flags(p, 10, 0);
    allocations_succeed();
    assert_int_equal(taken, -ENOBUFS);
    peer_write(p, 10);
    peer_expect(p, TCP_ACK | TCP_PSH, 1, 10);
    peer_free(p);
}

static void MSG_EOR_keeps_records_in_segments_of_their_own(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_CORK, 1);
    assert_int_equal(peer_write_flags(p, 10, MSG_EOR), 10);
    assert_int_equal(peer_write_flags(p, 20, MSG_EOR), 20);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_CORK, 0);
    peer_expect(p, TCP_ACK | TCP_PSH, 1, 10);
    peer_ack(p, 11);
    peer_expect(p, TCP_ACK | TCP_PSH, 11, 20);
    peer_free(p);
}

/* RFC 5681 §4.1. */
static void idle_connection_starts_with_the_initial_window_again(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    peer_flight(p, 1, 1);
    peer_after(p, PEER_RTT_MS);
    peer_ack(p, 1001);
    p->tcb->cc.cwnd = 80;
    peer_after(p, 300);
    peer_flight(p, 1001, 1);
    assert_int_equal(p->tcb->cc.cwnd, 40); /* halved for each timeout that has passed */
    peer_ack(p, 2001);
    peer_after(p, 60000);
    peer_flight(p, 2001, 1);
    assert_int_equal(p->tcb->cc.cwnd, 10);
    peer_free(p);
}

static void idle_window_is_kept_where_that_is_wanted(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->tcp_slow_start_after_idle = 0;
    peer_open(p, PEER_PLAIN);
    peer_flight(p, 1, 1);
    peer_ack(p, 1001);
    p->tcb->cc.cwnd = 80;
    peer_after(p, 60000);
    peer_flight(p, 1001, 1);
    assert_int_equal(p->tcb->cc.cwnd, 80);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_as_much_is_taken_as_the_buffer_holds),
        cmocka_unit_test(buffer_grows_with_the_window_until_it_is_fixed),
        cmocka_unit_test(many_small_writes_are_bounded),
        cmocka_unit_test(without_memory_nothing_is_taken),
        cmocka_unit_test(MSG_EOR_keeps_records_in_segments_of_their_own),
        cmocka_unit_test(idle_connection_starts_with_the_initial_window_again),
        cmocka_unit_test(idle_window_is_kept_where_that_is_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
