/* What a fuzzer is here: a file fuzz_NAME.c with these two functions.
 *
 * `make fuzz` links it with libFuzzer, which looks for inputs that crash it or break what it
 * checks; `make test` links it with replay.c, which plays its seeds and a fixed number of mutations
 * of them, the same on every machine. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { FUZZ_INPUT_MAX = 4096 };

/* libFuzzer's name and contract: takes any input, returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Writes the index-th good input: its length, or 0 past the last. */
size_t fuzz_seed(unsigned index, uint8_t out[FUZZ_INPUT_MAX]);

/* What must hold whatever the input. */
#define FUZZ_CHECK(condition)                                                       \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                \
        }                                                                           \
    } while (0)

#endif
