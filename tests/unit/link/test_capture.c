#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/time.h"
#include "link/capture.h"
#include "link/memory.h"
#include "link_machine.h"
#include "packets.h"

#define EPOCH_NS TIME_S(1700000000)

/* The capture link over one end of a memory pair, writing into this. */
static struct link *near_end, *far_end;
static struct link_machine machine;

static struct {
    size_t length;
    int writes, refuse_with, close_with, closed;
    uint8_t bytes[1 << 22];
} file;

static int file_write(void *user, const void *bytes, size_t length)
{
    assert_ptr_equal(user, &file);
    assert_true(length <= sizeof file.bytes - file.length);
    if (file.refuse_with)
        return file.refuse_with;
    memcpy(file.bytes + file.length, bytes, length);
    file.length += length;
    file.writes++;
    return 0;
}

static int file_close(void *user)
{
    assert_ptr_equal(user, &file);
    file.closed++;
    return file.close_with;
}

static void setup(uint32_t features)
{
    struct link *ends[2];
    memset(&file, 0, sizeof file);
    memset(&machine, 0, sizeof machine);
    assert_int_equal(memory_link_pair(1500, features, 4096, ends), 0);
    assert_int_equal(
        capture_link_new(ends[0], "tern7", EPOCH_NS, file_write, file_close, &file, &near_end), 0);
    far_end = ends[1];
}

static void teardown(void)
{
    assert_int_equal(link_close(near_end), 0);
    assert_int_equal(link_close(far_end), 0);
    assert_int_equal(file.closed, 1);
}

/* ── Reading back, as the format's document says it ── */

struct captured {
    uint64_t time_ns;
    uint32_t length;
    const uint8_t *bytes;
    uint32_t flags;
    char comment[200];
};

struct reader {
    const uint8_t *next, *end;
};

static uint32_t get32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static uint16_t get16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* The value of an option between `at` and `end`, or NULL. Their order and padding are checked. */
static const uint8_t *option(const uint8_t *at, const uint8_t *end, uint16_t code, uint16_t *length)
{
    const uint8_t *found = NULL;
    for (;;) {
        assert_true(end - at >= 4);
        uint16_t this_code = get16(at), this_length = get16(at + 2);
        at += 4;
        assert_true(end - at >= (this_length + 3) / 4 * 4);
        if (this_code == 0) {
            assert_int_equal(this_length, 0);
            assert_ptr_equal(at, end);
            return found;
        }
        if (this_code == code) {
            found = at;
            *length = this_length;
        }
        at += (this_length + 3) / 4 * 4;
    }
}

/* The next block's body, or NULL at the end. */
static const uint8_t *block(struct reader *reader, uint32_t *type, const uint8_t **body_end)
{
    if (reader->next == reader->end)
        return NULL;
    assert_true(reader->end - reader->next >= 12);
    const uint8_t *start = reader->next;
    uint32_t length = get32(start + 4);
    assert_int_equal(length % 4, 0);
    assert_true(length <= (size_t)(reader->end - start));
    assert_int_equal(get32(start + length - 4), length);
    *type = get32(start);
    *body_end = start + length - 4;
    reader->next += length;
    return start + 8;
}

static struct reader read_headers(const uint8_t *bytes, size_t length, const char *name)
{
    struct reader reader = {bytes, bytes + length};
    uint32_t type;
    uint16_t option_length;
    const uint8_t *end, *body = block(&reader, &type, &end);
    assert_int_equal(type, 0x0a0d0d0a);
    assert_int_equal(get32(body), 0x1a2b3c4d);
    assert_int_equal(get16(body + 4), 1);
    assert_int_equal(get16(body + 6), 0);
    assert_non_null(option(body + 16, end, 4, &option_length));

    body = block(&reader, &type, &end);
    assert_int_equal(type, 1);
    assert_int_equal(get16(body), 101);
    const uint8_t *value = option(body + 8, end, 2, &option_length);
    assert_int_equal(option_length, strlen(name));
    assert_memory_equal(value, name, option_length);
    value = option(body + 8, end, 9, &option_length);
    assert_int_equal(option_length, 1);
    assert_int_equal(*value, 9);
    return reader;
}

