/* RFC 9293 §3.8.5 and RFC 6093: urgent bytes stay in the stream; the pointer is a mark in it. */
#include "tcp_peer.h"

/* RFC 6093 §6: in line. */
static struct peer *peer_opened(void)
{
    struct peer *p = peer_new();
    int on = 1;
    peer_open(p, PEER_PLAIN);
    assert_int_equal(tcp_set_option(p->tcb, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on), 0);
    return p;
}

/* As one finds it. */
static struct peer *peer_out_of_line(void)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    return p;
}

static ssize_t take_urgent(struct peer *p, int flags, uint8_t *byte)
{
    struct iovec span = {byte, 1};
    return tcp_receive(p->tcb, &span, 1, MSG_OOB | flags);
}

static enum drop_reason urgent(struct peer *p, uint32_t seq, uint32_t length, uint16_t pointer)
{
    struct segment segment = peer_segment(p, TCP_ACK | TCP_URG, seq, length);
    segment.urgent = pointer;
    return peer_send_raw(p, segment);
}

static void MUST_32_user_is_told_when_urgent_data_begins_and_when_the_pointer_moves(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    assert_int_equal(urgent(p, 1, 100, 50), DROP_NONE);
    assert_true(p->events & POLLPRI);
    p->events = 0;
    urgent(p, 101, 100, 10); /* moves on */
    assert_true(p->events & POLLPRI);
    p->events = 0;
    urgent(p, 1, 100, 50); /* an old one again */
    assert_false(p->events & POLLPRI);
    peer_free(p);
}

/* MUST-62: it names the octet after the last urgent one. */
static void MUST_33_MUST_62_readiness_says_that_urgent_data_is_still_to_be_read(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    urgent(p, 1, 100, 50);
    assert_true(tcp_readiness(p->tcb) & POLLPRI);
    peer_read(p, 1, 49);
    assert_true(tcp_readiness(p->tcb) & POLLPRI);
    peer_read(p, 50, 1);
    assert_false(tcp_readiness(p->tcb) & POLLPRI);
    peer_free(p);
}

static void MUST_31_urgent_data_may_be_longer_than_its_segment(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    urgent(p, 1, 100, 5000);
    assert_int_equal(peer_read(p, 1, 100), 100);
    assert_true(tcp_readiness(p->tcb) & POLLPRI);
    for (uint32_t seq = 101; seq < 5001; seq += 700) {
        peer_text(p, seq, 700);
        uint32_t most = seq + 700 > 5000 ? 5000 - seq : 700; /* a read ends at the mark */
        if (most)
            assert_int_equal(peer_read(p, seq, 700), most);
        peer_read(p, seq + most, 700);
    }
    assert_false(tcp_readiness(p->tcb) & POLLPRI);
    peer_free(p);
}

/* MUST-30, RFC 6093 §6: in line. */
static void MUST_30_urgent_bytes_stay_in_the_stream(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    urgent(p, 1, 100, 1);
    assert_int_equal(peer_read(p, 1, 200), 100);
    peer_free(p);
}

/* Security rule 3: CVE-2019-12255 (0, less the length), CVE-2020-17437 (beyond the segment). */
static void pointer_of_0_or_beyond_everything_is_harmless(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    assert_int_equal(urgent(p, 1, 100, 0), DROP_NONE);
    assert_false(tcp_readiness(p->tcb) & POLLPRI);
    assert_int_equal(urgent(p, 101, 0, 0), DROP_NONE);
    assert_int_equal(urgent(p, 101, 100, 0xffff), DROP_NONE);
    assert_true(seq_leq(p->tcb->rcv.up, p->tcb->rcv.wup + p->tcb->rcv.wnd));
    assert_int_equal(peer_read(p, 1, 500), 200);
    assert_int_equal(urgent(p, 201, 0, 1), DROP_NONE);
    assert_int_equal(peer_read(p, 201, 500), -EAGAIN);
    peer_free(p);
}

/* ── Out of line ── */

static void urgent_byte_is_passed_over_and_can_be_taken_out(void **state)
{
    (void)state;
    struct peer *p = peer_out_of_line();
    uint8_t byte = 0xff;
    assert_int_equal(take_urgent(p, 0, &byte), -EINVAL); /* there is none */
    urgent(p, 1, 100, 50);
    assert_int_equal(tcp_queued_in(p->tcb), 49);
    assert_int_equal(take_urgent(p, MSG_PEEK, &byte), 1);
    assert_int_equal(byte, 50);
    assert_int_equal(take_urgent(p, 0, &byte), 1);
    assert_int_equal(take_urgent(p, 0, &byte), -EINVAL); /* once */
    assert_false(tcp_readiness(p->tcb) & POLLPRI);
    assert_int_equal(peer_read(p, 1, 200), 49); /* up to the mark */
    assert_true(tcp_at_mark(p->tcb));
    assert_int_equal(peer_read(p, 51, 200), 50); /* and on behind it */
    assert_false(tcp_at_mark(p->tcb));
    peer_free(p);
}

