#include "sock/descriptor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORD = 64,           /* numbers a word of `taken` stands for */
    BLOCK = WORD * WORD, /* numbers a word of `full` stands for, and the least that is added */
    PIECE = 512,         /* sockets in a page */
};

void descriptors_init(struct descriptors *descriptors)
{
    memset(descriptors, 0, sizeof *descriptors);
}

void descriptors_release(struct descriptors *descriptors)
{
    for (uint32_t i = 0; i < descriptors->capacity / PIECE; i++)
        free(descriptors->pieces[i]);
    free(descriptors->pieces);
    free(descriptors->taken);
    free(descriptors->full);
    descriptors_init(descriptors);
}

/* Enlarges one array, its new part zeroed. */
static int grow_array(void *array, size_t size, size_t old_count, size_t new_count)
{
    void **pointer = array;
    char *grown = realloc(*pointer, new_count * size);
    if (grown == NULL)
        return -ENOMEM;
    memset(grown + old_count * size, 0, (new_count - old_count) * size);
    *pointer = grown;
    return 0;
}

/* On an error some arrays may be larger than `capacity` says, which harms nothing. */
static int grow(struct descriptors *d)
{
    uint32_t old = d->capacity;
    uint32_t new = old ? 2 * old : BLOCK;
    if (grow_array(&d->pieces, sizeof *d->pieces, old / PIECE, new / PIECE) < 0 ||
        grow_array(&d->taken, sizeof *d->taken, old / WORD, new / WORD) < 0 ||
        grow_array(&d->full, sizeof *d->full, old / BLOCK, new / BLOCK) < 0)
        return -ENOMEM;
    d->capacity = new;
    return 0;
}

/* The lowest number that is free: `capacity` when all are taken. */
static uint32_t lowest_free(const struct descriptors *d)
{
    for (uint32_t block = 0; block < d->capacity / BLOCK; block++) {
        if (d->full[block] == UINT64_MAX)
            continue;
        uint32_t word = block * WORD + (uint32_t)__builtin_ctzll(~d->full[block]);
        return word * WORD + (uint32_t)__builtin_ctzll(~d->taken[word]);
    }
    return d->capacity;
}

int descriptor_reserve(struct descriptors *d, uint32_t limit)
{
    uint32_t number = lowest_free(d);
    if (number >= limit || number > INT32_MAX)
        return -EMFILE;
    if (number == d->capacity && grow(d) < 0)
        return -ENOMEM;
    struct socket ***piece = &d->pieces[number / PIECE];
    if (*piece == NULL)
        *piece = calloc(PIECE, sizeof **piece);
    return *piece ? 0 : -ENOMEM;
}

int descriptor_take(struct descriptors *d, struct socket *socket)
{
    uint32_t number = lowest_free(d);
    uint64_t *taken = &d->taken[number / WORD];
    *taken |= UINT64_C(1) << number % WORD;
    if (*taken == UINT64_MAX)
        d->full[number / BLOCK] |= UINT64_C(1) << number / WORD % WORD;
    d->pieces[number / PIECE][number % PIECE] = socket;
    d->count++;
    return (int)number;
}

void descriptor_free(struct descriptors *d, int number)
{
    uint32_t n = (uint32_t)number;
    d->taken[n / WORD] &= ~(UINT64_C(1) << n % WORD);
    d->full[n / BLOCK] &= ~(UINT64_C(1) << n / WORD % WORD);
    d->pieces[n / PIECE][n % PIECE] = NULL;
    d->count--;
}

struct socket *descriptor_find(const struct descriptors *descriptors, int number)
{
    if (number < 0 || (uint32_t)number >= descriptors->capacity)
        return NULL;
    struct socket *const *piece = descriptors->pieces[number / PIECE];
    return piece ? piece[number % PIECE] : NULL;
}
