#include "core/share.h"

#include "base/bytes.h"
#include "core/interface.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"

static bool is_alone(const struct share *share)
{
    return share->count <= 1;
}

static unsigned of_number(const struct share *share, uint16_t number)
{
    return number % share->count;
}

static unsigned of_flow(const struct share *share, uint8_t protocol, const struct endpoint *local,
                        const struct endpoint *remote)
{
    if (local->port >= LIMIT_SHARED_PORT)
        return of_number(share, local->port);
    struct {
        struct address local, remote;
        uint16_t local_port, remote_port, protocol, zero;
    } key = {local->address, remote->address, local->port, remote->port, protocol, 0};
    uint64_t hash = hash_bytes(&share->key, &key, sizeof key);
    return (unsigned)((hash >> 32) * share->count >> 32);
}

struct content {
    uint8_t protocol;
    struct address source, destination;
    const uint8_t *payload; /* or its beginning */
    size_t length;
};

static bool has_ports(uint8_t protocol)
{
    return protocol == IP_PROTOCOL_TCP || protocol == IP_PROTOCOL_UDP;
}

/* Both begin with the ports (RFC 9293 §3.1, RFC 768); false where they are cut off. */
static bool read_ports(const struct content *content, struct endpoint *source,
                       struct endpoint *destination)
{
    struct cursor cursor = cursor_over(content->payload, content->length);
    *source = (struct endpoint){content->source, cursor_u16(&cursor)};
    *destination = (struct endpoint){content->destination, cursor_u16(&cursor)};
    return !cursor.short_read;
}

/* A packet of ours has caused an error: what its answers would be, that is the error too. */
static unsigned of_quoted(const struct share *share, const uint8_t *bytes, size_t length)
{
    struct ipv4_header header;
    struct icmp_message message;
    struct endpoint local, remote;
    if (ipv4_parse_quoted(bytes, length, &header) != IPV4_OK || header.fragment_offset > 0)
        return SHARE_ANY;
    struct content content = {header.protocol, header.source, header.destination,
                              bytes + header.header_length, length - header.header_length};
    if (has_ports(header.protocol) && read_ports(&content, &local, &remote))
        return of_flow(share, header.protocol, &local, &remote);
    if (header.protocol == IP_PROTOCOL_ICMP &&
        icmp_parse_unverified(content.payload, content.length, &message) &&
        message.type == ICMP_ECHO_REQUEST)
        return of_number(share, message.identifier);
    return SHARE_ANY;
}

static unsigned of_icmp(const struct share *share, const struct content *content)
{
    struct icmp_message message;
    if (!icmp_parse_unverified(content->payload, content->length, &message))
        return SHARE_ANY;
    if (message.type == ICMP_ECHO_REPLY)
        return of_number(share, message.identifier);
    return icmp_is_error(message.type) ? of_quoted(share, message.body, message.body_length)
                                       : SHARE_ANY;
}

static unsigned of_content(const struct share *share, const struct content *content)
{
    struct endpoint local, remote;
    if (content->protocol == IP_PROTOCOL_ICMP)
        return of_icmp(share, content);
    if (has_ports(content->protocol) && read_ports(content, &remote, &local))
        return of_flow(share, content->protocol, &local, &remote);
    return SHARE_ANY;
}

static bool is_for_many(const struct interface *interface, const struct address *destination)
{
    return address_is_multicast(destination) || interface_is_broadcast(interface, destination);
}

unsigned share_of_packet(const struct share *share, const struct interface *interface,
                         const void *packet, size_t length)
{
    struct ipv4_header header;
    if (is_alone(share) || ipv4_parse(packet, length, true, &header) != IPV4_OK)
        return SHARE_ANY;
    if (header.more_fragments || header.fragment_offset > 0 ||
        is_for_many(interface, &header.destination))
        return SHARE_ALL;
    struct content content = {header.protocol, header.source, header.destination,
                              (const uint8_t *)packet + header.header_length,
                              header.total_length - header.header_length};
    return of_content(share, &content);
}

bool share_owns_datagram(const struct share *share, const struct packet_in *datagram)
{
    if (is_alone(share) || !datagram->to_unicast)
        return true;
    struct content content = {datagram->protocol, datagram->source, datagram->destination,
                              datagram->payload, datagram->payload_length};
    unsigned owner = of_content(share, &content);
    return owner == SHARE_ANY ? share->index == 0 : share->index == owner;
}

bool share_owns_port(const struct share *share, uint16_t port)
{
    return is_alone(share) || (port >= LIMIT_SHARED_PORT && of_number(share, port) == share->index);
}

bool share_owns_identifier(const struct share *share, uint16_t identifier)
{
    return is_alone(share) || of_number(share, identifier) == share->index;
}

bool share_owns_flow(const struct share *share, uint8_t protocol, const struct endpoint *local,
                     const struct endpoint *remote)
{
    return is_alone(share) || of_flow(share, protocol, local, remote) == share->index;
}
