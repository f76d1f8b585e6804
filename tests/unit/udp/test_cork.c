#include "udp_fixture.h"

static ssize_t add(struct udp *udp, const char *text)
{
    struct iovec span = {(void *)(uintptr_t)text, strlen(text)};
    return udp_send(udp, &span, 1, NULL, true);
}

static void assert_sent(const struct machine *m, unsigned index, const char *text)
{
    assert_int_equal(sent_udp(m, index).length, 8 + strlen(text));
    assert_memory_equal(sent_payload(m, index) + 8, text, strlen(text));
}

static void calls_with_more_make_one_datagram(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    uint64_t before = m->stack.memory_used_bytes;
    assert_int_equal(add(udp, "one "), 4);
    assert_int_equal(add(udp, ""), 0);
    assert_int_equal(add(udp, "two "), 4);
    assert_int_equal(udp_queued(udp), 8);
    assert_true(m->stack.memory_used_bytes > before);
    assert_int_equal(m->sent_count, 0);
    assert_int_equal(send_text(udp, "three", NULL), 5);
    assert_int_equal(m->sent_count, 1);
    assert_sent(m, 0, "one two three");
    assert_int_equal(machine_counter(m, "UdpOutDatagrams"), 1);
    assert_int_equal(m->stack.memory_used_bytes, before);
    assert_int_equal(send_text(udp, "alone", NULL), 5);
    assert_sent(m, 1, "alone");
}

static void one_that_holds_nothing_yet_is_in_the_making_too(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    assert_int_equal(add(udp, ""), 0);
    assert_true(udp_is_making(udp));
    assert_int_equal(udp_queued(udp), 0);
    assert_int_equal(send_text(udp, "", NULL), 0);
    assert_sent(m, 0, "");
    assert_false(udp_is_making(udp));
}

static void what_a_cork_holds_leaves_when_it_is_lifted(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    udp_set_cork(udp, true);
    assert_true(udp_corked(udp));
    assert_int_equal(send_text(udp, "ab", NULL), 2);
    assert_int_equal(send_text(udp, "cd", NULL), 2);
    udp_set_cork(udp, true);
    assert_int_equal(m->sent_count, 0);
    udp_set_cork(udp, false);
    assert_false(udp_corked(udp));
    assert_sent(m, 0, "abcd");
    udp_set_cork(udp, false);
    assert_int_equal(m->sent_count, 1);
    /* One that MSG_MORE began leaves too. */
    assert_int_equal(add(udp, "ef"), 2);
    udp_set_cork(udp, false);
    assert_sent(m, 1, "ef");
}

static void what_the_first_call_said_holds(void **state)
{
    struct machine *m = *state;
    struct udp *udp = open_socket(m);
    struct endpoint first = at(PEER_ADDRESS, PEER_PORT), none = at(PEER_ADDRESS, 0);
    char two[] = "ab";
    struct iovec span = {two, 2};
    udp_options(udp)->traffic_class = 8;
    udp_options(udp)->hop_limit = 9;
    assert_int_equal(udp_send(udp, &span, 1, &first, true), 2);
    udp_options(udp)->traffic_class = 16;
    udp_options(udp)->hop_limit = 17;
    assert_int_equal(udp_send(udp, &span, 1, &none, true), 2);
    assert_int_equal(udp_send(udp, &span, 1, NULL, false), 2);
    assert_sent(m, 0, "ababab");
    assert_int_equal(sent_udp(m, 0).destination_port, PEER_PORT);
    assert_int_equal(sent_header(m, 0).traffic_class, 8);
    assert_int_equal(sent_header(m, 0).time_to_live, 9);
}

static void connecting_turns_it_to_the_new_peer(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    struct endpoint other = at(PEER_ADDRESS, PEER_PORT + 1);
    assert_int_equal(add(udp, "ab"), 2);
    assert_int_equal(udp_connect(udp, &other), 0);
    assert_int_equal(udp_connect(udp, NULL), 0);
    assert_int_equal(send_text(udp, "cd", NULL), 2);
    assert_sent(m, 0, "abcd");
    assert_int_equal(sent_udp(m, 0).destination_port, PEER_PORT + 1);
    assert_int_equal(sent_udp(m, 0).source_port, OUR_PORT);
}

static void a_port_given_back_meanwhile_is_replaced(void **state)
{
    struct machine *m = *state;
    struct udp *udp = open_socket(m);
    struct endpoint peer = at(PEER_ADDRESS, PEER_PORT);
    assert_int_equal(udp_connect(udp, &peer), 0);
    assert_int_equal(add(udp, "ab"), 2);
    assert_int_equal(udp_connect(udp, NULL), 0);
    assert_int_equal(udp_local(udp)->port, 0);
    udp_set_cork(udp, false);
    assert_sent(m, 0, "ab");
    assert_in_range(udp_local(udp)->port, 32768, 60999);
    assert_int_equal(sent_udp(m, 0).source_port, udp_local(udp)->port);
}

