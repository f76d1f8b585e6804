#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/address.h"
#include "base/random.h"

static struct address parsed(const char *text)
{
    struct address a;
    assert_int_equal(address_parse(text, &a), 0);
    return a;
}

static void assert_format(const char *text, const char *canonical)
{
    char formatted[ADDRESS_TEXT_MAX];
    struct address a = parsed(text);
    assert_ptr_equal(address_format(&a, formatted), formatted);
    assert_string_equal(formatted, canonical);
}

static void an_ipv4_address_is_the_mapped_ipv6_address(void **state)
{
    (void)state;
    struct address a = address_from_ipv4(0xc0000201);
    static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
    assert_memory_equal(a.bytes, mapped, 16);
    assert_true(address_is_ipv4(&a));
    assert_true(address_to_ipv4(&a) == 0xc0000201);
    struct address same = parsed("::ffff:192.0.2.1");
    assert_true(address_equal(&a, &same));
    same = parsed("::ffff:c000:201");
    assert_true(address_equal(&a, &same));
}

static void classes_are_told_apart_in_both_families(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ipv4, unspecified, multicast, loopback, broadcast;
    } rows[] = {
        {"0.0.0.0", true, true, false, false, false},
        {"::", false, true, false, false, false},
        {"0.0.0.1", true, false, false, false, false},
        {"::1", false, false, false, true, false},
        {"::2", false, false, false, false, false},
        {"127.0.0.1", true, false, false, true, false},
        {"127.255.255.255", true, false, false, true, false},
        {"126.255.255.255", true, false, false, false, false},
        {"128.0.0.0", true, false, false, false, false},
        {"223.255.255.255", true, false, false, false, false},
        {"224.0.0.1", true, false, true, false, false},
        {"239.255.255.255", true, false, true, false, false},
        {"240.0.0.1", true, false, false, false, false},
        {"255.255.255.255", true, false, false, false, true},
        {"255.255.255.254", true, false, false, false, false},
        {"ff02::1", false, false, true, false, false},
        {"fe80::1", false, false, false, false, false},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false, false, true, false, false},
        {"::7f00:1", false, false, false, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct address a = parsed(rows[i].text);
        assert_int_equal(address_is_ipv4(&a), rows[i].ipv4);
        assert_int_equal(address_is_unspecified(&a), rows[i].unspecified);
        assert_int_equal(address_is_multicast(&a), rows[i].multicast);
        assert_int_equal(address_is_loopback(&a), rows[i].loopback);
        assert_int_equal(address_is_limited_broadcast(&a), rows[i].broadcast);
    }
}

static void assert_in_prefix(const char *address, const char *prefix, bool expected)
{
    struct address a = parsed(address), p;
    unsigned bits;
    assert_int_equal(address_parse_prefix(prefix, &p, &bits), 0);
    assert_int_equal(address_in_prefix(&a, &p, bits), expected);
}

static void a_prefix_holds_its_addresses_only(void **state)
{
    (void)state;
    assert_in_prefix("192.0.2.255", "192.0.2.0/24", true);
    assert_in_prefix("192.0.3.0", "192.0.2.0/24", false);
    assert_in_prefix("192.0.2.129", "192.0.2.128/25", true);
    assert_in_prefix("192.0.2.127", "192.0.2.128/25", false);
    assert_in_prefix("192.0.2.1", "192.0.2.1/32", true);
    assert_in_prefix("192.0.2.2", "192.0.2.1/32", false);
    assert_in_prefix("203.0.113.1", "0.0.0.0/0", true);
    assert_in_prefix("2001:db8::1", "2001:db8::/32", true);
    assert_in_prefix("2001:db9::1", "2001:db8::/32", false);
    assert_in_prefix("2001:db9::1", "2001:db8::/31", true);
    assert_in_prefix("2001:db8::1", "2001:db8::1/128", true);
    assert_in_prefix("2001:db8::1", "2001:db8::2/128", false);
    assert_in_prefix("2001:db8::1", "::/0", true);
}

static void an_ipv4_address_is_in_no_ipv6_prefix_nor_the_reverse(void **state)
{
    (void)state;
    assert_in_prefix("192.0.2.1", "::/0", false);
    assert_in_prefix("2001:db8::1", "0.0.0.0/0", false);
    assert_in_prefix("::", "0.0.0.0/0", false);
    assert_in_prefix("192.0.2.1", "::ffff:0:0/96", true);
}

