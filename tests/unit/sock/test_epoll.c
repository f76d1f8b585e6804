#include "unit/sock/connected.h"
#include "unit/sock/epolls.h"

#include "common/allocation.h"

static int e; /* an instance of a's */

static int setup_epoll(void **state)
{
    setup_connected(state);
    e = open_epoll(a);
    return 0;
}

#define epoll_test(name) cmocka_unit_test_setup_teardown(name, setup_epoll, teardown)

static void server_sends(const char *text)
{
    ssize_t length = (ssize_t)strlen(text);
    assert_int_equal(tern_send(b, server, text, (size_t)length, 0), length);
    pair_run(&pair, TIME_MS(1));
}

static void client_reads(size_t length)
{
    char bytes[64];
    assert_int_equal(tern_recv(a, client, bytes, length, 0), length);
}

static void level_tells_as_long_as_it_is_so(void **state)
{
    (void)state;
    add(a, e, client, EPOLLIN);
    assert_int_equal(event_of(a, e, client), 0);
    server_sends("xy");
    for (int i = 0; i < 3; i++)
        assert_int_equal(event_of(a, e, client), EPOLLIN);
    client_reads(1);
    assert_int_equal(event_of(a, e, client), EPOLLIN);
    client_reads(1);
    assert_int_equal(event_of(a, e, client), 0);
    server_sends("z");
    assert_int_equal(event_of(a, e, client), EPOLLIN);
}

static void edge_tells_when_something_comes(void **state)
{
    (void)state;
    add(a, e, client, EPOLLIN | EPOLLOUT | EPOLLET);
    assert_int_equal(event_of(a, e, client), EPOLLOUT); /* as it is added */
    assert_int_equal(event_of(a, e, client), 0);
    server_sends("xy");
    assert_int_equal(event_of(a, e, client), EPOLLIN | EPOLLOUT);
    assert_int_equal(event_of(a, e, client), 0);
    client_reads(1);
    assert_int_equal(event_of(a, e, client), 0);
    server_sends("z"); /* whether or not all was read */
    assert_int_equal(event_of(a, e, client), EPOLLIN | EPOLLOUT);
    assert_int_equal(event_of(a, e, client), 0);
    /* What is gone by the time of the look is not told. */
    assert_int_equal(control(a, e, EPOLL_CTL_MOD, client, EPOLLIN | EPOLLET), 0);
    client_reads(2);
    assert_int_equal(event_of(a, e, client), 0);
}

/* Room to write is told once it has been missed, not with each acknowledgment. */
static void edge_tells_of_room_to_who_had_none(void **state)
{
    (void)state;
    static char bytes[200000];
    set_int(a, client, SOL_SOCKET, SO_SNDBUF, 20000);
    set_nonblocking(a, client);
    add(a, e, client, EPOLLOUT | EPOLLET);
    assert_int_equal(event_of(a, e, client), EPOLLOUT);
    assert_int_equal(tern_send(a, client, bytes, 100, 0), 100);
    pair_run(&pair, TIME_MS(100));
    assert_int_equal(event_of(a, e, client), 0);
    ssize_t n = tern_send(a, client, bytes, sizeof bytes, 0);
    assert_true(n > 0 && n < (ssize_t)sizeof bytes);
    pair_run(&pair, TIME_MS(100));
    assert_int_equal(event_of(a, e, client), EPOLLOUT);
    assert_int_equal(event_of(a, e, client), 0);
}

static void one_shot_tells_once_until_it_is_armed_again(void **state)
{
    (void)state;
    add(a, e, client, EPOLLIN | EPOLLONESHOT);
    server_sends("x");
    assert_int_equal(event_of(a, e, client), EPOLLIN);
    assert_int_equal(event_of(a, e, client), 0);
    server_sends("y");
    assert_int_equal(event_of(a, e, client), 0);
    assert_int_equal(control(a, e, EPOLL_CTL_MOD, client, EPOLLIN | EPOLLONESHOT), 0);
    assert_int_equal(event_of(a, e, client), EPOLLIN);
    set_linger(b, server, 1, 0);
    assert_int_equal(tern_close(b, server), 0);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(event_of(a, e, client), 0); /* not even an error */
}

static void error_and_hangup_need_not_be_asked_for(void **state)
{
    (void)state;
    add(a, e, client, 0);
    assert_int_equal(event_of(a, e, client), 0);
    set_linger(b, server, 1, 0);
    assert_int_equal(tern_close(b, server), 0);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(event_of(a, e, client), EPOLLERR | EPOLLHUP);
}

static void shutting_down_is_told_to_who_waits_for_edges(void **state)
{
    (void)state;
    add(a, e, client, EPOLLIN | EPOLLRDHUP | EPOLLET);
    assert_int_equal(tern_shutdown(b, server, SHUT_WR), 0);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(event_of(a, e, client), EPOLLIN | EPOLLRDHUP);
    assert_int_equal(event_of(a, e, client), 0);
    assert_int_equal(tern_shutdown(a, client, SHUT_WR), 0);
    assert_int_equal(event_of(a, e, client), EPOLLIN | EPOLLRDHUP | EPOLLHUP);
}

