/* Socket options: what is set on a connection is kept in its preferences, and what is set on a
 * listener in those that its connections start with.
 *
 * Most are a number with bounds and a place: those stand in one table. The others have functions of
 * their own below it. */
#include "tcp/sockopt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/time.h"
#include "core/buffer_size.h"
#include "tcp/connection.h"
#include "tcp/fastopen.h"
#include "tcp/info.h"
#include "tcp/listen.h"
#include "tcp/output.h"
#include "tcp/pacing.h"
#include "tcp/receive.h"
#include "tcp/rtt.h"
#include "tcp/saved_syn.h"
#include "tcp/send.h"
#include "tcp/timers.h"
#include "tcp/user_timeout.h"

enum number_type { NUMBER_BOOL, NUMBER_U8, NUMBER_U32 };

struct number_option {
    int level, option;
    enum number_type type;
    size_t at; /* in struct tcp_preferences */
    int64_t least, most;
};

#define AT(field) offsetof(struct tcp_preferences, field)
#define FLAG(level, option, field)                                  \
    {                                                               \
        level, option, NUMBER_BOOL, AT(field), INT32_MIN, INT32_MAX \
    }

static const struct number_option numbers[] = {
    FLAG(SOL_SOCKET, SO_KEEPALIVE, keepalive),
    FLAG(SOL_SOCKET, SO_OOBINLINE, oob_inline),
    FLAG(SOL_SOCKET, SO_REUSEADDR, reuse_address),
    FLAG(SOL_SOCKET, SO_REUSEPORT, reuse_port),
    FLAG(OPTION_LEVEL_IP, OPTION_IP_FREEBIND, free_bind),
    FLAG(OPTION_LEVEL_IP, OPTION_IP_RECVERR, receive_errors),
    {OPTION_LEVEL_IP, OPTION_IP_MTU_DISCOVER, NUMBER_U8, AT(mtu_discover), 0, MTU_DISCOVER_MOST},
    FLAG(IP_PROTOCOL_TCP, OPTION_NODELAY, no_delay),
    FLAG(IP_PROTOCOL_TCP, OPTION_CORK, cork),
    {IP_PROTOCOL_TCP, OPTION_FASTOPEN_CONNECT, NUMBER_BOOL, AT(fast_open_connect), 0, 1},
    {IP_PROTOCOL_TCP, OPTION_FASTOPEN_NO_COOKIE, NUMBER_BOOL, AT(fast_open_no_cookie), 0, 1},
    {IP_PROTOCOL_TCP, OPTION_INQ, NUMBER_BOOL, AT(inq), 0, 1},
    {IP_PROTOCOL_TCP, OPTION_SAVE_SYN, NUMBER_U8, AT(save_syn), 0, 2},
    {IP_PROTOCOL_TCP, OPTION_KEEPIDLE, NUMBER_U32, AT(keepalive_idle_s), 1, 32767},
    {IP_PROTOCOL_TCP, OPTION_KEEPINTVL, NUMBER_U32, AT(keepalive_interval_s), 1, 32767},
    {IP_PROTOCOL_TCP, OPTION_KEEPCNT, NUMBER_U8, AT(keepalive_probes), 1, 127},
    {IP_PROTOCOL_TCP, OPTION_SYNCNT, NUMBER_U8, AT(syn_retries), 1, 127},
    {IP_PROTOCOL_TCP, OPTION_USER_TIMEOUT, NUMBER_U32, AT(user_timeout_ms), 0, INT32_MAX},
    {IP_PROTOCOL_TCP, OPTION_NOTSENT_LOWAT, NUMBER_U32, AT(notsent_lowat), INT32_MIN, INT32_MAX},
    {IP_PROTOCOL_TCP, OPTION_FASTOPEN, NUMBER_U32, AT(fast_open_queue), 0, INT32_MAX},
};

static const struct number_option *find_number(int level, int option)
{
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i].level == level && numbers[i].option == option)
            return &numbers[i];
    }
    return NULL;
}

static int put_number(struct tcp_preferences *p, const struct number_option *number, int value)
{
    unsigned char *at = (unsigned char *)p + number->at;
    if (value < number->least || value > number->most)
        return -EINVAL;
    switch (number->type) {
    case NUMBER_BOOL:
        memcpy(at, &(bool){value != 0}, sizeof(bool));
        break;
    case NUMBER_U8:
        memcpy(at, &(uint8_t){(uint8_t)value}, sizeof(uint8_t));
        break;
    case NUMBER_U32:
        memcpy(at, &(uint32_t){(uint32_t)value}, sizeof(uint32_t));
        break;
    }
    return 0;
}