/* Bit by bit, against the definition. */
static void prefixes_agree_with_a_comparison_of_bits(void **state)
{
    (void)state;
    struct random random;
    random_seed_number(&random, 4);
    for (unsigned round = 0; round < 20000; round++) {
        struct address a, b;
        random_bytes(&random, a.bytes, 16);
        b = a;
        unsigned differing = random_below(&random, 129);
        if (differing < 128)
            b.bytes[differing / 8] ^= (uint8_t)(0x80 >> differing % 8);
        for (unsigned i = differing + 1; i < 128; i++)
            b.bytes[i / 8] ^= (uint8_t)(random_below(&random, 2) << (7 - i % 8));
        for (unsigned bits = 0; bits <= 128; bits++)
            assert_int_equal(address_in_prefix(&a, &b, bits), bits <= differing);
    }
}

static void ipv4_text_is_dotted_decimal_and_nothing_else(void **state)
{
    (void)state;
    assert_format("192.0.2.1", "192.0.2.1");
    assert_format("0.0.0.0", "0.0.0.0");
    assert_format("255.255.255.255", "255.255.255.255");
    static const char *const wrong[] = {
        "",          "1",          "1.2.3",     "1.2.3.",     "1.2.3.4.",         "1.2.3.4.5",
        "256.1.1.1", "1.2.3.1000", "01.2.3.4",  "1.2.3.00",   "1.2.3.4 ",         " 1.2.3.4",
        "1..3.4",    ".1.2.3.4",   "1.2.3.0x4", "+1.2.3.4",   "-1.2.3.4",         "1.2.3.4/24",
        "a.b.c.d",   "1.2.3.4\n",  "1,2,3,4",   "4294967296", "1.2.3.4294967297",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct address a;
        assert_int_equal(address_parse(wrong[i], &a), -EINVAL);
    }
}

static void ipv6_text_is_that_of_rfc_4291_and_nothing_else(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        ":",
        ":::",
        "1::2::3",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:",
        ":1",
        "1:2:3:4:5:6:7:",
        ":1:2:3:4:5:6:7:8",
        "12345::",
        "g::",
        "::1 ",
        "::1%eth0",
        "1:2:3:4:5:6:7:8::",
        "1:2:3:4:5:6:7::8:9",
        "::1.2.3",
        "::1.2.3.4.5",
        "::1.2.3.4:5",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::256.1.1.1",
        "[::1]",
        "::/0",
        "::00001",
        "1.2.3.4::",
        "::1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8:",
        "1:2:3:4:5:1.2.3.4",
        "::ffff:1.2.3.4.",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct address a;
        if (address_parse(wrong[i], &a) != -EINVAL)
            fail_msg("accepted %s", wrong[i]);
    }
    assert_format("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304");
    assert_format("::1.2.3.4", "::102:304");
    assert_format("1::7:8", "1::7:8");
    assert_format("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8");
    assert_format("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0");
}

