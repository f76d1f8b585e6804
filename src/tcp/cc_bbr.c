/* BBR: the operations, and the two things it controls. It goes by a model of the path
 * (bbr_model.c), not by losses: the pacing rate follows the bandwidth, the window the volume that
 * the path holds, both with a gain that the state says (bbr_probe.c). Losses shape the model; no
 * reduction is spread over recovery, and the window that a timeout has closed is had again at its
 * end. */
#include <stdlib.h>

#include "base/seq.h"
#include "base/time.h"
#include "tcp/bbr.h"
#include "tcp/cc.h"

_Static_assert(sizeof(uintptr_t) <= sizeof(((struct tcb *)0)->cc.private_state[0]), "fits");

static const struct {
    uint32_t pacing, cwnd;
} gains[BBR_STATES] = {
    [BBR_STARTUP] = {BBR_STARTUP_GAIN, 200}, /* 4 ln 2 */
    [BBR_DRAIN] = {50, 200},
    [BBR_PROBE_DOWN] = {90, 200},
    [BBR_PROBE_CRUISE] = {100, 200},
    [BBR_PROBE_REFILL] = {100, 200},
    [BBR_PROBE_UP] = {125, 225},
    [BBR_PROBE_RTT] = {100, BBR_PROBE_RTT_GAIN},
};

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* ── Life ── */

/* InitPacingRate, with `rtt_ns` for a round trip. */
static void set_first_rate(struct tcb *tcb, uint64_t rtt_ns)
{
    uint64_t rtt_us = time_max(rtt_ns / TIME_US(1), 1);
    uint64_t window = (uint64_t)tcb->cc.cwnd * tcb->snd.mss;
    tcb->cc.pacing_rate = window * BBR_STARTUP_GAIN * 10000 / rtt_us;
}

static void bbr_init(struct tcb *tcb)
{
    struct bbr *bbr = calloc(1, sizeof *bbr);
    if (!bbr) { /* a connection needs some control all the same */
        tcb->cc.operations = &cc_cubic;
        cc_cubic.init(tcb);
        return;
    }
    stack_charge(tcb->stack, sizeof *bbr);
    tcb->cc.private_state[0] = (uintptr_t)bbr;
    bbr->undo_state = BBR_STATES;
    bbr_model_init(tcb, bbr);
    bbr_reset_full_bw(bbr);
    bbr_enter_startup(bbr);
    bbr->has_rtt = tcb->rtt.srtt_ns != 0;
    set_first_rate(tcb, bbr->has_rtt ? tcb->rtt.srtt_ns : TIME_MS(1));
}

static void bbr_release(struct tcb *tcb)
{
    stack_charge(tcb->stack, -(int64_t)sizeof(struct bbr));
    free(bbr_of(tcb));
}

/* ── The rate ── */

/* The margin is there to let a queue go (PacingMarginPercent); a cruise that shows none does
 * without. */
static uint32_t pacing_margin(const struct bbr *bbr)
{
    return bbr->state == BBR_PROBE_CRUISE && bbr->is_level ? 0 : BBR_PACING_MARGIN;
}

static void set_rate_with_gain(struct tcb *tcb, const struct bbr *bbr, uint32_t gain)
{
    uint64_t rate = bbr->bw / 100 * gain / 100 * (100 - pacing_margin(bbr));
    /* Until the pipe has been full it only rises: what limits may be the user. */
    if (rate && (bbr->full_bw_reached || rate > tcb->cc.pacing_rate))
        tcb->cc.pacing_rate = rate;
}

static void bbr_set_rate(struct tcb *tcb)
{
    struct bbr *bbr = bbr_of(tcb);
    if (!bbr->has_rtt && tcb->rtt.srtt_ns) {
        bbr->has_rtt = true;
        set_first_rate(tcb, tcb->rtt.srtt_ns);
    }
    set_rate_with_gain(tcb, bbr, gains[bbr->state].pacing);
}

/* ── The window ── */

/* The last window that neither recovery nor ProbeRTT had modulated. */
void bbr_save_cwnd(struct tcb *tcb, struct bbr *bbr)
{
    if (tcb->recovery.phase < TCP_PHASE_RECOVERY && bbr->state != BBR_PROBE_RTT)
        bbr->prior_cwnd = tcb->cc.cwnd;
    else
        bbr->prior_cwnd = max_u32(bbr->prior_cwnd, tcb->cc.cwnd);
}

