/* Classic ECN (RFC 3168). */
#include "tcp_peer.h"

#include <netinet/in.h>

static struct peer *peer_with_ecn(int64_t setting)
{
    struct peer *p = peer_new();
    peer_settings(p)->tcp_ecn = setting;
    return p;
}

/* Our SYN, and a SYN,ACK with `flags` in answer. */
static void open_answered(struct peer *p, uint16_t flags)
{
    peer_await_asking(p);
    p->acked = p->next = 1;
    peer_after(p, PEER_RTT_MS);
    struct segment answer = peer_syn(p, TCP_SYN | TCP_ACK | flags, PEER_SACK);
    assert_int_equal(peer_send_raw(p, answer), DROP_NONE);
    struct segment ack = peer_take(p);
    assert_int_equal(ack.flags, TCP_ACK);
    assert_int_equal(ack.ecn, ECN_NOT_ECT);
}

static struct peer *peer_open_with_ecn(void)
{
    struct peer *p = peer_with_ecn(1);
    open_answered(p, TCP_ECE);
    assert_int_equal(p->tcb->ecn.handshake.mode, ECN_CLASSIC);
    return p;
}

/* A SYN to the listener with `flags`; the flags of the SYN,ACK. */
static uint16_t answer_to(struct peer *p, uint16_t flags)
{
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN | flags, PEER_SACK)), DROP_NONE);
    p->iss = 0;
    struct segment answer = peer_take(p);
    assert_int_equal(answer.ecn, ECN_NOT_ECT);
    p->iss = answer.seq;
    p->next = p->acked = 1;
    return answer.flags & (TCP_ECE | TCP_CWR | TCP_AE);
}

static void accept_it(struct peer *p)
{
    peer_after(p, PEER_RTT_MS);
    assert_int_equal(peer_ack(p, 1), DROP_NONE);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
}

/* ── §6.1.1, the handshake ── */

static void setting_decides_whether_the_SYN_asks(void **state)
{
    (void)state;
    static const uint16_t flags[] = {0, TCP_ECE | TCP_CWR, 0};
    for (int64_t setting = 0; setting <= 2; setting++) {
        struct peer *p = peer_with_ecn(setting);
        struct segment syn = peer_await_asking(p);
        assert_int_equal(syn.flags, TCP_SYN | flags[setting]);
        assert_int_equal(syn.ecn, ECN_NOT_ECT);
        peer_free(p);
    }
}

static void setting_decides_whether_the_SYN_ACK_agrees(void **state)
{
    (void)state;
    static const uint16_t flags[] = {0, TCP_ECE, TCP_ECE};
    for (int64_t setting = 0; setting <= 2; setting++) {
        struct peer *p = peer_with_ecn(setting);
        peer_listen(p, 5);
        assert_int_equal(answer_to(p, TCP_ECE | TCP_CWR), flags[setting]);
        accept_it(p);
        assert_int_equal(p->tcb->ecn.handshake.mode, flags[setting] ? ECN_CLASSIC : ECN_OFF);
        peer_free(p);
    }
}

static void only_both_flags_ask_and_only_one_agrees(void **state)
{
    (void)state;
    static const uint16_t others[] = {0, TCP_ECE, TCP_CWR};
    static const uint16_t answers[] = {0, TCP_CWR, TCP_ECE | TCP_CWR};
    for (size_t i = 0; i < 3; i++) {
        struct peer *p = peer_with_ecn(1);
        peer_listen(p, 5);
        assert_int_equal(answer_to(p, others[i]), 0);
        peer_free(p);
        p = peer_with_ecn(1);
        open_answered(p, answers[i]);
        assert_int_equal(p->tcb->ecn.handshake.mode, ECN_OFF);
        peer_write(p, 10);
        assert_int_equal(peer_take(p).ecn, ECN_NOT_ECT);
        peer_free(p);
    }
}

