/* Local ports: binding, and RFC 6056 §3.3.4's choice of ephemeral ones. */
#include "tcp_peer.h"

#include "base/random.h"
#include "common/allocation.h"
#include "tcp/port.h"
#include "tcp/rest.h"

static struct tcb *tcb_new(struct peer *p)
{
    struct tcb *tcb;
    assert_int_equal(tcp_create(&p->m->stack, NULL, &tcb), 0);
    return tcb;
}

/* Opens to the port `remote` of the peer: which local port was taken, or the error. */
static int open_to(struct peer *p, uint16_t remote, struct tcb **out)
{
    struct endpoint to = {p->theirs.address, remote};
    *out = tcb_new(p);
    int error = tcp_connect(*out, &to);
    peer_forget(p);
    return error == -EINPROGRESS ? tcp_local(*out)->port : error;
}

static void ephemeral_ports_come_from_the_span_that_is_set(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->port_first = 50000;
    peer_settings(p)->port_last = 50009;
    struct tcb *tcb[10];
    for (int i = 0; i < 10; i++)
        assert_in_range(open_to(p, 80, &tcb[i]), 50000, 50009);
    for (int i = 0; i < 10; i++)
        tcp_abort(tcb[i]);
    peer_free(p);
}

static void exhaustion_is_EADDRNOTAVAIL_and_harms_no_other_destination(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->port_first = 50000;
    peer_settings(p)->port_last = 50003;
    struct tcb *tcb[4], *more, *other;
    for (int i = 0; i < 4; i++)
        assert_true(open_to(p, 80, &tcb[i]) > 0);
    assert_int_equal(open_to(p, 80, &more), -EADDRNOTAVAIL);
    assert_true(open_to(p, 81, &other) > 0);
    /* And when one is free again, it is found. */
    uint16_t port = tcp_local(tcb[2])->port;
    tcp_abort(tcb[2]);
    assert_int_equal(open_to(p, 80, &tcb[2]), port);
    for (int i = 0; i < 4; i++)
        tcp_abort(tcb[i]);
    tcp_abort(more);
    tcp_abort(other);
    peer_forget(p);
    peer_free(p);
}

/* Security rule 7: from the ports of some destinations nothing follows for another. */
static void RFC_6056_ports_for_different_destinations_are_unrelated(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    unsigned follows = 0;
    int before = 0;
    bool upper = false, lower = false;
    for (uint16_t i = 0; i < 500; i++) {
        struct tcb *tcb;
        int port = open_to(p, (uint16_t)(1000 + i), &tcb);
        assert_in_range(port, 32768, 60999);
        follows += before && abs(port - before) < 16;
        upper = upper || port > 54000;
        lower = lower || port < 40000;
        before = port;
        tcp_abort(tcb);
        peer_forget(p);
    }
    assert_true(follows < 10); /* expected: less than one */
    assert_true(upper && lower);
    peer_free(p);
}

static void RFC_6056_port_for_one_destination_is_not_used_again_at_once(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->port_first = 50000;
    peer_settings(p)->port_last = 50099;
    bool taken[100] = {false};
    for (int i = 0; i < 100; i++) {
        struct tcb *tcb;
        int port = open_to(p, 80, &tcb);
        assert_in_range(port, 50000, 50099);
        assert_false(taken[port - 50000]); /* not before all others have been */
        taken[port - 50000] = true;
        tcp_abort(tcb);
        peer_forget(p);
    }
    peer_free(p);
}

/* §3.3.4: who sees some of our ports cannot count what we open elsewhere. */
static void RFC_6056_opens_to_others_do_not_move_a_destination_s_ports(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcb *tcb;
    int before = open_to(p, 80, &tcb);
    tcp_abort(tcb);
    for (uint16_t i = 0; i < 64; i++) {
        open_to(p, (uint16_t)(1000 + i), &tcb);
        tcp_abort(tcb);
    }
    assert_in_range(open_to(p, 80, &tcb) - before, 1, 8); /* expected: 2, and 65 if all counted */
    tcp_abort(tcb);
    peer_forget(p);
    peer_free(p);
}

/* Which port is the first for an open from `local` to `remote`. */
static int first_port(struct peer *p, uint32_t local, uint32_t remote, uint16_t port)
{
    struct address from = address_from_ipv4(local);
    struct endpoint to = {address_from_ipv4(remote), port};
    struct tcb *tcb = tcb_new(p);
    memset(tcp_of(&p->m->stack)->port_steps, 0, sizeof tcp_of(&p->m->stack)->port_steps);
    assert_int_equal(port_bind_for(tcb, &from, &to), 0);
    int taken = tcp_local(tcb)->port;
    tcp_abort(tcb);
    return taken;
}

