/* Memory that runs short: what gives way, and that what is open gets on (security rule 16). */
#include "tcp_peer.h"

#include "tcp/memory.h"
#include "tcp/output.h"

static bool each_from_elsewhere; /* another peer's */

/* Another connection of the same machine. */
static struct peer *another(struct peer *p, enum peer_offer offer)
{
    static uint16_t port = 10000;
    struct peer *other = calloc(1, sizeof *other);
    assert_non_null(other);
    *other = (struct peer){.m = p->m, .ts = 1000, .window = PEER_WINDOW, .theirs = p->theirs};
    other->theirs.port = port++;
    if (each_from_elsewhere)
        other->theirs.address = address_from_ipv4(PEER_ADDRESS + 2 + other->theirs.port % 128);
    machine_clear(p->m);
    peer_open(other, offer);
    machine_clear(p->m);
    p->seen = 0;
    other->seen = 0;
    return other;
}

static void another_free(struct peer *other)
{
    if (other->tcb)
        tcp_abort(other->tcb);
    free(other);
}

/* Puts the marks so that there are `bytes` left below memory.high, and memory is short already. */
static void leave(struct peer *p, int64_t bytes)
{
    struct settings *s = peer_settings(p);
    s->memory_low = s->memory_pressure = 1;
    s->memory_high = (int64_t)p->m->stack.memory_used_bytes + bytes;
    stack_charge(&p->m->stack, 0);
    assert_true(p->m->stack.memory_short);
}

static void leave_plenty(struct peer *p)
{
    struct settings *s = peer_settings(p);
    s->memory_low = s->memory_pressure = s->memory_high = 1 << 30;
    stack_charge(&p->m->stack, 0);
    assert_false(p->m->stack.memory_short);
}

static void memory_is_short_from_one_mark_until_below_the_other(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct stack *stack = &p->m->stack;
    uint64_t used = stack->memory_used_bytes;
    stack->settings.memory_low = (int64_t)used + 100;
    stack->settings.memory_pressure = (int64_t)used + 200;
    stack_charge(stack, 200);
    assert_false(stack->memory_short);
    stack_charge(stack, 1);
    assert_true(stack->memory_short);
    stack_charge(stack, -100);
    assert_true(stack->memory_short);
    stack_charge(stack, -1);
    assert_false(stack->memory_short);
    stack_charge(stack, -100);
    peer_free(p);
}

/* 1 */
static void rings_give_back_what_they_do_not_need(void **state)
{
    (void)state;
    struct peer *p = peer_new(), *other = NULL;
    peer_open(p, PEER_PLAIN);
    other = another(p, PEER_PLAIN);
    for (uint32_t seq = 1; seq < 30000; seq += 1000)
        peer_text(p, seq, 1000);
    peer_read(p, 1, 29000);
    uint32_t before = ring_capacity(&p->tcb->rcv.ring);
    assert_true(before >= 30000);
    leave(p, 0);
    peer_text(other, 1, 1000); /* needs memory */
    assert_true(ring_capacity(&p->tcb->rcv.ring) < 4096);
    assert_int_equal(peer_read(p, 29001, 2000), 1000);
    assert_int_equal(peer_read(other, 1, 2000), 1000);
    another_free(other);
    peer_free(p);
}

/* 2, and SHLD-14: what was offered stays so. */
static void window_does_not_grow_nor_shrink(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    uint32_t edge = p->tcb->rcv.wup + p->tcb->rcv.wnd;
    leave(p, 1 << 20);
    uint32_t limit = p->tcb->rcv.limit, buffer = p->tcb->rcv.buffer;
    for (uint32_t seq = 1; seq < 50000; seq += 1000) {
        peer_text(p, seq, 1000);
        peer_read(p, seq, 1000);
        peer_after(p, PEER_RTT_MS);
        uint32_t now = p->tcb->rcv.wup + p->tcb->rcv.wnd;
        assert_true(seq_geq(now, edge));
        edge = now;
    }
    assert_int_equal(p->tcb->rcv.limit, limit);
    assert_int_equal(p->tcb->rcv.buffer, buffer);
    for (uint32_t seq = 50001; seq < 90000; seq += 1000)
        peer_text(p, seq, 1000), peer_read(p, seq, 1000);
    assert_true(p->tcb->rcv.wnd <= 4 * 1460); /* a few segments */
    peer_free(p);
}

