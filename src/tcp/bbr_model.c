/* BBR's model of the path.
 *
 * The long term: the most bandwidth seen in this cycle of probing and the one before, the shortest
 * round trip of ten seconds, and the most in flight that has not lost too much. The short term:
 * what the last rounds with losses delivered, forgotten when the next probe begins. */
#include "base/seq.h"
#include "base/time.h"
#include "tcp/bbr.h"
#include "tcp/burst.h"

#define MIN_RTT_WINDOW     TIME_S(10) /* MinRTTFilterLen */
#define PROBE_RTT_INTERVAL TIME_S(5)  /* ProbeRTTInterval */

enum {
    EXTRA_ACKED_HALF = 5, /* rounds: half of ExtraAckedFilterLen */
};

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void bbr_model_init(struct tcb *tcb, struct bbr *bbr)
{
    uint64_t now = tcb->stack->now_ns;
    bbr->min_rtt_ns = tcb->rtt.srtt_ns ? tcb->rtt.srtt_ns : TIME_NEVER;
    bbr->probe_rtt_min_ns = bbr->min_rtt_ns;
    bbr->min_rtt_stamp_ns = bbr->probe_rtt_min_stamp_ns = now;
    bbr->extra_acked_start_ns = now;
    bbr->inflight_longterm = BBR_NO_VOLUME;
    bbr->probe_up_acked_per_inc = BBR_NO_VOLUME;
    bbr_reset_congestion_signals(bbr);
    bbr_reset_short_term_model(bbr);
    bbr_noise_init(tcb, bbr);
}

/* ── Volumes ── */

uint32_t bbr_bdp(const struct tcb *tcb, const struct bbr *bbr, uint64_t bw, uint32_t percent)
{
    if (bbr->min_rtt_ns == TIME_NEVER)
        return (uint32_t)tcb->stack->settings.tcp_initial_window;
    uint64_t rtt_us = (bbr->min_rtt_ns + TIME_US(1) - 1) / TIME_US(1);
    uint64_t bytes = bw * rtt_us / 1000000 * percent / 100;
    uint64_t segments = (bytes + tcb->snd.mss - 1) / tcb->snd.mss;
    return segments < UINT32_MAX / 4 ? (uint32_t)segments : UINT32_MAX / 4;
}

/* Three bursts: one on its way out, one being cut, one whose ACK is still due. */
uint32_t bbr_quantization_budget(const struct tcb *tcb, const struct bbr *bbr, uint32_t inflight)
{
    inflight = max_u32(inflight, 3 * burst_segments(tcb, tcb->snd.mss));
    inflight = max_u32(inflight, BBR_MIN_PIPE_CWND);
    return bbr->state == BBR_PROBE_UP ? inflight + 2 : inflight;
}

uint32_t bbr_inflight(const struct tcb *tcb, const struct bbr *bbr, uint64_t bw, uint32_t percent)
{
    return bbr_quantization_budget(tcb, bbr, bbr_bdp(tcb, bbr, bw, percent));
}

/* What of inflight_longterm leaves room for others, so that shares can become even. */
uint32_t bbr_inflight_with_headroom(const struct bbr *bbr)
{
    if (bbr->inflight_longterm == BBR_NO_VOLUME)
        return BBR_NO_VOLUME;
    uint32_t headroom =
        max_u32(1, (uint32_t)((uint64_t)bbr->inflight_longterm * BBR_HEADROOM / 100));
    return max_u32(bbr->inflight_longterm > headroom ? bbr->inflight_longterm - headroom : 0,
                   BBR_MIN_PIPE_CWND);
}

uint32_t bbr_target_inflight(const struct tcb *tcb, const struct bbr *bbr)
{
    return min_u32(bbr_bdp(tcb, bbr, bbr->bw, 100), tcb->cc.cwnd);
}

/* ── Rounds and rates ── */

void bbr_start_round(struct tcb *tcb, struct bbr *bbr)
{
    bbr->next_round_delivered = tcb->rate.delivered;
}

