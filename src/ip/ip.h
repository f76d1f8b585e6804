/* What ip/ offers to the transports: whichever family an address is of, only ip/ asks. */
#ifndef TERN_IP_IP_H
#define TERN_IP_IP_H

#include "base/checksum.h"
#include "core/stack.h"

/* Registers IPv4 and ICMP with the stack. 0 or -ENOMEM. */
int ip_attach(struct stack *stack);

/* Who hears what is sent there: one host; all of the subnet (broadcast); who has joined a group
 * (multicast). */
enum path_kind { PATH_TO_ONE, PATH_TO_ALL, PATH_TO_GROUP };

/* How a destination is reached. */
struct ip_path {
    struct address source; /* ours to use */
    uint32_t header_bytes; /* of the IP header in front of the transport's */
    uint32_t link_mtu;     /* bytes of an IP packet that our own link takes: `mtu` is no more */
    struct interface *interface;
    uint64_t mtu_until_ns; /* `mtu` is to be looked up again then; TIME_NEVER: it is the link's */
    uint32_t mtu;          /* bytes of an IP packet that it is believed to take */
    uint32_t version;      /* of what was known of paths when it was found */
    enum path_kind kind;
};

/* Finds the way to `destination`, from `source` where that is given and specified (it must be
 * ours): 0, -ENETUNREACH (no route), -EADDRNOTAVAIL (source is not ours), -EINVAL (a loopback
 * source, which leaves no host). Who talks to one host only, and who must not broadcast, looks at
 * path->kind. */
int ip_path_find(struct stack *stack, const struct address *source,
                 const struct address *destination, struct ip_path *path);

/* A path's interface as a small number, for who keeps many, and back. That to ourselves has one
 * too, which is none of stack->interfaces. */
uint8_t ip_interface_number(const struct stack *stack, const struct interface *interface);
struct interface *ip_interface(struct stack *stack, uint8_t number);

/* A router could not forward a packet of ours to `destination`: the path takes `mtu` bytes at most.
 * For transports, which know that the message is about what they have sent (RFC 5927 §7). All that
 * goes there will heed it, until ip.mtu_expires_s are over. */
void ip_path_too_big(struct stack *stack, const struct address *destination, uint32_t mtu);
/* Brings path->mtu up to date with what has been learnt of the path to `destination` since, or has
 * grown old: whether it has changed. */
bool ip_path_refresh(struct stack *stack, const struct address *destination, struct ip_path *path);

/* Whether `address` is one of our own on any interface. */
bool ip_is_ours(const struct stack *stack, const struct address *address);
/* Whether it is the limited broadcast address, or that of the subnet of any interface. */
bool ip_is_broadcast(const struct stack *stack, const struct address *address);
/* Whether what `remote` sends to `local` comes to this stack, or to another that has the address in
 * common. */
bool ip_flow_is_ours(const struct stack *stack, uint8_t protocol, const struct endpoint *local,
                     const struct endpoint *remote);

/* Sends, and to ourselves too what is for all: puts the IP header in front and passes the packet to
 * its interface. packet->source must be ours and specified. `path` may be NULL: then the way is
 * looked up. 0, -ENETUNREACH, -EMSGSIZE (larger than the path's MTU and not to be cut), or the
 * link's error. Transports treat an error as a loss. */
int ip_output(struct stack *stack, const struct ip_path *path, struct packet_out *packet);

/* The sum over the pseudo-header of the family of the two addresses (RFC 9293 §3.1, RFC 768, RFC
 * 8200 §8.1), where a transport checksum starts. */
struct checksum ip_pseudo_header(const struct address *source, const struct address *destination,
                                 uint8_t protocol, uint32_t length);

/* Writes the address as it stands on the wire, 4 or 16 bytes by its family, and returns their
 * number. */
size_t ip_address_bytes(const struct address *address, uint8_t bytes[16]);

/* Whether the transport checksum over packet->payload is right (or vouched for by the link). */
bool ip_checksum_ok(const struct packet_in *packet);

/* Answers a packet with "port unreachable" (or "protocol unreachable"), limited in rate as RFC 1812
 * §4.3.2.8 and RFC 6633 ask, never to a broadcast or about an ICMP error (RFC 1122 §3.2.2). */
void ip_report_unreachable(struct stack *stack, const struct packet_in *packet,
                           enum path_error_kind kind);

/* Echo (ping) as a service to raw/echo.c: sends a request, and passes replies to the registered
 * function, whole and verified: packet->payload starts with the ICMP header. That floor also
 * registers protocols[IP_PROTOCOL_ICMP].error, .release and .state, which ip/ leaves alone. */
struct ip_echo {
    uint16_t identifier;
    uint16_t sequence;
    const void *data;
    size_t length;
    uint8_t hop_limit;       /* 0: the setting ip.ttl */
    uint8_t group_hop_limit; /* to a group: 0: not beyond this host */
    uint8_t traffic_class;
    bool dont_fragment;
};
/* By `path`, from its source: 0, or what ip_output returns. */
int ip_send_echo(struct stack *stack, const struct ip_path *path, const struct address *destination,
                 const struct ip_echo *echo);
typedef enum drop_reason ip_echo_reply_function(struct stack *stack, const struct packet_in *packet,
                                                uint16_t identifier);
void ip_on_echo_reply(struct stack *stack, ip_echo_reply_function *function);

#endif
