/* RFC 9293 §3.10.7.4 first, second and fourth, with RFC 7323 §5 before and RFC 5961 in between. */
#include "tcp_peer.h"

static uint32_t challenges(const struct peer *p)
{
    return (uint32_t)machine_counter(p->m, "TcpExtTCPChallengeACK");
}

/* ── PAWS ── */

static void older_timestamp_is_dropped_and_acknowledged(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    p->ts = 999;
    assert_int_equal(peer_text(p, 1, 10), DROP_TCP_PAWS);
    peer_expect_ack(p, 1);
    assert_int_equal(machine_counter(p->m, "TcpExtPAWSEstab"), 1);
    p->ts = 1000; /* an equal one is not older */
    assert_int_equal(peer_text(p, 1, 10), DROP_NONE);
    assert_int_equal(peer_read(p, 1, 100), 10);
    peer_free(p);
}

/* RFC 7323 §5.3: before its number is looked at. */
static void older_timestamp_goes_before_the_number(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    p->ts = 999;
    assert_int_equal(peer_text(p, 100000000, 10), DROP_TCP_PAWS);
    p->ts = 1000;
    assert_int_equal(peer_text(p, 100000000, 10), DROP_TCP_SEQUENCE);
    peer_free(p);
}

static void missing_timestamp_is_dropped_in_silence(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    p->timestamps = false;
    assert_int_equal(peer_text(p, 1, 10), DROP_TCP_MISSING_TIMESTAMP);
    peer_quiet(p);
    peer_free(p);
}

/* Linux is not that strict, nor are we where tcp.timestamps_strict is off. */
static void missing_timestamp_is_taken_by_who_is_not_strict(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->tcp_timestamps_strict = 0;
    peer_open(p, PEER_FULL);
    uint32_t recent = p->tcb->opt.ts_recent;
    p->timestamps = false;
    assert_int_equal(peer_text(p, 1, 10), DROP_NONE);
    assert_int_equal(peer_read(p, 1, 10), 10);
    assert_int_equal(p->tcb->opt.ts_recent, recent);
    peer_free(p);
}

/* RFC 7323 §5.3: a reset is not subject to the test. */
static void reset_without_or_with_an_old_timestamp_is_taken(void **state)
{
    (void)state;
    for (int with = 0; with < 2; with++) {
        struct peer *p = peer_new();
        peer_open(p, PEER_FULL);
        p->timestamps = with;
        p->ts = 1;
        assert_int_equal(peer_send(p, TCP_RST, 1, 0), DROP_NONE);
        assert_int_equal(p->tcb->state, TCP_CLOSED);
        peer_free(p);
    }
}

/* RFC 7323 §5.5. */
static void timestamp_older_by_24_idle_days_is_taken(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    peer_after(p, 24ull * 24 * 3600 * 1000 + 1000);
    p->ts = 1;
    assert_int_equal(peer_text(p, 1, 10), DROP_NONE);
    peer_free(p);
}

/* RFC 7323 §4.3: TS.Recent follows what is at or before Last.ACK.sent, and only that. */
static void timestamp_of_what_comes_out_of_order_is_not_echoed(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    p->ts = 2000;
    peer_text(p, 501, 500);
    assert_int_equal(peer_expect_ack(p, 1).options.timestamp_echo, 1000);
    p->ts = 3000;
    peer_text(p, 1, 500);
    assert_int_equal(peer_expect_ack(p, 1001).options.timestamp_echo, 3000);
    peer_free(p);
}

/* Were it otherwise, one forged segment with a high timestamp would have all real
 * ones fail PAWS. */
static void timestamp_of_what_is_not_believed_is_not_echoed(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    p->ts = 200000;
    p->acked = 5000; /* never sent */
    assert_int_equal(peer_send(p, TCP_FIN | TCP_ACK, 1, 0), DROP_TCP_ACK);
    peer_expect_ack(p, 1);
    p->acked = 1;
    assert_int_equal(peer_send(p, TCP_RST, 2, 0), DROP_TCP_RST); /* challenged, not taken */
    peer_expect_ack(p, 1);
    assert_int_equal(peer_send(p, 0, 1, 0), DROP_TCP_NO_ACK);
    assert_int_equal(peer_send(p, TCP_SYN, 1, 0), DROP_TCP_SYN);
    peer_expect_ack(p, 1);
    p->ts = 1001;
    assert_int_equal(peer_text(p, 1, 10), DROP_NONE);
    assert_int_equal(p->tcb->opt.ts_recent, 1001);
    peer_free(p);
}

