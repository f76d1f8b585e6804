#include "unit.h"

#include <fcntl.h>
#include <linux/virtio_net.h>
#include <unistd.h>

#include "link/tun_offload.h"
#include "packets.h"

/* VIRTIO_NET_HDR_GSO_UDP_L4 of Linux 6.2. */
enum { GSO_UDP = 5, UDP_HEADERS = IPV4_HEADER_MIN + UDP_HEADER_SIZE };

static struct packet datagrams, segments;
static const uint8_t text[1000] = {1, 2, 3};

static int packets(void **state)
{
    (void)state;
    struct address ours = packet_address("10.0.0.3"), theirs = packet_address("10.0.0.2");
    struct segment segment = {.flags = TCP_ACK, .text = text, .length = sizeof text};
    packet_udp(&datagrams, &theirs, 1, &ours, 2, text, sizeof text, false);
    packet_tcp(&segments, &theirs, &ours, &segment, false);
    return 0;
}

static struct virtio_net_hdr header_of(const struct packet *packet,
                                       const struct tern_offload *offload)
{
    struct iovec spans[] = {{(void *)(uintptr_t)packet->bytes, UDP_HEADERS}};
    return tun_offload_header(spans, offload);
}

static void packet_without_offload_has_an_empty_header(void **state)
{
    (void)state;
    static const struct virtio_net_hdr empty;
    struct virtio_net_hdr header = header_of(&datagrams, NULL);
    assert_memory_equal(&header, &empty, sizeof header);
    header = header_of(&datagrams, &(struct tern_offload){0});
    assert_memory_equal(&header, &empty, sizeof header);
}

static void super_packet_is_told_by_its_protocol(void **state)
{
    (void)state;
    struct tern_offload offload = {.segment_size = 100,
                                   .header_length = UDP_HEADERS,
                                   .checksum_start = IPV4_HEADER_MIN,
                                   .checksum_offset = UDP_CHECKSUM_OFFSET,
                                   .flags = TERN_OFFLOAD_CHECKSUM};
    struct virtio_net_hdr header = header_of(&datagrams, &offload);
    assert_int_equal(header.gso_type, GSO_UDP);
    assert_int_equal(header.gso_size, 100);
    assert_int_equal(header.hdr_len, UDP_HEADERS);
    assert_int_equal(header.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    assert_int_equal(header.csum_start, IPV4_HEADER_MIN);
    assert_int_equal(header.csum_offset, UDP_CHECKSUM_OFFSET);
    assert_int_equal(header_of(&segments, &offload).gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
    offload.flags |= TERN_OFFLOAD_ECN;
    assert_int_equal(header_of(&segments, &offload).gso_type,
                     VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN);
}

static struct virtio_net_hdr from_kernel(uint8_t type, uint16_t size, uint16_t checksum_offset)
{
    return (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                   .gso_type = type,
                                   .gso_size = size,
                                   .hdr_len = 12345, /* only a hint */
                                   .csum_start = IPV4_HEADER_MIN,
                                   .csum_offset = checksum_offset};
}

static void super_datagram_arrives_as_one(void **state)
{
    (void)state;
    struct virtio_net_hdr header = from_kernel(GSO_UDP, 100, UDP_CHECKSUM_OFFSET);
    struct tern_offload offload;
    assert_true(tun_offload_read(&header, datagrams.bytes, datagrams.length, &offload));
    assert_int_equal(offload.segment_size, 100);
    assert_int_equal(offload.header_length, UDP_HEADERS);
    assert_int_equal(offload.checksum_start, IPV4_HEADER_MIN);
    assert_int_equal(offload.checksum_offset, UDP_CHECKSUM_OFFSET);
    assert_int_equal(offload.flags, TERN_OFFLOAD_CHECKSUM);
}

static void super_segment_arrives_with_the_headers_it_has(void **state)
{
    (void)state;
    struct virtio_net_hdr header =
        from_kernel(VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN, 100, TCP_CHECKSUM_OFFSET);
    struct tern_offload offload;
    assert_true(tun_offload_read(&header, segments.bytes, segments.length, &offload));
    assert_int_equal(offload.header_length, IPV4_HEADER_MIN + TCP_HEADER_MIN);
    assert_int_equal(offload.flags, TERN_OFFLOAD_CHECKSUM | TERN_OFFLOAD_ECN);
}

static void packet_that_is_verified_says_so(void **state)
{
    (void)state;
    struct virtio_net_hdr header = {.flags = VIRTIO_NET_HDR_F_DATA_VALID};
    struct tern_offload offload;
    assert_true(tun_offload_read(&header, datagrams.bytes, datagrams.length, &offload));
    assert_int_equal(offload.flags, TERN_OFFLOAD_VERIFIED);
    assert_int_equal(offload.segment_size, 0);
}

static void assert_not_believed(struct virtio_net_hdr header, const struct packet *packet,
                                size_t length)
{
    struct tern_offload offload;
    assert_false(tun_offload_read(&header, packet->bytes, length, &offload));
}

/* What was not asked for, and what the packet itself belies. */
static void header_that_does_not_fit_its_packet_is_not_believed(void **state)
{
    (void)state;
    const size_t length = datagrams.length;
    struct virtio_net_hdr header = from_kernel(GSO_UDP, 100, UDP_CHECKSUM_OFFSET);
    assert_not_believed(header, &segments, segments.length);
    for (size_t cut = 0; cut < UDP_HEADERS; cut++)
        assert_not_believed(header, &datagrams, cut);
    assert_not_believed(from_kernel(GSO_UDP, 100, TCP_CHECKSUM_OFFSET), &datagrams, length);
    assert_not_believed(from_kernel(VIRTIO_NET_HDR_GSO_TCPV4, 100, 6), &datagrams, length);
    assert_not_believed(from_kernel(VIRTIO_NET_HDR_GSO_TCPV6, 100, 16), &segments, length);
    assert_not_believed(from_kernel(VIRTIO_NET_HDR_GSO_UDP, 100, 6), &datagrams, length);
    assert_not_believed(from_kernel(77, 100, 6), &datagrams, length);
    header.csum_start = UINT16_MAX;
    assert_not_believed(header, &datagrams, length);
    header.csum_start = (uint16_t)(length - UDP_HEADER_SIZE + 1);
    assert_not_believed(header, &datagrams, length);
    header = from_kernel(GSO_UDP, 100, UDP_CHECKSUM_OFFSET);
    header.flags = 0; /* the checksum of each part nobody has finished */
    assert_not_believed(header, &datagrams, length);
}

static void what_is_no_device_agrees_to_nothing(void **state)
{
    (void)state;
    int file = open("/dev/null", O_RDWR);
    assert_true(file >= 0);
    assert_int_equal(tun_offload_ask(file), 0);
    assert_int_equal(tun_offload_refuse(file), 0);
    close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packet_without_offload_has_an_empty_header),
        cmocka_unit_test(super_packet_is_told_by_its_protocol),
        cmocka_unit_test(super_datagram_arrives_as_one),
        cmocka_unit_test(super_segment_arrives_with_the_headers_it_has),
        cmocka_unit_test(packet_that_is_verified_says_so),
        cmocka_unit_test(header_that_does_not_fit_its_packet_is_not_believed),
        cmocka_unit_test(what_is_no_device_agrees_to_nothing),
    };
    return cmocka_run_group_tests(tests, packets, NULL);
}
