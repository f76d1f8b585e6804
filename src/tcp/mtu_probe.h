/* Packetization-layer path MTU discovery (RFC 4821, RFC 8899): finding out with segments of our own
 * what the path takes, where no router says so. */
#ifndef TERN_TCP_MTU_PROBE_H
#define TERN_TCP_MTU_PROBE_H

#include "tcp/tcb.h"

/* The connection opens: the search begins here, if tcp.mtu_probing asks for one from the start. */
void mtu_probe_begin(struct tcb *tcb);
/* The largest packet that the search lets a segment have: UINT32_MAX while there is none. */
uint32_t mtu_probe_bound(const struct tcb *tcb);
/* The path's MTU is another one: the search need not go beyond it. The caller cuts anew what a
 * probe larger than that carried. */
void mtu_probe_path_changed(struct tcb *tcb);

enum mtu_probe_turn {
    MTU_PROBE_NONE, /* send what there is */
    MTU_PROBE_WAIT, /* a probe is due, and can go when more is acknowledged */
    MTU_PROBE_SENT,
};
/* Sends a probe, if it is time for one. */
enum mtu_probe_turn mtu_probe_send(struct tcb *tcb);

/* SND.UNA has moved. */
void mtu_probe_acknowledged(struct tcb *tcb);
/* Losses have been found: whether they are the probe and nothing else. Then its size is too large,
 * what it carried goes again in segments, and no window is to be reduced (RFC 4821 §7.5). */
bool mtu_probe_lost(struct tcb *tcb);
/* What became of the probe will not be known (RFC 4821 §7.6.3). */
void mtu_probe_inconclusive(struct tcb *tcb);
/* Nothing comes through any more: perhaps because it is too large (RFC 4821 §7.7). */
void mtu_probe_black_hole(struct tcb *tcb);

#endif
