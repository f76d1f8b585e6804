/* RFC 9293 §3.8.6.3, RFC 5681 §4.2: when an acknowledgment goes. */
#include "tcp_peer.h"

/* The quick acknowledgments of a connection's start are over. */
static struct peer *peer_settled_with(enum peer_offer offer, int receive_buffer, uint32_t *seq)
{
    struct peer *p = peer_new();
    peer_settings(p)->tcp_rcvbuf = peer_settings(p)->tcp_rcvbuf_max = receive_buffer;
    peer_open(p, offer);
    *seq = 1;
    while (p->tcb->ack.quick || *seq == 1) {
        peer_text(p, *seq, 1000);
        *seq += 1000;
        peer_read(p, *seq - 1000, 1000);
        peer_forget(p);
        peer_after(p, 5);
    }
    peer_after(p, 60); /* what is owed goes, and the sender has not been idle */
    peer_forget(p);
    return p;
}

static struct peer *peer_settled(uint32_t *seq)
{
    return peer_settled_with(PEER_PLAIN, 1 << 20, seq);
}

static void first_segments_of_a_connection_are_acknowledged_at_once(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    peer_text(p, 1, 100);
    peer_expect_ack(p, 101);
    peer_text(p, 101, 100);
    peer_expect_ack(p, 201);
    peer_free(p);
}

static void SHLD_18_MUST_40_acknowledgment_is_delayed_for_less_than_half_a_second(void **state)
{
    (void)state;
    uint32_t seq;
    struct peer *p = peer_settled(&seq);
    uint64_t start = p->m->stack.now_ns;
    peer_text(p, seq, 100);
    peer_quiet(p);
    peer_after(p, 20);
    peer_quiet(p);
    peer_after(p, 479);
    peer_expect_ack(p, seq + 100);
    assert_true(p->tcb->stat.last_sent_ns - start < TIME_MS(500));
    assert_int_equal(machine_counter(p->m, "TcpExtDelayedACKs") > 0, 1);
    peer_free(p);
}

static void SHLD_19_every_second_full_segment_is_acknowledged_at_once(void **state)
{
    (void)state;
    uint32_t seq;
    struct peer *p = peer_settled(&seq);
    for (int i = 0; i < 10; i++, seq += 2000) {
        peer_text(p, seq, 1000);
        peer_quiet(p);
        peer_text(p, seq + 1000, 1000);
        peer_expect_ack(p, seq + 2000);
        peer_read(p, seq, 2000);
        peer_forget(p);
    }
    peer_free(p);
}

static void MUST_58_delayed_acknowledgment_rides_on_data(void **state)
{
    (void)state;
    uint32_t seq;
    struct peer *p = peer_settled(&seq);
    peer_text(p, seq, 100);
    peer_quiet(p);
    peer_write(p, 10);
    struct segment data = peer_expect(p, TCP_ACK | TCP_PSH, 1, 10);
    assert_int_equal(data.ack, seq + 100);
    peer_after(p, 100);
    peer_quiet(p);
    peer_free(p);
}

/* RFC 5681 §4.2: out of order, and what fills a hole. */
static void disorder_is_acknowledged_at_once(void **state)
{
    (void)state;
    uint32_t seq;
    struct peer *p = peer_settled(&seq);
    peer_text(p, seq + 100, 100);
    peer_expect_ack(p, seq);
    peer_text(p, seq + 300, 100);
    peer_expect_ack(p, seq);
    peer_text(p, seq, 100);
    peer_expect_ack(p, seq + 200);
    peer_free(p);
}

static void who_answers_what_it_reads_is_left_the_time(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_NODELAY, 1);
    uint32_t ours = 1, theirs = 1;
    for (int i = 0; i < 5; i++) {
        peer_text(p, theirs, 10);
        theirs += 10;
        if (i > 0) /* from the first answer on nothing goes alone */
            peer_quiet(p);
        peer_forget(p);
        peer_read(p, theirs - 10, 10);
        peer_write(p, 10);
        assert_int_equal(peer_take(p).ack, theirs);
        ours += 10;
        peer_after(p, 1);
        p->acked = ours;
    }
    peer_free(p);
}

/* MUST-59 in the one way it can show here: text is taken before its acknowledgment is made. */
static void MUST_59_acknowledgment_covers_all_that_has_arrived(void **state)
{
    (void)state;
    uint32_t seq;
    struct peer *p = peer_settled(&seq);
    peer_text(p, seq + 1000, 1000);
    peer_forget(p);
    peer_text(p, seq, 1000);
    peer_expect_ack(p, seq + 2000);
    peer_quiet(p);
    peer_free(p);
}

