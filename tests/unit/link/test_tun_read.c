/* The device is a socket pair that keeps packets apart, as a TUN descriptor does. */
#include "unit.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "link/tun_read.h"

enum {
    IP_HEADER = 20,
    TCP_HEADER = 32, /* with timestamps */
    HEADERS = IP_HEADER + TCP_HEADER,
    TEXT = 5000,
    SCRIBBLED = 0xee,
};

struct device {
    struct tun_read reading;
    int kernel;
    uint8_t memory[LIMIT_SUPER_PACKET];
    struct text_place place;
    struct tun_packet got;
    uint8_t sent[HEADERS + TEXT];
};

static struct device *device_new(void)
{
    struct device *d = calloc(1, sizeof *d);
    int ends[2];
    assert_non_null(d);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    d->reading.descriptor = ends[0];
    d->kernel = ends[1];
    memset(d->memory, SCRIBBLED, sizeof d->memory);
    d->place = (struct text_place){.at = d->memory, .room = sizeof d->memory};
    return d;
}

static void device_free(struct device *d)
{
    held_queue_release(&d->reading.early);
    close(d->reading.descriptor);
    close(d->kernel);
    free(d);
}

/* The kernel sends a TCP packet of `length` bytes of text, with `options` bytes more of TCP header
 * than usual; `segment_size` 0: no super-segment. */
static void kernel_sends(struct device *d, uint8_t first, size_t length, uint8_t options,
                         uint16_t segment_size)
{
    struct virtio_net_hdr header = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                    .csum_start = IP_HEADER,
                                    .csum_offset = 16,
                                    .gso_size = segment_size};
    header.gso_type = segment_size ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_NONE;
    const size_t total = HEADERS + options + length;
    memset(d->sent, 0, sizeof d->sent);
    d->sent[0] = 0x45;
    d->sent[2] = (uint8_t)(total >> 8);
    d->sent[3] = (uint8_t)total;
    d->sent[9] = 6;
    d->sent[IP_HEADER + 12] = (uint8_t)((TCP_HEADER + options) / 4 << 4);
    for (size_t i = 0; i < length; i++)
        d->sent[HEADERS + options + i] = (uint8_t)(first + i);
    struct iovec spans[] = {{&header, sizeof header}, {d->sent, total}};
    assert_true(writev(d->kernel, spans, 2) > 0);
}

static void device_reads(struct device *d)
{
    assert_int_equal(tun_read_packet(&d->reading, &d->place, &d->got), 1);
}

/* The packet read last is the one sent last, in one piece. */
static void is_whole(const struct device *d, size_t length)
{
    assert_null(d->got.text);
    assert_int_equal(d->got.length, length);
    assert_memory_equal(d->got.bytes, d->sent, length);
}

static void stream_begins(struct device *d)
{
    kernel_sends(d, 1, TEXT, 0, 1448);
    device_reads(d);
    is_whole(d, HEADERS + TEXT);
    assert_int_equal(d->got.offload.segment_size, 1448);
    assert_int_equal(d->got.offload.header_length, HEADERS);
}

static void a_streams_text_is_read_to_its_place(void **state)
{
    (void)state;
    struct device *d = device_new();
    stream_begins(d);
    assert_int_equal(d->memory[0], SCRIBBLED); /* whether it is a stream was not known */
    kernel_sends(d, 7, TEXT - 1, 0, 1448);
    device_reads(d);
    assert_ptr_equal(d->got.text, d->memory);
    assert_int_equal(d->got.length, HEADERS + TEXT - 1);
    assert_memory_equal(d->got.bytes, d->sent, HEADERS);
    assert_memory_equal(d->memory, d->sent + HEADERS, TEXT - 1);
    assert_int_equal(d->memory[TEXT - 1], SCRIBBLED);
    assert_int_equal(d->got.offload.header_length, HEADERS);
    assert_int_equal(d->got.offload.flags, TERN_OFFLOAD_CHECKSUM);
    assert_int_equal(tun_read_packet(&d->reading, &d->place, &d->got), 0);
    device_free(d);
}