void bbr_restore_cwnd(struct tcb *tcb, const struct bbr *bbr)
{
    tcb->cc.cwnd = max_u32(tcb->cc.cwnd, bbr->prior_cwnd);
}

static uint32_t max_inflight(const struct tcb *tcb, const struct bbr *bbr)
{
    uint32_t inflight = bbr_bdp(tcb, bbr, bbr->bw, gains[bbr->state].cwnd);
    inflight += max_u32(bbr->extra_acked[0], bbr->extra_acked[1]);
    return bbr_quantization_budget(tcb, bbr, inflight);
}

/* BoundCwndForModel. */
static uint32_t model_cap(const struct bbr *bbr)
{
    uint32_t cap = BBR_NO_VOLUME;
    if (bbr->state == BBR_PROBE_CRUISE || bbr->state == BBR_PROBE_RTT)
        cap = bbr_inflight_with_headroom(bbr);
    else if (bbr_is_probing_bw_cycle(bbr))
        cap = bbr->inflight_longterm;
    cap = min_u32(cap, bbr->inflight_shortterm);
    return max_u32(cap, BBR_MIN_PIPE_CWND);
}

static void set_cwnd(struct tcb *tcb, const struct bbr *bbr, uint32_t delivered)
{
    uint32_t most = max_inflight(tcb, bbr);
    if (bbr->full_bw_reached)
        tcb->cc.cwnd = min_u32(tcb->cc.cwnd + delivered, most);
    else if (tcb->cc.cwnd < most ||
             tcb->rate.delivered < (uint64_t)tcb->stack->settings.tcp_initial_window)
        tcb->cc.cwnd += delivered;
    tcb->cc.cwnd = max_u32(tcb->cc.cwnd, BBR_MIN_PIPE_CWND);
    if (bbr->state == BBR_PROBE_RTT)
        tcb->cc.cwnd = min_u32(tcb->cc.cwnd, bbr_probe_rtt_cwnd(tcb, bbr));
    tcb->cc.cwnd = min_u32(tcb->cc.cwnd, model_cap(bbr));
}

/* ── Losses ── */

/* SaveStateUponLoss, at the first loss of a recovery. */
static void save_state(struct tcb *tcb, struct bbr *bbr)
{
    bbr_save_cwnd(tcb, bbr);
    if (bbr->saved)
        return;
    bbr->saved = true;
    bbr->undo_state = BBR_STATES;
    bbr->undo_bw_shortterm = bbr->bw_shortterm;
    bbr->undo_inflight_shortterm = bbr->inflight_shortterm;
    bbr->undo_inflight_longterm = bbr->inflight_longterm;
}

static void note_loss(struct tcb *tcb, struct bbr *bbr)
{
    if (!bbr->is_loss_in_round)
        bbr->loss_round_delivered = tcb->rate.delivered;
    bbr->is_loss_in_round = true;
    save_state(tcb, bbr);
}

/* InflightAtLoss: the part of the lost burst up to which the losses were still few enough. From
 * (lost_before + x) / (in_flight_before + x) = LossThresh. */
static uint32_t inflight_at_loss(const struct tcb *tcb, const struct bbr_flight *flight,
                                 uint32_t size)
{
    int64_t percent = tcb->stack->settings.tcp_bbr_loss_threshold;
    int64_t before = (int64_t)flight->in_flight - size;
    int64_t lost_before = (int64_t)flight->lost - size;
    int64_t prefix = (before * percent - lost_before * 100) / (100 - percent);
    int64_t at = before + (prefix > 0 ? prefix : 0);
    return at > 0 ? (uint32_t)at : 0;
}

static void bbr_lost(struct tcb *tcb, const struct sent_record *record)
{
    struct bbr *bbr = bbr_of(tcb);
    note_loss(tcb, bbr);
    if (bbr->lost_ranges == 0 || record->start != bbr->lost_end)
        bbr->lost_ranges++;
    bbr->lost_end = record->end;
    if (!bbr->is_bw_probe_sample)
        return;
    struct bbr_flight flight = {
        .in_flight = record->flight,
        .lost = tcb->rate.lost - record->lost_before,
        .app_limited = record->app_limited,
    };
    if (!bbr_is_inflight_too_high(tcb, &flight))
        return;
    flight.in_flight = inflight_at_loss(tcb, &flight, record->segments);
    bbr_handle_inflight_too_high(tcb, bbr, &flight);
}

/* Recovery begins: its losses have been noted one by one, maybe in a round that is over. Or
 * congestion was signalled otherwise: that makes a round with losses, and the model answers at its
 * end. */
