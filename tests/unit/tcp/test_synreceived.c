/* RFC 9293 §3.10.7.4 for a passive open's SYN-RECEIVED, before there is a connection. */
#include "listen_fixture.h"

static void half_open_answers_as_SYN_RECEIVED_must(void **state)
{
    (void)state;
    struct peer *p = peer_listening();
    peer_half_open(p, PEER_PLAIN);
    /* A repeated SYN: the SYN,ACK again. */
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN, PEER_PLAIN)), DROP_TCP_SYN);
    peer_expect(p, TCP_SYN | TCP_ACK, 0, 0);
    /* First: out of the window is acknowledged, a reset there is not. */
    assert_int_equal(peer_send(p, TCP_ACK, 0, 0), DROP_TCP_SEQUENCE);
    assert_int_equal(peer_expect_ack(p, 1).seq, 1);
    assert_int_equal(peer_send(p, TCP_ACK, 1 + 70000, 10), DROP_TCP_SEQUENCE);
    peer_expect_ack(p, 1);
    assert_int_equal(peer_send(p, TCP_RST, 0, 0), DROP_TCP_SEQUENCE);
    peer_quiet(p);
    /* Fourth and fifth. */
    assert_int_equal(peer_send(p, TCP_SYN, 2, 0), DROP_TCP_SYN);
    peer_forget(p);
    assert_int_equal(peer_send(p, 0, 1, 10), DROP_TCP_NO_ACK);
    peer_forget(p);
    p->acked = 5;
    assert_int_equal(peer_send(p, TCP_ACK, 1, 0), DROP_TCP_ACK);
    peer_expect(p, TCP_RST, 5, 0);
    assert_int_equal(p->listener->half_open_count, 1);
    peer_free(p);
}

/* RFC 5961 §3.2 holds here too. */
static void reset_ends_a_half_open_connection_only_with_the_exact_number(void **state)
{
    (void)state;
    struct peer *p = peer_listening();
    peer_half_open(p, PEER_PLAIN);
    assert_int_equal(peer_send(p, TCP_RST, 2, 0), DROP_TCP_RST);
    peer_expect_ack(p, 1);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPChallengeACK"), 1);
    assert_int_equal(p->listener->half_open_count, 1);
    assert_int_equal(peer_send(p, TCP_RST, 1, 0), DROP_NONE);
    assert_int_equal(p->listener->half_open_count, 0);
    assert_int_equal(machine_counter(p->m, "TcpAttemptFails"), 1);
    peer_quiet(p);
    peer_free(p);
}

/* §3.10.7.4, fourth, with the caution of RFC 5961 §4.2: a SYN in the window is challenged, with an
 * ACK or without, and the reset of a peer that has begun anew returns the open to LISTEN. */
static void SYN_in_the_window_ends_a_half_open_connection_only_once_confirmed(void **state)
{
    (void)state;
    static const uint16_t flags[] = {TCP_SYN, TCP_SYN | TCP_ACK};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        struct peer *p = peer_listening();
        peer_half_open(p, PEER_PLAIN);
        assert_int_equal(peer_send(p, flags[i], 2, 0), DROP_TCP_SYN);
        assert_int_equal(peer_expect_ack(p, 1).seq, 1);
        assert_int_equal(machine_counter(p->m, "TcpExtTCPChallengeACK"), 1);
        assert_int_equal(p->listener->half_open_count, 1);
        assert_int_equal(peer_send(p, TCP_RST, 1, 0), DROP_NONE);
        assert_int_equal(p->listener->half_open_count, 0);
        peer_free(p);
    }
}

/* §3.10.7.4, second: a passive open returns to LISTEN, and the user hears nothing of it. */
static void MUST_11_reset_returns_a_passive_open_to_LISTEN_in_silence(void **state)
{
    (void)state;
    struct peer *p = peer_listening();
    peer_half_open(p, PEER_PLAIN);
    peer_send(p, TCP_RST, 1, 0);
    assert_int_equal(tcp_listener_readiness(p->listener), 0);
    another_peer(p);
    peer_accept(p, PEER_PLAIN);
    peer_free(p);
}

