/* A packet in words: addresses, and what each protocol's header says. */
#ifndef TERN_CLI_DESCRIBE_H
#define TERN_CLI_DESCRIBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/flows.h"
#include "cli/line.h"

/* What is known of a packet besides its bytes. */
struct describe_packet {
    const uint8_t *bytes; /* from the IP header on */
    size_t length;
    uint16_t segment_size; /* of a super-packet, else 0 */
    bool verify;           /* its transport checksum is in place and worth verifying */
    bool seen_before;      /* nothing of it is news to the flows */
};

/* Adds "10.0.0.3:40000 > 10.0.0.2:8000 TCP" to `brief`, which may later say which packet was
 * dropped, and the rest, "[S] seq 0, ...", to `rest`. */
void describe(const struct describe_packet *packet, struct flows *flows, struct line *brief,
              struct line *rest);

#endif
