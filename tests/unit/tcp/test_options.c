/* What our options say, and what a handshake settles (RFC 9293 §3.2, §3.7.1; RFC
 * 7323; RFC 2018). */
#include "tcp_peer.h"

static void SHLD_5_MAY_3_SYN_carries_the_MSS_of_the_interface(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct segment syn = peer_await_syn(p);
    assert_true(syn.options.has_mss);
    assert_int_equal(syn.options.mss, 1500 - 40); /* MUST-67, SHLD-6 */
    peer_free(p);
}

static void MUST_14_SYN_offers_all_and_its_answer_only_what_was_offered(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct segment syn = peer_await_syn(p);
    assert_true(syn.options.has_sack_permitted && syn.options.has_timestamps &&
                syn.options.has_window_scale);
    assert_int_equal(syn.options.timestamp_echo, 0);
    peer_free(p);
    for (unsigned offer = PEER_PLAIN; offer <= PEER_FULL; offer++) {
        p = peer_new();
        peer_listen(p, 1);
        struct tcp_options o = peer_half_open(p, offer).options;
        assert_int_equal(o.has_sack_permitted, (offer & PEER_SACK) != 0);
        assert_int_equal(o.has_timestamps, (offer & PEER_TIMESTAMPS) != 0);
        assert_int_equal(o.has_window_scale, (offer & PEER_SCALING) != 0);
        peer_free(p);
    }
}

static void settings_withhold_options(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->tcp_sack = peer_settings(p)->tcp_timestamps = 0;
    peer_settings(p)->tcp_window_scaling = 0;
    struct tcp_options o = peer_await_syn(p).options;
    assert_false(o.has_sack_permitted || o.has_timestamps || o.has_window_scale);
    /* A peer that answers with them all the same gets none (RFC 7323 §2.2). */
    p->acked = 1;
    peer_send_raw(p, peer_syn(p, TCP_SYN | TCP_ACK, PEER_FULL));
    assert_false(p->tcb->opt.sack || p->tcb->opt.timestamps || p->tcb->opt.scaling);
    assert_int_equal(p->tcb->snd.scale, 0);
    peer_free(p);
}

static void MUST_15_without_the_option_the_MSS_is_536(void **state)
{
    (void)state;
    struct tcp_options none = {0};
    assert_int_equal(options_mss(&none), 536);
}

static void MUST_16_segment_size_is_the_least_of_peer_path_and_user_less_options(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    assert_int_equal(p->tcb->snd.mss, PEER_MSS);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_MAXSEG, 700);
    assert_int_equal(p->tcb->snd.mss, 700);
    p->tcb->path.mtu = 640;
    tcp_connection_set_mss(p->tcb);
    assert_int_equal(p->tcb->snd.mss, 600);
    p->tcb->opt.timestamps = true;
    tcp_connection_set_mss(p->tcb);
    assert_int_equal(p->tcb->snd.mss, 588);
    peer_free(p);
}

/* CVE-2019-11479. */
static void tiny_MSS_is_raised_to_the_least(void **state)
{
    (void)state;
    for (uint16_t mss = 0; mss < LIMIT_MSS_MIN; mss++) {
        struct tcp_options o = {.has_mss = true, .mss = mss};
        assert_int_equal(options_mss(&o), LIMIT_MSS_MIN);
    }
}

/* RFC 7323 §2.3. */
static void scale_above_14_counts_as_14(void **state)
{
    (void)state;
    for (unsigned scale = 0; scale < 256; scale++) {
        struct tcp_options o = {.has_window_scale = true, .window_scale = (uint8_t)scale};
        assert_int_equal(options_scale(&o), scale < 14 ? scale : 14);
    }
}

