/* BBR's states.
 *
 *   STARTUP  doubles the rate each round until it brings no more, or loses too much
 *   DRAIN    lets the queue go that this has made
 *   DOWN     sends slower than the path delivers, until there is room for others
 *   CRUISE   sends as fast as it delivers, for 2 to 3 seconds, or as many rounds as Reno would take
 *   REFILL   one round at full bandwidth, the losses of the cycle forgotten
 *   UP       sends faster, to see whether there is more; until there is not, or losses say so
 *   PROBERTT every five seconds without a shorter round trip: half of the volume, to see the path
 *            without our queue */
#include "base/random.h"
#include "base/time.h"
#include "tcp/bbr.h"
#include "tcp/chrono.h"
#include "tcp/rate.h"

#define PROBE_RTT_DURATION TIME_MS(200)

enum {
    FULL_BW_ROUNDS = 3,
    FULL_BW_GROWTH = 125, /* percent */
    HELD_ROUNDS = 10,
    DRAIN_ROUNDS = 3,
    RENO_ROUNDS_MOST = 63,
    PROBE_UP_ROUNDS_MOST = 30,
};

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* ── Startup and Drain ── */

void bbr_enter_startup(struct bbr *bbr)
{
    bbr->state = BBR_STARTUP;
}

void bbr_reset_full_bw(struct bbr *bbr)
{
    bbr->full_bw = 0;
    bbr->full_bw_count = 0;
    bbr->held_rounds = 0;
    bbr->full_bw_now = false;
}

/* A round has begun: whether the peer's window kept us from sending as what the last one delivered
 * was sent, or since. */
static bool was_held_by_peer(const struct tcb *tcb, struct bbr *bbr)
{
    uint64_t ns = chrono_ns(tcb, CHRONO_PEER);
    bool held = ns > bbr->held_ns[0];
    bbr->held_ns[0] = bbr->held_ns[1];
    bbr->held_ns[1] = ns;
    return held;
}

/* Three rounds in a row that brought less than a quarter more: the pipe is full. Three, by the
 * draft, because the peer may have to open its window first, which takes it longer where it waits
 * for what was lost. But we know when its window holds us: a round of startup that it did, and that
 * shows no queue, says nothing of the pipe. Ten such rounds at most without growth, for a window
 * that never opens would hold us in startup for ever. */
static void check_full_bw_reached(const struct tcb *tcb, struct bbr *bbr,
                                  const struct rate_sample *sample)
{
    if (bbr->full_bw_now || !bbr->round_start)
        return;
    bool held = was_held_by_peer(tcb, bbr);
    if (sample->app_limited || sample->rate == 0)
        return;
    if (sample->rate >= bbr->full_bw / 100 * FULL_BW_GROWTH) {
        bbr_reset_full_bw(bbr);
        bbr->full_bw = sample->rate;
        return;
    }
    if (held && bbr->held_rounds < HELD_ROUNDS && bbr->state == BBR_STARTUP &&
        bbr_is_without_queue(bbr)) {
        bbr->held_rounds++;
        return;
    }
    bbr->full_bw_count++;
    bbr->full_bw_now = bbr->full_bw_count >= FULL_BW_ROUNDS;
    if (bbr->full_bw_now)
        bbr->full_bw_reached = true;
}

/* CheckStartupHighLoss: a round trip in fast recovery, more lost than LossThresh, and in several
 * places, so that it is not one burst. Without SACK a round shows one loss at most: any counts. */
static void check_startup_high_loss(struct tcb *tcb, struct bbr *bbr, const struct bbr_flight *seen)
{
    if (bbr->state != BBR_STARTUP || bbr->full_bw_reached || !bbr->loss_round_start ||
        tcb->recovery.phase != TCP_PHASE_RECOVERY || !bbr_is_inflight_too_high(tcb, seen))
        return;
    if (tcb->opt.sack && bbr->lost_ranges < BBR_STARTUP_LOSS_MIN)
        return;
    bbr->undo_state = BBR_STARTUP;
    bbr->full_bw_reached = true;
    bbr->inflight_longterm = max_u32(bbr_bdp(tcb, bbr, bbr_max_bw(bbr), 100), bbr->inflight_latest);
}

