#include "unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/checksum_sums.h"
#include "base/random.h"

enum { LENGTHS = 300, ALIGNMENTS = 32 };

/* RFC 1071 §1, to the letter: adjacent bytes make 16-bit integers in network order, and their one's
 * complement sum is taken. */
static uint16_t naive_sum(const uint8_t *bytes, size_t length)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < length; i++)
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* Bytes that end where their memory ends, at each alignment, so that the sanitizer sees an
 * over-read. */
struct area {
    uint8_t *memory;
    uint8_t *bytes;
};

static struct area area_of(size_t length, size_t alignment)
{
    struct area area;
    area.memory = malloc(length + alignment + 1);
    assert_non_null(area.memory);
    area.bytes = area.memory + alignment + 1;
    return area;
}

enum pattern { RANDOM, ONES, ZEROS, HIGH_HALVES, PATTERNS };

/* Ones carry at every addition; the others meet the edges of the sum. */
static void fill(struct random *random, enum pattern pattern, uint8_t *bytes, size_t length)
{
    random_bytes(random, bytes, length);
    for (size_t i = 0; i < length && pattern != RANDOM; i++)
        bytes[i] = pattern == ONES || (pattern == HIGH_HALVES && i % 8 >= 4) ? 0xff : 0;
}

static uint16_t folded(uint64_t sum)
{
    struct checksum c = {sum, 0};
    return checksum_fold(&c);
}

static void the_example_of_rfc_1071_sums_to_ddf2(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    struct checksum c = CHECKSUM_START;
    checksum_add(&c, bytes, sizeof bytes);
    assert_int_equal(checksum_fold(&c), 0xddf2);
    assert_int_equal(checksum_finish(&c), 0x220d);
}

static void every_length_and_alignment_agrees_with_the_naive_sum(void **state)
{
    (void)state;
    struct random random;
    random_seed_number(&random, 16);
    for (size_t length = 0; length <= LENGTHS; length++)
        for (size_t alignment = 0; alignment < ALIGNMENTS; alignment++)
            for (enum pattern pattern = RANDOM; pattern < PATTERNS; pattern++) {
                struct area area = area_of(length, alignment);
                fill(&random, pattern, area.bytes, length);
                struct checksum c = CHECKSUM_START;
                checksum_add(&c, area.bytes, length);
                assert_int_equal(checksum_fold(&c), naive_sum(area.bytes, length));
                assert_int_equal(folded(checksum_sum_scalar(area.bytes, length)),
                                 naive_sum(area.bytes, length));
                c = CHECKSUM_START;
                checksum_add_header(&c, area.bytes, length - length % 4);
                assert_int_equal(checksum_fold(&c), naive_sum(area.bytes, length - length % 4));
                free(area.memory);
            }
}

static void long_areas_agree_too(void **state)
{
    (void)state;
    struct random random;
    random_seed_number(&random, 18);
    for (unsigned round = 0; round < 60; round++) {
        size_t length = 60000 + random_below(&random, 9000);
        enum pattern pattern = round % PATTERNS;
        struct area area = area_of(length, round % ALIGNMENTS);
        fill(&random, pattern, area.bytes, length);
        struct checksum c = CHECKSUM_START;
        checksum_add(&c, area.bytes, length);
        assert_int_equal(checksum_fold(&c), naive_sum(area.bytes, length));
        free(area.memory);
    }
}

#ifdef __x86_64__
static void vectors_agree_with_the_naive_sum(void **state)
{
    (void)state;
    if (!__builtin_cpu_supports("avx2"))
        skip();
    struct random random;
    random_seed_number(&random, 19);
    for (size_t length = 0; length <= 40 * CHECKSUM_AVX2_BLOCK; length += CHECKSUM_AVX2_BLOCK)
        for (size_t alignment = 0; alignment < ALIGNMENTS; alignment++)
            for (enum pattern pattern = RANDOM; pattern < PATTERNS; pattern++) {
                struct area area = area_of(length, alignment);
                fill(&random, pattern, area.bytes, length);
                assert_int_equal(folded(checksum_sum_avx2(area.bytes, length)),
                                 naive_sum(area.bytes, length));
                free(area.memory);
            }
}
#endif

