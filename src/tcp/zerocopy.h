/* MSG_ZEROCOPY: telling when the bytes of a send call are no longer needed.
 *
 * Like any others, the bytes are in the send ring when the call returns, or acknowledged, and so
 * the caller's memory is free: the notes say SO_EE_CODE_ZEROCOPY_COPIED, as Linux's do wherever a
 * path cannot send from the caller's memory, and come when Linux's would, with the acknowledgment
 * of the call's last byte. Who wants no copy writes into the ring itself (reserve.h). */
#ifndef TERN_TCP_ZEROCOPY_H
#define TERN_TCP_ZEROCOPY_H

struct error_note;
struct tcb;

void zerocopy_init(struct tcb *tcb);
/* A send call is over whose bytes are the last that were taken. */
void zerocopy_sent(struct tcb *tcb, struct error_note *note);
/* SND.UNA has moved: tells of what is acknowledged. */
void zerocopy_acknowledged(struct tcb *tcb);
/* Nothing will be sent any more: tells of all that waits. */
void zerocopy_release(struct tcb *tcb);

#endif
