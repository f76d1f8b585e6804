#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/time.h"
#include "link/fault.h"
#include "link/memory.h"
#include "link_machine.h"
#include "packets.h"

/* A fault link over one end of a memory pair: what is sent here arrives at `far`, and what `far`
 * sends is received here. */
static struct link *near_end, *far_end;
static struct link_machine near_machine, far_machine;
static struct packet packet;

static void setup(const char *faults, uint32_t features)
{
    char error[200];
    struct fault_profile profile[2];
    struct link *ends[2];
    if (fault_profile_parse(faults, &profile[0], error, sizeof error) < 0)
        fail_msg("%s", error);
    profile[1] = profile[0];
    assert_int_equal(memory_link_pair(1500, features, 1 << 20, ends), 0);
    assert_int_equal(fault_link_new(ends[0], profile, &near_end), 0);
    far_end = ends[1];
    memset(&near_machine, 0, sizeof near_machine);
    memset(&far_machine, 0, sizeof far_machine);
}

static void teardown(void)
{
    link_close(near_end);
    link_close(far_end);
}

/* Packets of four bytes that say their number. */
static void send_number(struct link *link, uint32_t number, uint64_t now_ns)
{
    assert_int_equal(link_send_bytes(link, &number, sizeof number, now_ns), 0);
}

static uint32_t number_of(const struct link_machine *machine, int index)
{
    uint32_t number;
    assert_int_equal(machine->packets[index].length, sizeof number);
    memcpy(&number, link_machine_bytes(machine, index), sizeof number);
    return number;
}

/* Lets virtual time run until nothing is left to do. */
static uint64_t run_out(uint64_t now_ns)
{
    for (uint64_t next; (next = link_deadline(near_end)) != TIME_NEVER;) {
        now_ns = time_max(now_ns, next);
        link_machine_poll(&near_machine, near_end, now_ns);
        link_machine_poll(&far_machine, far_end, now_ns);
    }
    link_machine_poll(&far_machine, far_end, now_ns);
    return now_ns;
}

static void without_faults_packets_pass_at_once(void **state)
{
    (void)state;
    setup("loss=0%", 0);
    assert_int_equal(near_end->mtu, 1500);
    for (uint32_t i = 0; i < 10; i++) {
        send_number(near_end, i, 5);
        send_number(far_end, 100 + i, 5);
    }
    assert_int_equal(link_machine_poll(&far_machine, far_end, 5), 10);
    assert_int_equal(link_machine_poll(&near_machine, near_end, 5), 10);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(number_of(&far_machine, i), i);
        assert_int_equal(number_of(&near_machine, i), 100 + i);
    }
    assert_true(link_deadline(near_end) == TIME_NEVER);
    assert_int_equal(link_descriptor(near_end), -1);
    teardown();
}

static void delay_is_each_way_and_its_deadline_is_told(void **state)
{
    (void)state;
    setup("delay=20ms", 0);
    send_number(near_end, 1, TIME_MS(1));
    send_number(far_end, 2, TIME_MS(3));
    link_machine_poll(&near_machine, near_end, TIME_MS(3)); /* enters the path */
    assert_int_equal(link_deadline(near_end), TIME_MS(21));
    link_machine_poll(&near_machine, near_end, TIME_MS(21) - 1);
    link_machine_poll(&far_machine, far_end, TIME_MS(21) - 1);
    assert_int_equal(far_machine.count + near_machine.count, 0);
    link_machine_poll(&near_machine, near_end, TIME_MS(21));
    link_machine_poll(&far_machine, far_end, TIME_MS(21));
    assert_int_equal(far_machine.count, 1);
    assert_int_equal(near_machine.count, 0);
    assert_int_equal(link_deadline(near_end), TIME_MS(23));
    link_machine_poll(&near_machine, near_end, TIME_MS(23));
    assert_int_equal(number_of(&near_machine, 0), 2);
    teardown();
}

