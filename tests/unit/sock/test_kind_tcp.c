#include "unit/sock/sockets.h"

/* A stack talks to itself without its link. */
static void a_stack_connects_to_itself(void **state)
{
    (void)state;
    static const char *const hosts[] = {"10.0.0.1", "127.0.0.1", "0.0.0.0"};
    int listener = listen_at(a, "7", 1);
    for (int i = 0; i < 3; i++) {
        char bytes[5];
        int s = open_stream(a);
        assert_int_equal(connect_to(a, s, hosts[i], 7), 0);
        int accepted = tern_accept(a, listener, NULL, NULL);
        assert_address(peer_of(a, accepted), i == 0 ? "10.0.0.1" : "127.0.0.1",
                       ntohs(name_of(a, s).sin_port));
        assert_int_equal(tern_send(a, s, "hello", 5, 0), 5);
        assert_int_equal(tern_read_full(a, accepted, bytes, 5), 5);
        assert_memory_equal(bytes, "hello", 5);
        assert_int_equal(tern_close(a, s), 0);
        assert_int_equal(tern_close(a, accepted), 0);
        assert_fails(connect_to(a, open_stream(a), hosts[i], 8), ECONNREFUSED);
    }
    assert_int_equal(pair.ends[0].packets_out, 0);
}

/* Both ends of it are one, and have sent beyond their window: their ACKs are not acceptable, and
 * are answered by others that are not. That comes to rest. */
static void a_socket_that_floods_itself_comes_to_rest(void **state)
{
    (void)state;
    static char bytes[2855];
    struct sockaddr_in itself = at("10.0.0.1", 8);
    assert_int_equal(tern_set(a, "tcp.fastopen", "1543"), 0); /* no cookies are asked for */
    assert_int_equal(tern_set(a, "tcp.rcvbuf", "2304"), 0);
    int s = open_stream(a);
    set_nonblocking(a, s);
    assert_int_equal(bind_at(a, s, "10.0.0.1", 8), 0);
    assert_true(tern_sendto(a, s, bytes, sizeof bytes, MSG_FASTOPEN, (struct sockaddr *)&itself,
                            sizeof itself) > 0);
    pair_run(&pair, TIME_S(1));
    uint64_t skipped = 0;
    assert_int_equal(tern_counter(a, "TcpExtTCPACKSkippedSeq", &skipped), 0);
    assert_true(skipped > 0 && skipped < 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(a_stack_connects_to_itself),
        socket_test(a_socket_that_floods_itself_comes_to_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