/* In one look at the link: RFC 5681 §4.2 lets an ACK speak for what came together. */
static void what_arrives_together_is_acknowledged_together(void **state)
{
    (void)state;
    uint32_t seq;
    struct peer *p = peer_settled(&seq);
    stack_batch_begin(&p->m->stack);
    for (int i = 0; i < 6; i++)
        peer_text(p, seq + 1000 * (uint32_t)i, 1000);
    peer_quiet(p);
    stack_batch_end(&p->m->stack);
    peer_expect_ack(p, seq + 6000);
    peer_quiet(p);
    peer_free(p);
}

/* Brings packets in one batch, of which this one is the first to be acknowledged. */
static void batch_until(struct peer *p, uint32_t seq, uint32_t length, uint32_t acknowledged)
{
    stack_batch_begin(&p->m->stack);
    for (uint32_t i = 1; i <= acknowledged; i++) {
        peer_quiet(p);
        peer_text(p, seq + length * (i - 1), length);
    }
    peer_expect_ack(p, seq + length * acknowledged);
    for (uint32_t i = acknowledged; i < acknowledged + 2; i++)
        peer_text(p, seq + length * i, length);
    peer_quiet(p);
    stack_batch_end(&p->m->stack);
    peer_expect_ack(p, seq + length * (acknowledged + 2));
    peer_quiet(p);
}

static void a_long_batch_is_acknowledged_at_half_the_window(void **state)
{
    (void)state;
    uint32_t seq;
    struct peer *p = peer_settled_with(PEER_SCALING, 1 << 20, &seq);
    for (int i = 0; p->tcb->rcv.wnd < 400000 && i < 1000; i++) { /* until it has grown */
        peer_text(p, seq, 10000);
        peer_read(p, seq, 10000);
        seq += 10000;
    }
    peer_after(p, 500);
    peer_forget(p);
    uint32_t half = p->tcb->rcv.wnd / 2;
    assert_in_range(half, 200000, 500000);
    batch_until(p, seq, 1000, (half + 999) / 1000);
    peer_free(p);
}

static void or_at_64_kilobytes_if_that_is_more(void **state)
{
    (void)state;
    uint32_t seq;
    struct peer *p = peer_settled_with(PEER_SCALING, 100000, &seq);
    assert_in_range(p->tcb->rcv.wnd, 80000, 100000);
    batch_until(p, seq, 1000, 66);
    peer_free(p);
}

static void or_at_the_eighth_super_segment_if_that_is_more(void **state)
{
    (void)state;
    uint32_t seq;
    struct peer *p = peer_settled_with(PEER_SCALING, 120000, &seq);
    assert_in_range(p->tcb->rcv.wnd, 90000, 120000);
    p->super = PEER_MSS;
    batch_until(p, seq, 10 * PEER_MSS, 8);
    peer_free(p);
}

static void disorder_is_acknowledged_at_once_within_a_batch(void **state)
{
    (void)state;
    uint32_t seq;
    struct peer *p = peer_settled(&seq);
    stack_batch_begin(&p->m->stack);
    peer_text(p, seq, 1000);
    peer_text(p, seq + 1000, 1000);
    peer_text(p, seq + 3000, 1000);
    peer_expect_ack(p, seq + 2000);
    peer_text(p, seq + 4000, 1000);
    peer_expect_ack(p, seq + 2000);
    stack_batch_end(&p->m->stack);
    peer_quiet(p);
    peer_free(p);
}

static void an_end_within_a_batch_leaves_nothing_to_acknowledge(void **state)
{
    (void)state;
    uint32_t seq;
    struct peer *p = peer_settled(&seq);
    stack_batch_begin(&p->m->stack);
    peer_text(p, seq, 2000);
    peer_send(p, TCP_RST, seq + 2000, 0);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    stack_batch_end(&p->m->stack);
    peer_quiet(p);
    peer_free(p);
}

/* Who was woken has a turn, and what it sends carries the ACK. */
static void what_is_read_within_a_pause_is_acknowledged_by_the_answer(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    stack_batch_begin(&p->m->stack);
    peer_text(p, 1, 100); /* which is acknowledged at once, as the first of a connection are */
    stack_batch_pause(&p->m->stack);
    peer_read(p, 1, 100);
    peer_quiet(p);
    peer_write(p, 10);
    assert_int_equal(peer_expect(p, TCP_ACK | TCP_PSH, 1, 10).ack, 101);
    stack_batch_end(&p->m->stack);
    peer_quiet(p);
    peer_free(p);
}

