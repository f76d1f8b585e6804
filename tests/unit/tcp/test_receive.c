/* RFC 9293 §3.10.7.4, seventh and eighth: text and FIN. */
#include "tcp_peer.h"

#include "base/random.h"
#include "common/allocation.h"

static struct peer *peer_opened(enum peer_offer offer)
{
    struct peer *p = peer_new();
    peer_open(p, offer);
    return p;
}

static void text_in_order_is_read_as_it_was_sent(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    assert_int_equal(peer_read(p, 1, 100), -EAGAIN);
    assert_int_equal(peer_text(p, 1, 300), DROP_NONE);
    assert_true(p->events & POLLIN);
    assert_int_equal(peer_read(p, 1, 100), 100);
    assert_int_equal(peer_read(p, 101, 1000), 200);
    assert_int_equal(peer_read(p, 301, 100), -EAGAIN);
    peer_free(p);
}

static void SHLD_31_text_beyond_a_hole_is_kept(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    peer_text(p, 201, 100);
    peer_expect_ack(p, 1); /* RFC 5681 §4.2: at once */
    peer_text(p, 401, 100);
    peer_expect_ack(p, 1);
    assert_int_equal(peer_read(p, 1, 1000), -EAGAIN);
    peer_text(p, 1, 200);
    peer_expect_ack(p, 301);
    peer_text(p, 301, 100);
    peer_expect_ack(p, 501);
    assert_int_equal(peer_read(p, 1, 1000), 500);
    peer_free(p);
}

static void known_text_is_acknowledged_at_once_and_not_read_again(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    peer_text(p, 1, 300);
    peer_forget(p);
    peer_text(p, 1, 300);
    peer_expect_ack(p, 301);
    peer_text(p, 101, 300);
    peer_expect_ack(p, 401);
    assert_int_equal(peer_read(p, 1, 1000), 400);
    peer_free(p);
}

static struct peer *peer_opened_with_buffer(uint32_t bytes)
{
    struct peer *p = peer_new();
    peer_settings(p)->tcp_rcvbuf = bytes;
    peer_open(p, PEER_PLAIN);
    return p;
}

static uint32_t window_edge(const struct peer *p)
{
    return p->tcb->rcv.wup + p->tcb->rcv.wnd - PEER_ISS;
}

/* §3.10.7.4: with nothing unread a segment is taken whole, however far it reaches; with something
 * unread none of it. */
static void text_that_reaches_beyond_the_window_is_taken_whole_or_not_at_all(void **state)
{
    (void)state;
    struct peer *p = peer_opened_with_buffer(4000);
    assert_int_equal(peer_text(p, 3991, 500), DROP_NONE); /* ahead of a hole, too */
    assert_int_equal(p->tcb->rcv.out_of_order.items[0].end - PEER_ISS, 4491);
    assert_int_equal(peer_text(p, 1, 100), DROP_NONE);
    peer_forget(p);
    assert_int_equal(peer_text(p, 101, window_edge(p)), DROP_TCP_SEQUENCE);
    peer_expect_ack(p, 101);
    assert_int_equal(peer_text(p, window_edge(p) - 10, 11), DROP_TCP_SEQUENCE);
    assert_int_equal(machine_counter(p->m, "TcpExtBeyondWindow"), 2);
    assert_int_equal(peer_read(p, 1, 1000), 100);
    assert_int_equal(peer_text(p, 101, 6000), DROP_NONE);
    assert_int_equal(p->tcb->rcv.ring.length, 6000);
    peer_free(p);
}

/* What shuts the window is not acknowledged in haste: who reads first makes it one ACK. A FIN
 * behind it is. */
static void text_beyond_the_window_is_acknowledged_late_and_a_FIN_behind_it_at_once(void **state)
{
    (void)state;
    struct peer *p = peer_opened_with_buffer(4000);
    assert_int_equal(peer_text(p, 1, 4001), DROP_NONE);
    assert_int_equal(peer_forget(p), 0);
    peer_after(p, 40);
    assert_int_equal(peer_expect_ack(p, 4002).window, 0);
    assert_int_equal(peer_send(p, TCP_ACK | TCP_FIN, 4002, 0), DROP_NONE);
    assert_int_equal(peer_expect_ack(p, 4003).window, 0);
    assert_int_equal(p->tcb->state, TCP_CLOSE_WAIT);
    peer_free(p);
}

