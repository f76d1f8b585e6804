/* The connection: the transmission control block of RFC 9293 §3.3.1, grouped by concern.
 *
 * The congestion window and everything compared with it count segments (of snd.mss bytes, a shorter
 * one counting whole), as RFC 5681 §3.1 permits. Sequence numbers are as on the wire. Where
 * a group or a field names a file, that file holds its meaning; many files write snd, rcv, cc and
 * recovery, whose fields mean what the RFCs say they do.
 *
 * In memory it goes by heat. A connection whose turn comes after that of many others finds nothing
 * of its own in the cache, and pays for each line that a segment touches. So the groups that every
 * segment needs come first, and in a group the fields that it needs. Where it needs half of one
 * group and half of another, these halves lie side by side and fill a line. Assertions
 * hold the borders in their places; `make instructions` counts the lines (ask_in_turn_lines). */
#ifndef TERN_TCP_TCB_H
#define TERN_TCP_TCB_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cache.h"
#include "base/list.h"
#include "base/ranges.h"
#include "base/ring.h"
#include "base/slab.h"
#include "base/table.h"
#include "base/tree.h"
#include "core/error_queue.h"
#include "core/stack.h"
#include "ip/ip.h"
#include "tcp/accecn.h"
#include "tcp/cc.h"
#include "tcp/ecn.h"
#include "tcp/peers.h"
#include "tcp/protocol.h"
#include "tcp/rest.h"
#include "tcp/state.h"
#include "tcp/tcp.h"
#include "tcp/units.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"

struct arrivals;
struct saved_syn;
struct tcp_connection;

/* What a connection's one timer entry may be waiting for; each has a deadline of its own
 * (timers.c). */
enum tcp_timer {
    TCP_TIMER_RETRANSMIT, /* RTO, RFC 6298; in SYN-SENT too */
    TCP_TIMER_PROBE,      /* tail loss probe, RFC 8985 §7 */
    TCP_TIMER_PERSIST,    /* zero-window probe, RFC 9293 §3.8.6.1; persist.c */
    TCP_TIMER_ACK,        /* delayed acknowledgment, RFC 9293 §3.8.6.3 */
    TCP_TIMER_REORDER,    /* RACK's reordering window, RFC 8985 §6.2 step 5 */
    TCP_TIMER_PACE,       /* the next moment the pacer lets something go */
    TCP_TIMER_KEEPALIVE,  /* RFC 9293 §3.8.4 */
    TCP_TIMER_LINGER,     /* FIN-WAIT-2 without an owner, TIME-WAIT */
    TCP_TIMER_REST,       /* to see whether the block can be put away; rest.h */
    TCP_TIMERS
};

/* Loss recovery's phase (recovery.c). */
enum tcp_phase {
    TCP_PHASE_OPEN,     /* nothing is amiss */
    TCP_PHASE_DISORDER, /* duplicate ACKs or SACKs, not enough to act on */
    TCP_PHASE_REDUCED,  /* the window is reduced, after ECN or a loss that a probe repaired */
    TCP_PHASE_RECOVERY, /* fast recovery */
    TCP_PHASE_LOSS,     /* after a retransmission timeout */
};

/* What the user asked for, also inherited from a listener (sockopt.c). */
struct tcp_preferences {
    uint64_t max_pacing_rate; /* SO_MAX_PACING_RATE, bytes a second; UINT64_MAX: none */
    uint32_t send_buffer;     /* bytes the send ring may hold */
    uint32_t notsent_lowat;   /* TCP_NOTSENT_LOWAT, bytes; 0: the setting decides */
    uint32_t window_clamp;    /* TCP_WINDOW_CLAMP, bytes; 0: none */
    uint8_t mtu_discover;     /* IP_MTU_DISCOVER */
    uint8_t traffic_class;
    uint8_t hop_limit;
    bool no_delay;
    bool cork;
    bool send_buffer_fixed;    /* SO_SNDBUF was set */
    bool receive_buffer_fixed; /* SO_RCVBUF was set: no autotuning */
    bool oob_inline;           /* SO_OOBINLINE */
    bool inq;                  /* TCP_INQ */
    bool note_arrivals;        /* when text arrives is to be known */
    bool receive_errors;       /* IP_RECVERR: ICMP errors are told at once, not when it times out */
    bool keepalive;

