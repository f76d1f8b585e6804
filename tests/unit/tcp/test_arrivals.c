#include "tcp_peer.h"

#include "tcp/arrivals.h"

static struct peer *open_peer(void)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_SACK);
    tcp_note_arrivals(p->tcb, true);
    return p;
}

static void each_piece_has_its_time(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    uint64_t first = p->m->stack.now_ns;
    peer_text(p, 1, 100);
    peer_after(p, 7);
    uint64_t second = p->m->stack.now_ns;
    peer_text(p, 101, 100);
    assert_int_equal(tcp_arrived_ns(p->tcb, 100), first); /* a look ahead */
    assert_int_equal(tcp_arrived_ns(p->tcb, 101), second);
    assert_int_equal(peer_read(p, 1, 60), 60);
    assert_int_equal(tcp_arrived_ns(p->tcb, 0), first);
    assert_int_equal(peer_read(p, 61, 40), 40);
    assert_int_equal(tcp_arrived_ns(p->tcb, 0), first);
    assert_int_equal(peer_read(p, 101, 1), 1);
    assert_int_equal(tcp_arrived_ns(p->tcb, 0), second);
    peer_fin(p);
    assert_int_equal(peer_read(p, 102, 99), 99);
    assert_int_equal(tcp_arrived_ns(p->tcb, 0), second); /* the FIN has no byte */
    peer_free(p);
}

static void what_waits_behind_a_hole_comes_with_what_fills_it(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    peer_text(p, 101, 100);
    peer_after(p, 7);
    uint64_t filled = p->m->stack.now_ns;
    peer_text(p, 1, 100);
    assert_int_equal(peer_read(p, 1, 200), 200);
    assert_int_equal(tcp_arrived_ns(p->tcb, 0), filled);
    peer_free(p);
}

static void text_that_goes_straight_to_its_reader_has_its_time(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    char bytes[100];
    struct iovec span = {bytes, sizeof bytes};
    struct tcp_landing landing = {.spans = &span, .count = 1};
    assert_true(tcp_landing_begin(p->tcb, &landing));
    peer_after(p, 7);
    uint64_t now = p->m->stack.now_ns;
    peer_text(p, 1, 50);
    tcp_landing_end(&landing);
    assert_int_equal(landing.filled, 50);
    assert_int_equal(tcp_arrived_ns(p->tcb, 0), now);
    peer_free(p);
}

static void more_pieces_than_are_told_apart_have_the_last_one_s_time(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    uint64_t first = p->m->stack.now_ns;
    for (uint32_t i = 0; i < LIMIT_ARRIVALS + 3; i++) {
        peer_text(p, 1 + i, 1);
        peer_after(p, 1);
    }
    uint64_t last = p->m->stack.now_ns - TIME_MS(1);
    assert_int_equal(tcp_arrived_ns(p->tcb, LIMIT_ARRIVALS - 1),
                     first + TIME_MS(LIMIT_ARRIVALS - 2));
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(tcp_arrived_ns(p->tcb, LIMIT_ARRIVALS + i), last);
    peer_free(p);
}

static void who_does_not_ask_pays_nothing(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    peer_text(p, 1, 10);
    tcp_note_arrivals(p->tcb, false);
    assert_null(p->tcb->rcv.arrivals);
    peer_text(p, 11, 10);
    assert_null(p->tcb->rcv.arrivals);
    assert_int_equal(peer_read(p, 1, 20), 20);
    assert_int_equal(tcp_arrived_ns(p->tcb, 0), 0);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_piece_has_its_time),
        cmocka_unit_test(what_waits_behind_a_hole_comes_with_what_fills_it),
        cmocka_unit_test(text_that_goes_straight_to_its_reader_has_its_time),
        cmocka_unit_test(more_pieces_than_are_told_apart_have_the_last_one_s_time),
        cmocka_unit_test(who_does_not_ask_pays_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