/* §3.3.3: both addresses and the remote port; §3.4: a key of 128 bits. */
static void RFC_6056_where_the_search_starts_depends_on_all_of_these(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct hash_key *key = &tcp_of(&p->m->stack)->port_key, kept = *key;
    unsigned same[5] = {0};
    int start = first_port(p, 1, 1, 1);
    assert_int_equal(first_port(p, 1, 1, 1), start);
    for (uint16_t i = 2; i < 52; i++) {
        same[0] += first_port(p, i, 1, 1) == start;
        same[1] += first_port(p, 1, i, 1) == start;
        same[2] += first_port(p, 1, 1, i) == start;
        for (unsigned word = 0; word < 2; word++) {
            key->words[word] ^= (uint64_t)1 << i;
            same[3 + word] += first_port(p, 1, 1, 1) == start;
            *key = kept;
        }
    }
    for (unsigned i = 0; i < 5; i++)
        assert_true(same[i] < 3); /* expected: 1/500 */
    peer_free(p);
}

static void bound_port_is_refused_to_others(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct endpoint any = {address_from_ipv4(0), 7}, ours = {p->ours.address, 7};
    struct endpoint foreign = {p->theirs.address, 7};
    struct tcb *a = tcb_new(p), *b = tcb_new(p);
    assert_int_equal(tcp_bind(a, &foreign, false), -EADDRNOTAVAIL);
    assert_int_equal(tcp_bind(a, &any, false), 0);
    assert_int_equal(tcp_bind(a, &any, false), -EINVAL);
    assert_int_equal(tcp_bind(b, &ours, false), -EADDRINUSE);
    assert_int_equal(tcp_bind(b, &ours, true), -EADDRINUSE); /* the first has not asked for it */
    tcp_abort(a);
    assert_int_equal(tcp_bind(b, &ours, true), 0);
    struct tcb *c = tcb_new(p);
    assert_int_equal(tcp_bind(c, &any, true), 0); /* both have */
    tcp_abort(b);
    tcp_abort(c);
    peer_free(p);
}

/* Security rule 7. */
static void port_0_takes_one_that_does_not_follow_from_the_last(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct endpoint any = {address_from_ipv4(0), 0};
    unsigned near = 0;
    uint16_t before = 0;
    for (int i = 0; i < 200; i++) {
        struct tcb *tcb = tcb_new(p);
        assert_int_equal(tcp_bind(tcb, &any, false), 0);
        near += abs(tcp_local(tcb)->port - before) < 16;
        before = tcp_local(tcb)->port;
        tcp_abort(tcb);
    }
    assert_true(near < 5); /* expected: 0.2 */
    peer_free(p);
}

/* Security rule 17. */
static void table_s_hash_is_keyed(void **state)
{
    (void)state;
    uint32_t hash[2];
    for (int i = 0; i < 2; i++) {
        struct peer *p = peer_new();
        struct endpoint local = {address_from_ipv4(0), 80};
        p->m->stack.hash_key.words[1] ^= (uint64_t)i;
        struct tcb *tcb = tcb_new(p);
        assert_int_equal(tcp_bind(tcb, &local, false), 0);
        hash[i] = only_hash_in(&tcp_of(&p->m->stack)->ports);
        tcp_abort(tcb);
        peer_free(p);
    }
    assert_int_not_equal(hash[0], hash[1]);
}

static void port_0_takes_a_free_one_until_there_is_none(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->port_first = 50000;
    peer_settings(p)->port_last = 50002;
    struct endpoint any = {address_from_ipv4(0), 0};
    struct tcb *tcb[4];
    for (int i = 0; i < 4; i++) {
        tcb[i] = tcb_new(p);
        assert_int_equal(tcp_bind(tcb[i], &any, false), i < 3 ? 0 : -EADDRINUSE);
    }
    for (int i = 0; i < 4; i++)
        tcp_abort(tcb[i]);
    peer_free(p);
}

static void listener_s_port_is_not_taken_for_an_open(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->port_first = LISTEN_PORT;
    peer_settings(p)->port_last = LISTEN_PORT;
    peer_listen(p, 1);
    struct tcb *tcb;
    assert_int_equal(open_to(p, 80, &tcb), -EADDRNOTAVAIL);
    tcp_abort(tcb);
    peer_free(p);
}

