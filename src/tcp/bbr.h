/* BBR version 3 (draft-ietf-ccwg-bbr): what its files share.
 *
 *   bbr_model.c  what is known of the path: bandwidth, round trip, aggregation, and what losses say
 *   bbr_noise.c  which losses are none of our doing
 *   bbr_probe.c  the states, in which the path is asked for more, or given room
 *   cc_bbr.c     what follows from both: pacing rate and window; and the way in from recovery
 *
 * The names are the draft's. Volumes are segments, rates bytes a second, gains percent. */
#ifndef TERN_TCP_BBR_H
#define TERN_TCP_BBR_H

#include "tcp/ack.h"
#include "tcp/tcb.h"

enum bbr_state {
    BBR_STARTUP,
    BBR_DRAIN,
    BBR_PROBE_DOWN, /* ProbeBW's four */
    BBR_PROBE_CRUISE,
    BBR_PROBE_REFILL,
    BBR_PROBE_UP,
    BBR_PROBE_RTT,
    BBR_STATES
};

/* What the ACKs that come in say of the last probe for bandwidth. */
enum bbr_acks {
    BBR_ACKS_INIT,           /* nothing */
    BBR_ACKS_REFILLING,      /* the pipe is being filled */
    BBR_ACKS_PROBE_STARTING, /* more is being sent */
    BBR_ACKS_PROBE_FEEDBACK, /* and these say how that went */
    BBR_ACKS_PROBE_STOPPING, /* no more is being sent, the answers still come */
};

/* No bound. */
#define BBR_NO_RATE   UINT64_MAX
#define BBR_NO_VOLUME UINT32_MAX

enum {
    BBR_PACING_MARGIN = 1,    /* PacingMarginPercent: a little slower than the path */
    BBR_BETA = 70,            /* Beta, percent */
    BBR_HEADROOM = 15,        /* Headroom, percent */
    BBR_MIN_PIPE_CWND = 4,    /* MinPipeCwnd, segments */
    BBR_PROBE_RTT_GAIN = 50,  /* ProbeRTTCwndGain, percent */
    BBR_STARTUP_GAIN = 277,   /* StartupPacingGain, percent */
    BBR_STARTUP_LOSS_MIN = 6, /* BBRStartupFullLossCnt: stretches lost in a round */
};

struct bbr {
    enum bbr_state state;
    enum bbr_acks ack_phase;

    /* Rates. */
    uint64_t max_bw[2]; /* MaxBwFilter: the most in the cycle before, and in this one */
    uint64_t bw_shortterm;
    uint64_t bw;        /* the least of both */
    uint64_t bw_latest; /* the most in this round */
    uint64_t full_bw;

    /* Volumes. */
    uint32_t inflight_longterm, inflight_shortterm, inflight_latest;
    uint32_t prior_cwnd;
    uint32_t bw_probe_up_acked, probe_up_acked_per_inc;
    uint32_t extra_acked[2]; /* the most in either half of its window */
    uint32_t extra_acked_rounds, extra_acked_half;
    uint32_t extra_acked_delivered;

    /* Rounds: ends are marks of tcb->rate.delivered. */
    uint64_t next_round_delivered, loss_round_delivered;
    uint32_t round_count, drain_start_round, rounds_since_probe_up;
    uint32_t lost_end;    /* where the stretch marked lost last ends */
    uint32_t lost_ranges; /* stretches of the sequence space lost in this round */
    uint8_t full_bw_count, held_rounds, bw_probe_up_rounds;

    /* Times. */
    uint64_t min_rtt_ns, min_rtt_stamp_ns; /* TIME_NEVER: not known */
    uint64_t probe_rtt_min_ns, probe_rtt_min_stamp_ns;
    uint64_t probe_rtt_done_ns; /* 0: not begun */
    uint64_t extra_acked_start_ns;
    uint64_t cycle_ns, bw_probe_wait_ns;
    uint64_t held_ns[2]; /* CHRONO_PEER as the last two rounds began */

    /* What the path loses anyway. */
    uint32_t noise_parts;            /* ten thousandths; 0: nothing that is known */
    uint32_t noise_of;               /* the segments that told it */
    uint32_t noise_sent, noise_lost; /* what is being counted, segments */
    uint64_t noise_stamp_ns;         /* since when it is known */
    uint64_t yielded_from;           /* bw_shortterm before */
    uint32_t yield_rounds;           /* 0: not yielding */
    uint32_t round_lost;             /* rate.lost when the round began */
    uint64_t round_delivered;        /* and rate.delivered */
    uint64_t round_rtt_ns;           /* the least in it so far */

    /* As it was when losses began, should they prove to be none. */
    enum bbr_state undo_state; /* BBR_STATES: none was left for it */
    uint64_t undo_bw_shortterm;
    uint32_t undo_inflight_shortterm, undo_inflight_longterm;

