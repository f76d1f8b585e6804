/* RFC 5482. */
#include "tcp_peer.h"

#include "tcp/rtt.h"
#include "tcp/user_timeout.h"

static struct peer *peer_that_tells(void)
{
    struct peer *p = peer_new();
    peer_settings(p)->tcp_user_timeout_option = 1;
    peer_settings(p)->tcp_user_timeout_s = 300;
    return p;
}

static void told(struct peer *p, uint32_t seconds)
{
    struct segment segment = peer_segment(p, TCP_ACK, p->next, 0);
    segment.options.has_user_timeout = true;
    segment.options.user_timeout_s = seconds;
    assert_int_equal(peer_send_raw(p, segment), DROP_NONE);
}

/* §3.1: ENABLED is off unless asked for. */
static void nothing_is_told_nor_heeded_unless_asked_for(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->tcp_user_timeout_s = 300;
    assert_false(peer_await_syn(p).options.has_user_timeout);
    peer_after(p, PEER_RTT_MS);
    p->acked = 1;
    peer_send_raw(p, peer_syn(p, TCP_SYN | TCP_ACK, PEER_PLAIN));
    p->next = 1;
    assert_false(peer_expect_ack(p, 1).options.has_user_timeout);
    told(p, 1000);
    assert_int_equal(user_timeout_ms(p->tcb), 0);
    peer_free(p);
}

/* §3.2 */
static void it_is_told_with_the_SYN_and_the_end_of_the_handshake_and_not_again(void **state)
{
    (void)state;
    struct peer *p = peer_that_tells();
    struct segment syn = peer_await_syn(p);
    assert_true(syn.options.has_user_timeout);
    assert_int_equal(syn.options.user_timeout_s, 300);
    peer_after(p, PEER_RTT_MS);
    p->acked = 1;
    peer_send_raw(p, peer_syn(p, TCP_SYN | TCP_ACK, PEER_FULL));
    p->next = 1;
    p->timestamps = true;
    struct segment ack = peer_expect_ack(p, 1);
    assert_true(ack.options.has_user_timeout);
    peer_write(p, 100);
    assert_false(peer_take(p).options.has_user_timeout);
    peer_free(p);
}

/* §3.2: of the listener's wish, which the connection inherits. */
static void who_accepts_tells_it_with_the_SYN_ACK(void **state)
{
    (void)state;
    for (int own = 0; own < 2; own++) {
        struct peer *p = peer_new();
        int ms = 90000;
        peer_settings(p)->tcp_user_timeout_option = 1;
        peer_settings(p)->tcp_user_timeout_s = 300;
        peer_listen(p, 5);
        if (own)
            assert_int_equal(tcp_listener_set_option(p->listener, IP_PROTOCOL_TCP,
                                                     OPTION_USER_TIMEOUT, &ms, sizeof ms),
                             0);
        struct segment answer = peer_half_open(p, PEER_PLAIN);
        assert_true(answer.options.has_user_timeout);
        assert_int_equal(answer.options.user_timeout_s, own ? 90 : 300);
        peer_settings(p)->tcp_user_timeout_option = 0;
        assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN, PEER_PLAIN)), DROP_TCP_SYN);
        assert_false(peer_take(p).options.has_user_timeout);
        peer_free(p);
    }
}

static void change_is_told_at_once(void **state)
{
    (void)state;
    struct peer *p = peer_that_tells();
    int ms = 40000 * 1000;
    peer_open(p, PEER_PLAIN);
    assert_int_equal(tcp_set_option(p->tcb, IP_PROTOCOL_TCP, OPTION_USER_TIMEOUT, &ms, sizeof ms),
                     0);
    struct segment ack = peer_expect_ack(p, 1);
    assert_int_equal(ack.options.user_timeout_s, 40020); /* in minutes: rounded up */
    peer_free(p);
}

/* §3.1: USER_TIMEOUT = min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)). */
static void longer_wish_of_the_two_holds_within_bounds(void **state)
{
    (void)state;
    struct peer *p = peer_that_tells();
    peer_open(p, PEER_PLAIN);
    assert_int_equal(user_timeout_ms(p->tcb), 0); /* the peer has said nothing */
    told(p, 200);
    assert_int_equal(user_timeout_ms(p->tcb), 300000);
    told(p, 1000);
    assert_int_equal(user_timeout_ms(p->tcb), 1000000);
    told(p, 0); /* §3.3: says nothing */
    assert_int_equal(user_timeout_ms(p->tcb), 1000000);
    told(p, 1000000);
    assert_int_equal(user_timeout_ms(p->tcb), 3600000);
    peer_settings(p)->tcp_user_timeout_s = 1;
    told(p, 1);
    assert_int_equal(user_timeout_ms(p->tcb), 100000);
    peer_free(p);
}

