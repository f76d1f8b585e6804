/* How long what is sent may stay unacknowledged: TCP_USER_TIMEOUT, and the option by which both
 * sides tell each other (RFC 5482). */
#ifndef TERN_TCP_USER_TIMEOUT_H
#define TERN_TCP_USER_TIMEOUT_H

#include "tcp/tcb.h"

/* The user timeout in force, in milliseconds; 0: the retry limits decide. */
uint64_t user_timeout_ms(const struct tcb *tcb);
/* The peer's options, of a SYN or not. */
void user_timeout_arrives(struct tcb *tcb, const struct tcp_options *options);
/* The next segment without text is to tell ours. */
void user_timeout_announce(struct tcb *tcb);
/* Puts what they say into the options, of a SYN,ACK say, if it is to be told at all. */
bool user_timeout_tell(const struct settings *settings, const struct tcp_preferences *preferences,
                       struct tcp_options *options);
/* Puts ours into the options of a segment that is about to leave, if it is to be told and fits. */
void user_timeout_departs(struct tcb *tcb, uint16_t flags, uint32_t text_length,
                          struct tcp_options *options);

#endif
