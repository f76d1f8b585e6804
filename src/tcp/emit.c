#include <string.h>

#include "base/checksum.h"
#include "base/seq.h"
#include "base/time.h"
#include "tcp/lending.h"
#include "tcp/options.h"
#include "tcp/output.h"
#include "tcp/receive.h"
#include "tcp/sockopt.h"
#include "tcp/stamps.h"
#include "tcp/timers.h"
#include "tcp/urgent.h"

static const char *const why_text[] = {
    [WHY_SYN] = "open",
    [WHY_SYN_ACK] = "accept",
    [WHY_DATA] = "data",
    [WHY_FIN] = "close",
    [WHY_RECOVERY] = "retransmit: fast recovery",
    [WHY_TIMEOUT] = "retransmit: timeout",
    [WHY_TOO_BIG] = "retransmit: was too big",
    [WHY_LOSS_PROBE] = "tail loss probe",
    [WHY_MTU_PROBE] = "path MTU probe",
    [WHY_WINDOW_PROBE] = "window probe",
    [WHY_KEEPALIVE] = "keepalive",
    [WHY_ACK] = "ack",
    [WHY_ACK_DELAYED] = "delayed ack",
    [WHY_ACK_DUPLICATE] = "duplicate ack",
    [WHY_ACK_CHALLENGE] = "challenge ack",
    [WHY_WINDOW_UPDATE] = "window update",
    [WHY_RESET] = "reset",
};

/* What the user wants of the IP header. */
struct manner {
    uint8_t traffic_class, hop_limit;
    bool may_be_fragmented;
    bool cwr_on_all;
};

/* The text of a segment, or of a super-segment to be cut by segment_size. */
struct text {
    struct iovec spans[3];
    int count;
    uint32_t length; /* bytes; transmit leaves what the link has taken of them */
    uint32_t segment_size;
};

static uint32_t segments_of(const struct text *text)
{
    return text->length > text->segment_size
               ? (text->length + text->segment_size - 1) / text->segment_size
               : 1;
}

/* Puts the decoded `segment` on the wire with `text` (NULL: without). 0, or an error, and nothing
 * has been sent. */
static int transmit(struct stack *stack, const struct ip_path *path, const struct endpoint *local,
                    const struct endpoint *remote, struct segment *segment, struct text *text,
                    const struct manner *manner, enum tcp_why why)
{
    struct packet_out packet;
    uint8_t options[TCP_OPTIONS_MAX];
    size_t options_length = tcp_build_options(&segment->options, options);
    uint32_t header_length = TCP_HEADER_MIN + (uint32_t)options_length;
    uint8_t *header = packet_out_begin(&packet, IP_PROTOCOL_TCP, header_length);
    packet.source = local->address;
    packet.destination = remote->address;
    packet.traffic_class = manner->traffic_class;
    packet.hop_limit = manner->hop_limit;
    packet.dont_fragment = !manner->may_be_fragmented;
    packet.cwr_on_all = manner->cwr_on_all;
    packet.checksum_offset = TCP_CHECKSUM_OFFSET;
    packet.why = why_text[why];
    for (int i = 0; text && i < text->count; i++)
        packet_out_payload(&packet, text->spans[i].iov_base, text->spans[i].iov_len);
    if (text && text->length > text->segment_size)
        packet.segment_size = (uint16_t)text->segment_size;
    segment->source_port = local->port;
    segment->destination_port = remote->port;
    struct checksum sum = ip_pseudo_header(&local->address, &remote->address, IP_PROTOCOL_TCP,
                                           header_length + packet.payload_length);
    segment->checksum = checksum_fold(&sum);
    tcp_build_fixed(segment, header_length, header);
    memcpy(header + TCP_HEADER_MIN, options, options_length);
    int error = ip_output(stack, path, &packet);
    if (error)
        return error;
    if (text)
        text->length = packet.payload_length;
    stack_count_many(stack, COUNTER_TcpOutSegs, text ? segments_of(text) : 1);
    if (segment->flags & TCP_RST)
        stack_count(stack, COUNTER_TcpOutRsts);
    return 0;
}

int tcp_emit_segment(struct stack *stack, const struct ip_path *path, const struct endpoint *local,
                     const struct endpoint *remote, struct segment *segment, uint8_t traffic_class,
                     enum tcp_why why)
{
    struct manner manner = {.traffic_class = traffic_class};
    return transmit(stack, path, local, remote, segment, NULL, &manner, why);
}

static uint16_t window_field(const struct tcb *tcb, bool syn)
{
    uint32_t window =
        syn ? tcb->rcv.wnd
            : tcb->rcv.wnd >> tcb->rcv.scale; /* RFC 7323 §2.2: never scaled on a SYN */
    return window > UINT16_MAX ? UINT16_MAX : (uint16_t)window;
}

/* `text` has gone, as a segment or several, and an ACK perhaps with it. */
static void count_sent(struct tcb *tcb, const struct text *text, uint32_t seq)
{
    tcb->stat.segments_out += segments_of(text);
    if (text->length == 0)
        return;
    tcb->stat.data_segments_out += segments_of(text);
    tcb->stat.bytes_sent += text->length;
    stamps_sent(tcb, seq, seq + text->length);
}