/* However the bytes are split, at odd places too, the sum is that of the whole. */
static void any_split_sums_to_the_whole(void **state)
{
    (void)state;
    struct random random;
    uint8_t bytes[1500];
    random_seed_number(&random, 20);
    for (unsigned round = 0; round < 5000; round++) {
        size_t length = random_below(&random, sizeof bytes + 1);
        fill(&random, round % PATTERNS, bytes, length);
        struct checksum c = CHECKSUM_START;
        uint32_t largest = 1u << random_below(&random, 12);
        for (size_t at = 0; at < length;) {
            size_t piece = random_below(&random, largest + 1);
            piece = piece < length - at ? piece : length - at;
            checksum_add(&c, bytes + at, piece);
            at += piece;
        }
        assert_int_equal(checksum_fold(&c), naive_sum(bytes, length));
    }
}

static void every_split_in_two_sums_to_the_whole(void **state)
{
    (void)state;
    struct random random;
    uint8_t bytes[LENGTHS];
    random_seed_number(&random, 21);
    fill(&random, RANDOM, bytes, sizeof bytes);
    for (size_t split = 0; split <= LENGTHS; split++) {
        struct checksum c = CHECKSUM_START;
        checksum_add(&c, bytes, split);
        checksum_add(&c, bytes + split, LENGTHS - split);
        assert_int_equal(checksum_fold(&c), naive_sum(bytes, LENGTHS));
    }
}

static void values_count_as_they_stand_on_the_wire(void **state)
{
    (void)state;
    struct random random;
    random_seed_number(&random, 22);
    for (unsigned round = 0; round < 1000; round++) {
        uint8_t wire[6];
        random_bytes(&random, wire, sizeof wire);
        struct checksum c = CHECKSUM_START;
        checksum_add_u16(&c, (uint16_t)(wire[0] << 8 | wire[1]));
        checksum_add_u32(&c, (uint32_t)wire[2] << 24 | (uint32_t)wire[3] << 16 |
                                 (uint32_t)wire[4] << 8 | wire[5]);
        assert_int_equal(checksum_fold(&c), naive_sum(wire, sizeof wire));
    }
}

/* As a receiver sees it: the checksum in place, the sum is -0 and finishes at 0; one flipped bit,
 * and it does not. */
static void a_correct_packet_finishes_at_zero_and_a_corrupt_one_does_not(void **state)
{
    (void)state;
    struct random random;
    random_seed_number(&random, 23);
    for (unsigned round = 0; round < 2000; round++) {
        uint8_t packet[200];
        size_t length = 20 + random_below(&random, sizeof packet - 20 + 1);
        fill(&random, RANDOM, packet, length);
        packet[10] = packet[11] = 0;
        struct checksum c = CHECKSUM_START;
        checksum_add(&c, packet, length);
        uint16_t field = checksum_finish(&c);
        packet[10] = (uint8_t)(field >> 8);
        packet[11] = (uint8_t)field;

        c = CHECKSUM_START;
        checksum_add(&c, packet, length);
        assert_int_equal(checksum_finish(&c), 0);

        uint32_t bit = random_below(&random, (uint32_t)length * 8);
        packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
        c = CHECKSUM_START;
        checksum_add(&c, packet, length);
        assert_int_not_equal(checksum_finish(&c), 0);
    }
}

/* Two zeros of one's complement: only nothing but zeros sums to +0. */
static void zeros_finish_at_ffff_and_ones_at_zero(void **state)
{
    (void)state;
    uint8_t bytes[64] = {0};
    struct checksum c = CHECKSUM_START;
    assert_int_equal(checksum_finish(&c), 0xffff);
    checksum_add(&c, bytes, sizeof bytes);
    assert_int_equal(checksum_finish(&c), 0xffff);
    memset(bytes, 0xff, sizeof bytes);
    checksum_add(&c, bytes, sizeof bytes);
    assert_int_equal(checksum_finish(&c), 0);
}