/* §3.1: CHANGEABLE is off once the user has set it. */
static void what_the_user_has_set_is_not_changed(void **state)
{
    (void)state;
    struct peer *p = peer_that_tells();
    int ms = 5000;
    peer_open(p, PEER_PLAIN);
    tcp_set_option(p->tcb, IP_PROTOCOL_TCP, OPTION_USER_TIMEOUT, &ms, sizeof ms);
    told(p, 1000);
    assert_int_equal(user_timeout_ms(p->tcb), 5000);
    peer_free(p);
}

static void connection_lives_as_long_as_was_agreed(void **state)
{
    (void)state;
    struct peer *p = peer_that_tells();
    peer_open(p, PEER_PLAIN);
    told(p, 2000);
    peer_flight(p, 1, 1);
    peer_after(p, 1990 * 1000); /* R2 alone would have ended it */
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    peer_after(p, 200 * 1000);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    assert_int_equal(tcp_error(p->tcb, true), ETIMEDOUT);
    peer_free(p);
}

/* §3.1: L_LIMIT is above the RTO, also where it is set lower. */
static void least_is_above_the_RTO(void **state)
{
    (void)state;
    struct peer *p = peer_that_tells();
    peer_settings(p)->tcp_user_timeout_s = 1;
    peer_settings(p)->tcp_user_timeout_least_s = 1;
    peer_open(p, PEER_PLAIN);
    told(p, 2);
    assert_int_equal(user_timeout_ms(p->tcb), 2000);
    p->tcb->rtt.backoff = 6;
    assert_true(rtt_rto(p->tcb) > TIME_S(10));
    assert_true(TIME_MS(user_timeout_ms(p->tcb)) > rtt_rto(p->tcb));
    assert_true(TIME_MS(user_timeout_ms(p->tcb)) <= rtt_rto(p->tcb) + TIME_S(1));
    peer_free(p);
}

/* §3.3, in a simultaneous open, where the peer's SYN tells it. */
static void what_was_agreed_holds_only_once_the_connection_is_open(void **state)
{
    (void)state;
    struct peer *p = peer_that_tells();
    peer_await_syn(p);
    struct segment syn = peer_syn(p, TCP_SYN, PEER_PLAIN);
    syn.options.has_user_timeout = true;
    syn.options.user_timeout_s = 1000;
    assert_int_equal(peer_send_raw(p, syn), DROP_NONE);
    assert_int_equal(p->tcb->state, TCP_SYN_RECEIVED);
    assert_int_equal(user_timeout_ms(p->tcb), 0);
    peer_forget(p);
    p->next = 1;
    peer_ack(p, 1);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    assert_int_equal(user_timeout_ms(p->tcb), 1000000);
    peer_free(p);
}

/* §4.1: whatever drops the SYNs on the way, the option is not used on this connection. */
static void after_SYNs_that_are_lost_it_is_not_used(void **state)
{
    (void)state;
    struct peer *p = peer_that_tells();
    int ms = 60000;
    assert_true(peer_await_syn(p).options.has_user_timeout);
    peer_after(p, 1000);
    assert_true(peer_take(p).options.has_user_timeout);
    peer_after(p, 2000);
    assert_false(peer_take(p).options.has_user_timeout);
    p->acked = 1;
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN | TCP_ACK, PEER_PLAIN)), DROP_NONE);
    p->next = 1;
    assert_false(peer_expect_ack(p, 1).options.has_user_timeout);
    told(p, 1000);
    assert_int_equal(user_timeout_ms(p->tcb), 0);
    tcp_set_option(p->tcb, IP_PROTOCOL_TCP, OPTION_USER_TIMEOUT, &ms, sizeof ms);
    peer_quiet(p);
    peer_free(p);
}

/* §4.2: probes that nobody answers end it no sooner than was agreed. */
static void keepalive_waits_as_long_as_was_agreed(void **state)
{
    (void)state;
    struct peer *p = peer_that_tells();
    peer_open(p, PEER_PLAIN);
    told(p, 200);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_KEEPIDLE, 10);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_KEEPINTVL, 2);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_KEEPCNT, 3);
    peer_set(p, SOL_SOCKET, SO_KEEPALIVE, 1);
    peer_after(p, 299 * 1000);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    peer_after(p, 4 * 1000);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    assert_int_equal(tcp_error(p->tcb, true), ETIMEDOUT);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_told_nor_heeded_unless_asked_for),
        cmocka_unit_test(it_is_told_with_the_SYN_and_the_end_of_the_handshake_and_not_again),
        cmocka_unit_test(who_accepts_tells_it_with_the_SYN_ACK),
        cmocka_unit_test(change_is_told_at_once),
        cmocka_unit_test(longer_wish_of_the_two_holds_within_bounds),
        cmocka_unit_test(what_the_user_has_set_is_not_changed),
        cmocka_unit_test(connection_lives_as_long_as_was_agreed),
        cmocka_unit_test(least_is_above_the_RTO),
        cmocka_unit_test(what_was_agreed_holds_only_once_the_connection_is_open),
        cmocka_unit_test(after_SYNs_that_are_lost_it_is_not_used),
        cmocka_unit_test(keepalive_waits_as_long_as_was_agreed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