/* §3.1: between bind and listen nobody may slip in. */
static void RFC_6056_bound_port_is_not_taken_for_an_open(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->port_first = 50000;
    peer_settings(p)->port_last = 50000;
    struct endpoint local = {address_from_ipv4(0), 50000};
    struct tcb *server = tcb_new(p), *tcb;
    assert_int_equal(tcp_bind(server, &local, true), 0);
    assert_int_equal(open_to(p, 80, &tcb), -EADDRNOTAVAIL);
    tcp_abort(tcb);
    tcp_abort(server);
    assert_int_equal(open_to(p, 80, &tcb), 50000);
    tcp_abort(tcb);
    peer_forget(p);
    peer_free(p);
}

/* The same where others have opened from that port before or since. */
static void RFC_6056_bound_port_is_found_among_many(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->port_first = 50000;
    peer_settings(p)->port_last = 50000;
    struct endpoint local = {address_from_ipv4(0), 50000};
    struct endpoint remote = {p->theirs.address, 81};
    struct tcb *server = tcb_new(p), *client = tcb_new(p), *tcb;
    assert_int_equal(tcp_bind(server, &local, true), 0);
    assert_int_equal(tcp_bind(client, &local, true), 0);
    assert_int_equal(tcp_connect(client, &remote), -EINPROGRESS);
    peer_forget(p);
    assert_int_equal(open_to(p, 80, &tcb), -EADDRNOTAVAIL);
    tcp_abort(tcb);
    tcp_abort(server);
    assert_int_equal(open_to(p, 80, &tcb), 50000);
    tcp_abort(tcb);
    tcp_abort(client);
    peer_forget(p);
    peer_free(p);
}

/* Which is what most have that clients open: then the connection stands for the port itself. */
static void port_of_a_single_open_is_refused_to_others(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp *tcp = tcp_of(&p->m->stack);
    struct tcb *alone, *binder = tcb_new(p);
    struct endpoint local = {address_from_ipv4(0), (uint16_t)open_to(p, 80, &alone)};
    assert_int_equal(tcp->ports.count, 0);
    assert_int_equal(tcp_bind(binder, &local, false), -EADDRINUSE);
    assert_int_equal(tcp_bind(binder, &local, true), -EADDRINUSE); /* the first has not asked */
    alone->preferences.reuse_address = true;
    assert_int_equal(tcp_bind(binder, &local, false), -EADDRINUSE);
    assert_int_equal(tcp->ports.count, 0);
    assert_int_equal(tcp_bind(binder, &local, true), 0);
    assert_int_equal(tcp->ports.count, 1);
    /* What has been so stays so for a third. */
    struct tcb *third = tcb_new(p);
    assert_int_equal(tcp_bind(third, &local, false), -EADDRINUSE);
    alone->preferences.reuse_address = false;
    assert_int_equal(tcp_bind(third, &local, true), -EADDRINUSE);
    tcp_abort(alone);
    assert_int_equal(tcp_bind(third, &local, true), 0);
    tcp_abort(binder);
    tcp_abort(third);
    assert_int_equal(tcp->ports.count, 0);
    assert_int_equal(tcp->lone_ports.count, 0);
    peer_forget(p);
    peer_free(p);
}

static void ports_of_single_opens_are_not_taken_for_port_0(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->port_first = 50000;
    peer_settings(p)->port_last = 50001;
    struct endpoint any = {address_from_ipv4(0), 0};
    struct tcb *alone, *binder = tcb_new(p), *none = tcb_new(p);
    int port = open_to(p, 80, &alone);
    assert_int_equal(tcp_bind(binder, &any, false), 0);
    assert_int_equal(tcp_local(binder)->port, 100001 - port);
    assert_int_equal(tcp_bind(none, &any, false), -EADDRINUSE);
    tcp_abort(alone);
    tcp_abort(binder);
    tcp_abort(none);
    peer_forget(p);
    peer_free(p);
}

