/* Socket options of a connection and of a listener: which there are, when they can be set, and what
 * they tell. */
#include "sockopt_fixture.h"

/* linux/tcp.h, number by number: what means nothing outside a kernel, or to this stack, is no
 * option here, on a connection as on a listener. */
static void every_number_is_an_option_or_refused(void **state)
{
    (void)state;
    static const int not_here[] = {
        14, /* TCP_MD5SIG: RFC 2385 is obsolete */
        15, /* was TCP_COOKIE_TRANSACTIONS */
        16, /* TCP_THIN_LINEAR_TIMEOUTS */
        17, /* TCP_THIN_DUPACK */
        19, /* TCP_REPAIR, and what belongs to it */
        20, /* TCP_REPAIR_QUEUE */
        21, /* TCP_QUEUE_SEQ */
        22, /* TCP_REPAIR_OPTIONS */
        24, /* TCP_TIMESTAMP */
        29, /* TCP_REPAIR_WINDOW */
        31, /* TCP_ULP: protocols above that the kernel would speak */
        32, /* TCP_MD5SIG_EXT */
        35, /* TCP_ZEROCOPY_RECEIVE: pages of the kernel's; see tern_recv_peek */
        37, /* TCP_TX_DELAY */
        38, /* TCP_AO_ADD_KEY to TCP_AO_REPAIR */
        39, 40, 41, 42, 43, 0, 200, -1,
    };
    struct peer *p = peer_closed();
    struct peer *q = peer_new();
    peer_listen(q, 1);
    for (size_t i = 0; i < sizeof not_here / sizeof not_here[0]; i++) {
        int value = 1;
        socklen_t length = sizeof value;
        assert_int_equal(set(p, IP_PROTOCOL_TCP, not_here[i], 1), -ENOPROTOOPT);
        assert_int_equal(get(p, IP_PROTOCOL_TCP, not_here[i]), -ENOPROTOOPT);
        assert_int_equal(tcp_listener_set_option(q->listener, IP_PROTOCOL_TCP, not_here[i], &value,
                                                 sizeof value),
                         -ENOPROTOOPT);
        assert_int_equal(
            tcp_listener_get_option(q->listener, IP_PROTOCOL_TCP, not_here[i], &value, &length),
            -ENOPROTOOPT);
    }
    for (int option = 1; option < 44; option++) {
        bool here = true;
        for (size_t i = 0; i < sizeof not_here / sizeof not_here[0]; i++)
            here = here && option != not_here[i];
        uint8_t room[512];
        socklen_t length = sizeof room;
        int error = tcp_get_option(p->tcb, IP_PROTOCOL_TCP, option, room, &length);
        if (here && error)
            print_error("option %d\n", option);
        assert_true(!here || error == 0);
    }
    peer_free(q);
    peer_free(p);
}

static void fast_open_key_is_kept_and_read_in_any_state(void **state)
{
    (void)state;
    uint8_t key[32], back[40];
    struct peer *p = peer_new();
    peer_open(p, PEER_SACK);
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(3 * i + 1);
    for (socklen_t set = 0; set <= sizeof key; set += 16) {
        socklen_t length = sizeof back;
        assert_int_equal(tcp_set_option(p->tcb, IP_PROTOCOL_TCP, OPTION_FASTOPEN_KEY, key, set),
                         set ? 0 : -EINVAL);
        assert_int_equal(
            tcp_get_option(p->tcb, IP_PROTOCOL_TCP, OPTION_FASTOPEN_KEY, back, &length), 0);
        assert_int_equal(length, set);
        assert_memory_equal(back, key, length);
    }
    peer_free(p);
}

static void BBR_tells_of_itself_and_others_have_nothing_to_tell(void **state)
{
    (void)state;
    struct cc_info info;
    socklen_t length = sizeof info;
    struct peer *p = peer_new();
    peer_open(p, PEER_SACK);
    assert_int_equal(tcp_get_option(p->tcb, IP_PROTOCOL_TCP, OPTION_CC_INFO, &info, &length), 0);
    assert_int_equal(length, 0);
    assert_int_equal(tcp_set_option(p->tcb, IP_PROTOCOL_TCP, OPTION_CONGESTION, "bbr", 3), 0);
    for (uint32_t at = 1; at < 20000; at += 4000) {
        peer_write(p, 4000);
        peer_after(p, PEER_RTT_MS); /* paced */
        peer_forget(p);
        peer_ack(p, at + 4000);
    }
    length = 200;
    assert_int_equal(tcp_get_option(p->tcb, IP_PROTOCOL_TCP, OPTION_CC_INFO, &info, &length), 0);
    assert_int_equal(length, 20); /* struct tcp_bbr_info */
    assert_true(info.bbr.bw_low > 0);
    assert_int_equal(info.bbr.bw_high, 0);
    assert_in_range(info.bbr.min_rtt_us, 1, 1000000);
    assert_in_range(info.bbr.pacing_gain, 64, 1024);
    assert_in_range(info.bbr.cwnd_gain, 128, 1024);
    peer_free(p);
}

static void a_listener_has_nothing_of_congestion_control_to_tell(void **state)
{
    (void)state;
    struct cc_info info;
    socklen_t length = sizeof info;
    struct peer *p = peer_new();
    peer_listen(p, 1);
    assert_int_equal(
        tcp_listener_get_option(p->listener, IP_PROTOCOL_TCP, OPTION_CC_INFO, &info, &length), 0);
    assert_int_equal(length, 0);
    peer_free(p);
}

