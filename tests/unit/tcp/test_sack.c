/* RFC 2018 and RFC 2883, both sides; security rule 6. */
#include "tcp_peer.h"

static struct peer *peer_with_flight(unsigned segments)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_SACK);
    peer_flight(p, 1, segments);
    return p;
}

static void check_block(const struct segment *s, unsigned index, uint32_t start, uint32_t end)
{
    assert_true(index < s->options.sack_count);
    assert_int_equal(s->options.sack[index].start - PEER_ISS, start);
    assert_int_equal(s->options.sack[index].end - PEER_ISS, end);
}

/* ── The sender ── */

static void only_blocks_between_SND_UNA_and_SND_NXT_count(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(10);
    static const struct range bad[] = {
        {9001, 10002},       /* ends beyond SND.NXT */
        {10001, 11001},      /* all beyond */
        {0, 2001},           /* begins before SND.UNA */
        {3001, 2001},        /* backwards */
        {3001, 3001},        /* empty */
        {0x80000000u, 5001}, /* half the space away */
        {2001, 0x80000000u},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        peer_sack(p, 1, bad[i], NO_BLOCK, NO_BLOCK);
        assert_int_equal(p->tcb->records.sacked, 0);
    }
    peer_sack(p, 1, BLOCK(9001, 10001), NO_BLOCK, NO_BLOCK); /* its end may be SND.NXT */
    assert_int_equal(p->tcb->records.sacked, 1);
    peer_free(p);
}

static void scoreboard_follows_the_blocks(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(10);
    peer_sack(p, 1, BLOCK(5001, 6001), BLOCK(3001, 4001), NO_BLOCK);
    assert_int_equal(p->tcb->records.sacked, 2);
    assert_true(records_find(p->tcb, p->iss + 5001)->sacked);
    assert_false(records_find(p->tcb, p->iss + 4001)->sacked);
    peer_free(p);
}

/* RFC 2018 §3: a SACKed segment is not sent again. */
static void what_is_sacked_is_not_sent_again(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(5);
    peer_sack(p, 1, BLOCK(1001, 2001), BLOCK(3001, 5001), NO_BLOCK);
    peer_expect(p, TCP_ACK, 1, 1000);
    peer_expect(p, TCP_ACK, 2001, 1000);
    peer_quiet(p);
    peer_free(p);
}

/* RFC 2018 §8: after a timeout everything may go again: the peer may have thrown it away. */
static void reneging_peer_gets_everything_again(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(3);
    peer_sack(p, 1, BLOCK(1001, 3001), NO_BLOCK, NO_BLOCK);
    peer_forget(p);
    /* The hole is filled, but only one byte of it: what was SACKed stands first. */
    peer_ack(p, 1001);
    assert_true(records_first(p->tcb)->sacked);
    assert_true(records_reneged(p->tcb));
    peer_forget(p);
    peer_after(p, 60); /* half the round trip of 100 ms, not the 300 ms of a timeout */
    assert_int_equal(machine_counter(p->m, "TcpExtTCPSACKReneging"), 1);
    peer_expect(p, TCP_ACK, 1001, 1000);
    peer_free(p);
}

/* RFC 2883 §4: below the cumulative acknowledgment, or within the second block. */
static void duplicate_report_is_told_from_a_block(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(10);
    peer_sack(p, 3001, BLOCK(1, 1001), NO_BLOCK, NO_BLOCK);
    assert_int_equal(p->tcb->stat.dsacks, 1);
    assert_int_equal(p->tcb->records.sacked, 0);
    peer_sack(p, 3001, BLOCK(5001, 6001), BLOCK(4001, 7001), NO_BLOCK);
    assert_int_equal(p->tcb->stat.dsacks, 2);
    assert_int_equal(p->tcb->records.sacked, 3);
    peer_free(p);
}

static void duplicate_report_from_beyond_a_window_is_not_believed(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(2);
    peer_sack(p, 2001, BLOCK(0u - PEER_WINDOW, 1), NO_BLOCK, NO_BLOCK);
    assert_int_equal(p->tcb->stat.dsacks, 0);
    peer_free(p);
}

static void without_negotiation_blocks_mean_nothing(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    peer_flight(p, 1, 5);
    peer_sack(p, 1, BLOCK(1001, 5001), NO_BLOCK, NO_BLOCK);
    assert_int_equal(p->tcb->records.sacked, 1); /* a duplicate ACK, no more */
    peer_free(p);
}

/* CVE-2019-11478: the records that blocks part are limited, and no counter wraps. */
static void flood_of_tiny_blocks_is_bounded(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(10);
    for (uint32_t i = 0; i < 10000; i++)
        peer_sack(p, 1, BLOCK(2 + i % 9990, 3 + i % 9990), NO_BLOCK, NO_BLOCK);
    assert_true(p->tcb->records.count <= 20);
    assert_int_equal(p->tcb->records.sacked, 0);
    peer_free(p);
}

