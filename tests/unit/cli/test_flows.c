/* What a trace remembers of connections. test_trace.c shows what is made of it. */
#include "unit.h"

#include <string.h>

#include "cli/flows.h"
#include "packets.h"

static struct flows flows;
static struct address ours, theirs;
static struct flow_view view;

static int flows_make(void **state)
{
    (void)state;
    flows_init(&flows, &(struct hash_key){{1, 2}});
    ours = packet_address("10.0.0.3");
    theirs = packet_address("10.0.0.2");
    return 0;
}

static struct segment segment_of(uint16_t flags, uint32_t seq, uint32_t ack)
{
    return (struct segment){.source_port = 40000,
                            .destination_port = 8000,
                            .flags = flags,
                            .seq = seq,
                            .ack = ack,
                            .window = 1000};
}

static void see_out(const struct segment *segment)
{
    flow_observe(&flows, &ours, &theirs, segment, true, &view);
}

static void see_in(struct segment segment)
{
    segment.source_port = 8000;
    segment.destination_port = 40000;
    flow_observe(&flows, &theirs, &ours, &segment, true, &view);
}

static void scale(struct segment *segment, uint8_t shift)
{
    segment->options.has_window_scale = true;
    segment->options.window_scale = shift;
}

static void handshake(uint8_t our_shift, uint8_t their_shift)
{
    struct segment syn = segment_of(TCP_SYN, 1000, 0);
    struct segment syn_ack = segment_of(TCP_SYN | TCP_ACK, 5000, 1001);
    scale(&syn, our_shift);
    scale(&syn_ack, their_shift);
    see_out(&syn);
    see_in(syn_ack);
}

static void each_side_counts_from_its_own_first_number(void **state)
{
    (void)state;
    handshake(0, 0);
    assert_true(view.seq == 0 && view.ack == 1);
    struct segment data = segment_of(TCP_ACK, 1001, 5001);
    see_out(&data);
    assert_true(view.seq == 1 && view.ack == 1);
    see_in(segment_of(TCP_ACK, 5001, 1500));
    assert_true(view.seq == 1 && view.ack == 500);
}

static void numbers_go_on_across_zero(void **state)
{
    (void)state;
    struct segment syn = segment_of(TCP_SYN, UINT32_MAX, 0), data = segment_of(TCP_ACK, 99, 7);
    see_out(&syn);
    see_out(&data);
    assert_int_equal(view.seq, 100);
}

/* RFC 7323 §2.2: scaled when both have offered it, never in a SYN itself, and (§2.3) by 14 at most.
 */
static void windows_are_scaled_when_both_sides_have_offered_it(void **state)
{
    (void)state;
    handshake(7, 200);
    assert_true(view.window == 1000 && view.window_known);
    struct segment ack = segment_of(TCP_ACK, 1001, 5001);
    see_out(&ack);
    assert_true(view.window == 1000u << 7 && view.window_known);
    see_in(segment_of(TCP_ACK, 5001, 1001));
    assert_true(view.window == 1000u << 14 && view.window_known);
}

static void one_offer_scales_no_window(void **state)
{
    (void)state;
    struct segment syn = segment_of(TCP_SYN, 1000, 0), ack = segment_of(TCP_ACK, 1001, 5001);
    scale(&syn, 7);
    see_out(&syn);
    see_in(segment_of(TCP_SYN | TCP_ACK, 5000, 1001));
    see_out(&ack);
    assert_true(view.window == 1000 && view.window_known);
}

static void without_both_syns_only_a_window_of_zero_is_known(void **state)
{
    (void)state;
    struct segment ack = segment_of(TCP_ACK, 1001, 5001);
    see_out(&ack);
    assert_true(view.seq == 1 && view.ack == 1 && !view.window_known);
    ack.window = 0;
    see_out(&ack);
    assert_true(view.window == 0 && view.window_known);
    struct segment syn = segment_of(TCP_SYN, 1000, 0);
    see_out(&syn);
    ack.window = 1000;
    see_out(&ack);
    assert_false(view.window_known);
}

static void what_is_not_noted_is_shown_and_forgotten(void **state)
{
    (void)state;
    handshake(0, 0);
    struct segment stray = segment_of(TCP_SYN, 77777, 0), data = segment_of(TCP_ACK, 1101, 5001);
    flow_observe(&flows, &ours, &theirs, &stray, false, &view);
    assert_int_equal(view.seq, 0);
    see_out(&data);
    assert_int_equal(view.seq, 101);
}