    /* What each segment need not know. */
    uint32_t receive_buffer; /* bytes the receive ring may hold */
    uint32_t keepalive_idle_s;
    uint32_t keepalive_interval_s;
    uint32_t user_timeout_ms; /* 0: the retry limits decide */
    uint32_t fast_open_queue; /* TCP_FASTOPEN: SYNs with data that may wait for their handshake */
    uint16_t max_segment;     /* TCP_MAXSEG, 0: the path decides */
    int16_t linger2_s;        /* TCP_LINGER2; 0: the setting decides, below: no FIN-WAIT-2 */
    uint8_t defer_accept;     /* TCP_DEFER_ACCEPT, in SYN,ACKs sent; 0: off */
    uint8_t save_syn;         /* TCP_SAVE_SYN; 2 is as 1, for there is no link header */
    uint8_t keepalive_probes;
    uint8_t syn_retries;
    uint8_t congestion_control; /* index into the setting's words */
    bool fast_open_connect;
    bool fast_open_no_cookie;
    bool reuse_address;
    bool reuse_port;
    bool free_bind; /* IP_FREEBIND: to any address, ours or not */
};

/* One transmitted run of the sequence space [SND.UNA, SND.NXT); records.c. */
struct sent_record {
    struct tree_node node; /* in records.tree, by start */
    struct list
        order; /* in records.in_flight, by time of (re)transmission; or in records.lost, by start */
    uint32_t start, end;
    uint64_t sent_ns; /* when it was last sent */
    /* What rate_on_send() notes for the delivery rate. */
    uint64_t first_sent_ns;   /* when the segment delivered last before it was sent */
    uint64_t delivered;       /* tcb->rate.delivered when it was sent */
    uint64_t delivered_ns;    /* and when that was last so */
    uint32_t lost_before;     /* tcb->rate.lost when it was sent */
    uint32_t flight;          /* segments in flight once it was */
    uint32_t mss;             /* the segment size it was cut by */
    uint32_t segments;        /* wire segments in it */
    bool sacked : 1;          /* the peer holds it (RFC 2018) */
    bool lost : 1;            /* marked lost */
    bool in_flight_again : 1; /* its retransmission is in flight */
    bool retransmitted : 1;   /* ever */
    bool app_limited : 1;
    bool push : 1;        /* its last segment has PSH */
    bool ends_record : 1; /* MSG_EOR: it must not be sent again together with what follows */
};

_Static_assert(sizeof(struct sent_record) <= 112, "what is in flight takes more memory");

/* So many in an interval and no more (tcp.challenge_ack_limit, tcp.challenge_ack_interval_ms). */
struct tcp_allowance {
    uint64_t since_ns; /* start of the present one */
    uint16_t taken;    /* in it */
};

/* Whether a block is one of struct tcp_woken, and of whom and when. */
struct tcp_beyond {
    bool counted;
    uint8_t peer;
    uint32_t shortage;
};

struct tcb {
    /* ── What every segment needs, coming or going ── */

    alignas(CACHE_LINE) struct tcp_connection *connection; /* what lasts, and what others hold on
                                                              to */
    struct stack *stack;
    struct tcp *tcp;
    enum tcp_state state;
    int error;              /* a positive errno the user has not been told yet */
    int soft_error;         /* from ICMP: told when the connection times out (RFC 9293 §3.9.2.2) */
    uint32_t charged;       /* bytes charged to the stack for the rings */
    bool detached : 1;      /* the owner has let go */
    bool in_demux : 1;      /* segments find it */
    bool bound : 1;         /* in port->bound; else one of port->connections */
    bool bound_address : 1; /* its user has named the local address, too */
    bool accepted_open : 1; /* came from a listener: passive open */
    bool receive_shut : 1;  /* SHUT_RD */
    bool ended : 1;         /* it is over, and the owner has not let go yet */
    bool ever_open : 1;     /* it has been ESTABLISHED */
    bool opens_early : 1;   /* of a server: open although our SYN is not acknowledged yet (Fast
                               Open) */
    bool opens_late : 1;    /* its SYN waits for the first write (TCP_FASTOPEN_CONNECT) */
    bool orphan : 1;        /* in tcp->orphans */
    bool woken : 1;         /* for one event, after which it may rest again at once */
    uint8_t keepalive_sent;