static void update_round(struct tcb *tcb, struct bbr *bbr, const struct rate_sample *sample)
{
    bbr->round_start = sample->prior_delivered >= bbr->next_round_delivered;
    if (!bbr->round_start)
        return;
    bbr_start_round(tcb, bbr);
    bbr->round_count++;
    bbr->rounds_since_probe_up++;
}

static void update_max_bw(struct bbr *bbr, const struct rate_sample *sample)
{
    if (sample->rate && (sample->rate >= bbr_max_bw(bbr) || !sample->app_limited))
        bbr->max_bw[1] = max_u64(bbr->max_bw[1], sample->rate);
}

void bbr_advance_max_bw_filter(struct bbr *bbr)
{
    if (bbr->max_bw[1] == 0)
        return; /* nothing was learnt in this cycle: keep what is known */
    bbr->max_bw[0] = bbr->max_bw[1];
    bbr->max_bw[1] = 0;
}

void bbr_bound_bw(struct bbr *bbr)
{
    uint64_t most = bbr_max_bw(bbr);
    bbr->bw = most < bbr->bw_shortterm ? most : bbr->bw_shortterm;
}

/* ── The short term ── */

void bbr_reset_congestion_signals(struct bbr *bbr)
{
    bbr->is_loss_in_round = false;
    bbr->is_round_carried = false;
    bbr->bw_latest = 0;
    bbr->inflight_latest = 0;
}

void bbr_reset_short_term_model(struct bbr *bbr)
{
    bbr->bw_shortterm = BBR_NO_RATE;
    bbr->inflight_shortterm = BBR_NO_VOLUME;
}

/* AdaptLowerBoundsFromCongestion: after a round with losses send no more than it delivered, but
 * come down by no more than Beta at a time; not while the losses may be of our own probing; nor,
 * other than the draft, after a round that carried all we sent. */
static void adapt_lower_bounds(struct tcb *tcb, struct bbr *bbr)
{
    bool probing =
        bbr->state == BBR_STARTUP || bbr->state == BBR_PROBE_REFILL || bbr->state == BBR_PROBE_UP;
    if (probing || !bbr->is_loss_in_round || bbr->is_round_carried)
        return;
    if (bbr->bw_shortterm == BBR_NO_RATE)
        bbr->bw_shortterm = bbr_max_bw(bbr);
    if (bbr->inflight_shortterm == BBR_NO_VOLUME) {
        /* After a timeout the window is not what congestion control wants it to be. */
        bool modulated = tcb->recovery.phase == TCP_PHASE_LOSS;
        bbr->inflight_shortterm = modulated ? max_u32(tcb->cc.cwnd, bbr->prior_cwnd) : tcb->cc.cwnd;
    }
    bbr->bw_shortterm = max_u64(bbr->bw_latest, bbr->bw_shortterm / 100 * BBR_BETA);
    bbr->inflight_shortterm = max_u32(
        bbr->inflight_latest, (uint32_t)((uint64_t)bbr->inflight_shortterm * BBR_BETA / 100));
}

/* What was delivered in this round, at most. Nobody is delivered more than he sends: where few are
 * lost and all else came as fast as it was sent, the path may carry more, and what was delivered is
 * no bound. By the draft it would be one, and each round with a loss costs the pacing margin or, in
 * DOWN, a tenth, and the losses themselves, until the next probe. */
static void note_latest(const struct tcb *tcb, struct bbr *bbr, const struct rate_sample *sample)
{
    bbr->bw_latest = max_u64(bbr->bw_latest, sample->rate);
    bbr->inflight_latest = max_u32(bbr->inflight_latest, sample->delivered);
    if (bbr->full_bw_reached && sample->rate && sample->interval_ns == sample->send_ns &&
        bbr_is_noise(tcb, sample->lost, sample->in_flight))
        bbr->is_round_carried = true;
}

