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

static void note(struct stack *stack, void *owner, unsigned events)
{
    (void)stack;
    notified.owner = owner;
    notified.events = events;
    notified.calls++;
}

static struct machine *machine_with_udp(uint32_t features)
{
    struct machine *m = machine_new(features);
    memset(&notified, 0, sizeof notified);
    m->stack.notify = note;
    assert_int_equal(ip_attach(&m->stack), 0);
    assert_int_equal(udp_attach(&m->stack), 0);
    return m;
}

static struct endpoint at(uint32_t address, uint16_t port)
{
    return (struct endpoint){address_from_ipv4(address), port};
}

static struct endpoint anywhere(uint16_t port)
{
    return (struct endpoint){.port = port};
}

static struct udp *open_socket(struct machine *m)
{
    struct udp *udp;
    assert_int_equal(udp_open(&m->stack, m, &udp), 0);
    return udp;
}

static struct udp *bound(struct machine *m, struct endpoint local)
{
    struct udp *udp = open_socket(m);
    assert_int_equal(udp_bind(udp, &local), 0);
    return udp;
}

static struct udp *connected(struct machine *m, uint16_t port)
{
    struct udp *udp = bound(m, anywhere(port));
    struct endpoint peer = at(PEER_ADDRESS, PEER_PORT);
    assert_int_equal(udp_connect(udp, &peer), 0);
    return udp;
}

static ssize_t send_text(struct udp *udp, const char *text, const struct endpoint *to)
{
    struct iovec span = {(void *)(uintptr_t)text, strlen(text)};
    return udp_send(udp, &span, 1, to);
}

/* Receives into a text; returns udp_receive's result. */
static ssize_t receive_text(struct udp *udp, char text[64], struct datagram_info *info)
{
    struct iovec span = {text, 63};
    ssize_t length = udp_receive(udp, &span, 1, 0, info);
    text[length > 0 ? length : 0] = '\0';
    return length;
}

static void assert_receives(struct udp *udp, const char *expected)
{
    char text[64];
    assert_int_equal(receive_text(udp, text, NULL), strlen(expected));
    assert_string_equal(text, expected);
}

static void assert_receives_nothing(struct udp *udp)
{
    char text[64];
    assert_int_equal(receive_text(udp, text, NULL), -EAGAIN);
}

/* A datagram from the peer arrives at `destination`. */
static enum drop_reason arrives(struct machine *m, uint32_t source, uint16_t source_port,
                                uint32_t destination, uint16_t port, const char *text)
{
    struct test_packet packet;
    packet_make_udp(&packet, header_between(source, destination, 0), source_port, port, text,
                    strlen(text));
    return machine_input(m, packet.bytes, packet.length);
}

/* The index-th packet sent, which must be UDP with a right checksum. */
static struct udp_header sent_udp(const struct machine *m, unsigned index)
{
    struct udp_header header;
    assert_int_equal(sent_header(m, index).protocol, IP_PROTOCOL_UDP);
    assert_true(sent_checksum_is_right(m, index));
    assert_true(udp_parse(sent_payload(m, index), sent_payload_length(m, index), &header));
    return header;
}

/* ── Sending ── */

static void datagram_goes_to_whom_it_is_for(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct endpoint peer = at(PEER_ADDRESS, PEER_PORT);
    assert_int_equal(send_text(udp, "hello", &peer), 5);
    struct ipv4_header ip = sent_header(m, 0);
    struct udp_header header = sent_udp(m, 0);
    assert_int_equal(address_to_ipv4(&ip.source), MACHINE_ADDRESS);
    assert_int_equal(address_to_ipv4(&ip.destination), PEER_ADDRESS);
    assert_int_equal(ip.time_to_live, 64);
    assert_int_equal(header.source_port, OUR_PORT);
    assert_int_equal(header.destination_port, PEER_PORT);
    assert_int_equal(header.length, 13);
    assert_int_not_equal(header.checksum, 0);
    assert_memory_equal(sent_payload(m, 0) + 8, "hello", 5);
    assert_int_equal(machine_counter(m, "UdpOutDatagrams"), 1);
    udp_close(udp);
    machine_free(m);
}

