#include "unit.h"

#include <string.h>

#include "base/random.h"

/* ChaCha with any number of rounds, as RFC 8439 §2.3 states it but with Bernstein's layout: a
 * 64-bit counter and a 64-bit nonce, here zero. */
static void reference_quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    uint32_t *const order[4][3] = {{a, b, d}, {c, d, b}, {a, b, d}, {c, d, b}};
    static const int rotations[4] = {16, 12, 8, 7};
    for (int i = 0; i < 4; i++) {
        *order[i][0] += *order[i][1];
        uint32_t x = *order[i][2] ^ *order[i][0];
        *order[i][2] = x << rotations[i] | x >> (32 - rotations[i]);
    }
}

static void reference_block(const uint32_t state[16], int rounds, uint8_t out[64])
{
    uint32_t x[4][4];
    memcpy(x, state, sizeof x);
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < 4; i++) {
            int s = round % 2; /* columns, then diagonals */
            reference_quarter(&x[0][i], &x[1][(i + s) % 4], &x[2][(i + 2 * s) % 4],
                              &x[3][(i + 3 * s) % 4]);
        }
    for (int i = 0; i < 16; i++) {
        uint32_t word = x[i / 4][i % 4] + state[i];
        for (int k = 0; k < 4; k++)
            out[4 * i + k] = (uint8_t)(word >> 8 * k);
    }
}

static void reference_state(uint32_t state[16], const uint8_t key[32], uint64_t counter)
{
    static const char constant[] = "expand 32-byte k";
    uint8_t bytes[64] = {0};
    memcpy(bytes, constant, 16);
    memcpy(bytes + 16, key, 32);
    for (int i = 0; i < 8; i++)
        bytes[48 + i] = (uint8_t)(counter >> 8 * i);
    for (int i = 0; i < 16; i++)
        state[i] = (uint32_t)bytes[4 * i] | (uint32_t)bytes[4 * i + 1] << 8 |
                   (uint32_t)bytes[4 * i + 2] << 16 | (uint32_t)bytes[4 * i + 3] << 24;
}

/* RFC 8439 §2.3.2, the block function with 20 rounds; its nonce lies where state words 13 to 15
 * are. */
static void the_reference_passes_the_vector_of_rfc_8439(void **state)
{
    (void)state;
    uint32_t words[16];
    uint8_t key[32], block[64];
    for (uint8_t i = 0; i < 32; i++)
        key[i] = i;
    reference_state(words, key, 1);
    words[13] = 0x09000000;
    words[14] = 0x4a000000;
    words[15] = 0;
    reference_block(words, 20, block);
    static const uint8_t expected[16] = {0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15,
                                         0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4};
    assert_memory_equal(block, expected, sizeof expected);
}

static void the_stream_is_chacha8_of_the_seed(void **state)
{
    (void)state;
    uint8_t seed[RANDOM_SEED_SIZE], stream[64 * 40], expected[64 * 40];
    struct random random;
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < sizeof seed; i++)
            seed[i] = (uint8_t)(i * 37 + round * 101);
        for (unsigned i = 0; i < 40; i++) {
            uint32_t words[16];
            reference_state(words, seed, i);
            reference_block(words, 8, expected + 64 * i);
        }
        random_seed(&random, seed);
        random_bytes(&random, stream, sizeof stream);
        assert_memory_equal(stream, expected, sizeof stream);
    }
}

static void the_counter_carries_into_its_high_word(void **state)
{
    (void)state;
    uint8_t seed[RANDOM_SEED_SIZE] = {1, 2, 3}, stream[128], expected[128];
    uint32_t words[16];
    struct random random;
    random_seed(&random, seed);
    random.state[12] = UINT32_MAX;
    random_bytes(&random, stream, sizeof stream);
    reference_state(words, seed, UINT32_MAX);
    reference_block(words, 8, expected);
    reference_state(words, seed, UINT64_C(1) << 32);
    reference_block(words, 8, expected + 64);
    assert_memory_equal(stream, expected, sizeof stream);
}

