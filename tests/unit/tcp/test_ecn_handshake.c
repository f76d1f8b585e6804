/* What SYNs settle about ECN (RFC 9768 §3.1; RFC 3168's own are in test_ecn.c). */
#include "accecn_fixture.h"

static void setting_decides_what_the_SYN_asks(void **state)
{
    (void)state;
    static const uint16_t asked[] = {0, ASK_CLASSIC, 0, ASK, ASK_CLASSIC, 0};
    for (int64_t setting = 0; setting <= 5; setting++) {
        struct peer *p = peer_with(setting);
        assert_int_equal(connect_asking(p, 1), asked[setting]);
        peer_free(p);
    }
}

static void setting_decides_what_is_agreed_to(void **state)
{
    (void)state;
    static const struct {
        uint16_t to_accurate, to_classic;
    } answers[] = {{0, 0},
                   {TCP_ECE, TCP_ECE},
                   {TCP_ECE, TCP_ECE},
                   {TCP_CWR, TCP_ECE},
                   {TCP_CWR, TCP_ECE},
                   {TCP_CWR, TCP_ECE}};
    for (int64_t setting = 0; setting <= 5; setting++) {
        struct peer *p = peer_with(setting);
        peer_listen(p, 5);
        struct segment answer = ask_listener(p, ASK, ECN_NOT_ECT);
        assert_int_equal(flags_of(&answer), answers[setting].to_accurate);
        p->theirs.port++;
        answer = ask_listener(p, ASK_CLASSIC, ECN_NOT_ECT);
        assert_int_equal(flags_of(&answer), answers[setting].to_classic);
        peer_free(p);
    }
}

/* Table 2's top block. */
static void SYN_ACK_tells_how_the_SYN_came_marked(void **state)
{
    (void)state;
    static const uint16_t flags[] = {[ECN_NOT_ECT] = TCP_CWR,
                                     [ECN_ECT1] = TCP_CWR | TCP_ECE,
                                     [ECN_ECT0] = TCP_AE,
                                     [ECN_CE] = TCP_AE | TCP_CWR};
    for (uint8_t codepoint = 0; codepoint < 4; codepoint++) {
        struct peer *p = peer_with(SETTING_AGREE);
        peer_listen(p, 5);
        struct segment answer = ask_listener(p, ASK, codepoint);
        assert_int_equal(flags_of(&answer), flags[codepoint]);
        assert_int_equal(answer.ecn, ECN_NOT_ECT);
        assert_true(answer.options.has_accecn);
        assert_int_equal(answer.options.accecn_order, 1);
        assert_int_equal(answer.options.accecn[0], 1);
        assert_int_equal(answer.options.accecn[1], 0);
        assert_int_equal(answer.options.accecn[2], 1);
        /* §3.2.2.2: a mark on the SYN is not counted. */
        end_handshake(p, TCP_CWR, true);
        peer_text(p, 1, 10);
        struct segment ack = peer_take(p);
        assert_int_equal(accecn_bits(ack.flags), 5);
        peer_free(p);
    }
}

/* §3.1.3. */
static void unknown_flags_of_a_SYN_ask_for_AccECN(void **state)
{
    (void)state;
    static const uint16_t others[] = {TCP_ECE, TCP_CWR, TCP_AE, TCP_AE | TCP_ECE, TCP_AE | TCP_CWR};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct peer *p = peer_with(SETTING_AGREE);
        peer_listen(p, 5);
        struct segment answer = ask_listener(p, others[i], ECN_NOT_ECT);
        assert_int_equal(flags_of(&answer), TCP_CWR);
        peer_free(p);
    }
}

