#include "tcp_peer.h"

#include "tcp/reserve.h"
#include "tcp/send.h"

static struct peer *open_peer(void)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    return p;
}

/* Reserves room for `length` bytes and writes the stream's from `seq` on to it. */
static void reserve_and_fill(struct peer *p, struct tcp_reservation *r, uint32_t seq,
                             uint32_t length)
{
    struct iovec spans[2];
    assert_int_equal(tcp_reserve(p->tcb, r, length, spans), length);
    assert_int_equal(spans[0].iov_len + spans[1].iov_len, length);
    memcpy(spans[0].iov_base, peer_pattern(seq), spans[0].iov_len);
    if (spans[1].iov_len)
        memcpy(spans[1].iov_base, peer_pattern(seq) + spans[0].iov_len, spans[1].iov_len);
}

static void what_is_committed_is_sent(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    struct tcp_reservation r;
    reserve_and_fill(p, &r, 1, 2500);
    assert_true(peer_is_quiet(p));
    assert_int_equal(tcp_commit(&r, 2300, 0), 2300);
    for (uint32_t seq = 1; seq < 2301; seq += PEER_MSS) {
        struct segment s = peer_take(p);
        assert_int_equal(s.seq, seq);
        assert_memory_equal(s.text, peer_pattern(seq), s.length);
    }
    assert_true(peer_is_quiet(p));
    assert_int_equal(tcp_queued_out(p->tcb), 2300);
    assert_int_equal(tcp_commit(&r, 1, 0), -EINVAL); /* it is over */
    peer_free(p);
}

/* Around the end of the ring too, and behind what waits there. */
static void room_wraps_with_the_ring(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    uint32_t seq = 1;
    peer_set(p, IP_PROTOCOL_TCP, OPTION_NODELAY, 1);
    for (int i = 0; i < 50; i++) {
        struct tcp_reservation r;
        uint8_t bytes[100];
        memcpy(bytes, peer_pattern(seq), sizeof bytes);
        assert_int_equal(tcp_send(p->tcb, &(struct iovec){bytes, 100}, 1, 0), 100);
        reserve_and_fill(p, &r, seq + 100, 777);
        assert_int_equal(tcp_commit(&r, 777, 0), 777);
        seq += 877;
        while (!peer_is_quiet(p)) {
            struct segment s = peer_take(p);
            assert_memory_equal(s.text, peer_pattern(s.seq), s.length);
        }
        peer_ack(p, seq);
        peer_forget(p);
    }
    assert_true(tcp_drained(p->tcb));
    peer_free(p);
}

static void while_room_is_reserved_nothing_else_is_taken(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    struct tcp_reservation r, other;
    struct iovec spans[2];
    reserve_and_fill(p, &r, 1, 10);
    assert_false(tcp_readiness(p->tcb) & POLLOUT);
    assert_int_equal(peer_write_flags(p, 1, 0), -EAGAIN);
    assert_int_equal(tcp_reserve(p->tcb, &other, 10, spans), -EAGAIN);
    p->events = 0;
    tcp_reservation_end(&r);
    assert_true(p->events & POLLOUT); /* who waited has its turn */
    assert_true(tcp_readiness(p->tcb) & POLLOUT);
    assert_int_equal(tcp_queued_out(p->tcb), 0);
    assert_int_equal(ring_capacity(&p->tcb->snd.ring), 0); /* an idle connection owns nothing */
    tcp_reservation_end(&r);                               /* harmless */
    peer_free(p);
}

static void more_than_was_reserved_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    struct tcp_reservation r;
    reserve_and_fill(p, &r, 1, 10);
    assert_int_equal(tcp_commit(&r, 11, 0), -EINVAL);
    assert_int_equal(tcp_commit(&r, 10, 0), 10);
    assert_int_equal(peer_take(p).length, 10);
    peer_free(p);
}

static void room_is_what_the_send_buffer_has_left(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    struct tcp_reservation r;
    struct iovec spans[2];
    p->tcb->preferences.send_buffer = 20000;
    ssize_t first = tcp_reserve(p->tcb, &r, 1 << 30, spans);
    assert_in_range(first, 10000, 20000);
    memset(spans[0].iov_base, 0, spans[0].iov_len);
    assert_int_equal(tcp_commit(&r, (size_t)first, 0), first);
    assert_int_equal(tcp_reserve(p->tcb, &r, 1, spans), -EAGAIN);
    peer_free(p);
}

static void bytes_under_MSG_MORE_are_pushed_by_an_empty_commit(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    struct tcp_reservation r;
    reserve_and_fill(p, &r, 1, 10);
    assert_int_equal(tcp_commit(&r, 10, MSG_MORE), 10);
    assert_true(peer_is_quiet(p));
    reserve_and_fill(p, &r, 11, 5);
    assert_int_equal(tcp_commit(&r, 0, MSG_MORE), 0);
    assert_true(peer_is_quiet(p));
    reserve_and_fill(p, &r, 11, 5);
    assert_int_equal(tcp_commit(&r, 0, 0), 0);
    struct segment s = peer_take(p);
    assert_int_equal(s.length, 10);
    assert_true(s.flags & TCP_PSH);
    peer_free(p);
}

