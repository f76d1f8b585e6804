/* RFC 7413, the client's side: cookies remembered, and where SYNs with data get lost. */
#include "tcp_peer.h"

#include "tcp/icmp.h"

static ssize_t open_with(struct peer *p, uint32_t length)
{
    struct iovec span = {(void *)(uintptr_t)peer_pattern(0), length};
    assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    ssize_t taken = tcp_connect_send(p->tcb, &p->theirs, &span, 1);
    p->ours = *tcp_local(p->tcb);
    p->next = p->acked = 0;
    return taken;
}

static struct segment take_syn(struct peer *p)
{
    p->iss = 0;
    struct segment syn = peer_take(p);
    assert_int_equal(syn.flags & ~TCP_PSH, TCP_SYN);
    p->iss = syn.seq;
    return syn;
}

/* The SYN,ACK, of everything before `acked`, with or without a cookie. */
static void answer(struct peer *p, uint32_t acked, bool with_cookie)
{
    p->acked = acked;
    struct segment s = peer_syn(p, TCP_SYN | TCP_ACK, PEER_PLAIN);
    s.options.has_fast_open = with_cookie;
    s.options.cookie_length = with_cookie ? 8 : 0;
    memset(s.options.cookie, 0x5a, 8);
    assert_int_equal(peer_send_raw(p, s), DROP_NONE);
    p->next = 1;
}

/* A first connection that brings the cookie. */
static struct peer *peer_with_cookie(void)
{
    struct peer *p = peer_new();
    assert_int_equal(open_with(p, 100), -EINPROGRESS); /* no cookie yet: no text */
    struct segment syn = take_syn(p);
    assert_true(syn.options.has_fast_open);
    assert_int_equal(syn.options.cookie_length, 0);
    assert_int_equal(syn.length, 0);
    answer(p, 1, true);
    tcp_abort(p->tcb);
    peer_forget(p);
    return p;
}

/* §4.2.1. */
static void text_goes_in_the_SYN_with_the_cookie_of_before(void **state)
{
    (void)state;
    struct peer *p = peer_with_cookie();
    assert_int_equal(open_with(p, 100), 100);
    struct segment syn = take_syn(p);
    assert_int_equal(syn.length, 100);
    assert_int_equal(syn.options.cookie_length, 8);
    assert_int_equal(syn.options.cookie[0], 0x5a);
    answer(p, 101, false);
    assert_true(tcp_drained(p->tcb));
    assert_int_equal(machine_counter(p->m, "TcpExtTCPFastOpenActive"), 1);
    peer_free(p);
}

/* §4.1.3.1: no more than the server's MSS, less all options. */
static void text_in_the_SYN_is_no_more_than_a_segment(void **state)
{
    (void)state;
    struct peer *p = peer_with_cookie();
    assert_int_equal(open_with(p, 100000), PEER_MSS - TCP_OPTIONS_MAX);
    peer_free(p);
}

/* §4.2.2: what the server did not take goes again at once. */
static void text_that_was_not_taken_goes_again_after_the_handshake(void **state)
{
    (void)state;
    struct peer *p = peer_with_cookie();
    assert_int_equal(open_with(p, 100), 100);
    take_syn(p);
    answer(p, 1, false);
    struct segment s = peer_take(p);
    assert_int_equal(s.seq, 1);
    assert_int_equal(s.length, 100);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPFastOpenActiveFail"), 1);
    peer_free(p);
}

static void repeated_SYN_is_a_plain_one(void **state)
{
    (void)state;
    struct peer *p = peer_with_cookie();
    assert_int_equal(open_with(p, 100), 100);
    take_syn(p);
    peer_after(p, 1000);
    struct segment syn = take_syn(p);
    assert_int_equal(syn.length, 0);
    assert_false(syn.options.has_fast_open);
    peer_free(p);
}

/* §7.1: the second SYN with text that was lost is the last for a while. */
static void path_that_loses_SYNs_with_text_gets_plain_ones(void **state)
{
    (void)state;
    struct peer *p = peer_with_cookie();
    for (int i = 0; i < 2; i++) {
        assert_int_equal(open_with(p, 100), 100);
        take_syn(p);
        peer_after(p, 1000);
        take_syn(p);
        answer(p, 1, false);
        tcp_abort(p->tcb);
        peer_forget(p);
    }
    assert_int_equal(open_with(p, 100), -EINPROGRESS);
    assert_false(take_syn(p).options.has_fast_open);
    tcp_abort(p->tcb);
    peer_forget(p);
    peer_after(p, 600000);
    peer_forget(p);
    assert_int_equal(open_with(p, 100), 100); /* tried again */
    peer_free(p);
}

/* An error about our SYN, as ICMP tells it. */
static void SYN_is_unreachable(struct peer *p)
{
    uint8_t quote[8];
    struct writer w = writer_over(quote, sizeof quote);
    writer_u16(&w, p->ours.port);
    writer_u16(&w, p->theirs.port);
    writer_u32(&w, p->iss);
    struct path_error error = {.kind = PATH_ERROR_HOST,
                               .source = p->ours.address,
                               .destination = p->theirs.address,
                               .payload = quote,
                               .payload_length = sizeof quote};
    assert_int_equal(tcp_path_error(&p->m->stack, &error), DROP_NONE);
    tcp_abort(p->tcb);
    p->tcb = NULL;
}

