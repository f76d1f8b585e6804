/* Ports that one connection has opened from, and that have no struct tcp_port of their own
 * (port.h). */
#include "port_fixture.h"

#include "base/random.h"
#include "common/allocation.h"
#include "tcp/port.h"
#include "tcp/rest.h"

/* Clients open most of theirs so. */
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

/* ── Alone or not, nobody else sees a difference ── */

enum { SLOTS = 8, PLAYS = 40, STEPS = 300 };

enum what { ASK_TO_SHARE, BIND, OPEN, LISTEN, BE_REFUSED, BE_OVER, LEAVE };

/* As often as each is done. */
static const enum what moves[] = {ASK_TO_SHARE, BIND,       OPEN,    OPEN,  OPEN,
                                  LISTEN,       BE_REFUSED, BE_OVER, LEAVE, LEAVE};

/* What is done to one of several sockets of a machine. */
struct move {
    unsigned slot;
    enum what what;
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
    case ASK_TO_SHARE:
        tcb->preferences.reuse_address = m->address;
        tcb->preferences.reuse_port = m->reuse;
        return 0;
    case BIND:
        return bind_to(s, m);
    case OPEN:
        return tcp_connect(tcb, &to);
    case LISTEN:
        return listen_at(s, m->slot);
    case BE_REFUSED:
        if (tcb->state == TCP_SYN_SENT)
            tcp_connection_end(tcb, ECONNREFUSED);
        return 0;
    case BE_OVER:
        if (tcb->state == TCP_SYN_SENT)
            into_time_wait(s, m->slot);
        return 0;
    case LEAVE:
        leave_slot(s, m->slot);
        return 0;
    }
    return 0;
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
    else if (m->what == LEAVE)
        leave_slot(s, i);
    for (unsigned k = 0; k < SLOTS; k++) {
        struct tcp_connection *c = s->tcb[k] ? s->tcb[k]->connection : NULL;
        s->alone += c && c->alone;
        if (s->always_shared && c && c->alone)
            port_find_or_add(tcp, c->local.port);
    }
    if (m->port == 1 && m->what == ASK_TO_SHARE)
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
                             .what = moves[random_below(&chance, sizeof moves / sizeof moves[0])],
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port_of_a_single_open_is_refused_to_others),
        cmocka_unit_test(ports_of_single_opens_are_not_taken_for_port_0),
        cmocka_unit_test(port_of_several_opens_is_free_when_all_have_left),
        cmocka_unit_test(without_memory_a_port_is_not_shared),
        cmocka_unit_test(connection_that_stands_for_its_port_is_to_others_like_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
