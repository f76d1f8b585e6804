#include "script/compare.h"

#include <stdlib.h>
#include <string.h>

#include "script/wire.h"

/* Compares what has a number; the first difference is kept. */
struct comparison {
    struct arena *arena;
    const char *difference;
};

static void compare(struct comparison *c, const char *what, uint32_t expected, uint32_t actual)
{
    if (expected != actual && c->difference == NULL)
        c->difference = arena_format(c->arena, "%s: expected %u (0x%x), actual %u (0x%x)", what,
                                     expected, expected, actual, actual);
}

static void differ(struct comparison *c, const char *what)
{
    if (c->difference == NULL)
        c->difference = what;
}

static void compare_ip(struct comparison *c, const struct packet_spec *spec,
                       const struct packet_view *actual)
{
    uint8_t ecn = actual->tos & 3;
    if (spec->tos_check == TOS_ECN)
        compare(c, "ECN bits of the IP header", spec->tos, ecn);
    else if (spec->tos_check == TOS_WHOLE)
        compare(c, "type of service", spec->tos, actual->tos);
    else if (spec->tos_check == TOS_ECT01 && ecn != 1 && ecn != 2)
        compare(c, "ECN bits of the IP header, 1 or 2", 2, ecn);
    if (spec->ttl)
        compare(c, "time to live", spec->ttl, actual->ttl);
}

static void compare_flags(struct comparison *c, uint16_t expected, uint16_t actual)
{
    static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK",
                                        "URG", "ECE", "CWR", "AE"};
    for (int i = 0; i < 9; i++)
        compare(c, arena_format(c->arena, "flag %s", names[i]), expected >> i & 1, actual >> i & 1);
}

static void compare_tcp(struct comparison *c, const struct packet_spec *spec,
                        const struct packet_view *actual)
{
    compare(c, "payload length", spec->length, actual->length);
    compare_flags(c, spec->flags, actual->flags);
    compare(c, "sequence number", spec->seq, actual->seq);
    compare(c, "acknowledgment number", spec->ack, actual->ack);
    if (spec->window >= 0)
        compare(c, "window", (uint32_t)spec->window, actual->window);
    compare(c, "urgent pointer", spec->urgent, actual->urgent);
}

static void compare_timestamps(struct comparison *c, const struct config *config, int64_t slack_ns,
                               const uint8_t *expected, const uint8_t *actual)
{
    uint32_t value = wire_u32(expected), actual_value = wire_u32(actual);
    int64_t off = (int64_t)abs((int32_t)(actual_value - value)) * config->timestamp_tick_ns;
    if (off > slack_ns)
        compare(c, "TS val", value, actual_value);
    if (!config->timestamp_echo_any)
        compare(c, "TS ecr", wire_u32(expected + 4), wire_u32(actual + 4));
}

/* Both walk their options at once: the same kinds in the same order, with the same values. */
static void compare_options(struct comparison *c, const struct packet_spec *spec,
                            struct packet_view *actual, const struct config *config,
                            int64_t slack_ns)
{
    struct packet_spec copy = *spec;
    struct option_view expected_option, actual_option;
    uint8_t expected_at = 0, actual_at = 0;
    bool broken = false, differs = false;
    for (;;) {
        bool one = option_next(copy.options, copy.options_length, &expected_at, &expected_option,
                               &differs);
        bool other = option_next(actual->options, actual->options_length, &actual_at,
                                 &actual_option, &broken);
        if (broken)
            differ(c, "an option is broken");
        if (one != other)
            differ(c, "the options are not those expected");
        if (!one || !other)
            return;
        bool timestamps = expected_option.kind == 8 && expected_option.length == 8;
        if (expected_option.kind != actual_option.kind ||
            expected_option.length != actual_option.length)
            differ(c, "the options are not those expected");
        else if (timestamps)
            compare_timestamps(c, config, slack_ns, expected_option.value, actual_option.value);
        else if (expected_option.length &&
                 memcmp(expected_option.value, actual_option.value, expected_option.length) != 0)
            differ(c, arena_format(c->arena, "the value of option %u is not the one expected",
                                   expected_option.kind));
        if (c->difference)
            return;
    }
}

static void compare_icmp(struct comparison *c, const struct packet_spec *spec,
                         const struct packet_view *actual)
{
    compare(c, "ICMP type", spec->icmp_type, actual->icmp_type);
    compare(c, "ICMP code", spec->icmp_code, actual->icmp_code);
    if (spec->icmp_mtu)
        compare(c, "ICMP MTU", spec->icmp_mtu, actual->icmp_mtu);
    if (spec->icmp_id)
        compare(c, "ICMP identifier", spec->icmp_id, actual->icmp_id);
}

const char *packet_compare(const struct packet_spec *spec, struct packet_view *actual,
                           const struct config *config, int64_t slack_ns, struct arena *arena)
{
    struct comparison c = {arena, NULL};
    compare_ip(&c, spec, actual);
    if (spec->protocol == PACKET_TCP) {
        compare_tcp(&c, spec, actual);
        if (!spec->options_any)
            compare_options(&c, spec, actual, config, slack_ns);
    } else if (spec->protocol == PACKET_UDP) {
        compare(&c, "payload length", spec->length, actual->length);
    } else {
        compare_icmp(&c, spec, actual);
    }
    return c.difference;
}

const char *packet_follows(const struct packet_view *last, const struct packet_view *next,
                           bool is_final, struct arena *arena)
{
    const uint16_t free_flags = WIRE_FIN | WIRE_PSH | WIRE_CWR;
    struct comparison c = {arena, NULL};
    compare(&c, "sequence number of the next part", last->seq + last->length, next->seq);
    compare(&c, "flags of the next part", last->flags & ~free_flags, next->flags & ~free_flags);
    compare(&c, "acknowledgment number of the next part", last->ack, next->ack);
    compare(&c, "window of the next part", last->window, next->window);
    compare(&c, "options length of the next part", last->options_length, next->options_length);
    if (!is_final)
        compare(&c, "payload length of the next part", last->length, next->length);
    return c.difference;
}
