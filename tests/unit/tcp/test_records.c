/* The scoreboard against a model that knows the fate of every single segment and byte. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/random.h"
#include "base/seq.h"
#include "base/time.h"
#include "common/allocation.h"
#include "tcp/records.h"

enum { MSS = 10, START = 0xffffff80u, SEGMENTS = 4000 };

/* A connection block with nothing but a scoreboard. */
struct board {
    struct stack stack;
    struct tcp tcp;
    struct tcb tcb;
};

static struct board *board_new(void)
{
    struct board *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->stack.now_ns = TIME_S(1);
    b->tcb.stack = &b->stack;
    b->tcb.tcp = &b->tcp;
    list_init(&b->tcp.record_spares);
    b->tcb.opt.sack = true;
    b->tcb.snd.una = b->tcb.snd.nxt = START;
    b->tcb.records.highest_sacked = START;
    records_init(&b->tcb);
    return b;
}

static void board_free(struct board *b)
{
    records_release(&b->tcb);
    assert_int_equal(b->stack.memory_used_bytes, 0);
    assert_int_equal(b->tcb.records.count, 0);
    assert_true(list_empty(&b->tcb.records.in_flight) && list_empty(&b->tcb.records.lost));
    records_release_spares(&b->tcp);
    assert_int_equal(b->tcp.record_spare_count, 0);
    free(b);
}

static void transmit(struct board *b, uint32_t segments)
{
    uint32_t end = b->tcb.snd.nxt + segments * MSS;
    assert_int_equal(records_add(&b->tcb, b->tcb.snd.nxt, end, MSS), 0);
    b->tcb.snd.nxt = end;
    b->stack.now_ns += TIME_MS(1);
}

static struct ack_event event_new(const struct board *b)
{
    return (struct ack_event){.first_sent_ns = TIME_NEVER,
                              .last_sent_ns = TIME_NEVER,
                              .sack_sent_ns = TIME_NEVER,
                              .highest_sacked = b->tcb.snd.una};
}

static struct ack_event sack(struct board *b, uint32_t from, uint32_t to)
{
    struct ack_event event = event_new(b);
    records_sack(&b->tcb, START + from * MSS, START + to * MSS, &event);
    return event;
}

static struct ack_event acknowledge(struct board *b, uint32_t segments)
{
    struct ack_event event = event_new(b);
    b->tcb.snd.una = START + segments * MSS;
    records_acknowledge(&b->tcb, b->tcb.snd.una, &event);
    return event;
}

static void record_covers_a_transmitted_run(void **state)
{
    (void)state;
    struct board *b = board_new();
    transmit(b, 3);
    transmit(b, 1);
    assert_int_equal(b->tcb.records.count, 2);
    assert_int_equal(b->tcb.records.out, 4);
    const struct sent_record *first = records_first(&b->tcb);
    assert_ptr_equal(records_find(&b->tcb, START), first);
    assert_ptr_equal(records_find(&b->tcb, START + 3 * MSS - 1), first);
    assert_ptr_equal(records_find(&b->tcb, START + 3 * MSS), records_last(&b->tcb));
    assert_null(records_find(&b->tcb, START + 4 * MSS));
    assert_null(records_find(&b->tcb, START - 1));
    board_free(b);
}

static void sack_splits_what_it_parts_and_merges_what_it_joins(void **state)
{
    (void)state;
    struct board *b = board_new();
    transmit(b, 10);
    struct ack_event event = sack(b, 3, 5);
    assert_int_equal(event.sacked, 2);
    assert_int_equal(b->tcb.records.count, 3);
    sack(b, 7, 8);
    assert_int_equal(b->tcb.records.count, 5);
    sack(b, 5, 7);
    assert_int_equal(b->tcb.records.count, 3);
    assert_int_equal(b->tcb.records.sacked, 5);
    event = sack(b, 3, 8); /* nothing new */
    assert_int_equal(event.sacked, 0);
    assert_int_equal(event.delivered, 0);
    board_free(b);
}

