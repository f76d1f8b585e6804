/* Socket options as they are set on a connection and on a listener, and read. Most are kept in the
 * preferences of the one, or of the other for its connections to start with
 * (sockopt_preference.c); what they mean at once is here, and those that are a connection's own. */
#include "tcp/sockopt.h"

#include <errno.h>
#include <stdlib.h>

#include "core/option_value.h"
#include "tcp/connection.h"
#include "tcp/fastopen.h"
#include "tcp/info.h"
#include "tcp/listener.h"
#include "tcp/output.h"
#include "tcp/pacing.h"
#include "tcp/receive.h"
#include "tcp/saved_syn.h"
#include "tcp/send.h"
#include "tcp/sockopt_preference.h"
#include "tcp/timers.h"
#include "tcp/user_timeout.h"

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

/* For the listener that this may become, in whatever state it is now, as on Linux. */
static int set_own_keys(struct tcb *tcb, const void *value, socklen_t length)
{
    struct fast_open_keys keys;
    int error = fast_open_set_keys(&keys, value, length);
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
    if (option_take_int(value, length, &number) < 0)
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
static int check_window_clamp(enum tcp_state state, int level, int option, const void *value,
                              socklen_t length)
{
    int number;
    if (level != IP_PROTOCOL_TCP || option != OPTION_WINDOW_CLAMP || state == TCP_CLOSED)
        return 0;
    return option_take_int(value, length, &number) < 0 || number == 0 ? -EINVAL : 0;
}

int tcp_set_option(struct tcb *tcb, int level, int option, const void *value, socklen_t length)
{
    int error = check_fast_open(tcb, level, option);
    if (error == 0)
        error = check_window_clamp(tcb->state, level, option, value, length);
    if (error < 0)
        return error;
    if (level == IP_PROTOCOL_TCP && option == OPTION_QUICKACK)
        return set_quick_ack(tcb, value, length);
    if (level == IP_PROTOCOL_TCP && option == OPTION_FASTOPEN_KEY)
        return set_own_keys(tcb, value, length);
    error = preference_set(&tcb->preferences, &tcb->stack->settings, level, option, value, length);
    if (error == 0)
        act_on_change(tcb, level, option);
    return error;
}

static int listener_set_quick_ack(struct tcp_listener *listener, const void *value,
                                  socklen_t length)
{
    int number;
    int error = option_take_int(value, length, &number);
    if (error == 0)
        listener->interactive = number == 0;
    return error;
}

int tcp_listener_set_option(struct tcp_listener *listener, int level, int option, const void *value,
                            socklen_t length)
{
    if (level == IP_PROTOCOL_TCP && option == OPTION_FASTOPEN_KEY)
        return fast_open_set_keys(&listener->fast_open_keys, value, length);
    if (level == IP_PROTOCOL_TCP && option == OPTION_QUICKACK)
        return listener_set_quick_ack(listener, value, length);
    if (level == IP_PROTOCOL_TCP && option == OPTION_FASTOPEN_CONNECT)
        return -EINVAL;
    int error = check_window_clamp(TCP_LISTEN, level, option, value, length);
    return error < 0 ? error
                     : preference_set(&listener->preferences, &listener->stack->settings, level,
                                      option, value, length);
}

/* The socket's own; without any, a length of 0. */
static int get_fast_open_keys(const struct fast_open_keys *keys, void *value, socklen_t *length)
{
    static const struct fast_open_keys none;
    uint8_t bytes[2 * FAST_OPEN_KEY];
    if (!keys)
        keys = &none;
    fast_open_get_keys(keys, bytes);
    return option_put(value, length, bytes, keys->count * FAST_OPEN_KEY);
}

/* With an algorithm that has nothing to tell: nothing, and a length of 0. */
static int get_cc_info(const struct tcb *tcb, void *value, socklen_t *length)
{
    const struct cc_operations *cc = tcb->cc.operations;
    struct cc_info info = {0};
    size_t size = cc && cc->tell ? cc->tell(tcb, &info) : 0;
    return option_put(value, length, &info, size);
}

int tcp_get_option(struct tcb *tcb, int level, int option, void *value, socklen_t *length)
{
    if (level == IP_PROTOCOL_TCP && option == OPTION_INFO) {
        struct tern_tcp_info info;
        tcp_info_fill(tcb, &info);
        return option_put(value, length, &info, sizeof info);
    }
    if (level == IP_PROTOCOL_TCP && option == OPTION_CC_INFO)
        return get_cc_info(tcb, value, length);
    if (level == IP_PROTOCOL_TCP && option == OPTION_SAVED_SYN)
        return saved_syn_read(tcb, value, length);
    if (level == IP_PROTOCOL_TCP && option == OPTION_FASTOPEN_KEY)
        return get_fast_open_keys(tcb->fast_open.keys, value, length);
    if (level == IP_PROTOCOL_TCP && option == OPTION_MAXSEG && tcb->state != TCP_CLOSED) {
        int mss = (int)tcb->snd.mss;
        return option_put(value, length, &mss, sizeof mss);
    }
    if (level == IP_PROTOCOL_TCP && option == OPTION_QUICKACK) {
        int quick = !tcb->ack.interactive;
        return option_put(value, length, &quick, sizeof quick);
    }
    if (level == SOL_SOCKET && option == SO_RCVBUF && tcb->rcv.buffer) {
        int buffer = (int)tcb->rcv.buffer; /* as it has grown */
        return option_put(value, length, &buffer, sizeof buffer);
    }
    if (level == OPTION_LEVEL_IP && option == OPTION_IP_MTU && tcb->path.interface) {
        int mtu = (int)tcb->path.mtu;
        return option_put(value, length, &mtu, sizeof mtu);
    }
    return preference_get(&tcb->preferences, &tcb->stack->settings, level, option, value, length);
}

int tcp_listener_get_option(struct tcp_listener *listener, int level, int option, void *value,
                            socklen_t *length)
{
    if (level == IP_PROTOCOL_TCP && option == OPTION_INFO) {
        struct tern_tcp_info info = {.tcpi_state = TCP_LISTEN,
                                     .tcpi_unacked = listener->accept_count,
                                     .tcpi_sacked = listener->backlog};
        return option_put(value, length, &info, sizeof info);
    }
    if (level == IP_PROTOCOL_TCP && option == OPTION_FASTOPEN_KEY)
        return get_fast_open_keys(&listener->fast_open_keys, value, length);
    if (level == IP_PROTOCOL_TCP && option == OPTION_QUICKACK)
        return option_put_int(value, length, !listener->interactive);
    if (level == IP_PROTOCOL_TCP && (option == OPTION_SAVED_SYN || option == OPTION_CC_INFO)) {
        *length = 0; /* its connections have something to tell */
        return 0;
    }
    return preference_get(&listener->preferences, &listener->stack->settings, level, option, value,
                          length);
}
