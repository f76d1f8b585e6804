/* sock/open.c: connect(2). */
#include "unit/sock/sockets.h"

static void a_connection_has_two_names(void **state)
{
    (void)state;
    int listener = listen_at(b, "7", 1), s = open_stream(a);
    (void)listener;
    assert_fails(tern_getpeername(a, s, (struct sockaddr *)&(struct sockaddr_in){0},
                                  &(socklen_t){sizeof(struct sockaddr_in)}),
                 ENOTCONN);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 7), 0);
    assert_address(peer_of(a, s), "10.0.0.2", 7);
    struct sockaddr_in ours = name_of(a, s);
    assert_address(ours, "10.0.0.1", ntohs(ours.sin_port));
    assert_in_range(ntohs(ours.sin_port), 32768, 60999);
    assert_fails(tern_getpeername(b, listener, (struct sockaddr *)&ours, &(socklen_t){sizeof ours}),
                 ENOTCONN);
}

static void a_bound_socket_connects_from_its_name(void **state)
{
    (void)state;
    int listener = listen_at(b, "7", 1), s = open_stream(a);
    assert_int_equal(bind_at(a, s, "0.0.0.0", 1234), 0);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 7), 0);
    assert_address(name_of(a, s), "10.0.0.1", 1234);
    assert_address(peer_of(b, tern_accept(b, listener, NULL, NULL)), "10.0.0.1", 1234);
}

static void a_closed_port_refuses_and_the_socket_may_try_again(void **state)
{
    (void)state;
    int s = open_stream(a);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), ECONNREFUSED);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_ERROR), 0); /* it has been told */
    listen_at(b, "7", 1);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 7), 0);
}

static void a_connection_is_made_once(void **state)
{
    (void)state;
    int client, server;
    pair_connect(&pair, 7, &client, &server);
    assert_fails(connect_to(a, client, "10.0.0.2", 7), EISCONN);
    assert_fails(connect_to(b, server, "10.0.0.1", 7), EISCONN);
    int listener = listen_at(a, "8", 1);
    assert_fails(connect_to(a, listener, "10.0.0.2", 7), EISCONN);
}

static void a_connection_under_way_says_so(void **state)
{
    (void)state;
    listen_at(b, "7", 1);
    int s = open_stream(a);
    set_nonblocking(a, s);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EINPROGRESS);
    assert_int_equal(ready(a, s), 0);
    pair.ends[1].cut = true;
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EALREADY);
    pair.ends[1].cut = false;
    pair_run(&pair, TIME_S(2));
    assert_int_equal(ready(a, s), POLLOUT);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_ERROR), 0);
    /* The first one to ask afterwards is told of the success, as on Linux. */
    assert_int_equal(connect_to(a, s, "10.0.0.2", 7), 0);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EISCONN);
}

static void a_refusal_under_way_is_told_once(void **state)
{
    (void)state;
    int s = open_stream(a);
    set_nonblocking(a, s);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EINPROGRESS);
    pair_run(&pair, TIME_MS(10));
    assert_int_equal(ready(a, s) & (POLLERR | POLLHUP | POLLOUT | POLLIN),
                     POLLERR | POLLHUP | POLLOUT | POLLIN);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), ECONNREFUSED);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EINPROGRESS);
    pair_run(&pair, TIME_MS(10));
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_ERROR), 0);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), ECONNABORTED);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EINPROGRESS);
}

static void connect_waits_for_so_sndtimeo(void **state)
{
    (void)state;
    int s = open_stream(a);
    pair.ends[1].cut = true;
    set_timeout(a, s, SO_SNDTIMEO, TIME_MS(700));
    uint64_t before = pair.now_ns;
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EINPROGRESS);
    assert_true(pair.now_ns == before + TIME_MS(700));
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EALREADY);
    assert_true(pair.now_ns == before + TIME_MS(1400));
}

static void connect_gives_up_in_time(void **state)
{
    (void)state;
    int s = open_stream(a);
    pair.ends[1].cut = true;
    assert_fails(connect_to(a, s, "10.0.0.2", 7), ETIMEDOUT);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_ERROR), 0);
}

