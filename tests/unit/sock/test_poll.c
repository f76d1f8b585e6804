#include "unit/sock/connected.h"

#include "common/allocation.h"

static void a_stream_shows_where_it_is(void **state)
{
    (void)state;
    char byte;
    assert_int_equal(ready(a, open_stream(a)), POLLOUT | POLLHUP); /* as on Linux */
    assert_int_equal(ready(a, client), POLLOUT);
    assert_int_equal(tern_send(b, server, "x", 1, 0), 1);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(ready(a, client), POLLIN | POLLOUT);
    assert_int_equal(tern_recv(a, client, &byte, 1, 0), 1);
    assert_int_equal(ready(a, client), POLLOUT);
    assert_int_equal(tern_shutdown(b, server, SHUT_WR), 0);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(ready(a, client), POLLIN | POLLRDHUP | POLLOUT);
    assert_int_equal(tern_shutdown(a, client, SHUT_WR), 0);
    assert_int_equal(ready(a, client), POLLIN | POLLRDHUP | POLLOUT | POLLHUP);
}

static void a_reset_stream_shows_it(void **state)
{
    (void)state;
    char byte;
    set_linger(b, server, 1, 0);
    assert_int_equal(tern_close(b, server), 0);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(ready(a, client), POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR);
    assert_fails(tern_recv(a, client, &byte, 1, 0), ECONNRESET);
    assert_int_equal(ready(a, client), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
}

static void a_listener_is_readable_when_someone_waits(void **state)
{
    (void)state;
    int listener = listen_at(b, "8", 1);
    assert_int_equal(ready(b, listener), 0);
    assert_true(tern_dial(a, "10.0.0.2:8") >= 0);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(ready(b, listener), POLLIN);
    assert_true(tern_accept(b, listener, NULL, NULL) >= 0);
    assert_int_equal(ready(b, listener), 0);
}

static void a_datagram_socket_is_writable_and_readable_when_something_came(void **state)
{
    (void)state;
    char byte;
    int from = open_datagram(a), to = open_datagram(b);
    assert_int_equal(bind_at(b, to, "0.0.0.0", 1000), 0);
    assert_int_equal(ready(b, to), POLLOUT);
    assert_int_equal(connect_to(a, from, "10.0.0.2", 1000), 0);
    assert_int_equal(tern_send(a, from, "x", 1, 0), 1);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(ready(b, to), POLLIN | POLLOUT);
    assert_int_equal(tern_recv(b, to, &byte, 1, 0), 1);
    assert_int_equal(ready(b, to), POLLOUT);
}

static void only_what_was_asked_for_is_answered(void **state)
{
    (void)state;
    struct pollfd fds[] = {
        {.fd = client, .events = POLLIN, .revents = -1},
        {.fd = client, .events = POLLOUT, .revents = -1},
        {.fd = client, .events = 0, .revents = -1},
        {.fd = -1, .events = POLLIN | POLLOUT, .revents = -1},
        {.fd = 999, .events = 0, .revents = 0},
        {.fd = open_stream(a), .events = 0, .revents = 0},
    };
    assert_int_equal(tern_poll(a, fds, 6, -1), 3);
    static const short expected[] = {0, POLLOUT, 0, 0, POLLNVAL, POLLHUP};
    for (int i = 0; i < 6; i++)
        assert_int_equal(fds[i].revents, expected[i]);
}

static void bad_arguments_of_poll_are_refused(void **state)
{
    (void)state;
    struct pollfd fd = {.fd = client, .events = POLLOUT};
    assert_fails(tern_poll(a, NULL, 1, 0), EFAULT);
    assert_int_equal(tern_set(a, "socket.descriptors", "1"), 0);
    assert_fails(tern_poll(a, &fd, 2, 0), EINVAL);
    assert_int_equal(tern_poll(a, &fd, 1, 0), 1);
    assert_int_equal(tern_poll(a, NULL, 0, 0), 0);
}

static void poll_waits_as_long_as_it_is_told(void **state)
{
    (void)state;
    struct pollfd fd = {.fd = client, .events = POLLIN}, nobody = {.fd = -1, .events = POLLIN};
    uint64_t before = pair.now_ns;
    assert_int_equal(tern_poll(a, &fd, 1, 0), 0);
    assert_true(pair.now_ns == before);
    assert_int_equal(tern_poll(a, &fd, 1, 10), 0);
    assert_true(pair.now_ns == before + TIME_MS(10));
    assert_int_equal(tern_poll(a, NULL, 0, 25), 0);
    assert_int_equal(tern_poll(a, &nobody, 1, 5), 0);
    assert_true(pair.now_ns == before + TIME_MS(40));
    pair.interrupt_in = 1;
    assert_fails(tern_poll(a, &fd, 1, -1), EINTR);
    pair.interrupt_in = 1;
    assert_fails(tern_poll(a, NULL, 0, 10), EINTR);
}

static void send_from_the_server(struct pair *p)
{
    p->meanwhile = NULL;
    assert_int_equal(tern_send(p->ends[1].t, server, "x", 1, 0), 1);
}

/* More than fit without asking for memory. */
static void poll_wakes_for_any_of_many(void **state)
{
    (void)state;
    enum { MANY = 100 };
    struct pollfd fds[MANY];
    for (int i = 0; i < MANY; i++)
        fds[i] = (struct pollfd){.fd = listen_at(a, "0", 1), .events = POLLIN};
    fds[70] = (struct pollfd){.fd = client, .events = POLLIN};
    for (int count = 71; count <= MANY; count += 29) {
        char byte;
        pair.meanwhile = send_from_the_server;
        assert_int_equal(tern_poll(a, fds, (nfds_t)count, -1), 1);
        for (int i = 0; i < count; i++)
            assert_int_equal(fds[i].revents, i == 70 ? POLLIN : 0);
        assert_int_equal(tern_recv(a, client, &byte, 1, 0), 1);
    }
    allocations_fail_after(0);
    errno = 0;
    int result = tern_poll(a, fds, MANY, 0), error = errno;
    int few = tern_poll(a, fds, 8, 0);
    allocations_succeed();
    assert_int_equal(result, -1);
    assert_int_equal(error, ENOMEM);
    assert_int_equal(few, 0);
}

static void close_the_client(struct pair *p)
{
    p->meanwhile = NULL;
    assert_int_equal(tern_close(p->ends[0].t, client), 0);
}

static void a_socket_closed_meanwhile_is_pollnval(void **state)
{
    (void)state;
    struct pollfd fds[] = {{.fd = listen_at(a, "8", 1), .events = POLLIN},
                           {.fd = client, .events = POLLIN}};
    pair.meanwhile = close_the_client;
    assert_int_equal(tern_poll(a, fds, 2, -1), 1);
    assert_int_equal(fds[0].revents, 0);
    assert_int_equal(fds[1].revents, POLLNVAL);
}

static void read_from_the_server(struct pair *p)
{
    static char bytes[65536];
    (void)tern_recv(p->ends[1].t, server, bytes, sizeof bytes, MSG_DONTWAIT);
}

static void a_full_stream_becomes_writable_again(void **state)
{
    (void)state;
    static const char bytes[1000000];
    struct pollfd fd = {.fd = client, .events = POLLOUT};
    while (tern_send(a, client, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        pair_run(&pair, TIME_MS(100));
    assert_int_equal(tern_poll(a, &fd, 1, 1000), 0);
    pair.meanwhile = read_from_the_server;
    assert_int_equal(tern_poll(a, &fd, 1, -1), 1);
    assert_int_equal(fd.revents, POLLOUT);
    assert_true(tern_send(a, client, bytes, sizeof bytes, MSG_DONTWAIT) > 0);
}

static void without_a_wait_poll_only_looks(void **state)
{
    (void)state;
    int s = open_datagram(a);
    struct pollfd fd = {.fd = s, .events = POLLIN};
    uint64_t before = pair.now_ns;
    assert_int_equal(tern_poll(a, &fd, 1, -1), 0);
    assert_int_equal(tern_poll(a, &fd, 1, 1000), 0);
    assert_true(pair.now_ns == before);
    fd.events = POLLOUT;
    assert_int_equal(tern_poll(a, &fd, 1, -1), 1);
}

static void replace_the_client(struct pair *p)
{
    p->meanwhile = NULL;
    assert_int_equal(tern_close(a, client), 0);
    assert_int_equal(open_datagram(a), client);
}

/* Also where its number has been given to another before the call could look. */
static void a_socket_replaced_meanwhile_is_pollnval(void **state)
{
    (void)state;
    struct pollfd fds[] = {{.fd = -1, .events = POLLIN},
                           {.fd = open_datagram(a), .events = POLLIN},
                           {.fd = client, .events = POLLIN},
                           {.fd = client, .events = POLLOUT}};
    fd_set read;
    pair.meanwhile = replace_the_client;
    assert_int_equal(tern_poll(a, fds, 3, -1), 1);
    assert_int_equal(fds[0].revents, 0);
    assert_int_equal(fds[1].revents, 0);
    assert_int_equal(fds[2].revents, POLLNVAL);
    assert_int_equal(tern_poll(a, fds, 4, -1), 1); /* the new one is like any other */
    assert_int_equal(fds[2].revents, 0);
    assert_int_equal(fds[3].revents, POLLOUT);
    FD_ZERO(&read);
    FD_SET(client, &read);
    pair.meanwhile = replace_the_client;
    assert_fails(tern_select(a, client + 1, &read, NULL, NULL, NULL), EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        connected_test(a_stream_shows_where_it_is),
        connected_test(a_reset_stream_shows_it),
        socket_test(a_listener_is_readable_when_someone_waits),
        socket_test(a_datagram_socket_is_writable_and_readable_when_something_came),
        connected_test(only_what_was_asked_for_is_answered),
        connected_test(bad_arguments_of_poll_are_refused),
        connected_test(poll_waits_as_long_as_it_is_told),
        connected_test(poll_wakes_for_any_of_many),
        connected_test(a_socket_closed_meanwhile_is_pollnval),
        connected_test(a_socket_replaced_meanwhile_is_pollnval),
        connected_test(a_full_stream_becomes_writable_again),
        impatient_socket_test(without_a_wait_poll_only_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
