/* What SO_SNDBUF and SO_RCVBUF make of a size (socket(7)), of whatever socket. */
#ifndef TERN_CORE_BUFFER_SIZE_H
#define TERN_CORE_BUFFER_SIZE_H

#include <stdint.h>

/* Linux doubles what is asked for, to make up for its bookkeeping, and reads back the double; so do
 * we, since programs compare. Here the double is what may be held: `least` at the least. More than
 * `most`, which a negative number is too, counts as that. In bytes. */
static inline uint32_t buffer_size(int asked, int64_t least, int64_t most)
{
    int64_t size = asked < 0 || asked > most ? most : asked;
    return (uint32_t)(2 * size < least ? least : 2 * size);
}

#endif