    bool round_start : 1, loss_round_start : 1;
    bool is_loss_in_round : 1;
    bool is_round_carried : 1; /* delivered as fast as sent, and few were lost */
    bool full_bw_now : 1, full_bw_reached : 1;
    bool is_bw_probe_sample : 1;
    bool prev_probe_too_high : 1, prev_probe_precautionary : 1;
    bool probe_rtt_expired : 1, probe_rtt_round_done : 1;
    bool idle_restart : 1;
    bool has_rtt : 1;                      /* the first pacing rate goes by a measured round trip */
    bool saved : 1;                        /* the undo state is this recovery's */
    bool recovering : 1;                   /* as of the last ACK */
    bool has_cruised : 1, has_yielded : 1; /* when the round began; in this cycle */
    bool is_level : 1;                     /* the last round's round trips show no queue at all */
};

/* What was in flight with a segment when it was sent, and lost since: of a sample, or of one that
 * is lost. */
struct bbr_flight {
    uint32_t in_flight, lost;
    bool app_limited;
};

static inline struct bbr *bbr_of(const struct tcb *tcb)
{
    return (struct bbr *)(uintptr_t)tcb->cc.private_state[0];
}

static inline bool bbr_is_probing_bw_cycle(const struct bbr *bbr)
{
    return bbr->state >= BBR_PROBE_DOWN && bbr->state <= BBR_PROBE_UP;
}

/* ── bbr_model.c ── */

void bbr_model_init(struct tcb *tcb, struct bbr *bbr);
static inline uint64_t bbr_max_bw(const struct bbr *bbr)
{
    return bbr->max_bw[0] > bbr->max_bw[1] ? bbr->max_bw[0] : bbr->max_bw[1];
}
/* The first steps of an ACK: rounds, rates, aggregation, and once a round what losses say. */
void bbr_update_model(struct tcb *tcb, struct bbr *bbr, const struct ack_event *event);
void bbr_update_min_rtt(struct tcb *tcb, struct bbr *bbr, const struct ack_event *event);
/* The last steps. */
void bbr_advance_model(const struct tcb *tcb, struct bbr *bbr, const struct ack_event *event);

void bbr_start_round(struct tcb *tcb, struct bbr *bbr);
void bbr_advance_max_bw_filter(struct bbr *bbr);
void bbr_reset_congestion_signals(struct bbr *bbr);
void bbr_reset_short_term_model(struct bbr *bbr);
void bbr_bound_bw(struct bbr *bbr);

/* `percent` of the volume that the path holds at `bw`. */
uint32_t bbr_bdp(const struct tcb *tcb, const struct bbr *bbr, uint64_t bw, uint32_t percent);
/* The same, and no less than the ends need to keep it full. */
uint32_t bbr_inflight(const struct tcb *tcb, const struct bbr *bbr, uint64_t bw, uint32_t percent);
uint32_t bbr_quantization_budget(const struct tcb *tcb, const struct bbr *bbr, uint32_t inflight);
uint32_t bbr_inflight_with_headroom(const struct bbr *bbr);
uint32_t bbr_target_inflight(const struct tcb *tcb, const struct bbr *bbr);
bool bbr_is_inflight_too_high(const struct tcb *tcb, const struct bbr_flight *flight);

/* ── bbr_noise.c ── */

void bbr_noise_init(const struct tcb *tcb, struct bbr *bbr);
/* What startup has counted is not to be mixed with what comes after. */
void bbr_noise_count_anew(struct bbr *bbr);
/* Whether a round trip of this round was hardly longer than the path's shortest. */
bool bbr_is_without_queue(const struct bbr *bbr);
/* Among the last steps of an ACK. */
void bbr_noise_learn(const struct tcb *tcb, struct bbr *bbr, const struct ack_event *event);
/* Whether so many losses in so large a flight say nothing of what we have in flight. */
bool bbr_is_noise(const struct tcb *tcb, uint32_t lost, uint32_t in_flight);

/* ── bbr_probe.c ── */

void bbr_enter_startup(struct bbr *bbr);
void bbr_reset_full_bw(struct bbr *bbr);
/* The states' steps of an ACK. */
void bbr_update_state(struct tcb *tcb, struct bbr *bbr, const struct ack_event *event);
void bbr_check_probe_rtt(struct tcb *tcb, struct bbr *bbr, const struct ack_event *event);
void bbr_check_probe_rtt_done(struct tcb *tcb, struct bbr *bbr);
/* A probe has put too much in flight. */
void bbr_handle_inflight_too_high(struct tcb *tcb, struct bbr *bbr,
                                  const struct bbr_flight *flight);
/* Back to where a loss that was none has led away from. */
void bbr_return_to_probe(struct tcb *tcb, struct bbr *bbr);
uint32_t bbr_probe_rtt_cwnd(const struct tcb *tcb, const struct bbr *bbr);

/* ── cc_bbr.c ── */

void bbr_save_cwnd(struct tcb *tcb, struct bbr *bbr);
void bbr_restore_cwnd(struct tcb *tcb, const struct bbr *bbr);

#endif
