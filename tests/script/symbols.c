/* The constants of the system's headers that scripts may name. */
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "script/expression.h"

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif
#ifndef TCP_CM_INQ
#define TCP_CM_INQ TCP_INQ
#endif
#ifndef TCP_TX_DELAY
#define TCP_TX_DELAY 37
#endif

struct symbol {
    const char *name;
    int64_t value;
};

#define S(name)     \
    {               \
#name, name \
    }

static const struct symbol symbols[] = {
    S(AF_UNSPEC),
    S(AF_INET),
    S(AF_INET6),
    S(PF_INET),
    S(SOCK_STREAM),
    S(SOCK_DGRAM),
    S(SOCK_RAW),
    S(SOCK_NONBLOCK),
    S(SOCK_CLOEXEC),
    S(IPPROTO_IP),
    S(IPPROTO_TCP),
    S(IPPROTO_UDP),
    S(IPPROTO_ICMP),
    S(SOL_SOCKET),
    S(SOL_IP),
    S(SOL_TCP),
    {"SOL_UDP", IPPROTO_UDP},
    {"NULL", 0},

    S(SO_ACCEPTCONN),
    S(SO_BROADCAST),
    S(SO_DOMAIN),
    S(SO_DONTROUTE),
    S(SO_ERROR),
    S(SO_KEEPALIVE),
    S(SO_LINGER),
    S(SO_MARK),
    S(SO_OOBINLINE),
    S(SO_PRIORITY),
    S(SO_PROTOCOL),
    S(SO_RCVBUF),
    S(SO_RCVLOWAT),
    S(SO_RCVTIMEO),
    S(SO_REUSEADDR),
    S(SO_REUSEPORT),
    S(SO_SNDBUF),
    S(SO_SNDLOWAT),
    S(SO_SNDTIMEO),
    S(SO_TIMESTAMP),
    S(SO_TIMESTAMPING),
    S(SO_TYPE),
    S(SO_MAX_PACING_RATE),
    S(SO_ZEROCOPY),
    S(SO_EE_ORIGIN_TIMESTAMPING),
    S(SO_EE_ORIGIN_ZEROCOPY),
    S(SO_EE_CODE_ZEROCOPY_COPIED),
    S(SO_EE_ORIGIN_ICMP),
    S(SO_EE_ORIGIN_LOCAL),

    S(SOF_TIMESTAMPING_TX_HARDWARE),
    S(SOF_TIMESTAMPING_TX_SOFTWARE),
    S(SOF_TIMESTAMPING_RX_HARDWARE),
    S(SOF_TIMESTAMPING_RX_SOFTWARE),
    S(SOF_TIMESTAMPING_SOFTWARE),
    S(SOF_TIMESTAMPING_SYS_HARDWARE),
    S(SOF_TIMESTAMPING_RAW_HARDWARE),
    S(SOF_TIMESTAMPING_OPT_ID),
    S(SOF_TIMESTAMPING_TX_SCHED),
    S(SOF_TIMESTAMPING_TX_ACK),
    S(SOF_TIMESTAMPING_OPT_CMSG),
    S(SOF_TIMESTAMPING_OPT_TSONLY),
    S(SOF_TIMESTAMPING_OPT_STATS),
    {"SCM_TIMESTAMPING", SO_TIMESTAMPING},
    S(SCM_TSTAMP_SND),
    S(SCM_TSTAMP_SCHED),
    S(SCM_TSTAMP_ACK),

    S(IP_TOS),
    S(IP_TTL),
    S(IP_MTU),
    S(IP_MTU_DISCOVER),
    S(IP_RECVERR),
    S(IP_RECVTTL),
    S(IP_RECVTOS),
    S(IP_PKTINFO),
    S(IP_FREEBIND),
    S(IP_PMTUDISC_WANT),
    S(IP_PMTUDISC_DONT),
    S(IP_PMTUDISC_DO),
    S(IP_PMTUDISC_PROBE),

    S(TCP_NODELAY),
    S(TCP_MAXSEG),
    S(TCP_CORK),
    S(TCP_KEEPIDLE),
    S(TCP_KEEPINTVL),
    S(TCP_KEEPCNT),
    S(TCP_SYNCNT),
    S(TCP_LINGER2),
    S(TCP_DEFER_ACCEPT),
    S(TCP_WINDOW_CLAMP),
    S(TCP_INFO),
    S(TCP_QUICKACK),
    S(TCP_CONGESTION),
    S(TCP_MD5SIG),
    S(TCP_THIN_LINEAR_TIMEOUTS),
    S(TCP_THIN_DUPACK),
    S(TCP_USER_TIMEOUT),
    S(TCP_FASTOPEN),
    S(TCP_FASTOPEN_CONNECT),
    S(TCP_FASTOPEN_KEY),
    S(TCP_FASTOPEN_NO_COOKIE),
    S(TCP_TIMESTAMP),
    S(TCP_NOTSENT_LOWAT),
    S(TCP_INQ),
    S(TCP_CM_INQ),
    S(TCP_TX_DELAY),
    S(TCP_CC_INFO),
    S(TCP_SAVE_SYN),

    S(O_RDONLY),
    S(O_WRONLY),
    S(O_RDWR),
    S(O_NONBLOCK),
    S(F_GETFL),
    S(F_SETFL),
    S(F_GETFD),
    S(F_SETFD),
    S(FD_CLOEXEC),
    S(SHUT_RD),
    S(SHUT_WR),
    S(SHUT_RDWR),
    S(FIONREAD),
    S(FIONBIO),
    S(SIOCINQ),
    S(SIOCOUTQ),
    S(SIOCATMARK),

    S(MSG_OOB),
    S(MSG_DONTROUTE),
    S(MSG_PEEK),
    S(MSG_CTRUNC),
    S(MSG_EOR),
    S(MSG_WAITALL),
    S(MSG_TRUNC),
    S(MSG_ERRQUEUE),
    S(MSG_DONTWAIT),
    S(MSG_CONFIRM),
    S(MSG_NOSIGNAL),
    S(MSG_MORE),
    S(MSG_CMSG_CLOEXEC),
    S(MSG_FASTOPEN),
    S(MSG_ZEROCOPY),

    S(POLLIN),
    S(POLLPRI),
    S(POLLOUT),
    S(POLLRDNORM),
    S(POLLRDBAND),
    S(POLLWRNORM),
    S(POLLWRBAND),
    S(POLLRDHUP),
    S(POLLERR),
    S(POLLHUP),
    S(POLLNVAL),
    S(EPOLLIN),
    S(EPOLLPRI),
    S(EPOLLOUT),
    S(EPOLLRDNORM),
    S(EPOLLRDBAND),
    S(EPOLLWRNORM),
    S(EPOLLWRBAND),
    S(EPOLLERR),
    S(EPOLLHUP),
    S(EPOLLRDHUP),
    S(EPOLLEXCLUSIVE),
    S(EPOLLONESHOT),
    {"EPOLLET", (int64_t)EPOLLET},
    S(EPOLL_CTL_ADD),
    S(EPOLL_CTL_MOD),
    S(EPOLL_CTL_DEL),
};