static void spans_become_one_datagram(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *udp = connected(m, OUR_PORT);
    char a[] = "one ", b[] = "two ", c[] = "three";
    struct iovec spans[] = {{a, 4}, {NULL, 0}, {b, 4}, {c, 5}};
    assert_int_equal(udp_send(udp, spans, 4, NULL), 13);
    assert_int_equal(sent_udp(m, 0).length, 21);
    assert_memory_equal(sent_payload(m, 0) + 8, "one two three", 13);
    assert_int_equal(udp_send(udp, NULL, 0, NULL), 0);
    assert_int_equal(sent_udp(m, 1).length, 8);
    udp_close(udp);
    machine_free(m);
}

static void options_show_in_the_header(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *udp = connected(m, OUR_PORT);
    *udp_options(udp) = (struct datagram_options){
        .hop_limit = 7, .traffic_class = 0xb8, .dont_fragment = true, .receive_limit_bytes = 1000};
    assert_int_equal(send_text(udp, "x", NULL), 1);
    struct ipv4_header ip = sent_header(m, 0);
    assert_int_equal(ip.time_to_live, 7);
    assert_int_equal(ip.traffic_class, 0xb8);
    assert_true(ip.dont_fragment);
    udp_close(udp);
    machine_free(m);
}

static void unbound_sender_gets_an_ephemeral_port(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *udp = open_socket(m);
    struct endpoint peer = at(PEER_ADDRESS, PEER_PORT);
    assert_int_equal(udp_local(udp)->port, 0);
    assert_int_equal(send_text(udp, "x", &peer), 1);
    uint16_t port = udp_local(udp)->port;
    assert_in_range(port, 32768, 60999);
    assert_int_equal(sent_udp(m, 0).source_port, port);
    assert_int_equal(arrives(m, PEER_ADDRESS, PEER_PORT, MACHINE_ADDRESS, port, "back"), DROP_NONE);
    assert_receives(udp, "back");
    udp_close(udp);
    machine_free(m);
}

static void what_cannot_be_sent_says_why(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct endpoint no_port = at(PEER_ADDRESS, 0), far = at(0x08080808, 53),
                    all = at(0xffffffff, 67), subnet = at(0x0a0000ff, 67),
                    group = at(0xe0000001, 5353), peer = at(PEER_ADDRESS, PEER_PORT);
    assert_int_equal(send_text(udp, "x", NULL), -EDESTADDRREQ);
    assert_int_equal(send_text(udp, "x", &no_port), -EINVAL);
    assert_int_equal(send_text(udp, "x", &far), -ENETUNREACH);
    assert_int_equal(send_text(udp, "x", &all), -EACCES);
    assert_int_equal(send_text(udp, "x", &subnet), -EACCES);
    assert_int_equal(send_text(udp, "x", &group), -EACCES);
    char *big = calloc(1, UDP_PAYLOAD_MAX + 1);
    assert_non_null(big);
    struct iovec span = {big, UDP_PAYLOAD_MAX + 1};
    assert_int_equal(udp_send(udp, &span, 1, &peer), -EMSGSIZE);
    free(big);
    m->transmit_error = -ENOBUFS;
    assert_int_equal(send_text(udp, "x", &peer), -ENOBUFS);
    assert_int_equal(m->sent_count, 0);
    assert_int_equal(machine_counter(m, "UdpOutDatagrams"), 0);
    udp_close(udp);
    machine_free(m);
}

static void datagram_above_the_mtu_that_must_not_be_cut_is_refused(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *udp = connected(m, OUR_PORT);
    static char bytes[1473];
    struct iovec span = {bytes, 1473};
    udp_options(udp)->dont_fragment = true;
    assert_int_equal(udp_send(udp, &span, 1, NULL), -EMSGSIZE);
    span.iov_len = 1472;
    assert_int_equal(udp_send(udp, &span, 1, NULL), 1472);
    assert_int_equal(m->sent[0].length, 1500);
    udp_close(udp);
    machine_free(m);
}

/* ── Receiving ── */