static void what_is_no_super_segment_is_put_together(void **state)
{
    (void)state;
    struct device *d = device_new();
    stream_begins(d);
    kernel_sends(d, 9, 1000, 0, 0);
    device_reads(d);
    is_whole(d, HEADERS + 1000);
    kernel_sends(d, 9, 1000, 0, 1448); /* and the next is no stream's until it has shown to be */
    device_reads(d);
    is_whole(d, HEADERS + 1000);
    device_free(d);
}

/* At a large MTU the kernel has no reason to make super-segments of them. */
static void a_large_segment_is_read_apart_like_a_super_segment(void **state)
{
    (void)state;
    struct device *d = device_new();
    kernel_sends(d, 1, TEXT, 0, 0);
    device_reads(d);
    is_whole(d, HEADERS + TEXT);
    assert_true(tun_read_was_large(&d->reading));
    kernel_sends(d, 7, TEXT, 0, 0);
    device_reads(d);
    assert_ptr_equal(d->got.text, d->memory);
    assert_memory_equal(d->got.bytes, d->sent, HEADERS);
    assert_memory_equal(d->memory, d->sent + HEADERS, TEXT);
    assert_int_equal(d->got.offload.segment_size, 0);
    assert_int_equal(d->got.offload.header_length, 0);
    kernel_sends(d, 8, 3000, 8, 0); /* a SACK block */
    device_reads(d);
    is_whole(d, HEADERS + 8 + 3000);
    device_free(d);
}

/* A large packet like a large segment but for its protocol or virtio's flags. */
static void is_not_large(uint8_t protocol, uint8_t flags)
{
    struct device *d = device_new();
    struct virtio_net_hdr header = {.flags = flags, .csum_start = IP_HEADER, .csum_offset = 16};
    struct iovec spans[] = {{&header, sizeof header}, {d->sent, HEADERS + TEXT}};
    kernel_sends(d, 1, TEXT, 0, 0);
    device_reads(d);
    assert_true(tun_read_was_large(&d->reading));
    d->sent[9] = protocol;
    for (int i = 0; i < 2; i++) {
        memset(d->memory, SCRIBBLED, sizeof d->memory);
        assert_true(writev(d->kernel, spans, 2) > 0);
        device_reads(d);
        is_whole(d, HEADERS + TEXT);
        assert_false(tun_read_was_large(&d->reading));
    }
    assert_int_equal(d->memory[0], SCRIBBLED);
    device_free(d);
}

static void large_datagrams_and_checked_segments_are_read_whole(void **state)
{
    (void)state;
    is_not_large(17, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    is_not_large(6, VIRTIO_NET_HDR_F_DATA_VALID);
    is_not_large(6, 0);
}

static void small_segments_are_read_whole(void **state)
{
    (void)state;
    struct device *d = device_new();
    kernel_sends(d, 1, 1448, 0, 0);
    device_reads(d);
    assert_false(tun_read_was_large(&d->reading));
    kernel_sends(d, 2, TEXT, 0, 0);
    device_reads(d);
    is_whole(d, HEADERS + TEXT);
    device_free(d);
}

static void other_headers_are_put_together(void **state)
{
    (void)state;
    struct device *d = device_new();
    stream_begins(d);
    kernel_sends(d, 3, 3000, 8, 1440); /* a SACK block */
    device_reads(d);
    is_whole(d, HEADERS + 8 + 3000);
    assert_int_equal(d->got.offload.header_length, HEADERS + 8);
    device_free(d);
}

static void what_ends_within_the_headers_is_whole(void **state)
{
    (void)state;
    struct device *d = device_new();
    stream_begins(d);
    kernel_sends(d, 3, 0, 0, 0);
    device_reads(d);
    is_whole(d, HEADERS);
    device_free(d);
}

/* `byte` of the IP header is not as in a whole TCP packet without IP options. */
static void is_whole_with(size_t byte, uint8_t value)
{
    struct device *d = device_new();
    struct virtio_net_hdr header = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                    .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
                                    .csum_start = IP_HEADER,
                                    .csum_offset = 16,
                                    .gso_size = 1448};
    stream_begins(d);
    d->sent[byte] = value;
    struct iovec spans[] = {{&header, sizeof header}, {d->sent, sizeof d->sent}};
    assert_true(writev(d->kernel, spans, 2) > 0);
    device_reads(d);
    is_whole(d, sizeof d->sent);
    device_free(d);
}

