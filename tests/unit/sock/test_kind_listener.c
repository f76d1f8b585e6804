#include "unit/sock/connected.h"

#include <stdio.h>

#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif
#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif

enum { ROOM = 1 << 20 };

static char bytes[ROOM];

/* What another thread may do while `client` is waited for. */
static void make_a_listener_of_it(struct pair *p)
{
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    p->meanwhile = NULL;
    assert_int_equal(tern_connect(p->ends[0].t, client, &nobody, sizeof nobody), 0);
    assert_int_equal(tern_listen(p->ends[0].t, client, 1), 0);
}

static void fill_the_send_buffer(void)
{
    set_nonblocking(a, client);
    while (tern_send(a, client, bytes, sizeof bytes, 0) > 0)
        pair_run(&pair, TIME_MS(100));
    assert_int_equal(tern_fcntl(a, client, F_SETFL, 0), 0);
}

static void who_waits_for_room_is_told(void **state)
{
    (void)state;
    struct iovec spans[2];
    fill_the_send_buffer();
    pair.meanwhile = make_a_listener_of_it;
    assert_fails(tern_send_reserve(a, client, 100, spans), EPIPE);
    assert_fails(tern_send_reserve(a, client, 100, spans), EPIPE); /* of the listener */
    assert_fails(tern_send_commit(a, client, 100, 0), EINVAL);
}

static void who_waits_to_peek_is_told(void **state)
{
    (void)state;
    struct iovec spans[2];
    pair.meanwhile = make_a_listener_of_it;
    assert_fails(tern_recv_peek(a, client, spans), EPIPE);
    assert_fails(tern_recv_peek(a, client, spans), ENOTCONN); /* of the listener */
    assert_fails(tern_recv_consume(a, client, 0), ENOTCONN);
}

static void who_waits_to_send_a_file_is_told(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_int_equal(fwrite(bytes, 1, 1000, file), 1000);
    assert_int_equal(fflush(file), 0);
    off_t offset = 0;
    fill_the_send_buffer();
    pair.meanwhile = make_a_listener_of_it;
    assert_fails(tern_sendfile(a, client, fileno(file), &offset, 1000), EPIPE);
    assert_fails(tern_sendfile(a, client, fileno(file), &offset, 1000), EPIPE);
    assert_int_equal(offset, 0);
    fclose(file);
}

/* It says how far it got, although nobody is there to whom the rest might be told. */
static void who_has_sent_a_part_is_told_how_much(void **state)
{
    (void)state;
    set_int(a, client, SOL_SOCKET, SO_ZEROCOPY, 1);
    set_int(a, client, SOL_SOCKET, SO_SNDBUF, 10000);
    pair.meanwhile = make_a_listener_of_it;
    ssize_t sent = tern_send(a, client, bytes, sizeof bytes, MSG_ZEROCOPY);
    assert_true(sent > 0 && (size_t)sent < sizeof bytes);
}

static void who_has_received_a_part_is_told_how_much(void **state)
{
    (void)state;
    char into[10];
    struct iovec span = {into, sizeof into};
    struct msghdr message = {.msg_iov = &span, .msg_iovlen = 1};
    assert_int_equal(tern_send(b, server, "abcde", 5, 0), 5);
    pair_run(&pair, TIME_MS(1));
    pair.meanwhile = make_a_listener_of_it;
    assert_int_equal(tern_recvmsg(a, client, &message, MSG_WAITALL), 5);
    assert_memory_equal(into, "abcde", 5);
    assert_int_equal(message.msg_controllen, 0);
}

static void who_waits_for_an_opening_with_text_is_told(void **state)
{
    (void)state;
    struct sockaddr_in to = at("10.0.0.2", 7);
    client = open_stream(a);
    pair.ends[1].cut = true;
    pair.meanwhile = make_a_listener_of_it;
    assert_fails(tern_sendto(a, client, "abc", 3, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof to),
                 EPIPE);
}

static void a_listener_is_never_at_the_urgent_mark(void **state)
{
    (void)state;
    int s = listen_at(a, "8", 1);
    assert_int_equal(tern_sockatmark(a, s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        connected_test(who_waits_for_room_is_told),
        connected_test(who_waits_to_peek_is_told),
        connected_test(who_waits_to_send_a_file_is_told),
        connected_test(who_has_sent_a_part_is_told_how_much),
        connected_test(who_has_received_a_part_is_told_how_much),
        connected_test(who_waits_for_an_opening_with_text_is_told),
        socket_test(a_listener_is_never_at_the_urgent_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
