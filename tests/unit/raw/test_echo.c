#include "machine.h"

#include <errno.h>
#include <poll.h>

#include "common/allocation.h"
#include "ip/ip.h"
#include "raw/echo.h"

static struct machine *machine_with_echo(void)
{
    struct machine *m = machine_new(0);
    assert_int_equal(ip_attach(&m->stack), 0);
    assert_int_equal(echo_attach(&m->stack), 0);
    return m;
}

static struct echo *open_socket(struct machine *m)
{
    struct echo *echo;
    assert_int_equal(echo_open(&m->stack, m, &echo), 0);
    return echo;
}

static struct echo *bound(struct machine *m, uint16_t identifier)
{
    struct echo *echo = open_socket(m);
    struct endpoint local = {.port = identifier};
    assert_int_equal(echo_bind(echo, &local), 0);
    return echo;
}

static const struct endpoint *peer(void)
{
    static struct endpoint e;
    e.address = address_from_ipv4(PEER_ADDRESS);
    return &e;
}

/* A request as a user writes it: the identifier and checksum are whatever they are. */
static const uint8_t request[] = {8, 0, 0xde, 0xad, 0xbe, 0xef, 0, 9, 'd', 'a', 't', 'a'};

static ssize_t send_request(struct echo *echo, const struct endpoint *to)
{
    struct iovec spans[] = {{(void *)(uintptr_t)request, 5},
                            {(void *)(uintptr_t)(request + 5), sizeof request - 5}};
    return echo_send(echo, spans, 2, to);
}

static struct icmp_message sent_message(const struct machine *m, unsigned index)
{
    struct icmp_message message;
    assert_int_equal(sent_header(m, index).protocol, IP_PROTOCOL_ICMP);
    assert_true(icmp_parse(sent_payload(m, index), sent_payload_length(m, index), &message));
    return message;
}

/* A reply with this identifier arrives. */
static enum drop_reason reply_arrives(struct machine *m, uint32_t source, uint16_t identifier)
{
    struct test_packet packet;
    struct ipv4_header header = header_between(source, MACHINE_ADDRESS, 0);
    header.time_to_live = 55;
    packet_make_icmp(&packet, header,
                     (struct icmp_message){.type = ICMP_ECHO_REPLY,
                                           .identifier = identifier,
                                           .sequence = 9,
                                           .body = (const uint8_t *)"data",
                                           .body_length = 4});
    return machine_input(m, packet.bytes, packet.length);
}

static void request_goes_out_under_the_sockets_identifier(void **state)
{
    (void)state;
    struct machine *m = machine_with_echo();
    struct echo *echo = bound(m, 77);
    assert_int_equal(send_request(echo, peer()), sizeof request);
    struct icmp_message message = sent_message(m, 0);
    assert_int_equal(message.type, ICMP_ECHO_REQUEST);
    assert_int_equal(message.code, 0);
    assert_int_equal(message.identifier, 77);
    assert_int_equal(message.sequence, 9);
    assert_int_equal(message.body_length, 4);
    assert_memory_equal(message.body, "data", 4);
    assert_int_equal(machine_counter(m, "IcmpOutEchos"), 1);
    assert_int_equal(machine_counter(m, "IcmpOutMsgs"), 1);
    echo_close(echo);
    machine_free(m);
}

static void reply_comes_from_its_icmp_header_on(void **state)
{
    (void)state;
    struct machine *m = machine_with_echo();
    struct echo *echo = bound(m, 77);
    assert_int_equal(reply_arrives(m, PEER_ADDRESS, 77), DROP_NONE);
    assert_int_equal(echo_readiness(echo), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLWRBAND);
    uint8_t bytes[64];
    struct iovec span = {bytes, sizeof bytes};
    struct datagram_info info;
    assert_int_equal(echo_receive(echo, &span, 1, 0, &info), 12);
    struct icmp_message message;
    assert_true(icmp_parse(bytes, 12, &message));
    assert_int_equal(message.type, ICMP_ECHO_REPLY);
    assert_int_equal(message.identifier, 77);
    assert_int_equal(message.sequence, 9);
    assert_int_equal(address_to_ipv4(&info.source.address), PEER_ADDRESS);
    assert_int_equal(info.source.port, 0);
    assert_int_equal(info.hop_limit, 55);
    echo_close(echo);
    machine_free(m);
}