static void fragments_and_what_is_not_tcp_are_put_together(void **state)
{
    (void)state;
    is_whole_with(0, 0x46);
    is_whole_with(6, 0x20);
    is_whole_with(7, 1);
    is_whole_with(9, 17);
}

/* Headers that end before the TCP header does are nothing to tell by where the next one's end: the
 * byte that says so would itself be read elsewhere. */
static void headers_shorter_than_tcps_tell_nothing_of_the_next(void **state)
{
    (void)state;
    struct device *d = device_new();
    struct virtio_net_hdr header = {
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = IP_HEADER, .csum_offset = 16};
    struct iovec spans[] = {{&header, sizeof header}, {d->sent, HEADERS + TEXT}};
    for (uint8_t words = 0; words < 5; words++) {
        kernel_sends(d, 1, TEXT, 0, 0);
        device_reads(d);
        d->sent[IP_HEADER + 12] = (uint8_t)(words << 4);
        assert_true(writev(d->kernel, spans, 2) > 0);
        device_reads(d);
        is_whole(d, HEADERS + TEXT);
        assert_false(tun_read_was_large(&d->reading));
        kernel_sends(d, 2, TEXT, 0, 0);
        device_reads(d);
        is_whole(d, HEADERS + TEXT);
    }
    device_free(d);
}

/* The kernel sends a super-datagram of `length` bytes. */
static void kernel_sends_datagrams(struct device *d, size_t length)
{
    enum { UDP_HEADERS = 28, GSO_UDP = 5 };
    struct virtio_net_hdr header = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                    .gso_type = GSO_UDP,
                                    .csum_start = IP_HEADER,
                                    .csum_offset = 6,
                                    .gso_size = 1000};
    memset(d->sent, 0, sizeof d->sent);
    d->sent[0] = 0x45;
    d->sent[2] = (uint8_t)((UDP_HEADERS + length) >> 8);
    d->sent[3] = (uint8_t)(UDP_HEADERS + length);
    d->sent[9] = 17;
    for (size_t i = 0; i < length; i++)
        d->sent[UDP_HEADERS + i] = (uint8_t)i;
    struct iovec spans[] = {{&header, sizeof header}, {d->sent, UDP_HEADERS + length}};
    assert_true(writev(d->kernel, spans, 2) > 0);
}

/* It is no stream, and the text of what follows it is no reader's. */
static void super_datagrams_are_whole(void **state)
{
    (void)state;
    struct device *d = device_new();
    struct tun_packet packets[LIMIT_READ_AHEAD];
    bool drained;
    stream_begins(d);
    kernel_sends_datagrams(d, 4000);
    device_reads(d);
    is_whole(d, 4028);
    assert_int_equal(d->got.offload.segment_size, 1000);
    assert_int_equal(d->got.offload.header_length, 28);
    assert_false(tun_read_was_large(&d->reading));
    memset(d->memory, SCRIBBLED, sizeof d->memory);
    kernel_sends(d, 9, TEXT, 0, 1448);
    device_reads(d);
    is_whole(d, HEADERS + TEXT);
    assert_int_equal(d->memory[0], SCRIBBLED);

    kernel_sends_datagrams(d, 1500);
    kernel_sends_datagrams(d, 4000);
    assert_int_equal(tun_read_ahead(&d->reading, LIMIT_READ_AHEAD, packets, &drained), 2);
    assert_int_equal(packets[0].length, 1528);
    assert_int_equal(packets[1].length, 4028);
    assert_memory_equal(packets[1].bytes, d->sent, 4028);
    assert_false(drained);
    assert_true(tun_read_pays_ahead(&d->reading));
    device_free(d);
}

