#include "unit.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "tcp/ack.h"
#include "tcp/info.h"
#include "tcp/records.h"

enum { MSS = 1000 };

static struct stack *stack;
static struct tcp *tcp;

static struct tcb *tcb_new(void)
{
    struct tcb *tcb = aligned_alloc(alignof(struct tcb), sizeof *tcb);
    stack = calloc(1, sizeof *stack);
    tcp = calloc(1, sizeof *tcp);
    assert_non_null(tcb);
    assert_non_null(stack);
    assert_non_null(tcp);
    memset(tcb, 0, sizeof *tcb);
    list_init(&tcp->record_spares);
    tcb->tcp = tcp;
    stack->now_ns = TIME_S(1);
    tcb->stack = stack;
    tcb->snd.mss = MSS;
    tcb->cc.cwnd = 10;
    tcb->rtt.min_ns = TIME_MS(10);
    records_init(tcb);
    return tcb;
}

static void tcb_free(struct tcb *tcb)
{
    records_release(tcb);
    records_release_spares(tcp);
    free(tcb);
    free(tcp);
    free(stack);
}

static void transmit(struct tcb *tcb, uint32_t segments)
{
    assert_int_equal(records_add(tcb, tcb->snd.nxt, tcb->snd.nxt + segments * MSS, MSS), 0);
    tcb->snd.base = tcb->snd.nxt += segments * MSS; /* nothing is left to send */
}

static struct ack_event acknowledge(struct tcb *tcb, uint32_t segments)
{
    struct ack_event event = {.sack_sent_ns = TIME_NEVER, .first_sent_ns = TIME_NEVER};
    rate_check_app_limited(tcb);
    tcb->snd.una += segments * MSS;
    records_acknowledge(tcb, tcb->snd.una, &event);
    rate_finish(tcb, &event);
    return event;
}

static void after(uint64_t ns)
{
    stack->now_ns += ns;
}

/* Ten segments in a burst, acknowledged together a round trip later: ten in that time. */
static void burst_is_rated_by_the_time_of_its_acknowledgment(void **state)
{
    (void)state;
    struct tcb *tcb = tcb_new();
    transmit(tcb, 10);
    after(TIME_MS(20));
    struct ack_event event = acknowledge(tcb, 10);
    assert_int_equal(event.rate.delivered, 10);
    assert_int_equal(event.rate.interval_ns, TIME_MS(20));
    assert_int_equal(event.rate.rate, 10 * MSS * 50);
    assert_int_equal(event.rate.in_flight, 10);
    tcb_free(tcb);
}

/* ACKs that were held up and come in a heap do not make the path faster than it was sent over. */
static void compressed_acks_are_rated_by_the_time_of_sending(void **state)
{
    (void)state;
    struct tcb *tcb = tcb_new();
    for (int i = 0; i < 10; i++) {
        transmit(tcb, 1);
        after(TIME_MS(5));
    }
    acknowledge(tcb, 1);
    transmit(tcb, 1);
    after(TIME_MS(10));
    struct ack_event event = acknowledge(tcb, 10);
    assert_int_equal(event.rate.delivered, 10); /* in 10 ms, but sent in 50 */
    assert_int_equal(event.rate.interval_ns, TIME_MS(50));
    tcb_free(tcb);
}

static void sample_is_of_the_segment_sent_last(void **state)
{
    (void)state;
    struct tcb *tcb = tcb_new();
    transmit(tcb, 2);
    after(TIME_MS(1));
    transmit(tcb, 3);
    after(TIME_MS(20));
    struct ack_event event = {.sack_sent_ns = TIME_NEVER, .first_sent_ns = TIME_NEVER};
    records_sack(tcb, 2 * MSS, 5 * MSS, &event); /* the later first */
    tcb->snd.una = 2 * MSS;
    records_acknowledge(tcb, 2 * MSS, &event);
    rate_finish(tcb, &event);
    assert_int_equal(event.rate.end, 5 * MSS);
    assert_int_equal(event.rate.in_flight, 5);
    assert_int_equal(event.rate.delivered, 5);
    tcb_free(tcb);
}

/* The minimum interval: a retransmission acknowledged at once, for its original, says nothing. */
static void no_sample_in_less_than_a_round_trip(void **state)
{
    (void)state;
    struct tcb *tcb = tcb_new();
    transmit(tcb, 1);
    after(TIME_MS(9));
    struct ack_event event = acknowledge(tcb, 1);
    assert_true(event.rate.valid);
    assert_int_equal(event.rate.rate, 0);
    assert_int_equal(event.rate.interval_ns, 0);
    assert_int_equal(tcb->rate.latest, 0);
    tcb_free(tcb);
}