static void what_is_only_read_within_a_pause_is_acknowledged_at_its_end(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    for (uint32_t seq = 1; seq < 301; seq += 100) {
        stack_batch_begin(&p->m->stack);
        peer_text(p, seq, 100);
        stack_batch_pause(&p->m->stack);
        peer_read(p, seq, 100);
        peer_quiet(p);
    }
    stack_batch_end(&p->m->stack);
    peer_expect_ack(p, 301);
    peer_quiet(p);
    peer_free(p);
}

/* One turn may be over while another has hardly begun: what came within it has all of the next. */
static void what_has_waited_a_whole_turn_is_acknowledged_when_that_is_over(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    stack_batch_begin(&p->m->stack);
    peer_text(p, 1, 100);
    stack_batch_pause_late(&p->m->stack);
    peer_read(p, 1, 100);
    peer_quiet(p);
    stack_batch_begin(&p->m->stack);
    stack_batch_pause(&p->m->stack);
    peer_quiet(p);
    stack_batch_begin(&p->m->stack);
    stack_batch_pause_late(&p->m->stack);
    peer_expect_ack(p, 101);
    peer_quiet(p);
    stack_batch_begin(&p->m->stack);
    peer_text(p, 101, 100);
    stack_batch_pause_late(&p->m->stack);
    peer_read(p, 101, 100);
    peer_quiet(p);
    stack_batch_end(&p->m->stack); /* which is for all */
    peer_expect_ack(p, 201);
    peer_free(p);
}

static void what_an_answer_has_acknowledged_leaves_the_batch(void **state)
{
    (void)state;
    uint32_t seq;
    struct peer *p = peer_settled(&seq);
    stack_batch_begin(&p->m->stack);
    peer_text(p, seq, 2000);
    stack_batch_pause(&p->m->stack);
    peer_read(p, seq, 2000);
    peer_write(p, 10);
    peer_forget(p);
    stack_batch_begin(&p->m->stack);
    peer_text(p, seq + 2000, 10); /* too little to be acknowledged without delay */
    stack_batch_end(&p->m->stack);
    peer_quiet(p);
    peer_free(p);
}

/* Full-sized is what the packets are that the link has put together, not what they
 * make together. */
static void super_segment_tells_the_size_of_its_packets(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    p->super = 900;
    peer_text(p, 1, 9500);
    assert_int_equal(p->tcb->rcv.mss, 900);
    p->super = 950;
    peer_text(p, 20001, 9500); /* ahead of a hole too */
    assert_int_equal(p->tcb->rcv.mss, 950);
    p->super = 0;
    peer_text(p, 9501, 1000);
    assert_int_equal(p->tcb->rcv.mss, 1000);
    peer_forget(p);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_segments_of_a_connection_are_acknowledged_at_once),
        cmocka_unit_test(SHLD_18_MUST_40_acknowledgment_is_delayed_for_less_than_half_a_second),
        cmocka_unit_test(super_segment_tells_the_size_of_its_packets),
        cmocka_unit_test(SHLD_19_every_second_full_segment_is_acknowledged_at_once),
        cmocka_unit_test(MUST_58_delayed_acknowledgment_rides_on_data),
        cmocka_unit_test(disorder_is_acknowledged_at_once),
        cmocka_unit_test(who_answers_what_it_reads_is_left_the_time),
        cmocka_unit_test(MUST_59_acknowledgment_covers_all_that_has_arrived),
        cmocka_unit_test(what_arrives_together_is_acknowledged_together),
        cmocka_unit_test(a_long_batch_is_acknowledged_at_half_the_window),
        cmocka_unit_test(or_at_64_kilobytes_if_that_is_more),
        cmocka_unit_test(or_at_the_eighth_super_segment_if_that_is_more),
        cmocka_unit_test(disorder_is_acknowledged_at_once_within_a_batch),
        cmocka_unit_test(an_end_within_a_batch_leaves_nothing_to_acknowledge),
        cmocka_unit_test(what_is_read_within_a_pause_is_acknowledged_by_the_answer),
        cmocka_unit_test(what_is_only_read_within_a_pause_is_acknowledged_at_its_end),
        cmocka_unit_test(what_has_waited_a_whole_turn_is_acknowledged_when_that_is_over),
        cmocka_unit_test(what_an_answer_has_acknowledged_leaves_the_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
