/* UDP on a test's machine: endpoints, what they send and what arrives for them. */
#ifndef TESTS_UNIT_UDP_UDP_FIXTURE_H
#define TESTS_UNIT_UDP_UDP_FIXTURE_H

#include "machine.h"

#include <errno.h>
#include <poll.h>

#include "common/allocation.h"
#include "ip/ip.h"
#include "udp/udp.h"

enum { OUR_PORT = 7000, PEER_PORT = 9000 };

static struct {
    void *owner;
    unsigned events;
    unsigned calls;
} notified;

static inline void note(struct stack *stack, void *owner, unsigned events)
{
    (void)stack;
    notified.owner = owner;
    notified.events = events;
    notified.calls++;
}

static inline struct machine *machine_with_udp(uint32_t features)
{
    struct machine *m = machine_new(features);
    memset(&notified, 0, sizeof notified);
    m->stack.notify = note;
    assert_int_equal(ip_attach(&m->stack), 0);
    assert_int_equal(udp_attach(&m->stack), 0);
    return m;
}

/* Each test has a machine of its own, *state, which takes down what is still open. */
static inline int setup(void **state)
{
    *state = machine_with_udp(0);
    return 0;
}

static inline int teardown(void **state)
{
    machine_free(*state);
    return 0;
}

#define udp_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static inline struct endpoint at(uint32_t address, uint16_t port)
{
    return (struct endpoint){address_from_ipv4(address), port};
}

static inline struct endpoint anywhere(uint16_t port)
{
    return (struct endpoint){.port = port};
}

static inline struct udp *open_socket(struct machine *m)
{
    struct udp *udp;
    assert_int_equal(udp_open(&m->stack, m, &udp), 0);
    return udp;
}

static inline struct udp *bound(struct machine *m, struct endpoint local)
{
    struct udp *udp = open_socket(m);
    assert_int_equal(udp_bind(udp, &local), 0);
    return udp;
}

static inline struct udp *connected(struct machine *m, uint16_t port)
{
    struct udp *udp = bound(m, anywhere(port));
    struct endpoint peer = at(PEER_ADDRESS, PEER_PORT);
    assert_int_equal(udp_connect(udp, &peer), 0);
    return udp;
}

static inline ssize_t send_text(struct udp *udp, const char *text, const struct endpoint *to)
{
    struct iovec span = {(void *)(uintptr_t)text, strlen(text)};
    return udp_send(udp, &span, 1, to, false);
}

/* Receives into a text; returns udp_receive's result. */
static inline ssize_t receive_text(struct udp *udp, char text[64], struct datagram_info *info)
{
    struct iovec span = {text, 63};
    ssize_t length = udp_receive(udp, &span, 1, 0, info);
    text[length > 0 ? length : 0] = '\0';
    return length;
}

static inline void assert_receives(struct udp *udp, const char *expected)
{
    char text[64];
    assert_int_equal(receive_text(udp, text, NULL), strlen(expected));
    assert_string_equal(text, expected);
}

static inline void assert_receives_nothing(struct udp *udp)
{
    char text[64];
    assert_int_equal(receive_text(udp, text, NULL), -EAGAIN);
}

/* A datagram from the peer arrives at `destination`. */
static inline enum drop_reason arrives(struct machine *m, uint32_t source, uint16_t source_port,
                                       uint32_t destination, uint16_t port, const char *text)
{
    struct test_packet packet;
    packet_make_udp(&packet, header_between(source, destination, 0), source_port, port, text,
                    strlen(text));
    return machine_input(m, packet.bytes, packet.length);
}

/* The index-th packet sent, which must be UDP with a right checksum. */
static inline struct udp_header sent_udp(const struct machine *m, unsigned index)
{
    struct udp_header header;
    assert_int_equal(sent_header(m, index).protocol, IP_PROTOCOL_UDP);
    assert_true(sent_checksum_is_right(m, index));
    assert_true(udp_parse(sent_payload(m, index), sent_payload_length(m, index), &header));
    return header;
}

/* An ICMP error about the index-th packet sent. */
static inline enum drop_reason error_arrives(struct machine *m, unsigned index, uint8_t type,
                                             uint8_t code, uint16_t mtu)
{
    struct test_packet packet;
    struct icmp_message message = {.type = type,
                                   .code = code,
                                   .mtu = mtu,
                                   .body = m->sent[index].bytes,
                                   .body_length = m->sent[index].length};
    if (message.body_length > 28)
        message.body_length = 28; /* RFC 792: the header and 64 bits of the data */
    packet_make_icmp(&packet, header_between(0x0a000001, MACHINE_ADDRESS, 0), message);
    return machine_input(m, packet.bytes, packet.length);
}

static inline uint32_t sent_from(const struct machine *m, unsigned index)
{
    struct ipv4_header header = sent_header(m, index);
    return address_to_ipv4(&header.source);
}

static inline uint32_t sent_to(const struct machine *m, unsigned index)
{
    struct ipv4_header header = sent_header(m, index);
    return address_to_ipv4(&header.destination);
}

#endif