static void enter_drain(struct bbr *bbr)
{
    bbr->state = BBR_DRAIN;
    bbr_noise_count_anew(bbr);
    bbr->drain_start_round = bbr->round_count;
}

/* ── ProbeBW ── */

/* The wait until the next probe: wall clock, and rounds. At random, so that flows mix. */
static void pick_probe_wait(struct tcb *tcb, struct bbr *bbr)
{
    struct random *random = &tcb->stack->random;
    bbr->rounds_since_probe_up = random_below(random, 2);
    bbr->bw_probe_wait_ns = TIME_S(2) + TIME_US(random_below(random, 1000000));
}

static void start_down(struct tcb *tcb, struct bbr *bbr)
{
    bbr_reset_congestion_signals(bbr);
    bbr->probe_up_acked_per_inc = BBR_NO_VOLUME;
    pick_probe_wait(tcb, bbr);
    bbr->cycle_ns = tcb->stack->now_ns;
    bbr->has_yielded = false;
    bbr->ack_phase = BBR_ACKS_PROBE_STOPPING;
    bbr_start_round(tcb, bbr);
    bbr->state = BBR_PROBE_DOWN;
}

static void start_refill(struct tcb *tcb, struct bbr *bbr)
{
    bbr_reset_short_term_model(bbr);
    bbr->bw_probe_up_rounds = 0;
    bbr->bw_probe_up_acked = 0;
    bbr->prev_probe_precautionary = false;
    bbr->ack_phase = BBR_ACKS_REFILLING;
    bbr_start_round(tcb, bbr);
    bbr->state = BBR_PROBE_REFILL;
}

/* inflight_longterm grows by 1, 2, 4 … segments a round. */
static void raise_slope(struct tcb *tcb, struct bbr *bbr)
{
    uint32_t growth = 1u << bbr->bw_probe_up_rounds;
    if (bbr->bw_probe_up_rounds < PROBE_UP_ROUNDS_MOST)
        bbr->bw_probe_up_rounds++;
    bbr->probe_up_acked_per_inc = max_u32(tcb->cc.cwnd / growth, 1);
}

static void start_up(struct tcb *tcb, struct bbr *bbr, const struct rate_sample *sample)
{
    bbr->ack_phase = BBR_ACKS_PROBE_STARTING;
    bbr_start_round(tcb, bbr);
    bbr_reset_full_bw(bbr);
    bbr->full_bw = sample->rate;
    bbr->state = BBR_PROBE_UP;
    raise_slope(tcb, bbr);
}

static bool is_held_by_longterm(const struct tcb *tcb, const struct bbr *bbr)
{
    return tcb->cc.limited && tcb->cc.cwnd >= bbr->inflight_longterm;
}

static void probe_longterm_upward(struct tcb *tcb, struct bbr *bbr, uint32_t delivered)
{
    if (!is_held_by_longterm(tcb, bbr))
        return; /* it was not made use of: no reason to let it grow */
    bbr->bw_probe_up_acked += delivered;
    bbr->inflight_longterm += bbr->bw_probe_up_acked / bbr->probe_up_acked_per_inc;
    bbr->bw_probe_up_acked %= bbr->probe_up_acked_per_inc;
    if (bbr->round_start)
        raise_slope(tcb, bbr);
}

/* The answers to the last probe are in. Returns whether they decided the next state. */
static bool end_of_feedback(struct tcb *tcb, struct bbr *bbr, const struct rate_sample *sample)
{
    bbr->is_bw_probe_sample = false;
    bbr->ack_phase = BBR_ACKS_INIT;
    if (!bbr_is_probing_bw_cycle(bbr))
        return false;
    if (!sample->app_limited)
        bbr_advance_max_bw_filter(bbr);
    /* A probe cut short for caution went well: probe again at once. */
    if (!bbr->prev_probe_precautionary || bbr->prev_probe_too_high)
        return false;
    start_refill(tcb, bbr);
    return true;
}