static void send_buffer_does_not_grow(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->tcp_sndbuf = 4096;
    peer_open(p, PEER_PLAIN);
    leave(p, 1 << 20);
    while (peer_write_flags(p, 1000, 0) > 0)
        ;
    peer_ack(p, 3001);
    assert_int_equal(p->tcb->preferences.send_buffer, 4096);
    leave_plenty(p);
    while (peer_write_flags(p, 1000, 0) > 0)
        ;
    peer_ack(p, p->tcb->snd.nxt - p->iss);
    assert_true(p->tcb->preferences.send_buffer > 4096);
    peer_free(p);
}

/* 3 */
static void text_behind_a_hole_is_not_kept(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_SACK);
    leave(p, 1 << 20);
    assert_int_equal(peer_text(p, 2001, 1000), DROP_TCP_MEMORY);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPOFODrop"), 1);
    assert_int_equal(p->tcb->rcv.out_of_order.count, 0);
    assert_int_equal(peer_expect_ack(p, 1).options.sack_count, 0);
    peer_free(p);
}

/* 4 and 5 */
static void what_is_held_behind_holes_is_given_up(void **state)
{
    (void)state;
    struct peer *p = peer_new(), *other;
    peer_open(p, PEER_SACK);
    for (uint32_t seq = 10001; seq < 40000; seq += 1000)
        assert_int_equal(peer_text(p, seq, 1000), DROP_NONE);
    other = another(p, PEER_SACK);
    assert_int_equal(p->tcb->rcv.out_of_order.count, 1);
    leave(p, 0);
    assert_int_equal(peer_text(other, 1, 1000), DROP_NONE);
    assert_int_equal(p->tcb->rcv.out_of_order.count, 0);
    assert_int_equal(machine_counter(p->m, "TcpExtOfoPruned"), 1);
    peer_forget(p);
    tcp_send_ack(p->tcb, WHY_ACK); /* it is reported no longer (RFC 2018 §8) */
    assert_int_equal(peer_expect_ack(p, 1).options.sack_count, 0);
    /* It is sent again, and all is well. */
    leave_plenty(p);
    for (uint32_t seq = 1; seq < 40000; seq += 1000)
        assert_int_equal(peer_text(p, seq, 1000), DROP_NONE);
    assert_int_equal(peer_read(p, 1, 50000), 40000);
    another_free(other);
    peer_free(p);
}

/* 6 */
static void orphans_are_reset_oldest_first_and_as_few_as_will_do(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct peer *orphans[3];
    peer_open(p, PEER_PLAIN);
    for (int i = 0; i < 3; i++) {
        orphans[i] = another(p, PEER_PLAIN);
        peer_write(orphans[i], 10000);
        tcp_detach(orphans[i]->tcb);
    }
    leave(p, 0);
    machine_clear(p->m);
    p->seen = 0;
    assert_int_equal(peer_text(p, 1, 1000), DROP_NONE);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPAbortOnMemory"), 1);
    assert_int_equal(peer_take(p).flags, TCP_RST | TCP_ACK);
    assert_int_equal(tcp_orphan_count(&p->m->stack), 2);
    for (int i = 0; i < 3; i++)
        free(orphans[i]);
    peer_free(p);
}

/* An orphan needs memory itself: all others go, and it stays whole. */
static void only_the_connection_at_hand_is_spared(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct peer *orphans[3];
    for (int i = 0; i < 3; i++) {
        orphans[i] = another(p, PEER_PLAIN);
        peer_write(orphans[i], 10000);
        tcp_detach(orphans[i]->tcb);
    }
    leave(p, -1);
    assert_false(tcp_memory_for(orphans[1]->tcb, 1 << 20));
    assert_int_equal(machine_counter(p->m, "TcpExtTCPAbortOnMemory"), 2);
    assert_int_equal(tcp_orphan_count(&p->m->stack), 1);
    assert_int_equal(orphans[1]->tcb->state, TCP_FIN_WAIT_1);
    assert_int_equal(orphans[1]->tcb->snd.ring.length, 10000);
    for (int i = 0; i < 3; i++)
        free(orphans[i]);
    peer_free(p);
}