    struct {
        uint32_t una, nxt; /* SND.UNA, SND.NXT */
        uint32_t wnd;      /* SND.WND, bytes, unscaled */
        uint32_t wl1, wl2; /* SND.WL1, SND.WL2 */
        uint32_t iss;
        uint32_t max_wnd;    /* the largest SND.WND seen (SWS avoidance, RFC 5961 §5) */
        uint32_t push;       /* everything before it has been asked to be pushed */
        uint32_t small;      /* the end of the last segment sent that was shorter than mss
                                (Minshall's Nagle) */
        uint32_t mss;        /* Eff.snd.MSS less timestamps: payload bytes of a full segment */
        uint32_t base;       /* sequence number of the ring's first byte */
        uint8_t scale;       /* shift of windows we receive */
        bool expected : 1;   /* the user waits to send as soon as the connection is open */
        bool full : 1;       /* the user has been told to wait for room */
        bool writing : 1;    /* the user is about to write: what is short waits for that */
        bool put_off : 1;    /* it would have been sent meanwhile */
        bool fin_queued : 1; /* the user has closed the sending side */
        bool fin_sent : 1;
        bool fin_acked : 1;
        bool urgent : 1;                     /* up has not been acknowledged */
        struct ring ring;                    /* bytes from `base` on */
        struct tcp_reservation *reservation; /* of room in it, or NULL; reserve.c */
        struct tcp_lending *lending;         /* the memory of who writes, or NULL; lending.c */
        struct send_units units;             /* the borders of what is not sent yet */
        uint32_t up;                         /* SND.UP: the byte after the urgent ones */
        uint32_t peer_mss;                   /* what the peer's option said, or 536 */
    } snd;

    struct {
        uint32_t nxt;            /* RCV.NXT */
        uint32_t wnd;            /* RCV.WND as last advertised, from wup on */
        uint32_t wup;            /* RCV.NXT when it was advertised */
        uint32_t buffer;         /* bytes that may be held; receive_window.c */
        uint32_t limit;          /* bytes offered at most, at present */
        uint32_t mss;            /* the largest segment lately: "full-sized" for delayed ACKs */
        uint32_t advertised_mss; /* what our option said */
        uint8_t scale;           /* shift of windows we send */
        uint8_t text_share;      /* of the buffer that is for text, of 256; receive_space.c */
        bool urgent : 1;         /* up holds, and the user has not read past it */
        bool urgent_taken : 1;   /* he has taken it out of line */
        bool fin : 1;            /* the peer's FIN has been taken: nothing follows */
        bool fin_seen : 1;       /* it has arrived, perhaps ahead of a hole; at fin_seq */
        struct ring ring; /* bytes from what the user reads next; rcv.nxt is at ring.length */
        struct tcp_landing *landing; /* the memory of a reader that waits, or NULL; landing.c */
        struct ranges out_of_order;
        struct range duplicate; /* to report as D-SACK with the next ACK (RFC 2883); empty when
                                   start == end */
        uint32_t space_taken;   /* of the buffer, with tcp.rcvbuf_overhead; receive_space.c */
        uint32_t read_bytes;    /* read by the user in this round trip */
        uint64_t read_start_ns; /* when the round trip began */
        uint64_t rtt_ns;        /* the round trip as the receiver sees it; 0: no sample */
        uint32_t read_most;     /* the most read_bytes in any */
        uint32_t irs;
        uint32_t up; /* RCV.UP: the byte after the urgent ones */
        uint32_t fin_seq;
        struct arrivals *arrivals;                 /* when it came, or NULL; arrivals.c */
        uint32_t sack_recent[TCP_SACK_BLOCKS_MAX]; /* a number in each block changed lately, newest
                                                    first (RFC 2018 §4) */
        uint8_t sack_recent_count;
    } rcv;

    struct {
        struct list batch;     /* in tcp->batch: its ACK waits for the batch's end */
        uint64_t delay_ns;     /* the present delay, grown and shrunk with the arrivals */
        uint64_t last_data_ns; /* when data last arrived */
        bool now : 1;          /* an ACK must go out with or without data, at once */
        bool pending : 1;      /* an ACK is owed, and may be delayed */
        bool pushed : 1;       /* what came since the last ACK had PSH */
        bool interactive : 1;  /* the user answers what it reads: piggy-backing pays (Linux's
                                  pingpong) */
        bool acks_alone : 1;   /* the ACK that is due answers nothing but marked ACKs (accecn.c) */
        uint8_t quick;         /* ACKs still to be sent without delay */
        uint8_t arrived;       /* packets with text since the last ACK; stops at 255 */
    } ack;

