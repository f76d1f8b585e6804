#include "link/offload.h"

#include "base/checksum.h"

void offload_finish_checksum(uint8_t *packet, size_t length, const struct tern_offload *offload)
{
    size_t start = offload->checksum_start;
    size_t field = start + offload->checksum_offset;
    if (length < 2 || field > length - 2)
        return;
    struct checksum sum = CHECKSUM_START;
    checksum_add(&sum, packet + start, length - start);
    uint16_t finished = checksum_finish(&sum);
    if (finished == 0)
        finished = UINT16_MAX; /* the same sum, and what UDP must send for it (RFC 768) */
    packet[field] = (uint8_t)(finished >> 8);
    packet[field + 1] = (uint8_t)finished;
}
