/* What the files of ip/ share: the state of the internet layer and the steps that call each other.
 *
 * A packet's way in:   ipv4_input → (reassembly_add) → ipv4_deliver → protocols[].input
 * A packet's way out:  ip_output → (fragmentation_output) → interface_output
 * Packets to ourselves leave through `loopback`, an interface whose link is a queue, and come back
 * through stack_input. */
#ifndef TERN_IP_INTERNAL_H
#define TERN_IP_INTERNAL_H

#include "base/time.h"
#include "core/stack.h"
#include "ip/identification.h"
#include "ip/ip.h"
#include "ip/loopback.h"
#include "ip/pmtu.h"
#include "ip/reassembly.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"

/* The token bucket of the ICMP errors we send. */
struct icmp_limiter {
    int32_t credit;
    uint64_t filled_ns; /* when it was last filled up */
};

struct ip {
    struct loopback loopback;
    struct reassembly reassembly;
    struct identification identification;
    struct icmp_limiter icmp_limiter;
    struct pmtu pmtu;
    ip_echo_reply_function *echo_reply; /* NULL: nobody asked */
};

static inline struct ip *ip_of(const struct stack *stack)
{
    return stack->networks[4].state;
}

/* Whether `interface` is that to ourselves: what comes by it has never left us. */
static inline bool ip_is_looped(const struct stack *stack, const struct interface *interface)
{
    return interface == &ip_of(stack)->loopback.interface;
}

/* struct network's and struct protocol's input. */
enum drop_reason ipv4_input(struct stack *stack, struct interface *interface, const uint8_t *packet,
                            size_t length, const struct tern_offload *offload);
enum drop_reason icmp_input(struct stack *stack, const struct packet_in *packet);

/* Passes a whole datagram to its protocol. */
enum drop_reason ipv4_deliver(struct stack *stack, const struct packet_in *packet);

/* An ICMP error has arrived: finds out which of our packets it is about and tells its protocol. */
enum drop_reason icmp_error_arrives(struct stack *stack, const struct packet_in *packet,
                                    const struct icmp_message *message);

/* Sends an ICMP error about `packet`, unless RFC 1122 §3.2.2 forbids it or the rate limit is
 * reached. */
void icmp_send_error(struct stack *stack, const struct packet_in *packet, enum icmp_type type,
                     uint8_t code);

#endif
