/* Packets that the script injects, and the connections that packets belong to. */
#include "script/run.h"
#include "script/wire.h"

#include <string.h>

struct connection *connection_new(struct run *run, uint8_t protocol)
{
    struct connection *c = arena_take(run->arena, sizeof *c);
    *c = (struct connection){
        .next = run->connections,
        .protocol = protocol,
        .script_fd = -1,
        .live_fd = -1,
        .local = run->config->local,
        .remote = run->config->remote,
        .written = 1,
        .read = 1,
    };
    run->connections = c;
    run->under_test = c;
    return c;
}

struct connection *connection_by_fd(const struct run *run, int script_fd)
{
    for (struct connection *c = run->connections; c; c = c->next)
        if (c->script_fd == script_fd && !c->closed)
            return c;
    return NULL;
}

/* The peer of a listener, known by its first segment. */
static struct connection *listener_child(struct run *run, const struct packet_spec *packet)
{
    struct connection *c = connection_new(run, WIRE_TCP);
    c->stage = STAGE_SYN_ARRIVED;
    c->local_port = run->config->bind_port;
    c->remote_port = run->next_port++;
    c->remote_isn = packet->seq;
    return c;
}

static bool fits(const struct connection *c, const struct packet_spec *packet)
{
    static const uint8_t protocols[] = {
        [PACKET_TCP] = WIRE_TCP, [PACKET_UDP] = WIRE_UDP, [PACKET_ICMP] = WIRE_ICMP};
    return packet->protocol == PACKET_ICMP || c->protocol == protocols[packet->protocol];
}

struct connection *connection_for(struct run *run, const struct event *event)
{
    const struct packet_spec *packet = event->packet;
    struct connection *c = run->under_test;
    if (packet->protocol == PACKET_TCP && !packet->outbound &&
        (c == NULL || c->stage == STAGE_LISTENING))
        return listener_child(run, packet);
    if (c == NULL || !fits(c, packet)) {
        run_fail(run, event->line, "no socket of the script has to do with this packet");
        return NULL;
    }
    if (packet->outbound && packet->flags & WIRE_SYN) {
        bool first =
            packet->flags & WIRE_ACK ? c->stage == STAGE_SYN_ARRIVED : c->stage == STAGE_CONNECTING;
        if (first)
            c->script_isn = packet->seq;
        if (first && c->stage == STAGE_CONNECTING)
            c->stage = STAGE_SYN_SENT;
    }
    return c;
}

/* What a segment from the peer says about the connection. */
static void follow_segment(struct connection *c, const struct packet_spec *packet)
{
    if (c->stage == STAGE_SYN_ANSWERED && packet->flags & WIRE_ACK)
        c->stage = STAGE_ESTABLISHED;
    if (packet->flags & WIRE_SYN)
        c->latest_syn = packet->seq;
    if (c->stage != STAGE_SYN_SENT || !(packet->flags & WIRE_SYN))
        return;
    c->remote_isn = packet->seq;
    if (packet->flags & WIRE_ACK && packet->ack == c->script_isn + 1)
        c->stage = STAGE_ESTABLISHED;
}

/* With 4.2BSD's reading of the pointer, which is the field's, it points behind the urgent byte. */
static void note_urgent(struct run *run, struct connection *c, const struct packet_spec *packet)
{
    if (!(packet->flags & 0x20) || packet->urgent == 0)
        return;
    struct urgent_byte *urgent = arena_take(run->arena, sizeof *urgent);
    urgent->position = packet->seq + packet->urgent - 1;
    urgent->next = c->urgent;
    c->urgent = urgent;
}

/* More than a segment's payload stands for as many segments as it takes, put together
 * by the link. */
static void inject(struct run *run, const struct packet_spec *packet, const uint8_t *bytes,
                   size_t length)
{
    const struct config *config = run->config;
    uint32_t header = WIRE_IP_HEADER + WIRE_TCP_HEADER + packet->options_length;
    uint32_t mss = config->mss ? config->mss : config->mtu - header;
    struct tern_offload offload = {0};
    if (packet->protocol == PACKET_TCP && packet->length > mss) {
        offload.segment_size = (uint16_t)mss;
        offload.header_length = (uint16_t)header;
    }
    uint64_t now_ns = run_clock(run);
    tern_input(run->tern, bytes, length, &offload, now_ns); /* a drop is told by the trace */
}

void inbound_perform(struct run *run, const struct event *event)
{
    const struct packet_spec *packet = event->packet;
    uint8_t bytes[65535];
    struct connection *c = connection_for(run, event);
    if (c == NULL)
        return;
    follow_segment(c, packet);
    note_urgent(run, c, packet);
    size_t length = packet_build(packet, c, run->config, bytes, run->problem);
    if (length == 0) {
        run->problem->line = event->line;
        return;
    }
    run_remember(run, "<", packet_spec_text(packet, run->arena), NULL);
    inject(run, packet, bytes, length);
}