/* Several that open from it, to different peers, share it; in whichever order they leave. */
static void port_of_several_opens_is_free_when_all_have_left(void **state)
{
    (void)state;
    for (unsigned first_to_leave = 0; first_to_leave < 3; first_to_leave++) {
        struct peer *p = peer_new();
        struct tcp *tcp = tcp_of(&p->m->stack);
        peer_settings(p)->port_first = 50000;
        peer_settings(p)->port_last = 50000;
        struct endpoint local = {address_from_ipv4(0), 50000};
        struct tcb *tcb[3], *binder = tcb_new(p);
        for (uint16_t i = 0; i < 3; i++)
            assert_int_equal(open_to(p, (uint16_t)(80 + i), &tcb[i]), 50000);
        assert_int_equal(tcp->lone_ports.count, 0);
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(tcp_bind(binder, &local, true), -EADDRINUSE);
            tcp_abort(tcb[(first_to_leave + i) % 3]);
        }
        assert_int_equal(tcp->ports.count, 0);
        assert_int_equal(tcp_bind(binder, &local, true), 0);
        tcp_abort(binder);
        peer_forget(p);
        peer_free(p);
    }
}

/* An open that has failed for want of memory leaves its port to what the user does next. */
static void who_has_failed_to_open_may_listen_there(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->port_first = 50000;
    peer_settings(p)->port_last = 50000;
    struct endpoint to = {p->theirs.address, 80};
    struct tcb *tcb = tcb_new(p), *other;
    struct tcp_listener *listener;
    allocations_fail_after(0);
    int error = tcp_connect(tcb, &to);
    allocations_succeed();
    assert_int_equal(error, -ENOMEM);
    assert_int_equal(open_to(p, 81, &other), -EADDRNOTAVAIL); /* RFC 6056 §3.1 */
    allocations_fail_after(0);
    error = tcp_listen(tcb, 1, NULL, &listener);
    allocations_succeed();
    assert_int_equal(error, -ENOMEM);
    assert_int_equal(tcp_listen(tcb, 1, NULL, &listener), 0);
    assert_int_equal(tcp_listener_local(listener)->port, 50000);
    tcp_listener_close(listener);
    tcp_abort(other);
    peer_free(p);
}

static void without_memory_a_port_is_not_shared(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp *tcp = tcp_of(&p->m->stack);
    peer_settings(p)->port_first = 50000;
    peer_settings(p)->port_last = 50000;
    struct endpoint to = {p->theirs.address, 81};
    struct tcb *alone, *other = tcb_new(p);
    assert_int_equal(open_to(p, 80, &alone), 50000);
    allocations_fail_after(0);
    int error = tcp_connect(other, &to);
    allocations_succeed();
    assert_int_equal(error, -ENOMEM);
    assert_int_equal(tcp->lone_ports.count, 1);
    assert_int_equal(tcp_connect(other, &to), -EINPROGRESS);
    tcp_abort(alone);
    tcp_abort(other);
    peer_forget(p);
    peer_free(p);
}

static void without_memory_nothing_is_claimed(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcb *tcb = tcb_new(p);
    struct endpoint any = {address_from_ipv4(0), 7};
    allocations_fail_after(0);
    int error = tcp_bind(tcb, &any, false);
    allocations_succeed();
    assert_int_equal(error, -ENOMEM);
    assert_int_equal(tcp_of(&p->m->stack)->ports.count, 0);
    assert_int_equal(tcp_bind(tcb, &any, false), 0);
    tcp_abort(tcb);
    assert_int_equal(tcp_of(&p->m->stack)->ports.count, 0);
    peer_free(p);
}

/* ── Alone or not, nobody else sees a difference ── */

enum { SLOTS = 8, PLAYS = 40, STEPS = 300 };

/* What is done to one of several sockets of a machine. */
struct move {
    unsigned slot, what;
    unsigned port; /* bound to: 0, or one of few */
    bool everywhere, address, reuse;
    uint16_t remote;
};

struct side {
    struct peer *p;
    struct tcb *tcb[SLOTS];
    struct tcp_listener *listener[SLOTS];
    bool always_shared; /* no connection stands for its port */
    unsigned alone, rested;
};

static void leave_slot(struct side *s, unsigned i)
{
    if (s->tcb[i])
        tcp_detach(s->tcb[i]);
    if (s->listener[i])
        tcp_listener_close(s->listener[i]);
    s->tcb[i] = NULL;
    s->listener[i] = NULL;
}

/* An open connection that both have closed, us first, and that has nothing going on. */
static void into_time_wait(struct side *s, unsigned i)
{
    struct tcb *tcb = s->tcb[i];
    struct tcp_connection *connection = tcp_connection_keep(tcb);
    static const enum tcp_state way[] = {TCP_ESTABLISHED, TCP_FIN_WAIT_1, TCP_FIN_WAIT_2};
    for (size_t k = 0; k < sizeof way / sizeof way[0]; k++)
        tcp_set_state(tcb, way[k]);
    tcb->snd.una = tcb->snd.nxt;
    tcp_connection_time_wait(tcb);
    tcp_detach(tcb);
    s->tcb[i] = NULL;
    rest_settle(tcp_of(&s->p->m->stack));
    s->rested += tcp_connection_rests(connection);
}

