/* Identifications for IPv4 packets that may be fragmented (RFC 6864 §4.2).
 *
 * They must not repeat while fragments of an earlier packet may be about, and must not tell an
 * observer how much we send or what comes next (security rule 7). A counter is therefore sent
 * through a keyed permutation of 15 bits, a Feistel network; after each cycle the permutation is
 * drawn anew and the sixteenth bit flips, so that no value comes again within 32,768 packets. */
#ifndef TERN_IP_IDENTIFICATION_H
#define TERN_IP_IDENTIFICATION_H

#include <stdint.h>

#include "base/random.h"

struct identification {
    uint16_t used;         /* of this cycle */
    uint16_t cycle_bit;    /* 0 or 0x8000 */
    uint8_t round[4][256]; /* the permutation */
};

void identification_init(struct identification *identification, struct random *random);
uint16_t identification_next(struct identification *identification, struct random *random);

#endif