static int number_of(const struct tcp_preferences *p, const struct number_option *number)
{
    const unsigned char *at = (const unsigned char *)p + number->at;
    union {
        bool flag;
        uint8_t u8;
        uint32_t u32;
    } value;
    static const size_t sizes[] = {sizeof(bool), sizeof(uint8_t), sizeof(uint32_t)};
    memcpy(&value, at, sizes[number->type]);
    switch (number->type) {
    case NUMBER_BOOL:
        return value.flag;
    case NUMBER_U8:
        return value.u8;
    default:
        return (int)value.u32;
    }
}

/* TCP_DEFER_ACCEPT is given in seconds and kept as the number of SYN,ACKs sent by then, for these
 * are the moments at which it is looked at; reading it tells the rounded time. */
static uint8_t seconds_to_retries(const struct settings *settings, int seconds)
{
    uint64_t timeout = TIME_MS(settings->tcp_rto_initial_ms), total = 0;
    uint8_t retries = 0;
    while (seconds > 0 && total < TIME_S(seconds) && retries < UINT8_MAX) {
        total += timeout;
        timeout = time_min(timeout * 2, TIME_MS(settings->tcp_rto_max_ms));
        retries++;
    }
    return retries;
}

static int retries_to_seconds(const struct settings *settings, uint8_t retries)
{
    uint64_t timeout = TIME_MS(settings->tcp_rto_initial_ms), total = 0;
    for (; retries > 0; retries--) {
        total += timeout;
        timeout = time_min(timeout * 2, TIME_MS(settings->tcp_rto_max_ms));
    }
    return (int)(total / TIME_S(1));
}

enum { LINGER2_MOST_S = 120, WINDOW_CLAMP_LEAST = LIMIT_RECEIVE_BUFFER_MIN / 2 };

