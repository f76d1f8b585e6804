/* A connection with nothing going on puts its control block away, and is the same afterwards. */
#include "tcp_peer.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "base/sanitized.h"
#include "tcp/block.h"
#include "tcp/preferences.h"
#include "tcp/rest.h"
#include "tcp/user.h"

/* The connection under test, which the test keeps. While it may rest, p->tcb is NULL. */
static struct tcp_connection *keep(struct peer *p)
{
    struct tcp_connection *connection = tcp_connection_keep(p->tcb);
    p->tcb = NULL;
    return connection;
}

/* Opens, keeps and waits until it rests. */
static struct tcp_connection *rested(struct peer *p, enum peer_offer offer)
{
    peer_open(p, offer);
    struct tcp_connection *connection = keep(p);
    peer_after(p, 1500);
    assert_true(tcp_connection_rests(connection));
    return connection;
}

static void free_kept(struct peer *p, struct tcp_connection *connection)
{
    tcp_abort(tcp_connection_wake_to_end(connection));
    assert_int_equal(p->m->stack.memory_used_bytes, 0);
    peer_free(p);
}

static void idle_connection_holds_neither_block_nor_buffers(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    struct tcp_connection *connection = keep(p);
    peer_after(p, 900);
    assert_false(tcp_connection_rests(connection));
    peer_after(p, 200);
    assert_true(tcp_connection_rests(connection));
    assert_true(list_empty(&tcp_of(&p->m->stack)->all));
    assert_int_equal(p->m->stack.memory_used_bytes,
                     sizeof(struct tcp_connection) + sizeof(struct preferences_share));
    assert_int_equal(stack_deadline(&p->m->stack), TIME_NEVER);
    free_kept(p, connection);
}

static void block_that_its_user_holds_stays(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    peer_after(p, 10000);
    assert_ptr_equal(p->tcb->connection->tcb, p->tcb);
    peer_free(p);
}

/* Who waits for accept is found by its listener. */
static void connection_that_waits_in_a_queue_keeps_its_block(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_listen(p, 5);
    peer_half_open(p, PEER_PLAIN);
    peer_ack(p, 1);
    peer_after(p, 5000);
    assert_false(list_empty(&tcp_of(&p->m->stack)->all));
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    assert_true(rest_possible((tcp_connection_keep(p->tcb), p->tcb)));
    peer_free(p);
}

static void segment_wakes_it_and_text_arrives(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp_connection *connection = rested(p, PEER_FULL);
    peer_after(p, 3600000);
    p->ts += 3600000;
    peer_text(p, 1, 1000);
    assert_false(tcp_connection_rests(connection));
    assert_true(p->events & POLLIN);
    p->tcb = connection->tcb;
    peer_after(p, 200);
    peer_expect_ack(p, 1001);
    peer_after(p, 10000); /* what is not read keeps the block */
    assert_false(tcp_connection_rests(connection));
    assert_int_equal(peer_read(p, 1, 2000), 1000);
    peer_after(p, 2500);
    assert_true(tcp_connection_rests(connection));
    p->tcb = NULL;
    free_kept(p, connection);
}

static void call_wakes_it_and_text_is_sent_in_the_old_sequence(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    peer_flight(p, 1, 3);
    peer_ack(p, 3001);
    struct tcp_connection *connection = keep(p);
    peer_after(p, 1500);
    assert_true(tcp_connection_rests(connection));
    p->tcb = tcp_connection_wake(connection);
    peer_flight(p, 3001, 2);
    peer_after(p, 5000); /* what is not acknowledged keeps the block */
    assert_false(tcp_connection_rests(connection));
    peer_forget(p);
    peer_ack(p, 5001);
    p->tcb = NULL;
    peer_after(p, 60000); /* with so long a round trip, after a longer pause */
    assert_true(tcp_connection_rests(connection));
    free_kept(p, connection);
}