/* ── First: the sequence number (RFC 9293 §3.10.7.4, table 6) ── */

/* In the window's terms: 1 is RCV.NXT, the window `wnd` is what we offered last. */
static struct peer *peer_with_window(uint32_t *wnd)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    *wnd = p->tcb->rcv.wnd;
    return p;
}

static void segment_is_acceptable_as_the_sequence_table_says(void **state)
{
    (void)state;
    uint32_t wnd;
    struct peer *p = peer_with_window(&wnd);
    /* Received bytes 1 to 2000, acknowledged, and read: so that text is taken beyond the edge, too.
     */
    assert_int_equal(peer_text(p, 1, 1000), DROP_NONE);
    assert_int_equal(peer_text(p, 1001, 1000), DROP_NONE);
    assert_int_equal(peer_read(p, 1, 2000), 2000);
    peer_forget(p);
    uint32_t edge = p->tcb->rcv.wup + p->tcb->rcv.wnd - PEER_ISS;
    const struct {
        uint32_t seq, length;
        bool acceptable;
    } table[] = {
        /* SEG.LEN 0, RCV.WND > 0 */
        {2001, 0, true},
        {edge - 1, 0, true},
        {edge + 1, 0, false},
        {2000, 0, false},
        {1, 0, false},
        /* SEG.LEN > 0: its beginning or its end lies in the window */
        {1991, 20, true},
        {edge - 10, 10, true},
        {edge - 10, 20, true},
        {1981, 10, false},
        {edge + 1, 10, false},
        {edge + 100000, 10, false},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        enum drop_reason reason = peer_send(p, TCP_ACK, table[i].seq, table[i].length);
        assert_int_equal(reason, table[i].acceptable ? DROP_NONE : DROP_TCP_SEQUENCE);
        /* What is not acceptable is acknowledged with RCV.NXT and SND.NXT. */
        if (!table[i].acceptable)
            assert_int_equal(peer_expect_ack(p, p->tcb->rcv.nxt - PEER_ISS).seq, 1);
        if (p->tcb->rcv.ring.length)
            assert_int_equal(peer_read(p, 2001, 100), 10);
        peer_forget(p);
    }
    peer_free(p);
}

/* Makes RCV.WND 0: the peer fills the buffer. */
static uint32_t fill_window(struct peer *p)
{
    uint32_t seq = 1;
    while (p->tcb->rcv.wup + p->tcb->rcv.wnd != p->tcb->rcv.nxt) {
        uint32_t room = p->tcb->rcv.wup + p->tcb->rcv.wnd - p->tcb->rcv.nxt;
        uint32_t length = room < 1000 ? room : 1000;
        assert_int_equal(peer_text(p, seq, length), DROP_NONE);
        seq += length;
        peer_after(p, 1000);
    }
    peer_forget(p);
    return seq;
}

static struct peer *peer_with_closed_window(uint32_t *next)
{
    struct peer *p = peer_new();
    assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    peer_set(p, SOL_SOCKET, SO_RCVBUF, 2000);
    peer_open(p, PEER_PLAIN);
    *next = fill_window(p);
    return p;
}

static void zero_window_takes_no_text_and_answers_with_an_ack(void **state)
{
    (void)state;
    uint32_t next;
    struct peer *p = peer_with_closed_window(&next);
    uint32_t held = tcp_queued_in(p->tcb);
    assert_int_equal(peer_send(p, TCP_ACK, next, 100), DROP_TCP_SEQUENCE);
    assert_int_equal(peer_expect_ack(p, next).window, 0);
    assert_int_equal(tcp_queued_in(p->tcb), held);
    /* A probe of one old byte, as BSD and Linux send it. */
    assert_int_equal(peer_send(p, TCP_ACK, next - 1, 0), DROP_TCP_SEQUENCE);
    peer_expect_ack(p, next);
    peer_free(p);
}

static void MUST_66_zero_window_takes_acknowledgments_and_urgent_pointers(void **state)
{
    (void)state;
    uint32_t next;
    struct peer *p = peer_with_closed_window(&next);
    peer_write(p, 1000);
    peer_expect(p, TCP_ACK | TCP_PSH, 1, 1000);
    p->events = 0;
    assert_int_equal(peer_ack(p, 1001), DROP_NONE);
    assert_int_equal(tcp_queued_out(p->tcb), 0);
    struct segment urgent = peer_segment(p, TCP_ACK | TCP_URG, next, 0);
    urgent.urgent = 1;
    assert_int_equal(peer_send_raw(p, urgent), DROP_NONE);
    assert_true(p->events & POLLPRI);
    peer_free(p);
}

