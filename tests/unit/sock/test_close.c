#include "unit/sock/connected.h"

/* Reads to the end and says how much there was. */
static size_t read_all(struct tern *t, int s)
{
    static char bytes[65536];
    size_t done = 0;
    ssize_t n;
    while ((n = tern_recv(t, s, bytes, sizeof bytes, 0)) > 0)
        done += (size_t)n;
    assert_int_equal(n, 0);
    return done;
}

/* More than can be under way at once. */
enum { MUCH = 400000 };

static size_t write_much(struct tern *t, int s)
{
    static const char bytes[MUCH];
    ssize_t n = tern_send(t, s, bytes, sizeof bytes, MSG_DONTWAIT);
    assert_true(n > 0);
    return (size_t)n;
}

/* ── shutdown(2) ── */

static void bad_arguments_of_shutdown_are_refused(void **state)
{
    (void)state;
    assert_fails(tern_shutdown(a, client, -1), EINVAL);
    assert_fails(tern_shutdown(a, client, 3), EINVAL);
    for (int how = SHUT_RD; how <= SHUT_RDWR; how++) {
        assert_fails(tern_shutdown(a, open_stream(a), how), ENOTCONN);
        assert_fails(tern_shutdown(a, open_datagram(a), how), ENOTCONN);
    }
}

static void either_side_is_shut_by_itself(void **state)
{
    (void)state;
    char byte;
    assert_int_equal(tern_send(a, client, "ab", 2, 0), 2);
    assert_int_equal(tern_shutdown(a, client, SHUT_WR), 0);
    assert_int_equal(tern_shutdown(a, client, SHUT_WR), 0);
    assert_int_equal(read_all(b, server), 2);
    assert_int_equal(tern_send(b, server, "c", 1, 0), 1);
    assert_int_equal(tern_recv(a, client, &byte, 1, 0), 1);
    assert_int_equal(tern_shutdown(a, client, SHUT_RD), 0);
    assert_int_equal(tern_recv(a, client, &byte, 1, 0), 0);
    /* Nobody will ever read what still comes: the peer is told so (RFC 2525 §2.17). */
    assert_int_equal(tern_send(b, server, "d", 1, 0), 1);
    assert_fails(tern_drain(b, server), EPIPE);
}

static void what_comes_after_shut_rd_may_be_read(void **state)
{
    (void)state;
    char byte = 0;
    assert_int_equal(tern_shutdown(a, client, SHUT_RD), 0);
    assert_int_equal(tern_recv(a, client, &byte, 1, 0), 0);
    assert_int_equal(tern_send(b, server, "d", 1, 0), 1);
    assert_int_equal(tern_drain(b, server), 0);
    assert_int_equal(tern_recv(a, client, &byte, 1, 0), 1);
    assert_int_equal(byte, 'd');
    assert_int_equal(tern_recv(a, client, &byte, 1, 0), 0);
}

static void shut_the_client(struct pair *p)
{
    p->meanwhile = NULL;
    assert_int_equal(tern_shutdown(p->ends[0].t, client, SHUT_RD), 0);
}

static void a_blocked_recv_ends_with_the_receiving_side(void **state)
{
    (void)state;
    char byte;
    pair.meanwhile = shut_the_client;
    assert_int_equal(tern_recv(a, client, &byte, 1, 0), 0);
}

static void stop_listening(struct pair *p)
{
    p->meanwhile = NULL;
    assert_int_equal(tern_shutdown(p->ends[1].t, *(int *)p->user, SHUT_RDWR), 0);
}

static void shut_rd_ends_the_listening_and_who_waits_in_accept(void **state)
{
    (void)state;
    int listener = listen_at(b, "8", 1);
    assert_int_equal(tern_shutdown(b, listener, SHUT_WR), 0);
    assert_true(tern_dial(a, "10.0.0.2:8") >= 0);
    assert_true(tern_accept(b, listener, NULL, NULL) >= 0);
    pair.meanwhile = stop_listening;
    pair.user = &listener;
    assert_fails(tern_accept(b, listener, NULL, NULL), EINVAL);
    assert_int_equal(get_int(b, listener, SOL_SOCKET, SO_ACCEPTCONN), 0);
    assert_fails(tern_dial(a, "10.0.0.2:8"), ECONNREFUSED);
    /* It keeps its name, and may listen again. */
    assert_address(name_of(b, listener), "0.0.0.0", 8);
    assert_int_equal(tern_listen(b, listener, 1), 0);
    assert_true(tern_dial(a, "10.0.0.2:8") >= 0);
}

/* ── close(2) ── */

