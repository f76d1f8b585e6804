#include "tcp/options.h"

#include "base/time.h"
#include "tcp/fastopen.h"
#include "tcp/sack.h"
#include "tcp/user_timeout.h"

uint32_t tcp_timestamp_clock(const struct stack *stack)
{
    return (uint32_t)(stack->now_ns / TIME_MS(1));
}

uint32_t tcp_timestamp_at(const struct tcb *tcb, uint64_t when_ns)
{
    return (uint32_t)(when_ns / TIME_MS(1)) + tcb->opt.ts_offset;
}

uint32_t tcp_timestamp(const struct tcb *tcb)
{
    return tcp_timestamp_clock(tcb->stack) + tcb->opt.ts_offset;
}

uint32_t tcp_timestamp_offset(const struct tcp *tcp, const struct endpoint *local,
                              const struct endpoint *remote)
{
    return (uint32_t)endpoint_pair_hash(&tcp->timestamp_key, local, remote);
}

uint8_t options_scale(const struct tcp_options *peer)
{
    return peer->window_scale < 14 ? peer->window_scale : 14;
}

uint16_t options_own_mss(const struct ip_path *path, const struct tcp_preferences *preferences)
{
    uint32_t mss = path->link_mtu - path->header_bytes - TCP_HEADER_MIN;
    if (preferences->max_segment && preferences->max_segment < mss)
        mss = preferences->max_segment;
    return mss < UINT16_MAX ? (uint16_t)mss : UINT16_MAX;
}

uint16_t options_mss(const struct tcp_options *peer)
{
    uint16_t mss = peer->has_mss ? peer->mss : 536;
    return mss < LIMIT_MSS_MIN ? LIMIT_MSS_MIN : mss;
}

static void fill_timestamps(const struct tcb *tcb, struct tcp_options *options, uint16_t flags)
{
    options->has_timestamps = true;
    options->timestamp_value = tcp_timestamp(tcb);
    options->timestamp_echo = flags & TCP_ACK ? tcb->opt.ts_recent : 0; /* §3.2 */
}

static void fill_syn(const struct tcb *tcb, struct segment *segment)
{
    const struct settings *settings = &tcb->stack->settings;
    struct tcp_options *o = &segment->options;
    bool offer = tcb->state == TCP_SYN_SENT;
    o->has_mss = true;
    o->mss = (uint16_t)tcb->rcv.advertised_mss;
    o->has_sack_permitted = offer ? settings->tcp_sack : tcb->opt.sack;
    o->has_window_scale = offer ? settings->tcp_window_scaling : tcb->opt.scaling;
    o->window_scale = tcb->rcv.scale;
    if (offer ? settings->tcp_timestamps : tcb->opt.timestamps)
        fill_timestamps(tcb, o, segment->flags);
    if (offer)
        fast_open_fill_syn(tcb, o);
}

/* How the space behind timestamps is shared: as many SACK blocks as are wanted, and AccECN. */
struct space_share {
    unsigned blocks, fields;
    bool accecn;
};

static uint32_t timestamps_size(const struct tcb *tcb)
{
    return tcb->opt.timestamps ? 12 : 0;
}

/* As tcp_build() writes them. */
static uint32_t share_size(const struct space_share *share)
{
    uint32_t size =
        (share->accecn ? 2 + 3 * share->fields : 0) + (share->blocks ? 2 + 8 * share->blocks : 0);
    return (size + 3) & ~3u;
}

static bool share_fits(struct space_share *share, unsigned blocks, unsigned fields, uint32_t room)
{
    *share = (struct space_share){.blocks = blocks, .fields = fields, .accecn = true};
    return share_size(share) <= room;
}

/* RFC 9768 §3.2.3.3: the option has every counter if it can, at least those that have changed, and
 * for these SACK gives up its third block; where there is no room for it beside two it is left
 * out. */
static struct space_share share_options(const struct tcb *tcb, uint32_t room)
{
    struct space_share share = {.blocks = sack_blocks(tcb)};
    while (share.blocks > 0 && share_size(&share) > room)
        share.blocks--;
    if (!accecn_option_due(tcb))
        return share;
    unsigned least = accecn_option_fields(tcb);
    struct space_share both;
    for (unsigned blocks = share.blocks;; blocks--) {
        for (unsigned fields = 3; fields + 1 > least; fields--)
            if (share_fits(&both, blocks, fields, room))
                return both;
        if (blocks <= 2 || least == 0)
            return share;
    }
}

/* Neither SACK nor AccECN: so it is with most segments. */
static bool has_nothing_to_tell(const struct tcb *tcb)
{
    return tcb->rcv.out_of_order.count == 0 && (!tcb->rcv.fin_seen || tcb->rcv.fin) &&
           tcb->rcv.duplicate.start == tcb->rcv.duplicate.end &&
           tcb->ecn.handshake.mode != ECN_ACCURATE;
}

uint32_t options_extra_size(const struct tcb *tcb)
{
    if (has_nothing_to_tell(tcb))
        return 0;
    struct space_share share = share_options(tcb, TCP_OPTIONS_MAX - timestamps_size(tcb));
    return share_size(&share);
}

void options_fill(struct tcb *tcb, struct segment *segment, uint32_t text_length)
{
    struct tcp_options *o = &segment->options;
    user_timeout_departs(tcb, segment->flags, text_length, o);
    if (segment->flags & TCP_SYN) {
        fill_syn(tcb, segment);
        return;
    }
    if (tcb->opt.timestamps)
        fill_timestamps(tcb, o, segment->flags);
    if (!(segment->flags & TCP_ACK) || segment->flags & TCP_RST || has_nothing_to_tell(tcb))
        return;
    uint32_t used = tcb->path.header_bytes + TCP_HEADER_MIN + timestamps_size(tcb) + text_length;
    uint32_t room = tcb->path.mtu > used ? tcb->path.mtu - used : 0;
    if (room > TCP_OPTIONS_MAX - timestamps_size(tcb))
        room = TCP_OPTIONS_MAX - timestamps_size(tcb);
    struct space_share share = share_options(tcb, room);
    bool duplicate = tcb->rcv.duplicate.start != tcb->rcv.duplicate.end;
    if (share.accecn)
        accecn_option_fill(tcb, o, share.fields);
    if (share.accecn && duplicate && share.blocks)
        accecn_option_tells(tcb, tcb->rcv.duplicate.end);
    if (share.blocks)
        sack_fill(tcb, o, share.blocks);
}

void options_negotiate(struct tcb *tcb, const struct tcp_options *peer)
{
    const struct settings *settings = &tcb->stack->settings;
    tcb->snd.peer_mss = options_mss(peer);
    user_timeout_arrives(tcb, peer);
    tcb->opt.sack = peer->has_sack_permitted && settings->tcp_sack;
    tcb->opt.scaling = peer->has_window_scale && settings->tcp_window_scaling;
    tcb->opt.timestamps = peer->has_timestamps && settings->tcp_timestamps;
    tcb->snd.scale = tcb->opt.scaling ? options_scale(peer) : 0;
    if (tcb->opt.scaling && tcb->snd.scale != peer->window_scale)
        stack_trace(tcb->stack, TERN_TRACE_NOTE, NULL, 0, NULL,
                    "the peer's window scale is above 14, and counts as 14", "RFC 7323 §2.3");
    if (!tcb->opt.scaling)
        tcb->rcv.scale = 0;
    if (tcb->opt.timestamps) {
        tcb->opt.ts_recent = peer->timestamp_value;
        tcb->opt.ts_recent_ns = tcb->stack->now_ns;
    }
}
