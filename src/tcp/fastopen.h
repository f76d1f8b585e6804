/* TCP Fast Open (RFC 7413): data in the SYN, allowed by a cookie from an earlier connection.
 *
 * The server (fastopen.c) makes cookies and, for a SYN with a good one, a connection at once, in
 * SYN-RECEIVED, whose text may be read and that may send before the handshake is over ("early").
 * The client (fastopen_client.c) keeps the cookies that servers gave, by their address, and
 * remembers where SYNs with data got lost. */
#ifndef TERN_TCP_FASTOPEN_H
#define TERN_TCP_FASTOPEN_H

#include "tcp/listener.h"
#include "tcp/tcb.h"

/* Bits of the setting tcp.fastopen, as Linux's. */
enum fast_open_bit {
    FAST_OPEN_CLIENT = 1,
    FAST_OPEN_SERVER = 2,
    FAST_OPEN_CLIENT_NO_COOKIE = 4,
    FAST_OPEN_SERVER_NO_COOKIE = 0x200,
    FAST_OPEN_ALL_LISTENERS = 0x400,
};

/* Sets keys from 16 or 32 bytes: 0 or -EINVAL. */
int fast_open_set_keys(struct fast_open_keys *keys, const void *bytes, size_t length);
void fast_open_get_keys(const struct fast_open_keys *keys, uint8_t bytes[2 * FAST_OPEN_KEY]);
/* Draws the stack's key, which holds until tcp.fastopen_key is set to another. */
void fast_open_draw_key(struct stack *stack);

/* What a listener does with the Fast Open option of a SYN. */
enum fast_open_answer {
    FAST_OPEN_IGNORE, /* an ordinary SYN */
    FAST_OPEN_OFFER,  /* an ordinary SYN, and the SYN,ACK brings a cookie */
    FAST_OPEN_ACCEPT, /* a connection at once */
};
enum fast_open_answer fast_open_judge(const struct tcp_listener *listener,
                                      const struct endpoint *local, const struct endpoint *remote,
                                      const struct tcp_options *options);
/* A connection that was open early has been reset. */
void fast_open_reset(struct tcp_listener *listener);
/* Fills in the cookie for the peer of `local`, in the form of the option that it asked with. */
void fast_open_offer(const struct tcp_listener *listener, const struct endpoint *local,
                     const struct endpoint *remote, const struct tcp_options *asked,
                     struct tcp_options *answer);

/* A server that does not answer option 34 may know the experimental 254, of before RFC 7413: that
 * is tried once. One that does not answer 34 after that is left alone for tcp.fastopen_retry_s. */
enum fast_open_trial { TRIAL_NONE, TRIAL_NEXT, TRIAL_FAILED, TRIAL_REFUSED };

/* What the client remembers of a server; of tcp.fastopen_peers at most. */
struct fast_open_peer {
    struct peer_entry entry;
    uint16_t mss; /* what the server announced last; 0: not known */
    uint8_t cookie_length;
    uint8_t cookie[TCP_COOKIE_MAX];
    bool experimental;          /* it understood option 254 */
    enum fast_open_trial trial; /* of the other option, while there is no cookie */
    uint8_t losses;             /* SYNs with data, or that ask, in vain, in a row */
    uint16_t loss_port;         /* on their way to this port of it */
    uint64_t loss_ns;           /* when the last was */
    uint64_t refused_ns;        /* when a request was last not answered */
};

/* How to open to `remote`: fills in the option for the SYN and how much text it may carry. Whether
 * data may go in the SYN. */
bool fast_open_prepare(struct tcb *tcb, uint32_t *text_most);
/* The SYN's option, while the connection is in SYN-SENT. */
void fast_open_fill_syn(const struct tcb *tcb, struct tcp_options *options);
/* The SYN,ACK has come: learns from it, and sees to text that it did not acknowledge. */
void fast_open_syn_ack(struct tcb *tcb, const struct segment *segment);
/* The opening is over, without an answer or with an error of ICMP. */
void fast_open_failed(struct tcb *tcb);
/* The SYN had to be repeated. */
void fast_open_syn_lost(struct tcb *tcb);

#endif
