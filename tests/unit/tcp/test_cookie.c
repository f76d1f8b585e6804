/* SYN cookies (RFC 4987 §3.6). */
#include "listen_fixture.h"

#include "tcp/cookie.h"

static struct peer *peer_with_cookies(void)
{
    struct peer *p = peer_new();
    peer_settings(p)->tcp_syncookies = 2;
    peer_listen(p, 5);
    return p;
}

static struct tcp *tcp_under_test(const struct peer *p)
{
    return tcp_of(&p->m->stack);
}

/* ── The sequence number ── */

static void cookie_remembers_the_next_smaller_MSS(void **state)
{
    (void)state;
    static const uint16_t mss[][2] = {{88, 536},    {536, 536},   {1299, 536},  {1300, 1300},
                                      {1400, 1300}, {1440, 1440}, {1460, 1460}, {8960, 1460}};
    struct peer *p = peer_new();
    for (size_t i = 0; i < sizeof mss / sizeof mss[0]; i++) {
        uint16_t got = 0;
        uint32_t iss = cookie_make(tcp_under_test(p), &p->ours, &p->theirs, 77, mss[i][0]);
        assert_true(cookie_check(tcp_under_test(p), &p->ours, &p->theirs, 77, iss, &got));
        assert_int_equal(got, mss[i][1]);
    }
    peer_free(p);
}

static void cookie_is_bound_to_both_sides_and_the_peers_number(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp *tcp = tcp_under_test(p);
    uint16_t mss;
    uint32_t iss = cookie_make(tcp, &p->ours, &p->theirs, 77, 1460);
    struct endpoint port = p->theirs, address = p->theirs, ours = p->ours;
    port.port++;
    address.address.bytes[15]++;
    ours.port++;
    assert_false(cookie_check(tcp, &p->ours, &port, 77, iss, &mss));
    assert_false(cookie_check(tcp, &p->ours, &address, 77, iss, &mss));
    assert_false(cookie_check(tcp, &ours, &p->theirs, 77, iss, &mss));
    assert_false(cookie_check(tcp, &p->ours, &p->theirs, 78, iss, &mss));
    assert_false(cookie_check(tcp, &p->ours, &p->theirs, 77, iss + (1u << 24), &mss));
    assert_false(cookie_check(tcp, &p->theirs, &p->ours, 77, iss, &mss));
    assert_true(cookie_check(tcp, &p->ours, &p->theirs, 77, iss, &mss));
    peer_free(p);
}

/* Who has not seen the SYN,ACK must guess: 2 minutes of 4 MSSs are right, in 2^32. */
static void guessing_a_cookie_is_hopeless(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct random random;
    unsigned right = 0;
    random_seed_number(&random, 1);
    for (int i = 0; i < 100000; i++) {
        uint16_t mss;
        right +=
            cookie_check(tcp_under_test(p), &p->ours, &p->theirs, 77, random_u32(&random), &mss);
    }
    assert_int_equal(right, 0);
    peer_free(p);
}

static void cookie_is_good_for_one_minute_and_less_than_two(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp *tcp = tcp_under_test(p);
    uint16_t mss;
    stack_advance(&p->m->stack, TIME_S(60 * 10));
    uint32_t iss = cookie_make(tcp, &p->ours, &p->theirs, 77, 1460);
    stack_advance(&p->m->stack, TIME_S(60 * 12) - 1);
    assert_true(cookie_check(tcp, &p->ours, &p->theirs, 77, iss, &mss));
    stack_advance(&p->m->stack, TIME_S(60 * 12));
    assert_false(cookie_check(tcp, &p->ours, &p->theirs, 77, iss, &mss));
    peer_free(p);
}

/* And so that an old one never becomes good again, once the eight bits of the minute come round. */
static void key_changes_and_what_the_last_one_made_stays_good(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp *tcp = tcp_under_test(p);
    struct hash_key first = tcp->cookie_secret.key;
    uint16_t mss;
    stack_advance(&p->m->stack, TIME_S(60 * COOKIE_ROTATE_MINUTES) - 1);
    uint32_t before = cookie_make(tcp, &p->ours, &p->theirs, 77, 1460);
    assert_memory_equal(&first, &tcp->cookie_secret.key, sizeof first);
    stack_advance(&p->m->stack, TIME_S(60 * COOKIE_ROTATE_MINUTES));
    uint32_t after = cookie_make(tcp, &p->ours, &p->theirs, 77, 1460);
    assert_memory_not_equal(&first, &tcp->cookie_secret.key, sizeof first);
    assert_true(cookie_check(tcp, &p->ours, &p->theirs, 77, before, &mss));
    assert_true(cookie_check(tcp, &p->ours, &p->theirs, 77, after, &mss));
    stack_advance(&p->m->stack, TIME_S(60 * (COOKIE_ROTATE_MINUTES + 255)));
    assert_false(cookie_check(tcp, &p->ours, &p->theirs, 77, before, &mss));
    peer_free(p);
}

