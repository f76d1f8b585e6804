#include "tcp/rate.h"

#include "base/seq.h"
#include "base/time.h"
#include "tcp/ack.h"
#include "tcp/pacing.h"
#include "tcp/tcb.h"

void rate_on_send(struct tcb *tcb, struct sent_record *record)
{
    /* What was sent first is older, be it by a nanosecond: RACK goes by it. */
    uint64_t stamp = time_max(tcb->stack->now_ns, tcb->records.stamp_ns + 1);
    tcb->records.stamp_ns = stamp;
    if (tcb->records.out == 0) {
        tcb->rate.first_sent_ns = stamp;
        tcb->rate.delivered_ns = tcb->stack->now_ns;
    }
    record->sent_ns = stamp;
    record->first_sent_ns = tcb->rate.first_sent_ns;
    record->delivered = tcb->rate.delivered;
    record->delivered_ns = tcb->rate.delivered_ns;
    record->lost_before = tcb->rate.lost;
    record->flight = tcb_in_flight(tcb) + record->segments;
    record->app_limited = tcb->rate.app_limited != 0;
}

/* IsNewestPacket: whether it was sent after all else that this and earlier ACKs delivered. */
static bool is_newest(const struct tcb *tcb, const struct sent_record *record,
                      const struct rate_sample *sample)
{
    return !sample->valid || record->sent_ns > tcb->rate.first_sent_ns ||
           (record->sent_ns == tcb->rate.first_sent_ns && seq_gt(record->end, sample->end));
}

void rate_delivered(struct tcb *tcb, uint32_t segments)
{
    tcb->rate.delivered += segments;
    tcb->rate.delivered_ns = tcb->stack->now_ns;
}

void rate_counted_twice(struct tcb *tcb, uint32_t segments)
{
    tcb->rate.delivered -= segments;
}

void rate_on_delivery(struct tcb *tcb, const struct sent_record *record, uint32_t segments,
                      struct ack_event *event)
{
    struct rate_sample *sample = &event->rate;
    rate_delivered(tcb, segments);
    event->delivered += segments;
    if (!is_newest(tcb, record, sample))
        return;
    sample->valid = true;
    sample->prior_delivered = record->delivered;
    sample->prior_ns = record->delivered_ns;
    sample->send_ns = record->sent_ns - record->first_sent_ns;
    sample->end = record->end;
    sample->prior_lost = record->lost_before;
    sample->in_flight = record->flight;
    sample->app_limited = record->app_limited;
    tcb->rate.first_sent_ns = record->sent_ns;
}

/* For TCP_INFO: the latest, but one that the user limited only where it is higher all the same. */
static void remember(struct tcb *tcb, const struct rate_sample *sample)
{
    if (sample->app_limited && sample->rate < tcb->rate.latest)
        return;
    tcb->rate.latest = sample->rate;
    tcb->rate.latest_app_limited = sample->app_limited;
}

void rate_finish(struct tcb *tcb, struct ack_event *event)
{
    struct rate_sample *sample = &event->rate;
    if (tcb->rate.app_limited && tcb->rate.delivered > tcb->rate.app_limited)
        tcb->rate.app_limited = 0; /* the bubble has left the pipe */
    if (!sample->valid)
        return;
    uint64_t interval = time_max(sample->send_ns, tcb->stack->now_ns - sample->prior_ns);
    sample->delivered = (uint32_t)(tcb->rate.delivered - sample->prior_delivered);
    sample->lost = tcb->rate.lost - sample->prior_lost;
    /* Nothing is delivered in less than a round trip: what seems so is a retransmission whose
     * original was acknowledged. */
    if (interval == 0 || interval < tcb->rtt.min_ns)
        return;
    sample->interval_ns = interval;
    sample->rate = (uint64_t)sample->delivered * tcb->snd.mss * TIME_S(1) / interval;
    remember(tcb, sample);
}

void rate_mark_app_limited(struct tcb *tcb)
{
    tcb->rate.app_limited = tcb->rate.delivered + tcb_in_flight(tcb);
    if (tcb->rate.app_limited == 0)
        tcb->rate.app_limited = 1;
}

void rate_check_app_limited(struct tcb *tcb)
{
    bool ran_dry = (tcb_unsent(tcb) < tcb->snd.mss || tcb->snd.put_off) && !pacing_holds(tcb);
    if (ran_dry && tcb_in_flight(tcb) < tcb->cc.cwnd &&
        tcb->records.lost_out <= tcb->records.retransmitted)
        rate_mark_app_limited(tcb);
}