/* 7 */
static void nothing_begins_that_could_not_be_carried_on(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_listen(p, 10);
    peer_settings(p)->memory_high = (int64_t)p->m->stack.memory_used_bytes;
    assert_int_equal(peer_send_raw(p, peer_syn(p, TCP_SYN, PEER_PLAIN)), DROP_NO_MEMORY);
    peer_quiet(p);
    struct tcb *tcb;
    assert_int_equal(tcp_create(&p->m->stack, NULL, &tcb), -ENOMEM);
    leave_plenty(p);
    peer_accept(p, PEER_PLAIN);
    peer_free(p);
}

/* 8, and that each gets on: text is dropped where some waits to be read, and taken where none does;
 * and the same for what is written. */
static void established_connections_live_on_and_get_on(void **state)
{
    (void)state;
    enum { OTHERS = 20 };
    struct peer *p = peer_new(), *others[OTHERS];
    peer_open(p, PEER_PLAIN);
    for (int i = 0; i < OTHERS; i++)
        others[i] = another(p, PEER_PLAIN);
    leave(p, 0);
    for (int i = 0; i < OTHERS; i++) {
        struct peer *o = others[i];
        uint32_t seq = 1;
        while (peer_text(o, seq, 1000) == DROP_NONE) /* nobody reads */
            seq += 1000;
        assert_in_range(seq, 1001, 5001);
        /* Told of no more than came. */
        peer_forget(o);
        assert_int_equal(peer_text(o, seq, 1000), DROP_TCP_MEMORY);
        peer_expect_ack(o, seq);
        /* Read, it goes on. */
        assert_int_equal(peer_read(o, 1, 10000), seq - 1);
        assert_int_equal(peer_text(o, seq, 1000), DROP_NONE);
        assert_int_equal(peer_read(o, seq, 1000), 1000);
        /* Written, as much as goes at once; then it waits, and is told. */
        assert_int_equal(peer_write_flags(o, 100000, 0), 1000);
        assert_int_equal(peer_write_flags(o, 100000, 0), -EAGAIN);
        assert_false(tcp_readiness(o->tcb) & POLLOUT);
        o->events = 0;
        peer_ack(o, o->tcb->snd.nxt - o->iss);
        assert_true(o->events & POLLOUT);
        machine_clear(p->m);
        p->seen = 0;
    }
    assert_true(machine_counter(p->m, "TcpExtTCPRcvQDrop") >= OTHERS);
    for (int i = 0; i < OTHERS; i++) {
        assert_int_equal(others[i]->tcb->state, TCP_ESTABLISHED);
        another_free(others[i]);
    }
    peer_free(p);
}

static void idle_connections_rest_without_delay(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    struct peer *other = another(p, PEER_PLAIN);
    struct tcp_connection *idle = tcp_connection_keep(other->tcb);
    other->tcb = NULL;
    peer_after(p, 10);
    assert_false(tcp_connection_rests(idle));
    leave(p, 10000);
    tcp_memory_for(p->tcb, 1);
    peer_after(p, 0);
    assert_true(tcp_connection_rests(idle));
    leave_plenty(p);
    tcp_abort(tcp_connection_wake_to_end(idle));
    another_free(other);
    peer_free(p);
}

/* ── Connections at rest ── */

/* Each has come to rest, and p->tcb of each is NULL. */
static struct tcp_connection *at_rest(struct peer *p)
{
    struct tcp_connection *connection = tcp_connection_keep(p->tcb);
    p->tcb = NULL;
    peer_after(p, 1500);
    assert_true(tcp_connection_rests(connection));
    return connection;
}

static void end_kept(struct tcp_connection *connection)
{
    tcp_abort(tcp_connection_wake_to_end(connection));
}

enum { RESTING = LIMIT_WOKEN_BEYOND + 3 };

/* Connections of as many peers, all at rest, and as much memory in use as may be. */
struct resting {
    struct peer *peers[RESTING];
    struct tcp_connection *connections[RESTING];
};

