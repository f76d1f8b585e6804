/* The headers of a connection's SYN, kept for who asks for them: TCP_SAVE_SYN, TCP_SAVED_SYN.
 *
 * They are kept from the SYN on, first by the half-open entry, and are charged to the stack until
 * they have been read or their user has closed. A SYN that a cookie answers leaves nothing. */
#ifndef TERN_TCP_SAVED_SYN_H
#define TERN_TCP_SAVED_SYN_H

#include "tcp/tcb.h"

/* The IP header and the TCP header of a SYN, without its text: NULL without memory. */
struct saved_syn *saved_syn_keep(struct stack *stack, const struct packet_in *packet,
                                 const struct segment *segment);
/* Frees it, if there is one, and leaves NULL. */
void saved_syn_release(struct stack *stack, struct saved_syn **saved);
/* getsockopt(TCP_SAVED_SYN): the bytes, once; with none left a length of 0. -EINVAL: `*length` has
 * been too short, and is now what is needed. */
int saved_syn_read(struct tcb *tcb, void *value, socklen_t *length);

#endif