/* Table 2, and §3.1.3 for the reserved one. */
static void flags_of_the_SYN_ACK_decide_the_mode(void **state)
{
    (void)state;
    static const enum ecn_mode modes[8] = {ECN_OFF,      ECN_CLASSIC,  ECN_ACCURATE, ECN_ACCURATE,
                                           ECN_ACCURATE, ECN_ACCURATE, ECN_ACCURATE, ECN_OFF};
    for (uint16_t bits = 0; bits < 8; bits++) {
        struct peer *p = peer_with(SETTING_ASK);
        connect_asking(p, 1);
        uint16_t flags = (uint16_t)((bits & 1 ? TCP_ECE : 0) | (bits & 2 ? TCP_CWR : 0) |
                                    (bits & 4 ? TCP_AE : 0));
        answer_syn(p, flags, ECN_NOT_ECT, false);
        assert_int_equal(p->tcb->ecn.handshake.mode, modes[bits]);
        peer_free(p);
    }
}

/* Table 3. */
static void ACK_of_the_SYN_ACK_tells_how_that_came_marked(void **state)
{
    (void)state;
    static const uint8_t bits[] = {[ECN_NOT_ECT] = 2, [ECN_ECT1] = 3, [ECN_ECT0] = 4, [ECN_CE] = 6};
    for (uint8_t codepoint = 0; codepoint < 4; codepoint++) {
        struct peer *p = peer_with(SETTING_ASK);
        connect_asking(p, 1);
        struct segment ack = answer_syn(p, TCP_CWR, codepoint, true);
        assert_int_equal(ack.length, 0);
        assert_int_equal(accecn_bits(ack.flags), bits[codepoint]);
        assert_true(ack.options.has_accecn);
        /* From then on it is the counter, which knows of the mark as well. */
        peer_write(p, 10);
        assert_int_equal(accecn_bits(peer_take(p).flags), codepoint == ECN_CE ? 6 : 5);
        peer_free(p);
    }
}

/* §3.2.2.1: also where there is data to send at once. */
static void pure_ACK_goes_before_data_that_waits(void **state)
{
    (void)state;
    struct peer *p = peer_with(SETTING_ASK);
    connect_asking(p, 1);
    p->tcb->snd.expected = true;
    struct segment ack = answer_syn(p, TCP_CWR, ECN_ECT0, true);
    assert_int_equal(ack.length, 0);
    assert_int_equal(accecn_bits(ack.flags), 4);
    peer_free(p);
}

/* §3.1.4.1. */
static void lost_SYN_asks_once_more_and_then_no_longer(void **state)
{
    (void)state;
    static const uint16_t flags[] = {ASK, ASK, 0, 0};
    for (unsigned tries = 1; tries <= 4; tries++) {
        struct peer *p = peer_with(SETTING_ASK);
        assert_int_equal(connect_asking(p, tries), flags[tries - 1]);
        /* Whichever SYN it answers: what agrees is believed, and data can be marked (§3.1.5). */
        answer_syn(p, TCP_CWR, ECN_NOT_ECT, false);
        assert_int_equal(p->tcb->ecn.handshake.mode, ECN_ACCURATE);
        peer_write(p, 10);
        assert_int_equal(peer_take(p).ecn, ECN_ECT0);
        peer_free(p);
    }
    struct peer *p = peer_with(SETTING_ASK);
    peer_settings(p)->tcp_ecn_fallback = 0;
    assert_int_equal(connect_asking(p, 4), ASK);
    peer_free(p);
}

/* §3.2.3.2.2, §3.1.5. */
static void lost_SYN_ACK_is_repeated_without_option_and_then_without_flags(void **state)
{
    (void)state;
    for (int lost = 1; lost <= 2; lost++) {
        struct peer *p = peer_with(SETTING_AGREE);
        peer_listen(p, 5);
        ask_listener(p, ASK, ECN_NOT_ECT);
        struct segment answer;
        for (int i = 0; i < lost; i++) {
            while (peer_is_quiet(p))
                peer_after(p, 500);
            answer = peer_take(p);
            assert_false(answer.options.has_accecn);
            assert_int_equal(flags_of(&answer), i == 0 ? TCP_CWR : 0);
        }
        end_handshake(p, TCP_CWR, true);
        assert_int_equal(p->tcb->ecn.handshake.mode, ECN_ACCURATE);
        peer_write(p, 10);
        struct segment data = peer_take(p);
        assert_int_equal(accecn_bits(data.flags), 5);
        assert_int_equal(data.ecn, lost == 1 ? ECN_ECT0 : ECN_NOT_ECT);
        peer_free(p);
    }
}