static void read_at_the_mark_goes_on_behind_it(void **state)
{
    (void)state;
    struct peer *p = peer_out_of_line();
    uint8_t byte;
    urgent(p, 1, 100, 1);
    assert_true(tcp_at_mark(p->tcb));
    assert_int_equal(tcp_queued_in(p->tcb), 99);
    assert_int_equal(peer_read(p, 2, 200), 99);
    assert_int_equal(take_urgent(p, 0, &byte), -EINVAL); /* too late */
    peer_free(p);
}

static void urgent_byte_alone_is_nothing_to_read(void **state)
{
    (void)state;
    struct peer *p = peer_out_of_line();
    uint8_t byte;
    urgent(p, 1, 1, 1);
    assert_false(tcp_readiness(p->tcb) & POLLIN);
    assert_true(tcp_readiness(p->tcb) & POLLPRI);
    struct iovec none = {&byte, 0};
    assert_int_equal(tcp_receive(p->tcb, &none, 1, 0), 0); /* who wants nothing loses nothing */
    assert_int_equal(take_urgent(p, 0, &byte), 1);
    assert_int_equal(byte, 1);
    assert_int_equal(peer_read(p, 2, 10), -EAGAIN);
    assert_false(tcp_at_mark(p->tcb)); /* that read went past it */
    peer_free(p);
}

/* The pointer comes ahead of the byte: who asks for that does not wait. */
static void urgent_byte_that_has_not_come_is_EAGAIN(void **state)
{
    (void)state;
    struct peer *p = peer_out_of_line();
    uint8_t byte;
    urgent(p, 1, 100, 150);
    assert_int_equal(take_urgent(p, 0, &byte), -EAGAIN);
    peer_text(p, 141, 100); /* behind a hole, the byte comes */
    assert_int_equal(take_urgent(p, MSG_PEEK, &byte), 1);
    assert_int_equal(byte, 150);
    assert_int_equal(peer_read(p, 1, 200), 100);
    peer_text(p, 101, 40);
    assert_int_equal(peer_read(p, 101, 200), 49);
    assert_int_equal(take_urgent(p, 0, &byte), 1);
    assert_int_equal(byte, 150);
    peer_free(p);
}

static void urgent_byte_that_can_no_longer_come_is_the_end(void **state)
{
    (void)state;
    struct peer *p = peer_out_of_line();
    uint8_t byte;
    urgent(p, 1, 100, 150);
    p->next = 101;
    peer_fin(p);
    assert_int_equal(peer_read(p, 1, 200), 100);
    assert_int_equal(take_urgent(p, 0, &byte), 0);
    assert_int_equal(peer_read(p, 101, 200), 0);
    peer_free(p);
}

/* As on Linux: the older of two is lost where reading stands at it, and else read in its place. */
static void second_urgent_byte_takes_the_first_one_s_place(void **state)
{
    (void)state;
    struct peer *p = peer_out_of_line();
    uint8_t byte;
    urgent(p, 1, 10, 1);
    urgent(p, 11, 10, 10);
    assert_int_equal(take_urgent(p, 0, &byte), 1);
    assert_int_equal(byte, 20);
    assert_int_equal(peer_read(p, 2, 200), 18);

    urgent(p, 21, 10, 5);
    urgent(p, 31, 10, 10);
    assert_int_equal(peer_read(p, 21, 200), 19);
    peer_free(p);
}

static void peeking_passes_over_the_urgent_byte_as_well(void **state)
{
    (void)state;
    struct peer *p = peer_out_of_line();
    uint8_t bytes[200];
    struct iovec span = {bytes, sizeof bytes};
    urgent(p, 1, 100, 1);
    assert_int_equal(tcp_receive(p->tcb, &span, 1, MSG_PEEK), 99);
    assert_int_equal(bytes[0], 2);
    assert_true(tcp_at_mark(p->tcb)); /* and leaves it */
    peer_free(p);
}

/* ── Sending ── */

