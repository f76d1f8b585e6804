/* A link: what carries packets between this machine and another. Links wrap links: a fault link or
 * a capture link stands between the machine and the link below, and the machine cannot tell.
 *
 * A link is used by one thread at a time. Time is passed in, so that every link works in virtual
 * time too. */
#ifndef TERN_LINK_LINK_H
#define TERN_LINK_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include <tern/tern.h>

#include "base/address.h"
#include "core/drop.h"
#include "core/packet.h"

struct link;

/* Takes a packet that has arrived and says why it dropped it, if it did. The packet is dead when
 * this returns. */
typedef enum drop_reason link_deliver(void *machine, const void *packet, size_t length,
                                      const struct tern_offload *offload, uint64_t now_ns);

struct link_operations {
    /* Sends one packet. 0, or a negative errno when it was not taken. */
    int (*send)(struct link *link, const struct iovec *spans, int count,
                const struct tern_offload *offload, uint64_t now_ns);
    /* Delivers up to `budget` packets that have arrived by now_ns, and gives the link its time. The
     * number delivered; or a negative errno when the link is broken for good. */
    int (*poll)(struct link *link, uint64_t now_ns, int budget, link_deliver *deliver,
                void *machine);
    /* When poll must be called although the descriptor is silent; TIME_NEVER for a link without
     * delays. */
    uint64_t (*deadline)(const struct link *link);
    /* What to wait on for readability between polls; -1 when the link has none. */
    int (*descriptor)(const struct link *link);
    /* Closes the link, and the one below it. 0, or the negative errno with which something that it
     * kept for its user was lost (a capture). */
    int (*close)(struct link *link);
};

struct link {
    const struct link_operations *operations;
    uint32_t mtu;
    uint32_t features;         /* TERN_LINK_… */
    uint32_t super_packet_max; /* bytes, with TERN_LINK_TSO or _USO */
    uint32_t big_packet_max;   /* the same to `kernel`, if that is more (IPv4 total length 0) */
    struct address kernel;     /* at the link's other end */
    bool gro; /* the other end joins segments, and may hold them until one has PSH */
    /* Where a link that can put it there may read the text of a packet to (stack->place); set by
     * who polls. */
    struct text_place place;
    bool drained; /* the last poll has found that there is no more */
    /* While a packet is delivered: its text, where that is so. Else NULL, and it is behind the
     * headers. */
    const uint8_t *text;
};

static inline int link_send(struct link *link, const struct iovec *spans, int count,
                            const struct tern_offload *offload, uint64_t now_ns)
{
    return link->operations->send(link, spans, count, offload, now_ns);
}

static inline int link_poll(struct link *link, uint64_t now_ns, int budget, link_deliver *deliver,
                            void *machine)
{
    return link->operations->poll(link, now_ns, budget, deliver, machine);
}

static inline uint64_t link_deadline(const struct link *link)
{
    return link->operations->deadline(link);
}
static inline int link_descriptor(const struct link *link)
{
    return link->operations->descriptor(link);
}
static inline int link_close(struct link *link)
{
    return link->operations->close(link);
}

#endif