static void text_at_the_window_s_edge_is_dropped_and_answered(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    uint32_t edge = p->tcb->rcv.wup + p->tcb->rcv.wnd - PEER_ISS;
    assert_int_equal(peer_text(p, edge, 100), DROP_TCP_SEQUENCE);
    peer_expect_ack(p, 1);
    assert_int_equal(p->tcb->rcv.out_of_order.count, 0);
    peer_free(p);
}

/* Security rule 5: what waits behind a hole is paid for by its true size. */
static void text_behind_a_hole_is_charged(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    uint64_t before = p->m->stack.memory_used_bytes;
    assert_int_equal(peer_text(p, 20001, 100), DROP_NONE);
    assert_true(ring_capacity(&p->tcb->rcv.ring) >= 20100);
    assert_int_equal(p->m->stack.memory_used_bytes - before, ring_capacity(&p->tcb->rcv.ring));
    peer_free(p);
}

/* Random cuts, order and repetitions of the stream, against nothing but its bytes. */
static void stream_is_whole_in_whatever_pieces_and_order_it_comes(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct random random;
        struct peer *p = peer_opened(seed % 2 ? PEER_FULL : PEER_PLAIN);
        uint32_t read = 1, end = 40001;
        random_seed_number(&random, seed);
        while (read < end) {
            uint32_t next = p->tcb->rcv.nxt - PEER_ISS;
            uint32_t back = random_below(&random, 2000), on = random_below(&random, 4000);
            uint32_t seq = next > back ? next - back : 1;
            if (random_below(&random, 3) == 0)
                seq = next;
            else if (random_below(&random, 2))
                seq = next + on;
            uint32_t length = 1 + random_below(&random, 1400);
            if (seq >= end)
                continue;
            if (seq + length > end)
                length = end - seq;
            peer_text(p, seq, length);
            peer_after(p, random_below(&random, 50));
            peer_forget(p);
            ssize_t got = peer_read(p, read, 1 + random_below(&random, 3000));
            if (got > 0)
                read += (uint32_t)got;
        }
        assert_int_equal(read, end);
        assert_int_equal(p->tcb->rcv.out_of_order.count, 0);
        peer_free(p);
    }
}

/* Security rules 5 and 16 (CVE-2018-5390): as many holes as an attacker likes. */
static void holes_are_bounded_and_what_is_in_order_still_comes_through(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_SACK);
    uint64_t before = p->m->stack.memory_used_bytes;
    for (uint32_t i = 0; i < 10000; i++) {
        peer_text(p, 3 + 2 * (i % 30000), 1);
        peer_forget(p);
    }
    assert_int_equal(p->tcb->rcv.out_of_order.count, LIMIT_OUT_OF_ORDER_RANGES);
    assert_true(p->m->stack.memory_used_bytes - before <= 2 * 131072);
    assert_int_equal(peer_text(p, 1, 1000), DROP_NONE);
    assert_int_equal(peer_read(p, 1, 2000), 1000);
    peer_free(p);
}

static void without_memory_text_is_dropped_and_comes_again(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    p->m->transmit_error = -ENOBUFS; /* the record would need memory too */
    allocations_fail_after(1);       /* the packet's own, of the test */
    enum drop_reason reason = peer_text(p, 1, 1000);
    allocations_succeed();
    p->m->transmit_error = 0;
    assert_int_equal(reason, DROP_TCP_MEMORY);
    peer_forget(p);
    assert_int_equal(peer_text(p, 1, 1000), DROP_NONE);
    assert_int_equal(peer_read(p, 1, 2000), 1000);
    peer_free(p);
}

/* ── FIN ── */

static void FIN_is_acknowledged_at_once_and_read_as_the_end(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    peer_text(p, 1, 10);
    peer_forget(p);
    assert_int_equal(peer_fin(p), DROP_NONE);
    assert_int_equal(p->tcb->state, TCP_CLOSE_WAIT);
    assert_true(p->events & POLLRDHUP);
    assert_int_equal(peer_read(p, 1, 100), 10);
    assert_int_equal(peer_read(p, 11, 100), 0);
    assert_int_equal(peer_read(p, 11, 100), 0);
    peer_after(p, 1000);
    peer_expect_ack(p, 12);
    peer_free(p);
}

