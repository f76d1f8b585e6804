#include "sim/forge.h"

#include "unit.h"

#include <string.h>

#include "sim/chance.h"
#include "sock/tern.h"
#include "tcp/tcb.h"
#include "wire/ipv4.h"

enum { TEXT_MOST = 9000 };

/* Mostly `right`, else something near it. */
static uint32_t nearly(struct random *random, uint32_t right, uint32_t span)
{
    return chance(random, 70) ? right : right - span / 2 + random_below(random, span);
}

static uint16_t choose_flags(struct random *random)
{
    static const uint16_t others[] = {TCP_PSH, TCP_URG, TCP_ECE, TCP_CWR,
                                      TCP_AE,  TCP_SYN, TCP_RST, TCP_FIN};
    uint16_t flags = chance(random, 95) ? TCP_ACK : 0;
    if (chance(random, 40))
        flags |= others[random_below(random, 8)];
    return flags;
}

static void choose_options(const struct tcb *tcb, struct random *random, struct tcp_options *o)
{
    o->has_timestamps = tcb->opt.timestamps == chance(random, 90);
    o->timestamp_value = nearly(random, tcb->opt.ts_recent, 10);
    o->timestamp_echo = chance(random, 50) ? (uint32_t)(tcb->stack->now_ns / 1000000) : 0;
    if (chance(random, 10)) {
        o->has_user_timeout = true;
        o->user_timeout_s = 1 + random_below(random, 1000);
    }
    if (chance(random, 15)) {
        uint32_t start = nearly(random, tcb->snd.una, 4000);
        o->sack[o->sack_count++] = (struct range){start, start + random_below(random, 4000)};
    }
}

static struct segment nearly_next(const struct tcb *tcb, struct random *random)
{
    static const uint8_t text[TEXT_MOST];
    uint32_t out = tcb->snd.nxt - tcb->snd.una;
    struct segment s = {.source_port = tcb->connection->remote.port,
                        .destination_port = tcb->connection->local.port,
                        .seq = nearly(random, tcb->rcv.nxt, 3000),
                        .ack = nearly(random, tcb->snd.una + random_below(random, out + 1), 3000),
                        .flags = choose_flags(random),
                        .urgent = (uint16_t)random_below(random, 2000),
                        .window = (uint16_t)nearly(random, tcb->snd.wnd >> tcb->snd.scale, 200),
                        .text = text,
                        .length = chance(random, 50) ? random_below(random, TEXT_MOST) : 0};
    choose_options(tcb, random, &s.options);
    return s;
}

void forge_segment(struct world *world, int index, struct random *random)
{
    static const uint8_t marks[] = {ECN_NOT_ECT, ECN_NOT_ECT, ECN_ECT0, ECN_CE};
    const struct list *all = &tcp_of(&world->machine[index]->stack)->all;
    uint8_t packet[IPV4_HEADER_MIN + TCP_HEADER_MAX + TEXT_MOST];
    if (list_empty(all))
        return;
    const struct tcb *tcb = container_of(all->next, struct tcb, all);
    struct segment segment = nearly_next(tcb, random);
    size_t length = IPV4_HEADER_MIN;
    length += tcp_build(&segment, packet + length);
    memcpy(packet + length, segment.text, segment.length);
    length += segment.length;
    struct ipv4_header header = {.source = tcb->connection->remote.address,
                                 .destination = tcb->connection->local.address,
                                 .protocol = IP_PROTOCOL_TCP,
                                 .time_to_live = 64,
                                 .traffic_class = marks[random_below(random, 4)],
                                 .total_length = (uint32_t)length};
    ipv4_build(&header, packet);
    world_inject(world, index, packet, length);
}