static void a_place_too_small_for_the_largest_is_left_alone(void **state)
{
    (void)state;
    struct device *d = device_new();
    stream_begins(d);
    d->place.room = LIMIT_SUPER_PACKET - HEADERS - 1;
    kernel_sends(d, 5, TEXT, 0, 1448);
    device_reads(d);
    is_whole(d, HEADERS + TEXT);
    assert_int_equal(d->memory[0], SCRIBBLED);
    d->place.room++;
    kernel_sends(d, 6, TEXT, 0, 1448);
    device_reads(d);
    assert_ptr_equal(d->got.text, d->memory);
    device_free(d);
}

static void what_came_early_comes_first(void **state)
{
    (void)state;
    struct device *d = device_new();
    struct virtio_net_hdr header = {0};
    struct iovec spans[] = {{&header, sizeof header}, {d->sent, 100}};
    stream_begins(d);
    held_queue_append(&d->reading.early, held_packet_new(spans, 2, NULL));
    device_reads(d);
    is_whole(d, 100);
    device_free(d);
}

/* Nobody may offer such memory; where the descriptor tells, it is not passed over in silence. */
static void memory_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    struct device *d = device_new();
    void *none = mmap(NULL, LIMIT_SUPER_PACKET, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(none, MAP_FAILED);
    stream_begins(d);
    d->place.at = none;
    kernel_sends(d, 5, TEXT, 0, 1448);
    assert_int_equal(tun_read_packet(&d->reading, &d->place, &d->got), -EFAULT);
    munmap(none, LIMIT_SUPER_PACKET);
    device_free(d);
}

static void a_device_that_is_gone_is_an_error(void **state)
{
    (void)state;
    struct device *d = device_new();
    shutdown(d->kernel, SHUT_RDWR);
    assert_int_equal(tun_read_packet(&d->reading, &d->place, &d->got), -EIO);
    device_free(d);
}

/* ── Ahead ── */

static void is_text(const struct tun_packet *packet, uint8_t first, size_t length)
{
    assert_null(packet->text);
    assert_int_equal(packet->length, HEADERS + length);
    for (size_t i = 0; i < length; i++)
        assert_int_equal(packet->bytes[HEADERS + i], (uint8_t)(first + i));
}

static void small_packets_are_read_ahead_and_stay_until_the_next_look(void **state)
{
    (void)state;
    struct device *d = device_new();
    struct tun_packet packets[LIMIT_READ_AHEAD];
    bool drained;
    for (uint8_t i = 0; i < LIMIT_READ_AHEAD + 3; i++)
        kernel_sends(d, i, 100 + i, 0, 0);
    assert_true(tun_read_pays_ahead(&d->reading));
    assert_int_equal(tun_read_ahead(&d->reading, 1000, packets, &drained), LIMIT_READ_AHEAD);
    assert_false(drained);
    for (uint8_t i = 0; i < LIMIT_READ_AHEAD; i++)
        is_text(&packets[i], i, 100 + i);
    assert_int_equal(tun_read_ahead(&d->reading, 2, packets, &drained), 2);
    assert_false(drained);
    is_text(&packets[1], LIMIT_READ_AHEAD + 1, 100 + LIMIT_READ_AHEAD + 1);
    assert_int_equal(tun_read_ahead(&d->reading, 2, packets, &drained), 1);
    assert_true(drained);
    is_text(&packets[0], LIMIT_READ_AHEAD + 2, 100 + LIMIT_READ_AHEAD + 2);
    assert_int_equal(tun_read_ahead(&d->reading, 2, packets, &drained), 0);
    assert_true(drained);
    device_free(d);
}

/* What has no room with the small ones is put together, and ends the reading ahead: the text of the
 * next may have a place. */
static void nothing_is_read_ahead_beyond_a_super_segment(void **state)
{
    (void)state;
    struct device *d = device_new();
    struct tun_packet packets[LIMIT_READ_AHEAD];
    bool drained;
    kernel_sends(d, 1, 100, 0, 0);
    kernel_sends(d, 2, TEXT, 0, 1448);
    kernel_sends(d, 3, TEXT, 0, 1448);
    assert_int_equal(tun_read_ahead(&d->reading, LIMIT_READ_AHEAD, packets, &drained), 2);
    assert_false(drained);
    is_text(&packets[0], 1, 100);
    is_text(&packets[1], 2, TEXT);
    assert_int_equal(packets[1].offload.header_length, HEADERS);
    assert_true(tun_read_was_large(&d->reading));
    assert_false(tun_read_pays_ahead(&d->reading));
    device_reads(d);
    assert_ptr_equal(d->got.text, d->memory);
    assert_memory_equal(d->memory, d->sent + HEADERS, TEXT);
    device_free(d);
}