static bool adapt_longterm(struct tcb *tcb, struct bbr *bbr, const struct ack_event *event,
                           const struct bbr_flight *seen)
{
    if (bbr->ack_phase == BBR_ACKS_PROBE_STARTING && bbr->round_start)
        bbr->ack_phase = BBR_ACKS_PROBE_FEEDBACK;
    if (bbr->ack_phase == BBR_ACKS_PROBE_STOPPING && bbr->round_start &&
        end_of_feedback(tcb, bbr, &event->rate))
        return true;
    if (bbr_is_inflight_too_high(tcb, seen) || bbr->inflight_longterm == BBR_NO_VOLUME)
        return false;
    bbr->inflight_longterm = max_u32(bbr->inflight_longterm, seen->in_flight);
    if (bbr->state == BBR_PROBE_UP)
        probe_longterm_upward(tcb, bbr, event->delivered);
    return false;
}

void bbr_handle_inflight_too_high(struct tcb *tcb, struct bbr *bbr, const struct bbr_flight *flight)
{
    bbr->prev_probe_too_high = true;
    bbr->is_bw_probe_sample = false; /* once a probe */
    if (!flight->app_limited) {
        uint64_t floor = (uint64_t)bbr_target_inflight(tcb, bbr) * BBR_BETA / 100;
        bbr->inflight_longterm = max_u32(flight->in_flight, (uint32_t)floor);
    }
    if (bbr->state == BBR_PROBE_UP) {
        bbr->undo_state = BBR_PROBE_UP;
        start_down(tcb, bbr);
    }
}

void bbr_return_to_probe(struct tcb *tcb, struct bbr *bbr)
{
    if (bbr->undo_state == BBR_STARTUP && bbr->state != BBR_STARTUP) {
        bbr->full_bw_reached = false;
        if (bbr->state != BBR_PROBE_RTT)
            bbr_enter_startup(bbr);
    } else if (bbr->undo_state == BBR_PROBE_UP && bbr->state != BBR_PROBE_UP &&
               bbr->state != BBR_PROBE_RTT) {
        start_refill(tcb, bbr);
    }
    bbr->undo_state = BBR_STATES;
}

/* As often as Reno with this window would lose a segment and halve it, or after the wait. */
static bool is_time_to_probe(struct tcb *tcb, struct bbr *bbr)
{
    uint32_t rounds = min_u32(bbr_target_inflight(tcb, bbr), RENO_ROUNDS_MOST);
    if (tcb->stack->now_ns <= bbr->cycle_ns + bbr->bw_probe_wait_ns &&
        bbr->rounds_since_probe_up < rounds)
        return false;
    start_refill(tcb, bbr);
    return true;
}

static bool is_time_to_cruise(const struct tcb *tcb, const struct bbr *bbr)
{
    uint32_t in_flight = tcb_in_flight(tcb);
    return in_flight <= bbr_inflight_with_headroom(bbr) &&
           in_flight <= bbr_inflight(tcb, bbr, bbr_max_bw(bbr), 100);
}

static bool is_time_to_go_down(struct tcb *tcb, struct bbr *bbr, const struct rate_sample *sample)
{
    /* After a probe that went too high, the next only touches what was too high then. */
    if (bbr->prev_probe_too_high && tcb_in_flight(tcb) >= bbr->inflight_longterm) {
        bbr->prev_probe_precautionary = true;
        return true;
    }
    if (is_held_by_longterm(tcb, bbr)) {
        bbr_reset_full_bw(bbr); /* it is not the path that keeps the bandwidth down */
        bbr->full_bw = sample->rate;
        return false;
    }
    return bbr->full_bw_now;
}

static void update_cycle(struct tcb *tcb, struct bbr *bbr, const struct ack_event *event)
{
    switch (bbr->state) {
    case BBR_PROBE_DOWN:
        if (!is_time_to_probe(tcb, bbr) && is_time_to_cruise(tcb, bbr))
            bbr->state = BBR_PROBE_CRUISE;
        break;
    case BBR_PROBE_CRUISE:
        is_time_to_probe(tcb, bbr);
        break;
    case BBR_PROBE_REFILL:
        if (bbr->round_start) {
            bbr->is_bw_probe_sample = true;
            start_up(tcb, bbr, &event->rate);
        }
        break;
    case BBR_PROBE_UP:
        if (is_time_to_go_down(tcb, bbr, &event->rate)) {
            bbr->prev_probe_too_high = false; /* not yet */
            start_down(tcb, bbr);
        }
        break;
    default:
        break;
    }
}

