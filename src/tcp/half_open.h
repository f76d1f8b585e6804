/* Connections whose handshake is half done.
 *
 * A SYN costs a half-open entry, small and bounded in number, never a connection (security rule 9);
 * the ACK that completes the handshake makes it one, in SYN-RECEIVED, and runs through the steps
 * like any other segment. */
#ifndef TERN_TCP_HALF_OPEN_H
#define TERN_TCP_HALF_OPEN_H

#include "tcp/listener.h"
#include "tcp/output.h"
#include "tcp/tcb.h"

struct half_open {
    struct table_node node; /* in tcp->half_open */
    struct list link;       /* in listener->half_open */
    struct stack_timer timer;
    struct tcp_listener *listener;
    struct ip_path path;
    struct endpoint local, remote;
    struct tcp_options options; /* the peer's */
    uint32_t irs, iss;
    uint32_t window_bytes; /* what we offered */
    uint32_t ts_offset;
    struct ecn_handshake ecn;
    uint16_t peer_window;
    uint8_t scale;     /* ours */
    uint8_t attempts;  /* SYN,ACKs sent */
    uint8_t timeouts;  /* times that nothing came of one */
    bool acked;        /* the handshake's last ACK has come, and data is waited for
                          (TCP_DEFER_ACCEPT) */
    bool offer_cookie; /* the SYN,ACK brings a Fast Open cookie */
    uint64_t sent_ns;
    struct tcp_allowance answers; /* ACKs, which end no handshake */
    struct saved_syn *saved_syn;  /* or NULL */
};

/* What a SYN (or what stands for one) says, in an entry that nobody keeps yet. 0 or
 * -ENETUNREACH. */
int half_open_fill(struct half_open *half, struct tcp_listener *listener,
                   const struct packet_in *packet, const struct segment *segment);
/* Keeps what a SYN has said, answers it, and again until the handshake is over or given up: false
 * without memory. */
bool half_open_begin(const struct half_open *fresh, const struct packet_in *packet,
                     const struct segment *segment);
void half_open_free(struct half_open *half);
/* Answers the SYN: sends our SYN,ACK. */
void half_open_answer(struct half_open *half);
void half_open_acknowledge(struct half_open *half, enum tcp_why why);
/* Ends a handshake so that the peer believes it, be it still in SYN-SENT or ESTABLISHED. */
void half_open_reset(struct half_open *half);
/* Makes the connection that `half` stands for, in SYN-RECEIVED and in the accept queue, and gives
 * it the SYN that `half` has kept: NULL without memory. */
struct tcb *half_open_promote(struct half_open *half);

#endif
