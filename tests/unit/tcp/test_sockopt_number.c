/* Options that are numbers: their bounds, what they default to, and that they read back. */
#include "sockopt_fixture.h"

static void numbers_have_bounds_and_read_back(void **state)
{
    (void)state;
    static const struct {
        int level, option, first, least, most;
    } table[] = {
        {IP_PROTOCOL_TCP, OPTION_KEEPIDLE, 7200, 1, 32767},
        {IP_PROTOCOL_TCP, OPTION_KEEPINTVL, 75, 1, 32767},
        {IP_PROTOCOL_TCP, OPTION_KEEPCNT, 9, 1, 127},
        {IP_PROTOCOL_TCP, OPTION_SYNCNT, 7, 1, 127},
        {IP_PROTOCOL_TCP, OPTION_USER_TIMEOUT, 0, 0, INT32_MAX},
        {IP_PROTOCOL_TCP, OPTION_SAVE_SYN, 0, 0, 2},
        {OPTION_LEVEL_IP, OPTION_IP_TTL, 64, 1, 255},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct peer *p = peer_closed();
        int level = table[i].level, option = table[i].option;
        assert_int_equal(get(p, level, option), table[i].first);
        assert_int_equal(set(p, level, option, table[i].least), 0);
        assert_int_equal(get(p, level, option), table[i].least);
        assert_int_equal(set(p, level, option, table[i].most), 0);
        assert_int_equal(get(p, level, option), table[i].most);
        assert_int_equal(set(p, level, option, -2), -EINVAL);
        if (table[i].most < INT32_MAX)
            assert_int_equal(set(p, level, option, table[i].most + 1), -EINVAL);
        assert_int_equal(get(p, level, option), table[i].most); /* an error changes nothing */
        peer_free(p);
    }
}

static void switches_are_off_and_can_be_turned(void **state)
{
    (void)state;
    static const int options[][2] = {{IP_PROTOCOL_TCP, OPTION_NODELAY},
                                     {IP_PROTOCOL_TCP, OPTION_CORK},
                                     {SOL_SOCKET, SO_KEEPALIVE},
                                     {SOL_SOCKET, SO_REUSEADDR}};
    struct peer *p = peer_closed();
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        assert_int_equal(get(p, options[i][0], options[i][1]), 0);
        assert_int_equal(set(p, options[i][0], options[i][1], 7), 0);
        assert_int_equal(get(p, options[i][0], options[i][1]), 1);
        assert_int_equal(set(p, options[i][0], options[i][1], 0), 0);
        assert_int_equal(get(p, options[i][0], options[i][1]), 0);
    }
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_bounds_and_read_back),
        cmocka_unit_test(switches_are_off_and_can_be_turned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