/* §3.1.5: the mode stays, the codepoint is the latest SYN's, and nothing is marked any more. */
static void SYN_repeated_without_ECN_keeps_the_mode_and_ends_marking(void **state)
{
    (void)state;
    struct peer *p = peer_with(SETTING_AGREE);
    peer_listen(p, 5);
    ask_listener(p, ASK, ECN_ECT0);
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN, PEER_SACK)), DROP_TCP_SYN);
    struct segment answer = peer_take(p);
    assert_int_equal(flags_of(&answer), TCP_CWR);
    assert_false(answer.options.has_accecn);
    end_handshake(p, TCP_CWR, false);
    peer_write(p, 10);
    struct segment data = peer_take(p);
    assert_int_equal(accecn_bits(data.flags), 5);
    assert_int_equal(data.ecn, ECN_NOT_ECT);
    peer_free(p);
}

/* §3.1.5. */
static void plain_SYN_repeated_with_flags_is_answered_without(void **state)
{
    (void)state;
    struct peer *p = peer_with(SETTING_AGREE);
    peer_listen(p, 5);
    struct segment answer = ask_listener(p, 0, ECN_NOT_ECT);
    assert_int_equal(flags_of(&answer), 0);
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN | ASK, PEER_SACK)), DROP_TCP_SYN);
    answer = peer_take(p);
    assert_int_equal(flags_of(&answer), 0);
    peer_free(p);
}

/* §3.1.5. */
static void SYNs_that_ask_for_both_kinds_are_reset(void **state)
{
    (void)state;
    static const uint16_t order[2][2] = {{ASK, ASK_CLASSIC}, {ASK_CLASSIC, ASK}};
    for (int i = 0; i < 2; i++) {
        struct peer *p = peer_with(SETTING_AGREE);
        peer_listen(p, 5);
        ask_listener(p, order[i][0], ECN_NOT_ECT);
        assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN | order[i][1], PEER_SACK)),
                         DROP_TCP_ECN);
        struct segment reset = peer_expect(p, TCP_RST | TCP_ACK, 1, 0);
        assert_int_equal(reset.ack, 1);
        assert_int_equal(p->listener->half_open_count, 0);
        peer_free(p);
    }
}

/* Our SYN and the peer's, with `flags`; the flags of our SYN,ACK. */
static struct segment open_both(struct peer *p, uint16_t flags)
{
    connect_asking(p, 1);
    p->acked = 0;
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN | flags, PEER_SACK)), DROP_NONE);
    p->acked = 1;
    return peer_take(p);
}

/* §3.1.2. */
static void simultaneous_open_answers_as_a_server_would(void **state)
{
    (void)state;
    static const struct {
        int64_t setting;
        uint16_t theirs, answer;
        enum ecn_mode mode;
    } cases[] = {
        {SETTING_ASK, ASK, TCP_CWR, ECN_ACCURATE},
        {SETTING_ASK, ASK_CLASSIC, TCP_ECE, ECN_CLASSIC},
        {SETTING_ASK, 0, 0, ECN_OFF},
        {SETTING_ASK_CLASSIC, ASK, TCP_ECE, ECN_CLASSIC}, /* as they do who got our SYN */
        {SETTING_AGREE, ASK, 0, ECN_OFF},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer *p = peer_with(cases[i].setting);
        struct segment answer = open_both(p, cases[i].theirs);
        assert_int_equal(flags_of(&answer), cases[i].answer);
        assert_int_equal(answer.options.has_accecn, cases[i].mode == ECN_ACCURATE);
        assert_int_equal(p->tcb->ecn.handshake.mode, cases[i].mode);
        peer_free(p);
    }
}

