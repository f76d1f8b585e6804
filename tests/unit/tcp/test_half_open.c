/* What is kept of a connection half open: its SYN,ACK, how often that goes, and the connection made
 * of it. */
#include "listen_fixture.h"

static void options_not_offered_are_not_in_the_SYN_ACK(void **state)
{
    (void)state;
    struct peer *p = peer_listening();
    struct segment answer = peer_half_open(p, PEER_PLAIN);
    assert_true(answer.options.has_mss);
    assert_false(answer.options.has_sack_permitted || answer.options.has_timestamps ||
                 answer.options.has_window_scale);
    peer_free(p);
}

static void SYN_ACK_is_repeated_with_back_off_and_given_up(void **state)
{
    (void)state;
    struct peer *p = peer_listening();
    peer_half_open(p, PEER_PLAIN);
    for (uint64_t wait = 1000, i = 0; i < 5; i++, wait *= 2) {
        peer_after(p, wait - 1);
        peer_quiet(p);
        peer_after(p, 1);
        peer_expect(p, TCP_SYN | TCP_ACK, 0, 0);
    }
    peer_after(p, 32000);
    peer_quiet(p);
    assert_int_equal(p->listener->half_open_count, 0);
    peer_free(p);
}

/* RFC 7323 §2.2: the SYN,ACK's is not scaled, that of every other segment is. */
static void window_of_an_ACK_before_there_is_a_connection_is_scaled(void **state)
{
    (void)state;
    for (int scaling = 0; scaling < 2; scaling++) {
        struct peer *p = peer_listening();
        struct segment answer = peer_half_open(p, scaling ? PEER_SCALING : PEER_PLAIN);
        assert_int_equal(peer_send(p, TCP_ACK, 0, 0), DROP_TCP_SEQUENCE);
        assert_int_equal(peer_expect_ack(p, 1).window,
                         scaling ? answer.window >> answer.options.window_scale : answer.window);
        peer_free(p);
    }
}

static void ACK_makes_the_connection_with_its_text(void **state)
{
    (void)state;
    struct peer *p = peer_listening();
    peer_half_open(p, PEER_FULL);
    peer_after(p, PEER_RTT_MS);
    assert_int_equal(tcp_listener_readiness(p->listener), 0);
    assert_int_equal(peer_text(p, 1, 10), DROP_NONE);
    assert_int_equal(tcp_listener_readiness(p->listener), POLLIN | POLLRDNORM);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), -EAGAIN);
    assert_int_equal(peer_read(p, 1, 100), 10);
    assert_int_equal(p->tcb->rtt.srtt_ns, TIME_MS(PEER_RTT_MS));
    assert_int_equal(p->listener->half_open_count, 0);
    assert_int_equal(machine_counter(p->m, "TcpPassiveOpens"), 1);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_not_offered_are_not_in_the_SYN_ACK),
        cmocka_unit_test(SYN_ACK_is_repeated_with_back_off_and_given_up),
        cmocka_unit_test(window_of_an_ACK_before_there_is_a_connection_is_scaled),
        cmocka_unit_test(ACK_makes_the_connection_with_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