static void what_is_no_echo_request_is_refused(void **state)
{
    (void)state;
    struct machine *m = machine_with_echo();
    struct echo *echo = bound(m, 77);
    static const uint8_t types[] = {ICMP_ECHO_REPLY, ICMP_UNREACHABLE, ICMP_REDIRECT, 13};
    uint8_t bytes[sizeof request];
    struct iovec span = {bytes, sizeof bytes};
    for (size_t i = 0; i < sizeof types; i++) {
        memcpy(bytes, request, sizeof bytes);
        bytes[0] = types[i];
        assert_int_equal(echo_send(echo, &span, 1, peer()), -EINVAL);
    }
    memcpy(bytes, request, sizeof bytes);
    bytes[1] = 1;
    assert_int_equal(echo_send(echo, &span, 1, peer()), -EINVAL);
    bytes[1] = 0;
    for (span.iov_len = 0; span.iov_len < 8; span.iov_len++)
        assert_int_equal(echo_send(echo, &span, 1, peer()), -EINVAL);
    assert_int_equal(echo_send(echo, &span, 1, peer()), 8);
    assert_int_equal(m->sent_count, 1);
    echo_close(echo);
    machine_free(m);
}

static void a_request_is_known_in_however_many_pieces_it_comes(void **state)
{
    (void)state;
    uint8_t bytes[sizeof request];
    memcpy(bytes, request, sizeof bytes);
    for (size_t first = 0; first < 8; first++) {
        struct iovec spans[] = {{bytes, first}, {NULL, 0}, {bytes + first, 8 - first}};
        assert_int_equal(echo_check(spans, 3), 0);
        spans[2].iov_len--;
        assert_int_equal(echo_check(spans, 3), -EINVAL);
    }
    assert_int_equal(echo_check(NULL, 0), -EINVAL);
    bytes[1] = 1;
    assert_int_equal(echo_check(&(struct iovec){bytes, sizeof bytes}, 1), -EINVAL);
}

static void what_cannot_be_sent_says_why(void **state)
{
    (void)state;
    struct machine *m = machine_with_echo();
    struct echo *echo = bound(m, 77);
    struct endpoint far = {.address = address_from_ipv4(0x08080808)},
                    all = {.address = address_from_ipv4(0x0a0000ff)};
    assert_int_equal(echo_directed(echo, NULL), -EDESTADDRREQ);
    assert_int_equal(echo_directed(echo, &far), 0);
    assert_int_equal(send_request(echo, NULL), -EDESTADDRREQ);
    assert_int_equal(send_request(echo, &far), -ENETUNREACH);
    assert_int_equal(send_request(echo, &all), -EACCES);
    uint8_t *big = calloc(1, ECHO_MESSAGE_MAX + 1);
    assert_non_null(big);
    big[0] = ICMP_ECHO_REQUEST;
    struct iovec span = {big, ECHO_MESSAGE_MAX + 1};
    assert_int_equal(echo_send(echo, &span, 1, peer()), -EMSGSIZE);
    echo_options(echo)->dont_fragment = true;
    span.iov_len = 1481;
    assert_int_equal(echo_send(echo, &span, 1, peer()), -EMSGSIZE);
    /* The way and the length are looked at before the side that is shut. */
    assert_int_equal(echo_shutdown(echo, false, true), -ENOTCONN);
    assert_int_equal(echo_send(echo, &span, 1, peer()), -EMSGSIZE);
    assert_int_equal(send_request(echo, &far), -ENETUNREACH);
    assert_int_equal(send_request(echo, peer()), -EPIPE);
    echo_close(echo);
    echo = bound(m, 77);
    echo_options(echo)->dont_fragment = true;
    span.iov_len = 1480;
    assert_int_equal(echo_send(echo, &span, 1, peer()), 1480);
    free(big);
    echo_close(echo);
    machine_free(m);
}

static void options_show_in_the_header(void **state)
{
    (void)state;
    struct machine *m = machine_with_echo();
    struct echo *echo = bound(m, 77);
    echo_options(echo)->hop_limit = 3;
    echo_options(echo)->traffic_class = 0x10;
    echo_options(echo)->dont_fragment = true;
    assert_int_equal(send_request(echo, peer()), sizeof request);
    struct ipv4_header ip = sent_header(m, 0);
    assert_int_equal(ip.time_to_live, 3);
    assert_int_equal(ip.traffic_class, 0x10);
    assert_true(ip.dont_fragment);
    echo_close(echo);
    machine_free(m);
}

static void unbound_sender_gets_an_identifier(void **state)
{
    (void)state;
    struct machine *m = machine_with_echo();
    struct echo *a = open_socket(m), *b = open_socket(m);
    assert_int_equal(echo_local(a)->port, 0);
    assert_int_equal(send_request(a, peer()), sizeof request);
    assert_int_equal(send_request(b, peer()), sizeof request);
    assert_int_not_equal(echo_local(a)->port, 0);
    assert_int_not_equal(echo_local(a)->port, echo_local(b)->port);
    assert_int_equal(sent_message(m, 1).identifier, echo_local(b)->port);
    echo_close(a);
    echo_close(b);
    machine_free(m);
}

