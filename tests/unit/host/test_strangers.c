/* Threads that know nothing of one another make whatever calls on whatever sockets of two stacks,
 * close what others wait for, and take numbers anew that others still use. Nothing may crash, hang
 * or be left behind; worth most under ThreadSanitizer and AddressSanitizer. Which calls are made is
 * chosen by generators with fixed seeds; in which order, the scheduler says. */
#include "unit/host/two_ends.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>

#include "base/random.h"

enum {
    STRANGERS = 6,
    CALLS = 8000, /* a stranger */
    NUMBERS = 14, /* descriptors that they mean, most of which there are */
    LENGTH_MOST = 60000,
    PATIENCE_US = 2000,
};

static atomic_int strangers_left;
static atomic_bool stepped_enough;
static atomic_uint watches_called;

struct stranger {
    pthread_t thread;
    struct random random;
    uint8_t *bytes; /* LENGTH_MOST of its own */
    struct tern *t; /* of this call */
    int socket;
};

static int below(struct stranger *s, uint32_t bound)
{
    return (int)random_below(&s->random, bound);
}

static bool once_in(struct stranger *s, uint32_t n)
{
    return below(s, n) == 0;
}

static int dontwait(struct stranger *s)
{
    return once_in(s, 2) ? MSG_DONTWAIT : 0;
}

/* A socket that is none of the few that all mean is let go of. Who waits for ever is let go by the
 * test itself, which closes what it waits for. */
static void introduce(struct stranger *s, int socket)
{
    if (socket >= NUMBERS)
        tern_close(s->t, socket);
    struct timeval patience = {.tv_usec = 1 + below(s, PATIENCE_US)};
    tern_setsockopt(s->t, socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    tern_setsockopt(s->t, socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

static struct sockaddr_in somewhere(struct stranger *s)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(7 + below(s, 2)))};
    inet_pton(AF_INET, s->t == ends[0] ? "10.0.0.2" : "10.0.0.1", &in.sin_addr);
    return in;
}

/* ── What they do ── */

static void open_stream(struct stranger *s)
{
    introduce(s, tern_socket(s->t, AF_INET, SOCK_STREAM, 0));
}

static void open_datagram(struct stranger *s)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(7)};
    int socket = tern_socket(s->t, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    introduce(s, socket);
    tern_bind(s->t, socket, (struct sockaddr *)&in, sizeof in);
}

static void listen_somewhere(struct stranger *s)
{
    introduce(s, tern_listen_on(s->t, once_in(s, 2) ? "7" : "8", 3));
}

static void listen_with_it(struct stranger *s)
{
    tern_listen(s->t, s->socket, 2);
}

static void connect_somewhere(struct stranger *s)
{
    struct sockaddr_in in = somewhere(s);
    if (once_in(s, 8))
        in.sin_family = AF_UNSPEC;
    tern_connect(s->t, s->socket, (struct sockaddr *)&in, sizeof in);
}

static void dial(struct stranger *s)
{
    struct sockaddr_in in = somewhere(s);
    int socket = tern_socket(s->t, AF_INET, SOCK_STREAM, 0);
    introduce(s, socket);
    tern_connect(s->t, socket, (struct sockaddr *)&in, sizeof in);
}

static void accept_one(struct stranger *s)
{
    introduce(s, tern_accept4(s->t, s->socket, NULL, NULL, 0));
}

static void send_bytes(struct stranger *s)
{
    int flags = dontwait(s) | (once_in(s, 8) ? MSG_OOB : 0) | (once_in(s, 8) ? MSG_MORE : 0);
    tern_send(s->t, s->socket, s->bytes, (size_t)below(s, LENGTH_MOST), flags);
}

static void send_datagram(struct stranger *s)
{
    struct sockaddr_in in = somewhere(s);
    tern_sendto(s->t, s->socket, s->bytes, 100, MSG_DONTWAIT, (struct sockaddr *)&in, sizeof in);
}

static void receive_bytes(struct stranger *s)
{
    static const int flags[] = {0, 0, 0, MSG_WAITALL, MSG_PEEK, MSG_OOB, MSG_TRUNC};
    tern_recv(s->t, s->socket, s->bytes, (size_t)below(s, LENGTH_MOST),
              dontwait(s) | flags[below(s, sizeof flags / sizeof flags[0])]);
}

static void shut_it(struct stranger *s)
{
    tern_shutdown(s->t, s->socket, below(s, 3));
}

static void close_it(struct stranger *s)
{
    struct linger linger = {below(s, 2), 0};
    if (once_in(s, 3))
        tern_setsockopt(s->t, s->socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    tern_close(s->t, s->socket);
}

static void make_epoll(struct stranger *s)
{
    introduce(s, tern_epoll_create1(s->t, 0));
}

static void control_epoll(struct stranger *s)
{
    static const uint32_t modes[] = {0, EPOLLET, EPOLLONESHOT, EPOLLET | EPOLLONESHOT};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | modes[below(s, 4)]};
    tern_epoll_ctl(s->t, s->socket, 1 + below(s, 3), below(s, NUMBERS), &event);
}

static void wait_by_epoll(struct stranger *s)
{
    struct epoll_event events[4];
    tern_epoll_wait(s->t, s->socket, events, 4, below(s, 3));
}

static void wait_by_poll(struct stranger *s)
{
    struct pollfd polled[3] = {{.fd = s->socket, .events = POLLIN},
                               {.fd = below(s, NUMBERS), .events = POLLIN | POLLPRI},
                               {.fd = below(s, NUMBERS), .events = POLLOUT}};
    tern_poll(s->t, polled, 3, below(s, 3));
}

