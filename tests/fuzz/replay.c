/* Plays a fuzzer without libFuzzer.
 *
 *   replay_NAME              the seeds, each cut at every byte, then ROUNDS mutations of them
 *   replay_NAME FILE...      these inputs, as to look at what `make fuzz` has found
 *   replay_NAME --seeds DIR  writes the seeds as files into DIR */
#include <string.h>

#include "base/random.h"
#include "fuzz/fuzz.h"

enum { ROUNDS = 20000 };

/* Hands the fuzzer a copy of exactly this length, so that a sanitizer sees a read past the end. */
static void play(const uint8_t *bytes, size_t length)
{
    uint8_t *copy = malloc(length ? length : 1);
    if (copy == NULL)
        abort();
    memcpy(copy, bytes, length);
    LLVMFuzzerTestOneInput(copy, length);
    free(copy);
}

/* Changes up to four places: a byte, a bit, or a value from the edges of its range. */
static size_t mutate(struct random *random, uint8_t *bytes, size_t length)
{
    static const uint8_t edges[] = {0, 1, 2, 0x7f, 0x80, 0xfe, 0xff};
    for (uint32_t left = 1 + random_below(random, 4); left > 0 && length > 0; left--) {
        uint8_t *at = &bytes[random_below(random, (uint32_t)length)];
        switch (random_below(random, 4)) {
        case 0:
            *at = (uint8_t)random_u32(random);
            break;
        case 1:
            *at ^= (uint8_t)(1u << random_below(random, 8));
            break;
        case 2:
            *at = edges[random_below(random, sizeof edges)];
            break;
        default:
            length = random_below(random, (uint32_t)length) + 1;
            break;
        }
    }
    return length;
}

static unsigned play_seeds_cut(void)
{
    uint8_t bytes[FUZZ_INPUT_MAX];
    unsigned count = 0;
    for (size_t length; (length = fuzz_seed(count, bytes)) > 0; count++) {
        for (size_t cut = 0; cut <= length; cut++)
            play(bytes, cut);
    }
    return count;
}

static void play_mutations(unsigned seeds)
{
    uint8_t bytes[FUZZ_INPUT_MAX];
    struct random random;
    random_seed_number(&random, 1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t length = fuzz_seed(random_below(&random, seeds), bytes);
        play(bytes, mutate(&random, bytes, length));
    }
}

static int play_file(const char *path)
{
    static uint8_t bytes[1 << 20];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    play(bytes, length);
    return 0;
}

static int write_seeds(const char *folder)
{
    uint8_t bytes[FUZZ_INPUT_MAX];
    char path[4096];
    for (unsigned i = 0;; i++) {
        size_t length = fuzz_seed(i, bytes);
        if (length == 0)
            return 0;
        snprintf(path, sizeof path, "%s/seed-%u", folder, i);
        FILE *file = fopen(path, "wb");
        if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0) {
            perror(path);
            return 1;
        }
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--seeds") == 0)
        return write_seeds(argv[2]);
    if (argc > 1) {
        int status = 0;
        for (int i = 1; i < argc; i++)
            status |= play_file(argv[i]);
        return status;
    }

    unsigned seeds = play_seeds_cut();
    if (seeds == 0) {
        printf("not ok the fuzzer has seeds\n");
        return 1;
    }
    printf("ok %u seeds cut at every byte\n", seeds);
    play_mutations(seeds);
    printf("ok %d mutations\n", ROUNDS);
    return 0;
}