static void one_that_grows_too_long_is_lost(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    static char bytes[65536];
    struct iovec most = {bytes, UDP_PAYLOAD_MAX}, one = {bytes, 1}, all = {bytes, 65536};
    uint64_t before = m->stack.memory_used_bytes;
    assert_int_equal(udp_send(udp, &most, 1, NULL, true), UDP_PAYLOAD_MAX);
    /* What no datagram could ever hold changes nothing. */
    assert_int_equal(udp_send(udp, &all, 1, NULL, true), -EMSGSIZE);
    assert_int_equal(udp_queued(udp), UDP_PAYLOAD_MAX);
    assert_int_equal(udp_send(udp, &one, 1, NULL, true), -EMSGSIZE);
    assert_false(udp_is_making(udp));
    assert_int_equal(m->stack.memory_used_bytes, before);
    assert_int_equal(send_text(udp, "new", NULL), 3);
    assert_sent(m, 0, "new");
}

static void one_that_must_not_be_cut_ends_at_the_mtu(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    static char bytes[1472];
    struct iovec fits = {bytes, 1472}, one = {bytes, 1};
    udp_options(udp)->dont_fragment = true;
    assert_int_equal(udp_send(udp, &fits, 1, NULL, true), 1472);
    assert_int_equal(udp_send(udp, &one, 1, NULL, true), -EMSGSIZE);
    assert_int_equal(udp_send(udp, &fits, 1, NULL, true), 1472);
    udp_set_cork(udp, false);
    assert_int_equal(m->sent[0].length, 1500);
}

/* Only the first call finds out. */
static void what_is_in_the_making_outlives_errors_and_shutdown(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    assert_int_equal(send_text(udp, "x", NULL), 1);
    assert_int_equal(add(udp, "ab"), 2);
    assert_int_equal(error_arrives(m, 0, ICMP_UNREACHABLE, ICMP_UNREACHABLE_PORT, 0), DROP_NONE);
    assert_int_equal(udp_shutdown(udp, false, true), 0);
    assert_int_equal(send_text(udp, "cd", NULL), 2);
    assert_sent(m, 1, "abcd");
    assert_int_equal(add(udp, "x"), -ECONNREFUSED);
    assert_int_equal(add(udp, "x"), -EPIPE);
    assert_false(udp_is_making(udp));
}

static void closing_drops_it(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    uint64_t before = m->stack.memory_used_bytes;
    assert_int_equal(add(udp, "lost"), 4);
    udp_close(udp);
    assert_int_equal(m->sent_count, 0);
    assert_int_equal(m->stack.memory_used_bytes, before);
}

static void what_the_link_refuses_is_gone(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    assert_int_equal(add(udp, "ab"), 2);
    m->transmit_error = -ENOBUFS;
    assert_int_equal(send_text(udp, "cd", NULL), -ENOBUFS);
    m->transmit_error = 0;
    assert_false(udp_is_making(udp));
}

static void short_memory_is_said(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    static char bytes[3000];
    struct iovec much = {bytes, sizeof bytes};
    allocations_fail_after(0);
    ssize_t first = add(udp, "x");
    allocations_succeed();
    assert_int_equal(first, -ENOMEM);
    assert_int_equal(add(udp, "x"), 1);
    allocations_fail_after(0);
    ssize_t second = udp_send(udp, &much, 1, NULL, true);
    allocations_succeed();
    assert_int_equal(second, -ENOMEM);
    assert_false(udp_is_making(udp));
    m->stack.settings.memory_high = 1;
    assert_int_equal(add(udp, "x"), -ENOBUFS);
    assert_false(udp_is_making(udp));
}

/* UDP_SEGMENT. That the pieces are too large, or too many, is found when it leaves. */
static void what_is_made_is_cut_as_the_first_call_said(void **state)
{
    struct machine *m = *state;
    struct udp *udp = connected(m, OUR_PORT);
    udp_options(udp)->segment_size = 3;
    assert_int_equal(add(udp, "onet"), 4);
    udp_options(udp)->segment_size = 0;
    assert_int_equal(send_text(udp, "woend", NULL), 5);
    assert_int_equal(m->sent_count, 3);
    assert_sent(m, 0, "one");
    assert_sent(m, 1, "two");
    assert_sent(m, 2, "end");

    static char bytes[1473];
    struct iovec span = {bytes, sizeof bytes};
    udp_options(udp)->segment_size = 1473;
    assert_int_equal(udp_send(udp, &span, 1, NULL, true), sizeof bytes);
    assert_int_equal(send_text(udp, "", NULL), -EMSGSIZE);
    udp_options(udp)->segment_size = 1;
    assert_int_equal(udp_send(udp, &span, 1, NULL, true), sizeof bytes);
    assert_int_equal(send_text(udp, "", NULL), -EINVAL);
    assert_false(udp_is_making(udp));
    assert_int_equal(m->sent_count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        udp_test(calls_with_more_make_one_datagram),
        udp_test(one_that_holds_nothing_yet_is_in_the_making_too),
        udp_test(what_a_cork_holds_leaves_when_it_is_lifted),
        udp_test(what_the_first_call_said_holds),
        udp_test(connecting_turns_it_to_the_new_peer),
        udp_test(a_port_given_back_meanwhile_is_replaced),
        udp_test(one_that_grows_too_long_is_lost),
        udp_test(one_that_must_not_be_cut_ends_at_the_mtu),
        udp_test(what_is_in_the_making_outlives_errors_and_shutdown),
        udp_test(closing_drops_it),
        udp_test(what_the_link_refuses_is_gone),
        udp_test(short_memory_is_said),
        udp_test(what_is_made_is_cut_as_the_first_call_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