static bool read_packet(struct reader *reader, struct captured *out)
{
    uint32_t type;
    const uint8_t *end, *body = block(reader, &type, &end);
    if (!body)
        return false;
    assert_int_equal(type, 6);
    assert_int_equal(get32(body), 0);
    *out = (struct captured){.time_ns = (uint64_t)get32(body + 4) << 32 | get32(body + 8),
                             .length = get32(body + 12),
                             .bytes = body + 20};
    assert_int_equal(get32(body + 16), out->length);
    const uint8_t *options = body + 20 + (out->length + 3) / 4 * 4;
    uint16_t length;
    const uint8_t *value = option(options, end, 2, &length);
    assert_int_equal(length, 4);
    out->flags = get32(value);
    value = option(options, end, 1, &length);
    if (value) {
        assert_true(length < sizeof out->comment);
        memcpy(out->comment, value, length);
    }
    return true;
}

enum { IN = 1, OUT = 2 };

static void assert_next(struct reader *reader, uint64_t time_ns, uint32_t flags, const char *bytes,
                        const char *comment)
{
    struct captured captured;
    assert_true(read_packet(reader, &captured));
    assert_int_equal(captured.time_ns, EPOCH_NS + time_ns);
    assert_int_equal(captured.flags, flags);
    assert_int_equal(captured.length, strlen(bytes));
    assert_memory_equal(captured.bytes, bytes, captured.length);
    assert_string_equal(captured.comment, comment);
}

static void assert_end(struct reader *reader)
{
    assert_ptr_equal(reader->next, reader->end);
}

/* ── What must hold ── */

static void both_directions_are_captured_with_their_times(void **state)
{
    (void)state;
    setup(0);
    link_send_bytes(near_end, "to them", 7, 1000000007);
    link_send_bytes(far_end, "to us", 5, 0);
    assert_int_equal(link_machine_poll(&machine, near_end, 2000000009), 1);
    assert_memory_equal(link_machine_bytes(&machine, 0), "to us", 5);
    assert_int_equal(link_machine_poll(&machine, far_end, 0), 1);
    teardown();
    struct reader reader = read_headers(file.bytes, file.length, "tern7");
    assert_next(&reader, 1000000007, OUT, "to them", "");
    assert_next(&reader, 2000000009, IN, "to us", "");
    assert_end(&reader);
}

static void dropped_packet_says_why_and_by_which_clause(void **state)
{
    (void)state;
    setup(0);
    machine.verdict = DROP_TCP_PAWS;
    link_send_bytes(far_end, "old", 3, 0);
    link_machine_poll(&machine, near_end, 5);
    machine.verdict = DROP_NO_MEMORY; /* which has no clause */
    link_send_bytes(far_end, "late", 4, 0);
    link_machine_poll(&machine, near_end, 6);
    teardown();
    struct reader reader = read_headers(file.bytes, file.length, "tern7");
    assert_next(&reader, 5, IN, "old",
                "dropped: timestamp older than the last (PAWS) (RFC 7323 §5.3 R1)");
    assert_next(&reader, 6, IN, "late", "dropped: memory exhausted");
    assert_end(&reader);
}

static void answer_stands_behind_what_it_answers(void **state)
{
    (void)state;
    setup(0);
    machine.answer_on = near_end;
    machine.verdict = DROP_TCP_SEQUENCE; /* known only after the answer has gone */
    link_send_bytes(far_end, "first", 5, 0);
    link_send_bytes(far_end, "second", 6, 0);
    link_machine_poll(&machine, near_end, 5);
    link_send_bytes(near_end, "later", 5, 6);
    teardown();
    struct reader reader = read_headers(file.bytes, file.length, "tern7");
    const char *why = "dropped: outside the receive window (RFC 9293 §3.10.7.4 first)";
    assert_next(&reader, 5, IN, "first", why);
    assert_next(&reader, 5, OUT, "ok", "");
    assert_next(&reader, 5, IN, "second", why);
    assert_next(&reader, 5, OUT, "ok", "");
    assert_next(&reader, 6, OUT, "later", "");
    assert_end(&reader);
}

static void packet_that_the_link_refused_says_so(void **state)
{
    (void)state;
    static uint8_t big[1501];
    struct captured captured;
    setup(0);
    assert_int_equal(link_send_bytes(near_end, big, sizeof big, 0), -EMSGSIZE);
    teardown();
    struct reader reader = read_headers(file.bytes, file.length, "tern7");
    assert_true(read_packet(&reader, &captured));
    assert_int_equal(captured.length, sizeof big);
    assert_string_equal(captured.comment, "dropped: the link took no packet");
    assert_end(&reader);
}

