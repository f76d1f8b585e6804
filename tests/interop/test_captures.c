/* Whether tshark's findings reach the tests: what is wrong in a capture must be found, and blamed
 * on the capture it is in, and only what a scenario explains may pass. */
#include "captures.h"

#include <string.h>

#include "scenario.h"

#include "link/capture.h"
#include "link/memory.h"
#include "packets.h"

static struct packet packet;
static struct link *capture, *other;

static int begin(void **state)
{
    (void)state;
    return captures_begin();
}

static int end(void **state)
{
    (void)state;
    captures_end();
    return 0;
}

static void open_capture(const char *name, const char *explains, bool faults)
{
    char path[CAPTURE_PATH_MAX];
    struct link *ends[2];
    captures_add(name, explains, faults, path);
    must(memory_link_pair(1500, 0, 10, ends));
    must(capture_link_open(ends[0], name, TIME_S(1), path, &capture));
    other = ends[1];
}

static void close_capture(void)
{
    link_close(capture);
    link_close(other);
}

static void make_segment(void)
{
    struct address ours = packet_address("10.77.1.3"), kernels = packet_address("10.77.1.2");
    struct segment segment = {
        .source_port = 1000, .destination_port = 2000, .seq = 1, .flags = TCP_SYN, .window = 1000};
    packet_tcp(&packet, &ours, &kernels, &segment, true);
}

static void send_out(void)
{
    struct iovec span = {.iov_base = packet.bytes, .iov_len = packet.length};
    assert_int_equal(link_send(capture, &span, 1, NULL, 1), 0);
}

static enum drop_reason drop(void *user, const void *bytes, size_t length,
                             const struct tern_offload *offload, uint64_t now_ns)
{
    (void)user, (void)bytes, (void)length, (void)offload, (void)now_ns;
    return DROP_TCP_CHECKSUM;
}

/* The packet arrives, and the machine drops it. */
static void arrive_and_be_dropped(void)
{
    struct iovec span = {.iov_base = packet.bytes, .iov_len = packet.length};
    assert_int_equal(link_send(other, &span, 1, NULL, 1), 0);
    assert_int_equal(link_poll(capture, 1, 1, drop, NULL), 1);
}

static void break_checksum(void)
{
    packet.bytes[IPV4_HEADER_MIN + TCP_CHECKSUM_OFFSET] ^= 1;
}

static void assert_found(unsigned expected)
{
    unsigned unexplained;
    assert_int_equal(captures_judge(&unexplained), 0);
    assert_int_equal(unexplained, expected);
}

static void sound_packet_is_fine(void **state)
{
    (void)state;
    open_capture("sound", NULL, false);
    make_segment();
    send_out();
    close_capture();
    assert_found(0);
}

static void wrong_checksum_is_found(void **state)
{
    (void)state;
    open_capture("wrong", NULL, false);
    make_segment();
    break_checksum();
    send_out();
    close_capture();
    assert_found(1);
}

static void malformed_header_is_found(void **state)
{
    (void)state;
    open_capture("malformed", NULL, false);
    make_segment();
    packet.bytes[IPV4_HEADER_MIN + 12] = 4 << 4; /* a data offset below the least */
    send_out();
    close_capture();
    unsigned unexplained;
    assert_int_equal(captures_judge(&unexplained), 0);
    assert_true(unexplained > 0);
}

static void what_is_explained_passes_there_and_nowhere_else(void **state)
{
    (void)state;
    open_capture("first", "checksum", false);
    make_segment();
    break_checksum();
    send_out();
    close_capture();
    assert_found(0);
    open_capture("second", "something|else", false);
    send_out();
    close_capture();
    assert_found(1);
}

static void broken_packet_that_faults_explain_must_have_been_dropped(void **state)
{
    (void)state;
    open_capture("faults", NULL, true);
    make_segment();
    break_checksum();
    arrive_and_be_dropped();
    close_capture();
    assert_found(0);
    open_capture("taken", NULL, true);
    send_out();
    close_capture();
    assert_found(1);
}

static void broken_packet_without_faults_is_found_though_dropped(void **state)
{
    (void)state;
    open_capture("dropped", NULL, false);
    make_segment();
    break_checksum();
    arrive_and_be_dropped();
    close_capture();
    assert_found(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sound_packet_is_fine, begin, end),
        cmocka_unit_test_setup_teardown(wrong_checksum_is_found, begin, end),
        cmocka_unit_test_setup_teardown(malformed_header_is_found, begin, end),
        cmocka_unit_test_setup_teardown(what_is_explained_passes_there_and_nowhere_else, begin,
                                        end),
        cmocka_unit_test_setup_teardown(broken_packet_that_faults_explain_must_have_been_dropped,
                                        begin, end),
        cmocka_unit_test_setup_teardown(broken_packet_without_faults_is_found_though_dropped, begin,
                                        end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