/* ── The receiver ── */

static struct peer *peer_receiving(enum peer_offer offer)
{
    struct peer *p = peer_new();
    peer_open(p, offer);
    return p;
}

/* RFC 2018 §4: the first block is the one that the segment just received belongs to. */
static void newest_block_stands_first_and_older_ones_are_repeated(void **state)
{
    (void)state;
    struct peer *p = peer_receiving(PEER_SACK);
    peer_text(p, 1001, 100);
    struct segment s = peer_expect_ack(p, 1);
    assert_int_equal(s.options.sack_count, 1);
    check_block(&s, 0, 1001, 1101);
    peer_text(p, 3001, 100);
    s = peer_expect_ack(p, 1);
    check_block(&s, 0, 3001, 3101);
    check_block(&s, 1, 1001, 1101);
    peer_text(p, 1101, 100); /* the older grows: it is the newest now */
    s = peer_expect_ack(p, 1);
    check_block(&s, 0, 1001, 1201);
    check_block(&s, 1, 3001, 3101);
    peer_text(p, 1, 1000);
    s = peer_expect_ack(p, 1201);
    assert_int_equal(s.options.sack_count, 1);
    check_block(&s, 0, 3001, 3101);
    peer_free(p);
}

/* RFC 2018 §4: the option repeats the most recently reported blocks. */
static void blocks_are_repeated_newest_first(void **state)
{
    (void)state;
    struct peer *p = peer_receiving(PEER_SACK);
    peer_text(p, 1001, 100);
    peer_text(p, 3001, 100);
    peer_text(p, 5001, 100);
    peer_text(p, 1101, 100);
    struct segment s = {0};
    while (!peer_is_quiet(p))
        s = peer_take(p);
    check_block(&s, 0, 1001, 1201);
    check_block(&s, 1, 5001, 5101);
    check_block(&s, 2, 3001, 3101);
    peer_text(p, 1201, 1800); /* two blocks become one, which stands there once */
    s = peer_expect_ack(p, 1);
    assert_int_equal(s.options.sack_count, 2);
    check_block(&s, 0, 1001, 3101);
    check_block(&s, 1, 5001, 5101);
    peer_free(p);
}

/* RFC 9293 §3.4: the FIN takes up a number, which the peer must learn has come. */
static void FIN_beyond_a_hole_is_part_of_its_block(void **state)
{
    (void)state;
    struct peer *p = peer_receiving(PEER_SACK);
    peer_send(p, TCP_ACK | TCP_FIN, 2001, 0);
    struct segment s = peer_expect_ack(p, 1);
    check_block(&s, 0, 2001, 2002);
    peer_text(p, 1501, 500);
    s = peer_expect_ack(p, 1);
    assert_int_equal(s.options.sack_count, 1);
    check_block(&s, 0, 1501, 2002);
    peer_text(p, 1, 1500);
    s = peer_expect_ack(p, 2002);
    assert_int_equal(s.options.sack_count, 0);
    peer_free(p);
}

static void as_many_blocks_are_sent_as_fit(void **state)
{
    (void)state;
    for (int with = 0; with < 2; with++) {
        struct peer *p = peer_receiving(with ? PEER_FULL : PEER_SACK);
        for (uint32_t i = 0; i < 6; i++)
            peer_text(p, 1001 + i * 2000, 100);
        struct segment s = {0};
        while (!peer_is_quiet(p))
            s = peer_take(p);
        assert_int_equal(s.options.sack_count, with ? 3 : 4);
        check_block(&s, 0, 11001, 11101);
        peer_free(p);
    }
}

/* RFC 2883 §4.1, §4.2. */
static void duplicate_is_reported_once_in_the_first_block(void **state)
{
    (void)state;
    struct peer *p = peer_receiving(PEER_SACK);
    peer_text(p, 1, 1000);
    peer_expect_ack(p, 1001);
    peer_text(p, 2001, 500);
    peer_forget(p);
    peer_text(p, 1, 1000);
    struct segment s = peer_expect_ack(p, 1001);
    assert_int_equal(s.options.sack_count, 2);
    check_block(&s, 0, 1, 1001);
    check_block(&s, 1, 2001, 2501);
    /* Out of order and there already. */
    peer_text(p, 2001, 500);
    s = peer_expect_ack(p, 1001);
    check_block(&s, 0, 2001, 2501);
    check_block(&s, 1, 2001, 2501);
    peer_text(p, 4001, 10);
    s = peer_expect_ack(p, 1001);
    check_block(&s, 0, 4001, 4011); /* not reported again */
    peer_free(p);
}

