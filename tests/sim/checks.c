#include "sim/checks.h"

#include "unit.h"

#include "base/seq.h"
#include "sock/tern.h"
#include "tcp/records.h"
#include "tcp/tcb.h"

/* The scoreboard's counters are what a count of the records gives. */
static void check_records(const struct tcb *tcb)
{
    uint32_t out = 0, sacked = 0, lost = 0, retransmitted = 0, count = 0;
    uint32_t at = tcb->snd.una;
    for (const struct sent_record *r = records_first(tcb); r; r = records_next(r)) {
        assert_true(r->start == at && seq_lt(r->start, r->end) && r->segments > 0);
        at = r->end;
        count++;
        out += r->segments;
        sacked += r->sacked ? r->segments : 0;
        lost += r->lost ? r->segments : 0;
        retransmitted += r->in_flight_again ? r->segments : 0;
        assert_false(r->sacked && (r->lost || r->in_flight_again));
    }
    assert_true(count == 0 || at == tcb->snd.nxt);
    assert_int_equal(tcb->records.count, count);
    assert_int_equal(tcb->records.out, out);
    assert_int_equal(tcb->records.lost_out, lost);
    assert_int_equal(tcb->records.retransmitted, retransmitted);
    if (tcb->opt.sack)
        assert_int_equal(tcb->records.sacked, sacked);
    if (tcb->recovery.phase == TCP_PHASE_OPEN) /* tcp/predict.c counts on it */
        assert_int_equal(tcb->records.sacked, 0);
}

/* Nobody has what the other does not know to have sent. */
static void check_both_ends(const struct tcb *a, const struct tcb *b)
{
    if (tcp_state_synchronized(a->state) && tcp_state_synchronized(b->state) &&
        endpoint_equal(&a->connection->local, &b->connection->remote))
        assert_true(seq_leq(a->snd.una, b->rcv.nxt) && seq_leq(b->rcv.nxt, a->snd.nxt));
}

void check_connections(const struct world *world)
{
    const struct tcb *end[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        struct tcp *tcp = tcp_of(&world->machine[i]->stack);
        for (struct list *l = tcp->all.next; l != &tcp->all; l = l->next) {
            const struct tcb *tcb = container_of(l, struct tcb, all);
            assert_true(seq_leq(tcb->snd.una, tcb->snd.nxt));
            assert_true(tcb->rcv.ring.length <= tcb->rcv.buffer + 65536);
            check_records(tcb);
            end[i] = tcb;
        }
    }
    if (end[0] && end[1]) {
        check_both_ends(end[0], end[1]);
        check_both_ends(end[1], end[0]);
    }
}

void check_nothing_left(const struct world *world, int index)
{
    const struct stack *stack = &world->machine[index]->stack;
    const struct tcp *tcp = tcp_of(stack);
    assert_true(list_empty(&tcp->all));
    assert_int_equal(tcp->connections.count, 0);
    assert_int_equal(tcp->half_open.count, 0);
    assert_int_equal(tcp->ports.count, 0);
    assert_int_equal(tcp->time_wait_count, 0);
    assert_int_equal(tcp->orphan_count, 0);
    assert_int_equal(tern_memory_used(world->machine[index]), 0);
}