/* ── The timestamp ── */

static void timestamp_remembers_scale_SACK_and_ECN_and_never_leads(void **state)
{
    (void)state;
    for (uint32_t clock = 0xffffff80u; clock != 200; clock++) {
        for (uint8_t scale = 0; scale <= 16; scale++) {
            struct tcp_options got = {0}, syn = {.has_window_scale = scale < 16,
                                                 .window_scale = scale,
                                                 .has_sack_permitted = clock & 1};
            bool ecn = false;
            uint32_t timestamp = cookie_timestamp(clock, &syn, clock & 2);
            assert_true(clock - timestamp < 64);
            cookie_timestamp_read(timestamp, &got, &ecn);
            assert_int_equal(ecn, (clock & 2) != 0);
            assert_int_equal(got.has_window_scale, scale < 16);
            assert_int_equal(got.has_sack_permitted, clock & 1);
            if (scale < 16)
                assert_int_equal(got.window_scale, scale < 14 ? scale : 14);
        }
    }
}

/* ── The handshake ── */

static void cookie_keeps_nothing_until_the_ACK_brings_it_back(void **state)
{
    (void)state;
    struct peer *p = peer_with_cookies();
    uint64_t before = p->m->stack.memory_used_bytes;
    struct segment answer = peer_half_open(p, PEER_FULL);
    assert_true(answer.options.has_timestamps && answer.options.has_sack_permitted &&
                answer.options.has_window_scale);
    assert_int_equal(p->listener->half_open_count, 0);
    assert_int_equal(p->m->stack.memory_used_bytes, before);
    peer_after(p, 3000);
    peer_quiet(p); /* nobody knows of it: nothing is repeated */
    p->window = PEER_WINDOW >> 7;
    assert_int_equal(peer_text(p, 1, 10), DROP_NONE);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    assert_int_equal(peer_read(p, 1, 100), 10);
    assert_true(p->tcb->opt.sack && p->tcb->opt.timestamps && p->tcb->opt.scaling);
    assert_int_equal(p->tcb->snd.scale, 7);
    assert_int_equal(p->tcb->snd.wnd, PEER_WINDOW >> 7 << 7);
    assert_int_equal(p->tcb->snd.peer_mss, 536);
    assert_int_equal(machine_counter(p->m, "TcpExtSyncookiesSent"), 1);
    assert_int_equal(machine_counter(p->m, "TcpExtSyncookiesRecv"), 1);
    assert_int_equal(machine_counter(p->m, "TcpPassiveOpens"), 1);
    /* It is a connection like any other, in both directions. */
    peer_forget(p);
    peer_write(p, 524);
    assert_int_equal(peer_expect(p, TCP_ACK | TCP_PSH, 1, 524).ack, 11);
    assert_int_equal(peer_ack(p, 525), DROP_NONE);
    assert_true(tcp_drained(p->tcb));
    peer_free(p);
}

static void without_timestamps_only_the_MSS_is_kept(void **state)
{
    (void)state;
    struct peer *p = peer_with_cookies();
    struct segment answer = peer_half_open(p, PEER_SACK | PEER_SCALING);
    assert_true(answer.options.has_mss);
    assert_false(answer.options.has_sack_permitted || answer.options.has_window_scale ||
                 answer.options.has_timestamps);
    assert_int_equal(peer_ack(p, 1), DROP_NONE);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
    assert_false(p->tcb->opt.sack || p->tcb->opt.scaling || p->tcb->opt.timestamps);
    assert_int_equal(p->tcb->snd.wnd, PEER_WINDOW);
    peer_free(p);
}

static void wrong_cookie_is_reset(void **state)
{
    (void)state;
    struct peer *p = peer_with_cookies();
    peer_half_open(p, PEER_PLAIN);
    p->acked = 9;
    assert_int_equal(peer_send(p, TCP_ACK, 1, 0), DROP_TCP_NO_CONNECTION);
    peer_expect(p, TCP_RST, 9, 0);
    assert_int_equal(machine_counter(p->m, "TcpExtSyncookiesFailed"), 1);
    p->acked = 1;
    assert_int_equal(peer_send(p, TCP_ACK, 2, 0), DROP_TCP_NO_CONNECTION);
    peer_expect(p, TCP_RST, 1, 0);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), -EAGAIN);
    /* The right one still is. */
    assert_int_equal(peer_ack(p, 1), DROP_NONE);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
    peer_free(p);
}

/* Otherwise anyone could have ACKs hashed, and guess, at any time. */
static void ACKs_are_taken_for_cookies_only_while_one_may_be_out(void **state)
{
    (void)state;
    struct peer *p = peer_with_cookies();
    p->acked = 5;
    assert_int_equal(peer_send(p, TCP_ACK, 1, 0), DROP_TCP_NO_CONNECTION);
    assert_int_equal(machine_counter(p->m, "TcpExtSyncookiesFailed"), 0);
    peer_forget(p);
    peer_half_open(p, PEER_PLAIN);
    peer_after(p, 120001);
    assert_int_equal(peer_ack(p, 1), DROP_TCP_NO_CONNECTION);
    assert_int_equal(machine_counter(p->m, "TcpExtSyncookiesFailed"), 0);
    peer_settings(p)->tcp_syncookies = 0;
    peer_free(p);
}