/* Where one ends and the next begins nothing else in a capture would tell. */
static void super_datagram_is_captured_as_its_datagrams(void **state)
{
    (void)state;
    static struct packet packet;
    static uint8_t text[60000];
    struct captured captured;
    struct address ours = packet_address("10.0.0.3"), theirs = packet_address("10.0.0.2");
    struct tern_offload offload = {.segment_size = 25000,
                                   .header_length = 28,
                                   .checksum_start = 20,
                                   .checksum_offset = UDP_CHECKSUM_OFFSET,
                                   .flags = TERN_OFFLOAD_CHECKSUM};
    setup(TERN_LINK_CHECKSUM | TERN_LINK_USO);
    packet_udp(&packet, &ours, 1, &theirs, 2, text, sizeof text, false);
    struct iovec spans[2] = {{packet.bytes, 28}, {packet.bytes + 28, packet.length - 28}};
    machine.answer_on = near_end;
    machine.verdict = DROP_UDP_NO_PORT;
    assert_int_equal(link_send(far_end, spans, 2, &offload, 0), 0);
    assert_int_equal(link_machine_poll(&machine, near_end, 5), 1);
    assert_memory_equal(link_machine_bytes(&machine, 0), packet.bytes, packet.length);
    assert_memory_equal(&machine.packets[0].offload, &offload, sizeof offload);
    assert_int_equal(link_send(near_end, spans, 2, &offload, 6), 0);
    teardown();
    struct reader reader = read_headers(file.bytes, file.length, "tern7");
    for (int i = 0; i < 7; i++) {
        if (i == 3) { /* the answer */
            assert_next(&reader, 5, OUT, "ok", "");
            continue;
        }
        assert_true(read_packet(&reader, &captured));
        assert_int_equal(captured.flags, i < 3 ? IN : OUT);
        assert_int_equal(captured.length, 28 + (i == 2 || i == 6 ? 10000 : 25000));
        assert_true(packet_is_sound(captured.bytes, captured.length));
        assert_string_equal(captured.comment,
                            i < 3 ? "dropped: no UDP socket on that port (RFC 1122 §4.1.3.1)" : "");
    }
    assert_end(&reader);
}

static void super_segment_is_whole_and_its_checksum_finished(void **state)
{
    (void)state;
    static struct packet packet;
    static uint8_t text[60000];
    struct captured captured;
    struct address ours = packet_address("10.0.0.3"), theirs = packet_address("10.0.0.2");
    struct segment segment = {.flags = TCP_ACK, .text = text, .length = sizeof text};
    struct tern_offload offload = {.segment_size = 1000,
                                   .header_length = 40,
                                   .checksum_start = 20,
                                   .checksum_offset = TCP_CHECKSUM_OFFSET,
                                   .flags = TERN_OFFLOAD_CHECKSUM};
    setup(TERN_LINK_CHECKSUM | TERN_LINK_TSO);
    packet_tcp(&packet, &ours, &theirs, &segment, false);
    struct iovec spans[2] = {{packet.bytes, 40}, {packet.bytes + 40, packet.length - 40}};
    for (int i = 0; i < 20; i++) /* more than the buffer holds */
        assert_int_equal(link_send(near_end, spans, 2, &offload, 0), 0);
    assert_int_equal(link_machine_poll(&machine, far_end, 0), 20);
    /* What goes on is as it was: the link below finishes it. */
    assert_memory_equal(link_machine_bytes(&machine, 0), packet.bytes, packet.length);
    teardown();
    struct reader reader = read_headers(file.bytes, file.length, "tern7");
    for (int i = 0; i < 20; i++) {
        assert_true(read_packet(&reader, &captured));
        assert_int_equal(captured.length, packet.length);
        assert_true(packet_is_sound(captured.bytes, captured.length));
    }
    assert_end(&reader);
}