static void timestamp_rules_hold_before_there_is_a_connection(void **state)
{
    (void)state;
    struct peer *p = peer_listening();
    peer_half_open(p, PEER_FULL);
    p->ts = 999;
    assert_int_equal(peer_ack(p, 1), DROP_TCP_PAWS);
    struct segment ack = peer_expect_ack(p, 1);
    assert_true(ack.options.has_timestamps);
    assert_int_equal(ack.options.timestamp_echo, 1000);
    assert_int_equal(p->listener->half_open_count, 1);
    peer_free(p);
}

/* RFC 5961 §7. */
static void ACKs_before_there_is_a_connection_are_limited(void **state)
{
    (void)state;
    struct peer *p = peer_listening();
    uint32_t limit = (uint32_t)peer_settings(p)->tcp_challenge_ack_limit;
    peer_half_open(p, PEER_PLAIN);
    for (uint32_t i = 0; i < 3 * limit; i++)
        assert_int_equal(peer_send(p, TCP_RST, 2, 0), DROP_TCP_RST);
    assert_int_equal(peer_forget(p), limit);
    for (uint32_t i = 0; i < limit; i++)
        assert_int_equal(peer_send(p, TCP_ACK, 0, 0), DROP_TCP_SEQUENCE);
    peer_quiet(p);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPACKSkippedChallenge"), 2 * limit);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPACKSkippedSeq"), limit);
    peer_free(p);
}

/* RFC 7323 §3.2: until then it is not sure that both know of them. */
static void last_ACK_of_the_handshake_may_lack_a_timestamp(void **state)
{
    (void)state;
    struct peer *p = peer_listening();
    peer_half_open(p, PEER_FULL);
    p->timestamps = false;
    assert_int_equal(peer_ack(p, 1), DROP_NONE);
    assert_int_equal(tcp_listener_readiness(p->listener), POLLIN | POLLRDNORM);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
    assert_int_equal(peer_ack(p, 1), DROP_TCP_MISSING_TIMESTAMP);
    peer_free(p);
}

static void ACK_that_finds_the_queue_full_is_dropped_until_there_is_room(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct peer late = peer_too_late(p);
    assert_int_equal(peer_ack(&late, 1), DROP_TCP_LISTEN_FULL);
    struct tcb *tcb;
    assert_int_equal(tcp_accept(p->listener, p, &tcb), 0);
    assert_int_equal(peer_ack(&late, 1), DROP_NONE);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
    tcp_abort(tcb);
    peer_free(p);
}

/* tcp.abort_on_overflow. */
static void ACK_that_finds_the_queue_full_is_reset_if_so_set(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->tcp_abort_on_overflow = 1;
    struct peer late = peer_too_late(p);
    assert_int_equal(peer_ack(&late, 1), DROP_TCP_LISTEN_FULL);
    peer_expect(&late, TCP_RST, 1, 0);
    assert_int_equal(p->listener->half_open_count, 0);
    assert_int_equal(machine_counter(p->m, "TcpExtListenOverflows"), 1);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_open_answers_as_SYN_RECEIVED_must),
        cmocka_unit_test(reset_ends_a_half_open_connection_only_with_the_exact_number),
        cmocka_unit_test(SYN_in_the_window_ends_a_half_open_connection_only_once_confirmed),
        cmocka_unit_test(MUST_11_reset_returns_a_passive_open_to_LISTEN_in_silence),
        cmocka_unit_test(timestamp_rules_hold_before_there_is_a_connection),
        cmocka_unit_test(ACKs_before_there_is_a_connection_are_limited),
        cmocka_unit_test(last_ACK_of_the_handshake_may_lack_a_timestamp),
        cmocka_unit_test(ACK_that_finds_the_queue_full_is_dropped_until_there_is_room),
        cmocka_unit_test(ACK_that_finds_the_queue_full_is_reset_if_so_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
