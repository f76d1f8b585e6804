/* SYN-RECEIVED of a passive open, before there is a connection: the checks of RFC 9293 §3.10.7.4
 * that matter there, and the ACK that makes one. */
#ifndef TERN_TCP_SYNRECEIVED_H
#define TERN_TCP_SYNRECEIVED_H

#include "ip/ip.h"
#include "tcp/half_open.h"

enum drop_reason tcp_half_open_arrives(struct half_open *half, const struct packet_in *packet,
                                       const struct segment *segment);
/* What ICMP says of our SYN,ACK, whose sequence number was `seq`. */
enum drop_reason tcp_half_open_path_error(struct half_open *half, const struct path_error *error,
                                          uint32_t seq);

#endif
