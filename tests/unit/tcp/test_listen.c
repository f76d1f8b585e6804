/* RFC 9293 §3.10.7.2, LISTEN, and §3.10.7.4 for a passive open's SYN-RECEIVED, before there is a
 * connection. */
#include "tcp_peer.h"

static struct peer *peer_listening(void)
{
    struct peer *p = peer_new();
    peer_listen(p, 5);
    return p;
}

static void another_peer(struct peer *p)
{
    p->theirs.port++;
    p->next = p->acked = 0;
    p->timestamps = false;
    p->window = PEER_WINDOW;
    p->tcb = NULL;
}

/* ── §3.10.7.2 ── */

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

/* Security rule 16. */
static void backlog_is_bounded_whatever_is_asked_for(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_listen(p, UINT32_MAX);
    assert_int_equal(p->listener->backlog, LIMIT_BACKLOG);
    assert_int_equal(tcp_listener_backlog(p->listener, LIMIT_BACKLOG + 1), 0);
    assert_int_equal(p->listener->backlog, LIMIT_BACKLOG);
    peer_free(p);
}

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

/* ── The handshake's end ── */

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

/* ── Limits ── */

/* The accept queue is full: the handshake waits, and the peer tries again. */
static void full_accept_queue_leaves_connections_half_open(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_listen(p, 1);
    /* Linux's meaning: one more than asked for. */
    for (int i = 0; i < 2; i++) {
        peer_half_open(p, PEER_PLAIN);
        assert_int_equal(peer_ack(p, 1), DROP_NONE);
        another_peer(p);
    }
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN, PEER_PLAIN)), DROP_TCP_LISTEN_FULL);
    peer_quiet(p);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
    struct tcb *first = p->tcb;
    peer_half_open(p, PEER_PLAIN);
    peer_free(p);
    (void)first;
}

static void ACK_that_finds_the_queue_full_is_dropped_until_there_is_room(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_listen(p, 0);
    peer_half_open(p, PEER_PLAIN);
    struct peer late = *p;
    p->theirs.port++;
    p->next = p->acked = 0;
    peer_half_open(p, PEER_PLAIN);
    peer_ack(p, 1);
    late.seen = p->seen;
    assert_int_equal(peer_ack(&late, 1), DROP_TCP_LISTEN_FULL);
    struct tcb *tcb;
    assert_int_equal(tcp_accept(p->listener, p, &tcb), 0);
    assert_int_equal(peer_ack(&late, 1), DROP_NONE);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
    tcp_abort(tcb);
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

/* tcp.abort_on_overflow. */
static void ACK_that_finds_the_queue_full_is_reset_if_so_set(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_listen(p, 0);
    peer_settings(p)->tcp_abort_on_overflow = 1;
    peer_half_open(p, PEER_PLAIN);
    struct peer late = *p;
    another_peer(p);
    peer_half_open(p, PEER_PLAIN);
    assert_int_equal(peer_ack(p, 1), DROP_NONE);
    late.seen = p->m->sent_count;
    assert_int_equal(peer_ack(&late, 1), DROP_TCP_LISTEN_FULL);
    peer_expect(&late, TCP_RST, 1, 0);
    assert_int_equal(p->listener->half_open_count, 0);
    assert_int_equal(machine_counter(p->m, "TcpExtListenOverflows"), 1);
    peer_free(p);
}

/* ── LISTEN and CLOSE ── */

static void MUST_41_listening_twice_fails_and_leaves_what_is_there(void **state)
{
    (void)state;
    struct peer *p = peer_listening();
    peer_accept(p, PEER_PLAIN);
    struct tcb *tcb;
    struct endpoint any = {.port = LISTEN_PORT, .address = address_from_ipv4(0)};
    assert_int_equal(tcp_create(&p->m->stack, NULL, &tcb), 0);
    assert_int_equal(tcp_bind(tcb, &any, true), -EADDRINUSE);
    tcp_abort(tcb);
    assert_int_equal(peer_text(p, 1, 5), DROP_NONE);
    peer_free(p);
}

static void MUST_42_port_of_an_opening_connection_may_be_listened_on(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct endpoint any = {.port = LISTEN_PORT, .address = address_from_ipv4(0)};
    struct tcb *listening;
    assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    assert_int_equal(tcp_bind(p->tcb, &any, true), 0);
    peer_await_syn(p);
    assert_int_equal(tcp_create(&p->m->stack, NULL, &listening), 0);
    assert_int_equal(tcp_bind(listening, &any, true), 0);
    assert_int_equal(tcp_listen(listening, 1, NULL, &p->listener), 0);
    /* Both find their segments. */
    p->acked = 1;
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN | TCP_ACK, PEER_PLAIN)), DROP_NONE);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    peer_forget(p);
    p->theirs.port++;
    peer_half_open(p, PEER_PLAIN);
    peer_free(p);
}

