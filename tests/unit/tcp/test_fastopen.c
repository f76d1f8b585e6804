/* RFC 7413, the server's side. */
#include "tcp_peer.h"

static struct peer *peer_serving(int queue)
{
    struct peer *p = peer_new();
    peer_listen(p, 5);
    assert_int_equal(tcp_listener_set_option(p->listener, IP_PROTOCOL_TCP, OPTION_FASTOPEN, &queue,
                                             sizeof queue),
                     0);
    return p;
}

static struct segment syn_with(struct peer *p, const uint8_t *cookie, uint8_t length, uint32_t text)
{
    struct segment syn = peer_syn(p, TCP_SYN, PEER_PLAIN);
    syn.options.has_fast_open = true;
    syn.options.cookie_length = length;
    if (length)
        memcpy(syn.options.cookie, cookie, length);
    syn.text = peer_pattern(1);
    syn.length = text;
    return syn;
}

/* Asks for a cookie, as a client does once. */
static void get_cookie(struct peer *p, uint8_t cookie[FAST_OPEN_COOKIE])
{
    p->iss = 0;
    assert_int_equal(peer_send_raw(p, syn_with(p, NULL, 0, 0)), DROP_NONE);
    struct segment answer = peer_take(p);
    assert_true(answer.options.has_fast_open);
    assert_int_equal(answer.options.cookie_length, FAST_OPEN_COOKIE);
    memcpy(cookie, answer.options.cookie, FAST_OPEN_COOKIE);
    p->theirs.port++;
}

/* §4.1.2, §4.2.2. */
static void good_cookie_opens_at_once_and_its_text_is_read(void **state)
{
    (void)state;
    uint8_t cookie[FAST_OPEN_COOKIE];
    struct peer *p = peer_serving(5);
    get_cookie(p, cookie);
    assert_int_equal(peer_send_raw(p, syn_with(p, cookie, FAST_OPEN_COOKIE, 100)), DROP_NONE);
    struct segment answer = peer_take(p);
    assert_int_equal(answer.flags, TCP_SYN | TCP_ACK);
    assert_int_equal(answer.ack, 101);
    p->iss = answer.seq;
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
    assert_int_equal(p->tcb->state, TCP_SYN_RECEIVED);
    assert_int_equal(peer_read(p, 1, 200), 100);
    peer_write(p, 50); /* an answer, before the handshake is over */
    peer_expect(p, TCP_ACK | TCP_PSH, 1, 50);
    p->next = 101;
    peer_ack(p, 51);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPFastOpenPassive"), 1);
    peer_free(p);
}

/* §4.2.2: an ordinary handshake, and the right cookie. */
static void wrong_cookie_is_answered_with_the_right_one_and_its_text_is_not_taken(void **state)
{
    (void)state;
    uint8_t cookie[FAST_OPEN_COOKIE], wrong[FAST_OPEN_COOKIE];
    struct peer *p = peer_serving(5);
    get_cookie(p, cookie);
    for (int bit = 0; bit < 64; bit++) {
        memcpy(wrong, cookie, sizeof wrong);
        wrong[bit / 8] ^= (uint8_t)(1 << bit % 8);
        p->iss = 0;
        p->theirs.port++;
        peer_send_raw(p, syn_with(p, wrong, FAST_OPEN_COOKIE, 100));
        struct segment answer = peer_take(p);
        assert_int_equal(answer.ack, 1);
        assert_memory_equal(answer.options.cookie, cookie, sizeof cookie);
        assert_int_equal(peer_send(p, TCP_RST, 1, 0), DROP_NONE); /* makes room for the next */
    }
    assert_true(list_empty(&tcp_of(&p->m->stack)->all));
    assert_int_equal(machine_counter(p->m, "TcpExtTCPFastOpenPassiveFail"), 64);
    peer_free(p);
}

/* §4.1.2: bound to the client's address. */
static void cookie_of_one_host_is_no_good_for_another(void **state)
{
    (void)state;
    uint8_t cookie[FAST_OPEN_COOKIE], other[FAST_OPEN_COOKIE];
    struct peer *p = peer_serving(5);
    get_cookie(p, cookie);
    p->theirs.address = address_from_ipv4(PEER_ADDRESS + 50);
    get_cookie(p, other);
    assert_memory_not_equal(cookie, other, sizeof cookie);
    p->iss = 0;
    peer_send_raw(p, syn_with(p, cookie, FAST_OPEN_COOKIE, 10));
    assert_int_equal(peer_take(p).ack, 1);
    peer_free(p);
}

