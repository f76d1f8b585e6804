/* When to acknowledge (RFC 9293 §3.8.6.3: at least every second full-sized segment, and within half
 * a second; RFC 5681 §4.2: at once when something is out of order).
 *
 * At the start and after trouble a sender needs every ACK to open its window: those go quickly.
 * Later the delay follows the gaps between arrivals, between 40 and 200 ms. Who answers what it
 * reads carries its ACKs on its data, and is left the time. */
#include "base/seq.h"
#include "base/time.h"
#include "tcp/output.h"
#include "tcp/receive.h"
#include "tcp/receive_space.h"
#include "tcp/rtt.h"
#include "tcp/timers.h"
#include "tcp/urgent.h"

#define DELAY_LEAST TIME_MS(40)
#define DELAY_MOST  TIME_MS(200)

enum {
    QUICK_ACKS = 16,
    /* So many packets, or bytes where that is more packets, or this part of the window where that
     * is more still, share an ACK at the most when they arrive together. Every ACK is a system call
     * for the link and work for the sender, who has no use for more as long as the rest of the
     * window is his. What a network card merges is as many bytes. */
    BATCH_PACKETS = 8,
    BATCH_BYTES = 65536,
    BATCH_WINDOW_PART = 2,
};

void receive_quick(struct tcb *tcb, uint8_t count)
{
    uint32_t segments = tcb->rcv.mss ? tcb->rcv.wnd / (2 * tcb->rcv.mss) : 2;
    if (segments < 2)
        segments = 2;
    if (segments > count)
        segments = count;
    if (segments > tcb->ack.quick)
        tcb->ack.quick = (uint8_t)segments;
}

void receive_measure(struct tcb *tcb, const struct segment *segment)
{
    uint32_t length = segment->largest;
    receive_space_learn(tcb, segment);
    if (length > tcb->rcv.advertised_mss)
        length = tcb->rcv.advertised_mss; /* a super-segment that does not say of what size */
    if (length > tcb->rcv.mss)
        tcb->rcv.mss = length;
}

void receive_data_arrived(struct tcb *tcb, const struct segment *segment)
{
    uint64_t now = tcb->stack->now_ns;
    uint64_t gap = now - tcb->ack.last_data_ns;
    receive_measure(tcb, segment);
    tcb->ack.pending = true;
    if (tcb->ack.arrived < UINT8_MAX)
        tcb->ack.arrived++;
    if (segment->flags & TCP_PSH)
        tcb->ack.pushed = true;
    if (segment->flags & TCP_SYN) {
        /* what a SYN carries says nothing of how the sender goes on */
    } else if (tcb->ack.delay_ns == 0) {
        receive_quick(tcb, QUICK_ACKS);
        tcb->ack.delay_ns = DELAY_LEAST;
    } else if (gap <= DELAY_LEAST / 2) {
        tcb->ack.delay_ns = tcb->ack.delay_ns / 2 + DELAY_LEAST / 2;
    } else if (gap < tcb->ack.delay_ns) {
        tcb->ack.delay_ns = time_min(tcb->ack.delay_ns / 2 + gap, tcb->rtt.rto_ns);
    } else if (gap > tcb->rtt.rto_ns) {
        receive_quick(tcb, QUICK_ACKS); /* the sender has been idle, and starts anew */
    }
    receive_window_arrived(tcb, segment);
    tcb->ack.last_data_ns = now;
    tcb->stat.last_received_ns = now;
}

/* What the peer has sent goes beyond what we have offered. */
static bool window_overrun(const struct tcb *tcb)
{
    return seq_gt(tcb->rcv.nxt, tcb->rcv.wup + tcb->rcv.wnd);
}

/* Who is told of the end usually answers with one of his own, which then carries the ACK: he is
 * left the time, if text has come before. When our side has ended already nothing will carry it;
 * and a FIN into a window that is shut is sent again and again until it is acknowledged. */
void receive_fin_arrived(struct tcb *tcb)
{
    bool answer_likely = tcb->state == TCP_SYN_RECEIVED || tcb->state == TCP_ESTABLISHED;
    tcb->ack.pending = true;
    if (answer_likely && tcb->ack.delay_ns && !window_overrun(tcb))
        tcb->ack.interactive = true;
    else
        tcb->ack.now = true;
}

void receive_answer_expected(struct tcb *tcb)
{
    receive_quick(tcb, QUICK_ACKS);
    tcb->ack.delay_ns = DELAY_LEAST;
    tcb->ack.interactive = true;
    tcb->ack.pending = true;
    timer_set(tcb, TCP_TIMER_ACK, tcb->stack->now_ns + DELAY_MOST);
}

void receive_data_sent(struct tcb *tcb)
{
    if (tcb->ack.last_data_ns && tcb->stack->now_ns - tcb->ack.last_data_ns < tcb->ack.delay_ns)
        tcb->ack.interactive = true;
}

