/* LISTEN: a segment for a listener (RFC 9293 §3.10.7.2). */
#ifndef TERN_TCP_LISTEN_H
#define TERN_TCP_LISTEN_H

#include "tcp/listener.h"

enum drop_reason tcp_listen_arrives(struct tcp_listener *listener, const struct packet_in *packet,
                                    const struct segment *segment);

#endif
