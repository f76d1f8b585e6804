#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/time.h"
#include "cli/values.h"

static struct tern_error error;

static void numbers_are_whole_and_within_bounds(void **state)
{
    (void)state;
    uint64_t value = 0;
    assert_int_equal(value_number("--mtu", "1500", 68, 65535, &value, &error), 0);
    assert_int_equal(value, 1500);
    const char *const wrong[] = {"",      "x",    "67",    "65536", "-1",
                                 " 1500", "15 0", "1500x", "+1500", "99999999999999999999",
                                 "0x44"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(value_number("--mtu", wrong[i], 68, 65535, &value, &error), -EINVAL);
    value_number("--mtu", "67", 68, 65535, &value, &error);
    assert_string_equal(error.text, "--mtu '67' is not a number from 68 to 65535");
    assert_int_equal(error.code, EINVAL);
    assert_int_equal(value, 1500);
}

static void seconds_may_have_a_fraction(void **state)
{
    (void)state;
    uint64_t ns;
    assert_int_equal(value_seconds("-i", "2", 3600, &ns, &error), 0);
    assert_int_equal(ns, TIME_S(2));
    assert_int_equal(value_seconds("-i", ".25", 3600, &ns, &error), 0);
    assert_int_equal(ns, TIME_MS(250));
    assert_int_equal(value_seconds("-i", "0.25", 3600, &ns, &error), 0);
    assert_int_equal(ns, TIME_MS(250));
    assert_int_equal(value_seconds("-i", "1.0000000019", 3600, &ns, &error), 0);
    assert_int_equal(ns, TIME_S(1) + 1);
    const char *const wrong[] = {"", ".", "1.", "1.2.3", "-1", "3600.1", "1s", "99999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(value_seconds("-i", wrong[i], 3600, &ns, &error), -EINVAL);
    value_seconds("-i", "1s", 3600, &ns, &error);
    assert_string_equal(error.text,
                        "-i '1s' is not a number of seconds up to 3600, like 2 or 0.25");
}

static void scaled_numbers_end_with_their_unit(void **state)
{
    (void)state;
    uint64_t value = 0;
    assert_int_equal(value_scaled("-b", "0", 1000, 0, UINT64_MAX, &value, &error), 0);
    assert_true(value == 0);
    assert_int_equal(value_scaled("-b", "250", 1000, 0, UINT64_MAX, &value, &error), 0);
    assert_true(value == 250);
    assert_int_equal(value_scaled("-b", "500k", 1000, 0, UINT64_MAX, &value, &error), 0);
    assert_true(value == 500000);
    assert_int_equal(value_scaled("-n", "3M", 1024, 0, UINT64_MAX, &value, &error), 0);
    assert_true(value == 3 << 20);
    assert_int_equal(value_scaled("-n", "2T", 1000, 0, UINT64_MAX, &value, &error), 0);
    assert_true(value == 2000000000000);
    const char *const wrong[] = {"", "M", "5MB", "-5", "1.5M", "5 M", "5X"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(value_scaled("-b", wrong[i], 1000, 0, UINT64_MAX, &value, &error),
                         -EINVAL);
    assert_string_equal(error.text, "-b '5X' is not a number like 500k, 100M or 2G");
}

static void scaled_numbers_are_within_their_bounds(void **state)
{
    (void)state;
    uint64_t value;
    assert_int_equal(value_scaled("-l", "1M", 1024, 1, 1 << 20, &value, &error), 0);
    assert_int_equal(value_scaled("-l", "1048576", 1024, 1, 1 << 20, &value, &error), 0);
    assert_int_equal(value_scaled("-n", "16777215T", 1024, 1, UINT64_MAX, &value, &error), 0);
    assert_true(value == (uint64_t)16777215 << 40);
    static const char *const beyond[] = {"0",
                                         "1048577",
                                         "1025K",
                                         "2M",
                                         "0G",
                                         "99999999999999999999",
                                         "16777216T",
                                         "18446744073709551616",
                                         "18446744073709551615T"};
    for (size_t i = 0; i < sizeof beyond / sizeof *beyond; i++)
        assert_int_equal(value_scaled("-l", beyond[i], 1024, 1, 1 << 20, &value, &error), -EINVAL);
    assert_string_equal(error.text, "-l '18446744073709551615T' is not from 1 to 1048576");
}

static void ports_are_1_to_65535(void **state)
{
    (void)state;
    uint16_t port;
    assert_int_equal(value_port("65535", &port, &error), 0);
    assert_int_equal(port, 65535);
    assert_int_equal(value_port("0", &port, &error), -EINVAL);
    assert_int_equal(value_port("65536", &port, &error), -EINVAL);
    assert_string_equal(error.text, "port '65536' is not a number from 1 to 65535");
}

static void endpoints_are_an_address_and_a_port(void **state)
{
    (void)state;
    struct sockaddr_in to;
    char text[ENDPOINT_TEXT_MAX];
    assert_int_equal(value_endpoint("10.0.0.2:8000", &to, &error), 0);
    assert_int_equal(to.sin_family, AF_INET);
    assert_int_equal(ntohl(to.sin_addr.s_addr), 0x0a000002);
    assert_int_equal(ntohs(to.sin_port), 8000);
    assert_string_equal(endpoint_format(&to, text), "10.0.0.2:8000");
}

static void wrong_endpoints_are_told_what_is_wrong_with_them(void **state)
{
    (void)state;
    struct sockaddr_in to;
    assert_int_equal(value_endpoint("10.0.0.2", &to, &error), -EINVAL);
    assert_string_equal(error.text, "'10.0.0.2' has no port; write it as 10.0.0.2:8000");
    assert_int_equal(value_endpoint("10.0.0.2:99999", &to, &error), -EINVAL);
    assert_string_equal(error.text, "port '99999' is not a number from 1 to 65535");
    assert_int_equal(value_endpoint("example.org:80", &to, &error), -EINVAL);
    assert_string_equal(
        error.text,
        "host 'example.org' is not an IPv4 address like 10.0.0.2 (names are not looked up)");
    assert_int_equal(value_host("host", "::1", &to, &error), -EINVAL);
    assert_string_equal(error.text, "host '::1' is an IPv6 address, and tern speaks only IPv4 yet");
    assert_int_equal(value_endpoint("10.0.0.2:", &to, &error), -EINVAL);
    assert_int_equal(value_endpoint(":80", &to, &error), -EINVAL);
    assert_int_equal(value_endpoint("", &to, &error), -EINVAL);
    assert_int_equal(value_endpoint("10.0.0.2:80:90", &to, &error), -EINVAL);

    char long_host[300];
    memset(long_host, '1', sizeof long_host);
    memcpy(long_host + sizeof long_host - 4, ":80", 4);
    assert_int_equal(value_endpoint(long_host, &to, &error), -EINVAL);
    assert_non_null(strstr(error.text, "is not an IPv4 address and a port"));
}

static void a_cidr_is_an_address_and_a_prefix(void **state)
{
    (void)state;
    assert_int_equal(value_cidr("--addr", "10.0.0.3/24", &error), 0);
    assert_int_equal(value_cidr("--addr", "10.0.0.3/1", &error), 0);
    assert_int_equal(value_cidr("--addr", "10.0.0.3/31", &error), 0);
    const char *const wrong[] = {"",          "10.0.0.3",    "10.0.0.3/32", "10.0.0.3/33",
                                 "10.0.0/24", "10.0.0.3/",   "/24",         "10.0.0.3/0",
                                 "::1/64",    "10.0.0.3/24x"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(value_cidr("--addr", wrong[i], &error), -EINVAL);
    value_cidr("--addr", "10.0.0.3/33", &error);
    assert_string_equal(error.text, "--addr '10.0.0.3/33' is not an IPv4 address and its prefix's "
                                    "length, 1 to 31, like 10.0.0.3/24");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_whole_and_within_bounds),
        cmocka_unit_test(seconds_may_have_a_fraction),
        cmocka_unit_test(scaled_numbers_end_with_their_unit),
        cmocka_unit_test(scaled_numbers_are_within_their_bounds),
        cmocka_unit_test(ports_are_1_to_65535),
        cmocka_unit_test(endpoints_are_an_address_and_a_port),
        cmocka_unit_test(wrong_endpoints_are_told_what_is_wrong_with_them),
        cmocka_unit_test(a_cidr_is_an_address_and_a_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
