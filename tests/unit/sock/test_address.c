#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "sock/address.h"

static struct endpoint endpoint(const char *host, uint16_t port)
{
    struct endpoint e = {.port = port};
    assert_int_equal(address_parse(host, &e.address), 0);
    return e;
}

static struct sockaddr_in sockaddr(const char *host, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, host, &in.sin_addr), 1);
    return in;
}

static void a_socket_address_becomes_an_endpoint(void **state)
{
    (void)state;
    struct sockaddr_in in = sockaddr("192.0.2.1", 8000);
    struct endpoint expected = endpoint("192.0.2.1", 8000), got;
    assert_int_equal(endpoint_from_sockaddr((struct sockaddr *)&in, sizeof in, &got), 0);
    assert_true(endpoint_equal(&got, &expected));

    /* Longer than its family needs is fine, unaligned too. */
    char bytes[sizeof(struct sockaddr_storage) + 1] = {0};
    memcpy(bytes + 1, &in, sizeof in);
    got.port = 0;
    assert_int_equal(endpoint_from_sockaddr((struct sockaddr *)(void *)(bytes + 1),
                                            sizeof(struct sockaddr_storage), &got),
                     0);
    assert_true(endpoint_equal(&got, &expected));
}

static void a_bad_socket_address_is_refused(void **state)
{
    (void)state;
    struct sockaddr_in in = sockaddr("192.0.2.1", 8000);
    struct sockaddr *address = (struct sockaddr *)&in;
    struct endpoint got;
    assert_int_equal(endpoint_from_sockaddr(NULL, sizeof in, &got), -EFAULT);
    for (socklen_t length = 0; length < sizeof in; length++)
        assert_int_equal(endpoint_from_sockaddr(address, length, &got), -EINVAL);
    in.sin_family = AF_UNSPEC;
    assert_int_equal(endpoint_from_sockaddr(address, sizeof in, &got), -EAFNOSUPPORT);
    in.sin_family = AF_UNIX;
    assert_int_equal(endpoint_from_sockaddr(address, sizeof in, &got), -EAFNOSUPPORT);
}

static void only_af_unspec_is_unspecified(void **state)
{
    (void)state;
    struct sockaddr_in in = {.sin_family = AF_UNSPEC};
    struct sockaddr *address = (struct sockaddr *)&in;
    assert_true(sockaddr_is_unspecified(address, sizeof in));
    assert_true(sockaddr_is_unspecified(address, sizeof(sa_family_t)));
    assert_false(sockaddr_is_unspecified(address, sizeof(sa_family_t) - 1));
    assert_false(sockaddr_is_unspecified(NULL, sizeof in));
    in.sin_family = AF_INET;
    assert_false(sockaddr_is_unspecified(address, sizeof in));
}

static void to_connect_to_nobody_is_to_connect_to_oneself(void **state)
{
    (void)state;
    struct sockaddr_in in = sockaddr("0.0.0.0", 7);
    struct endpoint expected = endpoint("127.0.0.1", 7), got;
    assert_int_equal(remote_from_sockaddr((struct sockaddr *)&in, sizeof in, &got), 0);
    assert_true(endpoint_equal(&got, &expected));
    in = sockaddr("10.0.0.2", 7);
    expected = endpoint("10.0.0.2", 7);
    assert_int_equal(remote_from_sockaddr((struct sockaddr *)&in, sizeof in, &got), 0);
    assert_true(endpoint_equal(&got, &expected));
    assert_int_equal(remote_from_sockaddr((struct sockaddr *)&in, 3, &got), -EINVAL);
}

static void an_endpoint_becomes_a_socket_address(void **state)
{
    (void)state;
    struct endpoint from = endpoint("10.0.0.3", 65535);
    struct sockaddr_in in, expected = sockaddr("10.0.0.3", 65535);
    socklen_t length = sizeof in;
    assert_int_equal(endpoint_to_sockaddr(&from, (struct sockaddr *)&in, &length), 0);
    assert_int_equal(length, sizeof in);
    assert_memory_equal(&in, &expected, sizeof in);

    /* Of an endpoint that nobody has filled in: the unspecified one. */
    struct endpoint zero = {0};
    expected = sockaddr("0.0.0.0", 0);
    assert_int_equal(endpoint_to_sockaddr(&zero, (struct sockaddr *)&in, &length), 0);
    assert_memory_equal(&in, &expected, sizeof in);
}

