#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/random.h"

/* SipHash-c-d as its paper describes it (Aumasson and Bernstein, 2012, §2), a byte at a time and
 * with the numbers of rounds as arguments, so that it can be held against the paper's own test
 * vector. */
static uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word = 0;
    for (int i = 7; i >= 0; i--)
        word = word << 8 | bytes[i];
    return word;
}

static uint64_t rotl(uint64_t x, int b)
{
    return x << b | x >> (64 - b);
}

static void reference_rounds(uint64_t v[4], int count)
{
    for (int i = 0; i < count; i++) {
        v[0] += v[1];
        v[1] = rotl(v[1], 13);
        v[1] ^= v[0];
        v[0] = rotl(v[0], 32);
        v[2] += v[3];
        v[3] = rotl(v[3], 16);
        v[3] ^= v[2];
        v[0] += v[3];
        v[3] = rotl(v[3], 21);
        v[3] ^= v[0];
        v[2] += v[1];
        v[1] = rotl(v[1], 17);
        v[1] ^= v[2];
        v[2] = rotl(v[2], 32);
    }
}

static uint64_t reference(const uint8_t key[16], const uint8_t *message, size_t length, int c,
                          int d)
{
    uint64_t k0 = word_at(key), k1 = word_at(key + 8);
    uint64_t v[4] = {
        k0 ^ word_at((const uint8_t *)"uespemos"), k1 ^ word_at((const uint8_t *)"modnarod"),
        k0 ^ word_at((const uint8_t *)"arenegyl"), k1 ^ word_at((const uint8_t *)"setybdet")};
    uint8_t padded[512] = {0};
    size_t size = (length / 8 + 1) * 8;
    assert_true(size <= sizeof padded);
    memcpy(padded, message, length);
    padded[size - 1] = (uint8_t)length;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t m = word_at(padded + i);
        v[3] ^= m;
        reference_rounds(v, c);
        v[0] ^= m;
    }
    v[2] ^= 0xff;
    reference_rounds(v, d);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Appendix A of the paper: key 00 … 0f, message 00 … 0e, SipHash-2-4. */
static void the_reference_passes_the_papers_vector(void **state)
{
    (void)state;
    uint8_t bytes[16];
    for (uint8_t i = 0; i < 16; i++)
        bytes[i] = i;
    assert_true(reference(bytes, bytes, 15, 2, 4) == 0xa129ca6149be45e5);
}

static void every_length_and_alignment_agrees_with_the_reference(void **state)
{
    (void)state;
    struct random random;
    random_seed_number(&random, 7);
    for (size_t length = 0; length <= 300; length++) {
        uint8_t key_bytes[16], message[300 + 8];
        random_bytes(&random, key_bytes, sizeof key_bytes);
        random_bytes(&random, message, sizeof message);
        struct hash_key key = {{word_at(key_bytes), word_at(key_bytes + 8)}};
        for (size_t align = 0; align < 8; align++) {
            /* A copy that ends where its memory ends: reading further would be seen. */
            uint8_t *copy = malloc(align + length + 1);
            assert_non_null(copy);
            uint8_t *at = copy + 1 + align;
            memcpy(at, message + align, length);
            assert_true(hash_bytes(&key, at, length) ==
                        reference(key_bytes, message + align, length, 1, 3));
            free(copy);
        }
    }
}

/* Of a keyed hash each output bit should change for about half of all changes of one input bit. */
static void each_input_bit_moves_half_of_the_output(void **state)
{
    (void)state;
    struct random random;
    random_seed_number(&random, 8);
    struct hash_key key;
    uint8_t tuple[36];
    random_bytes(&random, &key, sizeof key);
    unsigned flips[64] = {0}, samples = 0;
    for (unsigned round = 0; round < 20; round++) {
        random_bytes(&random, tuple, sizeof tuple);
        uint64_t before = hash_bytes(&key, tuple, sizeof tuple);
        for (unsigned bit = 0; bit < sizeof tuple * 8; bit++, samples++) {
            tuple[bit / 8] ^= (uint8_t)(1 << bit % 8);
            uint64_t changed = before ^ hash_bytes(&key, tuple, sizeof tuple);
            tuple[bit / 8] ^= (uint8_t)(1 << bit % 8);
            for (unsigned i = 0; i < 64; i++)
                flips[i] += changed >> i & 1;
        }
    }
    for (unsigned i = 0; i < 64; i++)
        assert_in_range(flips[i], samples * 45 / 100, samples * 55 / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reference_passes_the_papers_vector),
        cmocka_unit_test(every_length_and_alignment_agrees_with_the_reference),
        cmocka_unit_test(each_input_bit_moves_half_of_the_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