static void datagram_arrives_with_its_source(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct test_packet packet;
    struct ipv4_header header = header_between(PEER_ADDRESS, MACHINE_ADDRESS, 0);
    header.time_to_live = 33;
    header.traffic_class = 0x20;
    packet_make_udp(&packet, header, PEER_PORT, OUR_PORT, "hello", 5);
    assert_int_equal(udp_readiness(udp), POLLOUT | POLLWRNORM | POLLWRBAND);
    assert_int_equal(machine_input(m, packet.bytes, packet.length), DROP_NONE);
    assert_ptr_equal(notified.owner, m);
    assert_int_equal(notified.events, POLLIN);
    assert_int_equal(udp_readiness(udp), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLWRBAND);
    assert_int_equal(udp_next_length(udp), 5);
    struct datagram_info info;
    char text[64];
    assert_int_equal(receive_text(udp, text, &info), 5);
    assert_string_equal(text, "hello");
    assert_int_equal(address_to_ipv4(&info.source.address), PEER_ADDRESS);
    assert_int_equal(info.source.port, PEER_PORT);
    assert_int_equal(address_to_ipv4(&info.destination), MACHINE_ADDRESS);
    assert_int_equal(info.hop_limit, 33);
    assert_int_equal(info.traffic_class, 0x20);
    assert_int_equal(machine_counter(m, "UdpInDatagrams"), 1);
    udp_close(udp);
    machine_free(m);
}

/* RFC 1122 §4.1.3.4. */
static void wrong_checksum_is_dropped(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct test_packet packet;
    packet_make_udp(&packet, header_between(PEER_ADDRESS, MACHINE_ADDRESS, 0), PEER_PORT, OUR_PORT,
                    "hello", 5);
    packet.bytes[30] ^= 1;
    assert_int_equal(machine_input(m, packet.bytes, packet.length), DROP_UDP_CHECKSUM);
    assert_int_equal(machine_counter(m, "UdpInErrors"), 1);
    assert_receives_nothing(udp);
    udp_close(udp);
    machine_free(m);
}

static void checksum_the_link_vouches_for_is_not_computed(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct test_packet packet;
    struct tern_offload offload = {.flags = TERN_OFFLOAD_VERIFIED};
    packet_make_udp(&packet, header_between(PEER_ADDRESS, MACHINE_ADDRESS, 0), PEER_PORT, OUR_PORT,
                    "hello", 5);
    packet.bytes[26] ^= 1;
    assert_int_equal(machine_input_offloaded(m, packet.bytes, packet.length, &offload), DROP_NONE);
    assert_receives(udp, "hello");
    udp_close(udp);
    machine_free(m);
}

/* RFC 768: an all zero checksum means that the sender generated none. */
static void datagram_without_checksum_is_taken(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct test_packet packet;
    packet_make_udp(&packet, header_between(PEER_ADDRESS, MACHINE_ADDRESS, 0), PEER_PORT, OUR_PORT,
                    "hello", 5);
    packet.bytes[26] = packet.bytes[27] = 0;
    assert_int_equal(machine_input(m, packet.bytes, packet.length), DROP_NONE);
    assert_receives(udp, "hello");
    udp_close(udp);
    machine_free(m);
}

static void bytes_behind_the_datagram_do_not_count(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct test_packet inner, outer;
    struct ipv4_header header = header_between(PEER_ADDRESS, MACHINE_ADDRESS, IP_PROTOCOL_UDP);
    packet_make_udp(&inner, header, PEER_PORT, OUR_PORT, "hello", 5);
    memcpy(inner.bytes + inner.length, "trailer", 7);
    packet_make(&outer, header, inner.bytes + 20, inner.length - 20 + 7);
    assert_int_equal(machine_input(m, outer.bytes, outer.length), DROP_NONE);
    assert_receives(udp, "hello");
    udp_close(udp);
    machine_free(m);
}

static void length_field_out_of_bounds_is_dropped(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    static const uint16_t lengths[] = {0, 7, 14, 65535};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct test_packet packet;
        packet_make_udp(&packet, header_between(PEER_ADDRESS, MACHINE_ADDRESS, 0), PEER_PORT,
                        OUR_PORT, "hello", 5);
        packet.bytes[24] = (uint8_t)(lengths[i] >> 8);
        packet.bytes[25] = (uint8_t)lengths[i];
        packet.bytes[26] = packet.bytes[27] = 0;
        assert_int_equal(machine_input(m, packet.bytes, packet.length), DROP_UDP_TRUNCATED);
    }
    assert_receives_nothing(udp);
    udp_close(udp);
    machine_free(m);
}

static void full_queue_drops_and_counts(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    udp_options(udp)->receive_limit_bytes = 2000;
    unsigned taken = 0;
    enum drop_reason reason;
    while ((reason = arrives(m, PEER_ADDRESS, PEER_PORT, MACHINE_ADDRESS, OUR_PORT, "hello")) ==
           DROP_NONE)
        taken++;
    assert_int_equal(reason, DROP_UDP_QUEUE_FULL);
    assert_int_equal(machine_counter(m, "UdpRcvbufErrors"), 1);
    for (unsigned i = 0; i < taken; i++)
        assert_receives(udp, "hello");
    assert_receives_nothing(udp);
    udp_close(udp);
    machine_free(m);
}

