/* The table from descriptors, the small numbers that users hold, to sockets.
 *
 * As POSIX asks of open(2), the lowest free number is handed out first. A bit for each number says
 * whether it is taken, and a bit for each 64 of those whether all are, so that finding the lowest
 * free one among a million reads a few hundred words at worst. The sockets stand in pieces of a
 * page, so that the table takes no more than its numbers and never moves. */
#ifndef TERN_SOCK_DESCRIPTOR_H
#define TERN_SOCK_DESCRIPTOR_H

#include <stdint.h>

struct socket;

struct descriptors {
    struct socket ***pieces; /* of sockets, by number, NULL: free; or NULL: all are */
    uint64_t *taken;         /* a bit for each number */
    uint64_t *full;          /* a bit for each word of `taken` */
    uint32_t capacity;       /* numbers that there are bits for: a multiple of 4096, or 0 */
    uint32_t count;          /* numbers taken */
};

void descriptors_init(struct descriptors *descriptors);
/* Frees the table; the sockets are the caller's. */
void descriptors_release(struct descriptors *descriptors);

/* Makes sure of a free number below `limit`: 0, -EMFILE or -ENOMEM. */
int descriptor_reserve(struct descriptors *descriptors, uint32_t limit);
/* Gives `socket` the lowest free number, of which descriptor_reserve() has just made sure. */
int descriptor_take(struct descriptors *descriptors, struct socket *socket);
/* Frees a number that is taken. */
void descriptor_free(struct descriptors *descriptors, int number);
/* The socket behind any number at all, or NULL. */
struct socket *descriptor_find(const struct descriptors *descriptors, int number);

#endif