static void identifier_in_use_is_refused(void **state)
{
    (void)state;
    struct machine *m = machine_with_echo();
    struct echo *first = bound(m, 77), *second = open_socket(m);
    struct endpoint same = {.port = 77}, other = {.port = 78},
                    foreign = {address_from_ipv4(PEER_ADDRESS), 78};
    assert_int_equal(echo_bind(second, &same), -EADDRINUSE);
    assert_int_equal(echo_bind(second, &foreign), -EADDRNOTAVAIL);
    assert_int_equal(echo_bind(second, &other), 0);
    assert_int_equal(echo_bind(second, &other), -EINVAL);
    echo_close(first);
    echo_close(second);
    second = bound(m, 77);
    echo_close(second);
    machine_free(m);
}

static void reply_nobody_waits_for_is_dropped(void **state)
{
    (void)state;
    struct machine *m = machine_with_echo();
    struct echo *echo = bound(m, 77);
    assert_int_equal(reply_arrives(m, PEER_ADDRESS, 78), DROP_ECHO_NO_MATCH);
    assert_int_equal(reply_arrives(m, PEER_ADDRESS, 0), DROP_ECHO_NO_MATCH);
    assert_int_equal(echo_connect(echo, peer()), 0);
    assert_int_equal(reply_arrives(m, PEER_ADDRESS + 9, 77), DROP_ECHO_NO_MATCH);
    assert_int_equal(reply_arrives(m, PEER_ADDRESS, 77), DROP_NONE);
    echo_close(echo);
    assert_int_equal(reply_arrives(m, PEER_ADDRESS, 77), DROP_ECHO_NO_MATCH);
    machine_free(m);
}

static void full_queue_drops(void **state)
{
    (void)state;
    struct machine *m = machine_with_echo();
    struct echo *echo = bound(m, 77);
    echo_options(echo)->receive_limit_bytes = 1000;
    enum drop_reason reason;
    unsigned taken = 0;
    while ((reason = reply_arrives(m, PEER_ADDRESS, 77)) == DROP_NONE)
        taken++;
    assert_int_equal(reason, DROP_ECHO_QUEUE_FULL);
    assert_true(taken > 0);
    echo_close(echo);
    machine_free(m);
}

/* An ICMP error about the first packet sent. */
static enum drop_reason error_arrives(struct machine *m, uint8_t type, uint8_t code)
{
    struct test_packet packet;
    packet_make_icmp(&packet, header_between(0x0a000001, MACHINE_ADDRESS, 0),
                     (struct icmp_message){
                         .type = type, .code = code, .body = m->sent[0].bytes, .body_length = 28});
    return machine_input(m, packet.bytes, packet.length);
}

static void connected_socket_is_told_of_errors(void **state)
{
    (void)state;
    struct machine *m = machine_with_echo();
    struct echo *echo = bound(m, 77);
    assert_int_equal(send_request(echo, peer()), sizeof request);
    assert_int_equal(error_arrives(m, ICMP_UNREACHABLE, ICMP_UNREACHABLE_HOST), DROP_ICMP_NO_MATCH);
    assert_int_equal(echo_error(echo, true), 0);
    assert_int_equal(echo_connect(echo, peer()), 0);
    assert_int_equal(error_arrives(m, ICMP_UNREACHABLE, ICMP_UNREACHABLE_HOST), DROP_NONE);
    assert_int_equal(echo_readiness(echo), POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR);
    assert_int_equal(echo_error(echo, true), EHOSTUNREACH);
    assert_int_equal(error_arrives(m, ICMP_TIME_EXCEEDED, 0), DROP_NONE);
    assert_int_equal(send_request(echo, NULL), -EHOSTUNREACH);
    assert_int_equal(send_request(echo, NULL), sizeof request);
    echo_close(echo);
    machine_free(m);
}

static void association_dissolves(void **state)
{
    (void)state;
    struct machine *m = machine_with_echo();
    struct echo *echo = open_socket(m);
    assert_int_equal(echo_connect(echo, peer()), 0);
    assert_int_equal(address_to_ipv4(&echo_local(echo)->address), MACHINE_ADDRESS);
    assert_true(address_equal(&echo_remote(echo)->address, &peer()->address));
    assert_int_equal(echo_connect(echo, NULL), 0);
    assert_int_equal(echo_local(echo)->port, 0);
    assert_true(address_is_unspecified(&echo_remote(echo)->address));
    assert_int_equal(send_request(echo, NULL), -EDESTADDRREQ);
    echo_close(echo);
    machine_free(m);
}

static void shutdown_needs_a_peer(void **state)
{
    (void)state;
    struct machine *m = machine_with_echo();
    struct echo *echo = open_socket(m);
    assert_int_equal(echo_shutdown(echo, true, true), -ENOTCONN);
    assert_int_equal(echo_connect(echo, peer()), 0);
    assert_int_equal(echo_shutdown(echo, true, true), 0);
    assert_int_equal(send_request(echo, NULL), -EPIPE);
    echo_close(echo);
    machine_free(m);
}

