/* What ICMP errors do to connections (RFC 5927, RFC 9293 §3.9.2.2). */
#include "tcp_peer.h"

#include "tcp/icmp.h"

/* An error about the segment of ours that began at the relative number `seq`. */
static enum drop_reason error_at(struct peer *p, enum path_error_kind kind, uint32_t mtu,
                                 uint32_t seq)
{
    uint8_t quote[8];
    struct writer w = writer_over(quote, sizeof quote);
    writer_u16(&w, p->ours.port);
    writer_u16(&w, p->theirs.port);
    writer_u32(&w, p->iss + seq);
    struct path_error error = {.kind = kind,
                               .mtu = mtu,
                               .source = p->ours.address,
                               .destination = p->theirs.address,
                               .payload = quote,
                               .payload_length = sizeof quote};
    return tcp_path_error(&p->m->stack, &error);
}

static struct peer *peer_with_flight(void)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    peer_flight(p, 1, 3);
    return p;
}

/* RFC 5927 §4.1, security rule 8. */
static void error_about_what_is_not_in_flight_is_ignored(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight();
    static const uint32_t numbers[] = {0, 3001, 0x80000000u, (uint32_t)-1000};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_int_equal(error_at(p, PATH_ERROR_HOST, 0, numbers[i]), DROP_ICMP_NO_MATCH);
        assert_int_equal(error_at(p, PATH_ERROR_TOO_BIG, 600, numbers[i]), DROP_ICMP_NO_MATCH);
    }
    assert_int_equal(p->tcb->soft_error, 0);
    assert_int_equal(p->tcb->path.mtu, 1500);
    assert_int_equal(machine_counter(p->m, "TcpExtOutOfWindowIcmps"), 8);
    peer_free(p);
}

static void error_about_a_half_open_connection_must_quote_its_SYN(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_listen(p, 5);
    peer_half_open(p, PEER_PLAIN);
    static const uint32_t numbers[] = {1, (uint32_t)-1, 0x80000000u};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        assert_int_equal(error_at(p, PATH_ERROR_HOST, 0, numbers[i]), DROP_ICMP_NO_MATCH);
    assert_int_equal(machine_counter(p->m, "TcpExtOutOfWindowIcmps"), 3);
    assert_int_equal(error_at(p, PATH_ERROR_TOO_BIG, 600, 0), DROP_ICMP_NO_MATCH);
    assert_int_equal(p->listener->half_open_count, 1);
    assert_int_equal(error_at(p, PATH_ERROR_HOST, 0, 0), DROP_NONE);
    assert_int_equal(p->listener->half_open_count, 0);
    peer_free(p);
}

static void error_about_no_connection_or_cut_short_is_ignored(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight();
    uint8_t quote[8] = {0};
    for (uint32_t length = 0; length <= sizeof quote; length++) {
        struct path_error error = {.kind = PATH_ERROR_PORT,
                                   .source = p->ours.address,
                                   .destination = p->theirs.address,
                                   .payload = quote,
                                   .payload_length = length};
        assert_int_equal(tcp_path_error(&p->m->stack, &error),
                         length < 8 ? DROP_ICMP_TRUNCATED : DROP_ICMP_NO_MATCH);
    }
    peer_free(p);
}

/* RFC 5927 §5.2: hard errors are soft for an open connection, for they could be forged. */
static void MUST_56_no_error_ends_an_open_connection(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight();
    for (int kind = PATH_ERROR_NETWORK; kind <= PATH_ERROR_PARAMETER; kind++) {
        if (kind == PATH_ERROR_TOO_BIG)
            continue;
        assert_int_equal(error_at(p, (enum path_error_kind)kind, 0, 1), DROP_NONE);
        assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
        assert_int_equal(tcp_error(p->tcb, false), 0);
        assert_int_not_equal(p->tcb->soft_error, 0);
    }
    peer_ack(p, 3001);
    assert_true(tcp_drained(p->tcb));
    peer_free(p);
}

/* §5.2: in whichever synchronized state. */
static void MUST_56_no_error_ends_a_connection_that_closes(void **state)
{
    (void)state;
    static const enum tcp_state states[] = {TCP_FIN_WAIT_1, TCP_CLOSING, TCP_CLOSE_WAIT,
                                            TCP_LAST_ACK};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct peer *p = peer_with_flight();
        if (states[i] == TCP_CLOSE_WAIT || states[i] == TCP_LAST_ACK)
            peer_fin(p);
        if (states[i] != TCP_CLOSE_WAIT)
            tcp_shutdown_send(p->tcb);
        if (states[i] == TCP_CLOSING)
            peer_fin(p);
        assert_int_equal(p->tcb->state, states[i]);
        assert_int_equal(error_at(p, PATH_ERROR_PORT, 0, 1), DROP_NONE);
        assert_int_equal(error_at(p, PATH_ERROR_PROTOCOL, 0, 1), DROP_NONE);
        assert_int_equal(p->tcb->state, states[i]);
        assert_int_equal(tcp_error(p->tcb, false), 0);
        peer_free(p);
    }
}

/* §5.2: what is said of one connection is not taken for the peer's others. */
static void error_is_about_the_connection_it_quotes_alone(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight();
    struct peer other = {.m = p->m, .ts = 1000, .window = PEER_WINDOW, .theirs = p->theirs};
    other.theirs.port++;
    other.seen = p->seen;
    peer_await_syn(&other);
    assert_int_equal(error_at(&other, PATH_ERROR_PORT, 0, 0), DROP_NONE);
    assert_int_equal(other.tcb->state, TCP_CLOSED);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    assert_int_equal(p->tcb->soft_error, 0);
    tcp_abort(other.tcb);
    peer_free(p);
}

