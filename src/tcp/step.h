/* What each step of segment arrival answers (input.c). */
#ifndef TERN_TCP_STEP_H
#define TERN_TCP_STEP_H

#include "core/drop.h"

struct tcb;
struct segment;

enum tcp_step {
    TCP_STEP_CONTINUE, /* go on with the next step */
    TCP_STEP_DONE,     /* the segment is finished with, properly: answer if something is owed */
    TCP_STEP_GONE,     /* the connection is: touch it no more */
    TCP_STEP_GONE_RST, /* the same, and the segment is answered as in CLOSED: with a reset */
    /* The segment is dropped for the reason in tcp_step_reason(): */
    TCP_STEP_DROP = 0x100,     /* silently */
    TCP_STEP_DROP_ACK = 0x200, /* and answered with an ACK */
    TCP_STEP_DROP_RST = 0x400, /* and answered with a reset */
};

static inline enum tcp_step tcp_drop(enum drop_reason reason)
{
    return (enum tcp_step)(TCP_STEP_DROP | (int)reason);
}
static inline enum tcp_step tcp_drop_ack(enum drop_reason reason)
{
    return (enum tcp_step)(TCP_STEP_DROP_ACK | (int)reason);
}
static inline enum tcp_step tcp_drop_rst(enum drop_reason reason)
{
    return (enum tcp_step)(TCP_STEP_DROP_RST | (int)reason);
}
static inline enum drop_reason tcp_step_reason(enum tcp_step step)
{
    return step < TCP_STEP_DROP ? DROP_NONE : (enum drop_reason)(step & 0xff);
}

#endif
