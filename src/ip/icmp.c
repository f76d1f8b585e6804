/* ICMP arrives (RFC 792, RFC 1122 §3.2.2), and echo in both directions. */
#include "wire/icmp.h"

#include <errno.h>

#include "ip/internal.h"

/* Puts an ICMP message of `type` and `code` about `message` on its way. */
static int send_echo(struct stack *stack, const struct ip_path *path,
                     const struct icmp_message *message, struct packet_out *packet)
{
    icmp_build(message, packet->header);
    packet_out_payload(packet, message->body, message->body_length);
    stack_count(stack, COUNTER_IcmpOutMsgs);
    return ip_output(stack, path, packet);
}

/* RFC 1122 §3.2.2.6: the same data comes back, from the address that was asked, and with the
 * request's type of service; its ECN bits were for the way here. */
static enum drop_reason answer_echo(struct stack *stack, const struct packet_in *request,
                                    struct icmp_message *message)
{
    stack_count(stack, COUNTER_IcmpInEchos);
    if (!request->to_unicast)
        return DROP_ICMP_BROADCAST;
    if (!stack->settings.icmp_echo)
        return DROP_ICMP_TYPE;
    struct packet_out packet;
    packet_out_begin(&packet, IP_PROTOCOL_ICMP, ICMP_HEADER_SIZE);
    packet.source = request->destination;
    packet.destination = request->source;
    packet.traffic_class = request->traffic_class & ~ECN_MASK;
    packet.why = "echo reply";
    message->type = ICMP_ECHO_REPLY;
    stack_count(stack, COUNTER_IcmpOutEchoReps);
    send_echo(stack, NULL, message, &packet); /* a reply that cannot leave is a reply lost */
    return DROP_NONE;
}

static enum drop_reason pass_echo_reply(struct stack *stack, const struct packet_in *packet,
                                        const struct icmp_message *message)
{
    ip_echo_reply_function *function = ip_of(stack)->echo_reply;
    stack_count(stack, COUNTER_IcmpInEchoReps);
    if (!function || !packet->to_unicast)
        return DROP_ECHO_NO_MATCH;
    return function(stack, packet, message->identifier);
}

enum drop_reason icmp_input(struct stack *stack, const struct packet_in *packet)
{
    struct icmp_message message;
    stack_count(stack, COUNTER_IcmpInMsgs);
    if (!icmp_parse(packet->payload, packet->payload_length, &message)) {
        stack_count(stack, COUNTER_IcmpInErrors);
        return DROP_ICMP_TRUNCATED;
    }
    switch (message.type) {
    case ICMP_ECHO_REQUEST:
        return answer_echo(stack, packet, &message);
    case ICMP_ECHO_REPLY:
        return pass_echo_reply(stack, packet, &message);
    case ICMP_UNREACHABLE:
        stack_count(stack, COUNTER_IcmpInDestUnreachs);
        return icmp_error_arrives(stack, packet, &message);
    case ICMP_TIME_EXCEEDED:
        stack_count(stack, COUNTER_IcmpInTimeExcds);
        return icmp_error_arrives(stack, packet, &message);
    case ICMP_PARAMETER_PROBLEM:
        stack_count(stack, COUNTER_IcmpInParmProbs);
        return icmp_error_arrives(stack, packet, &message);
    default:
        /* Unknown types are dropped without an answer (RFC 1122 §3.2.2), and with them source
         * quench (RFC 6633) and redirects, which anyone could forge (security rule 18). */
        return DROP_ICMP_TYPE;
    }
}

int ip_send_echo(struct stack *stack, const struct ip_path *path, const struct address *destination,
                 const struct ip_echo *echo)
{
    if (path->kind == PATH_TO_GROUP && echo->group_hop_limit == 0)
        return 0; /* not beyond this host, where nobody would answer */
    struct packet_out packet;
    packet_out_begin(&packet, IP_PROTOCOL_ICMP, ICMP_HEADER_SIZE);
    packet.source = path->source;
    packet.destination = *destination;
    packet.hop_limit = path->kind == PATH_TO_GROUP ? echo->group_hop_limit : echo->hop_limit;
    packet.traffic_class = echo->traffic_class;
    packet.dont_fragment = echo->dont_fragment;
    packet.why = "echo request";
    struct icmp_message message = {.type = ICMP_ECHO_REQUEST,
                                   .identifier = echo->identifier,
                                   .sequence = echo->sequence,
                                   .body = echo->data,
                                   .body_length = echo->length};
    stack_count(stack, COUNTER_IcmpOutEchos);
    return send_echo(stack, path, &message, &packet);
}

void ip_on_echo_reply(struct stack *stack, ip_echo_reply_function *function)
{
    ip_of(stack)->echo_reply = function;
}
