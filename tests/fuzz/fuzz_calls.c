/* Every public call, from two users who neither know what they do nor wait for each other, while
 * packets get lost and are forged and memory runs out.
 *
 * The input is where all choices come from, in the order in which they are made; when it is used
 * up, all is closed. Nothing may crash or hang, spans stay valid as long as tern.h says, and at the
 * end no memory is held. */
#include <string.h>

#include "base/random.h"
#include "fuzz/calls/world.h"
#include "fuzz/fuzz.h"

enum { SEEDS = 4, SEED_LENGTH = 300 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct world w;
    world_open(&w, bytes, length);
    world_run(&w);
    world_close(&w);
    return 0;
}

/* Random programs are as good as any: nearly every byte is a choice that makes sense. */
size_t fuzz_seed(unsigned index, uint8_t out[FUZZ_INPUT_MAX])
{
    struct random random;
    if (index >= SEEDS)
        return 0;
    random_seed_number(&random, 1000 + index);
    random_bytes(&random, out, SEED_LENGTH);
    return SEED_LENGTH;
}