static void cookies_begin_when_too_many_are_half_open(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_listen(p, 1);
    for (int i = 0; i < 2; i++) {
        peer_half_open(p, PEER_PLAIN);
        p->theirs.port++;
        p->next = p->acked = 0;
    }
    assert_int_equal(machine_counter(p->m, "TcpExtSyncookiesSent"), 0);
    peer_half_open(p, PEER_FULL);
    assert_int_equal(machine_counter(p->m, "TcpExtSyncookiesSent"), 1);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPReqQFullDoCookies"), 1);
    assert_int_equal(p->listener->half_open_count, 2);
    assert_int_equal(peer_ack(p, 1), DROP_NONE);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
    peer_free(p);
}

static void without_cookies_further_SYNs_are_dropped(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_listen(p, 1);
    peer_settings(p)->tcp_syncookies = 0;
    for (int i = 0; i < 2; i++) {
        peer_half_open(p, PEER_PLAIN);
        p->theirs.port++;
        p->next = p->acked = 0;
    }
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN, PEER_PLAIN)), DROP_TCP_LISTEN_FULL);
    peer_quiet(p);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPReqQFullDrop"), 1);
    peer_free(p);
}

static void cookie_that_finds_the_accept_queue_full_may_come_again(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->tcp_syncookies = 2;
    struct peer late = peer_too_late(p);
    assert_int_equal(peer_text(&late, 1, 10), DROP_TCP_LISTEN_FULL);
    peer_quiet(&late);
    struct tcb *first;
    assert_int_equal(tcp_accept(p->listener, p, &first), 0);
    assert_int_equal(peer_text(&late, 1, 10), DROP_NONE);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
    assert_int_equal(tcp_queued_in(p->tcb), 10);
    tcp_abort(first);
    peer_free(p);
}

/* Security rule 9: while a flood goes on, whoever means it still gets in, and connections that are
 * open notice nothing. */
static void flood_keeps_nobody_out(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_listen(p, 16);
    peer_accept(p, PEER_FULL);
    struct peer open = *p;
    p->tcb = NULL;
    uint64_t before = p->m->stack.memory_used_bytes;
    for (uint32_t i = 0; i < 5000; i++) {
        p->theirs =
            (struct endpoint){address_from_ipv4(0xc6336400u + (i & 0xff)), (uint16_t)(1024 + i)};
        p->iss = p->acked = 0;
        p->timestamps = false;
        peer_send_raw(p, peer_syn(p, TCP_SYN, PEER_PLAIN));
        peer_forget(p);
        if (i % 500 != 499)
            continue;
        assert_true(p->m->stack.memory_used_bytes - before < 17 * 512);
        p->theirs = (struct endpoint){address_from_ipv4(PEER_ADDRESS), (uint16_t)(50000 + i)};
        p->next = 0;
        p->window = PEER_WINDOW;
        peer_accept(p, PEER_FULL);
        tcp_abort(p->tcb);
        p->tcb = NULL;
        peer_forget(p);
        /* One round trip on the connection that was there before. */
        open.seen = 0;
        uint32_t at = 1 + i / 500 * PEER_MSS;
        assert_int_equal(peer_text(&open, at, PEER_MSS), DROP_NONE);
        assert_int_equal(peer_read(&open, at, 2 * PEER_MSS), PEER_MSS);
        peer_forget(&open);
        peer_flight(&open, at, 1);
        peer_ack(&open, at + PEER_MSS);
        assert_true(tcp_drained(open.tcb));
        peer_forget(p);
    }
    p->tcb = open.tcb;
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cookie_remembers_the_next_smaller_MSS),
        cmocka_unit_test(cookie_is_bound_to_both_sides_and_the_peers_number),
        cmocka_unit_test(guessing_a_cookie_is_hopeless),
        cmocka_unit_test(cookie_is_good_for_one_minute_and_less_than_two),
        cmocka_unit_test(key_changes_and_what_the_last_one_made_stays_good),
        cmocka_unit_test(timestamp_remembers_scale_SACK_and_ECN_and_never_leads),
        cmocka_unit_test(cookie_keeps_nothing_until_the_ACK_brings_it_back),
        cmocka_unit_test(without_timestamps_only_the_MSS_is_kept),
        cmocka_unit_test(wrong_cookie_is_reset),
        cmocka_unit_test(ACKs_are_taken_for_cookies_only_while_one_may_be_out),
        cmocka_unit_test(cookies_begin_when_too_many_are_half_open),
        cmocka_unit_test(without_cookies_further_SYNs_are_dropped),
        cmocka_unit_test(cookie_that_finds_the_accept_queue_full_may_come_again),
        cmocka_unit_test(flood_keeps_nobody_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