static void an_item_can_be_changed(void **state)
{
    (void)state;
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 1}, out;
    assert_int_equal(tern_epoll_ctl(a, e, EPOLL_CTL_ADD, client, &event), 0);
    assert_int_equal(tern_epoll_wait(a, e, &out, 1, 0), 0);
    event = (struct epoll_event){.events = EPOLLOUT, .data.u64 = UINT64_MAX};
    assert_int_equal(tern_epoll_ctl(a, e, EPOLL_CTL_MOD, client, &event), 0);
    assert_int_equal(tern_epoll_wait(a, e, &out, 1, 0), 1);
    assert_int_equal(out.events, EPOLLOUT);
    assert_true(out.data.u64 == UINT64_MAX);
    assert_int_equal(tern_epoll_ctl(a, e, EPOLL_CTL_DEL, client, NULL), 0);
    assert_int_equal(tern_epoll_wait(a, e, &out, 1, 0), 0);
    assert_fails(tern_epoll_ctl(a, e, EPOLL_CTL_DEL, client, NULL), ENOENT);
}

static void a_closed_socket_is_forgotten(void **state)
{
    (void)state;
    add(a, e, client, EPOLLOUT);
    assert_int_equal(tern_close(a, client), 0);
    assert_int_equal(event_of(a, e, client), 0);
    int again = open_stream(a);
    assert_int_equal(again, client); /* the number is another's now */
    add(a, e, again, EPOLLOUT);
    assert_int_equal(event_of(a, e, again), EPOLLOUT | EPOLLHUP);
}

/* Those that came first are told first, and no more than there is room for; who was told goes to
 * the end. */
static void all_have_their_turn(void **state)
{
    (void)state;
    enum { MANY = 10 };
    int sockets[MANY], seen[MANY] = {0};
    struct epoll_event events[3];
    for (int i = 0; i < MANY; i++) {
        sockets[i] = open_datagram(a);
        struct epoll_event event = {.events = EPOLLOUT, .data.u32 = (uint32_t)i};
        assert_int_equal(tern_epoll_ctl(a, e, EPOLL_CTL_ADD, sockets[i], &event), 0);
    }
    for (int round = 0; round < MANY; round++) {
        assert_int_equal(tern_epoll_wait(a, e, events, 3, 0), 3);
        for (int i = 0; i < 3; i++)
            seen[events[i].data.u32]++;
    }
    for (int i = 0; i < MANY; i++)
        assert_int_equal(seen[i], 3);
}

static void the_number_of_watched_sockets_is_limited(void **state)
{
    (void)state;
    assert_int_equal(tern_set(a, "socket.epoll_watches", "2"), 0);
    int other = open_epoll(a), s = open_datagram(a);
    add(a, e, client, EPOLLIN);
    add(a, other, client, EPOLLIN); /* counts again */
    assert_fails(control(a, e, EPOLL_CTL_ADD, s, EPOLLIN), ENOSPC);
    assert_int_equal(tern_close(a, other), 0);
    add(a, e, s, EPOLLIN);
    assert_fails(control(a, e, EPOLL_CTL_ADD, open_datagram(a), EPOLLIN), ENOSPC);
    assert_int_equal(tern_epoll_ctl(a, e, EPOLL_CTL_DEL, s, NULL), 0);
    assert_int_equal(tern_close(a, client), 0);
    add(a, e, s, EPOLLIN);
}

static void without_memory_nothing_is_watched(void **state)
{
    (void)state;
    allocations_fail_after(0);
    errno = 0;
    int result = control(a, e, EPOLL_CTL_ADD, client, EPOLLIN), error = errno;
    int instance = tern_epoll_create1(a, 0);
    allocations_succeed();
    assert_int_equal(result, -1);
    assert_int_equal(error, ENOMEM);
    assert_int_equal(instance, -1);
    add(a, e, client, EPOLLIN);
}

static void exclusive_is_for_plain_events_of_sockets(void **state)
{
    (void)state;
    int s = open_datagram(a), inner = open_epoll(a);
    assert_fails(control(a, e, EPOLL_CTL_ADD, s, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT), EINVAL);
    assert_fails(control(a, e, EPOLL_CTL_ADD, s, EPOLLIN | EPOLLEXCLUSIVE | EPOLLPRI), EINVAL);
    assert_fails(control(a, e, EPOLL_CTL_ADD, inner, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
    add(a, e, s, EPOLLIN | EPOLLOUT | EPOLLET | EPOLLEXCLUSIVE);
    assert_int_equal(event_of(a, e, s), EPOLLOUT);
    assert_fails(control(a, e, EPOLL_CTL_MOD, s, EPOLLIN), EINVAL);
    assert_fails(control(a, e, EPOLL_CTL_MOD, s, EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
    assert_int_equal(tern_epoll_ctl(a, e, EPOLL_CTL_DEL, s, NULL), 0);
    add(a, e, s, EPOLLOUT);
    assert_fails(control(a, e, EPOLL_CTL_MOD, s, EPOLLOUT | EPOLLEXCLUSIVE), EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        epoll_test(level_tells_as_long_as_it_is_so),
        epoll_test(edge_tells_when_something_comes),
        epoll_test(edge_tells_of_room_to_who_had_none),
        epoll_test(one_shot_tells_once_until_it_is_armed_again),
        epoll_test(error_and_hangup_need_not_be_asked_for),
        epoll_test(shutting_down_is_told_to_who_waits_for_edges),
        epoll_test(an_item_can_be_changed),
        epoll_test(a_closed_socket_is_forgotten),
        epoll_test(all_have_their_turn),
        epoll_test(the_number_of_watched_sockets_is_limited),
        epoll_test(without_memory_nothing_is_watched),
        epoll_test(exclusive_is_for_plain_events_of_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
