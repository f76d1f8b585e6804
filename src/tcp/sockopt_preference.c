/* Options whose value is kept in the preferences, as it was given or in a unit of ours. */
#include "tcp/sockopt_preference.h"

#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "base/time.h"
#include "core/buffer_size.h"
#include "core/option_value.h"
#include "tcp/cc.h"
#include "tcp/sockopt.h"
#include "tcp/sockopt_number.h"

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

int preference_set(struct tcp_preferences *p, const struct settings *settings, int level,
                   int option, const void *value, socklen_t length)
{
    int number;
    if (level == IP_PROTOCOL_TCP && option == OPTION_CONGESTION)
        return set_congestion(p, value, length);
    if (level == SOL_SOCKET && option == SO_MAX_PACING_RATE)
        return set_pacing(p, value, length);
    if (option_take_int(value, length, &number) < 0)
        return -EINVAL;
    const struct number_option *known = number_option_find(level, option);
    if (known)
        return number_option_set(p, known, number);
    if (level == SOL_SOCKET)
        return set_buffer(p, settings, option, number);
    if (level == OPTION_LEVEL_IP)
        return set_ip_number(p, option, number);
    return level == IP_PROTOCOL_TCP ? set_special(p, settings, option, number) : -ENOPROTOOPT;
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
    const struct number_option *known = number_option_find(level, option);
    if (known) {
        *out = number_option_get(p, known);
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
    return *length >= sizeof rate ? option_put(value, length, &rate, sizeof rate)
                                  : option_put(value, length, &narrow, sizeof narrow);
}

int preference_get(const struct tcp_preferences *p, const struct settings *settings, int level,
                   int option, void *value, socklen_t *length)
{
    int number;
    if (level == IP_PROTOCOL_TCP && option == OPTION_CONGESTION) {
        char name[16] = {0};
        strncpy(name, cc_by_index(p->congestion_control)->name, sizeof name - 1);
        return option_put(value, length, name, sizeof name);
    }
    if (level == SOL_SOCKET && option == SO_MAX_PACING_RATE)
        return get_pacing(p, value, length);
    int error = get_number(p, settings, level, option, &number);
    return error < 0 ? error : option_put_int(value, length, number);
}