static void partly_known_segment_reports_only_what_was_known(void **state)
{
    (void)state;
    struct peer *p = peer_receiving(PEER_SACK);
    peer_text(p, 1, 1000);
    peer_expect_ack(p, 1001);
    peer_text(p, 501, 1000);
    struct segment s = peer_expect_ack(p, 1501);
    check_block(&s, 0, 501, 1001);
    assert_int_equal(peer_read(p, 1, 2000), 1500);
    peer_free(p);
}

static void reports_can_be_switched_off(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->tcp_dsack = 0;
    peer_open(p, PEER_SACK);
    peer_text(p, 1, 1000);
    peer_expect_ack(p, 1001);
    peer_text(p, 1, 1000);
    assert_int_equal(peer_expect_ack(p, 1001).options.sack_count, 0);
    peer_free(p);
}

static void blocks_are_sent_only_when_negotiated(void **state)
{
    (void)state;
    struct peer *p = peer_receiving(PEER_PLAIN);
    peer_text(p, 1001, 100);
    assert_int_equal(peer_expect_ack(p, 1).options.sack_count, 0);
    peer_free(p);
}

/* RFC 2883 §5: the block is compared with the acknowledgment that it came with, not with SND.UNA.
 */
static void block_of_an_ACK_that_comes_late_is_no_duplicate(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight(6);
    peer_ack(p, 3001);
    peer_sack(p, 1, BLOCK(1001, 2001), NO_BLOCK, NO_BLOCK);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPDSACKRecv"), 0);
    peer_sack(p, 3001, BLOCK(1001, 2001), NO_BLOCK, NO_BLOCK);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPDSACKRecv"), 1);
    peer_free(p);
}

/* Security rule 6: a peer that reports copies without end does not come to be believed again when
 * their count is full. */
static void copies_made_up_without_end_open_no_window(void **state)
{
    (void)state;
    enum { A_BLOCK = 1000000 }; /* segments, of what scaling by 14 lets a window be */
    struct peer *p = peer_new();
    peer_settings(p)->tcp_hystart = 0;
    peer_await_syn(p);
    peer_after(p, PEER_RTT_MS);
    p->acked = 1;
    struct segment syn = peer_syn(p, TCP_SYN | TCP_ACK, PEER_SACK | PEER_SCALING);
    syn.options.window_scale = 14;
    peer_send_raw(p, syn);
    p->next = 1;
    peer_forget(p);
    p->window = 65535;
    peer_ack(p, 1);
    peer_write(p, 10000);
    peer_forget(p);
    const uint32_t cwnd = p->tcb->cc.cwnd;
    for (uint64_t told = 0; told <= UINT32_MAX; told += A_BLOCK) {
        struct segment s = peer_segment(p, TCP_ACK, p->next, 0);
        s.options.sack_count = 1;
        s.options.sack[0] =
            (struct range){p->iss + 1 - 1000u * A_BLOCK, p->iss + 1}; /* of 1,000 bytes each */
        peer_send_raw(p, s);
        peer_forget(p);
    }
    assert_int_equal(p->tcb->stat.dsacks, UINT32_MAX);
    p->acked = 1001;
    struct segment s = peer_segment(p, TCP_ACK, p->next, 0);
    s.options.sack_count = 1;
    s.options.sack[0] = (struct range){p->iss + 1001 - 1000u * A_BLOCK, p->iss + 1001};
    peer_send_raw(p, s);
    assert_int_equal(p->tcb->cc.cwnd, cwnd + 1);
    peer_forget(p);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_blocks_between_SND_UNA_and_SND_NXT_count),
        cmocka_unit_test(scoreboard_follows_the_blocks),
        cmocka_unit_test(what_is_sacked_is_not_sent_again),
        cmocka_unit_test(reneging_peer_gets_everything_again),
        cmocka_unit_test(duplicate_report_is_told_from_a_block),
        cmocka_unit_test(duplicate_report_from_beyond_a_window_is_not_believed),
        cmocka_unit_test(without_negotiation_blocks_mean_nothing),
        cmocka_unit_test(flood_of_tiny_blocks_is_bounded),
        cmocka_unit_test(newest_block_stands_first_and_older_ones_are_repeated),
        cmocka_unit_test(blocks_are_repeated_newest_first),
        cmocka_unit_test(FIN_beyond_a_hole_is_part_of_its_block),
        cmocka_unit_test(as_many_blocks_are_sent_as_fit),
        cmocka_unit_test(duplicate_is_reported_once_in_the_first_block),
        cmocka_unit_test(partly_known_segment_reports_only_what_was_known),
        cmocka_unit_test(reports_can_be_switched_off),
        cmocka_unit_test(blocks_are_sent_only_when_negotiated),
        cmocka_unit_test(block_of_an_ACK_that_comes_late_is_no_duplicate),
        cmocka_unit_test(copies_made_up_without_end_open_no_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