static void every_write_ends_on_a_whole_block(void **state)
{
    (void)state;
    static uint8_t bytes[1400];
    struct captured captured;
    setup(0);
    int packets = 0;
    for (int writes = file.writes; file.writes < writes + 3; packets++) {
        assert_int_equal(link_send_bytes(near_end, bytes, (size_t)(packets % 1400), 0), 0);
        link_machine_poll(&machine, far_end, 0);
        machine.count = 0;
        machine.used = 0;
    }
    assert_true(packets > 500); /* buffered */
    /* The file as a crash would leave it now. */
    struct reader reader = read_headers(file.bytes, file.length, "tern7");
    for (int i = 0; reader.next != reader.end; i++) {
        assert_true(read_packet(&reader, &captured));
        assert_int_equal(captured.length, i % 1400);
    }
    teardown();
}

static void what_has_waited_a_second_is_written_by_the_next_poll(void **state)
{
    (void)state;
    setup(0);
    assert_true(link_deadline(near_end) == TIME_NEVER);
    link_send_bytes(near_end, "a", 1, TIME_S(5));
    link_send_bytes(near_end, "b", 1, TIME_S(5) + 7);
    assert_int_equal(link_deadline(near_end), TIME_S(6));
    link_machine_poll(&machine, near_end, TIME_S(6) - 1);
    assert_int_equal(file.length, 0);
    link_machine_poll(&machine, near_end, TIME_S(6));
    struct reader reader = read_headers(file.bytes, file.length, "tern7");
    assert_next(&reader, TIME_S(5), OUT, "a", "");
    assert_next(&reader, TIME_S(5) + 7, OUT, "b", "");
    assert_end(&reader);
    assert_true(link_deadline(near_end) == TIME_NEVER);
    teardown();
}

static void failed_write_stops_the_capture_but_not_the_link(void **state)
{
    (void)state;
    setup(0);
    file.refuse_with = -ENOSPC;
    link_send_bytes(near_end, "one", 3, 0);
    link_machine_poll(&machine, near_end, TIME_S(1));
    file.refuse_with = 0;
    assert_int_equal(link_send_bytes(near_end, "two", 3, TIME_S(2)), 0);
    link_send_bytes(far_end, "three", 5, TIME_S(2));
    assert_int_equal(link_machine_poll(&machine, near_end, TIME_S(4)), 1);
    assert_int_equal(link_machine_poll(&machine, far_end, TIME_S(4)), 2);
    assert_true(link_deadline(near_end) == TIME_NEVER);
    assert_int_equal(link_close(near_end), -ENOSPC); /* what it lacks is told at the end */
    link_close(far_end);
    assert_int_equal(file.closed, 1);
    assert_int_equal(file.length, 0);
}

static void what_only_the_end_finds_lost_is_told_by_it(void **state)
{
    (void)state;
    setup(0);
    link_send_bytes(near_end, "one", 3, 0);
    file.refuse_with = -EIO;
    assert_int_equal(link_close(near_end), -EIO);
    link_close(far_end);
    setup(0);
    link_send_bytes(near_end, "one", 3, 0);
    file.close_with = -EDQUOT;
    assert_int_equal(link_close(near_end), -EDQUOT);
    link_close(far_end);
}

static const char *temporary_path(void)
{
    static char path[200];
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/tern-capture-XXXXXX", folder ? folder : "/tmp");
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    return path;
}

static size_t read_file(const char *path, uint8_t *bytes, size_t size)
{
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    size_t length = fread(bytes, 1, size, stream);
    fclose(stream);
    return length;
}

static void capture_goes_to_a_new_file(void **state)
{
    (void)state;
    struct link *ends[2], *link;
    const char *path = temporary_path();
    assert_int_equal(memory_link_pair(1500, 0, 10, ends), 0);
    assert_int_equal(capture_link_open(ends[0], "tern0", EPOCH_NS, path, &link), 0);
    link_send_bytes(link, "hello", 5, 1);
    link_close(link);
    link_close(ends[1]);
    size_t length = read_file(path, file.bytes, sizeof file.bytes);
    struct reader reader = read_headers(file.bytes, length, "tern0");
    assert_next(&reader, 1, OUT, "hello", "");
    assert_end(&reader);
    remove(path);
}

static void file_that_cannot_be_made_is_an_error_and_the_link_stays(void **state)
{
    (void)state;
    struct link *ends[2], *link;
    assert_int_equal(memory_link_pair(1500, 0, 10, ends), 0);
    assert_int_equal(capture_link_open(ends[0], "tern0", 0, "/nonexistent/x.pcapng", &link),
                     -ENOENT);
    assert_int_equal(link_send_bytes(ends[0], "still there", 11, 0), 0);
    link_close(ends[0]);
    link_close(ends[1]);
}