/* §3.1.5. */
static void SYN_ACK_of_another_kind_than_the_SYN_is_reset(void **state)
{
    (void)state;
    struct peer *p = peer_with(SETTING_ASK);
    open_both(p, ASK);
    peer_send_raw(p, peer_syn(p, TCP_SYN | TCP_ACK | TCP_ECE, PEER_SACK));
    assert_int_equal(peer_take(p).flags & TCP_RST, TCP_RST);
    assert_int_equal(p->tcb->error, ECONNRESET);
    peer_free(p);
    /* The same kind is what is waited for. */
    p = peer_with(SETTING_ASK);
    open_both(p, ASK);
    peer_send_raw(p, peer_syn(p, TCP_SYN | TCP_ACK | TCP_CWR, PEER_SACK));
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    assert_int_equal(accecn_bits(peer_take(p).flags), 2);
    peer_free(p);
}

/* §3.2.2.1, §3.1.5: the latest SYN,ACK's codepoint, whatever its flags; a mark counts once. */
static void repeated_SYN_ACK_is_answered_with_its_own_codepoint(void **state)
{
    (void)state;
    struct peer *p = peer_connected_accurate(true);
    static const uint8_t bits[] = {[ECN_NOT_ECT] = 2, [ECN_ECT1] = 3, [ECN_ECT0] = 4, [ECN_CE] = 6};
    for (int round = 0; round < 2; round++) {
        for (uint8_t codepoint = 0; codepoint < 4; codepoint++) {
            p->ecn = codepoint;
            peer_send_raw(p, peer_syn(p, TCP_SYN | TCP_ACK, PEER_SACK));
            assert_int_equal(accecn_bits(peer_take(p).flags), bits[codepoint]);
        }
    }
    p->ecn = ECN_NOT_ECT;
    assert_int_equal(p->tcb->ecn.handshake.mode, ECN_ACCURATE);
    peer_write(p, 10);
    assert_int_equal(accecn_bits(peer_take(p).flags), 6);
    peer_free(p);
}

/* §3.2.2.3: what left unmarkable must not come otherwise. */
static void changed_codepoint_of_the_SYN_ends_marking_only(void **state)
{
    (void)state;
    static const uint16_t changed[] = {TCP_CWR | TCP_ECE, TCP_AE, TCP_AE | TCP_CWR};
    for (size_t i = 0; i < 3; i++) {
        struct peer *p = peer_with(SETTING_ASK);
        connect_asking(p, 1);
        answer_syn(p, changed[i], ECN_NOT_ECT, true);
        assert_int_equal(p->tcb->ecn.handshake.mode, ECN_ACCURATE);
        assert_int_equal(p->tcb->accecn.failures, ACCECN_FEEDBACK_MANGLED);
        /* A mark on the SYN is answered as its loss would be. */
        assert_int_equal(p->tcb->cc.cwnd, i == 2 ? 1 : 10);
        peer_write(p, 10);
        assert_int_equal(peer_take(p).ecn, ECN_NOT_ECT);
        /* Marks that come are told, and those that are told are believed. */
        p->ecn = ECN_CE;
        peer_text(p, 1, 10);
        assert_int_equal(accecn_bits(peer_take(p).flags), 6);
        p->ecn = ECN_NOT_ECT;
        ack_marks(p, 11, 1);
        assert_int_equal(p->tcb->ecn.delivered_ce, 1);
        peer_free(p);
    }
    struct peer *p = peer_with(SETTING_ASK);
    peer_settings(p)->tcp_ecn_fallback = 0;
    connect_asking(p, 1);
    answer_syn(p, TCP_AE, ECN_NOT_ECT, true);
    peer_write(p, 10);
    assert_int_equal(peer_take(p).ecn, ECN_ECT0);
    peer_free(p);
}