/* tcp(7), and as Linux has it where that is silent. */
static void fast_open_is_asked_for_before_opening_and_where_it_is_on(void **state)
{
    (void)state;
    static const int options[] = {OPTION_FASTOPEN_CONNECT, OPTION_FASTOPEN_NO_COOKIE};
    struct peer *p = peer_closed();
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(set(p, IP_PROTOCOL_TCP, options[i], 2), -EINVAL);
        assert_int_equal(set(p, IP_PROTOCOL_TCP, options[i], 1), 0);
        assert_int_equal(get(p, IP_PROTOCOL_TCP, options[i]), 1);
        assert_int_equal(set(p, IP_PROTOCOL_TCP, options[i], 0), 0);
    }
    peer_settings(p)->tcp_fastopen = FAST_OPEN_SERVER;
    assert_int_equal(set(p, IP_PROTOCOL_TCP, OPTION_FASTOPEN_CONNECT, 1), -EOPNOTSUPP);
    peer_settings(p)->tcp_fastopen = FAST_OPEN_CLIENT;
    peer_await_syn(p);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(set(p, IP_PROTOCOL_TCP, options[i], 1), -EINVAL);
    assert_int_equal(set(p, IP_PROTOCOL_TCP, OPTION_FASTOPEN, 1), -EINVAL);
    peer_free(p);
}

/* getsockopt(2): as many bytes as there is room for. */
static void value_is_cut_to_the_room_there_is(void **state)
{
    (void)state;
    struct peer *p = peer_closed();
    uint8_t bytes[400];
    for (socklen_t room = 0; room < sizeof bytes; room++) {
        socklen_t length = room;
        memset(bytes, 0xee, sizeof bytes);
        assert_int_equal(tcp_get_option(p->tcb, IP_PROTOCOL_TCP, OPTION_INFO, bytes, &length), 0);
        assert_true(length <= room);
        for (size_t i = length; i < sizeof bytes; i++)
            assert_int_equal(bytes[i], 0xee);
    }
    peer_free(p);
}

static void maximum_segment_is_the_one_in_force_once_there_is_one(void **state)
{
    (void)state;
    struct peer *p = peer_closed();
    assert_int_equal(get(p, IP_PROTOCOL_TCP, OPTION_MAXSEG), 536);
    assert_int_equal(set(p, IP_PROTOCOL_TCP, OPTION_MAXSEG, LIMIT_MSS_MIN - 1), -EINVAL);
    assert_int_equal(set(p, IP_PROTOCOL_TCP, OPTION_MAXSEG, 32768), -EINVAL);
    assert_int_equal(set(p, IP_PROTOCOL_TCP, OPTION_MAXSEG, 700), 0);
    peer_open(p, PEER_PLAIN);
    assert_int_equal(get(p, IP_PROTOCOL_TCP, OPTION_MAXSEG), 700);
    peer_free(p);
}

static void listener_hands_its_options_on(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    int one = 1, two_minutes = 120;
    peer_listen(p, 1);
    assert_int_equal(
        tcp_listener_set_option(p->listener, IP_PROTOCOL_TCP, OPTION_NODELAY, &one, sizeof one), 0);
    assert_int_equal(tcp_listener_set_option(p->listener, IP_PROTOCOL_TCP, OPTION_KEEPIDLE,
                                             &two_minutes, sizeof two_minutes),
                     0);
    peer_accept(p, PEER_PLAIN);
    assert_int_equal(get(p, IP_PROTOCOL_TCP, OPTION_NODELAY), 1);
    assert_int_equal(get(p, IP_PROTOCOL_TCP, OPTION_KEEPIDLE), 120);
    peer_free(p);
}

static void what_a_listener_accepts_begins_with_quick_ACKs_or_not(void **state)
{
    (void)state;
    for (int quick = 0; quick < 2; quick++) {
        struct peer *p = peer_new();
        int value = quick;
        socklen_t length = sizeof value;
        peer_listen(p, 1);
        assert_int_equal(tcp_listener_set_option(p->listener, IP_PROTOCOL_TCP, OPTION_QUICKACK,
                                                 &value, sizeof value),
                         0);
        value = -1;
        assert_int_equal(
            tcp_listener_get_option(p->listener, IP_PROTOCOL_TCP, OPTION_QUICKACK, &value, &length),
            0);
        assert_int_equal(value, quick);
        peer_accept(p, PEER_PLAIN);
        assert_int_equal(get(p, IP_PROTOCOL_TCP, OPTION_QUICKACK), quick);
        assert_int_equal(
            tcp_listener_set_option(p->listener, IP_PROTOCOL_TCP, OPTION_QUICKACK, &value, 3),
            -EINVAL);
        peer_free(p);
    }
}

static void listener_tells_its_queue(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_listen(p, 3);
    peer_half_open(p, PEER_PLAIN);
    peer_ack(p, 1);
    struct tern_tcp_info info;
    socklen_t length = sizeof info;
    assert_int_equal(
        tcp_listener_get_option(p->listener, IP_PROTOCOL_TCP, OPTION_INFO, &info, &length), 0);
    assert_int_equal(info.tcpi_state, TCP_LISTEN);
    assert_int_equal(info.tcpi_unacked, 1);
    assert_int_equal(info.tcpi_sacked, 3);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_is_an_option_or_refused),
        cmocka_unit_test(fast_open_key_is_kept_and_read_in_any_state),
        cmocka_unit_test(BBR_tells_of_itself_and_others_have_nothing_to_tell),
        cmocka_unit_test(a_listener_has_nothing_of_congestion_control_to_tell),
        cmocka_unit_test(fast_open_is_asked_for_before_opening_and_where_it_is_on),
        cmocka_unit_test(value_is_cut_to_the_room_there_is),
        cmocka_unit_test(maximum_segment_is_the_one_in_force_once_there_is_one),
        cmocka_unit_test(listener_hands_its_options_on),
        cmocka_unit_test(what_a_listener_accepts_begins_with_quick_ACKs_or_not),
        cmocka_unit_test(listener_tells_its_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