/* ── Demultiplexing ── */

/* RFC 1122 §4.1.3.1. */
static void port_nobody_listens_on_is_reported_unreachable(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    assert_int_equal(arrives(m, PEER_ADDRESS, PEER_PORT, MACHINE_ADDRESS, OUR_PORT, "hello"),
                     DROP_UDP_NO_PORT);
    assert_int_equal(machine_counter(m, "UdpNoPorts"), 1);
    struct icmp_message message;
    assert_int_equal(m->sent_count, 1);
    assert_true(icmp_parse(sent_payload(m, 0), sent_payload_length(m, 0), &message));
    assert_int_equal(message.type, ICMP_UNREACHABLE);
    assert_int_equal(message.code, ICMP_UNREACHABLE_PORT);
    assert_int_equal(message.body_length, 33);
    assert_memory_equal(message.body + 28, "hello", 5);
    machine_free(m);
}

static void connected_endpoint_comes_before_bound_ones(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *wildcard = open_socket(m), *exact = open_socket(m), *peer = open_socket(m);
    struct endpoint any = anywhere(OUR_PORT), own = at(MACHINE_ADDRESS, OUR_PORT),
                    remote = at(PEER_ADDRESS, PEER_PORT);
    udp_options(wildcard)->reuse_address = true;
    udp_options(exact)->reuse_address = true;
    udp_options(peer)->reuse_address = true;
    assert_int_equal(udp_bind(peer, &any), 0);
    assert_int_equal(udp_connect(peer, &remote), 0);
    assert_int_equal(udp_bind(wildcard, &any), 0);
    assert_int_equal(udp_bind(exact, &own), 0);
    assert_int_equal(arrives(m, PEER_ADDRESS, PEER_PORT, MACHINE_ADDRESS, OUR_PORT, "peer"), 0);
    assert_int_equal(arrives(m, PEER_ADDRESS, 1, MACHINE_ADDRESS, OUR_PORT, "exact"), 0);
    assert_receives(peer, "peer");
    assert_receives(exact, "exact");
    udp_close(exact);
    assert_int_equal(arrives(m, PEER_ADDRESS, 1, MACHINE_ADDRESS, OUR_PORT, "wildcard"), 0);
    assert_receives(wildcard, "wildcard");
    assert_receives_nothing(peer);
    udp_close(wildcard);
    assert_int_equal(arrives(m, PEER_ADDRESS, 1, MACHINE_ADDRESS, OUR_PORT, "nobody"),
                     DROP_UDP_NO_PORT);
    udp_close(peer);
    machine_free(m);
}

static void endpoint_bound_to_an_address_hears_only_that(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct address second = address_from_ipv4(0x0a000004);
    assert_int_equal(interface_add_address(m->interface, &second, 24), 0);
    struct udp *udp = bound(m, at(0x0a000004, OUR_PORT));
    assert_int_equal(arrives(m, PEER_ADDRESS, 1, MACHINE_ADDRESS, OUR_PORT, "x"), DROP_UDP_NO_PORT);
    assert_int_equal(arrives(m, PEER_ADDRESS, 1, 0x0a000004, OUR_PORT, "y"), DROP_NONE);
    assert_receives(udp, "y");
    machine_clear(m);
    struct endpoint peer = at(PEER_ADDRESS, PEER_PORT);
    assert_int_equal(send_text(udp, "x", &peer), 1);
    struct ipv4_header ip = sent_header(m, 0);
    assert_true(address_equal(&ip.source, &second));
    udp_close(udp);
    machine_free(m);
}