/* §5.1. */
static void cookie_recalls_AccECN_by_the_ACKs_field(void **state)
{
    (void)state;
    for (int timestamps = 0; timestamps <= 1; timestamps++) {
        for (int accurate = 0; accurate <= 1; accurate++) {
            struct peer *p = peer_with(SETTING_AGREE);
            peer_settings(p)->tcp_syncookies = 2;
            peer_listen(p, 5);
            enum peer_offer offer = timestamps ? PEER_FULL : PEER_SACK;
            uint16_t ask = accurate ? ASK : ASK_CLASSIC;
            assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN | ask, offer)), DROP_NONE);
            struct segment answer = peer_take(p);
            /* Without timestamps nothing could remember classic ECN. */
            assert_int_equal(flags_of(&answer), accurate ? TCP_CWR : timestamps ? TCP_ECE : 0);
            p->iss = answer.seq;
            p->next = p->acked = 1;
            p->timestamps = timestamps;
            end_handshake(p, accurate ? TCP_CWR : 0, accurate);
            assert_int_equal(p->tcb->ecn.handshake.mode, accurate     ? ECN_ACCURATE
                                                         : timestamps ? ECN_CLASSIC
                                                                      : ECN_OFF);
            peer_free(p);
        }
    }
}

static void ACK_before_there_is_a_connection_has_the_counter(void **state)
{
    (void)state;
    struct peer *p = peer_with(SETTING_AGREE);
    peer_listen(p, 5);
    ask_listener(p, ASK, ECN_NOT_ECT);
    peer_send(p, TCP_ACK | TCP_CWR, 10000000, 10);
    assert_int_equal(accecn_bits(peer_take(p).flags), 5);
    peer_free(p);
}

static void information_tells_the_mode(void **state)
{
    (void)state;
    struct peer *p = peer_with(SETTING_ASK);
    struct tern_tcp_info info;
    connect_asking(p, 1);
    tcp_info_fill(p->tcb, &info);
    assert_int_equal(info.tcpi_ecn_mode, ECN_PENDING);
    answer_syn(p, TCP_CWR, ECN_NOT_ECT, true);
    tcp_info_fill(p->tcb, &info);
    assert_int_equal(info.tcpi_ecn_mode, ECN_ACCURATE);
    assert_int_equal(info.tcpi_accecn_opt_seen, ACCECN_COUNTERS_SEEN);
    assert_int_equal(info.tcpi_accecn_fail_mode, 0);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_decides_what_the_SYN_asks),
        cmocka_unit_test(setting_decides_what_is_agreed_to),
        cmocka_unit_test(SYN_ACK_tells_how_the_SYN_came_marked),
        cmocka_unit_test(unknown_flags_of_a_SYN_ask_for_AccECN),
        cmocka_unit_test(flags_of_the_SYN_ACK_decide_the_mode),
        cmocka_unit_test(ACK_of_the_SYN_ACK_tells_how_that_came_marked),
        cmocka_unit_test(pure_ACK_goes_before_data_that_waits),
        cmocka_unit_test(lost_SYN_asks_once_more_and_then_no_longer),
        cmocka_unit_test(lost_SYN_ACK_is_repeated_without_option_and_then_without_flags),
        cmocka_unit_test(SYN_repeated_without_ECN_keeps_the_mode_and_ends_marking),
        cmocka_unit_test(plain_SYN_repeated_with_flags_is_answered_without),
        cmocka_unit_test(SYNs_that_ask_for_both_kinds_are_reset),
        cmocka_unit_test(simultaneous_open_answers_as_a_server_would),
        cmocka_unit_test(SYN_ACK_of_another_kind_than_the_SYN_is_reset),
        cmocka_unit_test(repeated_SYN_ACK_is_answered_with_its_own_codepoint),
        cmocka_unit_test(changed_codepoint_of_the_SYN_ends_marking_only),
        cmocka_unit_test(cookie_recalls_AccECN_by_the_ACKs_field),
        cmocka_unit_test(ACK_before_there_is_a_connection_has_the_counter),
        cmocka_unit_test(information_tells_the_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