/* The same number again is the same SYN; an answer to one never opens a connection. */
static void only_another_opening_starts_afresh(void **state)
{
    (void)state;
    handshake(7, 4);
    struct segment syn = segment_of(TCP_SYN, 1000, 0), ack = segment_of(TCP_ACK, 1001, 5001);
    scale(&syn, 7);
    see_out(&syn);
    see_out(&ack);
    assert_true(view.ack == 1 && view.window == 1000u << 7);

    syn.seq = 9000;
    see_out(&syn);
    see_in(segment_of(TCP_ACK, 123456, 9001));
    assert_true(view.seq == 1 && view.ack == 1); /* nothing of the side before is left */
}

/* A RST that answers a SYN has no byte before its number. */
static void a_reset_of_the_unknown_stands_at_zero(void **state)
{
    (void)state;
    see_in(segment_of(TCP_RST | TCP_ACK, 0, 1001));
    assert_true(view.seq == 0 && view.ack == 1);
}

static void blocks_count_from_the_side_that_they_are_about(void **state)
{
    (void)state;
    handshake(0, 0);
    struct segment ack = segment_of(TCP_ACK, 5001, 1001);
    ack.options.sack_count = TCP_SACK_BLOCKS_MAX;
    for (unsigned i = 0; i < TCP_SACK_BLOCKS_MAX; i++) {
        ack.options.sack[i].start = 1101 + 200 * i;
        ack.options.sack[i].end = 1201 + 200 * i;
    }
    see_in(ack);
    for (unsigned i = 0; i < TCP_SACK_BLOCKS_MAX; i++)
        assert_true(view.sack[i].start == 101 + 200 * i && view.sack[i].end == 201 + 200 * i);
}

static void a_connection_of_a_host_with_itself_has_two_sides(void **state)
{
    (void)state;
    struct segment syn = segment_of(TCP_SYN, 1000, 0);
    struct segment answer = segment_of(TCP_SYN | TCP_ACK, 5000, 1001);
    answer.source_port = syn.destination_port;
    answer.destination_port = syn.source_port;
    flow_observe(&flows, &ours, &ours, &syn, true, &view);
    flow_observe(&flows, &ours, &ours, &answer, true, &view);
    assert_true(view.seq == 0 && view.ack == 1);
    struct segment data = segment_of(TCP_ACK, 1001, 5001);
    flow_observe(&flows, &ours, &ours, &data, true, &view);
    assert_true(view.seq == 1 && view.ack == 1);
}

/* The one of a full set that was seen longest ago has to go, whichever was there first. */
static void the_one_seen_longest_ago_makes_room(void **state)
{
    (void)state;
    struct segment first = segment_of(TCP_SYN, 1000, 0), other = first;
    struct segment again = segment_of(TCP_ACK, 1101, 0);
    first.source_port = again.source_port = 1;
    see_out(&first);
    for (unsigned port = 2; port <= 10000; port++) {
        other.source_port = (uint16_t)port;
        see_out(&other);
        see_out(&again); /* is seen all the time */
        assert_int_equal(view.seq, 101);
    }
    again.source_port = 2; /* was not: of all of them at most as many as the table holds are left */
    see_out(&again);
    assert_int_equal(view.seq, 1);
}

#define FLOWS_TEST(name) cmocka_unit_test_setup(name, flows_make)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLOWS_TEST(each_side_counts_from_its_own_first_number),
        FLOWS_TEST(numbers_go_on_across_zero),
        FLOWS_TEST(windows_are_scaled_when_both_sides_have_offered_it),
        FLOWS_TEST(one_offer_scales_no_window),
        FLOWS_TEST(without_both_syns_only_a_window_of_zero_is_known),
        FLOWS_TEST(what_is_not_noted_is_shown_and_forgotten),
        FLOWS_TEST(only_another_opening_starts_afresh),
        FLOWS_TEST(a_reset_of_the_unknown_stands_at_zero),
        FLOWS_TEST(blocks_count_from_the_side_that_they_are_about),
        FLOWS_TEST(a_connection_of_a_host_with_itself_has_two_sides),
        FLOWS_TEST(the_one_seen_longest_ago_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