/* A block that ends inside a segment does not show the whole of it to have arrived. */
static void only_whole_segments_count_as_sacked(void **state)
{
    (void)state;
    struct board *b = board_new();
    transmit(b, 4);
    struct ack_event event = event_new(b);
    records_sack(&b->tcb, START + MSS - 1, START + 3 * MSS - 1, &event);
    assert_int_equal(event.sacked, 1);
    assert_true(records_find(&b->tcb, START + MSS)->sacked);
    assert_false(records_find(&b->tcb, START)->sacked);
    assert_false(records_find(&b->tcb, START + 2 * MSS)->sacked);
    board_free(b);
}

static void partly_acknowledged_record_keeps_the_rest(void **state)
{
    (void)state;
    struct board *b = board_new();
    transmit(b, 4);
    struct ack_event event = acknowledge(b, 3);
    assert_int_equal(event.acked, 3);
    assert_int_equal(event.delivered, 3);
    assert_int_equal(b->tcb.records.out, 1);
    assert_int_equal(records_first(&b->tcb)->start, START + 3 * MSS);
    board_free(b);
}

static void lost_is_counted_once_and_taken_in_order_of_sequence(void **state)
{
    (void)state;
    struct board *b = board_new();
    for (int i = 0; i < 5; i++)
        transmit(b, 1);
    assert_null(records_next_lost(&b->tcb));
    struct sent_record *third = records_find(&b->tcb, START + 2 * MSS);
    struct sent_record *second = records_find(&b->tcb, START + MSS);
    assert_int_equal(records_mark_lost(&b->tcb, third), 1);
    assert_int_equal(records_mark_lost(&b->tcb, third), 0);
    assert_int_equal(records_mark_lost(&b->tcb, second), 1);
    assert_int_equal(b->tcb.records.lost_out, 2);
    assert_int_equal(tcb_in_flight(&b->tcb), 3);
    assert_ptr_equal(records_next_lost(&b->tcb), second);
    assert_ptr_equal(records_resend(&b->tcb, second, MSS), second);
    assert_ptr_equal(records_next_lost(&b->tcb), third);
    assert_int_equal(tcb_in_flight(&b->tcb), 4);
    /* Its retransmission is lost too. */
    assert_int_equal(records_mark_lost(&b->tcb, second), 1);
    assert_int_equal(b->tcb.records.lost_out, 2);
    assert_int_equal(tcb_in_flight(&b->tcb), 3);
    records_unmark_lost(&b->tcb, second);
    records_unmark_lost(&b->tcb, third);
    assert_int_equal(tcb_in_flight(&b->tcb), 5);
    assert_null(records_next_lost(&b->tcb));
    board_free(b);
}

static void resending_a_part_splits_the_record(void **state)
{
    (void)state;
    struct board *b = board_new();
    transmit(b, 5);
    struct sent_record *all = records_first(&b->tcb);
    records_mark_lost(&b->tcb, all);
    struct sent_record *part = records_resend(&b->tcb, all, 2 * MSS);
    assert_int_equal(part->segments, 2);
    assert_int_equal(records_next_lost(&b->tcb)->start, START + 2 * MSS);
    assert_int_equal(tcb_in_flight(&b->tcb), 2);
    board_free(b);
}

static void probe_does_not_count_as_a_second_copy_in_flight(void **state)
{
    (void)state;
    struct board *b = board_new();
    transmit(b, 2);
    records_probe(&b->tcb, records_first(&b->tcb));
    assert_int_equal(tcb_in_flight(&b->tcb), 2);
    assert_int_equal(b->tcb.records.retransmitted, 0);
    /* But Karn's algorithm must not take it for a sample. */
    assert_true(acknowledge(b, 2).retransmitted_acked);
    board_free(b);
}

static void reneging_forgets_every_sack(void **state)
{
    (void)state;
    struct board *b = board_new();
    transmit(b, 6);
    sack(b, 1, 2);
    sack(b, 4, 6);
    records_forget_sacks(&b->tcb);
    assert_int_equal(b->tcb.records.sacked, 0);
    assert_int_equal(tcb_in_flight(&b->tcb), 6);
    assert_int_equal(records_mark_lost(&b->tcb, records_find(&b->tcb, START + MSS)), 1);
    board_free(b);
}

