/* Socket options: what is set on a connection is kept in its preferences, and what is set on a
 * listener in those that its connections start with. */
#include "tcp/sockopt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "tcp/connection.h"
#include "tcp/fastopen.h"
#include "tcp/info.h"
#include "tcp/listen.h"
#include "tcp/output.h"
#include "tcp/receive.h"
#include "tcp/timers.h"

/* A whole-number option: where it is kept does not matter here, only its bounds. */
static int take_number(const void *value, socklen_t length, int least, int most, int *out)
{
    if (length < (socklen_t)sizeof *out)
        return -EINVAL;
    memcpy(out, value, sizeof *out);
    return *out < least || *out > most ? -EINVAL : 0;
}

/* The kernel's rule: twice what was asked for is kept and reported, for its bookkeeping; no less
 * than a small minimum. Here the doubled value is what may be held. */
static uint32_t buffer_size(int asked, int64_t most)
{
    int64_t size = asked < 0 ? most : asked;
    if (size > most)
        size = most;
    return size * 2 < 2304 ? 2304 : (uint32_t)(size * 2);
}

static int set_socket_option(struct tcp_preferences *p, const struct settings *settings, int option,
                             int value)
{
    switch (option) {
    case SO_KEEPALIVE:
        p->keepalive = value != 0;
        return 0;
    case SO_SNDBUF:
        p->send_buffer = buffer_size(value, settings->tcp_sndbuf_max);
        return 0;
    case SO_RCVBUF:
        p->receive_buffer = buffer_size(value, settings->tcp_rcvbuf_max);
        p->receive_buffer_fixed = true;
        return 0;
    case SO_REUSEADDR:
        p->reuse_address = value != 0;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int set_number(struct tcp_preferences *p, int option, int value)
{
    switch (option) {
    case OPTION_NODELAY:
        p->no_delay = value != 0;
        return 0;
    case OPTION_CORK:
        p->cork = value != 0;
        return 0;
    case OPTION_MAXSEG:
        if (value && (value < LIMIT_MSS_MIN || value > 32767))
            return -EINVAL;
        p->max_segment = (uint16_t)value;
        return 0;
    case OPTION_KEEPIDLE:
        if (value < 1 || value > 32767)
            return -EINVAL;
        p->keepalive_idle_s = (uint32_t)value;
        return 0;
    case OPTION_KEEPINTVL:
        if (value < 1 || value > 32767)
            return -EINVAL;
        p->keepalive_interval_s = (uint32_t)value;
        return 0;
    case OPTION_KEEPCNT:
        if (value < 1 || value > 127)
            return -EINVAL;
        p->keepalive_probes = (uint8_t)value;
        return 0;
    case OPTION_SYNCNT:
        if (value < 1 || value > 127)
            return -EINVAL;
        p->syn_retries = (uint8_t)value;
        return 0;
    case OPTION_USER_TIMEOUT:
        if (value < 0)
            return -EINVAL;
        p->user_timeout_ms = (uint32_t)value;
        return 0;
    case OPTION_FASTOPEN:
        if (value < 0)
            return -EINVAL;
        p->fast_open_queue = (uint32_t)value;
        return 0;
    case OPTION_FASTOPEN_CONNECT:
        p->fast_open_connect = value != 0;
        return 0;
    case OPTION_FASTOPEN_NO_COOKIE:
        p->fast_open_no_cookie = value != 0;
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

static int set_preference(struct tcp_preferences *p, const struct settings *settings, int level,
                          int option, const void *value, socklen_t length)
{
    int number;
    if (level == IP_PROTOCOL_TCP && option == OPTION_CONGESTION)
        return set_congestion(p, value, length);
    if (take_number(value, length, INT32_MIN, INT32_MAX, &number) < 0)
        return -EINVAL;
    if (level == SOL_SOCKET)
        return set_socket_option(p, settings, option, number);
    if (level == OPTION_LEVEL_IP)
        return set_ip_number(p, option, number);
    return level == IP_PROTOCOL_TCP ? set_number(p, option, number) : -ENOPROTOOPT;
}

/* What a changed option means at once for a connection in being. */
static void act_on_change(struct tcb *tcb, int level, int option)
{
    if (level == SOL_SOCKET && option == SO_KEEPALIVE)
        timers_restart_keepalive(tcb);
    if (level == SOL_SOCKET && option == SO_RCVBUF)
        receive_window_resized(tcb);
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
    case OPTION_CORK:
        tcp_output(tcb);
        break;
    case OPTION_MAXSEG:
        if (tcb->path.interface)
            tcp_connection_set_mss(tcb);
        break;
    case OPTION_CONGESTION:
        if (tcb->cc.operations) {
            tcb->cc.operations = cc_by_index(tcb->preferences.congestion_control);
            tcb->cc.operations->init(tcb);
        }
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

int tcp_set_option(struct tcb *tcb, int level, int option, const void *value, socklen_t length)
{
    if (level == IP_PROTOCOL_TCP && option == OPTION_FASTOPEN_KEY)
        return set_own_keys(tcb, value, length);
    int error =
        set_preference(&tcb->preferences, &tcb->stack->settings, level, option, value, length);
    if (error == 0)
        act_on_change(tcb, level, option);
    return error;
}

int tcp_listener_set_option(struct tcp_listener *listener, int level, int option, const void *value,
                            socklen_t length)
{
    if (level == IP_PROTOCOL_TCP && option == OPTION_FASTOPEN_KEY)
        return fast_open_set_keys(&listener->fast_open_keys, value, length);
    return set_preference(&listener->preferences, &listener->stack->settings, level, option, value,
                          length);
}

static int get_number(const struct tcp_preferences *p, int level, int option, int *out)
{
    if (level == SOL_SOCKET) {
        switch (option) {
        case SO_KEEPALIVE:
            *out = p->keepalive;
            return 0;
        case SO_SNDBUF:
            *out = (int)p->send_buffer;
            return 0;
        case SO_RCVBUF:
            *out = (int)p->receive_buffer;
            return 0;
        case SO_REUSEADDR:
            *out = p->reuse_address;
            return 0;
        default:
            return -ENOPROTOOPT;
        }
    }
    switch (option) {
    case OPTION_NODELAY:
        *out = p->no_delay;
        return 0;
    case OPTION_CORK:
        *out = p->cork;
        return 0;
    case OPTION_MAXSEG:
        *out = p->max_segment ? p->max_segment : 536;
        return 0;
    case OPTION_KEEPIDLE:
        *out = (int)p->keepalive_idle_s;
        return 0;
    case OPTION_KEEPINTVL:
        *out = (int)p->keepalive_interval_s;
        return 0;
    case OPTION_KEEPCNT:
        *out = p->keepalive_probes;
        return 0;
    case OPTION_SYNCNT:
        *out = p->syn_retries;
        return 0;
    case OPTION_USER_TIMEOUT:
        *out = (int)p->user_timeout_ms;
        return 0;
    case OPTION_FASTOPEN:
        *out = (int)p->fast_open_queue;
        return 0;
    case OPTION_FASTOPEN_CONNECT:
        *out = p->fast_open_connect;
        return 0;
    case OPTION_FASTOPEN_NO_COOKIE:
        *out = p->fast_open_no_cookie;
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
    default:
        return -ENOPROTOOPT;
    }
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
    if (level != SOL_SOCKET && level != IP_PROTOCOL_TCP && level != OPTION_LEVEL_IP)
        return -ENOPROTOOPT;
    int error = level == OPTION_LEVEL_IP ? get_ip_number(p, settings, option, &number)
                                         : get_number(p, level, option, &number);
    return error < 0 ? error : give(&number, sizeof number, value, length);
}

int tcp_get_option(struct tcb *tcb, int level, int option, void *value, socklen_t *length)
{
    if (level == IP_PROTOCOL_TCP && option == OPTION_INFO) {
        struct tern_tcp_info info;
        tcp_info_fill(tcb, &info);
        return give(&info, sizeof info, value, length);
    }
    if (level == IP_PROTOCOL_TCP && option == OPTION_MAXSEG && tcb->state != TCP_CLOSED) {
        int mss = (int)tcb->snd.mss;
        return give(&mss, sizeof mss, value, length);
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
    return get_preference(&listener->preferences, &listener->stack->settings, level, option, value,
                          length);
}
