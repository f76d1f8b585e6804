/* Memory of objects of one size that come in great numbers, like connections.
 *
 * They are cut from spans, which a source has from the system: without a header each, and apart
 * from all else, so that a span is empty again when those objects are gone that came together, and
 * goes back to the system. Objects whose size is a multiple of a cache line's begin with a line.
 * malloc keeps what lies below memory that is in use, which is what a burst of connections leaves
 * behind. Taking and giving cost the same however many there are.
 *
 * One span is kept when it is empty, so that who takes and gives one object in turn does not ask
 * the system each time; a second never is. Without a source each object is malloc's own, which is
 * what a memory checker wants to see. */
#ifndef TERN_BASE_SLAB_H
#define TERN_BASE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct slab_source {
    /* So many bytes, a power of two and a multiple of the page size, at a multiple of as much; NULL
     * without memory. */
    void *(*take)(size_t bytes);
    /* False where it cannot be taken back now, and stays as it is. */
    bool (*give)(void *span, size_t bytes);
};

struct slab_span;

struct slab {
    const struct slab_source *source;
    uint32_t object_bytes, span_bytes;
    uint32_t objects;        /* in a span */
    struct list open;        /* spans with room, the empty one last */
    struct slab_span *empty; /* the one that is kept, or NULL */
};

/* `source` may be NULL; else a span holds an object at the least. */
void slab_init(struct slab *slab, size_t object_bytes, size_t span_bytes,
               const struct slab_source *source);
/* When all objects have been given back: so are all spans, then. */
void slab_release(struct slab *slab);

/* With whatever bytes are in it; NULL without memory. What was given last is what is taken first,
 * but for spans that have become full meanwhile. */
void *slab_take(struct slab *slab);
void slab_give(struct slab *slab, void *object);
/* Gives back the span that is kept, if there is one. */
void slab_trim(struct slab *slab);

#endif