static void ping_to_ourselves_is_answered(void **state)
{
    (void)state;
    struct machine *m = machine_with_echo();
    struct echo *echo = open_socket(m);
    static const uint32_t ours[] = {MACHINE_ADDRESS, 0x7f000001};
    for (size_t i = 0; i < 2; i++) {
        struct endpoint to = {.address = address_from_ipv4(ours[i])};
        uint8_t bytes[64];
        struct iovec span = {bytes, sizeof bytes};
        assert_int_equal(send_request(echo, &to), sizeof request);
        stack_advance(&m->stack, m->stack.now_ns);
        assert_int_equal(echo_receive(echo, &span, 1, 0, NULL), sizeof request);
        assert_memory_equal(bytes + 8, "data", 4);
    }
    assert_int_equal(m->sent_count, 0);
    echo_close(echo);
    machine_free(m);
}

static void stack_frees_what_is_still_open(void **state)
{
    (void)state;
    struct machine *m = machine_with_echo();
    open_socket(m);
    bound(m, 77);
    assert_int_equal(reply_arrives(m, PEER_ADDRESS, 77), DROP_NONE);
    machine_free(m);
}

static void identifiers_run_out_in_the_end(void **state)
{
    (void)state;
    struct machine *m = machine_with_echo();
    struct endpoint any = {.port = 0};
    struct echo *more = open_socket(m);
    for (uint32_t i = 0; i < UINT16_MAX; i++) {
        struct echo *echo = open_socket(m);
        assert_int_equal(echo_bind(echo, &any), 0);
    }
    assert_int_equal(echo_bind(more, &any), -EADDRINUSE);
    assert_int_equal(send_request(more, peer()), -EADDRINUSE);
    assert_int_equal(echo_connect(more, peer()), -EADDRINUSE);
    machine_free(m);
}

static void exhausted_memory_is_said(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct echo *echo;
    assert_int_equal(ip_attach(&m->stack), 0);
    for (unsigned successes = 0; successes < 2; successes++) {
        allocations_fail_after(successes);
        int error = echo_attach(&m->stack);
        allocations_succeed();
        assert_int_equal(error, -ENOMEM);
    }
    assert_int_equal(echo_attach(&m->stack), 0);
    allocations_fail_after(0);
    int error = echo_open(&m->stack, NULL, &echo);
    allocations_succeed();
    assert_int_equal(error, -ENOMEM);

    echo = bound(m, 77);
    allocations_fail_after(0);
    ssize_t sent = send_request(echo, peer());
    allocations_succeed();
    assert_int_equal(sent, -ENOMEM);
    allocations_fail_after(1); /* the first is the test's own */
    enum drop_reason reason = reply_arrives(m, PEER_ADDRESS, 77);
    allocations_succeed();
    assert_int_equal(reason, DROP_NO_MEMORY);
    echo_close(echo);
    machine_free(m);
}

/* Stacks with one address (core/share.h). */
static void identifier_is_one_whose_replies_come_here(void **state)
{
    (void)state;
    struct machine *m = machine_with_echo();
    m->stack.share = (struct share){.index = 2, .count = 3};
    struct endpoint not_ours = {.port = 3}, any = {.port = 0};
    struct echo *echo = open_socket(m);
    assert_int_equal(echo_bind(echo, &not_ours), -EADDRNOTAVAIL);
    for (unsigned i = 0; i < 50; i++) {
        echo = open_socket(m);
        assert_int_equal(echo_bind(echo, &any), 0);
        assert_int_equal(echo_local(echo)->port % 3, 2);
    }
    machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_goes_out_under_the_sockets_identifier),
        cmocka_unit_test(reply_comes_from_its_icmp_header_on),
        cmocka_unit_test(what_is_no_echo_request_is_refused),
        cmocka_unit_test(a_request_is_known_in_however_many_pieces_it_comes),
        cmocka_unit_test(what_cannot_be_sent_says_why),
        cmocka_unit_test(options_show_in_the_header),
        cmocka_unit_test(unbound_sender_gets_an_identifier),
        cmocka_unit_test(identifier_in_use_is_refused),
        cmocka_unit_test(reply_nobody_waits_for_is_dropped),
        cmocka_unit_test(full_queue_drops),
        cmocka_unit_test(connected_socket_is_told_of_errors),
        cmocka_unit_test(association_dissolves),
        cmocka_unit_test(shutdown_needs_a_peer),
        cmocka_unit_test(ping_to_ourselves_is_answered),
        cmocka_unit_test(stack_frees_what_is_still_open),
        cmocka_unit_test(identifiers_run_out_in_the_end),
        cmocka_unit_test(exhausted_memory_is_said),
        cmocka_unit_test(identifier_is_one_whose_replies_come_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