static void MUST_66_zero_window_takes_a_reset(void **state)
{
    (void)state;
    uint32_t next;
    struct peer *p = peer_with_closed_window(&next);
    assert_int_equal(peer_send(p, TCP_RST, next, 0), DROP_NONE);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    peer_free(p);
}

/* ── Second: the reset (RFC 5961 §3.2) ── */

static void reset_must_match_RCV_NXT_exactly_else_challenge_ACK(void **state)
{
    (void)state;
    uint32_t wnd;
    struct peer *p = peer_with_window(&wnd);
    /* Outside the window: silence. */
    assert_int_equal(peer_send(p, TCP_RST, 0xffff0000, 0), DROP_TCP_SEQUENCE);
    assert_int_equal(peer_send(p, TCP_RST, 1 + wnd + 1, 0), DROP_TCP_SEQUENCE);
    assert_int_equal(peer_send(p, TCP_RST, 1 + wnd, 0), DROP_TCP_SEQUENCE);
    peer_quiet(p);
    /* In the window, but not exact: challenged. */
    assert_int_equal(peer_send(p, TCP_RST, 2, 0), DROP_TCP_RST);
    peer_expect_ack(p, 1);
    assert_int_equal(peer_send(p, TCP_RST, wnd, 0), DROP_TCP_RST);
    peer_expect_ack(p, 1);
    assert_int_equal(challenges(p), 2);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    /* Exact: it is over. */
    assert_int_equal(peer_send(p, TCP_RST, 1, 0), DROP_NONE);
    peer_quiet(p);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    assert_int_equal(peer_read(p, 1, 10), -ECONNRESET);
    assert_int_equal(machine_counter(p->m, "TcpEstabResets"), 1);
    peer_free(p);
}

static void SHLD_2_reset_may_carry_text(void **state)
{
    (void)state;
    uint32_t wnd;
    struct peer *p = peer_with_window(&wnd);
    assert_int_equal(peer_send(p, TCP_RST, 1, 100), DROP_NONE);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    assert_int_equal(tcp_queued_in(p->tcb), 0);
    peer_free(p);
}

/* The same number out of what has come out of order: SND.UNA is what matters, not the ranges. */
static void reset_beyond_a_hole_is_challenged(void **state)
{
    (void)state;
    uint32_t wnd;
    struct peer *p = peer_with_window(&wnd);
    peer_text(p, 101, 100);
    peer_forget(p);
    assert_int_equal(peer_send(p, TCP_RST, 201, 0), DROP_TCP_RST);
    peer_expect_ack(p, 1);
    peer_free(p);
}

/* RFC 5961 §7, security rule 8. */
static void challenge_ACKs_are_limited_per_connection_and_second(void **state)
{
    (void)state;
    uint32_t wnd;
    struct peer *p = peer_with_window(&wnd);
    uint32_t limit = (uint32_t)peer_settings(p)->tcp_challenge_ack_limit;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(peer_send(p, TCP_RST, 2, 0), DROP_TCP_RST);
    assert_int_equal(peer_forget(p), limit);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPACKSkippedChallenge"), 1000 - limit);
    peer_after(p, 999);
    peer_send(p, TCP_RST, 2, 0);
    peer_quiet(p);
    peer_after(p, 1);
    peer_send(p, TCP_RST, 2, 0);
    peer_expect_ack(p, 1);
    /* Number and time can be set. */
    peer_settings(p)->tcp_challenge_ack_limit = 2;
    peer_settings(p)->tcp_challenge_ack_interval_ms = 5000;
    peer_after(p, 4999);
    for (int i = 0; i < 5; i++)
        peer_send(p, TCP_RST, 2, 0);
    assert_int_equal(peer_forget(p), 1);
    peer_after(p, 1);
    for (int i = 0; i < 5; i++)
        peer_send(p, TCP_RST, 2, 0);
    assert_int_equal(peer_forget(p), 2);
    peer_free(p);
}

/* No state is shared: what one connection's challenges use up tells nothing about another's
 * (CVE-2016-5696). */