static void update_latest_signals(struct tcb *tcb, struct bbr *bbr,
                                  const struct rate_sample *sample)
{
    bbr->loss_round_start = sample->prior_delivered >= bbr->loss_round_delivered;
    note_latest(tcb, bbr, sample);
    if (bbr->loss_round_start)
        bbr->loss_round_delivered = tcb->rate.delivered;
}

/* ── Aggregation ── */

/* A window of ten rounds in two halves; of one round until the pipe has been full. */
static void extra_acked_rotate(struct bbr *bbr)
{
    if (!bbr->round_start)
        return;
    bbr->extra_acked_rounds++;
    if (bbr->extra_acked_rounds < (bbr->full_bw_reached ? EXTRA_ACKED_HALF : 1))
        return;
    bbr->extra_acked_rounds = 0;
    bbr->extra_acked_half ^= 1;
    bbr->extra_acked[bbr->extra_acked_half] = 0;
}

/* UpdateACKAggregation: how much more than the bandwidth explains has been acknowledged. */
static void update_ack_aggregation(struct tcb *tcb, struct bbr *bbr, uint32_t delivered)
{
    uint64_t now = tcb->stack->now_ns;
    uint64_t interval_us = (now - bbr->extra_acked_start_ns) / TIME_US(1);
    uint64_t expected = UINT32_MAX;
    extra_acked_rotate(bbr);
    if (interval_us < 1000000u * 100)
        expected = bbr->bw / tcb->snd.mss * interval_us / 1000000;
    if (bbr->extra_acked_delivered <= expected) {
        bbr->extra_acked_delivered = 0;
        bbr->extra_acked_start_ns = now;
        expected = 0;
    }
    bbr->extra_acked_delivered += delivered;
    uint32_t extra = bbr->extra_acked_delivered - (uint32_t)expected;
    uint32_t *half = &bbr->extra_acked[bbr->extra_acked_half];
    *half = max_u32(*half, min_u32(extra, tcb->cc.cwnd));
}

/* ── Losses ── */

bool bbr_is_inflight_too_high(const struct tcb *tcb, const struct bbr_flight *flight)
{
    return !bbr_is_noise(tcb, flight->lost, flight->in_flight);
}

/* ── An ACK ── */

void bbr_update_model(struct tcb *tcb, struct bbr *bbr, const struct ack_event *event)
{
    const struct rate_sample *sample = &event->rate;
    update_latest_signals(tcb, bbr, sample);
    update_round(tcb, bbr, sample);
    update_max_bw(bbr, sample);
    if (bbr->loss_round_start)
        adapt_lower_bounds(tcb, bbr);
    update_ack_aggregation(tcb, bbr, event->delivered);
}

void bbr_update_min_rtt(struct tcb *tcb, struct bbr *bbr, const struct ack_event *event)
{
    uint64_t now = tcb->stack->now_ns;
    bbr->probe_rtt_expired = now > bbr->probe_rtt_min_stamp_ns + PROBE_RTT_INTERVAL;
    if (event->rtt_ns != TIME_NEVER &&
        (event->rtt_ns < bbr->probe_rtt_min_ns || bbr->probe_rtt_expired)) {
        bbr->probe_rtt_min_ns = event->rtt_ns;
        bbr->probe_rtt_min_stamp_ns = now;
    }
    bool expired = now > bbr->min_rtt_stamp_ns + MIN_RTT_WINDOW;
    if (bbr->probe_rtt_min_ns < bbr->min_rtt_ns || expired) {
        bbr->min_rtt_ns = bbr->probe_rtt_min_ns;
        bbr->min_rtt_stamp_ns = bbr->probe_rtt_min_stamp_ns;
    }
}

void bbr_advance_model(const struct tcb *tcb, struct bbr *bbr, const struct ack_event *event)
{
    if (bbr->loss_round_start) {
        bbr_reset_congestion_signals(bbr);
        note_latest(tcb, bbr, &event->rate);
        bbr->lost_ranges = 0;
    }
    bbr_noise_learn(tcb, bbr, event);
    bbr_bound_bw(bbr);
}
