#include "tcp/synsent.h"

#include <errno.h>

#include "base/seq.h"
#include "base/time.h"
#include "tcp/connection.h"
#include "tcp/fastopen.h"
#include "tcp/mtu_probe.h"
#include "tcp/options.h"
#include "tcp/output.h"
#include "tcp/receive.h"
#include "tcp/records.h"
#include "tcp/rtt.h"
#include "tcp/timers.h"

/* The peer's SYN: its numbers and what both sides can. */
static void take_syn(struct tcb *tcb, const struct segment *segment)
{
    tcb->rcv.irs = segment->seq;
    tcb->rcv.nxt = tcb->rcv.wup = segment->seq + 1;
    tcb->opt.last_ack_sent = tcb->rcv.nxt;
    options_negotiate(tcb, &segment->options);
    mtu_probe_begin(tcb);
    tcp_connection_set_mss(tcb);
    tcb->snd.wnd = tcb->snd.max_wnd = segment->window; /* not scaled: RFC 7323 §2.2 */
    tcb->snd.wl1 = segment->seq;
    tcb->snd.wl2 = segment->ack;
}

static void syn_acknowledged(struct tcb *tcb, const struct segment *segment)
{
    struct ack_event event = {
        .first_sent_ns = TIME_NEVER, .last_sent_ns = TIME_NEVER, .sack_sent_ns = TIME_NEVER};
    tcb->snd.una = segment->ack;
    records_acknowledge(tcb, segment->ack, &event);
    if (event.first_sent_ns != TIME_NEVER) {
        rtt_sample(tcb, time_since(event.first_sent_ns, tcb->stack->now_ns));
        rtt_min_sample(tcb, time_since(event.first_sent_ns, tcb->stack->now_ns));
    } else if (tcb->opt.timestamps && segment->options.timestamp_echo) {
        rtt_sample(tcb, TIME_MS(tcp_timestamp(tcb) - segment->options.timestamp_echo));
    }
    if (tcb->syn_attempts > 1)
        tcb->cc.cwnd = 1; /* RFC 6298 §5.7, RFC 5681 §3.1: a lost SYN */
    ack_release_bytes(tcb);
    fast_open_syn_ack(tcb, segment);
    timers_restart_retransmit(tcb);
    tcp_connection_established(tcb);
    if (tcb->snd.expected || tcb->preferences.defer_accept)
        receive_answer_expected(tcb);
    else
        receive_handshake_over(tcb);
}

/* §3.5, figure 8: both have sent a SYN. */
static void simultaneous_open(struct tcb *tcb)
{
    tcp_set_state(tcb, TCP_SYN_RECEIVED);
    tcp_retransmit_first(tcb, WHY_SYN_ACK);
    timers_restart_retransmit(tcb);
}

/* An echo that is none of the timestamps that our SYNs had is not an answer to them (RFC 7323
 * §3.2). */
static bool echo_acceptable(const struct tcb *tcb, const struct tcp_options *options)
{
    if (!tcb->stack->settings.tcp_timestamps || !options->has_timestamps ||
        options->timestamp_echo == 0)
        return true;
    return seq_leq(tcb->syn_timestamp, options->timestamp_echo) &&
           seq_leq(options->timestamp_echo, tcp_timestamp(tcb));
}

enum tcp_step tcp_syn_sent_arrives(struct tcb *tcb, const struct segment *segment)
{
    bool ack = segment->flags & TCP_ACK;
    /* First: the ACK. SND.UNA < SEG.ACK =< SND.NXT, or it answers nothing of ours. */
    if (ack && (!seq_lt(tcb->snd.una, segment->ack) || seq_gt(segment->ack, tcb->snd.nxt)))
        return segment->flags & TCP_RST ? tcp_drop(DROP_TCP_ACK) : tcp_drop_rst(DROP_TCP_ACK);
    if (ack && !echo_acceptable(tcb, &segment->options)) {
        stack_count(tcb->stack, COUNTER_TcpExtPAWSActive);
        return segment->flags & TCP_RST ? tcp_drop(DROP_TCP_ECHO) : tcp_drop_rst(DROP_TCP_ECHO);
    }
    /* Second: RST. Without an ACK anyone could have sent it. */
    if (segment->flags & TCP_RST) {
        if (!ack)
            return tcp_drop(DROP_TCP_RST);
        stack_count(tcb->stack, COUNTER_TcpAttemptFails);
        tcp_connection_end(tcb, ECONNREFUSED);
        return TCP_STEP_GONE;
    }
    /* Fourth: SYN. */
    if (!(segment->flags & TCP_SYN))
        return tcp_drop(DROP_TCP_FLAGS);
    take_syn(tcb, segment);
    if (!ack) {
        ecn_simultaneous_open(tcb, segment);
        simultaneous_open(tcb);
        return TCP_STEP_CONTINUE;
    }
    syn_acknowledged(tcb, segment);
    ecn_syn_ack_arrives(tcb, segment);
    /* Text or a FIN on the SYN,ACK is taken like any other. */
    enum tcp_step step = tcp_process_text(tcb, segment);
    if (step == TCP_STEP_CONTINUE)
        step = tcp_process_fin(tcb, segment);
    if (step != TCP_STEP_CONTINUE)
        return step;
    /* RFC 9768 §3.2.2.1: a pure ACK first, whatever may follow at once. */
    if (tcb->accecn.reflect)
        tcp_send_ack(tcb, WHY_ACK);
    return TCP_STEP_DONE;
}
