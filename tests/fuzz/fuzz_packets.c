/* The internet layer and the datagram sockets, from the wire. The input is a sequence of packets,
 * each behind two bytes: what to do to it first, and its length. Whatever comes in, what leaves is
 * sound, limits hold, and all memory is given back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "fuzz/fuzz.h"
#include "ip/internal.h"
#include "ip/ip.h"
#include "link/offload.h"
#include "raw/echo.h"
#include "samples.h"
#include "udp/udp.h"

enum {
    FIX_CHECKSUMS = 1,
    FIX_LENGTH = 2,
    FIX_ADDRESSES = 4,
    VERIFIED = 8,
    PASS_TIME = 16,
    OFFLOADED = 32, /* with what is left to a link to do, in its first bytes */
    RECEIVE_SUPER = 64,
    RECEIVE = 128,
};

enum { OFFLOAD_BYTES = 6 };

/* The link: what is handed to it must be an IPv4 packet of ours, within the MTU. */
static int transmit(void *link, const struct iovec *spans, int count,
                    const struct tern_offload *offload)
{
    (void)link;
    (void)offload;
    uint8_t packet[1500];
    size_t length = 0;
    for (int i = 0; i < count; i++) {
        FUZZ_CHECK(spans[i].iov_len <= sizeof packet - length);
        memcpy(packet + length, spans[i].iov_base, spans[i].iov_len);
        length += spans[i].iov_len;
    }
    struct ipv4_header header;
    struct icmp_message message;
    FUZZ_CHECK(ipv4_parse(packet, length, false, &header) == IPV4_OK);
    FUZZ_CHECK(header.total_length == length);
    FUZZ_CHECK(address_to_ipv4(&header.source) == SAMPLE_OURS);
    FUZZ_CHECK(!address_is_multicast(&header.destination));
    if (header.protocol == IP_PROTOCOL_ICMP && !header.more_fragments &&
        header.fragment_offset == 0)
        FUZZ_CHECK(
            icmp_parse(packet + header.header_length, length - header.header_length, &message));
    return 0;
}

struct machine {
    struct stack stack;
    struct udp *server;
    struct udp *client;
    struct echo *echo;
};

static struct machine *machine_new(void)
{
    static const uint8_t seed[RANDOM_SEED_SIZE] = {1};
    struct machine *m = calloc(1, sizeof *m);
    FUZZ_CHECK(m && stack_init(&m->stack, seed, 0) == 0);
    struct stack *stack = &m->stack;
    struct interface *interface = stack_add_interface(stack);
    interface->transmit = transmit;
    interface->mtu = 1500;
    struct address ours = address_from_ipv4(SAMPLE_OURS);
    struct endpoint here = {.port = SAMPLE_PORT}, next = {.port = SAMPLE_PORT + 1},
                    identifier = {.port = SAMPLE_IDENTIFIER},
                    peer = {address_from_ipv4(SAMPLE_PEER), SAMPLE_PEER_PORT};
    FUZZ_CHECK(interface_add_address(interface, &ours, 24) == 0);
    FUZZ_CHECK(ip_attach(stack) == 0 && udp_attach(stack) == 0 && echo_attach(stack) == 0);
    FUZZ_CHECK(udp_open(stack, NULL, &m->server) == 0 && udp_bind(m->server, &here) == 0);
    FUZZ_CHECK(udp_open(stack, NULL, &m->client) == 0 && udp_bind(m->client, &next) == 0);
    FUZZ_CHECK(udp_connect(m->client, &peer) == 0);
    udp_options(m->server)->receive_limit_bytes = LIMIT_RECEIVE_BUFFER_MIN;
    FUZZ_CHECK(echo_open(stack, NULL, &m->echo) == 0 && echo_bind(m->echo, &identifier) == 0);
    FUZZ_CHECK(echo_connect(m->echo, &peer) == 0);
    return m;
}

static void machine_free(struct machine *m)
{
    udp_close(m->server);
    udp_close(m->client);
    echo_close(m->echo);
    stack_advance(&m->stack, m->stack.now_ns + TIME_S(200));
    FUZZ_CHECK(m->stack.memory_used_bytes == 0);
    FUZZ_CHECK(stack_deadline(&m->stack) == TIME_NEVER);
    stack_release(&m->stack);
    free(m);
}

static void fix(uint8_t *packet, size_t length, uint8_t how)
{
    if ((how & FIX_ADDRESSES) && length >= IPV4_HEADER_MIN) {
        struct writer w = writer_over(packet + 12, 8);
        writer_u32(&w, SAMPLE_PEER);
        writer_u32(&w, SAMPLE_OURS);
    }
    if (how & FIX_LENGTH)
        sample_fix_length(packet, length);
    if (how & FIX_CHECKSUMS)
        sample_fix_checksums(packet, length);
}

/* Of any link that is mistaken, or lies. */
static struct tern_offload offload_of(struct cursor *c, uint8_t how)
{
    struct tern_offload offload = {.flags = how & VERIFIED ? TERN_OFFLOAD_VERIFIED : 0};
    if (!(how & OFFLOADED))
        return offload;
    offload.flags |= TERN_OFFLOAD_CHECKSUM;
    offload.segment_size = cursor_u16(c);
    offload.header_length = cursor_u8(c);
    offload.checksum_start = cursor_u8(c);
    offload.checksum_offset = cursor_u16(c);
    return offload;
}

