#include "tcp/burst.h"

#include "base/time.h"
#include "tcp/records.h"
#include "tcp/recovery.h"
#include "tcp/tcb.h"

uint32_t burst_bytes_max(const struct tcb *tcb)
{
    uint32_t packet =
        interface_super_packet_max(tcb->path.interface, &tcb->connection->remote.address);
    return (packet > LIMIT_HEADERS ? packet : LIMIT_SUPER_PACKET) - LIMIT_HEADERS;
}

/* About a millisecond of the present rate, so that a slow connection does not send in lumps; and on
 * paths so short that a lump is soon gone, more, halved for each doubling of the minimum RTT. */
uint32_t burst_segments(const struct tcb *tcb, uint32_t mss)
{
    const struct settings *settings = &tcb->stack->settings;
    if (tcb->snd.urgent)
        return 1; /* a super-segment has one urgent pointer, which is wrong in all parts but one */
    uint32_t most = burst_bytes_max(tcb);
    uint64_t rtt_us = tcb->rtt.min_ns == TIME_NEVER ? UINT64_MAX : tcb->rtt.min_ns / TIME_US(1);
    uint64_t halvings = rtt_us >> settings->tcp_tso_rtt_log;
    uint64_t bytes = tcb->cc.pacing_rate ? tcb->cc.pacing_rate >> 10 : most;
    /* An algorithm with a rate of its own is asked to send no lumps at all. */
    bool lumps = !tcb->cc.operations->set_rate;
    if (lumps && halvings < 32)
        bytes += most >> halvings;
    if (bytes > most)
        bytes = most;
    uint32_t segments = (uint32_t)bytes / mss;
    uint32_t least = (uint32_t)settings->tcp_min_tso_segs;
    return segments > least ? segments : least;
}

/* Whether the ACK that lets more out is expected within a moment: a millisecond, or half a round
 * trip where that is shorter. */
static bool ack_is_near(const struct tcb *tcb)
{
    const struct sent_record *oldest = records_first(tcb);
    uint64_t srtt = tcb->rtt.srtt_ns;
    if (!oldest)
        return false;
    return oldest->sent_ns + srtt <= tcb->stack->now_ns + time_min(srtt / 2, TIME_MS(1));
}

static uint64_t good_part(const struct tcb *tcb)
{
    uint64_t divisor = (uint64_t)tcb->stack->settings.tcp_tso_win_divisor;
    uint64_t window = (uint64_t)tcb->cc.cwnd * tcb->snd.mss;
    if (divisor == 0)
        return 3 * tcb->snd.mss + 1;
    return (window < tcb->snd.wnd ? window : tcb->snd.wnd) / divisor;
}

bool burst_should_wait(const struct tcb *tcb, uint32_t length, bool more, uint32_t room,
                       uint32_t usable, uint32_t burst, enum tcp_held *held)
{
    uint32_t sendable = room < usable ? room : usable;
    if (tcb->recovery.phase >= TCP_PHASE_RECOVERY ||
        tcb->stack->now_ns - tcb->stat.last_sent_ns > TIME_MS(1))
        return false;
    /* Large enough: a whole burst, all that will ever be in this unit, a good part
     * of the window. */
    if (sendable >= burst || (more && sendable >= length) || sendable >= good_part(tcb) ||
        !ack_is_near(tcb))
        return false;
    *held = room < usable ? HELD_BY_CONGESTION : HELD_BY_PEER;
    if (sendable <= length)
        return true;
    /* The user may add to it; unless there is nothing to add. */
    *held = HELD_BY_USER;
    return !tcb->snd.fin_queued && !units_first(tcb)->ends_record;
}