static const struct symbol errors[] = {
    S(EPERM),           S(ENOENT),        S(EINTR),        S(EIO),
    S(E2BIG),           S(EBADF),         S(EAGAIN),       S(EWOULDBLOCK),
    S(ENOMEM),          S(EACCES),        S(EFAULT),       S(EBUSY),
    S(EEXIST),          S(ENODEV),        S(EINVAL),       S(ENFILE),
    S(EMFILE),          S(ENOTTY),        S(ENOSPC),       S(ESPIPE),
    S(EPIPE),           S(EDOM),          S(ERANGE),       S(ENOSYS),
    S(ENOMSG),          S(ENODATA),       S(ETIME),        S(EPROTO),
    S(EBADMSG),         S(EOVERFLOW),     S(ENOTSOCK),     S(EDESTADDRREQ),
    S(EMSGSIZE),        S(EPROTOTYPE),    S(ENOPROTOOPT),  S(EPROTONOSUPPORT),
    S(ESOCKTNOSUPPORT), S(EOPNOTSUPP),    S(EPFNOSUPPORT), S(EAFNOSUPPORT),
    S(EADDRINUSE),      S(EADDRNOTAVAIL), S(ENETDOWN),     S(ENETUNREACH),
    S(ENETRESET),       S(ECONNABORTED),  S(ECONNRESET),   S(ENOBUFS),
    S(EISCONN),         S(ENOTCONN),      S(ESHUTDOWN),    S(ETIMEDOUT),
    S(ECONNREFUSED),    S(EHOSTDOWN),     S(EHOSTUNREACH), S(EALREADY),
    S(EINPROGRESS),     S(ENONET),        S(ECANCELED),
};

static bool find(const struct symbol *table, size_t count, const char *name, int64_t *value)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, name) != 0)
            continue;
        *value = table[i].value;
        return true;
    }
    return false;
}

bool symbol_find(const char *name, int64_t *value)
{
    return find(symbols, sizeof symbols / sizeof *symbols, name, value) ||
           find(errors, sizeof errors / sizeof *errors, name, value);
}

const char *symbol_errno(int value)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i].value == value)
            return errors[i].name;
    return "?";
}
