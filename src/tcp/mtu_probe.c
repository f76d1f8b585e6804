/* Theory of operation.
 *
 * Between `low`, the largest packet known to come through, and `high`, the largest not known to be
 * too large, the search goes by halves. A probe is a segment of new text larger than the others.
 * Its acknowledgment raises `low` and with it the segment size; its loss, alone among what was out,
 * lowers `high`, and says nothing of congestion. A search that has come within tcp.probe_threshold
 * rests for tcp.probe_interval_s.
 *
 * tcp.mtu_probing says when there is a search: 2, from the start, at tcp.base_mss; 1, once a
 * connection has been stalled for R1, which may be for a router that drops in silence what is too
 * large. Who is searching already and stalls so, halves `low` down to tcp.mtu_probe_floor. Where
 * segments of this size have come through before, the stall must be longer.
 *
 * Sizes are of IP packets. That a passive open goes on with the path's segment size until something
 * is learnt, where an active one begins with the base, is as on Linux. */
#include "tcp/mtu_probe.h"

#include "base/seq.h"
#include "base/time.h"
#include "tcp/connection.h"
#include "tcp/mtu.h"
#include "tcp/output.h"
#include "tcp/pacing.h"
#include "tcp/records.h"
#include "tcp/recovery.h"
#include "tcp/sockopt.h"

/* A window of this many segments has room for a probe, which counts as two, and for what must
 * follow it to show its loss. */
enum { PROBE_WINDOW = 11 };

enum { PROVEN_PATIENCE = 3 }; /* timeouts beyond R1 */

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t overhead(const struct tcb *tcb)
{
    return tcb->path.header_bytes + TCP_HEADER_MIN + (tcb->opt.timestamps ? 12 : 0);
}

/* The largest packet that path and peer could take. */
static uint32_t ceiling(const struct tcb *tcb)
{
    uint32_t mss = tcb->snd.peer_mss;
    if (tcb->preferences.max_segment && tcb->preferences.max_segment < mss)
        mss = tcb->preferences.max_segment;
    return min_u32(mss + tcb->path.header_bytes + TCP_HEADER_MIN, tcb->path.mtu);
}

void mtu_probe_begin(struct tcb *tcb)
{
    tcb->mtu.enabled = tcb->stack->settings.tcp_mtu_probing > 1;
    tcb->mtu.low = (uint32_t)tcb->stack->settings.tcp_base_mss + overhead(tcb);
    tcb->mtu.high = ceiling(tcb);
    tcb->mtu.size = 0;
    tcb->mtu.since_ns = tcb->stack->now_ns;
}

uint32_t mtu_probe_bound(const struct tcb *tcb)
{
    return tcb->mtu.enabled ? tcb->mtu.low : UINT32_MAX;
}

void mtu_probe_path_changed(struct tcb *tcb)
{
    tcb->mtu.high = ceiling(tcb);
    if (tcb->mtu.size > tcb->path.mtu)
        tcb->mtu.size = 0; /* the caller cuts anew what it carried */
}

static void begin_again(struct tcb *tcb)
{
    tcb->mtu.low = tcb->snd.mss + overhead(tcb);
    tcb->mtu.high = ceiling(tcb);
    tcb->mtu.since_ns = tcb->stack->now_ns;
}

/* RFC 4821 §7.4: only where its loss would be seen as such, and not for another. One that routers
 * may cut tells nothing by its arrival (RFC 8899 §3 item 2). */
static bool may_probe(const struct tcb *tcb)
{
    return tcb->mtu.enabled && tcb->preferences.mtu_discover != MTU_DISCOVER_DONT &&
           tcb->mtu.size == 0 && tcb->state == TCP_ESTABLISHED &&
           tcb->recovery.phase == TCP_PHASE_OPEN && tcb->cc.cwnd >= PROBE_WINDOW &&
           records_room(tcb) && !pacing_holds(tcb) && tcb->rcv.out_of_order.count == 0 &&
           tcb->rcv.duplicate.start == tcb->rcv.duplicate.end;
}

/* The text of the next probe; 0 for none. */
static uint32_t next_size(struct tcb *tcb)
{
    uint32_t low = tcb->mtu.low, high = tcb->mtu.high;
    uint64_t now = tcb->stack->now_ns;
    if (high < low || high - low < (uint32_t)tcb->stack->settings.tcp_probe_threshold) {
        if (now - tcb->mtu.since_ns >= TIME_S(tcb->stack->settings.tcp_probe_interval_s))
            begin_again(tcb);
        return 0;
    }
    uint32_t middle = low + (high - low) / 2;
    return middle > overhead(tcb) ? middle - overhead(tcb) : 0;
}

