/* Connections without a user. */
#include "tcp_peer.h"

#include "tcp/orphans.h"

enum { MOST = 5 };

/* Another connection of the same machine, to another port of the peer's. */
static struct peer *another(struct peer *p)
{
    struct peer *other = calloc(1, sizeof *other);
    assert_non_null(other);
    *other = (struct peer){.m = p->m, .ts = 1000, .window = PEER_WINDOW, .theirs = p->theirs};
    other->theirs.port = ++p->theirs.port;
    machine_clear(p->m);
    p->seen = 0;
    peer_open(other, PEER_PLAIN);
    machine_clear(p->m);
    return other;
}

/* Closes it with its window shut and text to deliver: the peer alone decides how long it lasts. */
static void leave_stuck(struct peer *other)
{
    other->seen = other->m->sent_count;
    other->window = 0;
    peer_ack(other, 1);
    peer_write(other, 100);
    tcp_detach(other->tcb);
}

/* Security rule 16: sockstress (CVE-2008-4609) and its kin. */
static void their_number_is_bounded_and_what_is_open_lives_on(void **state)
{
    (void)state;
    struct peer *p = peer_new(), *stuck[3 * MOST];
    peer_settings(p)->tcp_max_orphans = MOST;
    struct peer *open = another(p);
    for (unsigned i = 0; i < 3 * MOST; i++) {
        stuck[i] = another(p);
        leave_stuck(stuck[i]);
        assert_int_equal(tcp_orphan_count(&p->m->stack), i < MOST ? i + 1 : MOST);
    }
    assert_int_equal(machine_counter(p->m, "TcpExtTCPAbortOnMemory"), 2 * MOST);
    /* Those that are left were closed last; they answer, and the others are gone. */
    machine_clear(p->m);
    for (unsigned i = 0; i < 3 * MOST; i++) {
        stuck[i]->seen = p->m->sent_count;
        enum drop_reason reason = peer_send(stuck[i], TCP_ACK, stuck[i]->next, 0);
        assert_int_equal(reason, i < 2 * MOST ? DROP_TCP_NO_CONNECTION : DROP_NONE);
    }
    open->seen = p->m->sent_count;
    assert_int_equal(peer_text(open, 1, 100), DROP_NONE);
    assert_int_equal(peer_read(open, 1, 100), 100);
    tcp_abort(open->tcb);
    for (unsigned i = 0; i < 3 * MOST; i++)
        free(stuck[i]);
    free(open);
    peer_free(p);
}

static void the_one_in_hand_is_spared(void **state)
{
    (void)state;
    struct peer *p = peer_new(), *stuck[2];
    struct tcp *tcp = tcp_of(&p->m->stack);
    assert_false(orphan_reset_oldest(tcp, NULL));
    for (int i = 0; i < 2; i++) {
        stuck[i] = another(p);
        leave_stuck(stuck[i]);
    }
    assert_true(orphan_reset_oldest(tcp, stuck[0]->tcb));
    assert_false(orphan_reset_oldest(tcp, stuck[0]->tcb));
    assert_int_equal(tcp_orphan_count(&p->m->stack), 1);
    assert_true(orphan_reset_oldest(tcp, NULL));
    assert_int_equal(tcp_orphan_count(&p->m->stack), 0);
    for (int i = 0; i < 2; i++)
        free(stuck[i]);
    peer_free(p);
}

/* TIME-WAIT has a table of its own, and what is over is none any more. */
static void who_ends_in_good_order_is_one_no_more(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct peer *other = another(p);
    tcp_detach(other->tcb);
    assert_int_equal(tcp_orphan_count(&p->m->stack), 1);
    other->acked = 2;
    assert_int_equal(peer_send(other, TCP_ACK | TCP_FIN, 1, 0), DROP_NONE);
    assert_int_equal(other->tcb->state, TCP_TIME_WAIT);
    assert_int_equal(tcp_orphan_count(&p->m->stack), 0);
    assert_false(orphan_reset_oldest(tcp_of(&p->m->stack), NULL));
    free(other);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(their_number_is_bounded_and_what_is_open_lives_on),
        cmocka_unit_test(the_one_in_hand_is_spared),
        cmocka_unit_test(who_ends_in_good_order_is_one_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
