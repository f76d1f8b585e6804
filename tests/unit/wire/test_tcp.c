#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "wire/tcp.h"

/* A header without options, ports 1000 and 80, SEQ 0x01020304, ACK 0x05060708, AE, ACK and PSH,
 * window 0x1000, urgent pointer 9. */
static const uint8_t plain[TCP_HEADER_MIN] = {0x03, 0xe8, 0,    80,   1,    2,    3,    4,    5, 6,
                                              7,    8,    0x51, 0x18, 0x10, 0x00, 0xab, 0xcd, 0, 9};

/* Parses a segment of `plain`'s fields with these options, padded with END, and text
 * behind them. */
static bool parse_with(const void *options, size_t length, const char *text, struct segment *out)
{
    size_t padded = (length + 3) / 4 * 4, total = TCP_HEADER_MIN + padded + strlen(text);
    uint8_t *bytes = calloc(1, total);
    assert_non_null(bytes);
    memcpy(bytes, plain, TCP_HEADER_MIN);
    bytes[12] = (uint8_t)((TCP_HEADER_MIN + padded) / 4 << 4 | (plain[12] & 0xf));
    if (length)
        memcpy(bytes + TCP_HEADER_MIN, options, length);
    memcpy(bytes + TCP_HEADER_MIN + padded, text, strlen(text));
    bool ok = tcp_parse(bytes, total, out);
    if (ok)
        assert_ptr_equal(out->text, bytes + TCP_HEADER_MIN + padded);
    out->text = NULL;
    free(bytes);
    return ok;
}

static struct tcp_options options_of(const void *options, size_t length)
{
    struct segment s;
    assert_true(parse_with(options, length, "", &s));
    return s.options;
}

#define OPTIONS_OF(...) \
    options_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void assert_no_options(const struct tcp_options *options)
{
    static const struct tcp_options none;
    assert_memory_equal(options, &none, sizeof none);
}

static void header_is_decoded(void **state)
{
    (void)state;
    struct segment s;
    assert_true(parse_with(NULL, 0, "text", &s));
    assert_int_equal(s.source_port, 1000);
    assert_int_equal(s.destination_port, 80);
    assert_int_equal(s.seq, 0x01020304);
    assert_int_equal(s.ack, 0x05060708);
    assert_int_equal(s.flags, TCP_AE | TCP_ACK | TCP_PSH);
    assert_int_equal(s.window, 0x1000);
    assert_int_equal(s.checksum, 0xabcd);
    assert_int_equal(s.urgent, 9);
    assert_int_equal(s.header_length, 20);
    assert_int_equal(s.length, 4);
    assert_no_options(&s.options);
}

static void data_offset_out_of_bounds_is_refused(void **state)
{
    (void)state;
    struct segment s;
    uint8_t bytes[TCP_HEADER_MIN];
    memcpy(bytes, plain, sizeof bytes);
    for (unsigned offset = 0; offset < 16; offset++) {
        bytes[12] = (uint8_t)(offset << 4);
        assert_int_equal(tcp_parse(bytes, sizeof bytes, &s), offset == 5);
    }
}

static void truncation_at_every_byte_of_the_header_is_refused(void **state)
{
    (void)state;
    struct segment in = {.options = {.has_mss = true,
                                     .has_timestamps = true,
                                     .has_sack_permitted = true,
                                     .has_window_scale = true}};
    const struct segment bare = {.flags = TCP_ACK};
    for (int options = 0; options < 2; options++) {
        uint8_t header[TCP_HEADER_MAX];
        size_t length = tcp_build(options ? &in : &bare, header);
        for (size_t n = 0; n <= length; n++) {
            struct segment out;
            uint8_t *copy = malloc(n ? n : 1);
            assert_non_null(copy);
            memcpy(copy, header, n);
            assert_int_equal(tcp_parse(copy, n, &out), n == length);
            free(copy);
        }
    }
}

static void options_of_a_syn_are_decoded(void **state)
{
    (void)state;
    struct tcp_options o =
        OPTIONS_OF(2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 7);
    assert_true(o.has_mss);
    assert_int_equal(o.mss, 1460);
    assert_true(o.has_sack_permitted);
    assert_true(o.has_timestamps);
    assert_int_equal(o.timestamp_value, 0x01020304);
    assert_int_equal(o.timestamp_echo, 0x05060708);
    assert_true(o.has_window_scale);
    assert_int_equal(o.window_scale, 7);
}