static void what_was_written_is_still_delivered(void **state)
{
    (void)state;
    size_t written = write_much(a, client);
    assert_int_equal(tern_close(a, client), 0);
    assert_fails(tern_send(a, client, "x", 1, 0), EBADF);
    assert_int_equal(read_all(b, server), written);
    assert_int_equal(tern_close(b, server), 0);
    pair_settle(&pair);
    assert_int_equal(tern_memory_used(a), 0);
    assert_int_equal(tern_memory_used(b), 0);
}

static void a_closed_number_is_free_at_once(void **state)
{
    (void)state;
    write_much(a, client);
    assert_int_equal(tern_close(a, client), 0);
    assert_int_equal(open_stream(a), client);
    assert_int_equal(tern_close(a, client), 0);
    assert_fails(tern_close(a, client), EBADF);
}

/* RFC 2525 §2.17: the peer must learn that what it sent was not read. */
static void unread_bytes_reset_the_connection(void **state)
{
    (void)state;
    char byte;
    assert_int_equal(tern_send(b, server, "x", 1, 0), 1);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(tern_close(a, client), 0);
    assert_fails(tern_recv(b, server, &byte, 1, 0), ECONNRESET);
}

static void lingering_for_no_time_resets_the_connection(void **state)
{
    (void)state;
    char bytes[8];
    uint64_t before = pair.now_ns;
    assert_int_equal(tern_send(a, client, "x", 1, 0), 1);
    set_linger(a, client, 1, 0);
    assert_int_equal(tern_close(a, client), 0);
    assert_true(pair.now_ns == before);
    /* The reset takes away what came before it and was not read. */
    ssize_t n = tern_recv(b, server, bytes, 8, 0);
    assert_true(n == 1 || (n == -1 && errno == ECONNRESET));
    if (n == 1)
        assert_fails(tern_recv(b, server, bytes, 8, 0), ECONNRESET);
    pair_settle(&pair);
    assert_int_equal(tern_memory_used(a), 0);
}

static void drain_the_server(struct pair *p)
{
    static char bytes[65536];
    (void)tern_recv(p->ends[1].t, server, bytes, sizeof bytes, MSG_DONTWAIT);
}

static void lingering_waits_until_all_is_acknowledged(void **state)
{
    (void)state;
    for (int nonblocking = 0; nonblocking < 2; nonblocking++) {
        uint64_t before = pair.now_ns;
        write_much(a, client);
        set_linger(a, client, 1, 3600);
        if (nonblocking)
            set_nonblocking(a, client);
        pair.meanwhile = drain_the_server;
        assert_int_equal(tern_close(a, client), 0);
        assert_true(pair.now_ns < before + TIME_S(3600));
        /* All has arrived, the end too: nothing is on its way. */
        pair.meanwhile = NULL;
        pair.ends[0].cut = true;
        read_all(b, server);
        pair.ends[0].cut = false;
        assert_int_equal(tern_close(b, server), 0);
        pair_settle(&pair);
        pair_connect(&pair, 7, &client, &server);
    }
}

static void lingering_waits_for_its_time_at_most(void **state)
{
    (void)state;
    uint64_t before = pair.now_ns;
    pair.ends[1].cut = true;
    assert_int_equal(tern_send(a, client, "x", 1, 0), 1);
    set_linger(a, client, 1, 7);
    assert_int_equal(tern_close(a, client), 0);
    assert_true(pair.now_ns == before + TIME_S(7));
    /* The rest goes on. */
    pair.ends[1].cut = false;
    assert_int_equal(read_all(b, server), 1);
}

static void an_interrupted_close_has_closed(void **state)
{
    (void)state;
    pair.ends[1].cut = true;
    assert_int_equal(tern_send(a, client, "x", 1, 0), 1);
    set_linger(a, client, 1, 7);
    pair.interrupt_in = 2;
    assert_fails(tern_close(a, client), EINTR);
    assert_fails(tern_close(a, client), EBADF);
    pair.ends[1].cut = false;
    assert_int_equal(read_all(b, server), 1);
}

static void there_may_be_nothing_to_linger_for(void **state)
{
    (void)state;
    uint64_t before = pair.now_ns;
    int sockets[4] = {open_stream(a), open_datagram(a), listen_at(a, "8", 1), open_stream(a)};
    set_nonblocking(a, sockets[3]);
    pair.ends[1].cut = true;
    assert_fails(connect_to(a, sockets[3], "10.0.0.2", 9), EINPROGRESS);
    for (int i = 0; i < 4; i++) {
        set_linger(a, sockets[i], 1, 100);
        assert_int_equal(tern_close(a, sockets[i]), 0);
    }
    assert_true(pair.now_ns == before);
}

static void close_the_client(struct pair *p)
{
    p->meanwhile = NULL;
    assert_int_equal(tern_close(p->ends[0].t, client), 0);
}