static void an_interrupted_connect_goes_on(void **state)
{
    (void)state;
    listen_at(b, "7", 1);
    int s = open_stream(a);
    pair.interrupt_in = 1;
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EINTR);
    pair_run(&pair, TIME_S(1));
    assert_int_equal(ready(a, s), POLLOUT);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 7), 0);
}

static void who_cannot_be_reached_is_refused(void **state)
{
    (void)state;
    int s = open_stream(a);
    assert_fails(connect_to(a, s, "255.255.255.255", 7), ENETUNREACH);
    assert_fails(connect_to(a, s, "10.0.0.255", 7), ENETUNREACH);
    assert_fails(connect_to(a, s, "224.0.0.1", 7), ENETUNREACH);
    assert_fails(connect_to(a, s, "10.0.0.2", 0), EADDRNOTAVAIL);
}

static void AF_UNSPEC_resets_a_connection_and_the_socket_may_have_another(void **state)
{
    (void)state;
    struct sockaddr_in unspecified = {.sin_family = AF_UNSPEC};
    struct sockaddr *none = (struct sockaddr *)&unspecified;
    struct sockaddr_in in;
    socklen_t length = sizeof in;
    int listener = listen_at(b, "7", 5), s = open_stream(a);
    assert_int_equal(tern_connect(a, s, none, sizeof unspecified), 0); /* nothing to dissolve */
    set_int(a, s, IPPROTO_TCP, TCP_NODELAY, 1);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 7), 0);
    int accepted = tern_accept(b, listener, NULL, NULL);
    assert_int_equal(tern_connect(a, s, none, sizeof unspecified), 0);
    assert_fails(tern_getpeername(a, s, (struct sockaddr *)&in, &length), ENOTCONN);
    assert_fails(tern_recv(b, accepted, &in, 1, 0), ECONNRESET);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 7), 0);
    assert_int_equal(get_int(a, s, IPPROTO_TCP, TCP_NODELAY), 1); /* options are the socket's */
    assert_true(tern_accept(b, listener, NULL, NULL) >= 0);
    assert_int_equal(tern_connect(b, listener, none, sizeof unspecified), 0);
    assert_fails(tern_accept(b, listener, NULL, NULL), EINVAL);
}

static int connect_to_nobody(int s)
{
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    return tern_connect(a, s, &nobody, sizeof nobody);
}

/* POSIX: the peer's address is reset. As on Linux the connection is, too. */
static void a_connection_can_be_dissolved_and_made_anew(void **state)
{
    (void)state;
    char byte;
    int client, server;
    pair_connect(&pair, 7, &client, &server);
    set_int(a, client, IPPROTO_TCP, TCP_NODELAY, 1);
    assert_int_equal(connect_to_nobody(client), 0);
    pair_run(&pair, TIME_MS(1));
    assert_fails(tern_recv(b, server, &byte, 1, 0), ECONNRESET);
    assert_int_equal(get_int(a, client, SOL_SOCKET, SO_ERROR), ECONNRESET);
    assert_int_equal(ready(a, client), POLLOUT | POLLHUP);
    assert_int_equal(get_int(a, client, IPPROTO_TCP, TCP_NODELAY), 1);
    listen_at(b, "8", 1);
    assert_int_equal(connect_to(a, client, "10.0.0.2", 8), 0);
    assert_address(peer_of(a, client), "10.0.0.2", 8);
}

static void a_listener_without_a_peer_is_none_any_more(void **state)
{
    (void)state;
    int listener = listen_at(a, "8", 1);
    assert_int_equal(connect_to_nobody(listener), 0);
    assert_int_equal(get_int(a, listener, SOL_SOCKET, SO_ACCEPTCONN), 0);
    assert_int_equal(name_of(a, listener).sin_port, htons(8));
    assert_int_equal(tern_listen(a, listener, 1), 0);
}

static void shutting_down_calls_a_connect_off(void **state)
{
    (void)state;
    int s = open_stream(a);
    set_nonblocking(a, s);
    assert_fails(connect_to(a, s, "10.0.0.99", 7), EINPROGRESS);
    assert_int_equal(tern_shutdown(a, s, SHUT_RD), 0);
    assert_int_equal(get_int(a, s, SOL_SOCKET, SO_ERROR), ECONNRESET);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EINPROGRESS);
}