static int bind_to(struct side *s, const struct move *m)
{
    struct endpoint local = {m->everywhere ? address_from_ipv4(0) : s->p->ours.address,
                             (uint16_t)(m->port ? 49999 + m->port : 0)};
    return tcp_bind(s->tcb[m->slot], &local, m->reuse);
}

static int listen_at(struct side *s, unsigned i)
{
    int error = tcp_listen(s->tcb[i], 1, NULL, &s->listener[i]);
    if (error == 0)
        s->tcb[i] = NULL;
    return error;
}

static int play_with(struct side *s, const struct move *m)
{
    struct tcb *tcb = s->tcb[m->slot];
    struct endpoint to = {s->p->theirs.address, m->remote};
    switch (m->what) {
    case 0:
        tcb->preferences.reuse_address = m->address;
        tcb->preferences.reuse_port = m->reuse;
        return 0;
    case 1:
        return bind_to(s, m);
    case 2:
    case 3:
    case 4:
        return tcp_connect(tcb, &to);
    case 5:
        return listen_at(s, m->slot);
    case 6: /* refused */
        if (tcb->state == TCP_SYN_SENT)
            tcp_connection_end(tcb, ECONNREFUSED);
        return 0;
    case 7:
        if (tcb->state == TCP_SYN_SENT)
            into_time_wait(s, m->slot);
        return 0;
    default:
        leave_slot(s, m->slot);
        return 0;
    }
}

/* What has come of it: an error, and the port. */
static int play(struct side *s, const struct move *m)
{
    struct tcp *tcp = tcp_of(&s->p->m->stack);
    unsigned i = m->slot;
    if (!s->tcb[i] && !s->listener[i])
        assert_int_equal(tcp_create(&s->p->m->stack, s->p, &s->tcb[i]), 0);
    int error = 0;
    if (s->tcb[i])
        error = play_with(s, m);
    else if (m->what > 7)
        leave_slot(s, i);
    for (unsigned k = 0; k < SLOTS; k++) {
        struct tcp_connection *c = s->tcb[k] ? s->tcb[k]->connection : NULL;
        s->alone += c && c->alone;
        if (s->always_shared && c && c->alone)
            port_find_or_add(tcp, c->local.port);
    }
    if (m->port == 1 && m->what == 0)
        peer_after(s->p, 61000); /* TIME-WAIT is over */
    peer_forget(s->p);
    struct tcb *tcb = s->tcb[i];
    return error * 65536 + (tcb && tcb->bound ? tcb->connection->local.port : 0);
}

static void side_begin(struct side *s)
{
    s->p = peer_new();
    peer_settings(s->p)->port_first = 50000;
    peer_settings(s->p)->port_last = 50002;
    memset(s->tcb, 0, sizeof s->tcb);
    memset(s->listener, 0, sizeof s->listener);
}

static void side_end(struct side *s)
{
    struct tcp *tcp = tcp_of(&s->p->m->stack);
    for (unsigned i = 0; i < SLOTS; i++)
        leave_slot(s, i);
    peer_after(s->p, 61000);
    assert_int_equal(tcp->ports.count, 0);
    assert_int_equal(tcp->lone_ports.count, 0);
    peer_forget(s->p);
    peer_free(s->p);
}

static void connection_that_stands_for_its_port_is_to_others_like_any(void **state)
{
    (void)state;
    struct random chance;
    struct side sides[2] = {{.p = NULL}, {.always_shared = true}};
    random_seed_number(&chance, 20261127);
    for (unsigned game = 0; game < PLAYS; game++) {
        side_begin(&sides[0]);
        side_begin(&sides[1]);
        for (unsigned step = 0; step < STEPS; step++) {
            struct move m = {.slot = random_below(&chance, SLOTS),
                             .what = random_below(&chance, 10),
                             .port = random_below(&chance, 4),
                             .everywhere = random_below(&chance, 2),
                             .address = random_below(&chance, 2),
                             .reuse = random_below(&chance, 2),
                             .remote = (uint16_t)(80 + random_below(&chance, 3))};
            assert_int_equal(play(&sides[0], &m), play(&sides[1], &m));
        }
        side_end(&sides[0]);
        side_end(&sides[1]);
    }
    assert_true(sides[0].alone > PLAYS && sides[0].rested > PLAYS);
    assert_int_equal(sides[1].rested, sides[0].rested);
}

