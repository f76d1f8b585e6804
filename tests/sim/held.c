#include "link/held.h"

#include "common/allocation.h"

/* The network's memory is not the machines'. */
struct held_packet *__real_held_packet_new(const struct iovec *spans, int count,
                                           const struct tern_offload *offload);
struct held_packet *__wrap_held_packet_new(const struct iovec *spans, int count,
                                           const struct tern_offload *offload);

struct held_packet *__wrap_held_packet_new(const struct iovec *spans, int count,
                                           const struct tern_offload *offload)
{
    allocations_pause(true);
    struct held_packet *packet = __real_held_packet_new(spans, count, offload);
    allocations_pause(false);
    return packet;
}