static void broadcast_reaches_all_that_are_bound_to_no_address(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *a = open_socket(m), *b = open_socket(m), *exact = open_socket(m);
    struct endpoint any = anywhere(OUR_PORT), own = at(MACHINE_ADDRESS, OUR_PORT);
    udp_options(a)->reuse_address = udp_options(b)->reuse_address = true;
    udp_options(exact)->reuse_address = true;
    assert_int_equal(udp_bind(a, &any), 0);
    assert_int_equal(udp_bind(b, &any), 0);
    assert_int_equal(udp_bind(exact, &own), 0);
    assert_int_equal(arrives(m, PEER_ADDRESS, 1, 0x0a0000ff, OUR_PORT, "all"), DROP_NONE);
    assert_receives(a, "all");
    assert_receives(b, "all");
    assert_receives_nothing(exact);
    assert_int_equal(arrives(m, PEER_ADDRESS, 1, 0xffffffff, 1, "none"), DROP_UDP_NO_PORT);
    assert_int_equal(m->sent_count, 0); /* and no error about it, RFC 1122 §3.2.2 */
    udp_close(a);
    udp_close(b);
    udp_close(exact);
    machine_free(m);
}

/* ── Binding and connecting ── */

static void bound_port_is_refused_to_others(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *first = bound(m, anywhere(OUR_PORT)), *second = open_socket(m);
    struct endpoint any = anywhere(OUR_PORT), own = at(MACHINE_ADDRESS, OUR_PORT),
                    other = anywhere(OUR_PORT + 1), foreign = at(PEER_ADDRESS, OUR_PORT);
    assert_int_equal(udp_bind(second, &any), -EADDRINUSE);
    assert_int_equal(udp_bind(second, &own), -EADDRINUSE);
    udp_options(second)->reuse_address = true;
    assert_int_equal(udp_bind(second, &any), -EADDRINUSE);
    udp_options(first)->reuse_address = true;
    assert_int_equal(udp_bind(second, &foreign), -EADDRNOTAVAIL);
    assert_int_equal(udp_bind(second, &any), 0);
    assert_int_equal(udp_bind(second, &other), -EINVAL);
    udp_close(first);
    udp_close(second);
    machine_free(m);
}

static void different_addresses_share_a_port(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct address second = address_from_ipv4(0x0a000004);
    assert_int_equal(interface_add_address(m->interface, &second, 24), 0);
    struct udp *a = bound(m, at(MACHINE_ADDRESS, OUR_PORT)),
               *b = bound(m, at(0x0a000004, OUR_PORT));
    udp_close(a);
    udp_close(b);
    machine_free(m);
}

static void closed_endpoint_frees_its_port(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    udp_close(bound(m, anywhere(OUR_PORT)));
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    udp_close(udp);
    machine_free(m);
}

/* RFC 6056, security rules 7 and 16. */
static void ephemeral_ports_are_scattered_and_run_out_in_the_end(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct endpoint any = anywhere(0);
    struct udp *sockets[100], *more = open_socket(m);
    unsigned neighbours = 0;
    assert_int_equal(setting_set(&m->stack.settings, "ip.port_first", "50000"), 0);
    assert_int_equal(setting_set(&m->stack.settings, "ip.port_last", "50099"), 0);
    for (unsigned i = 0; i < 100; i++) {
        sockets[i] = open_socket(m);
        assert_int_equal(udp_bind(sockets[i], &any), 0);
        assert_in_range(udp_local(sockets[i])->port, 50000, 50099);
        neighbours +=
            i > 0 && i < 20 && udp_local(sockets[i])->port == udp_local(sockets[i - 1])->port + 1;
    }
    assert_true(neighbours < 10);
    assert_int_equal(udp_bind(more, &any), -EADDRINUSE);
    udp_close(sockets[42]);
    assert_int_equal(udp_bind(more, &any), 0);
    udp_close(more);
    for (unsigned i = 0; i < 100; i++)
        if (i != 42)
            udp_close(sockets[i]);
    machine_free(m);
}

static void connected_endpoint_hears_only_its_peer(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *udp = connected(m, OUR_PORT);
    assert_int_equal(address_to_ipv4(&udp_local(udp)->address), MACHINE_ADDRESS);
    assert_int_equal(udp_remote(udp)->port, PEER_PORT);
    assert_int_equal(arrives(m, PEER_ADDRESS, PEER_PORT, MACHINE_ADDRESS, OUR_PORT, "yes"), 0);
    assert_int_equal(arrives(m, PEER_ADDRESS, PEER_PORT + 1, MACHINE_ADDRESS, OUR_PORT, "no"),
                     DROP_UDP_NO_PORT);
    assert_int_equal(arrives(m, PEER_ADDRESS + 5, PEER_PORT, MACHINE_ADDRESS, OUR_PORT, "no"),
                     DROP_UDP_NO_PORT);
    assert_receives(udp, "yes");
    assert_receives_nothing(udp);
    udp_close(udp);
    machine_free(m);
}