/* A link that shows what a wire would: no byte is lost of what it cuts. */
static void cut(uint8_t *packet, size_t length, const struct tern_offload *offload)
{
    struct iovec span = {packet, length};
    struct held_queue wire = {0};
    size_t payload = 0;
    FUZZ_CHECK(offload_to_wire(&span, 1, offload, &wire) == 0);
    const unsigned parts = wire.count;
    FUZZ_CHECK(parts > 0);
    for (struct held_packet *part; (part = held_queue_take(&wire)) != NULL; free(part)) {
        FUZZ_CHECK(part->offload.segment_size == 0);
        FUZZ_CHECK(parts == 1 || part->length > offload->header_length);
        payload += part->length - (parts > 1 ? offload->header_length : 0);
    }
    FUZZ_CHECK(payload == length - (parts > 1 ? offload->header_length : 0));
}

/* Takes what has come: never more at once than one packet can have. */
static void receive_all(struct udp *udp)
{
    static uint8_t bytes[LIMIT_SUPER_PACKET];
    struct iovec span = {bytes, sizeof bytes};
    struct datagram_info info;
    ssize_t length;
    while ((length = udp_receive(udp, &span, 1, 0, &info)) != -EAGAIN) {
        FUZZ_CHECK(length < 0 || info.length == (size_t)length);
        FUZZ_CHECK(length < 0 || info.segment_size == 0 || length > info.segment_size);
    }
    FUZZ_CHECK(udp_next_length(udp) == 0);
}

static void feed(struct machine *m, const uint8_t *bytes, size_t length, uint8_t how)
{
    struct cursor c = cursor_over(bytes, length);
    struct tern_offload offload = offload_of(&c, how);
    length = cursor_left(&c);
    bytes = cursor_take(&c, length);
    udp_options(m->server)->receive_super = how & RECEIVE_SUPER;
    uint8_t *packet = malloc(length ? length : 1);
    FUZZ_CHECK(packet);
    memcpy(packet, bytes, length);
    fix(packet, length, how);
    cut(packet, length, &offload);
    stack_input(&m->stack, &m->stack.interfaces[0], packet, length, &offload, m->stack.now_ns);
    free(packet);
    if (how & RECEIVE) {
        receive_all(m->server);
        receive_all(m->client);
    }
    if (how & PASS_TIME)
        stack_advance(&m->stack, m->stack.now_ns + TIME_MS(10 + how));
    FUZZ_CHECK(ip_of(&m->stack)->reassembly.count <= LIMIT_REASSEMBLIES);
    FUZZ_CHECK(ip_of(&m->stack)->reassembly.bytes <= LIMIT_REASSEMBLY_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct machine *m = machine_new();
    struct cursor c = cursor_over(bytes, length);
    while (cursor_left(&c) >= 2) {
        uint8_t how = cursor_u8(&c);
        size_t size = cursor_u8(&c);
        if (size > cursor_left(&c))
            size = cursor_left(&c);
        feed(m, cursor_take(&c, size), size, how);
    }
    machine_free(m);
    return 0;
}

/* Appends the index-th sample, as a packet of several datagrams; returns the length so far. */
static size_t append_super(uint8_t *out, size_t length, unsigned index, uint8_t how)
{
    uint8_t packet[SAMPLE_MAX];
    size_t size = sample_packet(index, packet);
    struct writer w = writer_over(out + length, 2 + OFFLOAD_BYTES);
    writer_u8(&w, how | OFFLOADED);
    writer_u8(&w, (uint8_t)(OFFLOAD_BYTES + size));
    writer_u16(&w, 2); /* bytes each */
    writer_u8(&w, IPV4_HEADER_MIN + UDP_HEADER_SIZE);
    writer_u8(&w, IPV4_HEADER_MIN);
    writer_u16(&w, UDP_CHECKSUM_OFFSET);
    memcpy(out + length + 2 + OFFLOAD_BYTES, packet, size);
    return length + 2 + OFFLOAD_BYTES + size;
}

/* Appends the index-th sample; returns the length so far. */
static size_t append_sample(uint8_t *out, size_t length, unsigned index, uint8_t how)
{
    uint8_t packet[SAMPLE_MAX];
    size_t size = sample_packet(index, packet);
    out[length] = how;
    out[length + 1] = (uint8_t)size;
    memcpy(out + length + 2, packet, size);
    return length + 2 + size;
}

/* Each sample on its own; then a datagram in two fragments; then several that come as one packet,
 * received one by one and as one. */
size_t fuzz_seed(unsigned index, uint8_t out[FUZZ_INPUT_MAX])
{
    enum { TO_SERVER = 9, FIRST_HALF = 17, SECOND_HALF = 18, SAMPLES = 20, LAST };
    uint8_t packet[SAMPLE_MAX];
    FUZZ_CHECK(sample_packet(SAMPLES - 1, packet) > 0 && sample_packet(SAMPLES, packet) == 0);
    if (index < SAMPLES)
        return append_sample(out, 0, index, FIX_CHECKSUMS | FIX_ADDRESSES);
    if (index > LAST)
        return 0;
    if (index == SAMPLES) {
        size_t length = append_sample(out, 0, FIRST_HALF, FIX_CHECKSUMS);
        return append_sample(out, length, SECOND_HALF, FIX_CHECKSUMS | PASS_TIME);
    }
    size_t length = append_super(out, 0, TO_SERVER, FIX_CHECKSUMS);
    length = append_super(out, length, TO_SERVER, FIX_CHECKSUMS | RECEIVE_SUPER);
    return append_super(out, length, TO_SERVER, FIX_CHECKSUMS | RECEIVE);
}
