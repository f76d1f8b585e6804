#include "ip/ip.h"

#include <errno.h>
#include <stdlib.h>

#include "ip/internal.h"

static void ip_release(struct stack *stack)
{
    struct ip *ip = ip_of(stack);
    loopback_release(&ip->loopback);
    reassembly_release(stack, &ip->reassembly);
    pmtu_release(&ip->pmtu);
    free(ip);
    stack->networks[4].state = NULL;
}

int ip_attach(struct stack *stack)
{
    struct ip *ip = calloc(1, sizeof *ip);
    if (!ip)
        return -ENOMEM;
    if (reassembly_init(&ip->reassembly) || pmtu_init(&ip->pmtu)) {
        reassembly_release(stack, &ip->reassembly);
        free(ip);
        return -ENOMEM;
    }
    loopback_init(&ip->loopback, stack);
    identification_init(&ip->identification, &stack->random);
    ip->icmp_limiter.credit = LIMIT_ICMP_BURST;
    ip->icmp_limiter.filled_ns = stack->now_ns;
    stack->networks[4] = (struct network){.input = ipv4_input, .release = ip_release, .state = ip};
    stack->protocols[IP_PROTOCOL_ICMP].input = icmp_input;
    return 0;
}

bool ip_is_ours(const struct stack *stack, const struct address *address)
{
    for (unsigned i = 0; i < stack->interface_count; i++)
        if (interface_owns(&stack->interfaces[i], address))
            return true;
    return address_is_loopback(address) && address_is_ipv4(address);
}

bool ip_is_broadcast(const struct stack *stack, const struct address *address)
{
    for (unsigned i = 0; i < stack->interface_count; i++)
        if (interface_is_broadcast(&stack->interfaces[i], address))
            return true;
    return false;
}

bool ip_flow_is_ours(const struct stack *stack, uint8_t protocol, const struct endpoint *local,
                     const struct endpoint *remote)
{
    return ip_is_ours(stack, &remote->address) ||
           share_owns_flow(&stack->share, protocol, local, remote);
}

size_t ip_address_bytes(const struct address *address, uint8_t bytes[16])
{
    if (!address_is_ipv4(address)) {
        memcpy(bytes, address->bytes, 16);
        return 16;
    }
    memcpy(bytes, address->bytes + 12, 4);
    return 4;
}

struct checksum ip_pseudo_header(const struct address *source, const struct address *destination,
                                 uint8_t protocol, uint32_t length)
{
    struct checksum sum = CHECKSUM_START;
    if (address_is_ipv4(source)) {
        checksum_add_u32(&sum, address_to_ipv4(source));
        checksum_add_u32(&sum, address_to_ipv4(destination));
    } else {
        checksum_add(&sum, source->bytes, sizeof source->bytes);
        checksum_add(&sum, destination->bytes, sizeof destination->bytes);
    }
    checksum_add_u16(&sum, protocol);
    checksum_add_u32(&sum, length);
    return sum;
}

bool ip_checksum_ok(const struct packet_in *packet)
{
    if (packet->checksum_verified)
        return true;
    struct checksum sum = ip_pseudo_header(&packet->source, &packet->destination, packet->protocol,
                                           packet->payload_length);
    checksum_add(&sum, packet->payload, packet->payload_length);
    return checksum_finish(&sum) == 0;
}
