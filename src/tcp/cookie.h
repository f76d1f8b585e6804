/* SYN cookies (RFC 4987 §3.6): when a listener has too many half-open connections to remember
 * another, its SYN,ACK itself remembers, and the ACK brings it back.
 *
 * The initial sequence number holds the minute it was made in, and the peer's MSS out of a small
 * table, hidden in a keyed hash over the addresses and ports of both sides and the peer's own
 * initial number. Only who has seen the SYN,ACK can acknowledge it. Where the peer offered
 * timestamps, the lowest bits of ours hold the rest of what the SYN said: window scale, SACK and
 * ECN; where it did not, the connection goes without. */
#ifndef TERN_TCP_COOKIE_H
#define TERN_TCP_COOKIE_H

#include "tcp/half_open.h"

enum {
    COOKIE_MINUTES = 2,         /* how long a cookie is good: this minute and the one before */
    COOKIE_ROTATE_MINUTES = 60, /* how long cookies are made with the same key */
};

void cookie_secret_init(struct tcp *tcp);

/* The initial sequence number that answers a SYN numbered `irs`, of a peer that takes segments of
 * `mss`: the next smaller one in the table is what it will be remembered as. */
uint32_t cookie_make(struct tcp *tcp, const struct endpoint *local, const struct endpoint *remote,
                     uint32_t irs, uint16_t mss);
/* Whether `iss` is a cookie of ours for this peer, not too old; then the MSS it remembers. */
bool cookie_check(const struct tcp *tcp, const struct endpoint *local,
                  const struct endpoint *remote, uint32_t irs, uint32_t iss, uint16_t *mss);
/* The timestamp to send at `clock`, at most 63 earlier, that remembers the SYN's options; and what
 * it remembers. */
uint32_t cookie_timestamp(uint32_t clock, const struct tcp_options *syn, bool ecn);
void cookie_timestamp_read(uint32_t timestamp, struct tcp_options *syn, bool *ecn);

/* Answers a SYN, of which `half` tells, with a cookie and keeps nothing. */
enum drop_reason cookie_answer(struct half_open *half);
/* Whether the listener has sent cookies lately, so that this ACK may bring one. */
bool cookie_expected(const struct tcp_listener *listener, const struct segment *segment);
/* Makes the connection if it does, and lets the segment arrive there; a wrong cookie is reset. */
enum drop_reason cookie_arrives(struct tcp_listener *listener, const struct packet_in *packet,
                                const struct segment *segment);

#endif
