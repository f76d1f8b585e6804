#include "unit.h"

#include <arpa/inet.h>
#include <string.h>

#include "cli/reach.h"

static const char *advice(const char *cidr, const char *kernel, const char *asked)
{
    static char text[512];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(5201)};
    assert_int_equal(inet_pton(AF_INET, asked, &to.sin_addr), 1);
    memset(text, 'x', sizeof text);
    reach_advice(cidr, kernel, &to, text, sizeof text);
    return text;
}

static void of_the_two_who_are_there_nothing_is_to_tell(void **state)
{
    (void)state;
    assert_string_equal(advice("10.0.0.3/24", "10.0.0.2", "10.0.0.2"), "");
    assert_string_equal(advice("10.0.0.3/24", "10.0.0.2", "10.0.0.3"), "");
    assert_string_equal(advice("10.0.0.3/31", "10.0.0.2", "10.0.0.2"), "");
}

static void in_the_subnet_there_is_nobody_else(void **state)
{
    (void)state;
    assert_string_equal(advice("10.0.0.3/24", "10.0.0.2", "10.0.0.77"),
                        "In the device's subnet (--addr 10.0.0.3/24) there are only tern and the "
                        "kernel, which is 10.0.0.2 (--peer).");
    assert_non_null(strstr(advice("10.9.0.3/8", "10.9.0.2", "10.255.1.1"), "only tern"));
}

static void an_address_of_many_is_no_hosts(void **state)
{
    (void)state;
    static const char *const many[] = {"10.0.0.255", "10.0.0.0", "255.255.255.255", "224.0.0.1"};
    for (size_t i = 0; i < sizeof many / sizeof *many; i++)
        assert_non_null(
            strstr(advice("10.0.0.3/24", "10.0.0.2", many[i]), " is no single host's address"));
    assert_string_equal(advice("10.0.0.254/31", "10.0.0.255", "10.0.0.255"), "");
    assert_non_null(strstr(advice("10.0.0.3/24", "10.0.0.2", "10.0.1.255"), "outside"));
}

static void what_is_beyond_it_needs_a_way(void **state)
{
    (void)state;
    const char *text = advice("10.0.0.3/24", "10.0.0.2", "10.0.1.0");
    assert_int_equal(
        strncmp(text, "10.0.1.0 is outside the device's subnet (--addr 10.0.0.3/24)",
                strlen("10.0.1.0 is outside the device's subnet (--addr 10.0.0.3/24)")),
        0);
    assert_non_null(strstr(text, "net.ipv4.ip_forward=1"));
    assert_non_null(strstr(advice("10.0.0.3/31", "10.0.0.2", "10.0.0.4"), "outside"));
    assert_non_null(strstr(advice("255.255.255.254/31", "255.255.255.255", "0.0.0.1"), "outside"));
}

static void what_is_too_long_is_cut(void **state)
{
    (void)state;
    char text[16];
    struct sockaddr_in to = {.sin_addr.s_addr = htonl(0x08080808)};
    reach_advice("10.0.0.3/24", "10.0.0.2", &to, text, sizeof text);
    assert_string_equal(text, "8.8.8.8 is outs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_the_two_who_are_there_nothing_is_to_tell),
        cmocka_unit_test(in_the_subnet_there_is_nobody_else),
        cmocka_unit_test(an_address_of_many_is_no_hosts),
        cmocka_unit_test(what_is_beyond_it_needs_a_way),
        cmocka_unit_test(what_is_too_long_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
