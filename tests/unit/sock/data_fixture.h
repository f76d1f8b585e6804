/* What the tests of sending and receiving share: a connection, or two datagram sockets. */
#ifndef TESTS_UNIT_SOCK_DATA_FIXTURE_H
#define TESTS_UNIT_SOCK_DATA_FIXTURE_H

#include "unit/sock/connected.h"

#include "link/link.h"
#include "sock/tern.h"

/* In place of the connection. */
static inline int setup_datagram(void **state)
{
    setup(state);
    open_datagrams(&client, &server);
    return 0;
}

#define datagram_test(name) cmocka_unit_test_setup_teardown(name, setup_datagram, teardown)

static inline ssize_t send_to(struct tern *t, int s, const char *text, const char *host,
                              uint16_t port)
{
    struct sockaddr_in in = at(host, port);
    return tern_sendto(t, s, text, strlen(text), 0, (struct sockaddr *)&in, sizeof in);
}

static inline void assert_receives(struct tern *t, int s, const char *text)
{
    char bytes[256];
    assert_int_equal(tern_recv(t, s, bytes, sizeof bytes, 0), strlen(text));
    assert_memory_equal(bytes, text, strlen(text));
}

static inline enum drop_reason take_in(void *machine, const void *packet, size_t length,
                                       const struct tern_offload *offload, uint64_t now_ns)
{
    struct tern *t = machine;
    return stack_input(&t->stack, t->interface, packet, length, offload, now_ns);
}

/* From within a call, as a host of its own would have it: up to `most` of the packets that are on
 * their way to end 0 (`a`) or 1 (`b`) arrive. How many. */
static inline int arrive(int end, int most)
{
    return link_poll(pair.ends[end].link, pair.now_ns, most, take_in, pair.ends[end].t);
}

/* `length` bytes that differ from place to place. */
static inline char *pattern(size_t length)
{
    char *bytes = malloc(length);
    assert_non_null(bytes);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)(i * 131 + i / 251);
    return bytes;
}

#endif