static void jitter_stays_in_its_bounds_and_keeps_order(void **state)
{
    (void)state;
    enum { PACKETS = 2000 };
    setup("delay=10ms,jitter=4ms,seed=3", 0);
    uint64_t least = UINT64_MAX, most = 0;
    uint64_t now_ns = 0;
    for (uint32_t i = 0; i < PACKETS; i++) {
        send_number(near_end, i, now_ns);
        for (uint64_t until = now_ns + TIME_MS(10); (now_ns = link_deadline(near_end)) < until;) {
            link_machine_poll(&near_machine, near_end, now_ns);
            link_machine_poll(&far_machine, far_end, now_ns);
        }
        now_ns = TIME_MS(10) * (i + 1);
    }
    run_out(now_ns);
    assert_int_equal(far_machine.count, PACKETS);
    for (int i = 0; i < PACKETS; i++) {
        assert_int_equal(number_of(&far_machine, i), i);
        uint64_t took = far_machine.packets[i].time_ns - TIME_MS(10) * (unsigned)i;
        least = time_min(least, took);
        most = time_max(most, took);
    }
    assert_in_range(least, TIME_MS(6), TIME_US(6100));
    assert_in_range(most, TIME_US(13900), TIME_MS(14));
    teardown();
}

/* Within five standard deviations of what the probability says. */
static void assert_about(uint64_t count, double probability, double trials)
{
    double mean = probability * trials, variance = mean * (1 - probability);
    double off = (double)count - mean;
    if (off * off > 25 * variance)
        fail_msg("%llu, expected about %.0f", (unsigned long long)count, mean);
}

/* What the trace was told: how often, and the last. */
static uint64_t told_count;
static char told_last[100];

static void tell(void *user, const struct tern_trace_event *event)
{
    (void)user;
    assert_int_equal(event->kind, TERN_TRACE_NOTE);
    assert_int_equal(event->count, 1);
    assert_int_equal(event->packet[0].iov_len, sizeof(uint32_t));
    told_count++;
    snprintf(told_last, sizeof told_last, "%s", event->why);
}

