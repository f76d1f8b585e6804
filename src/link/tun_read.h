/* The receiving side of a TUN descriptor: one packet a read, with virtio's header in front. */
#ifndef TERN_LINK_TUN_READ_H
#define TERN_LINK_TUN_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tern/tern.h>

#include "base/limits.h"
#include "core/packet.h"
#include "link/held.h"

/* Bytes that a packet which is read ahead has room for, virtio's header with them. */
enum { TUN_SMALL = 2048 };

struct tun_read {
    int descriptor;
    struct held_queue early; /* virtio's header and a packet each, from before it was open */
    uint16_t large_header;   /* bytes of headers of the last packet, if it was a large segment */
    /* Small packets are TUN_SMALL apart; behind the last there is room for the largest, too. */
    uint8_t bytes[(LIMIT_READ_AHEAD - 1) * TUN_SMALL + 16 + LIMIT_SUPER_PACKET];
};

struct tun_packet {
    const uint8_t *bytes; /* dead with the next read */
    size_t length;
    struct tern_offload offload;
    const uint8_t *text; /* where its text is, if that is not behind its headers; else NULL */
};

/* Reads a packet: 1, 0 when none is there, or a negative errno when the device is gone. The text of
 * a large segment may come to stand in `place`; whatever comes may be written there. */
int tun_read_packet(struct tun_read *reading, const struct text_place *place,
                    struct tun_packet *out);
/* Whether packets had better be read ahead: the next is likely no large segment. */
bool tun_read_pays_ahead(const struct tun_read *reading);
/* Whether the last packet was one: a super-segment, or of more than TUN_SMALL bytes. A
 * super-datagram is none, for its text goes nowhere else. */
static inline bool tun_read_was_large(const struct tun_read *reading)
{
    return reading->large_header > 0;
}
/* Reads up to `most` packets: how many, or a negative errno if the first finds the device gone.
 * *drained: there are no more. One that has no room among the small, or a super-segment, is the
 * last. */
int tun_read_ahead(struct tun_read *reading, int most, struct tun_packet out[LIMIT_READ_AHEAD],
                   bool *drained);

#endif
