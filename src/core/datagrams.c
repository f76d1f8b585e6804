#include "core/datagrams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/stamps.h"

/* A datagram; or those of a super-datagram that are still to be received, one after the other. */
struct datagram {
    struct list link;
    struct datagram_info info; /* of the next */
    uint32_t start;            /* of its bytes */
    uint32_t behind;           /* bytes of those behind it */
    uint32_t part;             /* bytes of each, but for the last */
    uint8_t bytes[];
};

/* What a datagram counts against the limit of its queue. */
static uint32_t cost_of(uint32_t length)
{
    return (uint32_t)sizeof(struct datagram) + length;
}

static uint32_t true_size(const struct datagram *datagram)
{
    return (uint32_t)sizeof *datagram + datagram->start + datagram->info.length + datagram->behind;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

void datagrams_init(struct datagrams *datagrams, uint32_t receive_limit_bytes)
{
    memset(datagrams, 0, sizeof *datagrams);
    list_init(&datagrams->queue);
    error_queue_init(&datagrams->errors);
    datagrams->options.receive_limit_bytes = receive_limit_bytes;
    datagrams->options.group_hop_limit = 1;
    datagrams->options.segments_whole = true;
}

static void remove_first(struct stack *stack, struct datagrams *datagrams)
{
    struct datagram *first = container_of(datagrams->queue.next, struct datagram, link);
    datagrams->count--;
    datagrams->bytes -= cost_of(first->info.length);
    if (first->behind > 0) {
        first->start += first->info.length;
        first->info.length = least(first->part, first->behind);
        first->behind -= first->info.length;
        return;
    }
    list_remove(&first->link);
    stack_charge(stack, -(int64_t)true_size(first));
    free(first);
}

void datagrams_release(struct stack *stack, struct datagrams *datagrams)
{
    while (!list_empty(&datagrams->queue))
        remove_first(stack, datagrams);
    error_queue_release(stack, &datagrams->errors);
}

/* What is queued of a packet: `count` datagrams of `part` bytes each, the last perhaps less. */
struct portion {
    uint32_t length, part, count;
};

/* Whether there is room for a datagram of `length` bytes behind those that have found some. */
static bool has_room(const struct datagrams *datagrams, const struct portion *before,
                     uint32_t length)
{
    uint32_t count = datagrams->count + before->count;
    uint32_t limit = datagrams->options.receive_limit_bytes;
    uint32_t bytes = datagrams->bytes + before->count * cost_of(0) + before->length;
    if (count == 0)
        return true;
    return count < LIMIT_DATAGRAMS_QUEUED && bytes < limit && cost_of(length) <= limit - bytes;
}

/* As many of them as there is room for. */
static struct portion fit(const struct stack *stack, const struct datagrams *datagrams,
                          uint32_t part, uint32_t length)
{
    struct portion found = {.part = part};
    do {
        uint32_t next = least(part, length - found.length);
        if (!has_room(datagrams, &found, next) ||
            !stack_memory_allows(stack, cost_of(found.length + next)))
            break;
        found.length += next;
        found.count++;
    } while (found.length < length);
    return found;
}

static int append(struct stack *stack, struct datagrams *datagrams,
                  const struct datagram_info *info, const void *bytes,
                  const struct portion *portion)
{
    struct datagram *datagram = malloc(cost_of(portion->length));
    if (!datagram)
        return -ENOMEM;
    uint32_t first = least(portion->part, portion->length);
    *datagram =
        (struct datagram){.info = *info, .behind = portion->length - first, .part = portion->part};
    datagram->info.length = first;
    datagram->info.truncated = false;
    datagram->info.arrived_ns = stack->now_ns;
    if (portion->length > 0)
        memcpy(datagram->bytes, bytes, portion->length);
    list_append(&datagrams->queue, &datagram->link);
    datagrams->count += portion->count;
    datagrams->bytes += portion->count * cost_of(0) + portion->length;
    stack_charge(stack, true_size(datagram));
    return 0;
}

ssize_t datagrams_append(struct stack *stack, struct datagrams *datagrams,
                         const struct datagram_info *info, const void *bytes, size_t length)
{
    struct datagram_info kept = *info;
    bool apart = info->segment_size > 0 && !datagrams->options.receive_super;
    uint32_t part = apart ? info->segment_size : (uint32_t)length;
    struct portion portion = fit(stack, datagrams, part, (uint32_t)length);
    if (portion.count == 0)
        return -ENOBUFS;
    if (apart)
        kept.segment_size = 0;
    int error = append(stack, datagrams, &kept, bytes, &portion);
    return error ? error : (ssize_t)portion.length;
}

bool datagrams_are_many(const struct datagrams *datagrams)
{
    return datagrams->bytes > datagrams->options.receive_limit_bytes / 2 ||
           datagrams->count > LIMIT_DATAGRAMS_QUEUED / 2;
}

/* Copies as much as the spans hold; returns how much that was. */
static uint32_t copy_out(const struct datagram *datagram, const struct iovec *spans, int count)
{
    uint32_t copied = 0;
    for (int i = 0; i < count && copied < datagram->info.length; i++) {
        uint32_t left = datagram->info.length - copied;
        uint32_t taken = spans[i].iov_len < left ? (uint32_t)spans[i].iov_len : left;
        if (taken > 0)
            memcpy(spans[i].iov_base, datagram->bytes + datagram->start + copied, taken);
        copied += taken;
    }
    return copied;
}

ssize_t datagrams_receive(struct stack *stack, struct datagrams *datagrams,
                          const struct iovec *spans, int count, int flags,
                          struct datagram_info *info)
{
    int error = datagrams_error(datagrams, true);
    if (error)
        return -error;
    if (datagrams->count == 0)
        return -EAGAIN;
    const struct datagram *first = container_of(datagrams->queue.next, struct datagram, link);
    uint32_t length = first->info.length;
    uint32_t copied = copy_out(first, spans, count);
    if (info) {
        *info = first->info;
        info->truncated = copied < length;
    }
    if (!(flags & MSG_PEEK))
        remove_first(stack, datagrams);
    return flags & MSG_TRUNC ? length : copied;
}

int datagram_piece_make(const struct iovec *spans, int count, size_t most,
                        struct datagram_piece *out)
{
    const struct iovec *last = NULL;
    int used = 0;
    *out = (struct datagram_piece){0};
    for (int i = 0; i < count; i++) {
        if (spans[i].iov_len == 0)
            continue;
        if (spans[i].iov_len > most - out->length)
            return -EMSGSIZE;
        out->length += spans[i].iov_len;
        last = &spans[i];
        used++;
    }
    if (used <= 1) {
        out->bytes = last ? last->iov_base : NULL;
        return 0;
    }
    uint8_t *to = out->copy = malloc(out->length);
    if (!to)
        return -ENOMEM;
    out->bytes = to;
    for (int i = 0; i < count; i++) {
        if (spans[i].iov_len > 0)
            memcpy(to, spans[i].iov_base, spans[i].iov_len);
        to += spans[i].iov_len;
    }
    return 0;
}

void datagram_piece_release(struct datagram_piece *piece)
{
    free(piece->copy);
}

void datagrams_path_error(struct stack *stack, struct datagrams *datagrams,
                          const struct path_error *error, const struct endpoint *destination,
                          const void *quoted, size_t length)
{
    static const int numbers[] = {
        [PATH_ERROR_NETWORK] = ENETUNREACH,        [PATH_ERROR_HOST] = EHOSTUNREACH,
        [PATH_ERROR_PROTOCOL] = ENOPROTOOPT,       [PATH_ERROR_PORT] = ECONNREFUSED,
        [PATH_ERROR_ADMIN] = EHOSTUNREACH,         [PATH_ERROR_TOO_BIG] = EMSGSIZE,
        [PATH_ERROR_TIME_EXCEEDED] = EHOSTUNREACH, [PATH_ERROR_PARAMETER] = EPROTO,
    };
    /* Who lets datagrams be fragmented does not care that one had to be. */
    if (error->kind == PATH_ERROR_TOO_BIG && !datagrams_mind_size(datagrams))
        return;
    datagrams->error = numbers[error->kind];
    if (!datagrams->options.receive_errors)
        return;
    struct error_note note = error_note_of_path(error, datagrams->error, destination);
    note.time_ns = stack->now_ns;
    error_queue_add(stack, &datagrams->errors, &note, quoted, length);
}

bool datagrams_mind_size(const struct datagrams *datagrams)
{
    const struct datagram_options *options = &datagrams->options;
    return options->dont_fragment || (options->segments_whole && datagrams->segments_sent);
}

bool datagrams_too_long(struct stack *stack, struct datagrams *datagrams,
                        const struct endpoint *destination, uint32_t mtu)
{
    struct error_note note = {
        .origin = ERROR_ORIGIN_LOCAL, .error = EMSGSIZE, .info = mtu, .destination = *destination};
    return datagrams->options.receive_errors &&
           error_queue_add(stack, &datagrams->errors, &note, NULL, 0);
}

bool datagrams_left(struct stack *stack, struct datagrams *datagrams, uint32_t stamps)
{
    struct error_queue *errors = &datagrams->errors;
    uint32_t key = datagrams->stamp_next;
    if (!(stamps & STAMP_TX))
        return false;
    stamp_note(stack, errors, stamps, STAMP_SCHEDULED, stack->now_ns, key);
    stamp_note(stack, errors, stamps, STAMP_SENT, stack->now_ns, key);
    datagrams->stamp_next += (stamps & STAMP_OPT_ID) != 0;
    return true;
}

void datagrams_complete(struct stack *stack, struct datagrams *datagrams,
                        struct error_note *completion)
{
    error_queue_number(&datagrams->errors, completion);
    error_queue_complete(stack, &datagrams->errors, completion);
}

void datagrams_stamps_begin(struct datagrams *datagrams)
{
    datagrams->stamp_next = 0;
}

struct error_note *datagrams_take_note(struct datagrams *datagrams)
{
    return error_queue_take(&datagrams->errors, &datagrams->error);
}

unsigned datagrams_readiness(const struct datagrams *datagrams)
{
    unsigned events = POLLOUT | POLLWRNORM | POLLWRBAND;
    if (datagrams->count > 0)
        events |= POLLIN | POLLRDNORM;
    if (datagrams->error || !error_queue_empty(&datagrams->errors))
        events |= POLLERR;
    if (datagrams->receive_closed)
        events |= POLLIN | POLLRDNORM | POLLRDHUP;
    if (datagrams->receive_closed && datagrams->send_closed)
        events |= POLLHUP;
    return events;
}

int datagrams_error(struct datagrams *datagrams, bool clear)
{
    int error = datagrams->error;
    if (clear)
        datagrams->error = 0;
    return error;
}

uint32_t datagrams_next_length(const struct datagrams *datagrams)
{
    if (datagrams->count == 0)
        return 0;
    return container_of(datagrams->queue.next, struct datagram, link)->info.length;
}