static void smaller_segments_count_as_more(void **state)
{
    (void)state;
    struct board *b = board_new();
    transmit(b, 2);
    records_mark_lost(&b->tcb, records_first(&b->tcb));
    records_resize(&b->tcb, records_first(&b->tcb), MSS / 2);
    assert_int_equal(b->tcb.records.out, 4);
    assert_int_equal(b->tcb.records.lost_out, 4);
    board_free(b);
}

static void reordering_shows_when_what_was_sent_once_arrives_below_the_highest(void **state)
{
    (void)state;
    struct board *b = board_new();
    transmit(b, 10);
    b->tcb.records.highest_sacked = START + 8 * MSS;
    struct ack_event event = sack(b, 3, 4);
    assert_true(event.reordered);
    assert_int_equal(event.reordered_from, START + 3 * MSS);
    board_free(b);
}

static void record_limit_holds(void **state)
{
    (void)state;
    struct board *b = board_new();
    for (uint32_t i = 0; i < LIMIT_SENT_RECORDS; i++) {
        assert_true(records_room(&b->tcb));
        transmit(b, 1);
    }
    assert_false(records_room(&b->tcb));
    assert_int_equal(records_add(&b->tcb, b->tcb.snd.nxt, b->tcb.snd.nxt + 1, MSS), -ENOBUFS);
    board_free(b);
}

static void without_memory_nothing_changes(void **state)
{
    (void)state;
    struct board *b = board_new();
    transmit(b, 4);
    allocations_fail_after(0);
    assert_int_equal(records_add(&b->tcb, b->tcb.snd.nxt, b->tcb.snd.nxt + MSS, MSS), -ENOMEM);
    assert_null(records_split(&b->tcb, records_first(&b->tcb), START + MSS));
    assert_null(records_resend(&b->tcb, records_first(&b->tcb), MSS));
    assert_int_equal(sack(b, 1, 2).sacked, 0); /* it will be said again */
    allocations_succeed();
    assert_int_equal(b->tcb.records.count, 1);
    assert_int_equal(tcb_in_flight(&b->tcb), 4);
    assert_int_equal(sack(b, 1, 2).sacked, 1);
    board_free(b);
}

/* LIMIT_RECORD_SPARES; what is kept is nobody's, and not charged. */
static void records_done_with_are_kept_for_the_next(void **state)
{
    (void)state;
    struct board *b = board_new();
    for (uint32_t i = 0; i < LIMIT_RECORD_SPARES + 5; i++)
        transmit(b, 1);
    acknowledge(b, LIMIT_RECORD_SPARES + 4);
    assert_int_equal(b->tcp.record_spare_count, LIMIT_RECORD_SPARES);
    acknowledge(b, LIMIT_RECORD_SPARES + 5);
    assert_int_equal(b->tcp.record_spare_count, LIMIT_RECORD_SPARES);
    assert_int_equal(b->stack.memory_used_bytes, 0);
    transmit(b, 1);
    assert_int_equal(b->tcp.record_spare_count, LIMIT_RECORD_SPARES - 1);
    allocations_fail_after(0);
    transmit(b, 1);
    allocations_succeed();
    board_free(b);
}

/* ── Random operations against the model ── */

struct fate {
    bool sacked, lost, again, ever;
};

struct model {
    struct fate segment[SEGMENTS];
    uint32_t una, nxt; /* segments */
};

