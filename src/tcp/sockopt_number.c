/* The table of options that are a number with bounds and a place. */
#include "tcp/sockopt_number.h"

#include <errno.h>
#include <string.h>

#include "tcp/sockopt.h"

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

const struct number_option *number_option_find(int level, int option)
{
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i].level == level && numbers[i].option == option)
            return &numbers[i];
    }
    return NULL;
}

int number_option_set(struct tcp_preferences *p, const struct number_option *number, int value)
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

int number_option_get(const struct tcp_preferences *p, const struct number_option *number)
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