static void challenge_ACK_limit_is_not_shared_between_connections(void **state)
{
    (void)state;
    uint32_t wnd;
    struct peer *p = peer_with_window(&wnd);
    struct tcb *first = p->tcb;
    for (int i = 0; i < 100; i++)
        peer_send(p, TCP_RST, 2, 0);
    peer_forget(p);
    p->tcb = NULL;
    p->theirs.port++;
    p->next = p->acked = 0;
    peer_open(p, PEER_PLAIN);
    peer_send(p, TCP_RST, 2, 0);
    peer_expect_ack(p, 1);
    tcp_abort(first);
    peer_free(p);
}

/* Who has sent beyond a window is answered by an ACK, which, from who has done so as well, would be
 * answered in turn. */
static void empty_segments_outside_of_the_window_are_answered_so_often_only(void **state)
{
    (void)state;
    uint32_t wnd;
    struct peer *p = peer_with_window(&wnd);
    uint32_t limit = (uint32_t)peer_settings(p)->tcp_challenge_ack_limit;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(peer_send(p, TCP_ACK, wnd + 2, 0), DROP_TCP_SEQUENCE);
    assert_int_equal(peer_forget(p), limit);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPACKSkippedSeq"), 1000 - limit);
    /* What brings text is answered each time, and so is the next second's. */
    for (uint32_t i = 0; i < 2 * limit; i++)
        assert_int_equal(peer_send(p, TCP_ACK, wnd + 2, 100), DROP_TCP_SEQUENCE);
    assert_int_equal(peer_forget(p), 2 * limit);
    peer_after(p, 1000);
    assert_int_equal(peer_send(p, TCP_ACK, wnd + 2, 0), DROP_TCP_SEQUENCE);
    peer_expect_ack(p, 1);
    peer_free(p);
}

static void MUST_12_reset_error_says_what_it_ended(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    peer_fin(p);
    peer_forget(p);
    assert_int_equal(p->tcb->state, TCP_CLOSE_WAIT);
    assert_int_equal(peer_send(p, TCP_RST, 2, 0), DROP_NONE);
    assert_int_equal(tcp_error(p->tcb, true), EPIPE);
    peer_free(p);
}

/* ── Fourth: the SYN (RFC 5961 §4.2) ── */

static void SYN_on_an_open_connection_is_challenged_whatever_its_number(void **state)
{
    (void)state;
    uint32_t wnd;
    struct peer *p = peer_with_window(&wnd);
    static const uint32_t numbers[] = {0, 1, 500, 0x80000000u, 0xfffffff0u};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_int_equal(peer_send(p, TCP_SYN, numbers[i], 0), DROP_TCP_SYN);
        struct segment ack = peer_expect_ack(p, 1);
        assert_int_equal(ack.seq, 1);
    }
    assert_int_equal(machine_counter(p->m, "TcpExtTCPSYNChallenge"), 5);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    assert_int_equal(peer_text(p, 1, 10), DROP_NONE);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(older_timestamp_is_dropped_and_acknowledged),
        cmocka_unit_test(older_timestamp_goes_before_the_number),
        cmocka_unit_test(missing_timestamp_is_dropped_in_silence),
        cmocka_unit_test(missing_timestamp_is_taken_by_who_is_not_strict),
        cmocka_unit_test(reset_without_or_with_an_old_timestamp_is_taken),
        cmocka_unit_test(timestamp_older_by_24_idle_days_is_taken),
        cmocka_unit_test(timestamp_of_what_comes_out_of_order_is_not_echoed),
        cmocka_unit_test(timestamp_of_what_is_not_believed_is_not_echoed),
        cmocka_unit_test(segment_is_acceptable_as_the_sequence_table_says),
        cmocka_unit_test(zero_window_takes_no_text_and_answers_with_an_ack),
        cmocka_unit_test(MUST_66_zero_window_takes_acknowledgments_and_urgent_pointers),
        cmocka_unit_test(MUST_66_zero_window_takes_a_reset),
        cmocka_unit_test(reset_must_match_RCV_NXT_exactly_else_challenge_ACK),
        cmocka_unit_test(SHLD_2_reset_may_carry_text),
        cmocka_unit_test(reset_beyond_a_hole_is_challenged),
        cmocka_unit_test(challenge_ACKs_are_limited_per_connection_and_second),
        cmocka_unit_test(challenge_ACK_limit_is_not_shared_between_connections),
        cmocka_unit_test(empty_segments_outside_of_the_window_are_answered_so_often_only),
        cmocka_unit_test(MUST_12_reset_error_says_what_it_ended),
        cmocka_unit_test(SYN_on_an_open_connection_is_challenged_whatever_its_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