/* A packet of any size is whole, whether it fits by a byte or not. */
static void packets_as_large_as_there_is_room_are_whole(void **state)
{
    (void)state;
    struct device *d = device_new();
    struct tun_packet packets[LIMIT_READ_AHEAD];
    bool drained;
    for (size_t length = TUN_SMALL - HEADERS - 20; length < TUN_SMALL - HEADERS + 5; length++) {
        int count = 0;
        kernel_sends(d, 4, length, 0, 0);
        kernel_sends(d, 5, length, 0, 0);
        while (count < 2) {
            int read = tun_read_ahead(&d->reading, LIMIT_READ_AHEAD, packets, &drained);
            assert_in_range(read, 1, 2 - count);
            for (int i = 0; i < read; i++)
                is_text(&packets[i], (uint8_t)(4 + count++), length);
        }
    }
    device_free(d);
}

/* Where the next would stand, and even behind the last. */
static void large_packet_is_whole_wherever_it_comes(void **state)
{
    (void)state;
    for (int before = 0; before < LIMIT_READ_AHEAD; before++) {
        struct device *d = device_new();
        struct tun_packet packets[LIMIT_READ_AHEAD];
        bool drained;
        for (int i = 0; i < before; i++)
            kernel_sends(d, (uint8_t)i, 100, 0, 0);
        kernel_sends(d, 77, TEXT, 0, 0);
        kernel_sends(d, 78, 100, 0, 0);
        assert_int_equal(tun_read_ahead(&d->reading, LIMIT_READ_AHEAD, packets, &drained),
                         before + 1);
        for (int i = 0; i < before; i++)
            is_text(&packets[i], (uint8_t)i, 100);
        is_text(&packets[before], 77, TEXT);
        device_free(d);
    }
}

static void what_came_before_an_error_counts_first(void **state)
{
    (void)state;
    struct device *d = device_new();
    struct tun_packet packets[LIMIT_READ_AHEAD];
    bool drained;
    kernel_sends(d, 1, 100, 0, 0);
    shutdown(d->kernel, SHUT_RDWR);
    assert_int_equal(tun_read_ahead(&d->reading, LIMIT_READ_AHEAD, packets, &drained), 1);
    is_text(&packets[0], 1, 100);
    assert_false(drained);
    assert_int_equal(tun_read_ahead(&d->reading, LIMIT_READ_AHEAD, packets, &drained), -EIO);
    device_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_packets_are_read_ahead_and_stay_until_the_next_look),
        cmocka_unit_test(nothing_is_read_ahead_beyond_a_super_segment),
        cmocka_unit_test(packets_as_large_as_there_is_room_are_whole),
        cmocka_unit_test(large_packet_is_whole_wherever_it_comes),
        cmocka_unit_test(what_came_before_an_error_counts_first),
        cmocka_unit_test(a_streams_text_is_read_to_its_place),
        cmocka_unit_test(what_is_no_super_segment_is_put_together),
        cmocka_unit_test(a_large_segment_is_read_apart_like_a_super_segment),
        cmocka_unit_test(large_datagrams_and_checked_segments_are_read_whole),
        cmocka_unit_test(small_segments_are_read_whole),
        cmocka_unit_test(other_headers_are_put_together),
        cmocka_unit_test(what_ends_within_the_headers_is_whole),
        cmocka_unit_test(fragments_and_what_is_not_tcp_are_put_together),
        cmocka_unit_test(headers_shorter_than_tcps_tell_nothing_of_the_next),
        cmocka_unit_test(super_datagrams_are_whole),
        cmocka_unit_test(a_place_too_small_for_the_largest_is_left_alone),
        cmocka_unit_test(what_came_early_comes_first),
        cmocka_unit_test(memory_that_is_not_there_is_an_error),
        cmocka_unit_test(a_device_that_is_gone_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