/* The interface to ourselves is none of the stack's own. */
static void connection_to_ourselves_rests_and_goes_on(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct endpoint ours = {.port = LISTEN_PORT, .address = address_from_ipv4(MACHINE_ADDRESS)};
    struct tcb *tcb;
    peer_listen(p, 5);
    assert_int_equal(tcp_create(&p->m->stack, p, &tcb), 0);
    assert_int_equal(tcp_connect(tcb, &ours), -EINPROGRESS);
    struct tcp_connection *client = tcp_connection_keep(tcb);
    peer_after(p, 10);
    assert_int_equal(tcp_accept(p->listener, p, &tcb), 0);
    struct tcp_connection *server = tcp_connection_keep(tcb);
    const struct interface *within = tcb->path.interface;
    peer_after(p, 1500);
    assert_true(tcp_connection_rests(client));
    assert_true(tcp_connection_rests(server));
    char bytes[12] = {0};
    struct iovec text = {.iov_base = bytes, .iov_len = sizeof bytes};
    assert_int_equal(tcp_send(tcp_connection_wake(client), &text, 1, 0), sizeof bytes);
    assert_ptr_equal(client->tcb->path.interface, within);
    peer_after(p, 10);
    assert_int_equal(tcp_queued_in(tcp_connection_wake(server)), sizeof bytes);
    peer_quiet(p);
    tcp_abort(tcp_connection_wake_to_end(client));
    tcp_abort(tcp_connection_wake_to_end(server));
    peer_free(p);
}

/* RFC 8985 §7.3: the round trip that was measured before counts as measured. */
static void first_flight_after_a_rest_has_its_tail_loss_probe(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp_connection *connection = rested(p, PEER_SACK);
    p->tcb = tcp_connection_wake(connection);
    peer_flight(p, 1, 3);
    peer_after(p, 2 * PEER_RTT_MS + 2);
    peer_expect(p, TCP_ACK | TCP_PSH, 2001, 1000);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPLossProbes"), 1);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPTimeouts"), 0);
    p->tcb = NULL;
    free_kept(p, connection);
}

/* What changes nothing costs a block for a moment only, however soon it comes again. */
static void keepalive_of_the_peer_is_answered_and_it_rests_at_once(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp_connection *connection = rested(p, PEER_FULL);
    for (int i = 0; i < 3; i++) {
        p->ts++;
        peer_send(p, TCP_ACK, 0, 0);
        peer_expect_ack(p, 1);
        peer_after(p, 1);
        assert_true(tcp_connection_rests(connection));
    }
    free_kept(p, connection);
}

/* RFC 9293 §3.8.4, by a connection at rest. */
static void keepalives_are_sent_at_their_times_and_end_a_connection_that_is_dead(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    peer_set(p, SOL_SOCKET, SO_KEEPALIVE, 1);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_KEEPIDLE, 60);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_KEEPINTVL, 10);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_KEEPCNT, 2);
    struct tcp_connection *connection = keep(p);
    peer_after(p, 60000 - 1);
    assert_true(tcp_connection_rests(connection));
    peer_quiet(p);
    peer_after(p, 1);
    peer_expect(p, TCP_ACK, 0, 0);
    peer_ack(p, 1); /* alive */
    peer_after(p, 50000);
    assert_true(tcp_connection_rests(connection));
    peer_quiet(p);
    peer_after(p, 10000);
    peer_expect(p, TCP_ACK, 0, 0);
    peer_after(p, 10000);
    peer_expect(p, TCP_ACK, 0, 0);
    assert_true(tcp_connection_rests(connection));
    peer_after(p, 10000);
    peer_expect(p, TCP_RST | TCP_ACK, 1, 0);
    assert_true(p->events & POLLERR);
    assert_int_equal(tcp_error(connection->tcb, true), ETIMEDOUT);
    free_kept(p, connection);
}

static void fin_wakes_it_and_a_closed_connection_rests_too(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp_connection *connection = rested(p, PEER_PLAIN);
    assert_int_equal(tcp_rest_readiness(connection), POLLOUT | POLLWRNORM);
    assert_false(tcp_rest_at_end(connection));
    peer_fin(p);
    peer_expect_ack(p, 2);
    assert_true(p->events & POLLRDHUP);
    peer_after(p, 1500);
    assert_true(tcp_connection_rests(connection));
    assert_int_equal(connection->rest.state, TCP_CLOSE_WAIT);
    assert_true(tcp_rest_at_end(connection));
    assert_int_equal(tcp_rest_readiness(connection),
                     POLLIN | POLLRDNORM | POLLRDHUP | POLLOUT | POLLWRNORM);
    tcp_detach(tcp_connection_wake(connection));
    peer_expect(p, TCP_FIN | TCP_ACK, 1, 0);
    peer_ack(p, 2);
    assert_true(list_empty(&tcp_of(&p->m->stack)->all));
    peer_free(p);
}

