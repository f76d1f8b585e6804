/* A machine under test: a stack at 10.0.0.3/24 with one interface that records what is sent, and a
 * trace that records what was said. Packets come in through an allocation of exactly their size
 * that is freed when the input call returns, so that ASan sees any over-read and any use of a
 * packet that is dead. */
#ifndef TESTS_MACHINE_H
#define TESTS_MACHINE_H

#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/table.h"
#include "core/stack.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

enum {
    MACHINE_ADDRESS = 0x0a000003, /* 10.0.0.3 */
    PEER_ADDRESS = 0x0a000002,    /* 10.0.0.2 */
    MACHINE_SENT_MAX = 4096,
};

struct sent {
    uint8_t *bytes;
    size_t length;
    struct tern_offload offload;
};

struct machine {
    struct stack stack;
    struct interface *interface;
    struct sent sent[MACHINE_SENT_MAX];
    unsigned sent_count;
    int transmit_error;                    /* what the link answers from now on, */
    unsigned transmit_room;                /* after so many more packets */
    struct tern_trace_event last_event[4]; /* by kind; the packet is dead */
    unsigned events[4];
};

static inline int machine_transmit(void *link, const struct iovec *spans, int count,
                                   const struct tern_offload *offload)
{
    struct machine *m = link;
    if (m->transmit_error && m->transmit_room == 0)
        return m->transmit_error;
    m->transmit_room -= m->transmit_room > 0;
    assert_true(m->sent_count < MACHINE_SENT_MAX);
    struct sent *sent = &m->sent[m->sent_count++];
    sent->offload = *offload;
    sent->length = 0;
    for (int i = 0; i < count; i++)
        sent->length += spans[i].iov_len;
    sent->bytes = malloc(sent->length);
    assert_non_null(sent->bytes);
    uint8_t *to = sent->bytes;
    for (int i = 0; i < count; i++) {
        memcpy(to, spans[i].iov_base, spans[i].iov_len);
        to += spans[i].iov_len;
    }
    return 0;
}

static inline void machine_trace(void *user, const struct tern_trace_event *event)
{
    struct machine *m = user;
    m->last_event[event->kind] = *event;
    m->events[event->kind]++;
}

static inline struct machine *machine_new(uint32_t features)
{
    static const uint8_t seed[RANDOM_SEED_SIZE] = {1, 2, 3};
    struct machine *m = calloc(1, sizeof *m);
    assert_non_null(m);
    assert_int_equal(stack_init(&m->stack, seed, 1000), 0);
    m->stack.trace.function = machine_trace;
    m->stack.trace.user = m;
    m->interface = stack_add_interface(&m->stack);
    m->interface->transmit = machine_transmit;
    m->interface->link = m;
    m->interface->mtu = 1500;
    m->interface->features = features;
    m->interface->super_packet_max = 65535;
    struct address own = address_from_ipv4(MACHINE_ADDRESS);
    assert_int_equal(interface_add_address(m->interface, &own, 24), 0);
    return m;
}

/* The hash under which a table of one thing has it (security rule 17). */
static inline uint32_t only_hash_in(const struct table *table)
{
    assert_int_equal(table->count, 1);
    for (uint32_t i = 0; i < table->size; i++)
        if (table->buckets[i])
            return table->buckets[i]->hash;
    return 0;
}

/* Forgets what was sent. */
static inline void machine_clear(struct machine *m)
{
    for (unsigned i = 0; i < m->sent_count; i++)
        free(m->sent[i].bytes);
    m->sent_count = 0;
}

/* Ends the machine; all the memory it had charged must be given back. */
static inline void machine_free(struct machine *m)
{
    machine_clear(m);
    stack_release(&m->stack);
    assert_int_equal(m->stack.memory_used_bytes, 0);
    free(m);
}

static inline enum drop_reason machine_input_offloaded(struct machine *m, const void *packet,
                                                       size_t length,
                                                       const struct tern_offload *offload)
{
    uint8_t *copy = malloc(length ? length : 1);
    assert_non_null(copy);
    memcpy(copy, packet, length);
    enum drop_reason reason =
        stack_input(&m->stack, m->interface, copy, length, offload, m->stack.now_ns);
    free(copy);
    return reason;
}

static inline enum drop_reason machine_input(struct machine *m, const void *packet, size_t length)
{
    return machine_input_offloaded(m, packet, length, NULL);
}

static inline uint64_t machine_counter(const struct machine *m, const char *name)
{
    int counter = counter_find(name);
    assert_true(counter >= 0);
    return m->stack.counters.value[counter];
}

