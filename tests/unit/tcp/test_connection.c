/* A connection's life: what it owns, and that it gives all of it back. */
#include "tcp_peer.h"

static void idle_connection_owns_no_ring_and_no_record(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    uint64_t idle = p->m->stack.memory_used_bytes;
    for (uint32_t i = 0; i < 5; i++) {
        p->ts++;
        peer_text(p, 1 + i * 1000, 1000);
        peer_read(p, 1 + i * 1000, 1000);
        peer_write(p, 1000);
        peer_forget(p);
        peer_after(p, PEER_RTT_MS);
        peer_ack(p, (i + 1) * 1000 + 1);
        peer_after(p, 500);
        peer_forget(p);
        assert_int_equal(p->m->stack.memory_used_bytes, idle);
    }
    assert_int_equal(ring_capacity(&p->tcb->snd.ring) + ring_capacity(&p->tcb->rcv.ring), 0);
    assert_int_equal(p->tcb->records.count, 0);
    peer_free(p);
}

/* Every way to the end leaves nothing behind: machine_free() checks the memory. */
static void every_end_gives_everything_back(void **state)
{
    (void)state;
    for (int way = 0; way < 5; way++) {
        struct peer *p = peer_new();
        peer_open(p, PEER_SACK);
        peer_write(p, 20 * PEER_MSS);
        peer_text(p, 1001, 1000);
        peer_text(p, 1, 10);
        peer_sack(p, 1, BLOCK(2001, 3001), NO_BLOCK, NO_BLOCK);
        switch (way) {
        case 0:
            peer_send(p, TCP_RST, 11, 0);
            break;
        case 1:
            tcp_abort(p->tcb);
            p->tcb = NULL;
            break;
        case 2:
            tcp_detach(p->tcb); /* with unread text: a reset */
            p->tcb = NULL;
            break;
        case 3:
            peer_after(p, 3600000);
            assert_int_equal(p->tcb->state, TCP_CLOSED);
            break;
        default:
            break; /* the stack ends first */
        }
        if (p->tcb)
            tcp_detach(p->tcb);
        p->tcb = NULL;
        peer_forget(p);
        peer_free(p);
    }
}

static void initial_window_is_ten_segments(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    assert_int_equal(p->tcb->cc.cwnd, 10); /* RFC 6928 §2 */
    peer_free(p);
}

/* The owner is told of all that poll may be asked. */
static void owner_is_told_of_each_change(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    peer_text(p, 1, 1);
    assert_int_equal(p->events, POLLIN | POLLRDNORM);
    p->events = 0;
    peer_fin(p);
    assert_int_equal(p->events, POLLIN | POLLRDNORM | POLLRDHUP);
    p->events = 0;
    peer_send(p, TCP_RST, 3, 0);
    assert_true(p->events & POLLERR && p->events & POLLHUP);
    peer_free(p);
}

static void passive_and_active_opens_are_counted(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_listen(p, 1);
    peer_accept(p, PEER_PLAIN);
    assert_int_equal(machine_counter(p->m, "TcpPassiveOpens"), 1);
    assert_int_equal(machine_counter(p->m, "TcpActiveOpens"), 0);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_connection_owns_no_ring_and_no_record),
        cmocka_unit_test(every_end_gives_everything_back),
        cmocka_unit_test(initial_window_is_ten_segments),
        cmocka_unit_test(owner_is_told_of_each_change),
        cmocka_unit_test(passive_and_active_opens_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