/* getsockname(2): what does not fit is cut off, and the length says what it would have been. */
static void a_short_buffer_receives_its_part(void **state)
{
    (void)state;
    struct endpoint from = endpoint("10.0.0.3", 7);
    struct sockaddr_in expected = sockaddr("10.0.0.3", 7);
    for (socklen_t room = 0; room < sizeof expected; room++) {
        unsigned char bytes[sizeof expected];
        socklen_t length = room;
        memset(bytes, 0xee, sizeof bytes);
        assert_int_equal(endpoint_to_sockaddr(&from, (struct sockaddr *)(void *)bytes, &length), 0);
        assert_int_equal(length, sizeof expected);
        assert_memory_equal(bytes, &expected, room);
        for (size_t i = room; i < sizeof bytes; i++)
            assert_int_equal(bytes[i], 0xee);
    }
}

static void nowhere_to_put_a_socket_address_is_efault(void **state)
{
    (void)state;
    struct endpoint from = endpoint("10.0.0.3", 7);
    struct sockaddr_in in;
    socklen_t length = sizeof in;
    assert_int_equal(endpoint_to_sockaddr(&from, NULL, &length), -EFAULT);
    assert_int_equal(endpoint_to_sockaddr(&from, (struct sockaddr *)&in, NULL), -EFAULT);
}

static void host_and_port_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        uint16_t port;
        bool host_optional;
    } rows[] = {
        {"10.0.0.2:8000", "10.0.0.2", 8000, false},
        {"10.0.0.2:0", "10.0.0.2", 0, false},
        {"0.0.0.0:65535", "0.0.0.0", 65535, false},
        {"10.0.0.2:00080", "10.0.0.2", 80, false},
        {"10.0.0.2:8000", "10.0.0.2", 8000, true},
        {":8000", "0.0.0.0", 8000, true},
        {"8000", "0.0.0.0", 8000, true},
        {"0", "0.0.0.0", 0, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct endpoint got, expected = endpoint(rows[i].host, rows[i].port);
        assert_int_equal(endpoint_parse(rows[i].text, rows[i].host_optional, &got), 0);
        assert_true(endpoint_equal(&got, &expected));
    }
}

static void bad_host_and_port_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        ":",
        "10.0.0.2",
        "10.0.0.2:",
        "10.0.0.2:65536",
        "10.0.0.2:99999",
        "10.0.0.2:100000",
        "10.0.0.2:4294967297",
        "10.0.0.2:-1",
        "10.0.0.2:+1",
        "10.0.0.2: 1",
        "10.0.0.2:1 ",
        "10.0.0.2:http",
        "10.0.0:80",
        "10.0.0.2.3:80",
        "10.0.0.256:80",
        " 10.0.0.2:80",
        "localhost:80",
        "::1:80",
        "[::1]:80",
        "1234567890123456789012345678901234567890123456789:80",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct endpoint got;
        assert_int_equal(endpoint_parse(rows[i], false, &got), -EINVAL);
        assert_int_equal(endpoint_parse(rows[i], true, &got), -EINVAL);
    }
    struct endpoint got;
    assert_int_equal(endpoint_parse(":8000", false, &got), -EINVAL);
    assert_int_equal(endpoint_parse("8000", false, &got), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_address_becomes_an_endpoint),
        cmocka_unit_test(a_bad_socket_address_is_refused),
        cmocka_unit_test(only_af_unspec_is_unspecified),
        cmocka_unit_test(to_connect_to_nobody_is_to_connect_to_oneself),
        cmocka_unit_test(an_endpoint_becomes_a_socket_address),
        cmocka_unit_test(a_short_buffer_receives_its_part),
        cmocka_unit_test(nowhere_to_put_a_socket_address_is_efault),
        cmocka_unit_test(host_and_port_are_read),
        cmocka_unit_test(bad_host_and_port_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
