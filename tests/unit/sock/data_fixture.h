/* What the tests of sending and receiving share: a connection, or two datagram sockets. */
#ifndef TESTS_UNIT_SOCK_DATA_FIXTURE_H
#define TESTS_UNIT_SOCK_DATA_FIXTURE_H

#include "unit/sock/connected.h"

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
