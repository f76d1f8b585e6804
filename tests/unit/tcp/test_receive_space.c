/* What a receive buffer has room for: here, and as Linux counts it. */
#include "tcp_peer.h"

#include "tcp/receive_space.h"

/* SO_RCVBUF is doubled: the buffer is twice `asked`. */
static struct peer *peer_counted(bool counted, int asked)
{
    struct peer *p = peer_new();
    peer_settings(p)->tcp_rcvbuf_overhead = counted;
    assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    peer_set(p, SOL_SOCKET, SO_RCVBUF, asked);
    peer_open(p, PEER_PLAIN);
    return p;
}

static void text_takes_its_length(void **state)
{
    (void)state;
    struct peer *p = peer_counted(false, 20000);
    assert_int_equal(receive_space_left(p->tcb), 40000);
    assert_int_equal(receive_space_at_first(&p->m->stack, 40000), 40000);
    peer_text(p, 1, 1000);
    assert_int_equal(receive_space_left(p->tcb), 39000);
    assert_int_equal(receive_space_text(p->tcb, 1000), 1000);
    assert_int_equal(receive_space_for(p->tcb, 1000), 1000);
    peer_free(p);
}

static void half_of_a_buffer_is_for_text_until_packets_show_better(void **state)
{
    (void)state;
    struct peer *p = peer_counted(true, 20000);
    assert_int_equal(receive_space_at_first(&p->m->stack, 40000), 20000);
    assert_int_equal(receive_space_left(p->tcb), 20000);
    assert_int_equal(receive_space_for(p->tcb, 1000), 2000);
    peer_text(p, 1, 20000); /* a packet of 20736 bytes: 246 of 256 are text */
    assert_int_equal(p->tcb->rcv.space_taken, 256 + 4096 + 16384);
    assert_int_equal(p->tcb->rcv.text_share, 246);
    assert_int_equal(receive_space_text(p->tcb, 256000), 246000);
    assert_int_equal(receive_space_for(p->tcb, 246000), 256000);
    assert_int_equal(receive_space_left(p->tcb), (40000 - 20736) * 246 / 256);
    peer_free(p);
}

/* A small packet takes a whole allocation; one that is no larger than the largest so far teaches
 * nothing. */
static void small_packets_take_more_than_their_text(void **state)
{
    (void)state;
    struct peer *p = peer_counted(true, 20000);
    peer_text(p, 1, 1000);
    assert_int_equal(p->tcb->rcv.space_taken, 256 + 2048);
    assert_int_equal(p->tcb->rcv.text_share, 1000 * 256 / 2304);
    peer_text(p, 1001, 1);
    assert_int_equal(p->tcb->rcv.space_taken, 2304 + 256 + 512);
    assert_int_equal(p->tcb->rcv.text_share, 1000 * 256 / 2304);
    peer_free(p);
}

static void space_comes_back_with_what_is_read(void **state)
{
    (void)state;
    struct peer *p = peer_counted(true, 20000);
    peer_text(p, 1, 1000);
    peer_text(p, 2001, 1000); /* beyond a hole: it takes room as well */
    assert_int_equal(p->tcb->rcv.space_taken, 2 * 2304);
    assert_int_equal(peer_read(p, 1, 500), 500);
    assert_int_equal(p->tcb->rcv.space_taken, 2 * 2304 * 3 / 4);
    peer_text(p, 1001, 1000);
    assert_int_equal(peer_read(p, 501, 5000), 2500);
    assert_int_equal(p->tcb->rcv.space_taken, 0);
    peer_free(p);
}

/* As Linux 6.18 answers: SO_RCVBUF, the window of the SYN's answer, a segment, and the window then.
 */
static void windows_are_those_of_Linux(void **state)
{
    (void)state;
    static const struct {
        int asked;
        uint32_t first, length, window;
    } table[] = {
        {20000, 18980, 1000, 17980},  {20000, 18980, 4000, 14980},  {20000, 18980, 8000, 17000},
        {20000, 18980, 12000, 16000}, {20000, 18980, 20000, 18000}, {20000, 18980, 30000, 6000},
        {20000, 18980, 60000, 0},     {10000, 8760, 4000, 5000},    {10000, 8760, 10000, 5000},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct peer *p = peer_counted(true, table[i].asked);
        p->super = 1000;
        assert_int_equal(p->tcb->rcv.wnd, table[i].first);
        peer_text(p, 1, table[i].length);
        peer_after(p, 40);
        assert_int_equal(peer_expect_ack(p, 1 + table[i].length).window, table[i].window);
        peer_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_takes_its_length),
        cmocka_unit_test(half_of_a_buffer_is_for_text_until_packets_show_better),
        cmocka_unit_test(small_packets_take_more_than_their_text),
        cmocka_unit_test(space_comes_back_with_what_is_read),
        cmocka_unit_test(windows_are_those_of_Linux),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
