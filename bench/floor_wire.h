/* TCP's packets over a TUN device with offloads, made and read with as little as the kernel takes.
 */
#ifndef BENCH_FLOOR_WIRE_H
#define BENCH_FLOOR_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    WIRE_SUPER_PACKET = 65536,
    WIRE_BIG_TEXT =
        180 * 1460, /* what a packet to the kernel carries at most: IPv4 total length 0 */
    WIRE_MSS = 1460,
    WIRE_WINDOW_SHIFT = 7,
};

struct wire_segment {
    uint16_t ours, theirs; /* ports, host order */
    uint32_t seq, ack;
    uint32_t window; /* not shifted; of what we send it is always the same */
    uint8_t flags;
    uint8_t window_shift; /* of a SYN */
};

/* By the environment: FLOOR_DEVICE, FLOOR_ADDRESS, FLOOR_KERNEL. */
void wire_open(void);
void wire_put(const struct wire_segment *segment, const void *text, size_t length);
/* Takes in a packet, its text to `place`, which has room for WIRE_SUPER_PACKET: how much that is; 0
 * with no flags: it was no TCP; -1: there was no packet. */
ssize_t wire_take(struct wire_segment *segment, uint8_t *place);
void wire_sleep(void); /* until there is a packet */

#endif