    struct {
        uint64_t ts_recent_ns;                      /* when TS.Recent was taken */
        uint32_t ts_recent;                         /* TS.Recent */
        uint32_t ts_offset;                         /* added to our clock (RFC 7323 §5.4) */
        uint32_t last_ack_sent;                     /* Last.ACK.sent */
        bool sack : 1, timestamps : 1, scaling : 1; /* negotiated */
        bool ts_advanced : 1;                       /* this segment has moved TS.Recent on */
    } opt;

    /* ── What is in flight, and how it fares ── */

    struct {
        struct tree tree;
        struct list in_flight; /* not SACKed, not lost: by time sent, oldest first (RACK) */
        struct list lost;      /* marked lost and not sent again, by sequence number */
        uint64_t stamp_ns;     /* of the latest transmission */
        uint32_t count;        /* records */
        /* Segments. */
        uint32_t out, sacked, lost_out, retransmitted;
        uint32_t highest_sacked; /* FACK: end of the highest SACKed record */
    } records;

    struct {
        uint64_t delivered;     /* segments, ever */
        uint64_t delivered_ns;  /* when the last was */
        uint64_t first_sent_ns; /* send time of the segment delivered last */
        uint64_t app_limited;   /* delivered mark up to which samples are app-limited; 0 none */
        uint64_t latest;        /* bytes a second, as of the last good sample; 0: none yet */
        uint32_t lost;          /* segments marked lost, ever */
        bool latest_app_limited : 1;
    } rate;

    struct {
        uint64_t srtt_ns, rttvar_ns;             /* SRTT; RTTVAR */
        uint64_t deviation_ns, deviation_max_ns; /* what RTTVAR follows, see rtt.c */
        uint64_t rto_ns;                         /* before back-off */
        uint64_t min_ns;                         /* windowed minimum */
        uint64_t min_stamp_ns;
        uint64_t latest_ns;
        uint32_t period_end; /* SND.NXT when the present period of deviation_max began */
        uint8_t backoff;     /* doublings in force */
    } rtt;

    struct {
        uint64_t sent_ns;       /* of the most recently sent segment that was delivered */
        int64_t rtt_ns;         /* below 0 only where no time passes between sending and hearing */
        uint32_t end;           /* its end */
        uint32_t dsack_round;   /* the round that reordering-window steps count in */
        uint8_t window_steps;   /* RACK.reo_wnd_mult */
        uint8_t window_persist; /* RACK.reo_wnd_persist */
        bool reordering_seen : 1;
        bool dsack_round_open : 1;
        bool advanced : 1;
        bool probe_out : 1;     /* a tail loss probe has not been judged yet */
        bool probe_was_new : 1; /* it carried new data */
        bool rtt_taken : 1;     /* a round trip has been measured since the last probe was sent */
        uint32_t probe_end;     /* TLP.end_seq */
    } rack;

    struct {
        enum tcp_phase phase;
        uint32_t high;        /* SND.NXT at the time the phase began: recovery point */
        uint64_t advanced_ns; /* when SND.UNA moved, if it did since the connection rested */
        uint32_t prr_out;
        bool to_one : 1;        /* marks reduce to a single segment, below ssthresh's least */
        bool undo_possible : 1; /* and `undo` says where to */
        bool undo_counting : 1; /* there have been retransmissions to count */
        bool retransmit_ts_known : 1;
        bool prefer_new : 1; /* F-RTO wants new data sent before anything is sent again */
        bool too_big : 1;    /* LOSS is for what was too big for the path, not for a timeout */
        bool frto : 1;       /* F-RTO is deciding (RFC 5682) */
        bool persists : 1;   /* the window is probed, since persist_since_ns; persist.c */
        uint8_t waits;       /* timeouts waited for because even a single segment was marked */
        uint8_t timeouts;    /* consecutive, since SND.UNA moved */
        uint8_t probes;      /* window probes since anything was heard */
        uint32_t prr_delivered;
        uint32_t recover_fs;       /* RecoverFS of PRR */
        uint32_t reordering;       /* segments: the duplicate threshold */
        uint64_t first_timeout_ns; /* start of the present stall: R2 and the user timeout */
        uint64_t persist_since_ns;
    } recovery;

    struct tcb_chrono {
        uint64_t since_ns;
        uint8_t kind;
        uint64_t spent_ns[4]; /* by enum tcp_chrono */
    } chrono;

