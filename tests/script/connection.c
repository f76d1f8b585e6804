#include "script/connection.h"

#include "script/packet.h"
#include "script/pattern.h"
#include "script/wire.h"

uint32_t connection_local_offset(const struct connection *c, bool syn)
{
    return syn ? c->local_isn - c->script_isn : c->local_isn;
}

uint32_t connection_remote_offset(const struct connection *c, bool syn)
{
    return syn ? 0 : c->remote_isn;
}

void connection_to_script(const struct connection *c, struct packet_view *view)
{
    bool syn = view->flags & WIRE_SYN;
    uint32_t remote = connection_remote_offset(c, syn);
    view->seq -= connection_local_offset(c, syn);
    if (view->flags & WIRE_ACK)
        view->ack -= remote;
    uint8_t at = 0;
    bool broken = false;
    struct option_view option;
    while (option_next(view->options, view->options_length, &at, &option, &broken))
        for (uint8_t i = 0; option.kind == 5 && i + 4 <= option.length; i += 4)
            wire_put_u32(option.value + i, wire_u32(option.value + i) - remote);
    uint8_t *timestamps = option_timestamps(view->options, view->options_length);
    if (timestamps && c->first_timestamp)
        wire_put_u32(timestamps,
                     wire_u32(timestamps) - c->first_timestamp->live + c->first_timestamp->script);
}

void connection_learn_timestamp(struct connection *c, struct arena *arena, uint32_t script,
                                uint32_t live)
{
    struct timestamp_pair *pair = arena_take(arena, sizeof *pair);
    *pair = (struct timestamp_pair){c->timestamps, script, live};
    c->timestamps = pair;
    if (c->first_timestamp == NULL)
        c->first_timestamp = pair;
}

bool connection_echo(const struct connection *c, bool scaled, uint32_t ecr, uint32_t *live)
{
    for (const struct timestamp_pair *pair = c->timestamps; pair; pair = pair->next) {
        if (pair->script != ecr)
            continue;
        *live = pair->live;
        return true;
    }
    if (!scaled || c->first_timestamp == NULL)
        return false;
    *live = ecr - c->first_timestamp->script + c->first_timestamp->live;
    return true;
}

void connection_wrote(struct connection *c, int64_t bytes)
{
    if (bytes > 0 && c->protocol == WIRE_TCP)
        c->written += (uint32_t)bytes;
}

static bool is_urgent(const struct connection *c, uint32_t position)
{
    for (const struct urgent_byte *u = c->urgent; u; u = u->next)
        if (u->position == position)
            return true;
    return false;
}

bool connection_is_urgent(const struct connection *c, uint8_t byte)
{
    return c->urgent != NULL && byte == pattern_at(c->urgent->position);
}

int64_t connection_check_read(struct connection *c, const uint8_t *bytes, size_t length, bool peek)
{
    bool stream = c->protocol == WIRE_TCP;
    uint32_t position = stream ? c->read : 0;
    int64_t differs = -1;
    for (size_t i = 0; i < length && differs < 0; i++, position++) {
        if (bytes[i] != pattern_at(position) && is_urgent(c, position))
            position++;
        if (bytes[i] != pattern_at(position))
            differs = (int64_t)i;
    }
    if (stream && !peek)
        c->read = position;
    return differs;
}
