/* Options that are kept in another form than they were given in. */
#include "sockopt_fixture.h"

static void unknown_options_and_short_values_are_refused(void **state)
{
    (void)state;
    struct peer *p = peer_closed();
    assert_int_equal(set(p, IP_PROTOCOL_TCP, 9999, 1), -ENOPROTOOPT);
    assert_int_equal(set(p, SOL_SOCKET, 9999, 1), -ENOPROTOOPT);
    assert_int_equal(set(p, OPTION_LEVEL_IP, 9999, 1), -ENOPROTOOPT);
    assert_int_equal(set(p, 77, 1, 1), -ENOPROTOOPT);
    assert_int_equal(get(p, IP_PROTOCOL_TCP, 9999), -ENOPROTOOPT);
    assert_int_equal(get(p, 77, 1), -ENOPROTOOPT);
    char byte = 1;
    assert_int_equal(tcp_set_option(p->tcb, IP_PROTOCOL_TCP, OPTION_NODELAY, &byte, 1), -EINVAL);
    peer_free(p);
}

static void congestion_control_is_chosen_by_name(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    assert_int_equal(tcp_set_option(p->tcb, IP_PROTOCOL_TCP, OPTION_CONGESTION, "reno", 4), 0);
    assert_string_equal(p->tcb->cc.operations->name, "reno");
    char name[16];
    socklen_t length = sizeof name;
    assert_int_equal(tcp_get_option(p->tcb, IP_PROTOCOL_TCP, OPTION_CONGESTION, name, &length), 0);
    assert_string_equal(name, "reno");
    assert_int_equal(tcp_set_option(p->tcb, IP_PROTOCOL_TCP, OPTION_CONGESTION, "vegas", 5),
                     -ENOENT);
    assert_int_equal(tcp_set_option(p->tcb, IP_PROTOCOL_TCP, OPTION_CONGESTION, "", 0), -EINVAL);
    peer_free(p);
}

/* ECN's two bits are TCP's own (RFC 3168 §6.1). */
static void MUST_48_services_field_leaves_the_ECN_bits_alone(void **state)
{
    (void)state;
    struct peer *p = peer_closed();
    assert_int_equal(set(p, OPTION_LEVEL_IP, OPTION_IP_TOS, 0xff), 0);
    assert_int_equal(get(p, OPTION_LEVEL_IP, OPTION_IP_TOS), 0xfc);
    peer_free(p);
}

static void buffers_hold_twice_what_was_asked_within_bounds(void **state)
{
    (void)state;
    struct peer *p = peer_closed();
    set(p, SOL_SOCKET, SO_SNDBUF, 10000);
    assert_int_equal(get(p, SOL_SOCKET, SO_SNDBUF), 20000);
    set(p, SOL_SOCKET, SO_RCVBUF, 0);
    assert_int_equal(get(p, SOL_SOCKET, SO_RCVBUF), 2304);
    set(p, SOL_SOCKET, SO_RCVBUF, INT32_MAX);
    assert_int_equal(get(p, SOL_SOCKET, SO_RCVBUF), 2 * (6 << 20));
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_options_and_short_values_are_refused),
        cmocka_unit_test(congestion_control_is_chosen_by_name),
        cmocka_unit_test(MUST_48_services_field_leaves_the_ECN_bits_alone),
        cmocka_unit_test(buffers_hold_twice_what_was_asked_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