static void aligned_and_scattered_timestamps_read_the_same(void **state)
{
    (void)state;
    struct tcp_options aligned = OPTIONS_OF(1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8);
    struct tcp_options scattered = OPTIONS_OF(8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1);
    assert_true(aligned.has_timestamps);
    assert_memory_equal(&aligned, &scattered, sizeof aligned);
}

static void sack_blocks_are_decoded(void **state)
{
    (void)state;
    struct tcp_options o =
        OPTIONS_OF(1, 1, 5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 9);
    assert_int_equal(o.sack_count, 2);
    assert_int_equal(o.sack[0].start, 1);
    assert_int_equal(o.sack[0].end, 2);
    assert_int_equal(o.sack[1].start, 0xffffffff);
    assert_int_equal(o.sack[1].end, 9);
}

static void four_sack_blocks_fill_the_header(void **state)
{
    (void)state;
    uint8_t options[36] = {1, 1, 5, 34};
    struct tcp_options o = options_of(options, sizeof options);
    assert_int_equal(o.sack_count, 4);
}

static void sack_of_odd_length_says_nothing(void **state)
{
    (void)state;
    struct tcp_options empty = OPTIONS_OF(5, 2), odd = OPTIONS_OF(5, 9, 1, 2, 3, 4, 5, 6, 7);
    assert_no_options(&empty);
    assert_no_options(&odd);
}

static void fast_open_cookie_and_request_are_decoded(void **state)
{
    (void)state;
    struct tcp_options o = OPTIONS_OF(34, 10, 1, 2, 3, 4, 5, 6, 7, 8);
    assert_true(o.has_fast_open);
    assert_false(o.fast_open_experimental);
    assert_int_equal(o.cookie_length, 8);
    assert_memory_equal(o.cookie, "\1\2\3\4\5\6\7\10", 8);
    o = OPTIONS_OF(34, 2);
    assert_true(o.has_fast_open);
    assert_int_equal(o.cookie_length, 0);
    o = OPTIONS_OF(254, 8, 0xf9, 0x89, 9, 8, 7, 6);
    assert_true(o.has_fast_open);
    assert_true(o.fast_open_experimental);
    assert_int_equal(o.cookie_length, 4);
    o = OPTIONS_OF(254, 4, 0xf9, 0x89);
    assert_true(o.has_fast_open);
    assert_int_equal(o.cookie_length, 0);
}

/* RFC 7413 §4.1.1: 4 to 16 bytes, an even number. */
static void fast_open_cookie_of_bad_length_says_nothing(void **state)
{
    (void)state;
    for (uint8_t cookie = 1; cookie <= 18; cookie++) {
        uint8_t options[24] = {34, (uint8_t)(2 + cookie)};
        struct tcp_options o = options_of(options, 2u + cookie);
        assert_int_equal(o.has_fast_open, cookie >= 4 && cookie <= 16 && cookie % 2 == 0);
    }
}

static void other_experiments_are_passed_over(void **state)
{
    (void)state;
    struct tcp_options other = OPTIONS_OF(254, 6, 0x12, 0x34, 1, 2), bare = OPTIONS_OF(254, 2),
                       half = OPTIONS_OF(254, 3, 0xf9);
    assert_no_options(&other);
    assert_no_options(&bare);
    assert_no_options(&half);
}