static void association_dissolves_and_gives_back_what_it_took(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *chosen = connected(m, OUR_PORT), *taken = open_socket(m);
    struct endpoint peer = at(PEER_ADDRESS, PEER_PORT), nobody = {0};
    assert_int_equal(udp_connect(chosen, NULL), 0);
    assert_int_equal(udp_remote(chosen)->port, 0);
    assert_int_equal(udp_local(chosen)->port, OUR_PORT);
    assert_true(address_is_unspecified(&udp_local(chosen)->address));
    assert_int_equal(send_text(chosen, "x", NULL), -EDESTADDRREQ);
    assert_int_equal(arrives(m, PEER_ADDRESS, 1, MACHINE_ADDRESS, OUR_PORT, "anyone"), DROP_NONE);
    assert_receives(chosen, "anyone");

    assert_int_equal(udp_connect(taken, &peer), 0);
    assert_int_not_equal(udp_local(taken)->port, 0);
    assert_int_equal(udp_connect(taken, &nobody), 0);
    assert_int_equal(udp_local(taken)->port, 0);
    udp_close(chosen);
    udp_close(taken);
    machine_free(m);
}

static void connecting_again_changes_the_peer(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *udp = connected(m, OUR_PORT);
    struct endpoint other = at(PEER_ADDRESS + 5, 1);
    assert_int_equal(udp_connect(udp, &other), 0);
    assert_int_equal(arrives(m, PEER_ADDRESS, PEER_PORT, MACHINE_ADDRESS, OUR_PORT, "no"),
                     DROP_UDP_NO_PORT);
    assert_int_equal(arrives(m, PEER_ADDRESS + 5, 1, MACHINE_ADDRESS, OUR_PORT, "yes"), DROP_NONE);
    udp_close(udp);
    machine_free(m);
}

static void bad_peer_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *udp = connected(m, OUR_PORT);
    struct endpoint no_port = at(PEER_ADDRESS, 0), far = at(0x08080808, 1), all = at(0xffffffff, 1);
    assert_int_equal(udp_connect(udp, &no_port), -EINVAL);
    assert_int_equal(udp_connect(udp, &far), -ENETUNREACH);
    assert_int_equal(udp_connect(udp, &all), -EACCES);
    assert_int_equal(udp_remote(udp)->port, PEER_PORT);
    udp_close(udp);
    machine_free(m);
}

static void datagram_to_ourselves_arrives(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    static const uint32_t ours[] = {MACHINE_ADDRESS, 0x7f000001, 0x7f123456};
    struct udp *server = bound(m, anywhere(OUR_PORT));
    for (size_t i = 0; i < 3; i++) {
        struct udp *client = open_socket(m);
        struct endpoint to = at(ours[i], OUR_PORT);
        struct datagram_info info;
        char text[64];
        assert_int_equal(udp_connect(client, &to), 0);
        assert_int_equal(send_text(client, "there", NULL), 5);
        assert_true(stack_deadline(&m->stack) <= m->stack.now_ns);
        stack_advance(&m->stack, m->stack.now_ns);
        assert_int_equal(receive_text(server, text, &info), 5);
        assert_int_equal(address_to_ipv4(&info.source.address), ours[i]);
        assert_int_equal(send_text(server, "and back", &info.source), 8);
        stack_advance(&m->stack, m->stack.now_ns);
        assert_receives(client, "and back");
        udp_close(client);
    }
    assert_int_equal(m->sent_count, 0);
    udp_close(server);
    machine_free(m);
}

/* ── Errors and shutdown ── */

/* An ICMP error about the index-th packet sent. */
static enum drop_reason error_arrives(struct machine *m, unsigned index, uint8_t type, uint8_t code,
                                      uint16_t mtu)
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

/* RFC 1122 §4.1.3.3. */
static void connected_endpoint_is_told_of_a_refused_port_once(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *udp = connected(m, OUR_PORT);
    assert_int_equal(send_text(udp, "hello", NULL), 5);
    assert_int_equal(error_arrives(m, 0, ICMP_UNREACHABLE, ICMP_UNREACHABLE_PORT, 0), DROP_NONE);
    assert_int_equal(notified.events, POLLERR);
    assert_int_equal(udp_readiness(udp), POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR);
    assert_int_equal(udp_error(udp, false), ECONNREFUSED);
    assert_int_equal(send_text(udp, "again", NULL), -ECONNREFUSED);
    assert_int_equal(send_text(udp, "again", NULL), 5);
    udp_close(udp);
    machine_free(m);
}

