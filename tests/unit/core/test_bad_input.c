/* Bad packets meet the whole machine: every sample cut and damaged at every byte, with checksums as
 * they are and with checksums made right again. Under ASan nothing is read that is not there; in
 * any build the machine stays sound, answers what is good as before, and gives back all memory
 * (security rules 1, 2, 11, 12). */
#include "machine.h"

#include "base/time.h"
#include "ip/ip.h"
#include "raw/echo.h"
#include "samples.h"
#include "tcp/tcp.h"
#include "udp/udp.h"

struct all {
    struct machine *m;
    struct udp *server;
    struct udp *client; /* connected to the peer */
    struct echo *echo;  /* connected to the peer */
    struct tcp_listener *listener;
};

static struct all all_new(void)
{
    struct all all = {.m = machine_new(0)};
    struct stack *stack = &all.m->stack;
    struct endpoint here = {.port = SAMPLE_PORT}, next = {.port = SAMPLE_PORT + 1},
                    identifier = {.port = SAMPLE_IDENTIFIER},
                    peer = {address_from_ipv4(SAMPLE_PEER), SAMPLE_PEER_PORT};
    struct tcb *tcb;
    assert_int_equal(ip_attach(stack), 0);
    assert_int_equal(udp_attach(stack), 0);
    assert_int_equal(echo_attach(stack), 0);
    assert_int_equal(tcp_attach(stack), 0);
    assert_int_equal(udp_open(stack, NULL, &all.server), 0);
    assert_int_equal(udp_bind(all.server, &here), 0);
    assert_int_equal(udp_open(stack, NULL, &all.client), 0);
    assert_int_equal(udp_bind(all.client, &next), 0);
    assert_int_equal(udp_connect(all.client, &peer), 0);
    assert_int_equal(echo_open(stack, NULL, &all.echo), 0);
    assert_int_equal(echo_bind(all.echo, &identifier), 0);
    assert_int_equal(echo_connect(all.echo, &peer), 0);
    assert_int_equal(tcp_create(stack, NULL, &tcb), 0);
    assert_int_equal(tcp_bind(tcb, &here, false), 0);
    assert_int_equal(tcp_listen(tcb, 10, NULL, &all.listener), 0);
    return all;
}

/* What the machine sent must be sound, however bad what it answers. */
static void check_sent(struct machine *m)
{
    for (unsigned i = 0; i < m->sent_count; i++) {
        struct ipv4_header header = sent_header(m, i);
        assert_int_equal(address_to_ipv4(&header.source), SAMPLE_OURS);
        if (header.protocol == IP_PROTOCOL_TCP)
            assert_true(sent_checksum_is_right(m, i));
    }
    machine_clear(m);
}

static void empty_queues(struct all *all)
{
    uint8_t bytes[SAMPLE_MAX];
    struct iovec span = {bytes, sizeof bytes};
    udp_error(all->client, true);
    echo_error(all->echo, true);
    while (udp_receive(all->server, &span, 1, 0, NULL) >= 0)
        ;
    while (udp_receive(all->client, &span, 1, 0, NULL) >= 0)
        ;
    while (echo_receive(all->echo, &span, 1, 0, NULL) >= 0)
        ;
}

static void play(struct all *all, const uint8_t *packet, size_t length)
{
    uint8_t fixed[SAMPLE_MAX];
    machine_input(all->m, packet, length);
    memcpy(fixed, packet, length);
    sample_fix_checksums(fixed, length);
    machine_input(all->m, fixed, length);
    check_sent(all->m);
    empty_queues(all);
}