static void SYN_ACK_that_agrees_to_what_nobody_asked_is_not_believed(void **state)
{
    (void)state;
    struct peer *p = peer_with_ecn(2);
    open_answered(p, TCP_ECE);
    assert_int_equal(p->tcb->ecn.handshake.mode, ECN_OFF);
    peer_free(p);
}

static void SYN_that_could_be_marked_is_not_agreed_to(void **state)
{
    (void)state;
    struct peer *p = peer_with_ecn(2);
    peer_listen(p, 5);
    p->ecn = ECN_ECT0;
    assert_int_equal(answer_to(p, TCP_ECE | TCP_CWR), 0);
    peer_free(p);
}

/* §6.1.1.1. */
static void lost_SYN_is_repeated_without_ECN_and_nothing_can_be_marked_then(void **state)
{
    (void)state;
    struct peer *p = peer_with_ecn(1);
    peer_await_asking(p);
    peer_after(p, 1000);
    peer_expect(p, TCP_SYN, 0, 0);
    /* The answer to the first one comes all the same. */
    p->acked = p->next = 1;
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN | TCP_ACK | TCP_ECE, PEER_SACK)),
                     DROP_NONE);
    peer_forget(p);
    peer_write(p, 10);
    assert_int_equal(peer_take(p).ecn, ECN_NOT_ECT);
    /* The peer may send marked data, and is told. */
    p->ecn = ECN_CE;
    assert_int_equal(peer_text(p, 1, 10), DROP_NONE);
    assert_int_equal(peer_take(p).flags, TCP_ACK | TCP_ECE);
    peer_free(p);
}

static void peer_that_falls_back_is_answered_without_ECN(void **state)
{
    (void)state;
    struct peer *p = peer_with_ecn(2);
    peer_listen(p, 5);
    assert_int_equal(answer_to(p, TCP_ECE | TCP_CWR), TCP_ECE);
    p->acked = 0;
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN, PEER_SACK)), DROP_TCP_SYN);
    assert_int_equal(peer_take(p).flags, TCP_SYN | TCP_ACK);
    p->acked = 1;
    accept_it(p);
    peer_write(p, 10);
    assert_int_equal(peer_take(p).ecn, ECN_NOT_ECT);
    /* But who has agreed once answers marks (RFC 3168 §6.1.1). */
    p->ecn = ECN_CE;
    peer_text(p, 1, 10);
    assert_true(peer_take(p).flags & TCP_ECE);
    p->ecn = ECN_NOT_ECT;
    peer_free(p);
}

static void simultaneous_open_agrees(void **state)
{
    (void)state;
    struct peer *p = peer_with_ecn(1);
    peer_await_asking(p);
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN | TCP_ECE | TCP_CWR, PEER_SACK)),
                     DROP_NONE);
    assert_int_equal(peer_expect(p, TCP_SYN | TCP_ACK | TCP_ECE, 0, 0).ack, 1);
    p->next = 1;
    peer_ack(p, 1);
    assert_int_equal(p->tcb->ecn.handshake.mode, ECN_CLASSIC);
    peer_write(p, 10);
    assert_int_equal(peer_take(p).ecn, ECN_ECT0);
    peer_free(p);
}

/* ── §6.1.2, the sender ── */

static void only_new_data_can_be_marked(void **state)
{
    (void)state;
    struct peer *p = peer_open_with_ecn();
    peer_write(p, PEER_MSS);
    struct segment data = peer_take(p);
    assert_int_equal(data.ecn, ECN_ECT0);
    /* §6.1.5: what is sent again, by probe or by timeout, cannot. */
    peer_after(p, 5000);
    assert_false(peer_is_quiet(p));
    while (!peer_is_quiet(p)) {
        struct segment again = peer_take(p);
        assert_int_equal(again.seq, 1);
        assert_int_equal(again.ecn, ECN_NOT_ECT);
    }
    /* §6.1.4: nor can an acknowledgment. */
    peer_ack(p, 1 + PEER_MSS);
    peer_text(p, 1, 10);
    assert_int_equal(peer_take(p).ecn, ECN_NOT_ECT);
    peer_free(p);
}

