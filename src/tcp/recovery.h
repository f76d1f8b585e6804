/* Loss recovery: from what an ACK said to what is lost, what may be sent, and whether it was a
 * mistake. */
#ifndef TERN_TCP_RECOVERY_H
#define TERN_TCP_RECOVERY_H

#include "tcp/ack.h"
#include "tcp/tcb.h"

/* recovery.c: the phases. */
void recovery_init(struct tcb *tcb);
/* Consumes an ACK: moves between the phases, marks losses, sets the window. */
void recovery_on_ack(struct tcb *tcb, const struct segment *segment, struct ack_event *event);
/* The same where it is known that nothing is missing, nor was until now. */
void recovery_on_untroubled_ack(struct tcb *tcb, struct ack_event *event);
/* A retransmission timeout: everything outstanding is taken as lost (RFC 5681 §3.1,
 * RFC 6675 §5.1). */
void recovery_on_timeout(struct tcb *tcb);
/* RACK's reordering timer found losses between ACKs. */
void recovery_on_reorder_timeout(struct tcb *tcb);
/* A tail loss probe repaired a loss that nothing else had shown: one reduction
 * (RFC 8985 §7.4.2). */
void recovery_on_probe_loss(struct tcb *tcb);
/* What is marked lost was too big for the path: it goes again, and no window is reduced for it (RFC
 * 1191 §6.4). */
void recovery_on_too_big(struct tcb *tcb);
/* Each retransmission is told here. */
void recovery_on_retransmit(struct tcb *tcb, const struct sent_record *record);

/* newreno.c: without SACK, duplicate ACKs stand in for SACKed segments (RFC 5681, RFC 6582). */
void newreno_duplicate(struct tcb *tcb, struct ack_event *event);
void newreno_advanced(struct tcb *tcb, struct ack_event *event); /* SND.UNA has moved */
void newreno_reset(struct tcb *tcb);
void newreno_mark_lost(struct tcb *tcb, bool advanced);

/* prr.c: Proportional Rate Reduction (RFC 9937). */
void prr_begin(struct tcb *tcb, uint32_t delivered); /* by the ACK that is the reason */
void prr_on_ack(struct tcb *tcb, uint32_t delivered, uint32_t newly_lost, bool advanced);
void prr_end(struct tcb *tcb);

/* undo.c: finding out that a reduction was for nothing, and taking it back (RFC 3522, RFC 4015, RFC
 * 3708). */
void undo_begin(struct tcb *tcb);
void undo_forget(struct tcb *tcb);
/* Copies of `segments` up to `end` have arrived, of which as many retransmissions were needless. */
void undo_note_copies(struct tcb *tcb, uint32_t end, uint32_t segments);
bool undo_recovery(struct tcb *tcb, const struct segment *segment); /* at the end of a phase */
bool undo_partial(struct tcb *tcb, const struct segment *segment,
                  const struct ack_event *event); /* on a partial ACK in fast recovery */
bool undo_dsack(struct tcb *tcb);                 /* D-SACKs account for every retransmission */
bool undo_loss(struct tcb *tcb, const struct segment *segment, bool frto); /* after a timeout */

/* frto.c: F-RTO (RFC 5682). Returns whether it has dealt with the ACK. */
bool frto_on_ack(struct tcb *tcb, const struct segment *segment, const struct ack_event *event);

/* rack.c: time-based loss detection (RFC 8985 §6). Returns the segments newly marked lost. */
uint32_t rack_detect_losses(struct tcb *tcb);
void rack_update_window(struct tcb *tcb, const struct ack_event *event);
void rack_recovered(struct tcb *tcb); /* fast recovery, or that from a timeout, is over */
/* The reordering window that holds at a timeout. */
uint64_t rack_timeout_window(const struct tcb *tcb);
/* What begins at `from` has arrived after what is SACKed beyond it, and not because it was lost. */
void rack_note_reordering(struct tcb *tcb, uint32_t from);
/* Whether a record sent then may still be merely late: what is left of its reordering window, 0
 * when none. */
uint64_t rack_remaining(const struct tcb *tcb, const struct sent_record *record,
                        uint64_t reorder_ns);

/* tlp.c: tail loss probes (RFC 8985 §7). */
void tlp_schedule(struct tcb *tcb, bool advancing); /* `advancing`: SND.UNA has just moved */
bool tlp_send_probe(struct tcb *tcb);               /* whether something was sent */
void tlp_on_ack(struct tcb *tcb, const struct ack_event *event, uint32_t ack);
void tlp_forget(struct tcb *tcb); /* what the last probe finds is of no consequence any more */

#endif