/* A file that may not grow beyond this, in the place of a full disk. */
static void full_disk_leaves_a_capture_of_whole_blocks(void **state)
{
    (void)state;
    enum { ROOM = 300000 };
    static uint8_t bytes[1500];
    struct link *ends[2], *link;
    struct captured captured;
    const char *path = temporary_path();
    struct rlimit before, small;
    assert_int_equal(memory_link_pair(1500, 0, 1000, ends), 0);
    assert_int_equal(capture_link_open(ends[0], "tern0", 0, path, &link), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = ROOM, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < 500; i++)
        assert_int_equal(link_send_bytes(link, bytes, sizeof bytes, 0), 0);
    assert_int_equal(link_close(link), -EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    link_close(ends[1]);

    size_t length = read_file(path, file.bytes, sizeof file.bytes);
    assert_in_range(length, 1, ROOM);
    struct reader reader = read_headers(file.bytes, length, "tern0");
    while (reader.next != reader.end)
        assert_true(read_packet(&reader, &captured));
    remove(path);
}

/* As `tcpdump -r PIPE -c 1` leaves it. SIGPIPE does what it does by itself: it would end this. */
static void reader_that_goes_ends_the_capture_and_nothing_else(void **state)
{
    (void)state;
    struct link *ends[2], *link;
    int pipe_ends[2];
    char path[32];
    sigset_t pending;
    assert_int_equal(pipe(pipe_ends), 0);
    snprintf(path, sizeof path, "/dev/fd/%d", pipe_ends[1]);
    assert_int_equal(memory_link_pair(1500, 0, 10, ends), 0);
    assert_int_equal(capture_link_open(ends[0], "tern0", 0, path, &link), 0);
    close(pipe_ends[0]);
    assert_int_equal(link_send_bytes(link, "hello", 5, 0), 0);
    assert_int_equal(link_close(link), -EPIPE);
    assert_int_equal(sigpending(&pending), 0);
    assert_false(sigismember(&pending, SIGPIPE));
    link_close(ends[1]);
    close(pipe_ends[1]);
}

/* Of what is below, that which whoever sends has to know. */
static void link_is_as_the_one_below(void **state)
{
    (void)state;
    struct link *ends[2], *above;
    for (int gro = 0; gro <= 1; gro++) {
        memset(&file, 0, sizeof file);
        assert_int_equal(memory_link_pair(1400, TERN_LINK_CHECKSUM, 4096, ends), 0);
        ends[0]->gro = gro;
        assert_int_equal(
            capture_link_new(ends[0], "tern7", EPOCH_NS, file_write, file_close, &file, &above), 0);
        assert_int_equal(above->mtu, 1400);
        assert_int_equal(above->features, TERN_LINK_CHECKSUM);
        assert_int_equal(above->gro, gro);
        assert_int_equal(link_close(above), 0);
        assert_int_equal(link_close(ends[1]), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_directions_are_captured_with_their_times),
        cmocka_unit_test(dropped_packet_says_why_and_by_which_clause),
        cmocka_unit_test(answer_stands_behind_what_it_answers),
        cmocka_unit_test(packet_that_the_link_refused_says_so),
        cmocka_unit_test(super_datagram_is_captured_as_its_datagrams),
        cmocka_unit_test(super_segment_is_whole_and_its_checksum_finished),
        cmocka_unit_test(every_write_ends_on_a_whole_block),
        cmocka_unit_test(what_has_waited_a_second_is_written_by_the_next_poll),
        cmocka_unit_test(failed_write_stops_the_capture_but_not_the_link),
        cmocka_unit_test(what_only_the_end_finds_lost_is_told_by_it),
        cmocka_unit_test(capture_goes_to_a_new_file),
        cmocka_unit_test(file_that_cannot_be_made_is_an_error_and_the_link_stays),
        cmocka_unit_test(full_disk_leaves_a_capture_of_whole_blocks),
        cmocka_unit_test(reader_that_goes_ends_the_capture_and_nothing_else),
        cmocka_unit_test(link_is_as_the_one_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
