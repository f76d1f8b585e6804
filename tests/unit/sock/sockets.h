/* What the socket tests share: a pair of stacks, `a` at 10.0.0.1 and `b` at 10.0.0.2, fresh for
 * each test. */
#ifndef TESTS_UNIT_SOCK_SOCKETS_H
#define TESTS_UNIT_SOCK_SOCKETS_H

#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <tern/tern.h>

#include "base/time.h"
#include "common/fails.h"
#include "common/pair.h"
#include "core/endpoint.h"

static struct pair pair;
static struct tern *a, *b;

static inline void open_pair(const struct pair_options *options)
{
    pair_open(&pair, options);
    a = pair.ends[0].t;
    b = pair.ends[1].t;
}

static inline int setup(void **state)
{
    (void)state;
    open_pair(NULL);
    return 0;
}

/* The same, but calls on either end never wait. */
static inline int setup_impatient(void **state)
{
    (void)state;
    open_pair(&(struct pair_options){.cannot_wait = true});
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    pair_close(&pair);
    return 0;
}

#define socket_test(name)           cmocka_unit_test_setup_teardown(name, setup, teardown)
#define impatient_socket_test(name) cmocka_unit_test_setup_teardown(name, setup_impatient, teardown)

static inline struct sockaddr_in at(const char *host, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, host, &in.sin_addr), 1);
    return in;
}

static inline int bind_at(struct tern *t, int s, const char *host, uint16_t port)
{
    struct sockaddr_in in = at(host, port);
    return tern_bind(t, s, (struct sockaddr *)&in, sizeof in);
}

static inline int connect_to(struct tern *t, int s, const char *host, uint16_t port)
{
    struct sockaddr_in in = at(host, port);
    return tern_connect(t, s, (struct sockaddr *)&in, sizeof in);
}

static inline struct sockaddr_in name_of(struct tern *t, int s)
{
    struct sockaddr_in in = {0};
    socklen_t length = sizeof in;
    assert_int_equal(tern_getsockname(t, s, (struct sockaddr *)&in, &length), 0);
    assert_int_equal(length, sizeof in);
    return in;
}

static inline struct sockaddr_in peer_of(struct tern *t, int s)
{
    struct sockaddr_in in = {0};
    socklen_t length = sizeof in;
    assert_int_equal(tern_getpeername(t, s, (struct sockaddr *)&in, &length), 0);
    assert_int_equal(length, sizeof in);
    return in;
}

static inline void assert_address(struct sockaddr_in in, const char *host, uint16_t port)
{
    struct sockaddr_in expected = at(host, port);
    assert_memory_equal(&in, &expected, sizeof expected);
}

static inline int open_stream(struct tern *t)
{
    int s = tern_socket(t, AF_INET, SOCK_STREAM, 0);
    assert_true(s >= 0);
    return s;
}

static inline int open_datagram(struct tern *t)
{
    int s = tern_socket(t, AF_INET, SOCK_DGRAM, 0);
    assert_true(s >= 0);
    return s;
}

static inline int open_echo(struct tern *t)
{
    int s = tern_socket(t, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    assert_true(s >= 0);
    return s;
}

/* UDP sockets at 10.0.0.1:1000 and 10.0.0.2:1000. */
static inline void open_datagrams(int *ours, int *theirs)
{
    *ours = open_datagram(a);
    *theirs = open_datagram(b);
    assert_int_equal(bind_at(a, *ours, "0.0.0.0", 1000), 0);
    assert_int_equal(bind_at(b, *theirs, "0.0.0.0", 1000), 0);
}

static inline int listen_at(struct tern *t, const char *text, int backlog)
{
    int s = tern_listen_on(t, text, backlog);
    assert_true(s >= 0);
    return s;
}

/* A stream of a's, connected to one of b's. */
static inline int connected_stream(int *theirs)
{
    int listener = listen_at(b, ":80", 5);
    int s = open_stream(a);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 80), 0);
    *theirs = tern_accept(b, listener, NULL, NULL);
    assert_true(*theirs >= 0);
    return s;
}

static inline int get_int(struct tern *t, int s, int level, int option)
{
    int value = -12345;
    socklen_t length = sizeof value;
    assert_int_equal(tern_getsockopt(t, s, level, option, &value, &length), 0);
    assert_int_equal(length, sizeof value);
    return value;
}

static inline void set_int(struct tern *t, int s, int level, int option, int value)
{
    assert_int_equal(tern_setsockopt(t, s, level, option, &value, sizeof value), 0);
}

/* SO_RCVTIMEO or SO_SNDTIMEO. */
static inline void set_timeout(struct tern *t, int s, int option, uint64_t ns)
{
    struct timeval time = {(time_t)(ns / TIME_S(1)), (suseconds_t)(ns % TIME_S(1) / TIME_US(1))};
    assert_int_equal(tern_setsockopt(t, s, SOL_SOCKET, option, &time, sizeof time), 0);
}

static inline void set_nonblocking(struct tern *t, int s)
{
    assert_int_equal(tern_fcntl(t, s, F_SETFL, O_NONBLOCK), 0);
}

static inline void set_linger(struct tern *t, int s, int on, int seconds)
{
    struct linger linger = {on, seconds};
    assert_int_equal(tern_setsockopt(t, s, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
}

/* What poll() would say now of all events that it can be asked for. */
static inline int ready(struct tern *t, int s)
{
    struct pollfd fd = {.fd = s, .events = POLLIN | POLLOUT | POLLRDHUP | POLLPRI};
    assert_true(tern_poll(t, &fd, 1, 0) >= 0);
    return fd.revents;
}

#endif
