#include "tcp/timewait.h"

#include "base/seq.h"
#include "base/time.h"
#include "tcp/connection.h"
#include "tcp/demux.h"
#include "tcp/listen.h"
#include "tcp/output.h"
#include "tcp/timers.h"

/* RFC 6191 §2 and RFC 9293 MAY-2: a SYN that can be told from every old segment, by its timestamp
 * or else by its sequence number, may open the connection anew. */
static bool newer(const struct tcb *tcb, const struct segment *segment)
{
    bool stamped = segment->options.has_timestamps && tcb->stack->settings.tcp_timestamps;
    if (stamped && !tcb->opt.timestamps)
        return true; /* PAWS will tell the old connection's segments, which have none */
    if (stamped) {
        if (seq_gt(segment->options.timestamp_value, tcb->opt.ts_recent))
            return true;
        if (segment->options.timestamp_value != tcb->opt.ts_recent)
            return false;
    }
    return seq_gt(segment->seq, tcb->rcv.nxt);
}

static enum drop_reason reopen(struct tcb *tcb, const struct packet_in *packet,
                               const struct segment *segment)
{
    struct tcp_listener *listener =
        demux_find_listener(tcb->tcp, &tcb->connection->local, &tcb->connection->remote);
    if (!listener)
        return DROP_TCP_TIME_WAIT;
    demux_remove(tcb); /* the owner, if there still is one, keeps its own */
    stack_count(tcb->stack, COUNTER_TcpExtTWRecycled);
    tcp_connection_end(tcb, 0);
    return tcp_listen_arrives(listener, packet, segment);
}

enum drop_reason tcp_time_wait_arrives(struct tcb *tcb, const struct packet_in *packet,
                                       const struct segment *segment)
{
    uint32_t end = segment->seq + segment_length(segment);
    bool syn = segment->flags & TCP_SYN && !(segment->flags & (TCP_RST | TCP_ACK));
    bool old_timestamp = tcb->opt.timestamps && segment->options.has_timestamps &&
                         seq_lt(segment->options.timestamp_value, tcb->opt.ts_recent);
    if (segment->flags & TCP_RST) {
        /* RFC 1337 §3 fix F1: a reset does not end TIME-WAIT, old duplicates could then be taken
         * for new. */
        if (!tcb->stack->settings.tcp_rfc1337 && segment->seq == tcb->rcv.nxt && !old_timestamp)
            tcp_connection_end(tcb, 0);
        return DROP_TCP_TIME_WAIT;
    }
    if (syn && newer(tcb, segment))
        return reopen(tcb, packet, segment);
    if (old_timestamp)
        stack_count(tcb->stack, COUNTER_TcpExtPAWSEstab);
    if (segment->flags & TCP_ACK || syn) {
        /* Whatever it is, its sender has missed our last ACK; a repeated FIN starts the wait again
         * (§3.10.7.4, eighth). */
        if (segment->flags & TCP_FIN && end == tcb->rcv.nxt && !old_timestamp)
            timer_set(tcb, TCP_TIMER_LINGER,
                      tcb->stack->now_ns + TIME_S(tcb->stack->settings.tcp_time_wait_s));
        if (segment_length(segment) || segment->seq != tcb->rcv.nxt)
            tcp_send_challenge(tcb);
    }
    return DROP_TCP_TIME_WAIT;
}