static void half_closed_connection_rests(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp_connection *connection = rested(p, PEER_PLAIN);
    assert_int_equal(tcp_shutdown_send(tcp_connection_wake(connection)), 0);
    peer_expect(p, TCP_FIN | TCP_ACK, 1, 0);
    peer_ack(p, 2);
    peer_after(p, 3000);
    assert_true(tcp_connection_rests(connection));
    assert_int_equal(connection->rest.state, TCP_FIN_WAIT_2);
    peer_text(p, 1, 10);
    peer_fin(p);
    assert_true(p->events & POLLIN);
    free_kept(p, connection);
}

/* TIME-WAIT, of which there may be many. */
static void what_is_left_of_a_connection_rests_and_ends_in_time(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp_connection *connection = rested(p, PEER_PLAIN);
    tcp_detach(tcp_connection_wake(connection));
    peer_expect(p, TCP_FIN | TCP_ACK, 1, 0);
    peer_ack(p, 2);
    peer_after(p, 3000);
    assert_false(tcp_connection_rests(connection)); /* it must be ready to be reset: orphans.h */
    peer_fin(p);
    peer_expect_ack(p, 2);
    assert_true(tcp_connection_rests(connection));
    assert_int_equal(connection->rest.state, TCP_TIME_WAIT);
    assert_int_equal(tcp_of(&p->m->stack)->time_wait_count, 1);
    peer_send(p, TCP_FIN | TCP_ACK, p->next - 1, 0); /* its last ACK was lost */
    peer_expect_ack(p, 2);
    uint64_t wait = (uint64_t)peer_settings(p)->tcp_time_wait_s * 1000;
    peer_after(p, wait - 1000);
    assert_int_equal(tcp_of(&p->m->stack)->time_wait_count, 1);
    peer_after(p, 1001);
    assert_int_equal(tcp_of(&p->m->stack)->time_wait_count, 0);
    assert_int_equal(p->m->stack.memory_used_bytes, 0);
    peer_free(p);
}

/* RFC 5961 §7: the limit is of a connection, not of a block. */
static void challenges_are_counted_across_rests(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp_connection *connection = rested(p, PEER_PLAIN);
    int64_t limit = peer_settings(p)->tcp_challenge_ack_limit;
    for (int64_t i = 0; i < limit; i++) {
        peer_send(p, TCP_SYN, 5, 0);
        peer_expect_ack(p, 1);
        peer_after(p, 1);
    }
    peer_send(p, TCP_SYN, 5, 0);
    peer_quiet(p);
    peer_after(p, 2500);
    assert_true(tcp_connection_rests(connection));
    free_kept(p, connection);
}

/* However long the interval that it is for. */
static void challenges_of_a_long_interval_are_all_counted(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->tcp_challenge_ack_interval_ms = 5000;
    peer_settings(p)->tcp_challenge_ack_limit = 3;
    struct tcp_connection *connection = rested(p, PEER_PLAIN);
    for (int i = 0; i < 3; i++) {
        peer_send(p, TCP_SYN, 5, 0);
        peer_expect_ack(p, 1);
        peer_after(p, 1500); /* in which it would rest if nothing were counted */
    }
    peer_send(p, TCP_SYN, 5, 0);
    peer_quiet(p);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPACKSkippedChallenge"), 1);
    peer_after(p, 5000);
    assert_true(tcp_connection_rests(connection));
    peer_send(p, TCP_SYN, 5, 0);
    peer_expect_ack(p, 1);
    free_kept(p, connection);
}

/* So are the answers that a peer's empty segments get. */
static void answers_are_counted_across_rests(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp_connection *connection = rested(p, PEER_PLAIN);
    int64_t limit = peer_settings(p)->tcp_challenge_ack_limit;
    for (int64_t i = 0; i < limit; i++) {
        peer_send(p, TCP_ACK, 0, 0);
        peer_expect_ack(p, 1);
        peer_after(p, 1);
        assert_true(tcp_connection_rests(connection));
    }
    peer_send(p, TCP_ACK, 0, 0);
    peer_quiet(p);
    free_kept(p, connection);
}

