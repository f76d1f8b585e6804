#include "unit/sock/sockets.h"

#include "common/allocation.h"

static int swallow(void *user, const struct iovec *packet, int count,
                   const struct tern_offload *offload)
{
    (void)user;
    (void)packet;
    (void)count;
    (void)offload;
    return 0;
}

/* However far it comes, a stack that could not be made leaves nothing behind (ASan
 * sees to that). */
static void without_memory_there_is_no_stack(void **state)
{
    (void)state;
    static const uint8_t seed[32];
    const struct tern_engine_config config = {
        .seed = seed, .address = "10.0.0.1/24", .output = swallow};
    unsigned n = 0;
    for (;; n++) {
        struct tern_error error = {0};
        allocations_fail_after(n);
        errno = 0;
        struct tern *t = tern_engine_new(&config, &error);
        int code = errno;
        allocations_succeed();
        if (t != NULL) {
            tern_close_stack(t);
            break;
        }
        assert_int_equal(code, ENOMEM);
        assert_int_equal(error.code, ENOMEM);
        assert_true(strlen(error.text) > 0);
    }
    assert_true(n >= 2);
}

/* Calls `attempt` with ever more memory until it succeeds: how many times it said ENOMEM. */
static int count_enomem(int (*attempt)(void), int *result)
{
    for (int n = 0;; n++) {
        allocations_fail_after((unsigned)n);
        errno = 0;
        *result = attempt();
        int code = errno;
        allocations_succeed();
        if (*result >= 0)
            return n;
        assert_int_equal(code, ENOMEM);
    }
}

static int at_hand; /* the socket that attempts are about */

static int try_stream(void)
{
    return tern_socket(a, AF_INET, SOCK_STREAM, 0);
}

static int try_datagram(void)
{
    return tern_socket(a, AF_INET, SOCK_DGRAM, 0);
}

static int try_echo(void)
{
    return tern_socket(a, AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
}

static int try_listen(void)
{
    return tern_listen(b, at_hand, 1);
}

static int try_accept(void)
{
    return tern_accept(b, at_hand, NULL, NULL);
}

static int try_stop_listening(void)
{
    return tern_shutdown(b, at_hand, SHUT_RD);
}

static void without_memory_there_is_no_socket(void **state)
{
    (void)state;
    int s;
    assert_true(count_enomem(try_stream, &s) >= 2);
    assert_int_equal(s, 0);
    assert_true(count_enomem(try_datagram, &s) >= 2);
    assert_int_equal(s, 1);
    assert_true(count_enomem(try_echo, &s) >= 2);
    assert_int_equal(s, 2);
}

static void without_memory_a_connection_waits_to_be_accepted(void **state)
{
    (void)state;
    int result;
    at_hand = open_stream(b);
    assert_int_equal(bind_at(b, at_hand, "0.0.0.0", 7), 0);
    assert_true(count_enomem(try_listen, &result) >= 1);
    assert_true(tern_dial(a, "10.0.0.2:7") >= 0);
    pair_run(&pair, TIME_MS(1));
    assert_true(count_enomem(try_accept, &result) >= 1);
    assert_int_equal(result, at_hand + 1);
    assert_true(count_enomem(try_stop_listening, &result) >= 1);
    assert_fails(tern_accept(b, at_hand, NULL, NULL), EINVAL);
}

static void a_stack_that_is_closed_resets_what_is_open(void **state)
{
    (void)state;
    int client, server;
    char byte;
    struct pair_end *end = &pair.ends[1];
    pair_connect(&pair, 7, &client, &server);
    listen_at(b, "8", 1);
    open_datagram(b);
    assert_int_equal(tern_send(a, client, "x", 1, 0), 1);
    pair_run(&pair, TIME_MS(1));
    tern_close_stack(b);
    /* Somebody else comes to its place. */
    static const uint8_t seed[32];
    const struct tern_engine_config config = {
        .seed = seed, .now_ns = pair.now_ns, .address = "10.0.0.2/24", .output = swallow};
    end->t = tern_engine_new(&config, NULL);
    assert_fails(tern_recv(a, client, &byte, 1, 0), ECONNRESET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_there_is_no_stack),
        socket_test(without_memory_there_is_no_socket),
        socket_test(without_memory_a_connection_waits_to_be_accepted),
        socket_test(a_stack_that_is_closed_resets_what_is_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