void receive_ack_sent(struct tcb *tcb)
{
    if (tcb->ack.quick) {
        tcb->ack.quick--;
        if (tcb->ack.quick == 0)
            tcb->ack.delay_ns = DELAY_LEAST;
    }
    tcb->ack.now = tcb->ack.pending = tcb->ack.pushed = false;
    tcb->ack.arrived = 0;
    list_remove(&tcb->ack.batch);
    tcb->ack.acks_alone = false;
    tcb->opt.last_ack_sent = tcb->rcv.nxt;
    timer_clear(tcb, TCP_TIMER_ACK);
}

static bool due_now(const struct tcb *tcb)
{
    uint32_t unacknowledged = tcb->rcv.nxt - tcb->rcv.wup;
    if (tcb->ack.now)
        return true;
    /* The ACK would stop the sender; whoever reads meanwhile lets it say that he may go on. */
    if (window_overrun(tcb))
        return false;
    if (tcb->ack.quick && !tcb->ack.interactive)
        return true;
    /* Every second full-sized segment (SHLD-19). */
    return unacknowledged > tcb->rcv.mss;
}

static uint64_t delay(const struct tcb *tcb)
{
    uint64_t delay = tcb->ack.delay_ns;
    if (delay > DELAY_LEAST / 2) {
        uint64_t most = tcb->ack.interactive || tcb->ack.pushed ? DELAY_MOST : TIME_MS(500);
        if (tcb->rtt.srtt_ns)
            most = time_min(most, time_max(tcb->rtt.srtt_ns, DELAY_LEAST));
        delay = time_min(delay, most);
    }
    return time_min(delay, DELAY_MOST);
}

/* What came together is acknowledged together, as it is where a network card merges segments: text
 * in order only, and never too much. */
static bool may_wait_for_batch(const struct tcb *tcb)
{
    uint32_t unacknowledged = tcb->rcv.nxt - tcb->rcv.wup;
    bool much = tcb->ack.arrived >= BATCH_PACKETS && unacknowledged >= BATCH_BYTES &&
                unacknowledged >= tcb->rcv.wnd / BATCH_WINDOW_PART;
    return tcb->stack->in_batch && !tcb->ack.now && !much;
}

static void wait_for_batch(struct tcb *tcb)
{
    if (list_empty(&tcb->ack.batch))
        list_append(&tcb->tcp->batch, &tcb->ack.batch);
}

void receive_decide_ack(struct tcb *tcb)
{
    if (!tcb->ack.pending && !tcb->ack.now)
        return;
    if (due_now(tcb)) {
        if (may_wait_for_batch(tcb))
            wait_for_batch(tcb);
        else
            tcb->ack.now = true;
        return;
    }
    if (!list_empty(&tcb->ack.batch))
        return; /* that is sooner */
    uint64_t at = tcb->stack->now_ns + delay(tcb);
    if (at < timer_deadline(tcb, TCP_TIMER_ACK))
        timer_set(tcb, TCP_TIMER_ACK, at);
}

void receive_handshake_over(struct tcb *tcb)
{
    tcb->ack.pending = true;
    if (tcb->stack->in_batch)
        wait_for_batch(tcb);
    else
        tcb->ack.now = true;
}

static void acknowledge_all(struct list *batch)
{
    while (!list_empty(batch)) {
        struct tcb *tcb = container_of(batch->next, struct tcb, ack.batch);
        list_remove(&tcb->ack.batch);
        if (tcb->ack.pending)
            tcp_send_ack(tcb, WHY_ACK);
    }
}

void receive_batch_over(struct stack *stack, bool late)
{
    struct tcp *tcp = tcp_of(stack);
    acknowledge_all(&tcp->late_batch);
    if (late)
        list_move(&tcp->late_batch, &tcp->batch);
    else
        acknowledge_all(&tcp->batch);
}

void receive_ack_expired(struct tcb *tcb)
{
    if (!tcb->ack.pending)
        return;
    stack_count(tcb->stack, COUNTER_TcpExtDelayedACKs);
    if (tcb->ack.interactive) {
        tcb->ack.interactive = false; /* the answer did not come in time */
        tcb->ack.delay_ns = DELAY_LEAST;
    } else {
        tcb->ack.delay_ns = time_min(tcb->ack.delay_ns * 2, rtt_rto(tcb));
    }
    tcp_send_ack(tcb, WHY_ACK_DELAYED);
}

void receive_consumed(struct tcb *tcb, uint32_t bytes)
{
    urgent_read_past(tcb);
    if (bytes == 0 || !tcb_can_receive(tcb))
        return;
    receive_window_consumed(tcb, bytes);
    bool emptied = tcb->rcv.ring.length == 0;
    if (tcb->ack.pending && list_empty(&tcb->ack.batch) &&
        (tcb->rcv.nxt - tcb->rcv.wup > tcb->rcv.mss ||
         (emptied && tcb->ack.pushed && !tcb->ack.interactive && tcb->ack.quick)))
        tcp_send_ack(tcb, WHY_ACK);
    else if (receive_window_is_news(tcb))
        tcp_send_ack(tcb, WHY_WINDOW_UPDATE);
}