/* tcp_rest_readiness() and its like, in every state that rests and with every end shut or not. */
static void who_polls_is_told_the_same_of_one_at_rest(void **state)
{
    (void)state;
    static const uint8_t states[] = {TCP_ESTABLISHED, TCP_FIN_WAIT_2, TCP_CLOSE_WAIT,
                                     TCP_TIME_WAIT};
    for (unsigned ends = 0; ends < 8; ends++) {
        struct peer *p = peer_new();
        peer_open(p, PEER_PLAIN);
        struct tcp_connection *connection = keep(p);
        if (ends & 4)
            assert_int_equal(tcp_shutdown_receive(connection->tcb), 0);
        if (ends & 1) {
            assert_int_equal(tcp_shutdown_send(connection->tcb), 0);
            peer_ack(p, 2);
        }
        if (ends & 2)
            peer_fin(p);
        peer_after(p, 3000);
        assert_true(tcp_connection_rests(connection));
        assert_int_equal(connection->rest.state, states[ends & 3]);
        unsigned readiness = tcp_rest_readiness(connection);
        bool has_peer = tcp_rest_has_peer(connection), at_end = tcp_rest_at_end(connection);
        struct tcb *tcb = tcp_connection_wake(connection);
        assert_int_equal(readiness, tcp_readiness(tcb));
        assert_int_equal(has_peer, tcp_has_peer(tcb));
        assert_int_equal(at_end, tcp_nothing_to_read(tcb) == 0);
        free_kept(p, connection);
    }
}

static void reset_ends_it(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp_connection *connection = rested(p, PEER_PLAIN);
    peer_send(p, TCP_RST, p->next, 0);
    assert_true(p->events & POLLERR);
    assert_int_equal(tcp_error(connection->tcb, true), ECONNRESET);
    peer_after(p, 5000); /* one that is over has its user's errors to keep */
    assert_false(tcp_connection_rests(connection));
    free_kept(p, connection);
}

static void stack_that_ends_takes_along_what_rests(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp_connection *connection = rested(p, PEER_FULL);
    tcp_detach(tcp_connection_wake(connection));
    peer_forget(p);
    peer_ack(p, 2);
    peer_fin(p);
    assert_true(tcp_connection_rests(connection));
    peer_free(p); /* machine_free() looks for what is left */
}

/* ── Without memory ── */

struct hoard {
    struct hoard *next;
};

/* Takes all the memory of which something could be made that is no smaller than `least`, and no
 * larger than a block: what was freed is kept by size, and must be taken so. */
