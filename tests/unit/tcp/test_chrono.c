/* What a connection has spent its time on, as TCP_INFO tells it. */
#include "tcp_peer.h"

#include "tcp/info.h"

static struct peer *peer_opened(void)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_SACK);
    return p;
}

/* For so many milliseconds; the others are a part of the first. */
static void assert_spent(const struct peer *p, uint64_t busy, uint64_t peer, uint64_t buffer)
{
    struct tern_tcp_info info;
    tcp_info_fill(p->tcb, &info);
    assert_int_equal(info.tcpi_busy_time, busy * 1000);
    assert_int_equal(info.tcpi_rwnd_limited, peer * 1000);
    assert_int_equal(info.tcpi_sndbuf_limited, buffer * 1000);
}

static void a_connection_with_nothing_to_send_is_not_busy(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_after(p, 100);
    peer_text(p, 1, 100); /* to receive is not to be busy */
    peer_after(p, 100);
    assert_spent(p, 0, 0, 0);
    peer_free(p);
}

static void it_is_busy_until_all_is_acknowledged(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_after(p, 100);
    peer_write(p, 2000);
    peer_after(p, 5);
    assert_spent(p, 5, 0, 0); /* while it lasts */
    peer_ack(p, 1001);
    peer_after(p, 7);
    peer_ack(p, 2001);
    assert_spent(p, 12, 0, 0);
    peer_after(p, 1000);
    assert_spent(p, 12, 0, 0);
    peer_write(p, 1000);
    peer_after(p, 3);
    peer_ack(p, 3001);
    assert_spent(p, 15, 0, 0);
    peer_free(p);
}

/* What the congestion window keeps from going is not the peer's doing, nor the buffer's. */
static void to_wait_for_acknowledgments_is_to_be_busy(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_write(p, 20 * PEER_MSS);
    peer_after(p, 5);
    assert_spent(p, 5, 0, 0);
    peer_free(p);
}

static void to_wait_for_the_peer_s_window_is_told(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    p->window = 2000;
    peer_ack(p, 1);
    peer_write(p, 5000); /* 3000 of them do not fit */
    peer_after(p, 5);
    assert_spent(p, 5, 5, 0);
    p->window = 60000;
    peer_ack(p, 1); /* all go */
    peer_after(p, 4);
    assert_spent(p, 9, 5, 0);
    peer_ack(p, 5001);
    peer_after(p, 100);
    assert_spent(p, 9, 5, 0);
    peer_free(p);
}

/* Nothing is under way, and something is to be sent all the same. */
static void a_window_that_is_shut_is_the_peer_s_too(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    p->window = 0;
    peer_ack(p, 1);
    peer_write(p, 1000);
    peer_quiet(p);
    peer_after(p, 5);
    assert_spent(p, 5, 5, 0);
    peer_free(p);
}

/* All that there is room for has been sent, and the window would take more. */
static void to_wait_for_room_in_the_send_buffer_is_told(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_set(p, SOL_SOCKET, SO_SNDBUF, 4000);
    p->tcb->cc.cwnd = 100;
    ssize_t room = peer_write_flags(p, 100 * PEER_MSS, 0);
    assert_in_range(room, 1, PEER_WINDOW - 1);
    peer_forget(p);
    peer_after(p, 6);
    assert_spent(p, 6, 0, 6);
    peer_ack(p, 1 + (uint32_t)room); /* room again, and nobody fills it */
    peer_after(p, 10);
    assert_spent(p, 6, 0, 6);
    peer_free(p);
}

/* Where it is the congestion window that is full, a larger buffer would not help. */
static void a_buffer_as_large_as_the_congestion_window_is_large_enough(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_set(p, SOL_SOCKET, SO_SNDBUF, 4000);
    p->tcb->cc.cwnd = 32;
    assert_int_equal(peer_write_flags(p, 100 * PEER_MSS, 0), 32 * PEER_MSS);
    assert_int_equal(tcb_unsent(p->tcb), 0);
    peer_after(p, 6);
    assert_spent(p, 6, 0, 0);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_with_nothing_to_send_is_not_busy),
        cmocka_unit_test(it_is_busy_until_all_is_acknowledged),
        cmocka_unit_test(to_wait_for_acknowledgments_is_to_be_busy),
        cmocka_unit_test(to_wait_for_the_peer_s_window_is_told),
        cmocka_unit_test(a_window_that_is_shut_is_the_peer_s_too),
        cmocka_unit_test(to_wait_for_room_in_the_send_buffer_is_told),
        cmocka_unit_test(a_buffer_as_large_as_the_congestion_window_is_large_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
