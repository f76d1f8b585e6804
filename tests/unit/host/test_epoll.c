/* Many threads at instances of epoll, on two stacks joined by a pair of kernel sockets, in real
 * time. A thread that is never woken hangs, and the test's time limit tells. */
#include "two_ends.h"

#include <fcntl.h>

enum {
    WORKERS = 4,
    CLIENTS = 6,
    CONNECTIONS = 8, /* a client */
    ROUNDS = 20,     /* of a connection */
};

static void spawn(pthread_t *threads, int count, void *(*run)(void *), const int *arguments)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run,
                                        (void *)(intptr_t)(arguments ? arguments[i] : i)),
                         0);
}

static int watch(struct tern *t, int epoll, int operation, int socket, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = socket};
    return tern_epoll_ctl(t, epoll, operation, socket, &event);
}

/* ── Clients, who ask and wait for the answer ── */

static void converse(void)
{
    int socket = tern_dial(ends[0], "10.0.0.2:7000");
    if (!expect(socket >= 0, "dial"))
        return;
    for (int i = 0; i < ROUNDS; i++) {
        int answer = -1;
        expect(tern_write_all(ends[0], socket, &i, sizeof i) == 0, "ask");
        expect(tern_read_full(ends[0], socket, &answer, sizeof answer) == sizeof answer &&
                   answer == i,
               "answer");
    }
    expect(tern_close(ends[0], socket) == 0, "close");
}

static void *client(void *argument)
{
    (void)argument;
    for (int i = 0; i < CONNECTIONS; i++)
        converse();
    return NULL;
}

/* ── Workers ── */

static int listener, shared;
static atomic_int served; /* connections, to their end */

/* Reads all that is there and sends it back. Whether the connection goes on. */
static bool answer(int socket)
{
    char bytes[256];
    ssize_t n;
    while ((n = tern_recv(ends[1], socket, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        expect(tern_write_all(ends[1], socket, bytes, (size_t)n) == 0, "answer");
    if (n < 0 && errno == EAGAIN)
        return true;
    expect(n == 0, "receive");
    expect(tern_close(ends[1], socket) == 0, "close a connection");
    served++;
    return false;
}

static void accept_all(int epoll, uint32_t events)
{
    int socket;
    while ((socket = tern_accept4(ends[1], listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
        expect(watch(ends[1], epoll, EPOLL_CTL_ADD, socket, events) == 0, "add");
    expect(errno == EAGAIN, "accept");
}

/* All at one instance: one-shot items belong to one worker at a time. */
static void *work_together(void *argument)
{
    const uint32_t how = EPOLLIN | EPOLLONESHOT;
    struct epoll_event event;
    (void)argument;
    while (tern_epoll_wait(ends[1], shared, &event, 1, -1) == 1) {
        int socket = event.data.fd;
        if (socket == listener)
            accept_all(shared, how);
        else if (!answer(socket))
            continue;
        expect(watch(ends[1], shared, EPOLL_CTL_MOD, socket, how) == 0, "arm again");
    }
    expect(errno == EBADF, "wait together");
    return NULL;
}

/* Each at an instance of its own, all of which watch the listener. */
static void *work_apart(void *argument)
{
    int own = (int)(intptr_t)argument;
    struct epoll_event events[4];
    int count;
    while ((count = tern_epoll_wait(ends[1], own, events, 4, -1)) > 0) {
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                accept_all(own, EPOLLIN);
            else
                answer(events[i].data.fd);
        }
    }
    expect(count < 0 && errno == EBADF, "wait apart");
    return NULL;
}

static void open_listener(void)
{
    served = 0;
    listener = tern_listen_on(ends[1], "7000", CLIENTS);
    assert_true(listener >= 0);
    assert_int_equal(tern_fcntl(ends[1], listener, F_SETFL, O_NONBLOCK), 0);
}

static void threads_share_an_instance(void **state)
{
    (void)state;
    pthread_t workers[WORKERS], clients[CLIENTS];
    setup();
    open_listener();
    shared = tern_epoll_create1(ends[1], 0);
    assert_int_equal(watch(ends[1], shared, EPOLL_CTL_ADD, listener, EPOLLIN | EPOLLONESHOT), 0);
    spawn(workers, WORKERS, work_together, NULL);
    spawn(clients, CLIENTS, client, NULL);
    join_all(clients, CLIENTS);
    while (served < CLIENTS * CONNECTIONS) /* the last ends are on their way */
        tern_poll(ends[1], NULL, 0, 1);
    assert_int_equal(tern_close(ends[1], shared), 0);
    join_all(workers, WORKERS);
    assert_int_equal(tern_close(ends[1], listener), 0);
    teardown();
}

static void instances_share_a_listener(void **state)
{
    (void)state;
    pthread_t workers[WORKERS], clients[CLIENTS];
    int instances[WORKERS];
    setup();
    open_listener();
    for (int i = 0; i < WORKERS; i++) {
        instances[i] = tern_epoll_create1(ends[1], 0);
        assert_int_equal(
            watch(ends[1], instances[i], EPOLL_CTL_ADD, listener, EPOLLIN | EPOLLEXCLUSIVE), 0);
    }
    spawn(workers, WORKERS, work_apart, instances);
    spawn(clients, CLIENTS, client, NULL);
    join_all(clients, CLIENTS);
    while (served < CLIENTS * CONNECTIONS)
        tern_poll(ends[1], NULL, 0, 1);
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(tern_close(ends[1], instances[i]), 0);
    join_all(workers, WORKERS);
    assert_int_equal(tern_close(ends[1], listener), 0);
    teardown();
}

/* ── Closing under others ── */

static atomic_bool over;

static void *wait_until_over(void *argument)
{
    struct epoll_event events[8];
    (void)argument;
    while (!over)
        expect(tern_epoll_wait(ends[0], shared, events, 8, 1) >= 0, "wait");
    return NULL;
}

static void *come_and_go(void *argument)
{
    (void)argument;
    for (int i = 0; i < 500; i++) {
        int socket = tern_socket(ends[0], AF_INET, SOCK_DGRAM, 0);
        expect(socket >= 0, "socket");
        expect(watch(ends[0], shared, EPOLL_CTL_ADD, socket, EPOLLOUT | EPOLLET) == 0, "add");
        if (i % 2)
            expect(watch(ends[0], shared, EPOLL_CTL_MOD, socket, EPOLLIN) == 0, "modify");
        if (i % 3 == 0)
            expect(watch(ends[0], shared, EPOLL_CTL_DEL, socket, 0) == 0, "remove");
        expect(tern_close(ends[0], socket) == 0, "close");
    }
    return NULL;
}

static void watched_sockets_come_and_go(void **state)
{
    (void)state;
    pthread_t waiters[3], others[3];
    setup();
    over = false;
    shared = tern_epoll_create1(ends[0], 0);
    spawn(waiters, 3, wait_until_over, NULL);
    spawn(others, 3, come_and_go, NULL);
    join_all(others, 3);
    over = true;
    join_all(waiters, 3);
    struct epoll_event event;
    assert_int_equal(tern_epoll_wait(ends[0], shared, &event, 1, 0), 0);
    teardown();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_an_instance),
        cmocka_unit_test(instances_share_a_listener),
        cmocka_unit_test(watched_sockets_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