static struct hoard *exhaust(struct rlimit *before, size_t least)
{
    struct hoard *all = NULL;
    assert_int_equal(getrlimit(RLIMIT_AS, before), 0);
    struct rlimit none = {.rlim_cur = 1, .rlim_max = before->rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
    for (size_t size = sizeof(struct tcb); size >= least; size -= 16)
        for (struct hoard *h; (h = malloc(size)); all = h)
            h->next = all;
    return all;
}

static void recover(struct hoard *all, const struct rlimit *before)
{
    assert_int_equal(setrlimit(RLIMIT_AS, before), 0);
    for (struct hoard *next; all; all = next) {
        next = all->next;
        free(all);
    }
}

/* Neither for what its user asked for, nor for what few connections have. */
static void without_memory_to_rest_with_nothing_changes(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    for (int has_extra = 0; has_extra < 2; has_extra++) {
        struct peer *p = peer_new();
        peer_open(p, PEER_PLAIN);
        struct tcp_connection *connection = keep(p);
        struct tcb *tcb = connection->tcb;
        tcb->stat.dsacks = has_extra ? 1 : 0;
        tcb->preferences.send_buffer += 12345; /* which a rest would give up */
        /* The one is in use already where only the other is to be missing. */
        struct tcp_preferences usual = tcb->preferences;
        usual.send_buffer = (uint32_t)peer_settings(p)->tcp_sndbuf;
        struct preferences_share *share = has_extra ? preferences_share(tcb->tcp, &usual) : NULL;
        struct tcb was = *tcb;
        uint64_t held = p->m->stack.memory_used_bytes;
        struct rlimit before;
        struct hoard *hoard = exhaust(&before, 64);
        bool begun = rest_begin(tcb);
        recover(hoard, &before);
        assert_false(begun);
        assert_memory_equal(tcb, &was, sizeof was);
        assert_int_equal(p->m->stack.memory_used_bytes, held);
        if (share)
            preferences_unshare(tcb->tcp, share);
        free_kept(p, connection);
    }
}

static void without_memory_segments_are_dropped_and_it_can_still_be_ended(void **state)
{
    (void)state;
    if (SANITIZED)
        skip(); /* which cannot do without memory itself */
    struct peer *p = peer_new();
    struct tcp_connection *connection = rested(p, PEER_PLAIN);
    struct rlimit before;
    struct tcb *spare = block_take(tcp_of(&p->m->stack));
    struct hoard *hoard = exhaust(&before, sizeof(struct tcb));
    struct tcb *woken = tcp_connection_wake(connection);
    enum drop_reason dropped = peer_text(p, 1, 10);
    struct tcb *ending = tcp_connection_wake_to_end(connection);
    recover(hoard, &before);
    block_give(tcp_of(&p->m->stack), spare);
    assert_null(woken);
    assert_int_equal(dropped, DROP_NO_MEMORY);
    assert_non_null(ending);
    tcp_abort(ending);
    peer_expect(p, TCP_RST | TCP_ACK, 1, 0);
    assert_non_null(tcp_of(&p->m->stack)->reserve); /* for the next */
    peer_free(p);
}

static void without_memory_a_keepalive_is_late(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    peer_set(p, SOL_SOCKET, SO_KEEPALIVE, 1);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_KEEPIDLE, 60);
    struct tcp_connection *connection = keep(p);
    peer_after(p, 50000);
    assert_true(tcp_connection_rests(connection));
    struct rlimit before;
    struct tcb *spare = block_take(tcp_of(&p->m->stack));
    struct hoard *hoard = exhaust(&before, sizeof(struct tcb));
    peer_after(p, 10500);
    recover(hoard, &before);
    block_give(tcp_of(&p->m->stack), spare);
    peer_quiet(p);
    peer_after(p, 100);
    peer_expect(p, TCP_ACK, 0, 0);
    free_kept(p, connection);
}

/* What has ended while it rested has no more to wait for: no timer looks after it. */
static void reset_at_rest_leaves_no_timer(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp_connection *connection = rested(p, PEER_PLAIN);
    peer_send(p, TCP_RST, p->next, 0);
    assert_false(tcp_connection_rests(connection));
    assert_int_equal(connection->tcb->state, TCP_CLOSED);
    assert_int_equal(stack_deadline(&p->m->stack), TIME_NEVER);
    assert_int_equal(tcp_error(connection->tcb, true), ECONNRESET);
    free_kept(p, connection);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle_connection_holds_neither_block_nor_buffers),
        cmocka_unit_test(block_that_its_user_holds_stays),
        cmocka_unit_test(connection_that_waits_in_a_queue_keeps_its_block),
        cmocka_unit_test(segment_wakes_it_and_text_arrives),
        cmocka_unit_test(call_wakes_it_and_text_is_sent_in_the_old_sequence),
        cmocka_unit_test(connection_to_ourselves_rests_and_goes_on),
        cmocka_unit_test(first_flight_after_a_rest_has_its_tail_loss_probe),
        cmocka_unit_test(keepalive_of_the_peer_is_answered_and_it_rests_at_once),
        cmocka_unit_test(keepalives_are_sent_at_their_times_and_end_a_connection_that_is_dead),
        cmocka_unit_test(fin_wakes_it_and_a_closed_connection_rests_too),
        cmocka_unit_test(half_closed_connection_rests),
        cmocka_unit_test(what_is_left_of_a_connection_rests_and_ends_in_time),
        cmocka_unit_test(challenges_are_counted_across_rests),
        cmocka_unit_test(challenges_of_a_long_interval_are_all_counted),
        cmocka_unit_test(answers_are_counted_across_rests),
        cmocka_unit_test(who_polls_is_told_the_same_of_one_at_rest),
        cmocka_unit_test(reset_ends_it),
        cmocka_unit_test(stack_that_ends_takes_along_what_rests),
        cmocka_unit_test(without_memory_to_rest_with_nothing_changes),
        cmocka_unit_test(without_memory_segments_are_dropped_and_it_can_still_be_ended),
        cmocka_unit_test(without_memory_a_keepalive_is_late),
        cmocka_unit_test(reset_at_rest_leaves_no_timer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