static void listen_says_why_it_cannot(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp_listener *listener;
    peer_open(p, PEER_PLAIN);
    assert_int_equal(tcp_listen(p->tcb, 1, NULL, &listener), -EINVAL);
    tcp_abort(p->tcb);
    p->tcb = NULL;
    /* Unbound: an ephemeral port. */
    assert_int_equal(tcp_create(&p->m->stack, NULL, &p->tcb), 0);
    assert_int_equal(tcp_listen(p->tcb, 1, NULL, &p->listener), 0);
    p->tcb = NULL;
    assert_true(tcp_listener_local(p->listener)->port >= 32768);
    peer_free(p);
}

static void closed_listener_resets_what_was_not_accepted(void **state)
{
    (void)state;
    struct peer *p = peer_listening();
    peer_half_open(p, PEER_PLAIN);
    peer_ack(p, 1);
    peer_forget(p);
    tcp_listener_close(p->listener);
    p->listener = NULL;
    peer_expect(p, TCP_RST | TCP_ACK, 1, 0);
    assert_true(list_empty(&tcp_of(&p->m->stack)->all));
    peer_free(p);
}

static void MUST_11_accepted_connection_that_was_reset_meanwhile_says_so(void **state)
{
    (void)state;
    struct peer *p = peer_listening();
    peer_half_open(p, PEER_PLAIN);
    peer_ack(p, 1);
    assert_int_equal(peer_send(p, TCP_RST, 1, 0), DROP_NONE);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
    assert_int_equal(peer_read(p, 1, 10), -ECONNRESET);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reset_to_a_listener_is_ignored),
        cmocka_unit_test(ACK_to_a_listener_is_answered_with_a_reset),
        cmocka_unit_test(other_segments_to_a_listener_are_dropped),
        cmocka_unit_test(SYN_makes_a_half_open_entry_and_no_connection),
        cmocka_unit_test(backlog_is_bounded_whatever_is_asked_for),
        cmocka_unit_test(options_not_offered_are_not_in_the_SYN_ACK),
        cmocka_unit_test(ACK_makes_the_connection_with_its_text),
        cmocka_unit_test(half_open_answers_as_SYN_RECEIVED_must),
        cmocka_unit_test(reset_ends_a_half_open_connection_only_with_the_exact_number),
        cmocka_unit_test(SYN_in_the_window_ends_a_half_open_connection_only_once_confirmed),
        cmocka_unit_test(MUST_11_reset_returns_a_passive_open_to_LISTEN_in_silence),
        cmocka_unit_test(timestamp_rules_hold_before_there_is_a_connection),
        cmocka_unit_test(window_of_an_ACK_before_there_is_a_connection_is_scaled),
        cmocka_unit_test(ACKs_before_there_is_a_connection_are_limited),
        cmocka_unit_test(last_ACK_of_the_handshake_may_lack_a_timestamp),
        cmocka_unit_test(SYN_ACK_is_repeated_with_back_off_and_given_up),
        cmocka_unit_test(full_accept_queue_leaves_connections_half_open),
        cmocka_unit_test(ACK_that_finds_the_queue_full_is_dropped_until_there_is_room),
        cmocka_unit_test(SYN_flood_takes_bounded_memory_and_leaves_connections_alone),
        cmocka_unit_test(ACK_that_finds_the_queue_full_is_reset_if_so_set),
        cmocka_unit_test(MUST_41_listening_twice_fails_and_leaves_what_is_there),
        cmocka_unit_test(MUST_42_port_of_an_opening_connection_may_be_listened_on),
        cmocka_unit_test(listen_says_why_it_cannot),
        cmocka_unit_test(closed_listener_resets_what_was_not_accepted),
        cmocka_unit_test(MUST_11_accepted_connection_that_was_reset_meanwhile_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