/* RFC 7323 §2.3: it is an error, and logged. */
static void scale_above_14_is_noted(void **state)
{
    (void)state;
    for (uint8_t scale = 14; scale <= 15; scale++) {
        struct peer *p = peer_new();
        peer_listen(p, 5);
        struct segment syn = peer_syn(p, TCP_SYN, PEER_SCALING);
        syn.options.window_scale = scale;
        p->iss = 0;
        assert_int_equal(peer_send_raw(p, syn), DROP_NONE);
        p->iss = peer_take(p).seq;
        p->next = p->acked = 1;
        assert_int_equal(peer_send(p, TCP_ACK, 1, 0), DROP_NONE);
        assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
        assert_int_equal(p->tcb->snd.scale, 14);
        assert_int_equal(p->m->events[TERN_TRACE_NOTE], scale == 15);
        peer_free(p);
    }
}

static void MUST_65_only_SYNs_carry_what_belongs_to_SYNs(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    peer_write(p, 10);
    struct tcp_options o = peer_take(p).options;
    assert_false(o.has_mss || o.has_sack_permitted || o.has_window_scale);
    peer_free(p);
}

/* RFC 7323 §3.2: on every segment once negotiated. */
static void timestamps_are_on_every_segment_once_negotiated(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    peer_write(p, 10);
    assert_true(peer_take(p).options.has_timestamps);
    p->ts = 5000;
    peer_text(p, 1, 10);
    assert_int_equal(peer_take(p).options.timestamp_echo, 5000);
    tcp_abort(p->tcb);
    p->tcb = NULL;
    struct segment reset = peer_take(p);
    assert_true(reset.flags & TCP_RST && reset.options.has_timestamps);
    peer_free(p);
}

/* RFC 7323 §4.1: between 1 ms and 1 s a tick; §5.4: each connection counts from its own origin. */
static void timestamp_clock_ticks_milliseconds_from_an_origin_of_its_own(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    uint32_t before = tcp_timestamp(p->tcb);
    peer_after(p, 1234);
    assert_int_equal(tcp_timestamp(p->tcb) - before, 1234);
    const struct tcp *tcp = tcp_of(&p->m->stack);
    /* The same pair of endpoints goes on from where it was (RFC 6191 §3); another does not. */
    assert_int_equal(tcp_timestamp_offset(tcp, &p->ours, &p->theirs), p->tcb->opt.ts_offset);
    struct endpoint other = p->theirs;
    other.port++;
    assert_int_not_equal(tcp_timestamp_offset(tcp, &p->ours, &p->theirs),
                         tcp_timestamp_offset(tcp, &p->ours, &other));
    peer_free(p);
}

/* RFC 2018 §3 and RFC 6691: blocks come out of the text, and the packet stays within the MTU. */
static void blocks_leave_room_for_the_text(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    p->m->interface->mtu = 1052; /* PEER_MSS, timestamps and headers: nothing to spare */
    peer_open(p, PEER_FULL);
    peer_text(p, 101, 10);
    peer_text(p, 201, 10);
    peer_forget(p);
    peer_write(p, 3000);
    uint32_t length = 0;
    while (!peer_is_quiet(p)) {
        assert_true(p->m->sent[p->seen].length <= 1052);
        struct segment s = peer_take(p);
        assert_int_equal(s.options.sack_count, 2);
        length += s.length;
    }
    assert_int_equal(length, 3000);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(SHLD_5_MAY_3_SYN_carries_the_MSS_of_the_interface),
        cmocka_unit_test(MUST_14_SYN_offers_all_and_its_answer_only_what_was_offered),
        cmocka_unit_test(settings_withhold_options),
        cmocka_unit_test(MUST_15_without_the_option_the_MSS_is_536),
        cmocka_unit_test(MUST_16_segment_size_is_the_least_of_peer_path_and_user_less_options),
        cmocka_unit_test(tiny_MSS_is_raised_to_the_least),
        cmocka_unit_test(scale_above_14_counts_as_14),
        cmocka_unit_test(scale_above_14_is_noted),
        cmocka_unit_test(MUST_65_only_SYNs_carry_what_belongs_to_SYNs),
        cmocka_unit_test(timestamps_are_on_every_segment_once_negotiated),
        cmocka_unit_test(timestamp_clock_ticks_milliseconds_from_an_origin_of_its_own),
        cmocka_unit_test(blocks_leave_room_for_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