    struct {
        const struct cc_operations *operations;
        uint32_t cwnd;              /* segments */
        uint32_t ssthresh;          /* segments */
        uint32_t fraction;          /* acknowledged segments not yet turned into growth */
        uint32_t most_out;          /* the most segments out at a time in this round */
        uint32_t usage_end;         /* SND.NXT at the round's begin */
        bool limited : 1;           /* the window was what held the sender, in this round */
        uint64_t pacing_rate;       /* bytes a second; 0: not known yet */
        uint64_t next_send_ns;      /* when the pacer lets the next segment go; pacing.c */
        uint64_t private_state[16]; /* the algorithm's own */
    } cc;

    /* ── Between the two: where it stands among others ── */

    struct tcp_listener *listener; /* while it waits for accept */
    struct list queue;             /* in the listener's accept queue, or in tcp->orphans */
    struct list all;               /* in tcp->all */

    /* ── Every segment needs a line of these: the end of a path and the beginning of the
     * preferences ── */

    struct ip_path path;
    struct tcp_preferences preferences;

    /* ── And of these: from mtu.proven to the first four deadlines ── */

    struct tcb_mtu {
        uint64_t since_ns;   /* when the search began */
        uint32_t low, high;  /* bytes of an IP packet: comes through; not known not to */
        uint32_t start, end; /* the probe's text */
        uint32_t proven;     /* the largest segment that has come through since `low` was lowered */
        uint32_t size;       /* of the probe that is out; 0: none */
        bool enabled : 1;
    } mtu; /* mtu_probe.c */
    struct ecn_state ecn;
    uint64_t deadline_ns[TCP_TIMERS];

    struct {
        struct tcp_allowance challenges; /* RFC 5961 §7 */
        struct tcp_allowance answers;    /* to what is not acceptable and brings nothing */
    } allowance;                         /* of ACKs that anybody may ask for */

    struct {
        uint32_t remote_s; /* REMOTE_UTO; 0: the peer has not told */
        bool announce;     /* ours is to be told */
        bool off;          /* SYNs that told it were lost: for this connection it is not used */
    } user_timeout;        /* user_timeout.c */

    /* ── And two of these: from stat.timeout_since_ns to zerocopy.waiting ── */

    struct tcb_stat {
        uint64_t bytes_retransmitted;
        uint64_t timeout_ns; /* spent in runs of timeouts */
        uint64_t established_ns;
        uint32_t retransmits, dsacks;
        uint32_t reordering_events, out_of_order;
        uint32_t timeouts, timeout_rounds; /* of RETRANSMIT, ever; runs of them */
        uint64_t timeout_since_ns;         /* the present one began then; 0: there is none */
        uint64_t bytes_acked, bytes_received, bytes_sent;
        uint32_t segments_in, segments_out, data_segments_in, data_segments_out;
        uint64_t last_sent_ns, last_data_sent_ns, last_received_ns, last_ack_received_ns;
    } stat;
    struct {
        struct list
            marks; /* struct stamp_mark: bytes whose times are to be told, in order; stamps.c */
        uint32_t count;
        uint32_t base; /* what numbers of bytes count from */
    } stamps;
    struct {
        struct list waiting; /* notes of MSG_ZEROCOPY sends not acknowledged yet, oldest first */
        uint32_t count;
        bool used; /* their numbers count on, and one may be yet to come */
    } zerocopy;

    /* ── What few segments need, and few connections ── */

    struct error_queue errors;
    struct {
        uint32_t prior_cwnd;     /* before the reduction */
        uint32_t prior_ssthresh; /* 0: there is nothing to go back to */
        uint32_t retransmit_ts;  /* timestamp of the first copy that may be out (Eifel) */
        uint32_t marker;         /* SND.UNA when the phase began */
        uint32_t retransmits;    /* retransmissions not yet shown unnecessary by D-SACK */
    } undo;                      /* undo.c */

    struct {
        uint32_t pipe_now, pipe_before; /* pipeACK, segments: of this half of the sampling period,
                                           and of the one before */
        uint64_t pipe_since_ns;         /* when this half began */
        uint64_t pipe_round_start;      /* rate.delivered when the round trip began */
        uint32_t pipe_round_end;        /* and SND.NXT; SND.ISS: none has been measured */
        uint32_t fell_from;             /* what was really used of a window not validated that the
                                           last reduction was of; 0: it was validated */
        uint64_t validated_ns;          /* when the window last was */
        uint32_t resent_before;         /* stat.retransmits at the last reduction */
    } cwv;                              /* cwv.c */

    struct accecn accecn;