static void path_errors_become_errnos(void **state)
{
    (void)state;
    static const struct {
        uint8_t type, code;
        int error;
    } cases[] = {
        {ICMP_UNREACHABLE, ICMP_UNREACHABLE_NET, ENETUNREACH},
        {ICMP_UNREACHABLE, ICMP_UNREACHABLE_HOST, EHOSTUNREACH},
        {ICMP_UNREACHABLE, ICMP_UNREACHABLE_PROTOCOL, ENOPROTOOPT},
        {ICMP_UNREACHABLE, ICMP_UNREACHABLE_ADMIN, EHOSTUNREACH},
        {ICMP_TIME_EXCEEDED, ICMP_TIME_EXCEEDED_TRANSIT, EHOSTUNREACH},
        {ICMP_PARAMETER_PROBLEM, 0, EPROTO},
    };
    struct machine *m = machine_with_udp(0);
    struct udp *udp = connected(m, OUR_PORT);
    assert_int_equal(send_text(udp, "hello", NULL), 5);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(error_arrives(m, 0, cases[i].type, cases[i].code, 0), DROP_NONE);
        assert_int_equal(udp_error(udp, true), cases[i].error);
    }
    udp_close(udp);
    machine_free(m);
}

static void only_who_must_not_be_cut_hears_of_a_small_mtu(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *udp = connected(m, OUR_PORT);
    assert_int_equal(send_text(udp, "hello", NULL), 5);
    assert_int_equal(error_arrives(m, 0, ICMP_UNREACHABLE, ICMP_UNREACHABLE_FRAGMENTATION, 576), 0);
    assert_int_equal(udp_error(udp, true), 0);
    assert_int_equal(machine_counter(m, "IpPathMtuLowered"), 0);
    udp_options(udp)->dont_fragment = true;
    assert_int_equal(error_arrives(m, 0, ICMP_UNREACHABLE, ICMP_UNREACHABLE_FRAGMENTATION, 576), 0);
    assert_int_equal(udp_error(udp, true), EMSGSIZE);
    /* From now on it is known (RFC 1191 §6.2), unless one would rather not know
     * (IP_PMTUDISC_PROBE).
     */
    static char large[600];
    struct iovec span = {large, sizeof large};
    assert_int_equal(udp_send(udp, &span, 1, NULL), -EMSGSIZE);
    udp_options(udp)->ignore_path_mtu = true;
    assert_int_equal(udp_send(udp, &span, 1, NULL), sizeof large);
    udp_close(udp);
    machine_free(m);
}

static void endpoint_without_a_peer_is_not_told(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct endpoint peer = at(PEER_ADDRESS, PEER_PORT);
    assert_int_equal(send_text(udp, "hello", &peer), 5);
    assert_int_equal(error_arrives(m, 0, ICMP_UNREACHABLE, ICMP_UNREACHABLE_PORT, 0),
                     DROP_ICMP_NO_MATCH);
    assert_int_equal(udp_error(udp, true), 0);
    udp_close(udp);
    machine_free(m);
}

static void shutdown_ends_sending_and_receiving(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    struct endpoint peer = at(PEER_ADDRESS, PEER_PORT);
    assert_int_equal(udp_connect(udp, &peer), 0);
    assert_int_equal(udp_shutdown(udp, false, true), 0);
    assert_int_equal(send_text(udp, "x", NULL), -EPIPE);
    assert_int_equal(udp_readiness(udp) & (POLLRDHUP | POLLHUP), 0);
    assert_int_equal(udp_shutdown(udp, true, false), 0);
    assert_true(notified.events & POLLIN && notified.events & POLLRDHUP &&
                notified.events & POLLHUP);
    udp_close(udp);
    machine_free(m);
}

/* Linux's way to wake who waits for datagrams: an error, but it works. */
static void shutdown_without_a_peer_is_refused_and_works(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    struct udp *udp = bound(m, anywhere(OUR_PORT));
    assert_int_equal(udp_shutdown(udp, true, true), -ENOTCONN);
    assert_true(udp_readiness(udp) & POLLHUP);
    udp_close(udp);
    machine_free(m);
}

