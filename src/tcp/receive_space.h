/* How much text a receive buffer has room for. */
#ifndef TERN_TCP_RECEIVE_SPACE_H
#define TERN_TCP_RECEIVE_SPACE_H

#include "tcp/tcb.h"

/* The text that a buffer of that size is for before anything has come. */
uint32_t receive_space_at_first(const struct stack *stack, uint32_t buffer);
void receive_space_begin(struct tcb *tcb);
/* The text that so much space is for, by what packets have shown, and the space for so much text.
 */
uint32_t receive_space_text(const struct tcb *tcb, uint32_t space);
uint64_t receive_space_for(const struct tcb *tcb, uint64_t text);
/* A packet has arrived: before rcv.mss takes note of it. These are on every segment's way, and cost
 * nothing there where nothing is counted. */
void receive_space_learn_counted(struct tcb *tcb, const struct segment *segment);
static inline void receive_space_learn(struct tcb *tcb, const struct segment *segment)
{
    if (tcb->stack->settings.tcp_rcvbuf_overhead)
        receive_space_learn_counted(tcb, segment);
}

/* `text` bytes of a packet are kept; `read` bytes of what is held have been read, and are gone. */
void receive_space_take_counted(struct tcb *tcb, uint32_t text);
static inline void receive_space_take(struct tcb *tcb, uint32_t text)
{
    if (tcb->stack->settings.tcp_rcvbuf_overhead)
        receive_space_take_counted(tcb, text);
}

void receive_space_give_counted(struct tcb *tcb, uint32_t read);
static inline void receive_space_give(struct tcb *tcb, uint32_t read)
{
    if (tcb->rcv.space_taken)
        receive_space_give_counted(tcb, read);
}

/* The text that there is room for. */
uint32_t receive_space_left(const struct tcb *tcb);

#endif