static void who_has_a_peer_says_so_whoever_is_asked_for(void **state)
{
    (void)state;
    int client, server;
    const struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    pair_connect(&pair, 7, &client, &server);
    assert_fails(tern_connect(a, client, (const struct sockaddr *)&six, sizeof six), EISCONN);
    assert_fails(tern_connect(a, client, (const struct sockaddr *)&six, 1), EINVAL);
    assert_fails(tern_connect(a, client, NULL, 16), EFAULT);
}

static void without_a_port_left_nothing_connects(void **state)
{
    (void)state;
    listen_at(b, "7", 5);
    assert_int_equal(tern_set(a, "ip.port_first", "40000"), 0);
    assert_int_equal(tern_set(a, "ip.port_last", "40000"), 0);
    assert_int_equal(connect_to(a, open_stream(a), "10.0.0.2", 7), 0);
    assert_fails(connect_to(a, open_stream(a), "10.0.0.2", 7), EADDRNOTAVAIL);
    /* The same port may go elsewhere. */
    listen_at(b, "8", 5);
    assert_int_equal(connect_to(a, open_stream(a), "10.0.0.2", 8), 0);
}

static void a_datagram_socket_connects_at_once_and_again(void **state)
{
    (void)state;
    int s = open_datagram(a);
    assert_int_equal(connect_to(a, s, "10.0.0.2", 7), 0);
    assert_address(peer_of(a, s), "10.0.0.2", 7);
    struct sockaddr_in ours = name_of(a, s);
    assert_address(ours, "10.0.0.1", ntohs(ours.sin_port));
    assert_int_equal(connect_to(a, s, "10.0.0.2", 8), 0);
    assert_address(peer_of(a, s), "10.0.0.2", 8);
    /* AF_UNSPEC dissolves the association. */
    struct sockaddr_in in = {.sin_family = AF_UNSPEC};
    socklen_t length = sizeof in;
    assert_int_equal(tern_connect(a, s, (struct sockaddr *)&in, sizeof in), 0);
    assert_fails(tern_getpeername(a, s, (struct sockaddr *)&in, &length), ENOTCONN);
    assert_fails(tern_send(a, s, "x", 1, 0), EDESTADDRREQ);
    assert_fails(connect_to(a, s, "255.255.255.255", 7), EACCES);
}

static void without_a_wait_nothing_blocks(void **state)
{
    (void)state;
    int listener = listen_at(b, "7", 1), s = open_stream(a);
    assert_fails(connect_to(a, s, "10.0.0.2", 7), EINPROGRESS);
    assert_fails(tern_accept(b, listener, NULL, NULL), EAGAIN);
    pair_run(&pair, TIME_MS(1));
    assert_int_equal(connect_to(a, s, "10.0.0.2", 7), 0);
    assert_int_equal(tern_accept(b, listener, NULL, NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(a_connection_has_two_names),
        socket_test(a_bound_socket_connects_from_its_name),
        socket_test(a_closed_port_refuses_and_the_socket_may_try_again),
        socket_test(a_connection_is_made_once),
        socket_test(a_connection_under_way_says_so),
        socket_test(a_refusal_under_way_is_told_once),
        socket_test(connect_waits_for_so_sndtimeo),
        socket_test(connect_gives_up_in_time),
        socket_test(an_interrupted_connect_goes_on),
        socket_test(who_cannot_be_reached_is_refused),
        socket_test(AF_UNSPEC_resets_a_connection_and_the_socket_may_have_another),
        socket_test(a_connection_can_be_dissolved_and_made_anew),
        socket_test(a_listener_without_a_peer_is_none_any_more),
        socket_test(shutting_down_calls_a_connect_off),
        socket_test(who_has_a_peer_says_so_whoever_is_asked_for),
        socket_test(without_a_port_left_nothing_connects),
        socket_test(a_datagram_socket_connects_at_once_and_again),
        impatient_socket_test(without_a_wait_nothing_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