static int set_special(struct tcp_preferences *p, const struct settings *settings, int option,
                       int value)
{
    switch (option) {
    case OPTION_MAXSEG:
        if (value && (value < LIMIT_MSS_MIN || value > 32767))
            return -EINVAL;
        p->max_segment = (uint16_t)value;
        return 0;
    case OPTION_WINDOW_CLAMP: /* 0: none */
        p->window_clamp =
            value == 0 ? 0 : (uint32_t)(value < WINDOW_CLAMP_LEAST ? WINDOW_CLAMP_LEAST : value);
        return 0;
    case OPTION_LINGER2: /* 0: the setting; below: none at all */
        p->linger2_s = (int16_t)(value < 0 ? -1 : value > LINGER2_MOST_S ? LINGER2_MOST_S : value);
        return 0;
    case OPTION_DEFER_ACCEPT:
        p->defer_accept = seconds_to_retries(settings, value);
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int set_buffer(struct tcp_preferences *p, const struct settings *settings, int option,
                      int value)
{
    switch (option) {
    case SO_SNDBUF:
        p->send_buffer = buffer_size(value, LIMIT_SEND_BUFFER_MIN, settings->tcp_sndbuf_max);
        p->send_buffer_fixed = true;
        return 0;
    case SO_RCVBUF:
        p->receive_buffer = buffer_size(value, LIMIT_RECEIVE_BUFFER_MIN, settings->tcp_rcvbuf_max);
        p->receive_buffer_fixed = true;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

/* ECN is TCP's own business: its two bits stay as they are (RFC 3168 §6.1). -1 is IP_TTL's
 * default. */
static int set_ip_number(struct tcp_preferences *p, int option, int value)
{
    const uint8_t ecn = 3;
    switch (option) {
    case OPTION_IP_TOS:
        p->traffic_class = (uint8_t)((value & ~ecn) | (p->traffic_class & ecn));
        return 0;
    case OPTION_IP_TTL:
        if (value != -1 && (value < 1 || value > 255))
            return -EINVAL;
        p->hop_limit = value == -1 ? 0 : (uint8_t)value;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int set_congestion(struct tcp_preferences *p, const void *value, socklen_t length)
{
    char name[16] = {0};
    if (length == 0)
        return -EINVAL;
    memcpy(name, value, length < sizeof name - 1 ? length : sizeof name - 1);
    for (int64_t i = 0; i < cc_count(); i++) {
        if (strcmp(cc_by_index(i)->name, name) == 0) {
            p->congestion_control = (uint8_t)i;
            return 0;
        }
    }
    return -ENOENT;
}

static int take_number(const void *value, socklen_t length, int *out)
{
    if (length < sizeof *out)
        return -EINVAL;
    memcpy(out, value, sizeof *out);
    return 0;
}

/* SO_MAX_PACING_RATE, bytes a second: 64 bits, or 32 of which all ones mean no limit. */
static int set_pacing(struct tcp_preferences *p, const void *value, socklen_t length)
{
    uint64_t rate;
    uint32_t narrow;
    if (length == sizeof rate) {
        memcpy(&rate, value, sizeof rate);
    } else if (length >= sizeof narrow) {
        memcpy(&narrow, value, sizeof narrow);
        rate = narrow == UINT32_MAX ? UINT64_MAX : narrow;
    } else {
        return -EINVAL;
    }
    p->max_pacing_rate = rate;
    return 0;
}

static int set_preference(struct tcp_preferences *p, const struct settings *settings, int level,
                          int option, const void *value, socklen_t length)
{
    int number;
    if (level == IP_PROTOCOL_TCP && option == OPTION_CONGESTION)
        return set_congestion(p, value, length);
    if (level == SOL_SOCKET && option == SO_MAX_PACING_RATE)
        return set_pacing(p, value, length);
    if (take_number(value, length, &number) < 0)
        return -EINVAL;
    const struct number_option *known = find_number(level, option);
    if (known)
        return put_number(p, known, number);
    if (level == SOL_SOCKET)
        return set_buffer(p, settings, option, number);
    if (level == OPTION_LEVEL_IP)
        return set_ip_number(p, option, number);
    return level == IP_PROTOCOL_TCP ? set_special(p, settings, option, number) : -ENOPROTOOPT;
}

/* What a changed option means at once for a connection in being. */
static void act_on_change(struct tcb *tcb, int level, int option)
{
    if (level == SOL_SOCKET && option == SO_KEEPALIVE)
        timers_restart_keepalive(tcb);
    if (level == SOL_SOCKET && option == SO_RCVBUF)
        receive_window_resized(tcb);
    if (level == SOL_SOCKET && option == SO_SNDBUF)
        send_tell_room(tcb);
    if (level == SOL_SOCKET && option == SO_MAX_PACING_RATE && tcb->cc.operations)
        pacing_update_rate(tcb);
    if (level != IP_PROTOCOL_TCP)
        return;
    switch (option) {
    case OPTION_KEEPIDLE:
        timers_restart_keepalive(tcb);
        break;
    case OPTION_NODELAY:
        /* Setting it pushes what waits, also under a cork (tcp(7)). */
        tcp_output_urged(tcb, tcb->preferences.no_delay ? URGE_PUSH : URGE_USUAL);
        break;
    case OPTION_USER_TIMEOUT:
        user_timeout_announce(tcb);
        if (tcb->user_timeout.announce && tcb_open(tcb))
            tcp_send_ack(tcb, WHY_ACK);
        break;
    case OPTION_CORK:
        tcp_output(tcb);
        break;
    case OPTION_MAXSEG:
        if (tcb->path.interface)
            tcp_connection_set_mss(tcb);
        break;
    case OPTION_NOTSENT_LOWAT:
        send_tell_room(tcb);
        break;
    case OPTION_CONGESTION:
        if (tcb->cc.operations)
            cc_start(tcb);
        break;
    default:
        break;
    }
}

static int set_own_keys(struct tcb *tcb, const void *value, socklen_t length)
{
    struct fast_open_keys keys;
    int error = tcb->state == TCP_CLOSED ? fast_open_set_keys(&keys, value, length) : -EINVAL;
    if (error < 0)
        return error;
    if (!tcb->fast_open.keys)
        tcb->fast_open.keys = malloc(sizeof keys);
    if (!tcb->fast_open.keys)
        return -ENOMEM;
    *tcb->fast_open.keys = keys;
    return 0;
}

/* Quick ACKs are a mode that the connection goes into and out of by itself; setting it puts it
 * there for now, and lets an ACK that waits go. An even number other than 0 does so for that one
 * only. */
static int set_quick_ack(struct tcb *tcb, const void *value, socklen_t length)
{
    int number;
    if (take_number(value, length, &number) < 0)
        return -EINVAL;
    tcb->ack.interactive = number == 0;
    if (number && tcp_state_can_send(tcb->state) && tcb->ack.pending) {
        tcp_send_ack(tcb, WHY_ACK);
        tcb->ack.interactive = !(number & 1);
    }
    return 0;
}

/* Fast Open is about connections that are to be opened yet, and its client may be switched off. */
static int check_fast_open(const struct tcb *tcb, int level, int option)
{
    bool client = option == OPTION_FASTOPEN_CONNECT;
    if (level != IP_PROTOCOL_TCP ||
        (!client && option != OPTION_FASTOPEN && option != OPTION_FASTOPEN_NO_COOKIE))
        return 0;
    if (client && !(tcb->stack->settings.tcp_fastopen & FAST_OPEN_CLIENT))
        return -EOPNOTSUPP;
    return tcb->state == TCP_CLOSED ? 0 : -EINVAL;
}

/* TCP_WINDOW_CLAMP: once a window has been offered there is no going back to none. */
static int check_window_clamp(const struct tcb *tcb, int level, int option, const void *value,
                              socklen_t length)
{
    int number;
    if (level != IP_PROTOCOL_TCP || option != OPTION_WINDOW_CLAMP || tcb->state == TCP_CLOSED)
        return 0;
    return take_number(value, length, &number) < 0 || number == 0 ? -EINVAL : 0;
}

int tcp_set_option(struct tcb *tcb, int level, int option, const void *value, socklen_t length)
{
    int error = check_fast_open(tcb, level, option);
    if (error == 0)
        error = check_window_clamp(tcb, level, option, value, length);
    if (error < 0)
        return error;
    if (level == IP_PROTOCOL_TCP && option == OPTION_QUICKACK)
        return set_quick_ack(tcb, value, length);
    if (level == IP_PROTOCOL_TCP && option == OPTION_FASTOPEN_KEY)
        return set_own_keys(tcb, value, length);
    error = set_preference(&tcb->preferences, &tcb->stack->settings, level, option, value, length);
    if (error == 0)
        act_on_change(tcb, level, option);
    return error;
}

int tcp_listener_set_option(struct tcp_listener *listener, int level, int option, const void *value,
                            socklen_t length)
{
    if (level == IP_PROTOCOL_TCP && option == OPTION_FASTOPEN_KEY)
        return fast_open_set_keys(&listener->fast_open_keys, value, length);
    if (level == IP_PROTOCOL_TCP && option == OPTION_FASTOPEN_CONNECT)
        return -EINVAL;
    return set_preference(&listener->preferences, &listener->stack->settings, level, option, value,
                          length);
}

static int get_special(const struct tcp_preferences *p, const struct settings *settings, int option,
                       int *out)
{
    switch (option) {
    case OPTION_MAXSEG:
        *out = p->max_segment ? p->max_segment : 536;
        return 0;
    case OPTION_WINDOW_CLAMP:
        *out = (int)p->window_clamp;
        return 0;
    case OPTION_LINGER2:
        *out = p->linger2_s ? p->linger2_s : (int)settings->tcp_fin_timeout_s;
        return 0;
    case OPTION_DEFER_ACCEPT:
        *out = retries_to_seconds(settings, p->defer_accept);
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int get_buffer(const struct tcp_preferences *p, int option, int *out)
{
    switch (option) {
    case SO_SNDBUF:
        *out = (int)p->send_buffer;
        return 0;
    case SO_RCVBUF:
        *out = (int)p->receive_buffer;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

/* getsockopt(2)'s truncation: as many bytes as the caller has room for. */
static int give(const void *from, size_t size, void *value, socklen_t *length)
{
    size_t room = *length;
    if (room > size)
        room = size;
    memcpy(value, from, room);
    *length = (socklen_t)room;
    return 0;
}

static int get_fast_open_keys(const struct fast_open_keys *keys, void *value, socklen_t *length)
{
    uint8_t bytes[2 * FAST_OPEN_KEY];
    fast_open_get_keys(keys, bytes);
    return give(bytes, keys->count * FAST_OPEN_KEY, value, length);
}

static int get_ip_number(const struct tcp_preferences *p, const struct settings *settings,
                         int option, int *out)
{
    switch (option) {
    case OPTION_IP_TOS:
        *out = p->traffic_class;
        return 0;
    case OPTION_IP_TTL:
        *out = p->hop_limit ? p->hop_limit : (int)settings->ip_ttl;
        return 0;
    case OPTION_IP_MTU: /* who has a peer has been told */
        return -ENOTCONN;
    default:
        return -ENOPROTOOPT;
    }
}

static int get_number(const struct tcp_preferences *p, const struct settings *settings, int level,
                      int option, int *out)
{
    const struct number_option *known = find_number(level, option);
    if (known) {
        *out = number_of(p, known);
        return 0;
    }
    switch (level) {
    case SOL_SOCKET:
        return get_buffer(p, option, out);
    case OPTION_LEVEL_IP:
        return get_ip_number(p, settings, option, out);
    case IP_PROTOCOL_TCP:
        return get_special(p, settings, option, out);
    default:
        return -ENOPROTOOPT;
    }
}

static int get_pacing(const struct tcp_preferences *p, void *value, socklen_t *length)
{
    uint64_t rate = p->max_pacing_rate;
    uint32_t narrow = rate < UINT32_MAX ? (uint32_t)rate : UINT32_MAX;
    return *length >= sizeof rate ? give(&rate, sizeof rate, value, length)
                                  : give(&narrow, sizeof narrow, value, length);
}

static int get_preference(const struct tcp_preferences *p, const struct settings *settings,
                          int level, int option, void *value, socklen_t *length)
{
    int number;
    if (level == IP_PROTOCOL_TCP && option == OPTION_CONGESTION) {
        char name[16] = {0};
        strncpy(name, cc_by_index(p->congestion_control)->name, sizeof name - 1);
        return give(name, sizeof name, value, length);
    }
    if (level == SOL_SOCKET && option == SO_MAX_PACING_RATE)
        return get_pacing(p, value, length);
    int error = get_number(p, settings, level, option, &number);
    return error < 0 ? error : give(&number, sizeof number, value, length);
}

/* With an algorithm that has nothing to tell: nothing, and a length of 0. */
static int get_cc_info(const struct tcb *tcb, void *value, socklen_t *length)
{
    const struct cc_operations *cc = tcb->cc.operations;
    struct cc_info info = {0};
    size_t size = cc && cc->tell ? cc->tell(tcb, &info) : 0;
    return give(&info, size, value, length);
}

int tcp_get_option(struct tcb *tcb, int level, int option, void *value, socklen_t *length)
{
    if (level == IP_PROTOCOL_TCP && option == OPTION_INFO) {
        struct tern_tcp_info info;
        tcp_info_fill(tcb, &info);
        return give(&info, sizeof info, value, length);
    }
    if (level == IP_PROTOCOL_TCP && option == OPTION_CC_INFO)
        return get_cc_info(tcb, value, length);
    if (level == IP_PROTOCOL_TCP && option == OPTION_SAVED_SYN)
        return saved_syn_read(tcb, value, length);
    if (level == IP_PROTOCOL_TCP && option == OPTION_MAXSEG && tcb->state != TCP_CLOSED) {
        int mss = (int)tcb->snd.mss;
        return give(&mss, sizeof mss, value, length);
    }
    if (level == IP_PROTOCOL_TCP && option == OPTION_QUICKACK) {
        int quick = !tcb->ack.interactive;
        return give(&quick, sizeof quick, value, length);
    }
    if (level == OPTION_LEVEL_IP && option == OPTION_IP_MTU && tcb->path.interface) {
        int mtu = (int)tcb->path.mtu;
        return give(&mtu, sizeof mtu, value, length);
    }
    return get_preference(&tcb->preferences, &tcb->stack->settings, level, option, value, length);
}

int tcp_listener_get_option(struct tcp_listener *listener, int level, int option, void *value,
                            socklen_t *length)
{
    if (level == IP_PROTOCOL_TCP && option == OPTION_INFO) {
        struct tern_tcp_info info = {.tcpi_state = TCP_LISTEN,
                                     .tcpi_unacked = listener->accept_count,
                                     .tcpi_sacked = listener->backlog};
        return give(&info, sizeof info, value, length);
    }
    if (level == IP_PROTOCOL_TCP && option == OPTION_FASTOPEN_KEY)
        return get_fast_open_keys(&listener->fast_open_keys, value, length);
    if (level == IP_PROTOCOL_TCP && (option == OPTION_SAVED_SYN || option == OPTION_CC_INFO)) {
        *length = 0; /* its connections have something to tell */
        return 0;
    }
    return get_preference(&listener->preferences, &listener->stack->settings, level, option, value,
                          length);
}
