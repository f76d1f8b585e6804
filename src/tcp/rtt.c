#include "tcp/rtt.h"

#include "base/seq.h"
#include "base/time.h"

void rtt_init(struct tcb *tcb)
{
    tcb->rtt.rto_ns = TIME_MS(tcb->stack->settings.tcp_rto_initial_ms); /* §2.1 */
    tcb->rtt.min_ns = TIME_NEVER;
    tcb->rtt.deviation_ns = TIME_MS(tcb->stack->settings.tcp_rto_initial_ms);
}

/* RFC 6298 §5.7 */
#define RTO_AFTER_LOST_SYN TIME_S(3)

void rtt_established(struct tcb *tcb)
{
    if (tcb->rtt.srtt_ns)
        return;
    tcb->rtt.rto_ns = time_max(tcb->rtt.rto_ns, RTO_AFTER_LOST_SYN);
    tcb->rtt.backoff = 0;
}

/* K * RTTVAR is at least the shortest timeout: §2.3's max(G, K * RTTVAR) with that for G, so that
 * the timeout always lies that much above SRTT. RFC 6298 §2.4 would have it no less than a second,
 * a SHOULD that no stack in use today follows. */
static uint64_t variance_floor(const struct tcb *tcb)
{
    return TIME_MS(tcb->stack->settings.tcp_rto_min_ms) / 4;
}

static void rtt_first(struct tcb *tcb, uint64_t rtt_ns)
{
    tcb->rtt.srtt_ns = rtt_ns;
    tcb->rtt.deviation_ns = rtt_ns / 2;
    tcb->rtt.deviation_max_ns = time_max(tcb->rtt.deviation_ns, variance_floor(tcb));
    tcb->rtt.rttvar_ns = tcb->rtt.deviation_max_ns;
    tcb->rtt.period_end = tcb->snd.nxt;
}

/* A window brings many samples a round trip. RTTVAR follows the largest smoothed deviation of each
 * round trip up at once and down slowly, so that many equal samples in a row do not let it collapse
 * (RFC 6298 §4, RFC 7323 appendix G). */
static void rtt_next(struct tcb *tcb, uint64_t rtt_ns)
{
    int64_t error = (int64_t)(rtt_ns - tcb->rtt.srtt_ns);
    tcb->rtt.srtt_ns = (uint64_t)((int64_t)tcb->rtt.srtt_ns + error / 8); /* alpha */
    int64_t excess = (error < 0 ? -error : error) - (int64_t)tcb->rtt.deviation_ns;
    /* A round trip that got shorter is no reason to wait longer: it counts an eighth. */
    if (error < 0 && excess > 0)
        excess /= 8;
    tcb->rtt.deviation_ns = (uint64_t)((int64_t)tcb->rtt.deviation_ns + excess / 4); /* beta */

    if (tcb->rtt.deviation_ns > tcb->rtt.deviation_max_ns)
        tcb->rtt.deviation_max_ns = tcb->rtt.deviation_ns;
    if (tcb->rtt.deviation_max_ns > tcb->rtt.rttvar_ns)
        tcb->rtt.rttvar_ns = tcb->rtt.deviation_max_ns;
    if (seq_gt(tcb->snd.una, tcb->rtt.period_end)) {
        if (tcb->rtt.deviation_max_ns < tcb->rtt.rttvar_ns)
            tcb->rtt.rttvar_ns -= (tcb->rtt.rttvar_ns - tcb->rtt.deviation_max_ns) / 4;
        tcb->rtt.period_end = tcb->snd.nxt;
        tcb->rtt.deviation_max_ns = variance_floor(tcb);
    }
}

void rtt_sample(struct tcb *tcb, uint64_t rtt_ns)
{
    if (rtt_ns == 0)
        rtt_ns = 1;
    tcb->rtt.latest_ns = rtt_ns;
    tcb->rack.rtt_taken = true;
    if (tcb->rtt.srtt_ns == 0)
        rtt_first(tcb, rtt_ns);
    else
        rtt_next(tcb, rtt_ns);
    tcb->rtt.rto_ns = tcb->rtt.srtt_ns + 4 * tcb->rtt.rttvar_ns;
    tcb->rtt.backoff = 0;
}

void rtt_min_sample(struct tcb *tcb, uint64_t rtt_ns)
{
    uint64_t window = TIME_S(tcb->stack->settings.tcp_min_rtt_window_s);
    uint64_t now = tcb->stack->now_ns;
    if (rtt_ns <= tcb->rtt.min_ns || now - tcb->rtt.min_stamp_ns > window) {
        tcb->rtt.min_ns = rtt_ns ? rtt_ns : 1;
        tcb->rtt.min_stamp_ns = now;
    }
}

uint64_t rtt_rto(const struct tcb *tcb)
{
    uint64_t most = TIME_MS(tcb->stack->settings.tcp_rto_max_ms);
    if (tcb->rtt.backoff >= 32 || tcb->rtt.rto_ns > most >> tcb->rtt.backoff)
        return most;
    return tcb->rtt.rto_ns << tcb->rtt.backoff;
}