/* §6.1.6. What a shut or nearly shut window is probed with. */
static void window_probe_cannot_be_marked(void **state)
{
    (void)state;
    for (uint16_t window = 0; window <= 300; window += 300) {
        struct peer *p = peer_open_with_ecn();
        peer_flight(p, 1, 1);
        p->window = window;
        peer_ack(p, 1 + PEER_MSS);
        peer_write(p, PEER_MSS);
        peer_quiet(p);
        peer_after(p, 1000);
        struct segment probe = peer_take(p);
        assert_int_equal(probe.length, window);
        assert_int_equal(probe.ecn, ECN_NOT_ECT);
        peer_free(p);
    }
}

/* The user's bits are his, the lowest two are not. */
static void traffic_class_keeps_the_users_bits(void **state)
{
    (void)state;
    struct peer *p = peer_open_with_ecn();
    peer_set(p, IPPROTO_IP, IP_TOS, 0xb8 | 3);
    peer_write(p, 10);
    assert_int_equal(sent_header(p->m, p->seen).traffic_class, 0xb8 | ECN_ECT0);
    peer_take(p);
    peer_text(p, 1, 10);
    assert_int_equal(sent_header(p->m, p->seen).traffic_class, 0xb8);
    peer_free(p);
}

static void echo_reduces_the_window_once_a_round_trip(void **state)
{
    (void)state;
    struct peer *p = peer_open_with_ecn();
    peer_flight(p, 1, 10);
    assert_int_equal(p->tcb->cc.cwnd, 10);
    for (uint32_t i = 1; i <= 10; i++) {
        p->acked = 1 + i * PEER_MSS;
        peer_send(p, TCP_ACK | TCP_ECE, 1, 0);
        assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_REDUCED);
        assert_int_equal(p->tcb->cc.ssthresh, 7);
    }
    /* The first new data says so, once. */
    peer_write(p, 3 * PEER_MSS);
    assert_int_equal(peer_take(p).flags, TCP_ACK | TCP_CWR);
    assert_int_equal(peer_take(p).flags & ~TCP_PSH, TCP_ACK);
    peer_forget(p);
    peer_ack(p, 1 + 13 * PEER_MSS);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_OPEN);
    peer_free(p);
}

static void loss_is_told_with_CWR_too_on_new_data_only(void **state)
{
    (void)state;
    struct peer *p = peer_open_with_ecn();
    peer_flight(p, 1, 10);
    peer_sack(p, 1, BLOCK(1 + PEER_MSS, 1 + 5 * PEER_MSS), NO_BLOCK, NO_BLOCK);
    struct segment again = peer_take(p);
    assert_int_equal(again.seq, 1);
    assert_int_equal(again.flags & TCP_CWR, 0);
    assert_int_equal(again.ecn, ECN_NOT_ECT);
    peer_forget(p);
    peer_ack(p, 1 + 10 * PEER_MSS);
    peer_write(p, PEER_MSS);
    struct segment fresh = peer_take(p);
    assert_int_equal(fresh.flags & TCP_CWR, TCP_CWR);
    assert_int_equal(fresh.ecn, ECN_ECT0);
    peer_free(p);
}

/* What was no loss need not be told of; and a reduction for marks is never taken back. */
static void undone_reduction_is_not_told(void **state)
{
    (void)state;
    struct peer *p = peer_open_with_ecn();
    peer_flight(p, 1, 10);
    peer_sack(p, 1, BLOCK(1 + PEER_MSS, 1 + 5 * PEER_MSS), NO_BLOCK, NO_BLOCK);
    assert_int_equal(peer_take(p).seq, 1);
    assert_true(p->tcb->ecn.reduced);
    peer_sack(p, 1 + 5 * PEER_MSS, BLOCK(1, 1 + PEER_MSS), NO_BLOCK, NO_BLOCK);
    assert_false(p->tcb->ecn.reduced);
    assert_int_equal(p->tcb->cc.ssthresh, UINT32_MAX);
    peer_free(p);
}