/* The writer may be in the middle of it. */
static void room_stays_valid_when_the_connection_is_reset(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    struct tcp_reservation r;
    struct iovec spans[2];
    peer_write(p, 100);
    assert_int_equal(tcp_reserve(p->tcb, &r, 500, spans), 500);
    peer_send(p, TCP_RST, p->next, 0);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    memset(spans[0].iov_base, 1, spans[0].iov_len);
    assert_int_equal(tcp_commit(&r, 500, 0), -ECONNRESET);
    assert_int_equal(ring_capacity(&p->tcb->snd.ring), 0);
    peer_free(p);
}

static void room_stays_valid_when_the_connection_is_freed(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    struct tcp_reservation r;
    struct iovec spans[2];
    assert_int_equal(tcp_reserve(p->tcb, &r, 500, spans), 500);
    tcp_abort(p->tcb);
    p->tcb = NULL;
    memset(spans[0].iov_base, 1, spans[0].iov_len);
    assert_int_equal(p->m->stack.memory_used_bytes, 0);
    assert_int_equal(tcp_commit(&r, 501, 0), -EINVAL);
    assert_int_equal(tcp_commit(&r, 500, 0), -EPIPE); /* ASan sees that the memory is given back */
    assert_int_equal(tcp_commit(&r, 0, 0), -EINVAL);
    tcp_reservation_end(&r);
    peer_free(p);
}

/* What is in flight may be acknowledged meanwhile, down to the last byte. */
static void room_stays_in_its_place_when_the_ring_empties(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    struct tcp_reservation r;
    peer_flight(p, 1, 3);
    reserve_and_fill(p, &r, 3001, 900);
    peer_ack(p, 3001);
    peer_forget(p);
    assert_int_equal(tcp_commit(&r, 900, 0), 900);
    struct segment s = peer_take(p);
    assert_int_equal(s.length, 900);
    assert_memory_equal(s.text, peer_pattern(3001), 900);
    peer_free(p);
}

static void commit_after_the_sending_side_is_shut_is_refused(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    struct tcp_reservation r;
    reserve_and_fill(p, &r, 1, 10);
    assert_int_equal(tcp_shutdown_send(p->tcb), 0);
    assert_int_equal(tcp_commit(&r, 10, 0), -EPIPE);
    peer_free(p);
}

static void what_arrived_is_shown_in_place(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    struct iovec spans[2];
    assert_int_equal(tcp_peek(p->tcb, spans), -EAGAIN);
    peer_text(p, 1, 300);
    assert_int_equal(tcp_peek(p->tcb, spans), 300);
    assert_int_equal(spans[0].iov_len, 300);
    assert_int_equal(spans[1].iov_len, 0);
    assert_memory_equal(spans[0].iov_base, peer_pattern(1), 300);
    assert_int_equal(tcp_consume(p->tcb, 301), -EINVAL);
    assert_int_equal(tcp_consume(p->tcb, 100), 0);
    assert_int_equal(tcp_queued_in(p->tcb), 200);
    assert_int_equal(tcp_peek(p->tcb, spans), 200);
    assert_memory_equal(spans[0].iov_base, peer_pattern(101), 200);
    assert_int_equal(tcp_consume(p->tcb, 200), 0);
    assert_int_equal(ring_capacity(&p->tcb->rcv.ring), 0);
    peer_fin(p);
    assert_int_equal(tcp_peek(p->tcb, spans), 0);
    peer_free(p);
}

static void what_is_shown_stays_while_the_ring_grows(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    struct iovec spans[2];
    peer_text(p, 1, 100);
    assert_int_equal(tcp_peek(p->tcb, spans), 100);
    for (uint32_t seq = 101; seq < 40101; seq += PEER_MSS)
        peer_text(p, seq, PEER_MSS);
    assert_memory_equal(spans[0].iov_base, peer_pattern(1), 100);
    assert_true(p->m->stack.memory_used_bytes >
                ring_capacity(&p->tcb->rcv.ring)); /* the old memory is charged as well */
    peer_send(p, TCP_RST, p->next, 0);
    assert_memory_equal(spans[0].iov_base, peer_pattern(1), 100);
    assert_int_equal(tcp_consume(p->tcb, 100), 0);
    assert_int_equal(peer_read(p, 101, 40000), 40000);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_committed_is_sent),
        cmocka_unit_test(room_wraps_with_the_ring),
        cmocka_unit_test(while_room_is_reserved_nothing_else_is_taken),
        cmocka_unit_test(more_than_was_reserved_is_refused_and_changes_nothing),
        cmocka_unit_test(room_is_what_the_send_buffer_has_left),
        cmocka_unit_test(bytes_under_MSG_MORE_are_pushed_by_an_empty_commit),
        cmocka_unit_test(room_stays_valid_when_the_connection_is_reset),
        cmocka_unit_test(room_stays_valid_when_the_connection_is_freed),
        cmocka_unit_test(room_stays_in_its_place_when_the_ring_empties),
        cmocka_unit_test(commit_after_the_sending_side_is_shut_is_refused),
        cmocka_unit_test(what_arrived_is_shown_in_place),
        cmocka_unit_test(what_is_shown_stays_while_the_ring_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