static void rest_many(struct peer *p, struct resting *all)
{
    each_from_elsewhere = true;
    for (int i = 0; i < RESTING; i++) {
        all->peers[i] = another(p, PEER_PLAIN);
        all->connections[i] = at_rest(all->peers[i]);
    }
    each_from_elsewhere = false;
    leave(p, 0);
}

/* The i-th, which next looks at what is sent from now on. */
static struct peer *turn_of(struct resting *all, int i)
{
    machine_clear(all->peers[i]->m);
    all->peers[i]->seen = 0;
    return all->peers[i];
}

/* 7: peers wake each a connection, with a byte that nobody reads. */
static void only_so_many_at_rest_wake_beyond_the_mark(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct resting all;
    rest_many(p, &all);
    int woken = 0;
    for (int i = 0; i < RESTING; i++) {
        woken += peer_text(turn_of(&all, i), 1, 1) == DROP_NONE;
        assert_int_equal(!tcp_connection_rests(all.connections[i]), i < LIMIT_WOKEN_BEYOND);
    }
    assert_int_equal(woken, LIMIT_WOKEN_BEYOND);
    /* What is refused has not been acknowledged, and comes again: as soon as one of the others has
     * been read, and rests, or is over. */
    struct peer *refused = all.peers[RESTING - 1];
    assert_int_equal(peer_text(refused, 1, 1), DROP_NO_MEMORY);
    peer_quiet(refused);
    end_kept(all.connections[0]);
    assert_int_equal(peer_text(refused, 1, 1), DROP_NONE);
    assert_int_equal(peer_text(all.peers[RESTING - 2], 1, 1), DROP_NO_MEMORY);
    refused->tcb = all.connections[RESTING - 1]->tcb;
    assert_int_equal(peer_read(refused, 1, 1), 1);
    peer_after(refused, 3000);
    assert_true(tcp_connection_rests(all.connections[RESTING - 1]));
    assert_int_equal(peer_text(all.peers[RESTING - 2], 1, 1), DROP_NONE);
    /* Memory is there again: so is everybody. */
    leave_plenty(p);
    assert_int_equal(peer_text(all.peers[RESTING - 3], 1, 1), DROP_NONE);
    for (int i = 0; i < RESTING; i++) {
        if (i > 0)
            end_kept(all.connections[i]);
        free(all.peers[i]);
    }
    peer_free(p);
}

/* 7: what has been woken beyond the mark counts for that only until there is room for it below:
 * when memory runs short anew, as many may wake as before. */
static void who_wakes_beyond_the_mark_is_within_it_once_there_is_room(void **state)
{
    (void)state;
    enum { ALL = 2 * LIMIT_WOKEN_BEYOND + 2 };
    struct peer *p = peer_new(), *others[ALL];
    struct tcp_connection *connections[ALL];
    each_from_elsewhere = true;
    for (int i = 0; i < ALL; i++) {
        others[i] = another(p, PEER_PLAIN);
        connections[i] = at_rest(others[i]);
    }
    each_from_elsewhere = false;
    leave(p, 0);
    for (int i = 0; i < LIMIT_WOKEN_BEYOND; i++)
        assert_int_equal(peer_text(others[i], 1, 1), DROP_NONE); /* nobody reads */
    leave(p, sizeof(struct tcb));
    assert_int_equal(peer_text(others[ALL - 1], 1, 1), DROP_NONE);
    leave(p, 0);
    for (int i = LIMIT_WOKEN_BEYOND; i < ALL - 1; i++) {
        machine_clear(p->m);
        others[i]->seen = 0;
        assert_int_equal(peer_text(others[i], 1, 1),
                         i < 2 * LIMIT_WOKEN_BEYOND ? DROP_NONE : DROP_NO_MEMORY);
    }
    /* Those of before are not counted when they go. */
    end_kept(connections[0]);
    assert_int_equal(peer_text(others[ALL - 2], 1, 1), DROP_NO_MEMORY);
    end_kept(connections[LIMIT_WOKEN_BEYOND]);
    assert_int_equal(peer_text(others[ALL - 2], 1, 1), DROP_NONE);
    for (int i = 0; i < ALL; i++) {
        if (i != 0 && i != LIMIT_WOKEN_BEYOND)
            end_kept(connections[i]);
        free(others[i]);
    }
    peer_free(p);
}