static void marks_beside_a_loss_leave_nothing_to_undo(void **state)
{
    (void)state;
    struct peer *p = peer_open_with_ecn();
    peer_flight(p, 1, 10);
    p->acked = 1;
    struct segment echo = peer_segment(p, TCP_ACK | TCP_ECE, 1, 0);
    echo.options.sack_count = 1;
    echo.options.sack[0] = (struct range){p->iss + 1 + PEER_MSS, p->iss + 1 + 5 * PEER_MSS};
    peer_send_raw(p, echo);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_RECOVERY);
    assert_int_equal(p->tcb->cc.ssthresh, 7);
    peer_sack(p, 1 + 5 * PEER_MSS, BLOCK(1, 1 + PEER_MSS), NO_BLOCK, NO_BLOCK);
    assert_int_equal(p->tcb->cc.ssthresh, 7);
    assert_true(p->tcb->ecn.reduced);
    peer_free(p);
}

static void echo_without_ECN_means_nothing(void **state)
{
    (void)state;
    struct peer *p = peer_with_ecn(2);
    peer_open(p, PEER_SACK);
    peer_flight(p, 1, 10);
    p->acked = 1 + PEER_MSS;
    peer_send(p, TCP_ACK | TCP_ECE, 1, 0);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_OPEN);
    peer_free(p);
}

static void super_segment_leaves_CWR_to_its_first_part(void **state)
{
    (void)state;
    struct peer *p = peer_open_with_ecn();
    p->m->interface->features = TERN_LINK_TSO | TERN_LINK_CHECKSUM;
    peer_write(p, 10 * PEER_MSS);
    peer_forget(p);
    p->acked = 1 + 10 * PEER_MSS;
    peer_send(p, TCP_ACK | TCP_ECE, 1, 0);
    peer_write(p, 6 * PEER_MSS);
    assert_int_equal(p->m->sent_count, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(p->m->sent[i].offload.segment_size, PEER_MSS);
        assert_int_equal(p->m->sent[i].offload.flags & TERN_OFFLOAD_ECN, i ? 0 : TERN_OFFLOAD_ECN);
    }
    p->seen = p->m->sent_count;
    peer_free(p);
}

/* ── §6.1.3, the receiver ── */

static void mark_is_echoed_until_CWR(void **state)
{
    (void)state;
    struct peer *p = peer_open_with_ecn();
    p->ecn = ECN_ECT0;
    peer_text(p, 1, PEER_MSS);
    assert_int_equal(peer_take(p).flags, TCP_ACK);
    p->ecn = ECN_CE;
    peer_text(p, 1 + PEER_MSS, PEER_MSS);
    assert_int_equal(peer_take(p).flags, TCP_ACK | TCP_ECE);
    p->ecn = ECN_ECT0;
    for (uint32_t i = 2; i < 6; i++) {
        peer_text(p, 1 + i * PEER_MSS, PEER_MSS);
        assert_int_equal(peer_take(p).flags, TCP_ACK | TCP_ECE);
    }
    /* On what we send too. */
    peer_write(p, 10);
    assert_int_equal(peer_take(p).flags, TCP_ACK | TCP_PSH | TCP_ECE);
    peer_send(p, TCP_ACK | TCP_CWR, 1 + 6 * PEER_MSS, PEER_MSS);
    assert_int_equal(peer_take(p).flags, TCP_ACK);
    peer_free(p);
}

static void mark_that_comes_with_CWR_is_echoed(void **state)
{
    (void)state;
    struct peer *p = peer_open_with_ecn();
    p->ecn = ECN_CE;
    peer_text(p, 1, PEER_MSS);
    assert_int_equal(peer_take(p).flags, TCP_ACK | TCP_ECE);
    peer_send(p, TCP_ACK | TCP_CWR, 1 + PEER_MSS, PEER_MSS);
    assert_int_equal(peer_take(p).flags, TCP_ACK | TCP_ECE);
    peer_free(p);
}