/* §5.1: PendingFastOpenRequests. */
static void pending_requests_are_bounded_and_then_ordinary_SYNs(void **state)
{
    (void)state;
    uint8_t cookie[FAST_OPEN_COOKIE];
    struct peer *p = peer_serving(2);
    get_cookie(p, cookie);
    for (int i = 0; i < 4; i++) {
        p->iss = 0;
        peer_send_raw(p, syn_with(p, cookie, FAST_OPEN_COOKIE, 10));
        assert_int_equal(peer_take(p).ack, i < 2 ? 11 : 1);
        p->theirs.port++;
    }
    assert_int_equal(p->listener->fast_open_count, 2);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPFastOpenListenOverflow"), 2);
    peer_free(p);
}

/* §5.1: who forges addresses gains nothing by the resets of those whose they are. */
static void those_that_were_reset_count_for_a_minute(void **state)
{
    (void)state;
    uint8_t cookie[FAST_OPEN_COOKIE];
    struct peer *p = peer_serving(2);
    get_cookie(p, cookie);
    for (int i = 0; i < 4; i++) {
        p->iss = p->next = p->acked = 0;
        peer_send_raw(p, syn_with(p, cookie, FAST_OPEN_COOKIE, 10));
        struct segment answer = peer_take(p);
        assert_int_equal(answer.ack, i < 2 ? 11 : 1);
        p->iss = answer.seq;
        assert_int_equal(peer_send(p, TCP_RST, answer.ack, 0), DROP_NONE);
        p->theirs.port++;
    }
    assert_int_equal(p->listener->fast_open_count, 0);
    peer_after(p, 60000);
    peer_forget(p);
    p->iss = 0;
    peer_send_raw(p, syn_with(p, cookie, FAST_OPEN_COOKIE, 10));
    assert_int_equal(peer_take(p).ack, 11);
    peer_free(p);
}

static void listener_that_did_not_ask_for_it_ignores_the_option(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_listen(p, 5);
    p->iss = 0;
    peer_send_raw(p, syn_with(p, NULL, 0, 0));
    assert_false(peer_take(p).options.has_fast_open);
    peer_free(p);
}

static void keys_are_16_or_32_bytes_and_read_back_as_they_were(void **state)
{
    (void)state;
    struct fast_open_keys keys;
    uint8_t bytes[40], back[2 * FAST_OPEN_KEY];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(7 * i + 1);
    for (size_t length = 0; length <= sizeof bytes; length++) {
        bool good = length == 16 || length == 32;
        assert_int_equal(fast_open_set_keys(&keys, bytes, length), good ? 0 : -EINVAL);
        if (good) {
            assert_int_equal(keys.count, length / 16);
            fast_open_get_keys(&keys, back);
            assert_memory_equal(back, bytes, length);
        }
    }
}

/* §4.1.2: changing keys need not break cookies that are out. */
static void cookie_of_the_older_key_is_still_good(void **state)
{
    (void)state;
    uint8_t cookie[FAST_OPEN_COOKIE], keys[32];
    struct peer *p = peer_serving(5);
    memset(keys, 1, 16);
    memset(keys + 16, 2, 16);
    assert_int_equal(
        tcp_listener_set_option(p->listener, IP_PROTOCOL_TCP, OPTION_FASTOPEN_KEY, keys + 16, 16),
        0);
    get_cookie(p, cookie);
    assert_int_equal(
        tcp_listener_set_option(p->listener, IP_PROTOCOL_TCP, OPTION_FASTOPEN_KEY, keys, 32), 0);
    p->iss = 0;
    peer_send_raw(p, syn_with(p, cookie, FAST_OPEN_COOKIE, 10));
    assert_int_equal(peer_take(p).ack, 11);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_cookie_opens_at_once_and_its_text_is_read),
        cmocka_unit_test(wrong_cookie_is_answered_with_the_right_one_and_its_text_is_not_taken),
        cmocka_unit_test(cookie_of_one_host_is_no_good_for_another),
        cmocka_unit_test(pending_requests_are_bounded_and_then_ordinary_SYNs),
        cmocka_unit_test(those_that_were_reset_count_for_a_minute),
        cmocka_unit_test(listener_that_did_not_ask_for_it_ignores_the_option),
        cmocka_unit_test(keys_are_16_or_32_bytes_and_read_back_as_they_were),
        cmocka_unit_test(cookie_of_the_older_key_is_still_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