static uint32_t bbr_reduced(struct tcb *tcb)
{
    if (tcb->records.lost_out > 0)
        save_state(tcb, bbr_of(tcb));
    else
        note_loss(tcb, bbr_of(tcb));
    return tcb->cc.ssthresh;
}

static void bbr_timed_out(struct tcb *tcb)
{
    note_loss(tcb, bbr_of(tcb));
}

/* HandleSpuriousLossDetection. */
static void bbr_undone(struct tcb *tcb)
{
    struct bbr *bbr = bbr_of(tcb);
    bbr_restore_cwnd(tcb, bbr);
    bbr->is_loss_in_round = false;
    bbr->yield_rounds = 0; /* for no losses, as it turns out */
    bbr_reset_full_bw(bbr);
    bbr->bw_shortterm = time_max(bbr->bw_shortterm, bbr->undo_bw_shortterm);
    bbr->inflight_shortterm = max_u32(bbr->inflight_shortterm, bbr->undo_inflight_shortterm);
    bbr->inflight_longterm = max_u32(bbr->inflight_longterm, bbr->undo_inflight_longterm);
    bbr_return_to_probe(tcb, bbr);
}

/* ── Events ── */

static void follow_phase(struct tcb *tcb, struct bbr *bbr)
{
    bool recovering = tcb->recovery.phase >= TCP_PHASE_RECOVERY;
    if (bbr->recovering && !recovering)
        bbr_restore_cwnd(tcb, bbr);
    if (!recovering)
        bbr->saved = false;
    bbr->recovering = recovering;
}

/* UpdateOnACK. */
static void bbr_control(struct tcb *tcb, const struct ack_event *event)
{
    struct bbr *bbr = bbr_of(tcb);
    follow_phase(tcb, bbr);
    if (!event->rate.valid)
        return;
    bbr_update_model(tcb, bbr, event);
    bbr_update_state(tcb, bbr, event);
    bbr_update_min_rtt(tcb, bbr, event);
    bbr_check_probe_rtt(tcb, bbr, event);
    bbr_advance_model(tcb, bbr, event);
    bbr_set_rate(tcb);
    set_cwnd(tcb, bbr, event->delivered);
}

/* HandleRestartFromIdle: nothing is in flight, and not because of the path. */
static void bbr_resumed(struct tcb *tcb, uint64_t idle_ns)
{
    struct bbr *bbr = bbr_of(tcb);
    (void)idle_ns;
    if (!tcb->rate.app_limited)
        return;
    bbr->idle_restart = true;
    bbr->extra_acked_start_ns = tcb->stack->now_ns;
    if (bbr_is_probing_bw_cycle(bbr))
        set_rate_with_gain(tcb, bbr, 100);
    else if (bbr->state == BBR_PROBE_RTT)
        bbr_check_probe_rtt_done(tcb, bbr);
}

static size_t bbr_tell(const struct tcb *tcb, struct cc_info *info)
{
    const struct bbr *bbr = bbr_of(tcb);
    info->bbr.min_rtt_us = UINT32_MAX; /* not known */
    if (bbr) {
        info->bbr.bw_low = (uint32_t)bbr->bw;
        info->bbr.bw_high = (uint32_t)(bbr->bw >> 32);
        if (bbr->min_rtt_ns != TIME_NEVER)
            info->bbr.min_rtt_us = (uint32_t)(bbr->min_rtt_ns / TIME_US(1));
        info->bbr.pacing_gain = gains[bbr->state].pacing * 256 / 100;
        info->bbr.cwnd_gain = gains[bbr->state].cwnd * 256 / 100;
    }
    return sizeof info->bbr;
}

/* The model is worth its memory: what it has learnt holds beyond a pause. */
static uint64_t bbr_rest(const struct tcb *tcb)
{
    return tcb->cc.private_state[0];
}

static void bbr_wake(struct tcb *tcb, uint64_t memory)
{
    tcb->cc.private_state[0] = memory;
}

const struct cc_operations cc_bbr = {
    .name = "bbr",
    .init = bbr_init,
    .release = bbr_release,
    .control = bbr_control,
    .reduced = bbr_reduced,
    .lost = bbr_lost,
    .undone = bbr_undone,
    .timed_out = bbr_timed_out,
    .resumed = bbr_resumed,
    .set_rate = bbr_set_rate,
    .tell = bbr_tell,
    .rest = bbr_rest,
    .wake = bbr_wake,
};