static void closing_ends_every_call_that_waits(void **state)
{
    (void)state;
    char byte;
    pair.meanwhile = close_the_client;
    assert_fails(tern_recv(a, client, &byte, 1, 0), EBADF);
    client = open_datagram(a);
    pair.meanwhile = close_the_client;
    assert_fails(tern_recv(a, client, &byte, 1, 0), EBADF);
    client = listen_at(a, "8", 1);
    pair.meanwhile = close_the_client;
    assert_fails(tern_accept(a, client, NULL, NULL), EBADF);
    client = open_stream(a);
    pair.ends[1].cut = true;
    pair.meanwhile = close_the_client;
    assert_fails(connect_to(a, client, "10.0.0.2", 9), EBADF);
    pair.ends[1].cut = false;
    pair_connect(&pair, 9, &client, &server);
    pair.ends[1].cut = true;
    assert_int_equal(tern_send(a, client, "x", 1, 0), 1);
    pair.meanwhile = close_the_client;
    assert_fails(tern_drain(a, client), EBADF);
}

static void reopen_the_client(struct pair *p)
{
    p->meanwhile = NULL;
    assert_int_equal(tern_close(p->ends[0].t, client), 0);
    assert_int_equal(open_datagram(p->ends[0].t), client);
}

static void a_waiting_call_never_moves_to_a_new_socket(void **state)
{
    (void)state;
    char byte;
    pair.meanwhile = reopen_the_client;
    assert_fails(tern_recv(a, client, &byte, 1, 0), EBADF);
}

static void a_listener_takes_what_it_did_not_accept_with_it(void **state)
{
    (void)state;
    char byte;
    int listener = listen_at(b, "8", 1), s = tern_dial(a, "10.0.0.2:8");
    assert_int_equal(tern_close(b, listener), 0);
    assert_fails(tern_recv(a, s, &byte, 1, 0), ECONNRESET);
}

/* ── tern_quiesce ── */

/* Reads, and closes when there is no more to come. */
static void close_the_server_at_its_end(struct pair *p)
{
    static char bytes[65536];
    if (tern_recv(p->ends[1].t, server, bytes, sizeof bytes, MSG_DONTWAIT) != 0)
        return;
    p->meanwhile = NULL;
    assert_int_equal(tern_close(p->ends[1].t, server), 0);
}

static void quiescing_waits_for_what_closed_sockets_left(void **state)
{
    (void)state;
    assert_int_equal(tern_quiesce(a, 0), 0); /* an open socket is its owner's business */
    write_much(a, client);
    assert_int_equal(tern_close(a, client), 0);
    assert_fails(tern_quiesce(a, 0), ETIMEDOUT);
    pair.meanwhile = drain_the_server;
    uint64_t before = pair.now_ns;
    assert_fails(tern_quiesce(a, TIME_MS(500)), ETIMEDOUT); /* the peer's FIN is missing */
    assert_true(pair.now_ns == before + TIME_MS(500));
    pair.interrupt_in = 1;
    assert_fails(tern_quiesce(a, UINT64_MAX), EINTR);
    pair.meanwhile = close_the_server_at_its_end;
    assert_int_equal(tern_quiesce(a, UINT64_MAX), 0);
    /* What is left is TIME-WAIT. */
    pair_settle(&pair);
    assert_int_equal(tern_memory_used(a), 0);
}

static void without_a_wait_quiescing_only_looks(void **state)
{
    (void)state;
    int listener = listen_at(b, "7", 1), s = tern_dial(a, "10.0.0.2:7");
    pair_run(&pair, TIME_MS(1));
    int accepted = tern_accept(b, listener, NULL, NULL);
    assert_int_equal(tern_close(a, s), 0);
    assert_fails(tern_quiesce(a, UINT64_MAX), ETIMEDOUT);
    assert_int_equal(tern_close(b, accepted), 0);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(tern_quiesce(a, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        connected_test(bad_arguments_of_shutdown_are_refused),
        connected_test(either_side_is_shut_by_itself),
        connected_test(what_comes_after_shut_rd_may_be_read),
        connected_test(a_blocked_recv_ends_with_the_receiving_side),
        connected_test(shut_rd_ends_the_listening_and_who_waits_in_accept),
        connected_test(what_was_written_is_still_delivered),
        connected_test(a_closed_number_is_free_at_once),
        connected_test(unread_bytes_reset_the_connection),
        connected_test(lingering_for_no_time_resets_the_connection),
        connected_test(lingering_waits_until_all_is_acknowledged),
        connected_test(lingering_waits_for_its_time_at_most),
        connected_test(an_interrupted_close_has_closed),
        connected_test(there_may_be_nothing_to_linger_for),
        connected_test(closing_ends_every_call_that_waits),
        connected_test(a_waiting_call_never_moves_to_a_new_socket),
        connected_test(a_listener_takes_what_it_did_not_accept_with_it),
        impatient_socket_test(without_a_wait_quiescing_only_looks),
        connected_test(quiescing_waits_for_what_closed_sockets_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