static void what_was_lost_since_the_sending_is_told(void **state)
{
    (void)state;
    struct tcb *tcb = tcb_new();
    transmit(tcb, 1);
    transmit(tcb, 1);
    records_mark_lost(tcb, records_first(tcb));
    records_resend(tcb, records_first(tcb), MSS);
    transmit(tcb, 1);
    after(TIME_MS(20));
    struct ack_event event = {.sack_sent_ns = TIME_NEVER, .first_sent_ns = TIME_NEVER};
    records_sack(tcb, MSS, 2 * MSS, &event);
    rate_finish(tcb, &event);
    assert_int_equal(event.rate.lost, 1);
    event = (struct ack_event){.sack_sent_ns = TIME_NEVER, .first_sent_ns = TIME_NEVER};
    records_sack(tcb, 2 * MSS, 3 * MSS, &event);
    rate_finish(tcb, &event);
    assert_int_equal(event.rate.lost, 0); /* it was sent after the loss */
    tcb_free(tcb);
}

/* What a run was in flight with is told of its first part as it was for that part. */
static void split_run_keeps_what_was_in_flight_with_each_part(void **state)
{
    (void)state;
    struct tcb *tcb = tcb_new();
    transmit(tcb, 2);
    transmit(tcb, 6);
    struct sent_record *upper = records_split(tcb, records_last(tcb), 6 * MSS);
    assert_int_equal(records_first(tcb)->flight, 2);
    assert_int_equal(records_next(records_first(tcb))->flight, 6);
    assert_int_equal(upper->flight, 8);
    tcb_free(tcb);
}

/* From when the sender ran dry until what was then in flight has been delivered. */
static void samples_around_a_time_without_data_are_marked(void **state)
{
    (void)state;
    struct tcb *tcb = tcb_new();
    transmit(tcb, 4);
    after(TIME_MS(20));
    struct ack_event event = acknowledge(tcb, 2); /* nothing is left to send */
    assert_false(event.rate.app_limited);         /* but there was when this was sent */
    assert_int_not_equal(tcb->rate.app_limited, 0);
    transmit(tcb, 2);
    after(TIME_MS(20));
    acknowledge(tcb, 2);
    event = acknowledge(tcb, 2);
    assert_true(event.rate.app_limited);
    tcb_free(tcb);
}

static void full_window_is_not_limited_by_the_user(void **state)
{
    (void)state;
    struct tcb *tcb = tcb_new();
    transmit(tcb, 10);
    rate_check_app_limited(tcb);
    assert_int_equal(tcb->rate.app_limited, 0);
    tcb_free(tcb);
}

static void loss_not_yet_repaired_is_not_limited_by_the_user(void **state)
{
    (void)state;
    struct tcb *tcb = tcb_new();
    transmit(tcb, 4);
    records_mark_lost(tcb, records_first(tcb));
    rate_check_app_limited(tcb);
    assert_int_equal(tcb->rate.app_limited, 0);
    tcb_free(tcb);
}

static void pacer_is_not_the_user(void **state)
{
    (void)state;
    struct tcb *tcb = tcb_new();
    transmit(tcb, 1);
    tcb->cc.next_send_ns = stack->now_ns + 1;
    rate_check_app_limited(tcb);
    assert_int_equal(tcb->rate.app_limited, 0);
    tcb_free(tcb);
}

static void info_tells_the_rate_and_whether_the_user_limited_it(void **state)
{
    (void)state;
    struct tcb *tcb = tcb_new();
    struct tern_tcp_info info;
    tcp_info_fill(tcb, &info);
    assert_int_equal(info.tcpi_delivery_rate, 0);
    assert_true(info.tcpi_delivery_rate_app_limited);

    transmit(tcb, 10);
    after(TIME_MS(20));
    acknowledge(tcb, 10);
    tcp_info_fill(tcb, &info);
    assert_int_equal(info.tcpi_delivery_rate, 10 * MSS * 50);
    assert_false(info.tcpi_delivery_rate_app_limited);

    /* A lower one that the user limited does not replace it, a higher one does. */
    rate_mark_app_limited(tcb);
    transmit(tcb, 1);
    after(TIME_MS(20));
    acknowledge(tcb, 1);
    tcp_info_fill(tcb, &info);
    assert_int_equal(info.tcpi_delivery_rate, 10 * MSS * 50);
    rate_mark_app_limited(tcb);
    transmit(tcb, 20);
    after(TIME_MS(20));
    acknowledge(tcb, 20);
    tcp_info_fill(tcb, &info);
    assert_int_equal(info.tcpi_delivery_rate, 20 * MSS * 50);
    assert_true(info.tcpi_delivery_rate_app_limited);
    tcb_free(tcb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(burst_is_rated_by_the_time_of_its_acknowledgment),
        cmocka_unit_test(compressed_acks_are_rated_by_the_time_of_sending),
        cmocka_unit_test(sample_is_of_the_segment_sent_last),
        cmocka_unit_test(no_sample_in_less_than_a_round_trip),
        cmocka_unit_test(what_was_lost_since_the_sending_is_told),
        cmocka_unit_test(split_run_keeps_what_was_in_flight_with_each_part),
        cmocka_unit_test(samples_around_a_time_without_data_are_marked),
        cmocka_unit_test(full_window_is_not_limited_by_the_user),
        cmocka_unit_test(loss_not_yet_repaired_is_not_limited_by_the_user),
        cmocka_unit_test(pacer_is_not_the_user),
        cmocka_unit_test(info_tells_the_rate_and_whether_the_user_limited_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
