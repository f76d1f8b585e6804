/* What header prediction takes for the usual segment, and each thing that makes it another. That
 * what it takes fares as it would otherwise is tests/sim/test_prediction.c's. */
#include "tcp_peer.h"

#include "tcp/predict.h"

enum { TIMESTAMPS = 12 };

static struct peer *peer_opened(enum peer_offer offer)
{
    struct peer *p = peer_new();
    peer_open(p, offer);
    return p;
}

/* As tcp_parse() would give it. */
static struct segment segment_of(const struct peer *p, uint32_t length)
{
    struct segment segment = peer_segment(p, TCP_ACK, p->next, length);
    segment.header_length = TCP_HEADER_MIN + (p->timestamps ? TIMESTAMPS : 0);
    return segment;
}

/* A connection with two segments out, and text that comes with an acknowledgment of the first. */
static struct peer *peer_busy(struct segment *segment)
{
    struct peer *p = peer_opened(PEER_FULL);
    peer_flight(p, 1, 2);
    p->acked = 1001;
    *segment = segment_of(p, 500);
    assert_true(predict_holds(p->tcb, segment));
    return p;
}

/* Not where `member`, of the connection or the segment, is `value`. */
#define assert_not_with(member, value)                 \
    do {                                               \
        struct tcb tcb_before = *p->tcb;               \
        struct segment segment_before = segment;       \
        assert_true(predict_holds(p->tcb, &segment));  \
        member = (value);                              \
        assert_false(predict_holds(p->tcb, &segment)); \
        *p->tcb = tcb_before;                          \
        segment = segment_before;                      \
    } while (0)

static void next_text_is_predicted_pushed_or_not(void **state)
{
    (void)state;
    for (int offer = PEER_PLAIN; offer <= PEER_FULL; offer++) {
        struct peer *p = peer_opened((enum peer_offer)offer);
        struct segment segment = segment_of(p, 500);
        assert_true(predict_holds(p->tcb, &segment));
        segment.flags |= TCP_PSH;
        assert_true(predict_holds(p->tcb, &segment));
        peer_free(p);
    }
}

static void acknowledgment_of_what_is_out_is_predicted(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_FULL);
    peer_flight(p, 1, 2);
    for (p->acked = 2; p->acked <= 2001; p->acked++) {
        struct segment segment = segment_of(p, 0);
        assert_true(predict_holds(p->tcb, &segment));
    }
    peer_free(p);
}

/* RFC 9293 §3.10.7.4, fifth; RFC 5681 §2: it may be a duplicate. */
static void acknowledgment_of_nothing_new_is_not_unless_text_comes_with_it(void **state)
{
    (void)state;
    struct segment segment;
    struct peer *p = peer_busy(&segment);
    segment.ack = p->tcb->snd.una;
    assert_true(predict_holds(p->tcb, &segment));
    segment.length = 0;
    assert_false(predict_holds(p->tcb, &segment));
    peer_free(p);
}

static void acknowledgment_of_what_was_never_sent_or_is_old_is_not(void **state)
{
    (void)state;
    struct segment segment;
    struct peer *p = peer_busy(&segment);
    assert_not_with(segment.ack, p->tcb->snd.nxt + 1);
    assert_not_with(segment.ack, p->tcb->snd.una - 1);
    peer_free(p);
}

static void no_other_flag_is(void **state)
{
    (void)state;
    struct segment segment;
    struct peer *p = peer_busy(&segment);
    static const uint16_t flags[] = {TCP_FIN, TCP_SYN, TCP_RST, TCP_URG, TCP_ECE, TCP_CWR, TCP_AE};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        assert_not_with(segment.flags, (uint16_t)(TCP_ACK | flags[i]));
    assert_not_with(segment.flags, TCP_PSH);
    peer_free(p);
}

static void text_that_is_not_next_is_not(void **state)
{
    (void)state;
    struct segment segment;
    struct peer *p = peer_busy(&segment);
    assert_not_with(segment.seq, p->tcb->rcv.nxt + 1);
    assert_not_with(segment.seq, p->tcb->rcv.nxt - 1);
    peer_free(p);
}

static void text_beyond_the_window_is_not(void **state)
{
    (void)state;
    struct segment segment;
    struct peer *p = peer_busy(&segment);
    segment.length = p->tcb->rcv.wup + p->tcb->rcv.wnd - p->tcb->rcv.nxt;
    assert_not_with(segment.length, segment.length + 1);
    peer_free(p);
}

static void nothing_is_while_text_or_a_FIN_is_held_behind_a_hole(void **state)
{
    (void)state;
    struct segment segment;
    struct peer *p = peer_busy(&segment);
    assert_not_with(p->tcb->rcv.fin_seen, true);
    peer_send(p, TCP_ACK, 2001, 10);
    assert_false(predict_holds(p->tcb, &segment));
    peer_free(p);
}

/* RFC 7323 §5.6: PAWS comes first. */
static void older_timestamp_is_not(void **state)
{
    (void)state;
    struct segment segment;
    struct peer *p = peer_busy(&segment);
    segment.options.timestamp_value = p->tcb->opt.ts_recent;
    assert_not_with(segment.options.timestamp_value, p->tcb->opt.ts_recent - 1);
    peer_free(p);
}

