/* Finding what a segment is for: a connection by both endpoints, else a half-open one, else a
 * listener. */
#ifndef TERN_TCP_DEMUX_H
#define TERN_TCP_DEMUX_H

#include "tcp/tcb.h"

struct half_open;
struct tcp_listener;

uint32_t demux_hash(const struct tcp *tcp, const struct endpoint *local,
                    const struct endpoint *remote);
void demux_insert(struct tcb *tcb);
void demux_remove(struct tcb *tcb);
void demux_remove_connection(struct tcp *tcp, struct tcp_connection *connection); /* at rest */

struct tcp_connection *demux_find(const struct tcp *tcp, const struct endpoint *local,
                                  const struct endpoint *remote);
/* The same, for a segment: mostly it is for whom the last one was for, and to compare two names
 * costs less than to hash them. */
struct tcp_connection *demux_arrival(struct tcp *tcp, const struct endpoint *local,
                                     const struct endpoint *remote);
struct half_open *demux_find_half_open(const struct tcp *tcp, const struct endpoint *local,
                                       const struct endpoint *remote);
/* The listener bound to this very address, else the one bound to any; of several that share it the
 * one whose `remote` is. */
struct tcp_listener *demux_find_listener(const struct tcp *tcp, const struct endpoint *local,
                                         const struct endpoint *remote);

#endif