static void ipv6_text_is_written_as_rfc_5952_says(void **state)
{
    (void)state;
    assert_format("2001:0DB8:0:0:0:0:0:1", "2001:db8::1");         /* §4.1, §4.3 */
    assert_format("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"); /* §4.2.2 */
    assert_format("2001:0:0:1:0:0:0:1", "2001:0:0:1::1");          /* §4.2.3, the longest */
    assert_format("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1");    /* §4.2.3, the first */
    assert_format("::", "::");
    assert_format("::1", "::1");
    assert_format("1::", "1::");
    assert_format("1:0:0:2:0:0:0:0", "1:0:0:2::");
    assert_format("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
    assert_format("::ffff:192.0.2.1", "192.0.2.1");
}

static void prefixes_are_parsed_whole_or_refused(void **state)
{
    (void)state;
    struct address a;
    unsigned bits;
    assert_int_equal(address_parse_prefix("10.0.0.0/8", &a, &bits), 0);
    assert_int_equal(bits, 8);
    assert_int_equal(address_parse_prefix("2001:db8::/128", &a, &bits), 0);
    assert_int_equal(bits, 128);
    assert_int_equal(address_parse_prefix("::ffff:10.0.0.0/104", &a, &bits), 0);
    assert_int_equal(bits, 8);
    assert_true(address_is_ipv4(&a));
    static const char *const wrong[] = {
        "10.0.0.0",
        "10.0.0.0/",
        "10.0.0.0/33",
        "::/129",
        "10.0.0.0/8/8",
        "/8",
        "10.0.0.0/a",
        "10.0.0/8",
        "10.0.0.0/+8",
        "::/-1",
        "::ffff:10.0.0.0/95",
        "10.0.0.0/08",
        "10.0.0.0/8 ",
        "::/99999999999",
        "0000000000000000000000000000000000000000000000000000::/8",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (address_parse_prefix(wrong[i], &a, &bits) != -EINVAL)
            fail_msg("accepted %s", wrong[i]);
    }
}

/* Mutated text is accepted exactly when the C library accepts it, with the same bytes. */
static void parsing_agrees_with_the_c_library(void **state)
{
    (void)state;
    static const char *const seeds[] = {
        "192.0.2.1", "2001:db8:0:1::7",         "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8", "fe80::",
        "::",        "1:2:3:4:5:6:77.88.99.100"};
    static const char alphabet[] = "0123456789abcdefABF:::..gx";
    struct random random;
    unsigned accepted = 0;
    random_seed_number(&random, 5);
    for (unsigned round = 0; round < 200000; round++) {
        char text[64];
        strcpy(text, seeds[random_below(&random, sizeof seeds / sizeof *seeds)]);
        for (unsigned edits = random_below(&random, 4); edits > 0; edits--) {
            size_t length = strlen(text), at = random_below(&random, (uint32_t)length + 1);
            char c = alphabet[random_below(&random, sizeof alphabet - 1)];
            switch (random_below(&random, 3)) {
            case 0:
                memmove(text + at + 1, text + at, length - at + 1);
                text[at] = c;
                break;
            case 1:
                if (at < length)
                    text[at] = c;
                break;
            default:
                if (at < length)
                    memmove(text + at, text + at + 1, length - at);
            }
        }
        uint8_t expected[16];
        bool valid = inet_pton(AF_INET6, text, expected) == 1;
        if (!valid && inet_pton(AF_INET, text, expected + 12) == 1) {
            static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
            memcpy(expected, mapped, 12);
            valid = true;
        }
        struct address a;
        if ((address_parse(text, &a) == 0) != valid)
            fail_msg("the C library %s %s", valid ? "accepts" : "refuses", text);
        if (valid)
            assert_memory_equal(a.bytes, expected, 16);
        accepted += valid;
    }
    assert_in_range(accepted, 50000, 199999);
}

static void what_is_formatted_parses_back(void **state)
{
    (void)state;
    struct random random;
    random_seed_number(&random, 6);
    for (unsigned round = 0; round < 50000; round++) {
        struct address a, b;
        char text[ADDRESS_TEXT_MAX];
        random_bytes(&random, a.bytes, 16);
        uint32_t zeros = random_u32(&random);
        for (unsigned i = 0; i < 16; i++)
            if (zeros >> i / 2 & 1)
                a.bytes[i] = 0;
        if (zeros >> 31)
            a = address_from_ipv4(random_u32(&random));
        assert_int_equal(address_parse(address_format(&a, text), &b), 0);
        assert_memory_equal(a.bytes, b.bytes, 16);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ipv4_address_is_the_mapped_ipv6_address),
        cmocka_unit_test(classes_are_told_apart_in_both_families),
        cmocka_unit_test(a_prefix_holds_its_addresses_only),
        cmocka_unit_test(an_ipv4_address_is_in_no_ipv6_prefix_nor_the_reverse),
        cmocka_unit_test(prefixes_agree_with_a_comparison_of_bits),
        cmocka_unit_test(ipv4_text_is_dotted_decimal_and_nothing_else),
        cmocka_unit_test(ipv6_text_is_that_of_rfc_4291_and_nothing_else),
        cmocka_unit_test(ipv6_text_is_written_as_rfc_5952_says),
        cmocka_unit_test(prefixes_are_parsed_whole_or_refused),
        cmocka_unit_test(parsing_agrees_with_the_c_library),
        cmocka_unit_test(what_is_formatted_parses_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
