/* Sent records: what is known of every segment in [SND.UNA, SND.NXT), the scoreboard of RFC 6675
 * and the transmit times of RFC 8985.
 *
 * One record covers a run that was transmitted at once. Records split, on segment boundaries, where
 * an acknowledgment or a loss parts them, and SACKed neighbours merge. A record is in exactly one
 * of: records.in_flight (in order of last transmission), records.lost (in order of sequence
 * number), or neither when SACKed. Each counter of segments in tcb->records is kept here and only
 * here. */
#ifndef TERN_TCP_RECORDS_H
#define TERN_TCP_RECORDS_H

#include "tcp/ack.h"
#include "tcp/tcb.h"

void records_init(struct tcb *tcb);
void records_release(struct tcb *tcb);
void records_release_spares(struct tcp *tcp); /* what is kept for the next */

/* The bytes of text in [start, end): SYN and FIN have a number each and no byte. */
uint32_t records_text(const struct tcb *tcb, uint32_t start, uint32_t end);

/* New sequence space has been sent, in segments of `mss`. 0; -ENOMEM or -ENOBUFS
 * (LIMIT_SENT_RECORDS), and then it must not be sent. */
int records_add(struct tcb *tcb, uint32_t start, uint32_t end, uint32_t mss);
/* Whether another record may be made. */
bool records_room(const struct tcb *tcb);

/* Everything before `una` has been acknowledged: forgets it and tells in `event` what it was. */
void records_acknowledge(struct tcb *tcb, uint32_t una, struct ack_event *event);
/* The peer holds [start, end) (a validated SACK block): marks whole segments within it. */
void records_sack(struct tcb *tcb, uint32_t start, uint32_t end, struct ack_event *event);

/* Marks a record lost (its retransmission too, if that was in flight). Returns the segments that
 * were not lost before. */
uint32_t records_mark_lost(struct tcb *tcb, struct sent_record *record);
/* Takes the mark off again (undo); the record counts as in flight. */
void records_unmark_lost(struct tcb *tcb, struct sent_record *record);
/* The record's first `bytes` (a whole number of segments or all of it) are being sent again now:
 * splits off the rest. Returns the record that covers them, or NULL when no memory could be had. */
struct sent_record *records_resend(struct tcb *tcb, struct sent_record *record, uint32_t bytes);
/* What was added last has not been sent after all. */
void records_take_back(struct tcb *tcb, struct sent_record *record);
/* Or not beyond `end`, between two of its segments. */
void records_shorten(struct tcb *tcb, struct sent_record *record, uint32_t end);
/* The record has been sent once more to see what comes back (RFC 8985 §7): it does not count as a
 * second copy in flight, for the first one is not known to be lost. */
void records_probe(struct tcb *tcb, struct sent_record *record);
/* Splits at `at`, strictly inside; returns the upper part or NULL (no memory). */
struct sent_record *records_split(struct tcb *tcb, struct sent_record *record, uint32_t at);
/* The path takes only segments of `mss` from now on: the record counts as so many of them. */
void records_resize(struct tcb *tcb, struct sent_record *record, uint32_t mss);
/* The peer has thrown away what it had SACKed (reneging), or a new start is wanted: forgets every
 * SACK. */
void records_forget_sacks(struct tcb *tcb);
/* What stands at SND.UNA has been SACKed: the peer acknowledges less than it had said it held (RFC
 * 2018 §8). */
bool records_reneged(const struct tcb *tcb);

struct sent_record *records_first(const struct tcb *tcb);
struct sent_record *records_last(const struct tcb *tcb);
struct sent_record *records_next(const struct sent_record *record);
/* The record that holds `seq`, or NULL. */
struct sent_record *records_find(const struct tcb *tcb, uint32_t seq);
/* The lowest record marked lost and not sent again, or NULL. */
struct sent_record *records_next_lost(const struct tcb *tcb);

#endif