static void stack_frees_what_is_still_open(void **state)
{
    (void)state;
    struct machine *m = machine_with_udp(0);
    connected(m, OUR_PORT);
    bound(m, anywhere(OUR_PORT + 1));
    open_socket(m);
    assert_int_equal(arrives(m, PEER_ADDRESS, 1, MACHINE_ADDRESS, OUR_PORT + 1, "x"), DROP_NONE);
    machine_free(m);
}

static void exhausted_memory_is_said(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct udp *udp;
    assert_int_equal(ip_attach(&m->stack), 0);
    for (unsigned successes = 0; successes < 3; successes++) {
        allocations_fail_after(successes);
        int error = udp_attach(&m->stack);
        allocations_succeed();
        assert_int_equal(error, -ENOMEM);
    }
    assert_int_equal(udp_attach(&m->stack), 0);
    allocations_fail_after(0);
    int error = udp_open(&m->stack, NULL, &udp);
    allocations_succeed();
    assert_int_equal(error, -ENOMEM);

    udp = connected(m, OUR_PORT);
    char a[] = "a", b[] = "b";
    struct iovec spans[] = {{a, 1}, {b, 1}};
    allocations_fail_after(0);
    ssize_t sent = udp_send(udp, spans, 2, NULL);
    allocations_succeed();
    assert_int_equal(sent, -ENOMEM);
    allocations_fail_after(1); /* the first is the test's own */
    enum drop_reason reason =
        arrives(m, PEER_ADDRESS, PEER_PORT, MACHINE_ADDRESS, OUR_PORT, "lost");
    allocations_succeed();
    assert_int_equal(reason, DROP_NO_MEMORY);
    assert_int_equal(arrives(m, PEER_ADDRESS, PEER_PORT, MACHINE_ADDRESS, OUR_PORT, "taken"), 0);
    assert_receives(udp, "taken");
    udp_close(udp);
    machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagram_goes_to_whom_it_is_for),
        cmocka_unit_test(spans_become_one_datagram),
        cmocka_unit_test(options_show_in_the_header),
        cmocka_unit_test(unbound_sender_gets_an_ephemeral_port),
        cmocka_unit_test(what_cannot_be_sent_says_why),
        cmocka_unit_test(datagram_above_the_mtu_that_must_not_be_cut_is_refused),
        cmocka_unit_test(datagram_arrives_with_its_source),
        cmocka_unit_test(wrong_checksum_is_dropped),
        cmocka_unit_test(checksum_the_link_vouches_for_is_not_computed),
        cmocka_unit_test(datagram_without_checksum_is_taken),
        cmocka_unit_test(bytes_behind_the_datagram_do_not_count),
        cmocka_unit_test(length_field_out_of_bounds_is_dropped),
        cmocka_unit_test(full_queue_drops_and_counts),
        cmocka_unit_test(port_nobody_listens_on_is_reported_unreachable),
        cmocka_unit_test(connected_endpoint_comes_before_bound_ones),
        cmocka_unit_test(endpoint_bound_to_an_address_hears_only_that),
        cmocka_unit_test(broadcast_reaches_all_that_are_bound_to_no_address),
        cmocka_unit_test(bound_port_is_refused_to_others),
        cmocka_unit_test(different_addresses_share_a_port),
        cmocka_unit_test(closed_endpoint_frees_its_port),
        cmocka_unit_test(ephemeral_ports_are_scattered_and_run_out_in_the_end),
        cmocka_unit_test(connected_endpoint_hears_only_its_peer),
        cmocka_unit_test(association_dissolves_and_gives_back_what_it_took),
        cmocka_unit_test(connecting_again_changes_the_peer),
        cmocka_unit_test(bad_peer_is_refused_and_changes_nothing),
        cmocka_unit_test(datagram_to_ourselves_arrives),
        cmocka_unit_test(connected_endpoint_is_told_of_a_refused_port_once),
        cmocka_unit_test(path_errors_become_errnos),
        cmocka_unit_test(only_who_must_not_be_cut_hears_of_a_small_mtu),
        cmocka_unit_test(endpoint_without_a_peer_is_not_told),
        cmocka_unit_test(shutdown_ends_sending_and_receiving),
        cmocka_unit_test(shutdown_without_a_peer_is_refused_and_works),
        cmocka_unit_test(stack_frees_what_is_still_open),
        cmocka_unit_test(exhausted_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