/* 7: a peer that has many connections and keeps them awake leaves room for others. */
static void one_peer_does_not_take_all_places_beyond_the_mark(void **state)
{
    (void)state;
    enum { MANY = LIMIT_WOKEN_BY_PEER + 1 };
    struct peer *p = peer_new(), *its[MANY + 1];
    struct tcp_connection *connections[MANY + 1];
    for (int i = 0; i <= MANY; i++) {
        each_from_elsewhere = i == MANY;
        its[i] = another(p, PEER_PLAIN);
        connections[i] = at_rest(its[i]);
    }
    each_from_elsewhere = false;
    leave(p, 0);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(peer_text(its[i], 1, 1),
                         i < LIMIT_WOKEN_BY_PEER ? DROP_NONE : DROP_NO_MEMORY);
    assert_int_equal(peer_text(its[MANY], 1, 1), DROP_NONE);
    end_kept(connections[0]);
    assert_int_equal(peer_text(its[MANY - 1], 1, 1), DROP_NONE);
    for (int i = 0; i <= MANY; i++) {
        if (i > 0)
            end_kept(connections[i]);
        free(its[i]);
    }
    peer_free(p);
}

/* Who pings and brings nothing has no connection awake for longer than that takes. */
static void keepalives_are_answered_beyond_the_mark(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct resting all;
    rest_many(p, &all);
    for (int i = 0; i < RESTING; i++) {
        struct peer *pinging = turn_of(&all, i);
        peer_send(pinging, TCP_ACK, 0, 0);
        peer_expect_ack(pinging, 1);
    }
    for (int i = 0; i < RESTING; i++) {
        assert_true(tcp_connection_rests(all.connections[i]));
        end_kept(all.connections[i]);
        free(all.peers[i]);
    }
    peer_free(p);
}

/* 6 */
static void who_wakes_has_orphans_reset(void **state)
{
    (void)state;
    struct peer *p = peer_new(), *orphan;
    peer_open(p, PEER_PLAIN);
    struct tcp_connection *connection = at_rest(p);
    orphan = another(p, PEER_PLAIN);
    peer_write(orphan, 10000);
    tcp_detach(orphan->tcb);
    leave(p, 0);
    uint64_t high = (uint64_t)peer_settings(p)->memory_high;
    assert_int_equal(peer_send(p, TCP_ACK, p->next, 0), DROP_NONE); /* the block is all it needs */
    assert_int_equal(machine_counter(p->m, "TcpExtTCPAbortOnMemory"), 1);
    assert_int_equal(tcp_orphan_count(&p->m->stack), 0);
    assert_true(p->m->stack.memory_used_bytes <= high);
    end_kept(connection);
    free(orphan);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_short_from_one_mark_until_below_the_other),
        cmocka_unit_test(rings_give_back_what_they_do_not_need),
        cmocka_unit_test(window_does_not_grow_nor_shrink),
        cmocka_unit_test(send_buffer_does_not_grow),
        cmocka_unit_test(text_behind_a_hole_is_not_kept),
        cmocka_unit_test(what_is_held_behind_holes_is_given_up),
        cmocka_unit_test(orphans_are_reset_oldest_first_and_as_few_as_will_do),
        cmocka_unit_test(only_the_connection_at_hand_is_spared),
        cmocka_unit_test(nothing_begins_that_could_not_be_carried_on),
        cmocka_unit_test(established_connections_live_on_and_get_on),
        cmocka_unit_test(idle_connections_rest_without_delay),
        cmocka_unit_test(only_so_many_at_rest_wake_beyond_the_mark),
        cmocka_unit_test(who_wakes_beyond_the_mark_is_within_it_once_there_is_room),
        cmocka_unit_test(one_peer_does_not_take_all_places_beyond_the_mark),
        cmocka_unit_test(keepalives_are_answered_beyond_the_mark),
        cmocka_unit_test(who_wakes_has_orphans_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