static void mark_without_text_is_not_echoed(void **state)
{
    (void)state;
    struct peer *p = peer_open_with_ecn();
    p->ecn = ECN_CE;
    peer_ack(p, 1);
    p->ecn = ECN_ECT0;
    peer_text(p, 1, PEER_MSS);
    assert_int_equal(peer_take(p).flags, TCP_ACK);
    peer_free(p);
}

/* Outside the window anybody could have made it (RFC 5961). */
static void mark_outside_the_window_is_not_echoed(void **state)
{
    (void)state;
    struct peer *p = peer_open_with_ecn();
    p->ecn = ECN_CE;
    assert_int_equal(peer_send(p, TCP_ACK, 10000000, 10), DROP_TCP_SEQUENCE);
    assert_int_equal(peer_take(p).flags, TCP_ACK);
    peer_free(p);
}

static void cookie_remembers_that_ECN_was_agreed(void **state)
{
    (void)state;
    for (int ecn = 0; ecn <= 1; ecn++) {
        struct peer *p = peer_with_ecn(2);
        peer_settings(p)->tcp_syncookies = 2;
        peer_listen(p, 5);
        uint16_t flags = ecn ? TCP_ECE | TCP_CWR : 0;
        assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN | flags, PEER_FULL)), DROP_NONE);
        struct segment answer = peer_take(p);
        assert_int_equal(answer.flags & TCP_ECE, ecn ? TCP_ECE : 0);
        p->iss = answer.seq;
        p->next = p->acked = 1;
        p->timestamps = true;
        accept_it(p);
        assert_int_equal(p->tcb->ecn.handshake.mode, ecn ? ECN_CLASSIC : ECN_OFF);
        peer_free(p);
    }
}

static void cookie_without_timestamps_does_not_agree(void **state)
{
    (void)state;
    struct peer *p = peer_with_ecn(2);
    peer_settings(p)->tcp_syncookies = 2;
    peer_listen(p, 5);
    assert_int_equal(answer_to(p, TCP_ECE | TCP_CWR), 0);
    accept_it(p);
    assert_int_equal(p->tcb->ecn.handshake.mode, ECN_OFF);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_decides_whether_the_SYN_asks),
        cmocka_unit_test(setting_decides_whether_the_SYN_ACK_agrees),
        cmocka_unit_test(only_both_flags_ask_and_only_one_agrees),
        cmocka_unit_test(SYN_ACK_that_agrees_to_what_nobody_asked_is_not_believed),
        cmocka_unit_test(SYN_that_could_be_marked_is_not_agreed_to),
        cmocka_unit_test(lost_SYN_is_repeated_without_ECN_and_nothing_can_be_marked_then),
        cmocka_unit_test(peer_that_falls_back_is_answered_without_ECN),
        cmocka_unit_test(simultaneous_open_agrees),
        cmocka_unit_test(only_new_data_can_be_marked),
        cmocka_unit_test(window_probe_cannot_be_marked),
        cmocka_unit_test(traffic_class_keeps_the_users_bits),
        cmocka_unit_test(echo_reduces_the_window_once_a_round_trip),
        cmocka_unit_test(loss_is_told_with_CWR_too_on_new_data_only),
        cmocka_unit_test(undone_reduction_is_not_told),
        cmocka_unit_test(marks_beside_a_loss_leave_nothing_to_undo),
        cmocka_unit_test(echo_without_ECN_means_nothing),
        cmocka_unit_test(super_segment_leaves_CWR_to_its_first_part),
        cmocka_unit_test(mark_is_echoed_until_CWR),
        cmocka_unit_test(mark_that_comes_with_CWR_is_echoed),
        cmocka_unit_test(mark_without_text_is_not_echoed),
        cmocka_unit_test(mark_outside_the_window_is_not_echoed),
        cmocka_unit_test(cookie_remembers_that_ECN_was_agreed),
        cmocka_unit_test(cookie_without_timestamps_does_not_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
