#include "unit/sock/kinds.h"

#include <sys/time.h>

#include "common/allocation.h"
#include "sock/descriptor.h"
#include "sock/preferences.h"
#include "sock/socket.h"
#include "sock/tern.h"

static struct socket_preferences *of(struct tern *t, int s)
{
    return descriptor_find(&t->descriptors, s)->preferences;
}

static void all_that_ask_for_nothing_have_them_in_common(void **state)
{
    (void)state;
    int first = open_stream(a), second = tern_socket(a, AF_INET, SOCK_DGRAM, 0);
    assert_ptr_equal(of(a, first), of(a, second));
    assert_int_equal(of(a, first)->users, 3); /* and the stack */
    assert_int_equal(tern_close(a, first), 0);
    assert_int_equal(of(a, second)->users, 2);
}

/* Each option is changed for the one who asks. */
static void what_one_asks_for_is_its_own(void **state)
{
    (void)state;
    static const int options[] = {SO_MARK,      SO_PRIORITY,    SO_RCVLOWAT,
                                  SO_BUSY_POLL, SO_TIMESTAMPNS, SO_TIMESTAMPING};
    static const int value = 8; /* SOF_TIMESTAMPING_RX_SOFTWARE, to the last */
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        int one = open_stream(a), other = open_stream(a);
        int before = get_int(a, other, SOL_SOCKET, options[i]);
        set_int(a, one, SOL_SOCKET, options[i], value);
        assert_int_not_equal(get_int(a, one, SOL_SOCKET, options[i]), before);
        assert_int_equal(get_int(a, other, SOL_SOCKET, options[i]), before);
        assert_int_equal(of(a, one)->users, 1);
        /* Which takes no more memory the next time. */
        struct socket_preferences *own = of(a, one);
        set_int(a, one, SOL_SOCKET, options[i], value);
        assert_ptr_equal(of(a, one), own);
    }
}

static void accepted_ones_have_their_listener_s_in_common(void **state)
{
    (void)state;
    int listener = listen_at(b, ":80", 2), client[2], server[2];
    set_int(b, listener, SOL_SOCKET, SO_MARK, 5);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(connect_to(a, client[i] = open_stream(a), "10.0.0.2", 80), 0);
        server[i] = tern_accept(b, listener, NULL, NULL);
        assert_ptr_equal(of(b, server[i]), of(b, listener));
    }
    assert_int_equal(of(b, listener)->users, 3);
    set_int(b, server[0], SOL_SOCKET, SO_MARK, 6);
    assert_int_equal(get_int(b, listener, SOL_SOCKET, SO_MARK), 5);
    assert_int_equal(get_int(b, server[1], SOL_SOCKET, SO_MARK), 5);
    assert_int_equal(tern_close(b, listener), 0);
    assert_int_equal(get_int(b, server[1], SOL_SOCKET, SO_MARK), 5);
    assert_int_equal(of(b, server[1])->users, 1);
}

static void a_setting_that_changes_is_for_new_sockets(void **state)
{
    (void)state;
    int before = open_stream(a);
    assert_int_equal(tern_set(a, "socket.busy_poll_us", "50"), 0);
    int after = open_stream(a);
    assert_int_equal(get_int(a, before, SOL_SOCKET, SO_BUSY_POLL), 0);
    assert_int_equal(get_int(a, after, SOL_SOCKET, SO_BUSY_POLL), 50);
    assert_int_equal(of(a, before)->users, 1);
    assert_int_equal(of(a, after)->users, 2);
}

static void without_memory_nothing_is_changed(void **state)
{
    (void)state;
    static const int options[] = {SO_MARK,      SO_PRIORITY,    SO_RCVLOWAT,
                                  SO_BUSY_POLL, SO_TIMESTAMPNS, SO_TIMESTAMPING};
    static const int value = 8;
    static const struct timeval time = {.tv_sec = 1};
    static const struct linger linger = {.l_onoff = 1, .l_linger = 1};
    int s = open_stream(a);
    struct socket_preferences *common = of(a, s);
    allocations_fail_after(0);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        assert_fails(tern_setsockopt(a, s, SOL_SOCKET, options[i], &value, sizeof value), ENOMEM);
    assert_fails(tern_setsockopt(a, s, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), ENOMEM);
    assert_fails(tern_setsockopt(a, s, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time), ENOMEM);
    assert_fails(tern_setsockopt(a, s, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), ENOMEM);
    allocations_succeed();
    assert_ptr_equal(of(a, s), common);
    assert_false(descriptor_find(&a->descriptors, s)->lingers);
}

static void without_memory_for_the_first_there_is_no_socket(void **state)
{
    (void)state;
    assert_int_equal(tern_close(a, open_stream(a)), 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(tern_set(a, "socket.busy_poll_us", i ? "1" : "2"), 0);
        allocations_fail_after(i); /* the socket; what is asked of it */
        assert_fails(tern_socket(a, AF_INET, SOCK_STREAM, 0), ENOMEM);
        allocations_succeed();
        assert_true(tern_socket(a, AF_INET, SOCK_STREAM, 0) >= 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        socket_test(all_that_ask_for_nothing_have_them_in_common),
        socket_test(what_one_asks_for_is_its_own),
        socket_test(accepted_ones_have_their_listener_s_in_common),
        socket_test(a_setting_that_changes_is_for_new_sockets),
        socket_test(without_memory_nothing_is_changed),
        socket_test(without_memory_for_the_first_there_is_no_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
