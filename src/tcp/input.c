/* A segment's way in. tcp_input finds what the segment is for; tcp_segment_arrives takes a
 * connection through the steps of RFC 9293 §3.10.7.4, in the RFC's order. Each step is one function
 * and says how to go on. */
#include "tcp/input.h"

#include "base/checksum.h"
#include "tcp/ack.h"
#include "tcp/check.h"
#include "tcp/connection.h"
#include "tcp/demux.h"
#include "tcp/listen.h"
#include "tcp/output.h"
#include "tcp/predict.h"
#include "tcp/receive.h"
#include "tcp/synreceived.h"
#include "tcp/synsent.h"
#include "tcp/timers.h"
#include "tcp/timewait.h"
#include "tcp/urgent.h"

static enum tcp_step run_steps(struct tcb *tcb, const struct segment *segment)
{
    enum tcp_step step = tcp_check_paws(tcb, segment); /* RFC 7323 §5.3 */
    if (step == TCP_STEP_CONTINUE)
        step = tcp_check_sequence(tcb, segment); /* first */
    if (step == TCP_STEP_CONTINUE)
        step = tcp_check_reset(tcb, segment); /* second; third is about security labels, which
                                                 nobody sends */
    if (step == TCP_STEP_CONTINUE)
        step = tcp_check_syn(tcb, segment); /* fourth */
    if (step == TCP_STEP_CONTINUE)
        step = tcp_process_ack(tcb, segment); /* fifth */
    if (step == TCP_STEP_CONTINUE)
        step = ecn_arrives(tcb, segment); /* RFC 3168 §6.1.3, RFC 9768 §3.2 */
    if (step == TCP_STEP_CONTINUE)
        step = tcp_process_urgent(tcb, segment); /* sixth */
    if (step == TCP_STEP_CONTINUE)
        step = tcp_process_text(tcb, segment); /* seventh */
    if (step == TCP_STEP_CONTINUE)
        step = tcp_process_fin(tcb, segment); /* eighth */
    return step == TCP_STEP_CONTINUE ? TCP_STEP_DONE : step;
}

/* Does what a step's answer asks for. */
static enum drop_reason conclude(struct tcb *tcb, const struct packet_in *packet,
                                 const struct segment *segment, enum tcp_step step)
{
    if (step == TCP_STEP_GONE_RST)
        tcp_reject(packet->interface->stack, packet, segment);
    if (step == TCP_STEP_GONE || step == TCP_STEP_GONE_RST)
        return DROP_NONE;
    if (step & TCP_STEP_DROP_RST)
        tcp_reject(tcb->stack, packet, segment);
    else if (step & TCP_STEP_DROP_ACK)
        tcp_answer_unacceptable(tcb, segment);
    else if (step == TCP_STEP_DONE)
        receive_decide_ack(tcb);
    tcp_output(tcb);
    return tcp_step_reason(step);
}

/* What all of that comes to where header prediction holds. */
static enum drop_reason take_predicted(struct tcb *tcb, const struct segment *segment)
{
    enum tcp_step step = TCP_STEP_CONTINUE;
    ack_predicted(tcb, segment);
    if (segment->length == 0) {
        stack_count(tcb->stack, COUNTER_TcpExtTCPHPAcks);
    } else {
        stack_count(tcb->stack, COUNTER_TcpExtTCPHPHits);
        step = receive_predicted(tcb, segment);
    }
    if (step == TCP_STEP_CONTINUE)
        receive_decide_ack(tcb);
    tcp_output(tcb);
    return tcp_step_reason(step);
}

enum drop_reason tcp_segment_arrives(struct tcb *tcb, const struct packet_in *packet,
                                     const struct segment *segment)
{
    tcb->stat.segments_in++;
    if (predict_holds(tcb, segment))
        return take_predicted(tcb, segment);
    switch (tcb->state) {
    case TCP_SYN_SENT:
        return conclude(tcb, packet, segment, tcp_syn_sent_arrives(tcb, segment));
    case TCP_TIME_WAIT:
        return tcp_time_wait_arrives(tcb, packet, segment);
    default:
        return conclude(tcb, packet, segment, run_steps(tcb, segment));
    }
}

/* Finds whom the segment is for. */
static enum drop_reason deliver(struct tcp *tcp, const struct packet_in *packet,
                                const struct segment *segment)
{
    struct endpoint local = {packet->destination, segment->destination_port};
    struct endpoint remote = {packet->source, segment->source_port};

    struct tcp_connection *connection = demux_arrival(tcp, &local, &remote);
    if (connection) {
        struct tcb *tcb = rest_wake(connection);
        return tcb ? tcp_segment_arrives(tcb, packet, segment) : DROP_NO_MEMORY;
    }
    struct half_open *half = demux_find_half_open(tcp, &local, &remote);
    if (half)
        return tcp_half_open_arrives(half, packet, segment);
    struct tcp_listener *listener = demux_find_listener(tcp, &local, &remote);
    if (listener)
        return tcp_listen_arrives(listener, packet, segment);
    tcp_reject(tcp->stack, packet, segment);
    return DROP_TCP_NO_CONNECTION;
}

enum drop_reason tcp_input(struct stack *stack, const struct packet_in *packet)
{
    struct segment segment;
    stack_count(stack, COUNTER_TcpInSegs);
    if (!packet->to_unicast)
        return DROP_TCP_ADDRESS; /* MUST-57 */
    if (!tcp_parse(packet->payload, packet->payload_length, &segment)) {
        stack_count(stack, COUNTER_TcpInErrs);
        return DROP_TCP_TRUNCATED;
    }
    if (!ip_checksum_ok(packet)) {
        stack_count(stack, COUNTER_TcpInErrs);
        return DROP_TCP_CHECKSUM;
    }
    if (packet->text)
        segment.text = packet->text;
    segment.ecn = packet->traffic_class & ECN_MASK;
    segment.packets = 1;
    segment.largest = segment.length;
    if (packet->segment_size && segment.length > packet->segment_size) {
        segment.largest = packet->segment_size;
        segment.packets = (uint16_t)((segment.length + segment.largest - 1) / segment.largest);
    }
    enum drop_reason reason = deliver(tcp_of(stack), packet, &segment);
    rest_settle(tcp_of(stack));
    return reason;
}