/* §4.1.3.1: errors are negative answers too, of the port that they are about. */
static void errors_of_ICMP_end_it_for_the_port_they_are_about(void **state)
{
    (void)state;
    struct peer *p = peer_with_cookie();
    for (int i = 0; i < 2; i++) {
        assert_int_equal(open_with(p, 100), 100);
        take_syn(p);
        SYN_is_unreachable(p);
    }
    p->theirs.port++;
    assert_int_equal(open_with(p, 100), 100);
    take_syn(p);
    answer(p, 101, false); /* and goes well */
    tcp_abort(p->tcb);
    peer_forget(p);
    p->theirs.port--;
    assert_int_equal(open_with(p, 100), -EINPROGRESS);
    assert_false(take_syn(p).options.has_fast_open);
    peer_free(p);
}

/* §4.1.3: to the server another address of ours is another client. */
static void cookie_is_kept_for_the_pair_of_addresses(void **state)
{
    (void)state;
    struct peer *p = peer_with_cookie();
    struct address second = address_from_ipv4(MACHINE_ADDRESS + 1);
    assert_int_equal(interface_add_address(p->m->interface, &second, 24), 0);
    struct endpoint from = {second, 0};
    assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    assert_int_equal(tcp_bind(p->tcb, &from, false), 0);
    struct iovec span = {(void *)(uintptr_t)peer_pattern(0), 100};
    assert_int_equal(tcp_connect_send(p->tcb, &p->theirs, &span, 1), -EINPROGRESS);
    struct segment syn = take_syn(p);
    assert_true(syn.options.has_fast_open);
    assert_int_equal(syn.options.cookie_length, 0);
    peer_free(p);
}

/* §4.1.3: one that announces no MSS takes 536 bytes. */
static void without_an_MSS_it_is_536(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    assert_int_equal(open_with(p, 100), -EINPROGRESS);
    take_syn(p);
    p->acked = 1;
    struct segment s = peer_syn(p, TCP_SYN | TCP_ACK, PEER_PLAIN);
    s.options.has_mss = false;
    s.options.has_fast_open = true;
    s.options.cookie_length = 8;
    assert_int_equal(peer_send_raw(p, s), DROP_NONE);
    tcp_abort(p->tcb);
    peer_forget(p);
    assert_int_equal(open_with(p, 100000), 536 - TCP_OPTIONS_MAX);
    peer_free(p);
}

static void without_the_client_bit_it_is_EOPNOTSUPP(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->tcp_fastopen = FAST_OPEN_SERVER;
    assert_int_equal(open_with(p, 100), -EOPNOTSUPP);
    peer_quiet(p);
    peer_free(p);
}

/* Rule 16: the memory of servers is bounded, the one not used for longest is forgotten. */
static void servers_remembered_are_bounded(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct address wide = address_from_ipv4(0x0b000003);
    assert_int_equal(interface_add_address(p->m->interface, &wide, 8), 0);
    for (uint32_t i = 0; i < LIMIT_FAST_OPEN_PEERS + 20; i++) {
        p->theirs.address = address_from_ipv4(0x0b000100 + i);
        assert_int_equal(open_with(p, 10), -EINPROGRESS);
        take_syn(p);
        answer(p, 1, true);
        tcp_abort(p->tcb);
        peer_forget(p);
        assert_true(tcp_of(&p->m->stack)->fast_open_peers.table.count <= LIMIT_FAST_OPEN_PEERS);
    }
    assert_int_equal(tcp_of(&p->m->stack)->fast_open_peers.table.count, LIMIT_FAST_OPEN_PEERS);
    assert_int_equal(open_with(p, 10), 10); /* the last is known */
    tcp_abort(p->tcb);
    p->theirs.address = address_from_ipv4(0x0b000100);
    assert_int_equal(open_with(p, 10), -EINPROGRESS); /* the first is not */
    peer_free(p);
}

static void fewer_servers_are_remembered_when_the_setting_says_so(void **state)
{
    (void)state;
    struct peer *p = peer_with_cookie();
    struct tcp *tcp = tcp_of(&p->m->stack);
    assert_int_equal(tcp->fast_open_peers.table.count, 1);
    assert_int_equal(stack_set(&p->m->stack, "tcp.fastopen_peers", "0"), 0);
    assert_int_equal(tcp->fast_open_peers.table.count, 0);
    assert_int_equal(open_with(p, 100), -EINPROGRESS);
    take_syn(p);
    answer(p, 1, true);
    assert_int_equal(tcp->fast_open_peers.table.count, 0);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_goes_in_the_SYN_with_the_cookie_of_before),
        cmocka_unit_test(text_in_the_SYN_is_no_more_than_a_segment),
        cmocka_unit_test(text_that_was_not_taken_goes_again_after_the_handshake),
        cmocka_unit_test(repeated_SYN_is_a_plain_one),
        cmocka_unit_test(path_that_loses_SYNs_with_text_gets_plain_ones),
        cmocka_unit_test(errors_of_ICMP_end_it_for_the_port_they_are_about),
        cmocka_unit_test(cookie_is_kept_for_the_pair_of_addresses),
        cmocka_unit_test(without_an_MSS_it_is_536),
        cmocka_unit_test(without_the_client_bit_it_is_EOPNOTSUPP),
        cmocka_unit_test(servers_remembered_are_bounded),
        cmocka_unit_test(fewer_servers_are_remembered_when_the_setting_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
