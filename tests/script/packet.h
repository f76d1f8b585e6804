/* Packets on the wire: built for injection, taken apart for comparison.
 *
 * Nothing here is tern's: what is compared are the bytes themselves. */
#ifndef SCRIPT_PACKET_H
#define SCRIPT_PACKET_H

#include <stdio.h>

#include "script/config.h"
#include "script/connection.h"

/* What stands in a packet. */
struct packet_view {
    uint8_t tos, ttl, protocol;
    bool dont_fragment;
    uint32_t source, destination;
    uint16_t source_port, destination_port;
    uint32_t length; /* of the payload */
    const uint8_t *payload;

    uint16_t flags; /* FIN 1 … AE 0x100 */
    uint8_t reserved;
    uint32_t seq, ack;
    uint16_t window, urgent;
    uint8_t options_length;
    uint8_t options[OPTIONS_MAX];

    uint8_t icmp_type, icmp_code;
    uint16_t icmp_id, icmp_mtu;
};

/* One option: its kind, the length of its value, and the value. End and NOP have none. */
struct option_view {
    uint8_t kind;
    uint8_t length;
    uint8_t *value;
};

/* The option at *at, which moves behind it: false at the end of all, and for a broken one with
 * `broken` set. */
bool option_next(uint8_t *options, uint8_t length, uint8_t *at, struct option_view *option,
                 bool *broken);
/* The timestamps option's value, 8 bytes, or NULL. */
uint8_t *option_timestamps(uint8_t *options, uint8_t length);

/* The packet that a script injects on a connection, with sums and mapped numbers: its length, or 0
 * with the problem set. */
size_t packet_build(const struct packet_spec *spec, const struct connection *c,
                    const struct config *config, uint8_t bytes[65535], struct problem *problem);

/* Takes a whole packet apart. NULL, or what is wrong with its lengths, sums or header. */
const char *packet_read(const uint8_t *bytes, size_t length, struct packet_view *view);

/* As a script would write it. */
const char *packet_text(const struct packet_view *view, struct arena *arena);
const char *packet_spec_text(const struct packet_spec *spec, struct arena *arena);

#endif