/* §3.10.2: SND.UP <- SND.NXT - 1 in the RFC's words, the byte behind in the field's. */
static void MUST_30_what_is_sent_urgent_says_where_it_ends(void **state)
{
    (void)state;
    struct peer *p = peer_out_of_line();
    assert_int_equal(peer_write_flags(p, 10, MSG_OOB), 10);
    assert_int_equal(peer_expect(p, TCP_ACK | TCP_PSH | TCP_URG, 1, 10).urgent, 10);
    /* Until it is acknowledged whatever begins before it says so, and what comes
     * behind does not. */
    peer_write(p, 10);
    assert_int_equal(peer_expect(p, TCP_ACK | TCP_PSH, 11, 10).urgent, 0);
    peer_after(p, 400);
    while (!peer_is_quiet(p)) {
        struct segment s = peer_take(p);
        assert_int_equal(s.urgent, s.seq < 11 ? 11 - s.seq : 0);
    }
    peer_ack(p, 21);
    peer_write(p, 10);
    peer_expect(p, TCP_ACK | TCP_PSH, 21, 10);
    peer_free(p);
}

/* A super-segment would bear one pointer for all its parts. */
static void MUST_31_each_segment_of_a_long_urgent_write_has_its_own_pointer(void **state)
{
    (void)state;
    struct peer *p = peer_out_of_line();
    p->tcb->snd.max_wnd = 1000000;
    assert_int_equal(peer_write_flags(p, 5000, MSG_OOB), 5000);
    for (uint32_t seq = 1; seq < 5001; seq += 1000) {
        struct segment s = peer_take(p);
        if (s.flags & TCP_URG)
            assert_int_equal(s.seq + s.urgent, 5001);
        assert_true(s.length <= 1000);
    }
    peer_free(p);
}

/* Nagle does not hold what is urgent. */
static void urgent_byte_does_not_wait(void **state)
{
    (void)state;
    struct peer *p = peer_out_of_line();
    peer_write(p, 10);
    peer_write(p, 10);
    peer_expect(p, TCP_ACK | TCP_PSH, 1, 10);
    peer_quiet(p);
    assert_int_equal(peer_write_flags(p, 1, MSG_OOB), 1);
    assert_int_equal(peer_expect(p, TCP_ACK | TCP_PSH | TCP_URG, 11, 11).urgent, 11);
    peer_free(p);
}

/* RFC 9293 §3.8.6.1: a shut window is told as well. */
static void pointer_goes_out_with_a_window_probe(void **state)
{
    (void)state;
    struct peer *p = peer_out_of_line();
    p->window = 0;
    peer_ack(p, 1);
    assert_int_equal(peer_write_flags(p, 5, MSG_OOB), 5);
    peer_quiet(p);
    peer_after(p, 300);
    assert_int_equal(peer_expect(p, TCP_ACK | TCP_URG, 1, 0).urgent, 5);
    assert_int_equal(peer_take(p).seq, 0); /* the old number, which must be answered */
    peer_free(p);
}

static void pointer_too_far_for_its_field_is_the_farthest(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    p->window = 0;
    peer_ack(p, 1);
    peer_write(p, 70000);
    assert_int_equal(peer_write_flags(p, 1, MSG_OOB), 1);
    peer_after(p, 300);
    struct segment s = peer_take(p);
    assert_int_equal(s.flags, TCP_ACK | TCP_URG);
    assert_int_equal(s.urgent, 0xffff);
    peer_free(p);
}

static void after_the_peer_s_FIN_there_is_nothing_urgent(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_fin(p);
    p->events = 0;
    urgent(p, 2, 0, 10);
    assert_false(p->events & POLLPRI);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(MUST_32_user_is_told_when_urgent_data_begins_and_when_the_pointer_moves),
        cmocka_unit_test(MUST_33_MUST_62_readiness_says_that_urgent_data_is_still_to_be_read),
        cmocka_unit_test(MUST_31_urgent_data_may_be_longer_than_its_segment),
        cmocka_unit_test(MUST_30_urgent_bytes_stay_in_the_stream),
        cmocka_unit_test(pointer_of_0_or_beyond_everything_is_harmless),
        cmocka_unit_test(urgent_byte_is_passed_over_and_can_be_taken_out),
        cmocka_unit_test(read_at_the_mark_goes_on_behind_it),
        cmocka_unit_test(urgent_byte_alone_is_nothing_to_read),
        cmocka_unit_test(urgent_byte_that_has_not_come_is_EAGAIN),
        cmocka_unit_test(urgent_byte_that_can_no_longer_come_is_the_end),
        cmocka_unit_test(second_urgent_byte_takes_the_first_one_s_place),
        cmocka_unit_test(peeking_passes_over_the_urgent_byte_as_well),
        cmocka_unit_test(MUST_30_what_is_sent_urgent_says_where_it_ends),
        cmocka_unit_test(MUST_31_each_segment_of_a_long_urgent_write_has_its_own_pointer),
        cmocka_unit_test(urgent_byte_does_not_wait),
        cmocka_unit_test(pointer_goes_out_with_a_window_probe),
        cmocka_unit_test(pointer_too_far_for_its_field_is_the_farthest),
        cmocka_unit_test(after_the_peer_s_FIN_there_is_nothing_urgent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