/* ── What was sent ── */

/* Decodes the index-th packet sent, whose IPv4 header must be right and say the true length. */
static inline struct ipv4_header sent_header(const struct machine *m, unsigned index)
{
    assert_true(index < m->sent_count);
    struct ipv4_header header;
    const struct sent *sent = &m->sent[index];
    assert_int_equal(ipv4_parse(sent->bytes, sent->length, false, &header), IPV4_OK);
    assert_int_equal(header.total_length, sent->length);
    return header;
}

static inline const uint8_t *sent_payload(const struct machine *m, unsigned index)
{
    return m->sent[index].bytes + sent_header(m, index).header_length;
}

static inline size_t sent_payload_length(const struct machine *m, unsigned index)
{
    return m->sent[index].length - sent_header(m, index).header_length;
}

/* ── Packets ── */

struct test_packet {
    size_t length;
    uint8_t bytes[65536 + 60];
};

/* An IPv4 packet without options; total_length and defaults are filled in. */
static inline void packet_make(struct test_packet *packet, struct ipv4_header header,
                               const void *payload, size_t length)
{
    packet->length = IPV4_HEADER_MIN + length;
    assert_true(packet->length <= sizeof packet->bytes);
    header.total_length = (uint32_t)packet->length;
    if (header.time_to_live == 0)
        header.time_to_live = 64;
    ipv4_build(&header, packet->bytes);
    if (length)
        memcpy(packet->bytes + IPV4_HEADER_MIN, payload, length);
}

/* Makes the header's checksum right again. */
static inline void packet_fix_header_checksum(struct test_packet *packet)
{
    size_t length = (packet->bytes[0] & 0xfu) * 4;
    struct checksum sum = CHECKSUM_START;
    memset(packet->bytes + IPV4_CHECKSUM_OFFSET, 0, 2);
    checksum_add(&sum, packet->bytes, length);
    struct writer w = writer_over(packet->bytes + IPV4_CHECKSUM_OFFSET, 2);
    writer_u16(&w, checksum_finish(&sum));
}

/* The header of a packet from `source` to `destination`, addresses as 32 bits. */
static inline struct ipv4_header header_between(uint32_t source, uint32_t destination,
                                                uint8_t protocol)
{
    return (struct ipv4_header){.source = address_from_ipv4(source),
                                .destination = address_from_ipv4(destination),
                                .protocol = protocol};
}

static inline uint16_t transport_checksum(const struct ipv4_header *header, const void *bytes,
                                          size_t length)
{
    struct checksum sum = CHECKSUM_START;
    checksum_add_u32(&sum, address_to_ipv4(&header->source));
    checksum_add_u32(&sum, address_to_ipv4(&header->destination));
    checksum_add_u16(&sum, header->protocol);
    checksum_add_u16(&sum, (uint16_t)length);
    checksum_add(&sum, bytes, length);
    return checksum_finish(&sum);
}

/* Whether the transport's checksum, of a protocol with the pseudo-header, is right. */
static inline bool sent_checksum_is_right(const struct machine *m, unsigned index)
{
    struct ipv4_header header = sent_header(m, index);
    return transport_checksum(&header, sent_payload(m, index), sent_payload_length(m, index)) == 0;
}

static inline void packet_make_udp(struct test_packet *packet, struct ipv4_header header,
                                   uint16_t source_port, uint16_t destination_port,
                                   const void *data, size_t length)
{
    static uint8_t datagram[65536];
    header.protocol = IP_PROTOCOL_UDP;
    struct udp_header udp = {source_port, destination_port, (uint16_t)(UDP_HEADER_SIZE + length),
                             0};
    udp_build(&udp, datagram);
    if (length)
        memcpy(datagram + UDP_HEADER_SIZE, data, length);
    udp.checksum = transport_checksum(&header, datagram, udp.length);
    if (udp.checksum == 0)
        udp.checksum = 0xffff;
    udp_build(&udp, datagram);
    packet_make(packet, header, datagram, udp.length);
}

static inline void packet_make_icmp(struct test_packet *packet, struct ipv4_header header,
                                    struct icmp_message message)
{
    static uint8_t bytes[65536];
    header.protocol = IP_PROTOCOL_ICMP;
    icmp_build(&message, bytes);
    if (message.body_length)
        memcpy(bytes + ICMP_HEADER_SIZE, message.body, message.body_length);
    packet_make(packet, header, bytes, ICMP_HEADER_SIZE + message.body_length);
}

#endif
