/* The numbers of the IPPROTO_TCP options, Linux's (netinet/tcp.h, linux/tcp.h). */
#ifndef TERN_TCP_SOCKOPT_H
#define TERN_TCP_SOCKOPT_H

/* Of level IPPROTO_IP, which is 0. */
enum ip_option_number {
    OPTION_LEVEL_IP = 0,
    OPTION_IP_TOS = 1,
    OPTION_IP_TTL = 2,
    OPTION_IP_MTU_DISCOVER = 10,
    OPTION_IP_FREEBIND = 15,
};

/* IP_MTU_DISCOVER's values. */
enum mtu_discover { MTU_DISCOVER_DONT, MTU_DISCOVER_WANT, MTU_DISCOVER_MOST = 5 };

enum tcp_option_number {
    OPTION_NODELAY = 1,
    OPTION_MAXSEG = 2,
    OPTION_CORK = 3,
    OPTION_KEEPIDLE = 4,
    OPTION_KEEPINTVL = 5,
    OPTION_KEEPCNT = 6,
    OPTION_SYNCNT = 7,
    OPTION_LINGER2 = 8,
    OPTION_DEFER_ACCEPT = 9,
    OPTION_INFO = 11,
    OPTION_QUICKACK = 12,
    OPTION_CONGESTION = 13,
    OPTION_USER_TIMEOUT = 18,
    OPTION_FASTOPEN = 23,
    OPTION_NOTSENT_LOWAT = 25,
    OPTION_FASTOPEN_CONNECT = 30,
    OPTION_FASTOPEN_KEY = 33,
    OPTION_FASTOPEN_NO_COOKIE = 34,
};

#endif
