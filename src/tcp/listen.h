/* Listeners, and connections whose handshake is half done.
 *
 * A SYN costs a half-open entry, small and bounded in number, never a connection (security rule 9);
 * the ACK that completes the handshake makes it one, in SYN-RECEIVED, and runs through the steps
 * like any other segment. */
#ifndef TERN_TCP_LISTEN_H
#define TERN_TCP_LISTEN_H

#include "tcp/tcb.h"

struct tcp_listener {
    struct stack *stack;
    struct tcp *tcp;
    void *owner;
    struct tcp_port *port;
    struct list port_link;
    struct endpoint local;
    struct tcp_preferences preferences; /* for what it accepts */
    struct list accept_queue;           /* tcb.queue, oldest first */
    struct list half_open;              /* half_open.link, oldest first */
    unsigned backlog, accept_count, half_open_count;
    struct list early;         /* tcb.fast_open.early_link: open before their handshake is over */
    unsigned fast_open_count;  /* of them */
    unsigned fast_open_resets; /* of those that were, and were reset */
    uint64_t fast_open_resets_until_ns;   /* so long they count as well */
    struct fast_open_keys fast_open_keys; /* TCP_FASTOPEN_KEY; none: the stack's */
    uint64_t cookies_until_ns; /* the last SYN cookie sent has expired then; 0: none was sent */
};

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

/* RFC 9293 §3.10.7.2: a segment for a listener. */
enum drop_reason tcp_listen_arrives(struct tcp_listener *listener, const struct packet_in *packet,
                                    const struct segment *segment);
/* The accept queue has no room for another one. */
bool tcp_listener_is_full(const struct tcp_listener *listener);

/* What a SYN (or what stands for one) says, in an entry that nobody keeps yet. 0 or
 * -ENETUNREACH. */
int half_open_fill(struct half_open *half, struct tcp_listener *listener,
                   const struct packet_in *packet, const struct segment *segment);
/* Answers the SYN: sends our SYN,ACK. */
void half_open_answer(struct half_open *half);
/* Makes the connection that `half` stands for, in SYN-RECEIVED and in the accept queue, and gives
 * it the SYN that `half` has kept: NULL without memory. */
struct tcb *half_open_promote(struct half_open *half);
/* §3.10.7.4 for SYN-RECEIVED of a passive open. */
enum drop_reason tcp_half_open_arrives(struct half_open *half, const struct packet_in *packet,
                                       const struct segment *segment);
/* What ICMP says of our SYN,ACK, whose sequence number was `seq`. */
enum drop_reason tcp_half_open_path_error(struct half_open *half, const struct path_error *error,
                                          uint32_t seq);

#endif