/* Called by the thread that steps: it reads, and at times closes what it was
 * called for. */
static void on_ready(void *user, int socket, short events)
{
    (void)user, (void)events;
    char bytes[100];
    if (atomic_fetch_add(&watches_called, 1) % 8 == 0)
        tern_close(ends[0], socket);
    else
        tern_recv(ends[0], socket, bytes, sizeof bytes, MSG_DONTWAIT);
}

/* Those of the stack that is stepped. */
static void watch_it(struct stranger *s)
{
    tern_watch(ends[0], s->socket, POLLIN | POLLOUT, once_in(s, 4) ? NULL : on_ready, NULL);
}

/* Nothing is written to it: that another may close the socket meanwhile makes
 * it invalid. */
static void reserve_room(struct stranger *s)
{
    struct iovec spans[2];
    tern_send_reserve(s->t, s->socket, 100, spans);
}

static void commit_room(struct stranger *s)
{
    tern_send_commit(s->t, s->socket, 0, 0);
}

static void look_around(struct stranger *s)
{
    struct tern_tcp_info info;
    socklen_t length = sizeof info;
    uint64_t value;
    tern_getsockopt(s->t, s->socket, IPPROTO_TCP, TCP_INFO, &info, &length);
    expect(tern_counter(s->t, "TcpInSegs", &value) == 0, "counter");
    expect(tern_set(s->t, "tcp.rcvbuf", once_in(s, 2) ? "131072" : "4096") == 0, "set");
    tern_memory_used(s->t);
}

static void (*const acts[])(struct stranger *) = {
    open_stream,   open_datagram, listen_somewhere, listen_with_it, connect_somewhere, dial,
    dial,          accept_one,    accept_one,       send_bytes,     send_bytes,        send_bytes,
    send_datagram, receive_bytes, receive_bytes,    receive_bytes,  shut_it,           close_it,
    make_epoll,    control_epoll, control_epoll,    wait_by_epoll,  wait_by_poll,      watch_it,
    reserve_room,  commit_room,   look_around,
};

static void *stranger_run(void *argument)
{
    struct stranger *s = argument;
    for (int call = 0; call < CALLS; call++) {
        s->t = ends[below(s, 2)];
        s->socket = below(s, NUMBERS);
        acts[below(s, sizeof acts / sizeof acts[0])](s);
    }
    strangers_left--;
    return NULL;
}

/* ── The others ── */

/* Steps the first stack, when there is something to do, or every millisecond. */
static void *step(void *descriptor)
{
    struct pollfd work = {.fd = *(int *)descriptor, .events = POLLIN};
    while (!stepped_enough) {
        poll(&work, 1, 1);
        expect(tern_step(ends[0]) >= 0, "step");
    }
    return NULL;
}

static void close_any(struct random *random)
{
    tern_close(ends[random_below(random, 2)], (int)random_below(random, NUMBERS));
}

static void close_all(void)
{
    for (int i = 0; i < 2; i++)
        for (int socket = 0; socket < 2 * NUMBERS; socket++)
            tern_close(ends[i], socket);
}

/* `descriptor` is tern_fd()'s, or -1: the helper thread drives the first stack, too. */
static void meet(int descriptor)
{
    static struct stranger strangers[STRANGERS];
    struct random random;
    pthread_t stepper;
    uint64_t segments;
    /* A reset that finds the link full is lost, and who waits for a FIN then waits that long. */
    for (int i = 0; i < 2; i++)
        assert_int_equal(tern_set(ends[i], "tcp.fin_timeout_s", "1"), 0);
    strangers_left = STRANGERS;
    stepped_enough = false;
    watches_called = 0;
    random_seed_number(&random, 1);
    for (int i = 0; i < STRANGERS; i++) {
        struct stranger *s = &strangers[i];
        random_seed_number(&s->random, 2 + (uint64_t)i);
        s->bytes = calloc(1, LENGTH_MOST);
        assert_non_null(s->bytes);
        assert_int_equal(pthread_create(&s->thread, NULL, stranger_run, s), 0);
    }
    assert_int_equal(pthread_create(&stepper, NULL, step, &descriptor), 0);
    while (strangers_left > 0) {
        close_any(&random);
        poll(NULL, 0, 10);
    }
    for (int i = 0; i < STRANGERS; i++) {
        assert_int_equal(pthread_join(strangers[i].thread, NULL), 0);
        free(strangers[i].bytes);
    }
    close_all();
    for (int i = 0; i < 2; i++)
        assert_int_equal(tern_quiesce(ends[i], TIME_S(20)), 0);
    stepped_enough = true;
    assert_int_equal(pthread_join(stepper, NULL), 0);
    assert_true(watches_called > 0);
    assert_int_equal(tern_counter(ends[0], "TcpInSegs", &segments), 0);
    assert_true(segments > 100);
}

static void strangers_meet_while_a_helper_drives(void **state)
{
    (void)state;
    setup();
    meet(-1);
    teardown();
}

static void strangers_meet_at_a_loop_of_the_users(void **state)
{
    (void)state;
    setup();
    int descriptor = tern_fd(ends[0]);
    assert_true(descriptor >= 0);
    meet(descriptor);
    teardown();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_meet_while_a_helper_drives),
        cmocka_unit_test(strangers_meet_at_a_loop_of_the_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
