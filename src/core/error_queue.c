#include "core/error_queue.h"

#include <stdlib.h>
#include <string.h>

void error_queue_init(struct error_queue *queue)
{
    *queue = (struct error_queue){0};
    list_init(&queue->notes);
}

static struct error_note *note_at(const struct list *link)
{
    return container_of(link, struct error_note, link);
}

static struct error_note *first_of(const struct error_queue *queue)
{
    return error_queue_empty(queue) ? NULL : note_at(queue->notes.next);
}

static int64_t true_size(const struct error_note *note)
{
    return (int64_t)sizeof *note + note->length;
}

struct error_note *error_note_new(struct stack *stack, size_t length)
{
    struct error_note *note = calloc(1, sizeof *note + length);
    if (!note)
        return NULL;
    list_init(&note->link);
    note->length = (uint32_t)length;
    stack_charge(stack, true_size(note));
    return note;
}

void error_note_free(struct stack *stack, struct error_note *note)
{
    stack_charge(stack, -true_size(note));
    list_remove(&note->link);
    free(note);
}

void error_queue_release(struct stack *stack, struct error_queue *queue)
{
    struct error_note *note;
    while ((note = first_of(queue)) != NULL)
        error_note_free(stack, note);
    queue->count = 0;
}

static void append(struct error_queue *queue, struct error_note *note)
{
    list_append(&queue->notes, &note->link);
    queue->count++;
}

struct error_note error_note_of_path(const struct path_error *error, int number,
                                     const struct endpoint *destination)
{
    return (struct error_note){.origin = ERROR_ORIGIN_ICMP,
                               .error = number,
                               .type = error->icmp_type,
                               .code = error->icmp_code,
                               .info = error->mtu,
                               .destination = *destination,
                               .offender = error->reporter,
                               .receiver = error->source,
                               .hop_limit = error->hop_limit,
                               .traffic_class = error->traffic_class};
}

bool error_queue_add(struct stack *stack, struct error_queue *queue, const struct error_note *what,
                     const void *bytes, size_t length)
{
    size_t kept = length < LIMIT_ERROR_QUOTE ? length : LIMIT_ERROR_QUOTE;
    struct error_note *note = queue->count < LIMIT_ERROR_NOTES ? error_note_new(stack, kept) : NULL;
    if (!note) {
        stack_count(stack, COUNTER_ErrorQueueDrops);
        return false;
    }
    *note = *what;
    note->length = (uint32_t)kept;
    note->truncated |= kept < length;
    if (kept > 0)
        memcpy(note->bytes, bytes, kept);
    append(queue, note);
    return true;
}

void error_queue_number(struct error_queue *queue, struct error_note *note)
{
    note->origin = ERROR_ORIGIN_ZEROCOPY;
    note->code = ERROR_CODE_COPIED;
    note->info = note->data = queue->send_next++;
}

/* Whether `last` can tell what `note` tells as well. A range never holds all 2^32 numbers, for then
 * it would look empty. */
static bool joins(const struct error_note *last, const struct error_note *note)
{
    uint32_t held = last->data - last->info + 1;
    uint32_t more = note->data - note->info + 1;
    return last->origin == ERROR_ORIGIN_ZEROCOPY && note->info == last->data + 1 &&
           held <= UINT32_MAX - more;
}

void error_queue_complete(struct stack *stack, struct error_queue *queue, struct error_note *note)
{
    struct error_note *last = error_queue_empty(queue) ? NULL : note_at(queue->notes.prev);
    if (!last || !joins(last, note)) {
        append(queue, note);
        return;
    }
    last->data = note->data;
    error_note_free(stack, note);
}

struct error_note *error_queue_take(struct error_queue *queue, int *pending)
{
    struct error_note *note = first_of(queue);
    if (!note)
        return NULL;
    list_remove(&note->link);
    queue->count--;
    const struct error_note *next = first_of(queue);
    if (next && next->origin == ERROR_ORIGIN_ICMP)
        *pending = next->error;
    else if (note->origin == ERROR_ORIGIN_ICMP)
        *pending = 0;
    return note;
}