static void FIN_ahead_of_a_hole_waits_for_it(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    peer_send(p, TCP_FIN | TCP_ACK, 101, 100);
    peer_expect_ack(p, 1);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    peer_text(p, 1, 100);
    peer_expect_ack(p, 202);
    assert_int_equal(p->tcb->state, TCP_CLOSE_WAIT);
    assert_int_equal(peer_read(p, 1, 1000), 200);
    assert_int_equal(peer_read(p, 201, 1000), 0);
    peer_free(p);
}

static void FIN_in_each_state_leads_where_figure_5_says(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    tcp_shutdown_send(p->tcb);
    peer_forget(p);
    peer_fin(p); /* simultaneous close */
    assert_int_equal(p->tcb->state, TCP_CLOSING);
    peer_free(p);
    p = peer_opened(PEER_PLAIN);
    tcp_shutdown_send(p->tcb);
    peer_forget(p);
    p->acked = 2;
    peer_fin(p); /* with the acknowledgment of ours */
    assert_int_equal(p->tcb->state, TCP_TIME_WAIT);
    peer_expect_ack(p, 2);
    peer_free(p);
}

static void text_after_the_FIN_is_ignored(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    peer_fin(p);
    peer_text(p, 2, 10);
    assert_int_equal(peer_read(p, 1, 100), 0);
    assert_int_equal(p->tcb->rcv.nxt - PEER_ISS, 2);
    peer_free(p);
}

/* ── Nobody reads any more ── */

/* RFC 2525 §2.17. */
static void SHLD_3_text_after_close_is_answered_with_a_reset(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    tcp_detach(p->tcb);
    p->tcb = NULL;
    peer_expect(p, TCP_FIN | TCP_ACK, 1, 0);
    peer_text(p, 1, 10);
    struct segment reset = peer_take(p);
    assert_true(reset.flags & TCP_RST);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPAbortOnData"), 1);
    assert_true(list_empty(&tcp_of(&p->m->stack)->all));
    peer_free(p);
}

static void SHLD_3_close_with_unread_text_sends_a_reset(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    peer_text(p, 1, 10);
    peer_forget(p);
    tcp_detach(p->tcb);
    p->tcb = NULL;
    peer_expect(p, TCP_RST | TCP_ACK, 1, 0);
    assert_true(list_empty(&tcp_of(&p->m->stack)->all));
    peer_free(p);
}

static void MAY_1_after_shutdown_of_reading_nobody_waits_but_text_may_be_read(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_PLAIN);
    assert_int_equal(tcp_shutdown_receive(p->tcb), 0);
    assert_int_equal(peer_read(p, 1, 100), 0);
    peer_text(p, 1, 2000);
    peer_expect_ack(p, 2001);
    assert_int_equal(peer_read(p, 1, 3000), 2000);
    assert_int_equal(peer_read(p, 1, 100), 0);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_in_order_is_read_as_it_was_sent),
        cmocka_unit_test(SHLD_31_text_beyond_a_hole_is_kept),
        cmocka_unit_test(known_text_is_acknowledged_at_once_and_not_read_again),
        cmocka_unit_test(text_that_reaches_beyond_the_window_is_taken_whole_or_not_at_all),
        cmocka_unit_test(text_beyond_the_window_is_acknowledged_late_and_a_FIN_behind_it_at_once),
        cmocka_unit_test(text_at_the_window_s_edge_is_dropped_and_answered),
        cmocka_unit_test(text_behind_a_hole_is_charged),
        cmocka_unit_test(stream_is_whole_in_whatever_pieces_and_order_it_comes),
        cmocka_unit_test(holes_are_bounded_and_what_is_in_order_still_comes_through),
        cmocka_unit_test(without_memory_text_is_dropped_and_comes_again),
        cmocka_unit_test(FIN_is_acknowledged_at_once_and_read_as_the_end),
        cmocka_unit_test(FIN_ahead_of_a_hole_waits_for_it),
        cmocka_unit_test(FIN_in_each_state_leads_where_figure_5_says),
        cmocka_unit_test(text_after_the_FIN_is_ignored),
        cmocka_unit_test(SHLD_3_text_after_close_is_answered_with_a_reset),
        cmocka_unit_test(SHLD_3_close_with_unread_text_sends_a_reset),
        cmocka_unit_test(MAY_1_after_shutdown_of_reading_nobody_waits_but_text_may_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
