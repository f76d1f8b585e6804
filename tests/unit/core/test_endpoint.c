/* Two ends of a conversation as one number. */
#include "unit.h"

#include "core/endpoint.h"

static const struct hash_key key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};

static struct endpoint endpoint(const char *text, uint16_t port)
{
    struct endpoint e = {.port = port};
    assert_int_equal(address_parse(text, &e.address), 0);
    return e;
}

static uint64_t hash(const char *local, uint16_t local_port, const char *remote,
                     uint16_t remote_port)
{
    struct endpoint ours = endpoint(local, local_port), theirs = endpoint(remote, remote_port);
    return endpoint_pair_hash(&key, &ours, &theirs);
}

/* Both families, and one of each. */
static void all_four_parts_count(void **state)
{
    static const char *const pairs[][4] = {
        {"10.0.0.1", "10.0.0.2", "10.0.0.3", "11.0.0.1"},
        {"2001:db8::1", "2001:db8::2", "2001:db8::3", "2002:db8::1"},
        {"10.0.0.1", "2001:db8::2", "10.0.0.3", "2002:db8::1"}};
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const char *const *a = pairs[i];
        uint64_t first = hash(a[0], 1, a[1], 2);
        assert_true(hash(a[0], 1, a[1], 2) == first);
        assert_true(hash(a[0], 3, a[1], 2) != first);
        assert_true(hash(a[0], 1, a[1], 3) != first);
        assert_true(hash(a[2], 1, a[1], 2) != first);
        assert_true(hash(a[0], 1, a[2], 2) != first);
        assert_true(hash(a[3], 1, a[1], 2) != first);
        assert_true(hash(a[0], 1, a[3], 2) != first);
        assert_true(hash(a[1], 2, a[0], 1) != first);
    }
}

/* Who does not know all of the key knows nothing (security rules 7 and 17). */
static void every_bit_of_the_key_counts(void **state)
{
    (void)state;
    struct endpoint ours = endpoint("10.0.0.1", 1), theirs = endpoint("10.0.0.2", 2);
    struct endpoint ours6 = endpoint("2001:db8::1", 1);
    uint64_t first = endpoint_pair_hash(&key, &ours, &theirs);
    uint64_t first6 = endpoint_pair_hash(&key, &ours6, &theirs);
    for (unsigned bit = 0; bit < 128; bit++) {
        struct hash_key other = key;
        other.words[bit / 64] ^= (uint64_t)1 << bit % 64;
        assert_true(endpoint_pair_hash(&other, &ours, &theirs) != first);
        assert_true(endpoint_pair_hash(&other, &ours6, &theirs) != first6);
    }
}

/* The halves of one hash serve for two things (port.c): neither may follow from the other. */
static void halves_are_unrelated(void **state)
{
    (void)state;
    unsigned bits = 0;
    for (uint16_t port = 0; port < 4096; port++) {
        uint64_t h = hash("10.0.0.1", 0, "10.0.0.2", port);
        bits += (unsigned)__builtin_popcount((uint32_t)h ^ (uint32_t)(h >> 32));
    }
    assert_in_range(bits / 4096, 15, 16); /* half of 32 on average, from below */
}

static void endpoints_are_equal_by_address_and_port(void **state)
{
    (void)state;
    struct endpoint a = endpoint("10.0.0.1", 1), b = a;
    assert_true(endpoint_equal(&a, &b));
    b.port = 2;
    assert_false(endpoint_equal(&a, &b));
    b = endpoint("10.0.0.2", 1);
    assert_false(endpoint_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_four_parts_count),
        cmocka_unit_test(every_bit_of_the_key_counts),
        cmocka_unit_test(halves_are_unrelated),
        cmocka_unit_test(endpoints_are_equal_by_address_and_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
