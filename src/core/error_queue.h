/* The error queue of a socket: what its user is told, beside the bytes, of what became of packets
 * sent. recvmsg(2) with MSG_ERRQUEUE reads it, poll(2) shows POLLERR while something is in it.
 *
 * A note is an ICMP error or one of our own (ip(7), IP_RECVERR), the completion of a range of
 * MSG_ZEROCOPY sends, or a transmit time (SO_TIMESTAMPING). Each is an allocation of its own,
 * charged to the stack. LIMIT_ERROR_NOTES bounds them; what comes when the queue is full is lost
 * and counted, save completions: those extend the note before them, so that they need one place at
 * most behind each note of another kind. */
#ifndef TERN_CORE_ERROR_QUEUE_H
#define TERN_CORE_ERROR_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "core/endpoint.h"
#include "core/stack.h"

/* Where a note comes from, by Linux's numbers (linux/errqueue.h). */
enum error_origin {
    ERROR_ORIGIN_LOCAL = 1,
    ERROR_ORIGIN_ICMP = 2,
    ERROR_ORIGIN_TIMESTAMPING = 4,
    ERROR_ORIGIN_ZEROCOPY = 5,
};

enum { ERROR_CODE_COPIED = 1 }; /* SO_EE_CODE_ZEROCOPY_COPIED */

struct error_note {
    struct list link;
    uint64_t time_ns;            /* when it was; 0: not told */
    struct endpoint destination; /* whom the packet was for; unspecified: not told */
    struct address offender;     /* ERROR_ORIGIN_ICMP: who sent the error, */
    struct address receiver;     /* and to which address of ours, */
    uint8_t hop_limit;           /* with what in its IP header */
    uint8_t traffic_class;
    uint32_t info, data; /* as recvmsg(2) tells them */
    uint32_t until;      /* of what waits to be told: the sequence number it waits for */
    int error;           /* a positive errno, or 0 */
    uint8_t origin, type, code;
    bool truncated;  /* there was more of the packet than `bytes` */
    uint32_t length; /* of what is kept of the packet: the transport's payload */
    uint8_t bytes[];
};

struct error_queue {
    struct list notes; /* oldest first */
    uint32_t count;
    uint32_t send_next; /* the number of the next MSG_ZEROCOPY send */
};

void error_queue_init(struct error_queue *queue);
void error_queue_release(struct stack *stack, struct error_queue *queue);

static inline bool error_queue_empty(const struct error_queue *queue)
{
    return list_empty(&queue->notes);
}

/* A note that is in no queue, all zero, with room for `length` bytes; NULL without memory. */
struct error_note *error_note_new(struct stack *stack, size_t length);
void error_note_free(struct stack *stack, struct error_note *note);

/* What `error` comes to, about a packet to `destination`, in a note with the errno `number`. */
struct error_note error_note_of_path(const struct path_error *error, int number,
                                     const struct endpoint *destination);

/* Queues a copy of `what` with the first bytes of the packet (at most LIMIT_ERROR_QUOTE). False
 * when it is lost: the queue is full, or there is no memory. */
bool error_queue_add(struct stack *stack, struct error_queue *queue, const struct error_note *what,
                     const void *bytes, size_t length);
/* Makes of `note` the word that the next MSG_ZEROCOPY send is done with, for
 * error_queue_complete(). The bytes were copied. */
void error_queue_number(struct error_queue *queue, struct error_note *note);
/* Queues `note`, which tells that the sends info..data are done with; it joins the last note where
 * that says the same of the sends right before. */
void error_queue_complete(struct stack *stack, struct error_queue *queue, struct error_note *note);

/* Takes the oldest note, to be freed by the caller; NULL when there is none. *pending is a socket's
 * pending error, which goes with the ICMP errors in the queue: that of the next one, or none when
 * the last has been taken. */
struct error_note *error_queue_take(struct error_queue *queue, int *pending);

#endif
