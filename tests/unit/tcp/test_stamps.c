#include "tcp_peer.h"

#include "core/stamps.h"
#include "tcp/stamps.h"

static const uint32_t ALL =
    STAMP_TX_SCHED | STAMP_TX_SOFTWARE | STAMP_TX_ACK | STAMP_OPT_ID | STAMP_OPT_TSONLY;

static struct peer *open_peer(void)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_SACK);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_NODELAY, 1);
    assert_int_equal(tcp_stamps_begin(p->tcb, false), 0);
    return p;
}

static void write_marked(struct peer *p, uint32_t length, int flags)
{
    assert_int_equal(peer_write_flags(p, length, flags), length);
    tcp_sent(p->tcb, NULL, ALL);
}

static void assert_told(struct peer *p, enum stamp_kind kind, uint32_t key, uint64_t time_ns)
{
    struct error_note *note = tcp_take_note(p->tcb);
    assert_non_null(note);
    assert_int_equal(note->info, kind);
    assert_int_equal(note->data, key);
    assert_int_equal(note->time_ns, time_ns);
    error_note_free(&p->m->stack, note);
}

static void last_byte_s_times_are_told_in_their_order(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    uint64_t sent = p->m->stack.now_ns;
    p->events = 0;
    write_marked(p, 1500, MSG_EOR);
    assert_true(p->events & POLLERR);
    assert_told(p, STAMP_SCHEDULED, 1499, sent);
    assert_told(p, STAMP_SENT, 1499, sent);
    assert_null(tcp_take_note(p->tcb));
    peer_after(p, PEER_RTT_MS);
    peer_ack(p, 1001);
    assert_null(tcp_take_note(p->tcb));
    peer_ack(p, 1501);
    assert_told(p, STAMP_ACKNOWLEDGED, 1499, sent + TIME_MS(PEER_RTT_MS));
    assert_int_equal(p->tcb->stamps.count, 0);
    peer_free(p);
}

static void byte_that_waits_is_told_when_it_goes(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    p->window = 2000;
    peer_ack(p, 1);
    write_marked(p, 3000, 0);
    assert_null(tcp_take_note(p->tcb));
    peer_after(p, PEER_RTT_MS);
    uint64_t now = p->m->stack.now_ns;
    peer_ack(p, 2001);
    assert_told(p, STAMP_SCHEDULED, 2999, now);
    assert_told(p, STAMP_SENT, 2999, now);
    assert_null(tcp_take_note(p->tcb));
    peer_free(p);
}

/* One packet, one mark: that of the last of them. */
static void what_joins_a_packet_takes_its_mark(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    uint64_t now = p->m->stack.now_ns;
    write_marked(p, 300, MSG_MORE);
    assert_int_equal(p->tcb->stamps.count, 1);
    write_marked(p, 300, 0);
    assert_int_equal(p->tcb->stamps.count, 1);
    assert_told(p, STAMP_SCHEDULED, 599, now);
    assert_told(p, STAMP_SENT, 599, now);
    peer_ack(p, 301);
    assert_null(tcp_take_note(p->tcb));
    peer_free(p);
}

static void retransmission_is_told_again(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    write_marked(p, 1000, 0);
    error_queue_release(&p->m->stack, &p->tcb->errors);
    peer_after(p, 900);
    assert_int_equal(p->tcb->stat.retransmits, 3); /* a probe and two timeouts */
    for (int i = 0; i < 3; i++) {
        struct error_note *note = tcp_take_note(p->tcb);
        assert_int_equal(note->info, STAMP_SCHEDULED);
        uint64_t at = note->time_ns;
        error_note_free(&p->m->stack, note);
        assert_told(p, STAMP_SENT, 999, at);
    }
    peer_free(p);
}

/* Linux's SOF_TIMESTAMPING_OPT_ID and OPT_ID_TCP. */
static void numbers_count_from_una_or_from_what_is_written_next(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    peer_write(p, 100);
    assert_int_equal(tcp_stamps_begin(p->tcb, false), 0);
    write_marked(p, 10, MSG_EOR);
    assert_int_equal(tcp_stamps_begin(p->tcb, true), 0);
    peer_ack(p, 111);
    error_queue_release(&p->m->stack, &p->tcb->errors);
    write_marked(p, 10, 0);
    assert_told(p, STAMP_SCHEDULED, 9, p->m->stack.now_ns);
    struct tcb *closed;
    assert_int_equal(tcp_create(&p->m->stack, p, &closed), 0);
    assert_int_equal(tcp_stamps_begin(closed, false), -EINVAL);
    tcp_detach(closed);
    peer_free(p);
}

/* Security rule 16. */
static void marks_are_bounded_and_end_with_the_connection(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    p->tcb->preferences.send_buffer = 1 << 24;
    p->window = 0;
    peer_ack(p, 1);
    for (int i = 0; i < LIMIT_STAMPS_WAITING + 5; i++)
        write_marked(p, 1, MSG_EOR);
    assert_int_equal(p->tcb->stamps.count, LIMIT_STAMPS_WAITING);
    assert_int_equal(machine_counter(p->m, "ErrorQueueDrops"), 5);
    peer_send(p, TCP_RST, p->next, 0);
    assert_int_equal(p->tcb->stamps.count, 0);
    assert_null(tcp_take_note(p->tcb)); /* nothing was acknowledged */
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_byte_s_times_are_told_in_their_order),
        cmocka_unit_test(byte_that_waits_is_told_when_it_goes),
        cmocka_unit_test(what_joins_a_packet_takes_its_mark),
        cmocka_unit_test(retransmission_is_told_again),
        cmocka_unit_test(numbers_count_from_una_or_from_what_is_written_next),
        cmocka_unit_test(marks_are_bounded_and_end_with_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