static void accecn_counters_are_decoded(void **state)
{
    (void)state;
    struct tcp_options o = OPTIONS_OF(172, 11, 1, 2, 3, 4, 5, 6, 0xff, 0xff, 0xff);
    assert_true(o.has_accecn);
    assert_int_equal(o.accecn_order, 0);
    assert_int_equal(o.accecn_count, 3);
    assert_int_equal(o.accecn[0], 0x010203);
    assert_int_equal(o.accecn[1], 0x040506);
    assert_int_equal(o.accecn[2], 0xffffff);
    o = OPTIONS_OF(174, 5, 1, 2, 3);
    assert_int_equal(o.accecn_order, 1);
    assert_int_equal(o.accecn_count, 1);
    o = OPTIONS_OF(174, 2);
    assert_true(o.has_accecn);
    assert_int_equal(o.accecn_count, 0);
    o = OPTIONS_OF(172, 7, 1, 2, 3, 4, 5); /* RFC 9768 §3.2.3: the rest is ignored */
    assert_int_equal(o.accecn_count, 1);
    o = OPTIONS_OF(172, 14, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    assert_int_equal(o.accecn_count, 3);
}

/* MUST-6 */
static void unknown_options_are_passed_over(void **state)
{
    (void)state;
    struct tcp_options o = OPTIONS_OF(77, 5, 1, 2, 3, 2, 4, 0x02, 0x18);
    assert_true(o.has_mss);
    assert_int_equal(o.mss, 536);
}

static void known_options_of_wrong_length_say_nothing(void **state)
{
    (void)state;
    struct tcp_options o =
        OPTIONS_OF(2, 3, 1, 2, 5, 1, 2, 3, 3, 4, 1, 1, 4, 3, 1, 8, 9, 1, 2, 3, 4, 5, 6, 7);
    assert_no_options(&o);
    o = OPTIONS_OF(2, 3, 9, 2, 4, 0x02, 0x18);
    assert_int_equal(o.mss, 536);
}

/* MUST-7, security rule 2: parsing ends, and what was read stands. */
static void option_length_below_two_ends_parsing(void **state)
{
    (void)state;
    struct tcp_options zero = OPTIONS_OF(4, 2, 3, 0, 2, 4, 5, 6);
    struct tcp_options one = OPTIONS_OF(4, 2, 3, 1, 2, 4, 5, 6);
    assert_true(zero.has_sack_permitted && one.has_sack_permitted);
    assert_false(zero.has_window_scale || one.has_window_scale);
    assert_false(zero.has_mss || one.has_mss);
}

static void option_past_the_end_ends_parsing(void **state)
{
    (void)state;
    struct tcp_options beyond = OPTIONS_OF(4, 2, 8, 10, 1, 2, 3, 4);
    struct tcp_options no_length = OPTIONS_OF(4, 2, 1, 2);
    assert_true(beyond.has_sack_permitted && no_length.has_sack_permitted);
    assert_false(beyond.has_timestamps);
    assert_false(no_length.has_mss);
}

static void nothing_counts_behind_the_end_of_options(void **state)
{
    (void)state;
    struct tcp_options o = OPTIONS_OF(0, 2, 4, 5, 6, 0, 0, 0);
    assert_no_options(&o);
}

/* Builds options, with their header and alone, and compares them with these bytes. */
static void assert_builds(const struct tcp_options *options, const void *expected, size_t length)
{
    struct segment s = {.options = *options};
    uint8_t header[TCP_HEADER_MAX], apart[TCP_OPTIONS_MAX];
    assert_int_equal(tcp_build(&s, header), TCP_HEADER_MIN + length);
    assert_int_equal(tcp_build_options(options, apart), length);
    assert_int_equal(header[12] >> 4, (TCP_HEADER_MIN + length) / 4);
    if (length) {
        assert_memory_equal(header + TCP_HEADER_MIN, expected, length);
        assert_memory_equal(apart, expected, length);
    }
}

#define ASSERT_BUILDS(options, ...) \
    assert_builds(options, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void built_header_is_the_sample(void **state)
{
    (void)state;
    struct segment s;
    uint8_t header[TCP_HEADER_MAX];
    assert_true(tcp_parse(plain, sizeof plain, &s));
    assert_int_equal(tcp_build(&s, header), sizeof plain);
    assert_memory_equal(header, plain, sizeof plain);
}

static void options_of_a_syn_stand_in_linux_order(void **state)
{
    (void)state;
    struct tcp_options o = {.has_mss = true,
                            .mss = 1460,
                            .has_sack_permitted = true,
                            .has_timestamps = true,
                            .timestamp_value = 0x01020304,
                            .timestamp_echo = 0x05060708,
                            .has_window_scale = true,
                            .window_scale = 7};
    ASSERT_BUILDS(&o, 2, 4, 0x05, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 7);
    o.has_timestamps = false;
    ASSERT_BUILDS(&o, 2, 4, 0x05, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7);
    o.has_sack_permitted = false;
    ASSERT_BUILDS(&o, 2, 4, 0x05, 0xb4, 1, 3, 3, 7);
    o.has_timestamps = true;
    ASSERT_BUILDS(&o, 2, 4, 0x05, 0xb4, 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 7);
}

static void no_options_build_no_bytes(void **state)
{
    (void)state;
    struct tcp_options o = {0};
    assert_builds(&o, NULL, 0);
}

static void fast_open_stands_last(void **state)
{
    (void)state;
    struct tcp_options o = {.has_mss = true,
                            .mss = 1460,
                            .has_window_scale = true,
                            .window_scale = 7,
                            .has_fast_open = true};
    ASSERT_BUILDS(&o, 2, 4, 0x05, 0xb4, 1, 3, 3, 7, 34, 2, 1, 1);
    o.cookie_length = 4;
    memcpy(o.cookie, "\1\2\3\4", 4);
    ASSERT_BUILDS(&o, 2, 4, 0x05, 0xb4, 1, 3, 3, 7, 34, 6, 1, 2, 3, 4, 1, 1);
    o.fast_open_experimental = true;
    ASSERT_BUILDS(&o, 2, 4, 0x05, 0xb4, 1, 3, 3, 7, 254, 8, 0xf9, 0x89, 1, 2, 3, 4);
}

static void sack_blocks_stand_behind_timestamps(void **state)
{
    (void)state;
    struct tcp_options o = {.has_timestamps = true,
                            .timestamp_value = 1,
                            .timestamp_echo = 2,
                            .sack_count = 1,
                            .sack = {{3, 4}}};
    ASSERT_BUILDS(&o, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4);
}

static void only_the_sack_blocks_that_fit_are_written(void **state)
{
    (void)state;
    struct tcp_options o = {.has_timestamps = true, .sack_count = 4};
    struct segment in = {.options = o}, out;
    uint8_t header[TCP_HEADER_MAX];
    assert_int_equal(tcp_build(&in, header), 60);
    assert_true(tcp_parse(header, 60, &out));
    assert_int_equal(out.options.sack_count, 3);
    in.options.has_timestamps = false;
    assert_int_equal(tcp_build(&in, header), 20 + 36);
}

static void accecn_gives_way_counter_by_counter(void **state)
{
    (void)state;
    struct segment in = {.options = {.has_accecn = true,
                                     .accecn_order = 1,
                                     .accecn_count = 3,
                                     .accecn = {0x010203, 0x040506, 0x070809}}};
    ASSERT_BUILDS(&in.options, 174, 11, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1);
    in.options.has_mss = in.options.has_sack_permitted = in.options.has_timestamps = true;
    in.options.has_window_scale = in.options.has_fast_open = true;
    in.options.cookie_length = 8;
    struct segment out;
    uint8_t header[TCP_HEADER_MAX];
    assert_int_equal(tcp_build(&in, header), 60);
    assert_true(tcp_parse(header, 60, &out));
    assert_int_equal(out.options.accecn_count, 2);
    assert_int_equal(out.options.cookie_length, 8);
}

static void padding_behind_accecn_is_that_of_the_next_option(void **state)
{
    (void)state;
    struct tcp_options o = {.has_accecn = true, .accecn_order = 1, .accecn_count = 1};
    o.accecn[0] = 0x010203;
    ASSERT_BUILDS(&o, 174, 5, 1, 2, 3, 1, 1, 1);
    o.has_window_scale = true;
    o.window_scale = 7;
    ASSERT_BUILDS(&o, 174, 5, 1, 2, 3, 3, 3, 7);
    o.has_sack_permitted = true;
    ASSERT_BUILDS(&o, 174, 5, 1, 2, 3, 1, 4, 2, 1, 3, 3, 7);
    o.has_sack_permitted = o.has_window_scale = false;
    o.sack_count = 1;
    o.sack[0] = (struct range){1, 2};
    ASSERT_BUILDS(&o, 174, 5, 1, 2, 3, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2);
    o.accecn_count = 0;
    ASSERT_BUILDS(&o, 174, 2, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2);
    o.sack_count = 0;
    o.has_fast_open = true;
    ASSERT_BUILDS(&o, 174, 2, 1, 1, 34, 2, 1, 1);
}

static void all_options_survive_the_round_trip(void **state)
{
    (void)state;
    struct segment out, in = {.source_port = 1,
                              .destination_port = 2,
                              .seq = 0xfffffffe,
                              .ack = 0x80000000,
                              .flags = TCP_SYN | TCP_ACK | TCP_ECE | TCP_CWR | TCP_AE,
                              .window = 65535,
                              .options = {.has_mss = true,
                                          .mss = 8960,
                                          .has_sack_permitted = true,
                                          .has_timestamps = true,
                                          .timestamp_value = 77,
                                          .has_window_scale = true,
                                          .window_scale = 14,
                                          .has_fast_open = true,
                                          .cookie_length = 16,
                                          .cookie = "0123456789abcde"}};
    uint8_t header[TCP_HEADER_MAX];
    size_t length = tcp_build(&in, header);
    assert_int_equal(length, 60);
    assert_true(tcp_parse(header, length, &out));
    assert_memory_equal(&out.options, &in.options, sizeof in.options);
    assert_int_equal(out.seq, in.seq);
    assert_int_equal(out.ack, in.ack);
    assert_int_equal(out.flags, in.flags);
}

/* RFC 5482 §2: seconds, or minutes where they are too many. */
static void user_timeout_goes_in_seconds_or_minutes(void **state)
{
    (void)state;
    static const uint32_t seconds[][2] = {{0, 0},         {1, 1},         {32767, 32767},
                                          {32768, 32820}, {60000, 60000}, {1966020, 1966020}};
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        struct segment out,
            in = {.options = {.has_user_timeout = true, .user_timeout_s = seconds[i][0]}};
        uint8_t header[TCP_HEADER_MAX];
        size_t length = tcp_build(&in, header);
        assert_int_equal(length, TCP_HEADER_MIN + 4);
        assert_true(tcp_parse(header, length, &out));
        assert_true(out.options.has_user_timeout);
        assert_int_equal(out.options.user_timeout_s, seconds[i][1]);
    }
}

static void segment_length_counts_syn_and_fin(void **state)
{
    (void)state;
    struct segment s = {.length = 10};
    assert_int_equal(segment_length(&s), 10);
    s.flags = TCP_SYN;
    assert_int_equal(segment_length(&s), 11);
    s.flags = TCP_SYN | TCP_FIN;
    assert_int_equal(segment_length(&s), 12);
}

/* Whatever is asked for, the header stays within 60 bytes and reads back. */
static void options_that_do_not_fit_are_left_out(void **state)
{
    (void)state;
    struct segment out, in = {.options = {.has_mss = true,
                                          .has_window_scale = true,
                                          .has_sack_permitted = true,
                                          .has_timestamps = true,
                                          .has_accecn = true,
                                          .accecn_count = 3,
                                          .sack_count = 4,
                                          .has_fast_open = true,
                                          .fast_open_experimental = true,
                                          .cookie_length = 16}};
    uint8_t header[TCP_HEADER_MAX];
    size_t length = tcp_build(&in, header);
    assert_true(length <= TCP_HEADER_MAX);
    assert_true(tcp_parse(header, length, &out));
    assert_true(out.options.has_mss && out.options.has_timestamps);
    assert_true(out.options.has_sack_permitted && out.options.has_window_scale);
    assert_false(out.options.has_fast_open);
}

static void push_is_set_beside_the_other_flags(void **state)
{
    (void)state;
    struct segment s = {.seq = 1, .ack = 2, .flags = TCP_ACK | TCP_AE | TCP_ECE, .window = 3};
    uint8_t header[TCP_HEADER_MAX];
    size_t length = tcp_build(&s, header);
    tcp_header_push(header);
    tcp_header_push(header);
    assert_true(tcp_parse(header, length, &s));
    assert_int_equal(s.flags, TCP_ACK | TCP_AE | TCP_ECE | TCP_PSH);
    assert_int_equal(s.ack, 2);
    assert_int_equal(s.window, 3);
}

static void cut_moves_sequence_and_urgent_pointer_and_clears_flags(void **state)
{
    (void)state;
    struct segment s = {.seq = 0xfffffff0,
                        .ack = 9,
                        .flags = TCP_ACK | TCP_FIN | TCP_URG | TCP_AE,
                        .window = 3,
                        .urgent = 25,
                        .options = {.has_timestamps = true, .timestamp_value = 5}};
    uint8_t header[TCP_HEADER_MAX];
    size_t length = tcp_build(&s, header);
    assert_int_equal(tcp_header_flags(header), s.flags);
    tcp_header_cut(header, 20, TCP_FIN, 100, 50);
    assert_true(tcp_parse(header, length, &s));
    assert_int_equal(s.seq, 4);
    assert_int_equal(s.ack, 9);
    assert_int_equal(s.window, 3);
    assert_int_equal(s.flags, TCP_ACK | TCP_URG | TCP_AE);
    assert_int_equal(s.urgent, 5);
    assert_int_equal(s.options.timestamp_value, 5);
    assert_int_equal(header[12] >> 4, length / 4);
}

/* The sum with one length becomes the sum with the other, also where the carry goes round. */
static void cut_changes_the_length_in_the_pseudo_headers_sum(void **state)
{
    (void)state;
    for (uint32_t rest = 0; rest < 0x20000; rest += 257) {
        struct checksum before = CHECKSUM_START, after = CHECKSUM_START;
        checksum_add_u32(&before, rest);
        checksum_add_u32(&before, 65000);
        checksum_add_u32(&after, rest);
        checksum_add_u32(&after, 1480);
        struct segment s = {.checksum = checksum_fold(&before)};
        uint8_t header[TCP_HEADER_MAX];
        tcp_build(&s, header);
        tcp_header_cut(header, 0, 0, 65000, 1480);
        assert_true(tcp_parse(header, TCP_HEADER_MIN, &s));
        assert_int_equal(s.checksum % 0xffff, checksum_fold(&after) % 0xffff);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_is_decoded),
        cmocka_unit_test(data_offset_out_of_bounds_is_refused),
        cmocka_unit_test(truncation_at_every_byte_of_the_header_is_refused),
        cmocka_unit_test(options_of_a_syn_are_decoded),
        cmocka_unit_test(aligned_and_scattered_timestamps_read_the_same),
        cmocka_unit_test(sack_blocks_are_decoded),
        cmocka_unit_test(four_sack_blocks_fill_the_header),
        cmocka_unit_test(sack_of_odd_length_says_nothing),
        cmocka_unit_test(fast_open_cookie_and_request_are_decoded),
        cmocka_unit_test(fast_open_cookie_of_bad_length_says_nothing),
        cmocka_unit_test(other_experiments_are_passed_over),
        cmocka_unit_test(accecn_counters_are_decoded),
        cmocka_unit_test(unknown_options_are_passed_over),
        cmocka_unit_test(known_options_of_wrong_length_say_nothing),
        cmocka_unit_test(option_length_below_two_ends_parsing),
        cmocka_unit_test(option_past_the_end_ends_parsing),
        cmocka_unit_test(nothing_counts_behind_the_end_of_options),
        cmocka_unit_test(built_header_is_the_sample),
        cmocka_unit_test(options_of_a_syn_stand_in_linux_order),
        cmocka_unit_test(no_options_build_no_bytes),
        cmocka_unit_test(fast_open_stands_last),
        cmocka_unit_test(sack_blocks_stand_behind_timestamps),
        cmocka_unit_test(only_the_sack_blocks_that_fit_are_written),
        cmocka_unit_test(accecn_gives_way_counter_by_counter),
        cmocka_unit_test(padding_behind_accecn_is_that_of_the_next_option),
        cmocka_unit_test(all_options_survive_the_round_trip),
        cmocka_unit_test(user_timeout_goes_in_seconds_or_minutes),
        cmocka_unit_test(segment_length_counts_syn_and_fin),
        cmocka_unit_test(options_that_do_not_fit_are_left_out),
        cmocka_unit_test(push_is_set_beside_the_other_flags),
        cmocka_unit_test(cut_moves_sequence_and_urgent_pointer_and_clears_flags),
        cmocka_unit_test(cut_changes_the_length_in_the_pseudo_headers_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