static void check(const struct board *b, const struct model *m)
{
    const struct tcb *tcb = &b->tcb;
    uint32_t out = 0, sacked = 0, lost = 0, again = 0, count = 0, waiting = 0, flying = 0;
    uint32_t at = m->una;
    for (const struct sent_record *r = records_first(tcb); r; r = records_next(r)) {
        assert_int_equal(r->start, START + at * MSS);
        assert_int_equal(r->end - r->start, r->segments * MSS);
        for (uint32_t i = 0; i < r->segments; i++, at++) {
            assert_int_equal(r->sacked, m->segment[at].sacked);
            assert_int_equal(r->lost, m->segment[at].lost);
            assert_int_equal(r->in_flight_again, m->segment[at].again);
            if (!r->sacked) /* merged ones share it */
                assert_int_equal(r->retransmitted, m->segment[at].ever);
        }
        const struct sent_record *next = records_next(r);
        assert_false(next && next->sacked && r->sacked); /* else they would be one */
        count++;
    }
    assert_int_equal(at, m->nxt);
    for (uint32_t i = m->una; i < m->nxt; i++) {
        out++;
        sacked += m->segment[i].sacked;
        lost += m->segment[i].lost;
        again += m->segment[i].again;
    }
    assert_int_equal(tcb->records.count, count);
    assert_int_equal(tcb->records.out, out);
    assert_int_equal(tcb->records.sacked, sacked);
    assert_int_equal(tcb->records.lost_out, lost);
    assert_int_equal(tcb->records.retransmitted, again);
    const struct sent_record *before = NULL;
    for (const struct list *l = tcb->records.lost.next; l != &tcb->records.lost; l = l->next) {
        const struct sent_record *r = container_of(l, struct sent_record, order);
        assert_true(r->lost && !r->in_flight_again);
        assert_true(!before || seq_lt(before->start, r->start));
        before = r;
        waiting += r->segments;
    }
    before = NULL;
    for (const struct list *l = tcb->records.in_flight.next; l != &tcb->records.in_flight;
         l = l->next) {
        const struct sent_record *r = container_of(l, struct sent_record, order);
        assert_true(!r->sacked && (!r->lost || r->in_flight_again));
        flying += r->segments;
    }
    assert_int_equal(waiting + flying + sacked, out);
}

static void model_sack(struct board *b, struct model *m, uint32_t from, uint32_t to)
{
    struct ack_event event = sack(b, from, to);
    uint32_t fresh = 0;
    for (uint32_t i = from; i < to; i++) {
        fresh += !m->segment[i].sacked;
        m->segment[i].sacked = true;
        m->segment[i].lost = m->segment[i].again = false;
    }
    assert_int_equal(event.sacked, fresh);
    assert_int_equal(event.delivered, fresh);
}

static void model_acknowledge(struct board *b, struct model *m, uint32_t to)
{
    uint32_t fresh = 0;
    bool again = false;
    for (uint32_t i = m->una; i < to; i++) {
        fresh += !m->segment[i].sacked;
        again = again || (m->segment[i].ever && !m->segment[i].sacked);
    }
    struct ack_event event = acknowledge(b, to);
    assert_int_equal(event.acked, to - m->una);
    assert_int_equal(event.delivered, fresh);
    if (again)
        assert_true(event.retransmitted_acked);
    m->una = to;
}

static void model_lose(struct board *b, struct model *m, uint32_t at)
{
    struct sent_record *r = records_find(&b->tcb, START + at * MSS);
    uint32_t from = (r->start - START) / MSS;
    records_mark_lost(&b->tcb, r);
    if (r->sacked)
        return;
    for (uint32_t i = 0; i < r->segments; i++) {
        m->segment[from + i].lost = true;
        m->segment[from + i].again = false;
    }
}

static void model_resend(struct board *b, struct model *m, uint32_t most)
{
    struct sent_record *r = records_next_lost(&b->tcb);
    if (!r)
        return;
    uint32_t segments = most < r->segments ? most : r->segments;
    uint32_t from = (r->start - START) / MSS;
    assert_non_null(records_resend(&b->tcb, r, segments * MSS));
    b->stack.now_ns += TIME_MS(1);
    for (uint32_t i = 0; i < segments; i++)
        m->segment[from + i].again = m->segment[from + i].ever = true;
}