static void the_same_seed_yields_the_same_stream_and_another_another(void **state)
{
    (void)state;
    struct random a, b, c;
    random_seed_number(&a, 42);
    random_seed_number(&b, 42);
    random_seed_number(&c, UINT64_C(42) << 32);
    unsigned equal = 0;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t value = random_u64(&a);
        assert_true(value == random_u64(&b));
        equal += value == random_u64(&c);
    }
    assert_int_equal(equal, 0);
}

static void every_bit_of_a_seed_number_counts(void **state)
{
    (void)state;
    struct random a, b;
    for (unsigned bit = 0; bit < 64; bit++) {
        random_seed_number(&a, 0);
        random_seed_number(&b, UINT64_C(1) << bit);
        assert_true(random_u64(&a) != random_u64(&b));
    }
}

/* Bytes are the words in little-endian order, and what is left of the last word is lost. */
static void bytes_and_words_come_from_one_stream(void **state)
{
    (void)state;
    for (size_t length = 0; length < 20; length++) {
        struct random a, b;
        uint8_t bytes[20];
        random_seed_number(&a, length);
        random_seed_number(&b, length);
        random_bytes(&a, bytes, length);
        for (size_t i = 0; i < length; i += 4) {
            uint32_t word = random_u32(&b);
            for (size_t k = i; k < length && k < i + 4; k++)
                assert_int_equal(bytes[k], word >> 8 * (k - i) & 0xff);
        }
        assert_true(random_u32(&a) == random_u32(&b));
    }
}

static void pieces_of_any_length_fill_exactly_their_room(void **state)
{
    (void)state;
    struct random random;
    random_seed_number(&random, 9);
    for (size_t length = 0; length < 150; length++) {
        uint8_t room[152];
        memset(room, 0x5a, sizeof room);
        random_bytes(&random, room + 1, length);
        assert_int_equal(room[0], 0x5a);
        assert_int_equal(room[length + 1], 0x5a);
        unsigned untouched = 0;
        for (size_t i = 0; i < length; i++)
            untouched += room[1 + i] == 0x5a;
        assert_true(untouched <= 4 + length / 16);
    }
}

static void numbers_below_a_bound_are_uniform(void **state)
{
    (void)state;
    struct random random;
    random_seed_number(&random, 10);
    static const uint32_t bounds[] = {1, 2, 3, 6, 7, 10, 16};
    for (unsigned b = 0; b < sizeof bounds / sizeof *bounds; b++) {
        unsigned counts[16] = {0}, samples = 20000 * bounds[b];
        for (unsigned i = 0; i < samples; i++) {
            uint32_t value = random_below(&random, bounds[b]);
            assert_true(value < bounds[b]);
            counts[value]++;
        }
        for (uint32_t i = 0; i < bounds[b]; i++) /* five standard deviations are 700 */
            assert_in_range(counts[i], 19300, 20700);
    }
}

/* With this bound, numbers divisible by three would come twice as often without rejection. */
static void large_bounds_have_no_favourites(void **state)
{
    (void)state;
    struct random random;
    random_seed_number(&random, 11);
    const uint32_t bound = 0xc0000000;
    unsigned thirds[3] = {0};
    for (unsigned i = 0; i < 90000; i++) {
        uint32_t value = random_below(&random, bound);
        assert_true(value < bound);
        thirds[value % 3]++;
    }
    for (unsigned i = 0; i < 3; i++)
        assert_in_range(thirds[i], 29300, 30700);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_passes_the_vector_of_rfc_8439),
        cmocka_unit_test(the_stream_is_chacha8_of_the_seed),
        cmocka_unit_test(the_counter_carries_into_its_high_word),
        cmocka_unit_test(the_same_seed_yields_the_same_stream_and_another_another),
        cmocka_unit_test(every_bit_of_a_seed_number_counts),
        cmocka_unit_test(bytes_and_words_come_from_one_stream),
        cmocka_unit_test(pieces_of_any_length_fill_exactly_their_room),
        cmocka_unit_test(numbers_below_a_bound_are_uniform),
        cmocka_unit_test(large_bounds_have_no_favourites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