static void what_is_done_to_a_packet_is_told(void **state)
{
    (void)state;
    static const char *const faults[][2] = {
        {"loss=100%", "the fault link lost it"},
        {"dup=100%", "the fault link duplicated it"},
        {"corrupt=100%", "the fault link corrupted it"},
        {"reorder=100%", "the fault link delayed it"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char expected[100];
        setup(faults[i][0], 0);
        fault_link_trace(near_end, tell, NULL);
        told_count = 0;
        send_number(near_end, 1, 0);
        assert_int_equal(told_count, 1);
        snprintf(expected, sizeof expected, "%s, sent", faults[i][1]);
        assert_string_equal(told_last, expected);
        send_number(far_end, 1, 0);
        link_machine_poll(&near_machine, near_end, 0);
        assert_int_equal(told_count, 2);
        snprintf(expected, sizeof expected, "%s, received", faults[i][1]);
        assert_string_equal(told_last, expected);
        run_out(0);
        teardown();
    }
}

static void each_fault_strikes_as_often_as_it_should(void **state)
{
    (void)state;
    enum { PACKETS = 200000 };
    setup("loss=5%,dup=2%,reorder=10%,corrupt=1%,seed=11", 0);
    for (uint32_t i = 0; i < PACKETS; i++) {
        send_number(near_end, i, TIME_US(10) * i);
        send_number(far_end, i, TIME_US(10) * i);
        link_machine_poll(&near_machine, near_end, TIME_US(10) * i);
        link_machine_poll(&far_machine, far_end, TIME_US(10) * i);
        far_machine.count = near_machine.count = 0;
        far_machine.used = near_machine.used = 0;
    }
    run_out(TIME_US(10) * (uint64_t)PACKETS);
    struct fault_counts counts[2];
    fault_link_counts(near_end, counts);
    for (int i = 0; i < 2; i++) {
        double survivors = PACKETS - (double)counts[i].lost;
        assert_about(counts[i].lost, 0.05, PACKETS);
        assert_about(counts[i].duplicated, 0.02, survivors);
        assert_about(counts[i].corrupted, 0.01, survivors);
        assert_about(counts[i].reordered, 0.10, survivors + (double)counts[i].duplicated);
        assert_int_equal(counts[i].overflowed, 0);
        assert_int_equal(counts[i].passed, PACKETS - counts[i].lost + counts[i].duplicated);
    }
    assert_int_not_equal(counts[0].lost, counts[1].lost); /* streams of their own */
    teardown();
}

static void reordered_packets_are_overtaken_and_the_others_are_not(void **state)
{
    (void)state;
    enum { PACKETS = 2000 };
    setup("delay=5ms,reorder=20%,seed=5", 0);
    for (uint32_t i = 0; i < PACKETS; i++)
        send_number(near_end, i, TIME_US(100) * i);
    run_out(TIME_US(100) * (uint64_t)PACKETS);
    struct fault_counts counts[2];
    fault_link_counts(near_end, counts);
    assert_int_equal(far_machine.count, PACKETS);
    /* The longest prefix-by-prefix rising run through them all leaves out the reordered only. */
    uint32_t late = 0, next = 0;
    for (int i = 0; i < PACKETS; i++) {
        uint32_t number = number_of(&far_machine, i);
        if (number < next)
            late++;
        else
            next = number + 1;
    }
    assert_true(late > counts[0].reordered / 2);
    assert_true(late <= counts[0].reordered);
    teardown();
}

static void rate_spaces_packets_and_its_queue_overflows(void **state)
{
    (void)state;
    static uint8_t bytes[1000];
    setup("rate=8mbit,queue=10", 0); /* a millisecond a packet */
    for (int i = 0; i < 15; i++)
        assert_int_equal(link_send_bytes(near_end, bytes, sizeof bytes, 0), 0);
    run_out(0);
    assert_int_equal(far_machine.count, 10);
    for (int i = 0; i < 10; i++)
        assert_int_equal(far_machine.packets[i].time_ns, TIME_MS(1) * (i + 1));
    struct fault_counts counts[2];
    fault_link_counts(near_end, counts);
    assert_int_equal(counts[0].overflowed, 5);
    assert_int_equal(counts[0].passed, 10);
    /* The line has been idle since: no credit is kept, none is owed. */
    link_send_bytes(near_end, bytes, sizeof bytes, TIME_MS(100));
    run_out(TIME_MS(100));
    assert_int_equal(far_machine.packets[10].time_ns, TIME_MS(101));
    teardown();
}

/* A single flipped bit anywhere is found by one of the two checksums. */
static void corruption_is_always_detectable(void **state)
{
    (void)state;
    struct address ours = packet_address("10.0.0.3"), theirs = packet_address("10.0.0.2");
    setup("corrupt=100%,seed=4", TERN_LINK_CHECKSUM);
    for (int i = 0; i < 2000; i++) {
        bool whole = i % 2;
        struct tern_offload offload = {.checksum_start = 20,
                                       .checksum_offset = UDP_CHECKSUM_OFFSET,
                                       .flags =
                                           whole ? TERN_OFFLOAD_VERIFIED : TERN_OFFLOAD_CHECKSUM};
        packet_udp(&packet, &ours, 1, &theirs, 2, "payload", 7, whole);
        struct iovec span = {packet.bytes, packet.length};
        assert_int_equal(link_send(near_end, &span, 1, &offload, 0), 0);
        assert_int_equal(link_machine_poll(&far_machine, far_end, 0), 1);
        assert_int_equal(far_machine.packets[i].offload.flags, 0);
        /* Compare with what the wire would have seen: exactly one bit differs. */
        const uint8_t *got = link_machine_bytes(&far_machine, i);
        packet_udp(&packet, &ours, 1, &theirs, 2, "payload", 7, true);
        int bits = 0;
        for (size_t at = 0; at < packet.length; at++)
            bits += __builtin_popcount(got[at] ^ packet.bytes[at]);
        assert_int_equal(bits, 1);
        assert_false(packet_is_sound(got, packet.length));
    }
    teardown();
}

/* RFC 3168 §5: what says that it can be marked, and nothing else of it changes. */
static void only_what_can_be_marked_is_marked(void **state)
{
    (void)state;
    struct address ours = packet_address("10.0.0.3"), theirs = packet_address("10.0.0.2");
    setup("ce=50%,seed=5", 0);
    for (int i = 0; i < 400; i++) {
        packet_udp(&packet, &ours, 1, &theirs, 2, "payload", 7, true);
        packet.bytes[1] = (uint8_t)(0xb8 | i % 4);
        struct ipv4_header header;
        ipv4_parse(packet.bytes, packet.length, false, &header);
        header.traffic_class = (uint8_t)(0xb8 | i % 4);
        ipv4_build(&header, packet.bytes);
        link_send_bytes(near_end, packet.bytes, packet.length, 0);
    }
    link_machine_poll(&far_machine, far_end, 0);
    assert_int_equal(far_machine.count, 400);
    unsigned changed = 0, marked = 0;
    for (int i = 0; i < 400; i++) {
        const uint8_t *got = link_machine_bytes(&far_machine, i);
        assert_true(packet_is_sound(got, far_machine.packets[i].length));
        assert_int_equal(got[1] & ~ECN_MASK, 0xb8);
        if ((got[1] & ECN_MASK) == i % 4)
            continue;
        assert_int_equal(got[1] & ECN_MASK, ECN_CE);
        assert_int_not_equal(i % 4, ECN_NOT_ECT);
        changed++;
    }
    struct fault_counts counts[2];
    fault_link_counts(near_end, counts);
    marked = (unsigned)counts[0].marked; /* what came marked already among them */
    assert_in_range(changed, 80, 120);
    assert_in_range(marked, changed + 30, changed + 70);
    /* No IP packet, or none that is whole, passes as it is. */
    static const uint8_t odd[] = {0x4f, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};
    for (int i = 0; i < 20; i++)
        link_send_bytes(near_end, odd, sizeof odd, 0);
    link_machine_poll(&far_machine, far_end, 0);
    for (int i = 400; i < 420; i++)
        assert_memory_equal(link_machine_bytes(&far_machine, i), odd, sizeof odd);
    teardown();
}

/* What is in `packet`, PARTS times 1,000 bytes behind its headers, of which half are lost. */
enum { PARTS = 40 };

static void meets_its_fate_in_parts(uint16_t header_length, uint16_t checksum_offset)
{
    struct tern_offload offload = {.segment_size = 1000,
                                   .header_length = header_length,
                                   .checksum_start = 20,
                                   .checksum_offset = checksum_offset,
                                   .flags = TERN_OFFLOAD_CHECKSUM};
    const uint32_t features = TERN_LINK_CHECKSUM | TERN_LINK_TSO | TERN_LINK_USO;
    const size_t part = header_length + (size_t)1000;
    setup("loss=50%,seed=9", features);
    assert_int_equal(near_end->features, features);
    struct iovec span = {packet.bytes, packet.length};
    assert_int_equal(link_send(near_end, &span, 1, &offload, 0), 0);
    link_machine_poll(&far_machine, far_end, 0);
    struct fault_counts counts[2];
    fault_link_counts(near_end, counts);
    assert_in_range(counts[0].lost, 5, PARTS - 5);
    assert_int_equal(counts[0].lost + counts[0].passed, PARTS);
    assert_int_equal(far_machine.count, counts[0].passed);
    for (int i = 0; i < far_machine.count; i++) {
        assert_int_equal(far_machine.packets[i].length, part);
        assert_int_equal(far_machine.packets[i].offload.segment_size, 0);
        assert_true(packet_is_sound(link_machine_bytes(&far_machine, i), part));
    }
    teardown();
}

static void super_packets_meet_their_fate_in_wire_packets(void **state)
{
    (void)state;
    static uint8_t text[PARTS * 1000];
    struct address ours = packet_address("10.0.0.3"), theirs = packet_address("10.0.0.2");
    struct segment segment = {.flags = TCP_ACK, .text = text, .length = sizeof text};
    packet_tcp(&packet, &ours, &theirs, &segment, false);
    meets_its_fate_in_parts(IPV4_HEADER_MIN + TCP_HEADER_MIN, TCP_CHECKSUM_OFFSET);
    packet_udp(&packet, &ours, 1, &theirs, 2, text, sizeof text, false);
    meets_its_fate_in_parts(IPV4_HEADER_MIN + UDP_HEADER_SIZE, UDP_CHECKSUM_OFFSET);
}

/* Everything that arrives, with its time, in a scenario with all faults at once. */
static void play(const char *faults)
{
    setup(faults, 0);
    uint64_t now_ns = 0;
    for (uint32_t i = 0; i < 1500; i++, now_ns += TIME_US(150)) {
        send_number(near_end, i, now_ns);
        send_number(far_end, i, now_ns);
        while (link_deadline(near_end) <= now_ns) {
            link_machine_poll(&near_machine, near_end, now_ns);
            link_machine_poll(&far_machine, far_end, now_ns);
        }
    }
    run_out(now_ns);
    teardown();
}

static void same_seed_meets_the_same_fate_to_the_byte(void **state)
{
    (void)state;
    static const char faults[] = "loss=5%,dup=5%,reorder=5%,corrupt=5%,delay=3ms,jitter=2ms,"
                                 "rate=1mbit,queue=20,seed=1";
    static struct link_machine first_near, first_far;
    play(faults);
    first_near = near_machine;
    first_far = far_machine;
    assert_true(first_far.count > 1000);
    play(faults);
    assert_memory_equal(&near_machine, &first_near, sizeof near_machine);
    assert_memory_equal(&far_machine, &first_far, sizeof far_machine);
    play("loss=5%,dup=5%,reorder=5%,corrupt=5%,delay=3ms,jitter=2ms,rate=1mbit,queue=20,seed=2");
    assert_memory_not_equal(&far_machine, &first_far, sizeof far_machine);
}

static void packets_in_flight_are_limited(void **state)
{
    (void)state;
    setup("delay=60s", 0);
    for (uint32_t i = 0; i < LIMIT_FAULT_PACKETS + 10; i++)
        send_number(near_end, i, 0);
    struct fault_counts counts[2];
    fault_link_counts(near_end, counts);
    assert_int_equal(counts[0].overflowed, 10);
    teardown(); /* with all of them in flight: nothing leaks */
}

static void poll_keeps_to_its_budget(void **state)
{
    (void)state;
    setup("delay=1ms", 0);
    for (uint32_t i = 0; i < 5; i++)
        send_number(far_end, i, 0);
    link_machine_poll(&near_machine, near_end, 0);
    uint64_t now_ns = TIME_MS(1);
    assert_int_equal(link_poll(near_end, now_ns, 3, link_machine_deliver, &near_machine), 3);
    assert_int_equal(link_deadline(near_end), now_ns);
    assert_int_equal(link_poll(near_end, now_ns, 3, link_machine_deliver, &near_machine), 2);
    teardown();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_faults_packets_pass_at_once),
        cmocka_unit_test(delay_is_each_way_and_its_deadline_is_told),
        cmocka_unit_test(jitter_stays_in_its_bounds_and_keeps_order),
        cmocka_unit_test(what_is_done_to_a_packet_is_told),
        cmocka_unit_test(each_fault_strikes_as_often_as_it_should),
        cmocka_unit_test(reordered_packets_are_overtaken_and_the_others_are_not),
        cmocka_unit_test(rate_spaces_packets_and_its_queue_overflows),
        cmocka_unit_test(corruption_is_always_detectable),
        cmocka_unit_test(only_what_can_be_marked_is_marked),
        cmocka_unit_test(super_packets_meet_their_fate_in_wire_packets),
        cmocka_unit_test(same_seed_meets_the_same_fate_to_the_byte),
        cmocka_unit_test(packets_in_flight_are_limited),
        cmocka_unit_test(poll_keeps_to_its_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
