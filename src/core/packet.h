/* A packet that arrives, decoded by ip/ for what is above it, and one that departs.
 *
 * An arriving packet is a view into the link's receive buffer, and is dead when the input call
 * returns. A departing one is a buffer for headers on the stack of whoever sends, plus at most
 * three spans of payload that stay where they are. */
#ifndef TERN_CORE_PACKET_H
#define TERN_CORE_PACKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include <tern/tern.h>

#include "base/address.h"
#include "base/limits.h"

struct interface;
struct stack;

/* Memory for the text of a packet that has not arrived yet. Of the first LIMIT_SUPER_PACKET bytes,
 * as far as there is room, who offers it has made sure that they can be written. */
struct text_place {
    uint8_t *at;
    size_t room;       /* bytes; 0: there is none */
    const void *owner; /* whose it is */
};

struct packet_in {
    struct interface *interface;
    struct address source;
    struct address destination;
    const uint8_t *header;  /* the IP header: what an ICMP error quotes starts here */
    const uint8_t *payload; /* what the IP header carries */
    const uint8_t *text;    /* of a TCP segment whose text is not behind its headers; else NULL */
    uint32_t header_length;
    uint32_t payload_length;
    uint16_t segment_size; /* of a super-packet: payload bytes of each that it stands for; else 0 */
    uint8_t protocol;
    uint8_t hop_limit;     /* TTL */
    uint8_t traffic_class; /* DSCP and ECN */
    bool to_unicast; /* the destination is one of our own addresses, not broadcast or multicast */
    bool checksum_verified;       /* the link vouches for the transport checksum */
    uint16_t checksum_unfinished; /* where in the payload the sender left the checksum for a link to
                                     finish (TERN_OFFLOAD_CHECKSUM); 0: nowhere */
};

struct packet_out {
    struct address source;
    struct address destination;
    struct iovec spans[4];   /* headers (filled in by ip_output), then up to three of payload */
    int payload_spans;       /* 0 to 3, at spans[1] on */
    uint32_t payload_length; /* of TCP, once it is sent: of which the link took so much
                                (segmentation.h) */
    uint8_t protocol;
    uint8_t hop_limit; /* 0: the setting ip.ttl */
    uint8_t traffic_class;
    bool dont_fragment;
    uint16_t
        segment_size; /* payload bytes a wire packet, when payload_length is more; 0: one packet */
    uint16_t checksum_offset;  /* of the transport's checksum within its header, in whose field the
                                  sum over the pseudo-header stands, not complemented; NO_CHECKSUM:
                                  none to finish */
    uint16_t transport_offset; /* of the transport's header within all headers; ip/ sets it */
    bool cwr_on_all; /* of a TCP super-segment: CWR belongs to AccECN's counter (RFC 9768 §3.2.2)
                        and stands on every part; else on the first alone (RFC 3168 §6.1.2) */
    /* Gives each packet that this one is cut into an identification of its own: what may be
     * fragmented on its way. NULL: they count on from its own. ip/ sets it. */
    uint16_t (*identify)(struct stack *stack);
    uint8_t *header; /* first header byte so far, inside `room`; the transport's, then ip/ puts its
                        own before */
    uint32_t header_length;
    const char *why; /* for the trace: why this is sent */
    uint8_t room[LIMIT_HEADERS];
};

enum { NO_CHECKSUM = 0xffff };

/* Makes an empty departing packet whose transport header of `header_length` bytes is the writable
 * area returned. */
uint8_t *packet_out_begin(struct packet_out *packet, uint8_t protocol, uint32_t header_length);
/* Adds a span of payload; at most three. Empty ones are passed over. */
void packet_out_payload(struct packet_out *packet, const void *bytes, size_t length);
/* Opens `length` bytes in front of the headers so far, and returns them. */
uint8_t *packet_out_prepend(struct packet_out *packet, uint32_t length);

/* Adds, as payload of `part`, `length` bytes of the payload of `whole` from `offset` on. */
void packet_out_slice(struct packet_out *part, const struct packet_out *whole, uint32_t offset,
                      uint32_t length);
/* Completes the transport checksum over headers and payload. */
void packet_out_finish_checksum(struct packet_out *packet);

#endif
