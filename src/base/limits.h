/* Every limit of tern's own stands here. A limit that a user may want to move is a setting
 * (core/setting.def), whose bounds stand there. What an RFC, or Linux's interface, prescribes for
 * one mechanism stands beside that mechanism. */
#ifndef TERN_BASE_LIMITS_H
#define TERN_BASE_LIMITS_H

enum limits {
    /* core */
    LIMIT_INTERFACES = 8,          /* interfaces a stack */
    LIMIT_INTERFACE_ADDRESSES = 8, /* addresses an interface */
    LIMIT_ROUTES = 64,             /* routes a stack */
    LIMIT_SUPER_PACKET = 65535,    /* bytes of an IP packet to or from a link that offloads */
    LIMIT_BIG_PACKET = 264192,     /* and to this host's kernel: 256 KB, and whole segments */
    LIMIT_HEADERS = 128, /* room for a departing packet's headers: IPv6 40 + TCP 60, rounded */

    LIMIT_DEVICE_QUEUE = 5000, /* packets that wait for us in the kernel, without offloads: the
                                  largest window of 6 MB, which else is lost in part */
    LIMIT_QUEUES = 64,         /* stacks over one device, each with a queue of it */
    LIMIT_SHARED_PORT = 32768, /* first port that belongs to one of them alone (core/share.h) */
    LIMIT_HANDED_OVER = 1024,  /* packets that wait to be taken over by one of them */

    LIMIT_RING_SPARES = 4,            /* rings' memory kept for the next, pieces a stack */
    LIMIT_RING_SPARE_LEAST = 1 << 16, /* bytes below which it is not worth it, a piece */
    LIMIT_RING_SPARE_MOST = 1 << 20,  /* and above which it is too much */
    LIMIT_RING_SMALL_SPARES = 32,     /* the same, pieces of the least that a ring has */

    /* ip */
    LIMIT_MTU_MIN = 68,               /* of a link: what everyone forwards uncut, RFC 791 §3.2 */
    LIMIT_PATH_MTUS = 1024,           /* destinations whose path's MTU is remembered */
    LIMIT_LOOPBACK_PACKETS = 1024,    /* packets to ourselves that wait to be delivered */
    LIMIT_LOOPBACK_BYTES = 8 << 20,   /* and their bytes */
    LIMIT_REASSEMBLIES = 256,         /* datagrams of which fragments are missing */
    LIMIT_REASSEMBLY_BYTES = 4 << 20, /* memory they all hold */
    LIMIT_REASSEMBLY_FRAGMENTS = 256, /* fragments of one datagram: 64 KB in parts of 256 bytes */

    /* icmp */
    LIMIT_ICMP_BURST = 50,        /* ICMP messages in a burst */
    LIMIT_ICMP_PER_SECOND = 1000, /* and a second afterwards */
    LIMIT_ICMP_QUOTE = 548,       /* bytes of the offending packet in an ICMPv4 error: 576 in all,
                                     RFC 1812 §4.3.2.3 */

    /* sockets */
    LIMIT_SEND_BUFFER_MIN = 4608,    /* bytes that SO_SNDBUF leaves at the least: Linux's */
    LIMIT_RECEIVE_BUFFER_MIN = 2304, /* and SO_RCVBUF */
    LIMIT_BUFFER_MAX = 1 << 30, /* bytes of a setting for a buffer, and of a datagram socket's */
    LIMIT_ERROR_NOTES = 256,    /* in one socket's error queue */
    LIMIT_ERROR_QUOTE = 1280,   /* bytes kept of the packet that an error is about */
    LIMIT_EPOLL_NESTS = 4,      /* instances of epoll inside of one, one in the other: Linux's */

    /* udp and echo sockets */
    LIMIT_DATAGRAMS_QUEUED = 1024, /* datagrams waiting in one socket */

    /* tcp */
    LIMIT_MSS_MIN = 88,              /* what a peer's MSS is raised to (CVE-2019-11479): as Linux's
                                        tcp_min_snd_mss 48 + options */
    LIMIT_OUT_OF_ORDER_RANGES = 256, /* holes in a receive ring */
    LIMIT_HALF_OPEN = 1024,        /* half-open connections a listener; the backlog may say less */
    LIMIT_BACKLOG = 4096,          /* connections that wait for accept, a listener */
    LIMIT_FAST_OPEN_PEERS = 1024,  /* servers whose cookies a stack remembers */
    LIMIT_ACCECN_PEERS = 1024,     /* and of whom that AccECN gets lost on the way to them */
    LIMIT_TIME_WAIT = 65536,       /* connections in TIME-WAIT a stack */
    LIMIT_USER_TIMEOUT_SYNS = 2,   /* SYNs that tell the user timeout, a connection */
    LIMIT_WOKEN_BEYOND = 64,       /* connections awake that peers woke beyond memory.high */
    LIMIT_WOKEN_BY_PEER = 16,      /* of them, by one peer: others get on as well */
    LIMIT_SENT_RECORDS = 8192,     /* sent records a connection */
    LIMIT_RECORD_SPARES = 64,      /* of them, kept for the next when they are done with, a stack */
    LIMIT_ZEROCOPY_WAITING = 1024, /* MSG_ZEROCOPY sends that wait to be told apart, a connection */
    LIMIT_STAMPS_WAITING = 256,    /* send calls whose times are still to be told, a connection */
    LIMIT_READER_BYTES = 32 * 1024, /* unread ones that are worth a reader's while: what comes next
                                       need not pass through the ring once it runs */
    LIMIT_LENT_BYTES = 128 * 1024,  /* of a write, that are worth sending from where they are */
    LIMIT_STREAK_BYTES = 64 * 1024, /* of a write, for which its rest may wait for the next: of
                                       what is less there is no full super-segment */
    LIMIT_LENT_LOOKS = 8, /* packets taken in, at a call's end, for the sake of what is lent */
    LIMIT_ARRIVALS = 64,  /* pieces of unread text whose time of arrival is kept, a power of two */
    LIMIT_ZEROCOPY_SPANS = 17, /* spans of such sends in a packet: Linux's MAX_SKB_FRAGS */

    /* link */
    LIMIT_READ_AHEAD = 32,       /* small packets that are read before the first is looked at */
    LIMIT_FAULT_PACKETS = 65536, /* in flight or waiting, a direction of a fault link */
};

#endif