void bbr_update_state(struct tcb *tcb, struct bbr *bbr, const struct ack_event *event)
{
    const struct bbr_flight seen = {
        .in_flight = event->rate.in_flight,
        .lost = event->rate.lost,
        .app_limited = event->rate.app_limited,
    };
    check_full_bw_reached(tcb, bbr, &event->rate);
    check_startup_high_loss(tcb, bbr, &seen);
    if (bbr->state == BBR_STARTUP && bbr->full_bw_reached)
        enter_drain(bbr);
    if (bbr->state == BBR_DRAIN && (tcb_in_flight(tcb) <= bbr_inflight(tcb, bbr, bbr->bw, 100) ||
                                    bbr->round_count > bbr->drain_start_round + DRAIN_ROUNDS))
        start_down(tcb, bbr);
    if (bbr->full_bw_reached && !adapt_longterm(tcb, bbr, event, &seen))
        update_cycle(tcb, bbr, event);
}

/* ── ProbeRTT ── */

uint32_t bbr_probe_rtt_cwnd(const struct tcb *tcb, const struct bbr *bbr)
{
    return max_u32(bbr_bdp(tcb, bbr, bbr->bw, BBR_PROBE_RTT_GAIN), BBR_MIN_PIPE_CWND);
}

static void exit_probe_rtt(struct tcb *tcb, struct bbr *bbr)
{
    bbr_reset_short_term_model(bbr);
    if (bbr->full_bw_reached) {
        start_down(tcb, bbr);
        bbr->state = BBR_PROBE_CRUISE; /* there is no queue to drain */
    } else {
        bbr_enter_startup(bbr);
    }
}

void bbr_check_probe_rtt_done(struct tcb *tcb, struct bbr *bbr)
{
    uint64_t now = tcb->stack->now_ns;
    if (bbr->probe_rtt_done_ns == 0 || now <= bbr->probe_rtt_done_ns)
        return;
    bbr->probe_rtt_min_stamp_ns = now;
    bbr_restore_cwnd(tcb, bbr);
    exit_probe_rtt(tcb, bbr);
}

/* At least 200 ms, and a round trip, with no more in flight than that. */
static void handle_probe_rtt(struct tcb *tcb, struct bbr *bbr)
{
    rate_mark_app_limited(tcb); /* the low rate is our own doing */
    if (bbr->probe_rtt_done_ns == 0) {
        if (tcb_in_flight(tcb) > bbr_probe_rtt_cwnd(tcb, bbr))
            return;
        bbr->probe_rtt_done_ns = tcb->stack->now_ns + PROBE_RTT_DURATION;
        bbr->probe_rtt_round_done = false;
        bbr_start_round(tcb, bbr);
        return;
    }
    if (bbr->round_start)
        bbr->probe_rtt_round_done = true;
    if (bbr->probe_rtt_round_done)
        bbr_check_probe_rtt_done(tcb, bbr);
}

void bbr_check_probe_rtt(struct tcb *tcb, struct bbr *bbr, const struct ack_event *event)
{
    if (bbr->state != BBR_PROBE_RTT && bbr->probe_rtt_expired && !bbr->idle_restart) {
        bbr_save_cwnd(tcb, bbr);
        bbr->state = BBR_PROBE_RTT;
        bbr->probe_rtt_done_ns = 0;
        bbr->ack_phase = BBR_ACKS_PROBE_STOPPING;
        bbr_start_round(tcb, bbr);
    }
    if (bbr->state == BBR_PROBE_RTT)
        handle_probe_rtt(tcb, bbr);
    if (event->rate.delivered > 0)
        bbr->idle_restart = false;
}
