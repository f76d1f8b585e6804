/* What follows from the numbers and times of datagrams, and when a sender may send. */
#include "unit.h"

#include <string.h>

#include "base/time.h"
#include "cli/perf_stream.h"

static void take(struct perf_stream *stream, bool wide, uint64_t number, uint64_t sent_ns,
                 uint64_t came_ns)
{
    uint8_t datagram[100] = {0};
    perf_datagram_stamp(datagram, wide, number, sent_ns);
    perf_datagram_take(stream, wide, datagram, sizeof datagram, came_ns);
}

static void a_gap_is_a_loss_until_it_is_filled(void **state)
{
    (void)state;
    struct perf_stream stream = {0};
    take(&stream, false, 1, 0, 0);
    take(&stream, false, 5, 0, 0);
    assert_true(stream.count.datagrams == 5);
    assert_true(stream.count.lost == 3);
    take(&stream, false, 3, 0, 0);
    assert_true(stream.count.datagrams == 5);
    assert_true(stream.count.lost == 2);
    assert_true(stream.count.reordered == 1);
    assert_true(stream.count.bytes == 300);
}

static void numbers_go_on_past_what_is_omitted(void **state)
{
    (void)state;
    struct perf_stream stream = {0};
    take(&stream, false, 4, 0, 0);
    perf_stream_restart(&stream, 0);
    take(&stream, false, 5, 0, 0);
    take(&stream, false, 7, 0, 0);
    assert_true(stream.count.datagrams == 3);
    assert_true(stream.count.lost == 1);
    assert_true(stream.omitted_datagrams == 4);
    assert_true(stream.omitted_lost == 3);
}

static void wide_numbers_pass_32_bits(void **state)
{
    (void)state;
    struct perf_stream stream = {0};
    uint64_t first = UINT64_C(0x100000001);
    take(&stream, true, first, 0, 0);
    assert_true(stream.count.datagrams == first);
    take(&stream, true, first + 1, 0, 0);
    assert_true(stream.count.lost == first - 1);
}

/* RFC 3550 §6.4.1: J += (|D| - J) / 16. The clocks need not agree. */
static void jitter_is_that_of_rfc_3550(void **state)
{
    (void)state;
    struct perf_stream stream = {0};
    uint64_t sent_ns = TIME_S(1700000000), apart_ns = TIME_S(3);
    take(&stream, false, 1, sent_ns, sent_ns + apart_ns);
    assert_true(stream.count.jitter_s == 0);
    take(&stream, false, 2, sent_ns + TIME_MS(10), sent_ns + apart_ns + TIME_MS(26));
    assert_true(stream.count.jitter_s > 0.00099 && stream.count.jitter_s < 0.00101);
    take(&stream, false, 3, sent_ns + TIME_MS(20), sent_ns + apart_ns + TIME_MS(36));
    assert_true(stream.count.jitter_s > 0.00093 && stream.count.jitter_s < 0.00094);
}

static void what_is_too_short_is_not_counted(void **state)
{
    (void)state;
    struct perf_stream stream = {0};
    uint8_t datagram[16];
    perf_datagram_stamp(datagram, true, 9, 0);
    perf_datagram_take(&stream, true, datagram, 15, 0);
    perf_datagram_take(&stream, false, datagram, 11, 0);
    perf_datagram_take(&stream, false, datagram, 0, 0);
    assert_true(stream.count.bytes == 0);
    assert_true(stream.count.datagrams == 0);
}

static void a_sender_keeps_to_its_rate(void **state)
{
    (void)state;
    struct perf_stream stream = {.sends = true};
    perf_stream_restart(&stream, TIME_S(5));
    assert_true(perf_stream_due(&stream, 1000000) == TIME_S(5));
    stream.paced_bytes = 125000; /* a megabit */
    assert_true(perf_stream_due(&stream, 1000000) == TIME_S(6));
    assert_true(perf_stream_due(&stream, 0) == 0); /* no rate: at any time */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gap_is_a_loss_until_it_is_filled),
        cmocka_unit_test(numbers_go_on_past_what_is_omitted),
        cmocka_unit_test(wide_numbers_pass_32_bits),
        cmocka_unit_test(jitter_is_that_of_rfc_3550),
        cmocka_unit_test(what_is_too_short_is_not_counted),
        cmocka_unit_test(a_sender_keeps_to_its_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
