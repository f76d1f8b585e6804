#include "tcp_peer.h"

#include "tcp/zerocopy.h"

/* A send call that wants to be told is over. */
static void sent(struct peer *p)
{
    struct error_note *note = error_note_new(&p->m->stack, 0);
    assert_non_null(note);
    tcp_sent(p->tcb, note, 0);
}

/* Writes `length` bytes as one send call that wants to be told. */
static void send_and_note(struct peer *p, uint32_t length)
{
    assert_int_equal(peer_write_flags(p, length, MSG_ZEROCOPY), length);
    sent(p);
}

static void assert_told(struct peer *p, uint32_t first, uint32_t last)
{
    struct error_note *note = tcp_take_note(p->tcb);
    assert_non_null(note);
    assert_int_equal(note->origin, ERROR_ORIGIN_ZEROCOPY);
    assert_int_equal(note->code, ERROR_CODE_COPIED);
    assert_int_equal(note->error, 0);
    assert_int_equal(note->info, first);
    assert_int_equal(note->data, last);
    error_note_free(&p->m->stack, note);
}

static struct peer *open_peer(void)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_NODELAY, 1);
    return p;
}

static void send_is_told_when_its_last_byte_is_acknowledged(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    send_and_note(p, 1500);
    send_and_note(p, 500);
    assert_null(tcp_take_note(p->tcb));
    peer_ack(p, 1001);
    assert_null(tcp_take_note(p->tcb));
    assert_false(tcp_readiness(p->tcb) & POLLERR);
    p->events = 0;
    peer_ack(p, 1501);
    assert_true(p->events & POLLERR);
    assert_true(tcp_readiness(p->tcb) & POLLERR);
    assert_told(p, 0, 0);
    peer_ack(p, 2001);
    assert_told(p, 1, 1);
    assert_null(tcp_take_note(p->tcb));
    peer_free(p);
}

static void sends_acknowledged_together_are_one_range(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    for (int i = 0; i < 5; i++)
        send_and_note(p, 100);
    peer_ack(p, 501);
    assert_told(p, 0, 4);
    assert_null(tcp_take_note(p->tcb));
    peer_free(p);
}

static void end_of_the_connection_tells_of_all_that_waits(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    send_and_note(p, 100);
    send_and_note(p, 100);
    peer_send(p, TCP_RST, p->next, 0);
    assert_told(p, 0, 1);
    sent(p); /* of a call that had taken its bytes before the end */
    assert_told(p, 2, 2);
    peer_free(p);
}

static void who_has_let_go_is_told_nothing(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    send_and_note(p, 100);
    send_and_note(p, 100);
    tcp_detach(p->tcb);
    peer_ack(p, 101);
    assert_true(error_queue_empty(&p->tcb->errors));
    p->tcb = NULL;
    peer_free(p); /* which sees that all memory is given back */
}

/* Security rule 16: bounded, and nothing is lost. */
static void too_many_that_wait_are_told_together(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    p->tcb->preferences.send_buffer = 1 << 24;
    const uint32_t count = LIMIT_ZEROCOPY_WAITING + 10;
    for (uint32_t i = 0; i < count; i++)
        send_and_note(p, 1);
    assert_int_equal(p->tcb->zerocopy.count, LIMIT_ZEROCOPY_WAITING);
    while (!tcp_drained(p->tcb)) {
        peer_ack(p, p->tcb->snd.nxt - p->iss);
        peer_forget(p);
    }
    assert_int_equal(p->tcb->zerocopy.count, 0);
    assert_told(p, 0, count - 1);
    peer_free(p);
}

static void spans_beyond_a_packet_s_number_start_another_one(void **state)
{
    (void)state;
    struct peer *p = open_peer();
    enum { SPANS = LIMIT_ZEROCOPY_SPANS + 3 };
    uint8_t bytes[2 * SPANS];
    struct iovec spans[SPANS];
    memcpy(bytes, peer_pattern(1), sizeof bytes);
    for (int i = 0; i < SPANS; i++)
        spans[i] = (struct iovec){bytes + 2 * i, 2};
    assert_int_equal(tcp_send(p->tcb, spans, SPANS, MSG_ZEROCOPY), sizeof bytes);
    struct segment first = peer_take(p), second = peer_take(p);
    assert_int_equal(first.length, 2 * LIMIT_ZEROCOPY_SPANS);
    assert_true(first.flags & TCP_PSH);
    assert_int_equal(second.length, 6);
    assert_true(second.flags & TCP_PSH);
    assert_true(peer_is_quiet(p));
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(send_is_told_when_its_last_byte_is_acknowledged),
        cmocka_unit_test(sends_acknowledged_together_are_one_range),
        cmocka_unit_test(end_of_the_connection_tells_of_all_that_waits),
        cmocka_unit_test(who_has_let_go_is_told_nothing),
        cmocka_unit_test(too_many_that_wait_are_told_together),
        cmocka_unit_test(spans_beyond_a_packet_s_number_start_another_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
