#include "base/slab.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/cache.h"

/* An object that is free. */
struct slab_free {
    struct slab_free *next;
};

/* At the beginning of each span. Objects behind the first `fresh` have never been taken, and their
 * pages not been touched. */
struct slab_span {
    struct list link; /* in slab->open while there is room */
    struct slab_free *free;
    uint32_t fresh, taken;
};

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

/* Objects of whole lines begin with one. */
static size_t alignment(size_t object_bytes)
{
    return object_bytes % CACHE_LINE == 0 ? CACHE_LINE : alignof(struct slab_span);
}

static size_t first_object(size_t object_bytes)
{
    return round_up(sizeof(struct slab_span), alignment(object_bytes));
}

void slab_init(struct slab *slab, size_t object_bytes, size_t span_bytes,
               const struct slab_source *source)
{
    size_t each = round_up(object_bytes, alignment(object_bytes));
    *slab = (struct slab){
        .source = source,
        .object_bytes = (uint32_t)each,
        .span_bytes = (uint32_t)span_bytes,
        .objects = (uint32_t)((span_bytes - first_object(each)) / each),
    };
    list_init(&slab->open);
}

static struct slab_span *first_open(const struct slab *slab)
{
    return list_empty(&slab->open) ? NULL : container_of(slab->open.next, struct slab_span, link);
}

/* Where the source does not take it, it waits among the others for its next use. */
static void give_back(struct slab *slab, struct slab_span *span)
{
    list_remove(&span->link);
    if (!slab->source->give(span, slab->span_bytes))
        list_append(&slab->open, &span->link);
}

void slab_trim(struct slab *slab)
{
    struct slab_span *empty = slab->empty;
    slab->empty = NULL;
    if (empty)
        give_back(slab, empty);
}

void slab_release(struct slab *slab)
{
    struct slab_span *span;
    slab->empty = NULL;
    while ((span = first_open(slab))) {
        list_remove(&span->link);
        slab->source->give(span, slab->span_bytes);
    }
}

static struct slab_span *add_span(struct slab *slab)
{
    struct slab_span *span = slab->source->take(slab->span_bytes);
    if (!span)
        return NULL;
    *span = (struct slab_span){.taken = 0};
    list_append(&slab->open, &span->link);
    return span;
}

static void *take_from(struct slab *slab, struct slab_span *span)
{
    void *object = span->free;
    if (object)
        span->free = span->free->next;
    else
        object = (char *)span + first_object(slab->object_bytes) +
                 (size_t)span->fresh++ * slab->object_bytes;
    if (++span->taken == slab->objects)
        list_remove(&span->link);
    if (span == slab->empty)
        slab->empty = NULL;
    return object;
}

static void *take_from_malloc(const struct slab *slab)
{
    size_t aligned = alignment(slab->object_bytes);
    return aligned > alignof(max_align_t) ? aligned_alloc(aligned, slab->object_bytes)
                                          : malloc(slab->object_bytes);
}

void *slab_take(struct slab *slab)
{
    if (!slab->source)
        return take_from_malloc(slab);
    struct slab_span *span = first_open(slab);
    if (!span)
        span = add_span(slab);
    return span ? take_from(slab, span) : NULL;
}

/* The span that is empty is taken from last, for all others have a chance of becoming so. */
static void has_become_empty(struct slab *slab, struct slab_span *span)
{
    if (slab->empty) {
        give_back(slab, span);
        return;
    }
    slab->empty = span;
    list_remove(&span->link);
    list_append(&slab->open, &span->link);
}

void slab_give(struct slab *slab, void *object)
{
    if (!slab->source) {
        free(object);
        return;
    }
    uintptr_t inside = (uintptr_t)object & (slab->span_bytes - 1);
    struct slab_span *span = (struct slab_span *)(void *)((char *)object - inside);
    struct slab_free *freed = object;
    if (span->taken == slab->objects)
        list_insert(slab->open.next, &span->link);
    freed->next = span->free;
    span->free = freed;
    if (--span->taken == 0)
        has_become_empty(slab, span);
}