static void missing_timestamp_is_not(void **state)
{
    (void)state;
    struct segment segment;
    struct peer *p = peer_busy(&segment);
    assert_not_with(segment.options.has_timestamps, false);
    peer_free(p);
}

static void other_options_are_not(void **state)
{
    (void)state;
    struct segment segment;
    struct peer *p = peer_busy(&segment);
    assert_not_with(segment.header_length, TCP_HEADER_MIN);
    assert_not_with(segment.header_length, TCP_HEADER_MIN + TIMESTAMPS + 4);
    peer_free(p);
    p = peer_opened(PEER_PLAIN);
    segment = segment_of(p, 10);
    assert_not_with(segment.header_length, TCP_HEADER_MIN + TIMESTAMPS);
    peer_free(p);
}

/* RFC 3168 §6.1.3. */
static void mark_and_what_may_be_marked_for_the_first_time_is_not(void **state)
{
    (void)state;
    struct segment segment;
    struct peer *p = peer_busy(&segment);
    struct ecn_state *ecn = &p->tcb->ecn;
    ecn->handshake.mode = ECN_CLASSIC;
    assert_not_with(segment.ecn, ECN_ECT0);
    ecn->ect_seen = true;
    segment.ecn = ECN_ECT0;
    assert_not_with(segment.ecn, ECN_CE);
    assert_not_with(segment.ecn, ECN_NOT_ECT);
    segment.length = 0; /* what is pure is not marked, or not for us */
    segment.ecn = ECN_NOT_ECT;
    assert_true(predict_holds(p->tcb, &segment));
    peer_free(p);
}

/* RFC 9768 §3.2. */
static void nothing_is_with_AccECN(void **state)
{
    (void)state;
    struct segment segment;
    struct peer *p = peer_busy(&segment);
    assert_not_with(p->tcb->ecn.handshake.mode, ECN_ACCURATE);
    peer_free(p);
}

static void nothing_is_in_any_state_but_ESTABLISHED(void **state)
{
    (void)state;
    struct segment segment;
    struct peer *p = peer_busy(&segment);
    for (enum tcp_state s = TCP_CLOSED; s < TCP_STATES; s++)
        if (s != TCP_ESTABLISHED)
            assert_not_with(p->tcb->state, s);
    peer_free(p);
}

static void nothing_is_while_something_is_missing_or_probed_for(void **state)
{
    (void)state;
    struct segment segment;
    struct peer *p = peer_busy(&segment);
    for (enum tcp_phase phase = TCP_PHASE_DISORDER; phase <= TCP_PHASE_LOSS; phase++)
        assert_not_with(p->tcb->recovery.phase, phase);
    assert_not_with(p->tcb->records.lost_out, 1);
    assert_not_with(p->tcb->rack.probe_out, true);
    assert_not_with(p->tcb->deadline_ns[TCP_TIMER_PERSIST], TIME_S(100));
    peer_free(p);
}

static void nothing_is_when_it_is_switched_off(void **state)
{
    (void)state;
    struct segment segment;
    struct peer *p = peer_busy(&segment);
    peer_settings(p)->tcp_header_prediction = 0;
    assert_false(predict_holds(p->tcb, &segment));
    peer_free(p);
}

static void hits_are_counted(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        struct peer *p = peer_opened(PEER_FULL);
        peer_settings(p)->tcp_header_prediction = on;
        peer_flight(p, 1, 2);
        peer_text(p, 1, 10);
        peer_ack(p, 1001);
        peer_ack(p, 1001);
        p->acked = 2001;
        peer_text(p, 11, 10);
        assert_int_equal(machine_counter(p->m, "TcpExtTCPHPHits"), on ? 2 : 0);
        assert_int_equal(machine_counter(p->m, "TcpExtTCPHPAcks"), on ? 1 : 0);
        peer_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_text_is_predicted_pushed_or_not),
        cmocka_unit_test(acknowledgment_of_what_is_out_is_predicted),
        cmocka_unit_test(acknowledgment_of_nothing_new_is_not_unless_text_comes_with_it),
        cmocka_unit_test(acknowledgment_of_what_was_never_sent_or_is_old_is_not),
        cmocka_unit_test(no_other_flag_is),
        cmocka_unit_test(text_that_is_not_next_is_not),
        cmocka_unit_test(text_beyond_the_window_is_not),
        cmocka_unit_test(nothing_is_while_text_or_a_FIN_is_held_behind_a_hole),
        cmocka_unit_test(older_timestamp_is_not),
        cmocka_unit_test(missing_timestamp_is_not),
        cmocka_unit_test(other_options_are_not),
        cmocka_unit_test(mark_and_what_may_be_marked_for_the_first_time_is_not),
        cmocka_unit_test(nothing_is_with_AccECN),
        cmocka_unit_test(nothing_is_in_any_state_but_ESTABLISHED),
        cmocka_unit_test(nothing_is_while_something_is_missing_or_probed_for),
        cmocka_unit_test(nothing_is_when_it_is_switched_off),
        cmocka_unit_test(hits_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