/* §7.2: 1000 bytes of text need no more than 80 of headers. */
static void size_that_what_was_sent_does_not_exceed_is_not_believed(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight();
    assert_int_equal(error_at(p, PATH_ERROR_TOO_BIG, 1081, 1001), DROP_ICMP_NO_MATCH);
    assert_int_equal(p->tcb->path.mtu, 1500);
    assert_int_equal(error_at(p, PATH_ERROR_TOO_BIG, 1080, 1001), DROP_NONE);
    assert_int_equal(p->tcb->path.mtu, 1080);
    peer_ack(p, 3001);
    peer_write(p, 100);
    assert_int_equal(error_at(p, PATH_ERROR_TOO_BIG, 600, 3001), DROP_ICMP_NO_MATCH);
    assert_int_equal(p->tcb->path.mtu, 1080);
    peer_free(p);
}

/* ip(7), IP_RECVERR: at once, and yet the connection lives. */
static void who_wants_all_errors_is_told_at_once(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight();
    peer_set(p, OPTION_LEVEL_IP, OPTION_IP_RECVERR, 1);
    p->events = 0;
    error_at(p, PATH_ERROR_HOST, 0, 1);
    assert_int_equal(p->events, POLLERR);
    assert_true(tcp_readiness(p->tcb) & POLLERR);
    assert_null(tcp_take_note(p->tcb));
    assert_int_equal(peer_write_flags(p, 1, 0), -EHOSTUNREACH);
    assert_int_equal(peer_write_flags(p, 1, 0), 1);
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    peer_free(p);
}

static void failed_attempt_is_told_in_the_error_queue(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_await_syn(p);
    assert_int_equal(error_at(p, PATH_ERROR_PORT, 0, 0), DROP_NONE);
    struct error_note *note = tcp_take_note(p->tcb);
    assert_non_null(note);
    assert_int_equal(note->origin, ERROR_ORIGIN_ICMP);
    assert_int_equal(note->error, ECONNREFUSED);
    assert_int_equal(note->destination.port, PEER_PORT);
    assert_int_equal(note->length, 8);
    error_note_free(&p->m->stack, note);
    assert_int_equal(tcp_error(p->tcb, true), 0); /* told, and so over */
    peer_free(p);
}

static void MUST_47_soft_error_is_told_once_to_who_asks_until_the_peer_is_heard(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight();
    error_at(p, PATH_ERROR_NETWORK, 0, 1);
    assert_int_equal(tcp_soft_error(p->tcb), ENETUNREACH);
    assert_int_equal(tcp_soft_error(p->tcb), 0);
    error_at(p, PATH_ERROR_NETWORK, 0, 1);
    peer_ack(p, 1001);
    assert_int_equal(tcp_soft_error(p->tcb), 0);
    peer_free(p);
}

static void SHLD_25_soft_error_is_told_when_the_connection_times_out(void **state)
{
    (void)state;
    struct peer *p = peer_with_flight();
    error_at(p, PATH_ERROR_HOST, 0, 1);
    peer_after(p, 2000000);
    assert_int_equal(p->tcb->state, TCP_CLOSED);
    assert_int_equal(tcp_error(p->tcb, true), EHOSTUNREACH);
    peer_free(p);
}

static void MUST_54_error_while_opening_says_why(void **state)
{
    (void)state;
    static const struct {
        enum path_error_kind kind;
        int error;
    } table[] = {
        {PATH_ERROR_NETWORK, ENETUNREACH},  {PATH_ERROR_HOST, EHOSTUNREACH},
        {PATH_ERROR_PROTOCOL, ENOPROTOOPT}, {PATH_ERROR_PORT, ECONNREFUSED},
        {PATH_ERROR_ADMIN, EHOSTUNREACH},   {PATH_ERROR_TIME_EXCEEDED, EHOSTUNREACH},
        {PATH_ERROR_PARAMETER, EPROTO},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct peer *p = peer_new();
        peer_await_syn(p);
        assert_int_equal(error_at(p, table[i].kind, 0, 0), DROP_NONE);
        assert_int_equal(p->tcb->state, TCP_CLOSED);
        assert_int_equal(tcp_error(p->tcb, true), table[i].error);
        peer_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_wants_all_errors_is_told_at_once),
        cmocka_unit_test(failed_attempt_is_told_in_the_error_queue),
        cmocka_unit_test(error_about_what_is_not_in_flight_is_ignored),
        cmocka_unit_test(error_about_a_half_open_connection_must_quote_its_SYN),
        cmocka_unit_test(error_about_no_connection_or_cut_short_is_ignored),
        cmocka_unit_test(MUST_56_no_error_ends_an_open_connection),
        cmocka_unit_test(MUST_56_no_error_ends_a_connection_that_closes),
        cmocka_unit_test(error_is_about_the_connection_it_quotes_alone),
        cmocka_unit_test(size_that_what_was_sent_does_not_exceed_is_not_believed),
        cmocka_unit_test(MUST_47_soft_error_is_told_once_to_who_asks_until_the_peer_is_heard),
        cmocka_unit_test(SHLD_25_soft_error_is_told_when_the_connection_times_out),
        cmocka_unit_test(MUST_54_error_while_opening_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