/* Folding is reduction modulo 2^16 - 1 that keeps the two zeros apart, whatever
 * carries on the way. */
static void every_sum_folds_to_its_remainder(void **state)
{
    (void)state;
    static const uint32_t halves[] = {0,          1,          0xffff,     0x10000,   0xfffe0001,
                                      0xffff0000, 0xffff0001, 0xfffffffe, 0xffffffff};
    enum { HALVES = sizeof halves / sizeof *halves };
    struct random random;
    random_seed_number(&random, 25);
    for (unsigned i = 0; i < HALVES * HALVES + 100000; i++) {
        uint64_t sum = random_u64(&random);
        if (i < HALVES * HALVES)
            sum = (uint64_t)halves[i / HALVES] << 32 | halves[i % HALVES];
        uint16_t remainder = (uint16_t)(sum % 0xffff);
        if (remainder == 0 && sum != 0)
            remainder = 0xffff;
        uint8_t memory[2];
        memcpy(memory, &remainder, sizeof memory);
        assert_int_equal(folded(sum), naive_sum(memory, sizeof memory));
    }
}

static void the_sum_of_very_much_does_not_overflow(void **state)
{
    (void)state;
    struct checksum c = {.sum = UINT64_MAX - 1};
    checksum_add_u16(&c, 1);
    checksum_add_u16(&c, 0xffff);
    checksum_add_u32(&c, UINT32_MAX);
    uint8_t ones[300];
    memset(ones, 0xff, sizeof ones);
    checksum_add(&c, ones, sizeof ones);
    /* Of all this, only the beginning and the 1 are not zero in one's complement. */
    struct checksum minus_one = {.sum = UINT64_MAX - 1}, one = CHECKSUM_START;
    checksum_add_u16(&one, 1);
    uint32_t expected = checksum_fold(&minus_one) + checksum_fold(&one);
    assert_int_equal(checksum_fold(&c), (expected & 0xffff) + (expected >> 16));
}

/* RFC 1624. */
static void replaced_value_gives_the_sum_of_the_new_one(void **state)
{
    (void)state;
    static const uint32_t values[] = {0, 1, 8, 1480, 65515, 0xffff, 0x10000, 300000, UINT32_MAX};
    enum { VALUES = sizeof values / sizeof values[0] };
    for (unsigned i = 0; i < VALUES; i++) {
        for (unsigned j = 0; j < VALUES; j++) {
            struct checksum before = CHECKSUM_START, after = CHECKSUM_START;
            checksum_add_u16(&before, 0xbeef);
            after = before;
            checksum_add_u32(&before, values[i]);
            checksum_add_u32(&after, values[j]);
            assert_int_equal(checksum_replace(checksum_fold(&before), values[i], values[j]),
                             checksum_fold(&after));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_rfc_1071_sums_to_ddf2),
        cmocka_unit_test(every_length_and_alignment_agrees_with_the_naive_sum),
        cmocka_unit_test(long_areas_agree_too),
#ifdef __x86_64__
        cmocka_unit_test(vectors_agree_with_the_naive_sum),
#endif
        cmocka_unit_test(any_split_sums_to_the_whole),
        cmocka_unit_test(every_split_in_two_sums_to_the_whole),
        cmocka_unit_test(values_count_as_they_stand_on_the_wire),
        cmocka_unit_test(a_correct_packet_finishes_at_zero_and_a_corrupt_one_does_not),
        cmocka_unit_test(zeros_finish_at_ffff_and_ones_at_zero),
        cmocka_unit_test(every_sum_folds_to_its_remainder),
        cmocka_unit_test(the_sum_of_very_much_does_not_overflow),
        cmocka_unit_test(replaced_value_gives_the_sum_of_the_new_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
