/* Local ports: binding, and RFC 6056 §3.3.4's choice of ephemeral ones. */
#include "port_fixture.h"

#include "common/allocation.h"
#include "tcp/port.h"

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
        cmocka_unit_test(who_has_failed_to_open_may_listen_there),
        cmocka_unit_test(without_memory_nothing_is_claimed),
        cmocka_unit_test(port_is_one_whose_answers_come_here),
        cmocka_unit_test(port_0_takes_one_of_the_stack_s_own),
        cmocka_unit_test(open_from_a_port_whose_answers_go_elsewhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