    struct {
        bool used : 1;         /* our SYN asked for a cookie or brought one */
        bool experimental : 1; /* with option 254 */
        bool with_cookie : 1;
        bool has_text : 1;       /* it carried text */
        bool too_big : 1;        /* ICMP said so of it: it went again without */
        bool syn_data_acked : 1; /* text in the SYN was taken, by whichever side */
        struct list early_link;  /* in the listener's `early` while it opens early */
        struct tcp_listener *early_of;
        struct fast_open_keys
            *keys; /* TCP_FASTOPEN_KEY, for the listener that this may become; or NULL */
    } fast_open;

    struct saved_syn *saved_syn; /* of the peer, until it is read; or NULL; saved_syn.c */
    uint32_t syn_timestamp;      /* our clock when the first SYN was sent */
    uint8_t syn_attempts;
    struct tcp_beyond beyond;
};

/* What begins with `first` fills `lines` of the cache, or fewer, up to `behind`. */
#define TCB_FILLS(first, behind, lines)               \
    (offsetof(struct tcb, first) % CACHE_LINE == 0 && \
     offsetof(struct tcb, behind) <= offsetof(struct tcb, first) + (lines)*CACHE_LINE)
_Static_assert(TCB_FILLS(connection, cc.private_state[8], 14),
               "what every segment needs takes a cache line more");
_Static_assert(TCB_FILLS(path.interface, preferences.receive_buffer, 1),
               "its path and preferences take a cache line more");
_Static_assert(TCB_FILLS(mtu.proven, deadline_ns[TCP_TIMER_ACK + 1], 1),
               "the timers of a segment take a cache line more");
_Static_assert(TCB_FILLS(stat.timeout_since_ns, zerocopy.waiting.prev, 2),
               "the counting of a segment takes a cache line more");
_Static_assert(sizeof(struct tcb) <= 27 * CACHE_LINE,
               "a connection that is in use takes more memory");

/* A connection: the part of it that lasts as long as it does, and that others point to. */
struct tcp_connection {
    struct table_node node; /* in tcp->connections while a remote is known */
    struct endpoint local, remote;
    bool holds_port; /* it is linked to, or counted by, the port of `local` */
    bool kept;       /* its user holds on to this, and not to the tcb */
    bool alone;      /* nobody else has to do with that port: it stands for it in tcp->lone_ports */
    struct tcb *tcb; /* NULL: at rest */
    void *owner;     /* whom notify tells; NULL once detached or not accepted yet */
    struct stack_timer timer; /* the earliest of the tcb's deadlines, or its only one */
    struct stack *stack;
    union {
        struct list port_link;       /* among those bound to the port */
        struct table_node lone_port; /* in tcp->lone_ports */
    };
    struct tcp_rest rest; /* in place of the tcb */
};

_Static_assert(sizeof(struct tcp_connection) <= 352, "an idle connection takes more memory");
_Static_assert(offsetof(struct tcp_connection, timer.expired) <= 96,
               "a segment takes a cache line more to find its connection, and its timer");

/* What a connection is charged for itself. */
enum { TCP_CONNECTION_BYTES = sizeof(struct tcb) + sizeof(struct tcp_connection) };

/* Whether text and FIN may come and go: the handshake is over, or Fast Open has made that
 * unnecessary. */
static inline bool tcb_open(const struct tcb *tcb)
{
    return tcp_state_synchronized(tcb->state) ||
           (tcb->state == TCP_SYN_RECEIVED && tcb->opens_early);
}
static inline bool tcb_can_send(const struct tcb *tcb)
{
    return tcp_state_can_send(tcb->state) || (tcb->state == TCP_SYN_RECEIVED && tcb->opens_early);
}
static inline bool tcb_can_receive(const struct tcb *tcb)
{
    return tcp_state_can_receive(tcb->state) ||
           (tcb->state == TCP_SYN_RECEIVED && tcb->opens_early);
}

/* Whom the memories of peers know it by. */
static inline struct peer_pair tcb_pair(const struct tcb *tcb)
{
    return (struct peer_pair){tcb->connection->local.address, tcb->connection->remote.address};
}

/* Segments the network is believed to hold: RFC 6675's pipe. */
static inline uint32_t tcb_in_flight(const struct tcb *tcb)
{
    return tcb->records.out - tcb->records.sacked - tcb->records.lost_out +
           tcb->records.retransmitted;
}

/* Bytes that the user has queued and that have never been sent. */
static inline uint32_t tcb_unsent(const struct tcb *tcb)
{
    return tcb->snd.base + tcb->snd.ring.length - tcb->snd.nxt + (tcb->snd.fin_sent ? 1 : 0);
}

#endif