static bool send_probe(struct tcb *tcb, uint32_t length)
{
    struct send_decision decision = {
        .why = WHY_MTU_PROBE, .seq = tcb->snd.nxt, .length = length, .mss = length};
    if (!tcp_carry_out(tcb, &decision))
        return false;
    tcb->cc.cwnd--; /* it is about two segments long */
    tcb->mtu.size = length + overhead(tcb);
    tcb->mtu.start = decision.seq;
    tcb->mtu.end = decision.seq + length;
    stack_count(tcb->stack, COUNTER_TcpExtTCPMTUProbes);
    return true;
}

enum mtu_probe_turn mtu_probe_send(struct tcb *tcb)
{
    if (!may_probe(tcb))
        return MTU_PROBE_NONE;
    uint32_t length = next_size(tcb);
    /* Enough must follow it to make its loss known. */
    uint32_t needed = length + (tcb->recovery.reordering + 1) * tcb->snd.mss;
    uint32_t text = tcb->snd.base + tcb->snd.ring.length - tcb->snd.nxt;
    if (length == 0 || text < needed || tcb->snd.wnd < needed)
        return MTU_PROBE_NONE;
    if (seq_gt(tcb->snd.nxt + needed, tcb->snd.una + tcb->snd.wnd))
        return MTU_PROBE_WAIT;
    uint32_t out = tcb_in_flight(tcb);
    if (out + 2 > tcb->cc.cwnd)
        return out ? MTU_PROBE_WAIT : MTU_PROBE_NONE;
    units_grow(tcb, length);
    const struct send_unit *unit = units_first(tcb);
    if (!unit || unit->end - tcb->snd.nxt < length || !send_probe(tcb, length))
        return MTU_PROBE_NONE; /* a record ends within it (MSG_EOR) */
    return MTU_PROBE_SENT;
}

/* A window counts segments: of larger ones, as many as make the same number of bytes. */
static void scale_window(struct tcb *tcb, uint32_t before, uint32_t after)
{
    uint64_t cwnd = (uint64_t)tcb->cc.cwnd * before / after;
    tcb->cc.cwnd = cwnd ? (uint32_t)cwnd : 1;
    tcb->cc.fraction = 0;
}

void mtu_probe_acknowledged(struct tcb *tcb)
{
    if (tcb->mtu.size == 0 || seq_lt(tcb->snd.una, tcb->mtu.end))
        return;
    uint32_t before = tcb->snd.mss + overhead(tcb);
    stack_count(tcb->stack, COUNTER_TcpExtTCPMTUPSuccess);
    scale_window(tcb, before, tcb->mtu.size);
    tcb->mtu.low = tcb->mtu.size;
    tcb->mtu.size = 0;
    tcp_connection_set_mss(tcb);
}

bool mtu_probe_lost(struct tcb *tcb)
{
    if (tcb->mtu.size == 0)
        return false;
    const struct sent_record *first = records_first(tcb);
    bool alone = first && first->lost && first->start == tcb->mtu.start &&
                 tcb->records.lost_out == first->segments;
    if (!alone) {
        mtu_probe_inconclusive(tcb);
        return false;
    }
    stack_count(tcb->stack, COUNTER_TcpExtTCPMTUPFail);
    tcb->mtu.high = tcb->mtu.size - 1;
    mtu_probe_inconclusive(tcb);
    tcb->cc.cwnd++;
    recovery_on_too_big(tcb);
    return true;
}

void mtu_probe_inconclusive(struct tcb *tcb)
{
    if (tcb->mtu.size == 0)
        return;
    tcb->mtu.size = 0;
    mtu_recut(tcb);
}

/* A path that has carried segments as large as these, and loses much, is more likely than one that
 * no longer does: it gets three timeouts more, after which loss alone is hardly the reason. */
static bool is_proven(const struct tcb *tcb)
{
    int64_t doubt = tcb->stack->settings.tcp_retries1 + PROVEN_PATIENCE;
    return tcb->snd.mss <= tcb->mtu.proven && tcb->rtt.backoff < doubt;
}

void mtu_probe_black_hole(struct tcb *tcb)
{
    const struct settings *settings = &tcb->stack->settings;
    if (!settings->tcp_mtu_probing || is_proven(tcb))
        return;
    uint32_t before = tcb->snd.mss;
    if (!tcb->mtu.enabled) {
        tcb->mtu.enabled = true;
        tcb->mtu.since_ns = tcb->stack->now_ns;
    } else {
        uint32_t mss = (tcb->mtu.low - overhead(tcb)) / 2;
        mss = min_u32(mss, (uint32_t)settings->tcp_base_mss);
        if (mss < (uint32_t)settings->tcp_mtu_probe_floor)
            mss = (uint32_t)settings->tcp_mtu_probe_floor;
        tcb->mtu.low = mss + overhead(tcb);
    }
    tcb->mtu.proven = 0;
    tcp_connection_set_mss(tcb);
    if (tcb->snd.mss < before)
        stack_trace(tcb->stack, TERN_TRACE_NOTE, NULL, 0, NULL,
                    "smaller segments: perhaps the path drops large ones in silence",
                    "RFC 4821 §7.7");
    mtu_recut(tcb);
}
