/* The bytes that scripts leave unsaid. Byte n of a stream (SYN being 0, so that data start at 1)
 * and byte n of a datagram (from 0) have a value that is told by n alone: what arrives in the wrong
 * place is seen, on the wire and by who reads. */
#ifndef SCRIPT_PATTERN_H
#define SCRIPT_PATTERN_H

#include <stddef.h>
#include <stdint.h>

static inline uint8_t pattern_at(uint32_t position)
{
    return (uint8_t)(position * 2654435761u >> 24);
}

static inline void pattern_fill(uint8_t *bytes, size_t length, uint32_t position)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = pattern_at(position + (uint32_t)i);
}

#endif