/* Good packets are received as ever, and time clears away all that the bad ones left behind. */
static void end_well(struct all *all)
{
    struct machine *m = all->m;
    uint8_t packet[SAMPLE_MAX], bytes[SAMPLE_MAX];
    struct iovec span = {bytes, sizeof bytes};
    for (unsigned minute = 0; minute < 60; minute++) {
        stack_advance(&m->stack, m->stack.now_ns + TIME_S(60));
        check_sent(m);
    }
    assert_int_equal(machine_input(m, packet, sample_packet(9, packet)), DROP_NONE);
    assert_int_equal(udp_receive(all->server, &span, 1, 0, NULL), 8);
    assert_int_equal(machine_input(m, packet, sample_packet(15, packet)), DROP_NONE);
    assert_int_equal(m->sent_count, 1); /* the echo's reply */
    assert_int_equal(machine_input(m, packet, sample_packet(0, packet)), DROP_NONE);
    assert_int_equal(m->sent_count, 2); /* and the SYN,ACK */
    tcp_listener_close(all->listener);
    machine_free(m);
}

static void samples_are_good(void **state)
{
    (void)state;
    static const struct {
        unsigned index;
        enum drop_reason reason;
    } not_taken[] = {{11, DROP_UDP_NO_PORT}, {14, DROP_IP_SOURCE_ROUTE}, {19, DROP_IP_PROTOCOL}};
    struct all all = all_new();
    uint8_t packet[SAMPLE_MAX];
    size_t length;
    for (unsigned i = 9; (length = sample_packet(i, packet)) > 0; i++) {
        enum drop_reason expected = DROP_NONE;
        for (size_t j = 0; j < sizeof not_taken / sizeof not_taken[0]; j++)
            if (not_taken[j].index == i)
                expected = not_taken[j].reason;
        assert_int_equal(machine_input(all.m, packet, length), expected);
    }
    for (unsigned i = 6; i < 9; i++)
        assert_int_equal(machine_input(all.m, packet, sample_packet(i, packet)), DROP_NONE);
    empty_queues(&all);
    end_well(&all);
}

static void every_sample_cut_at_every_byte_does_no_harm(void **state)
{
    (void)state;
    struct all all = all_new();
    uint8_t packet[SAMPLE_MAX];
    size_t length;
    for (unsigned i = 0; (length = sample_packet(i, packet)) > 0; i++) {
        for (size_t cut = 0; cut < length; cut++) {
            sample_packet(i, packet);
            play(&all, packet, cut);
            sample_fix_length(packet, cut);
            play(&all, packet, cut);
        }
    }
    end_well(&all);
}

static void every_sample_damaged_at_every_byte_does_no_harm(void **state)
{
    (void)state;
    struct all all = all_new();
    uint8_t packet[SAMPLE_MAX];
    size_t length;
    for (unsigned i = 0; (length = sample_packet(i, packet)) > 0; i++) {
        for (size_t at = 0; at < length; at++) {
            uint8_t good = packet[at];
            for (unsigned value = 0; value < 256; value++) {
                packet[at] = (uint8_t)value;
                play(&all, packet, length);
            }
            packet[at] = good;
        }
        stack_advance(&all.m->stack, all.m->stack.now_ns + TIME_MS(10));
        check_sent(all.m);
    }
    end_well(&all);
}

/* Security rule 11, whatever the protocol. */
static void forged_sources_reach_no_protocol(void **state)
{
    (void)state;
    static const uint32_t sources[] = {0,          SAMPLE_OURS, 0x7f000001,
                                       0x0a0000ff, 0xe0000001,  0xffffffff};
    struct all all = all_new();
    uint8_t packet[SAMPLE_MAX];
    size_t length;
    for (unsigned i = 0; (length = sample_packet(i, packet)) > 0; i++) {
        for (size_t j = 0; j < sizeof sources / sizeof sources[0]; j++) {
            struct writer w = writer_over(packet + 12, 4);
            writer_u32(&w, sources[j]);
            sample_fix_checksums(packet, length);
            assert_int_equal(machine_input(all.m, packet, length), DROP_IP_SOURCE);
        }
    }
    assert_int_equal(all.m->sent_count, 0);
    end_well(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_good),
        cmocka_unit_test(every_sample_cut_at_every_byte_does_no_harm),
        cmocka_unit_test(every_sample_damaged_at_every_byte_does_no_harm),
        cmocka_unit_test(forged_sources_reach_no_protocol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