int tcp_emit(struct tcb *tcb, struct send_decision *decision)
{
    uint16_t flags = decision->flags;
    struct segment segment = {.seq = decision->seq, .flags = flags};
    struct text text = {.length = decision->length, .segment_size = decision->mss};
    bool acknowledges = tcb->state != TCP_SYN_SENT;
    if (acknowledges) {
        segment.flags |= TCP_ACK;
        segment.ack = tcb->rcv.nxt;
        if (!(flags & TCP_SYN))
            receive_update_window(tcb);
    }
    segment.window = window_field(tcb, flags & TCP_SYN);
    urgent_departs(tcb, &segment);
    uint8_t ecn = ecn_departs(tcb, decision, &segment);
    options_fill(tcb, &segment, text.length < decision->mss ? text.length : decision->mss);
    uint32_t text_seq = flags & TCP_SYN ? decision->seq + 1 : decision->seq;
    if (text.length)
        text.count = lending_spans(tcb, text_seq, text.length, text.spans);
    tcb->stat.last_sent_ns = tcb->stack->now_ns;
    struct manner manner = {
        .traffic_class = (uint8_t)((tcb->preferences.traffic_class & ~ECN_MASK) | ecn),
        .hop_limit = tcb->preferences.hop_limit,
        .may_be_fragmented = tcb->preferences.mtu_discover == MTU_DISCOVER_DONT,
        .cwr_on_all = tcb->ecn.handshake.mode == ECN_ACCURATE,
    };
    int error = transmit(tcb->stack, &tcb->path, &tcb->connection->local, &tcb->connection->remote,
                         &segment, &text, &manner, decision->why);
    if (error == 0) {
        count_sent(tcb, &text, text_seq);
        if (text.length < decision->length) /* what stands on the last part has not gone */
            decision->flags &= (uint16_t) ~(TCP_FIN | TCP_PSH);
        decision->length = text.length;
    }
    if (acknowledges)
        receive_ack_sent(tcb);
    return error;
}

int tcp_emit_bare(struct tcb *tcb, uint32_t seq, uint16_t flags, enum tcp_why why)
{
    struct send_decision decision = {.why = why, .seq = seq, .mss = UINT16_MAX, .flags = flags};
    return tcp_emit(tcb, &decision);
}

void tcp_send_ack(struct tcb *tcb, enum tcp_why why)
{
    tcp_emit_bare(tcb, tcb->snd.nxt, 0, why);
}

/* RFC 9293 §3.8.4: an old sequence number, which the peer must answer. */
void tcp_send_keepalive(struct tcb *tcb)
{
    tcp_emit_bare(tcb, tcb->snd.una - 1, 0, WHY_KEEPALIVE);
}

void tcp_send_reset(struct tcb *tcb)
{
    tcp_emit_bare(tcb, tcb->snd.nxt, TCP_RST, WHY_RESET);
}

bool tcp_allowance_runs(const struct stack *stack, const struct tcp_allowance *allowance)
{
    uint64_t interval_ns = TIME_MS((uint64_t)stack->settings.tcp_challenge_ack_interval_ms);
    return allowance->taken && stack->now_ns - allowance->since_ns < interval_ns;
}

bool tcp_allowed(const struct stack *stack, struct tcp_allowance *allowance)
{
    if (!tcp_allowance_runs(stack, allowance))
        *allowance = (struct tcp_allowance){.since_ns = stack->now_ns};
    if (allowance->taken >= stack->settings.tcp_challenge_ack_limit)
        return false;
    allowance->taken++;
    return true;
}

void tcp_send_challenge(struct tcb *tcb)
{
    if (!tcp_allowed(tcb->stack, &tcb->allowance.challenges)) {
        stack_count(tcb->stack, COUNTER_TcpExtTCPACKSkippedChallenge);
        return;
    }
    stack_count(tcb->stack, COUNTER_TcpExtTCPChallengeACK);
    tcp_send_ack(tcb, WHY_ACK_CHALLENGE);
}

/* Two ends that both lie outside of the other's window would answer each other's answers for ever.
 * Text and FINs are no part of such a loop. */
void tcp_answer_unacceptable(struct tcb *tcb, const struct segment *segment)
{
    if (segment_length(segment) == 0 && !tcp_allowed(tcb->stack, &tcb->allowance.answers)) {
        stack_count(tcb->stack, COUNTER_TcpExtTCPACKSkippedSeq);
        return;
    }
    tcp_send_ack(tcb, WHY_ACK_DUPLICATE);
}

/* RFC 9293 §3.10.7.1: <SEQ=SEG.ACK><CTL=RST>, or without ACK
 * <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>. */
void tcp_reject(struct stack *stack, const struct packet_in *packet, const struct segment *segment)
{
    if (segment->flags & TCP_RST || !packet->to_unicast)
        return;
    struct segment reset = {.flags = TCP_RST};
    if (segment->flags & TCP_ACK) {
        reset.seq = segment->ack;
    } else {
        reset.flags |= TCP_ACK;
        reset.ack = segment->seq + segment_length(segment);
    }
    if (segment->options.has_timestamps && stack->settings.tcp_timestamps_on_resets) {
        reset.options.has_timestamps = true; /* RFC 7323 §5.2; its own value is 0 */
        reset.options.timestamp_echo = segment->options.timestamp_value;
    }
    struct endpoint local = {packet->destination, segment->destination_port};
    struct endpoint remote = {packet->source, segment->source_port};
    tcp_emit_segment(stack, NULL, &local, &remote, &reset, 0, WHY_RESET);
}