/* Stacks with one address (core/share.h). */
static void port_is_one_whose_answers_come_here(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct share *share = &p->m->stack.share;
    *share = (struct share){.index = 1, .count = 3};
    for (unsigned least = 2000; least <= 50000; least += 48000) {
        peer_settings(p)->port_first = least;
        peer_settings(p)->port_last = least + 999;
        for (uint16_t i = 0; i < 50; i++) {
            struct endpoint remote = {p->theirs.address, 80};
            struct tcb *tcb;
            assert_in_range(open_to(p, 80, &tcb), least, least + 999);
            assert_true(share_owns_flow(share, IP_PROTOCOL_TCP, tcp_local(tcb), &remote));
            tcp_abort(tcb);
            peer_forget(p);
        }
    }
    peer_free(p);
}

static void port_0_takes_one_of_the_stack_s_own(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    p->m->stack.share = (struct share){.index = 1, .count = 3};
    peer_settings(p)->port_first = 32766;
    peer_settings(p)->port_last = 32773;
    struct endpoint any = {address_from_ipv4(0), 0};
    struct tcb *tcb[3];
    for (int i = 0; i < 3; i++)
        tcb[i] = tcb_new(p);
    assert_int_equal(tcp_bind(tcb[0], &any, false), 0);
    assert_int_equal(tcp_bind(tcb[1], &any, false), 0);
    assert_int_equal(tcp_bind(tcb[2], &any, false), -EADDRINUSE);
    assert_int_equal(tcp_local(tcb[0])->port + tcp_local(tcb[1])->port, 32770 + 32773);
    for (int i = 0; i < 3; i++)
        tcp_abort(tcb[i]);
    peer_free(p);
}

static void open_from_a_port_whose_answers_go_elsewhere_is_refused(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    p->m->stack.share = (struct share){.index = 1, .count = 3};
    struct endpoint local = {address_from_ipv4(0), 40001}, to = {p->theirs.address, 80};
    struct endpoint self = {p->ours.address, 80};
    struct tcb *tcb = tcb_new(p);
    assert_int_equal(tcp_bind(tcb, &local, false), 0); /* 40001 % 3 is 2 */
    assert_int_equal(tcp_connect(tcb, &to), -EADDRNOTAVAIL);
    assert_int_equal(tcp_connect(tcb, &self), -EINPROGRESS); /* which comes back anyway */
    tcp_abort(tcb);
    peer_forget(p);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ephemeral_ports_come_from_the_span_that_is_set),
        cmocka_unit_test(exhaustion_is_EADDRNOTAVAIL_and_harms_no_other_destination),
        cmocka_unit_test(RFC_6056_ports_for_different_destinations_are_unrelated),
        cmocka_unit_test(RFC_6056_port_for_one_destination_is_not_used_again_at_once),
        cmocka_unit_test(RFC_6056_opens_to_others_do_not_move_a_destination_s_ports),
        cmocka_unit_test(RFC_6056_where_the_search_starts_depends_on_all_of_these),
        cmocka_unit_test(RFC_6056_bound_port_is_not_taken_for_an_open),
        cmocka_unit_test(RFC_6056_bound_port_is_found_among_many),
        cmocka_unit_test(bound_port_is_refused_to_others),
        cmocka_unit_test(port_0_takes_a_free_one_until_there_is_none),
        cmocka_unit_test(port_0_takes_one_that_does_not_follow_from_the_last),
        cmocka_unit_test(table_s_hash_is_keyed),
        cmocka_unit_test(listener_s_port_is_not_taken_for_an_open),
        cmocka_unit_test(port_of_a_single_open_is_refused_to_others),
        cmocka_unit_test(ports_of_single_opens_are_not_taken_for_port_0),
        cmocka_unit_test(port_of_several_opens_is_free_when_all_have_left),
        cmocka_unit_test(who_has_failed_to_open_may_listen_there),
        cmocka_unit_test(without_memory_a_port_is_not_shared),
        cmocka_unit_test(without_memory_nothing_is_claimed),
        cmocka_unit_test(connection_that_stands_for_its_port_is_to_others_like_any),
        cmocka_unit_test(port_is_one_whose_answers_come_here),
        cmocka_unit_test(port_0_takes_one_of_the_stack_s_own),
        cmocka_unit_test(open_from_a_port_whose_answers_go_elsewhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