static void model_step(struct board *b, struct model *m, struct random *random)
{
    uint32_t out = m->nxt - m->una;
    uint32_t choice = random_below(random, 100);
    if (choice < 25 || out == 0) {
        uint32_t more = 1 + random_below(random, 20);
        if (m->nxt + more > SEGMENTS)
            return;
        transmit(b, more);
        m->nxt += more;
        return;
    }
    uint32_t from = m->una + random_below(random, out);
    uint32_t to = from + 1 + random_below(random, m->nxt - from);
    if (choice < 50)
        model_sack(b, m, from, to < from + 5 ? to : from + 5);
    else if (choice < 60)
        model_acknowledge(b, m, to < m->una + 10 ? to : from);
    else if (choice < 80)
        model_lose(b, m, from);
    else if (choice < 99)
        model_resend(b, m, 1 + random_below(random, 4));
    else
        for (uint32_t i = m->una; i < m->nxt; i++)
            if (m->segment[i].lost)
                records_unmark_lost(&b->tcb, records_find(&b->tcb, START + i * MSS)),
                    m->segment[i].lost = false;
}

static void scoreboard_agrees_with_a_naive_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct random random;
        struct board *b = board_new();
        struct model *m = calloc(1, sizeof *m);
        assert_non_null(m);
        random_seed_number(&random, seed);
        for (int i = 0; i < 400; i++) {
            model_step(b, m, &random);
            check(b, m);
        }
        free(m);
        board_free(b);
    }
}

/* RFC 9937 §13, RFC 5681 §3.1: who acknowledges a segment in many small parts is not credited with
 * more than the one. */
static void parts_of_a_segment_count_once_it_is_whole(void **state)
{
    (void)state;
    struct board *b = board_new();
    transmit(b, 2);
    for (uint32_t part = 1; part < MSS; part++) {
        struct ack_event event = event_new(b);
        b->tcb.snd.una = START + part;
        records_acknowledge(&b->tcb, b->tcb.snd.una, &event);
        assert_int_equal(event.acked, 0);
        assert_int_equal(event.delivered, 0);
    }
    struct ack_event event = acknowledge(b, 1);
    assert_int_equal(event.acked, 1);
    assert_int_equal(event.delivered, 1);
    board_free(b);
}

/* RFC 8985 §6.2 step 2: an echo older than the retransmission tells that the original arrived,
 * which says nothing of what was sent before the retransmission. */
static void echo_of_the_original_does_not_move_RACK_on(void **state)
{
    (void)state;
    for (uint32_t late = 0; late < 2; late++) {
        struct board *b = board_new();
        transmit(b, 3);
        uint64_t first_ns = records_first(&b->tcb)->sent_ns;
        b->stack.now_ns += TIME_MS(100);
        records_mark_lost(&b->tcb, records_first(&b->tcb));
        struct sent_record *again = records_resend(&b->tcb, records_first(&b->tcb), MSS);
        uint64_t again_ns = again->sent_ns;
        b->stack.now_ns += TIME_MS(100);
        struct ack_event event = event_new(b);
        event.echoes = true;
        event.echo = (uint32_t)((late ? again_ns : first_ns) / TIME_MS(1));
        b->tcb.snd.una = START + MSS;
        records_acknowledge(&b->tcb, b->tcb.snd.una, &event);
        assert_int_equal(b->tcb.rack.sent_ns, late ? again_ns : 0);
        board_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_covers_a_transmitted_run),
        cmocka_unit_test(sack_splits_what_it_parts_and_merges_what_it_joins),
        cmocka_unit_test(only_whole_segments_count_as_sacked),
        cmocka_unit_test(partly_acknowledged_record_keeps_the_rest),
        cmocka_unit_test(lost_is_counted_once_and_taken_in_order_of_sequence),
        cmocka_unit_test(resending_a_part_splits_the_record),
        cmocka_unit_test(probe_does_not_count_as_a_second_copy_in_flight),
        cmocka_unit_test(reneging_forgets_every_sack),
        cmocka_unit_test(smaller_segments_count_as_more),
        cmocka_unit_test(reordering_shows_when_what_was_sent_once_arrives_below_the_highest),
        cmocka_unit_test(record_limit_holds),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(records_done_with_are_kept_for_the_next),
        cmocka_unit_test(scoreboard_agrees_with_a_naive_model),
        cmocka_unit_test(parts_of_a_segment_count_once_it_is_whole),
        cmocka_unit_test(echo_of_the_original_does_not_move_RACK_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
