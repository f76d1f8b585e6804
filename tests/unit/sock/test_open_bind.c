/* sock/open.c: bind(2). */
#include "unit/sock/sockets.h"

static void a_bound_socket_has_its_name(void **state)
{
    (void)state;
    int (*const openers[])(struct tern *) = {open_stream, open_datagram};
    for (size_t i = 0; i < 2; i++) {
        int s = openers[i](a);
        assert_address(name_of(a, s), "0.0.0.0", 0);
        assert_int_equal(bind_at(a, s, "10.0.0.1", 1000), 0);
        assert_address(name_of(a, s), "10.0.0.1", 1000);
        int wild = openers[i](a);
        assert_int_equal(bind_at(a, wild, "0.0.0.0", 1001), 0);
        assert_address(name_of(a, wild), "0.0.0.0", 1001);
    }
}

static void port_0_is_an_ephemeral_port(void **state)
{
    (void)state;
    int (*const openers[])(struct tern *) = {open_stream, open_datagram};
    assert_int_equal(tern_set(a, "ip.port_first", "40000"), 0);
    assert_int_equal(tern_set(a, "ip.port_last", "40001"), 0);
    for (size_t i = 0; i < 2; i++) {
        int ports[2];
        for (int j = 0; j < 2; j++) {
            int s = openers[i](a);
            assert_int_equal(bind_at(a, s, "0.0.0.0", 0), 0);
            ports[j] = ntohs(name_of(a, s).sin_port);
            assert_in_range(ports[j], 40000, 40001);
        }
        assert_int_not_equal(ports[0], ports[1]);
        /* None is left. */
        int s = openers[i](a);
        assert_fails(bind_at(a, s, "0.0.0.0", 0), EADDRINUSE);
    }
}

static void a_socket_is_bound_once(void **state)
{
    (void)state;
    int (*const openers[])(struct tern *) = {open_stream, open_datagram};
    for (size_t i = 0; i < 2; i++) {
        int s = openers[i](a);
        assert_int_equal(bind_at(a, s, "0.0.0.0", 1000), 0);
        assert_fails(bind_at(a, s, "0.0.0.0", 1001), EINVAL);
        assert_fails(bind_at(a, s, "0.0.0.0", 1000), EINVAL);
    }
    int listener = listen_at(a, "1002", 1);
    assert_fails(bind_at(a, listener, "0.0.0.0", 1003), EINVAL);
}

static void a_name_that_is_taken_is_refused(void **state)
{
    (void)state;
    int (*const openers[])(struct tern *) = {open_stream, open_datagram};
    for (size_t i = 0; i < 2; i++) {
        int s = openers[i](a);
        assert_int_equal(bind_at(a, s, "10.0.0.1", 1000), 0);
        int other = openers[i](a);
        assert_fails(bind_at(a, other, "10.0.0.1", 1000), EADDRINUSE);
        assert_fails(bind_at(a, other, "0.0.0.0", 1000), EADDRINUSE);
        assert_int_equal(bind_at(a, other, "10.0.0.1", 1001), 0);
        assert_int_equal(tern_close(a, s), 0);
        assert_int_equal(bind_at(a, openers[i](a), "10.0.0.1", 1000), 0);
    }
}

static void so_reuseaddr_lets_names_be_shared_when_all_ask(void **state)
{
    (void)state;
    int (*const openers[])(struct tern *) = {open_stream, open_datagram};
    static const int options[] = {SO_REUSEADDR, SO_REUSEPORT};
    for (size_t i = 0; i < 4; i++) {
        uint16_t port = (uint16_t)(1000 + i);
        int first = openers[i % 2](a), second = openers[i % 2](a);
        set_int(a, second, SOL_SOCKET, options[i / 2], 1);
        assert_int_equal(bind_at(a, first, "0.0.0.0", port), 0);
        assert_fails(bind_at(a, second, "0.0.0.0", port), EADDRINUSE);
        set_int(a, first, SOL_SOCKET, options[i / 2], 1);
        assert_int_equal(bind_at(a, second, "0.0.0.0", port), 0);
    }
}

static void a_name_that_is_not_ours_is_refused(void **state)
{
    (void)state;
    int (*const openers[])(struct tern *) = {open_stream, open_datagram};
    for (size_t i = 0; i < 2; i++) {
        int s = openers[i](a);
        assert_fails(bind_at(a, s, "10.0.0.2", 1000), EADDRNOTAVAIL);
        assert_fails(bind_at(a, s, "192.0.2.1", 1000), EADDRNOTAVAIL);
        assert_int_equal(bind_at(a, s, "10.0.0.1", 1000), 0);
    }
}

static void a_bad_address_is_not_bound_nor_connected_to(void **state)
{
    (void)state;
    struct sockaddr_in in = at("10.0.0.1", 1000);
    struct sockaddr *address = (struct sockaddr *)&in;
    int (*const openers[])(struct tern *) = {open_stream, open_datagram};
    for (size_t i = 0; i < 2; i++) {
        int s = openers[i](a);
        in.sin_family = AF_INET;
        assert_fails(tern_bind(a, s, address, sizeof in - 1), EINVAL);
        assert_fails(tern_connect(a, s, address, sizeof in - 1), EINVAL);
        assert_fails(tern_bind(a, s, address, 1), EINVAL);
        assert_fails(tern_connect(a, s, address, 0), EINVAL);
        assert_fails(tern_bind(a, s, NULL, sizeof in), EFAULT);
        assert_fails(tern_connect(a, s, NULL, sizeof in), EFAULT);
        in.sin_family = AF_UNIX;
        assert_fails(tern_bind(a, s, address, sizeof in), EAFNOSUPPORT);
        assert_fails(tern_connect(a, s, address, sizeof in), EAFNOSUPPORT);
        in.sin_family = AF_UNSPEC;
        assert_fails(tern_bind(a, s, address, sizeof in), EAFNOSUPPORT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(a_bound_socket_has_its_name),
        socket_test(port_0_is_an_ephemeral_port),
        socket_test(a_socket_is_bound_once),
        socket_test(a_name_that_is_taken_is_refused),
        socket_test(so_reuseaddr_lets_names_be_shared_when_all_ask),
        socket_test(a_name_that_is_not_ours_is_refused),
        socket_test(a_bad_address_is_not_bound_nor_connected_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
