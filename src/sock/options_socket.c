/* Options of level SOL_SOCKET that mean the same for every kind of socket (socket(7)). Most are an
 * int. What is not among them, the socket's kind knows. */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <sys/time.h>

#include "base/time.h"
#include "core/option_value.h"
#include "sock/interest.h"
#include "sock/options.h"
#include "sock/socket.h"
#include "sock/tern.h"

/* SO_RCVTIMEO and SO_SNDTIMEO: a struct timeval, of which zero means for ever; a negative time is
 * over at once. */
static int take_timeout(struct socket *socket, bool receive, const void *value, socklen_t length)
{
    struct timeval time;
    int error = option_take(value, length, &time, sizeof time);
    if (error < 0)
        return error;
    if (time.tv_usec < 0 || time.tv_usec >= 1000000)
        return -EDOM;
    uint64_t us = SOCKET_TIMEOUT_NONE;
    if (time.tv_sec < 0)
        us = 0;
    else if ((time.tv_sec || time.tv_usec) && time.tv_sec < (time_t)(us / 1000000))
        us = (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
    struct socket_preferences *preferences = socket_preferences_change(socket);
    if (preferences == NULL)
        return -ENOMEM;
    if (receive)
        preferences->receive_timeout_us = us;
    else
        preferences->send_timeout_us = us;
    return 0;
}

static int put_timeout(void *value, socklen_t *length, uint64_t timeout_us)
{
    struct timeval time = {0};
    if (timeout_us != SOCKET_TIMEOUT_NONE) {
        time.tv_sec = (time_t)(timeout_us / 1000000);
        time.tv_usec = (suseconds_t)(timeout_us % 1000000);
    }
    return option_put(value, length, &time, sizeof time);
}

/* Switched off, the time stays (as on Linux). */
static int take_linger(struct socket *socket, const void *value, socklen_t length)
{
    struct linger linger;
    int error = option_take(value, length, &linger, sizeof linger);
    if (error < 0)
        return error;
    if (linger.l_onoff) {
        struct socket_preferences *preferences = socket_preferences_change(socket);
        if (preferences == NULL)
            return -ENOMEM;
        preferences->linger_s = linger.l_linger < 0 ? INT_MAX : linger.l_linger;
    }
    socket->lingers = linger.l_onoff != 0;
    return 0;
}

static int put_linger(const struct socket *socket, void *value, socklen_t *length)
{
    struct linger linger = {.l_onoff = socket->lingers, .l_linger = socket->preferences->linger_s};
    return option_put(value, length, &linger, sizeof linger);
}

/* Those who wait may have enough now. */
static int set_low_water(struct socket *socket, int bytes)
{
    uint32_t wanted = bytes < 0 ? INT_MAX : bytes > 1 ? (uint32_t)bytes : 1;
    struct socket_preferences *preferences = socket_preferences_change(socket);
    if (preferences == NULL)
        return -ENOMEM;
    preferences->receive_low_water =
        socket->kind->low_water ? socket->kind->low_water(socket, wanted) : wanted;
    interest_reconsider(socket);
    return 0;
}

/* The protocol looks at them when another one wants the same port. */
static void set_reuse(struct socket *socket, int option, bool on)
{
    int value = on;
    if (option == SO_REUSEADDR)
        socket->reuse_address = on;
    else
        socket->reuse_port = on;
    if (socket->kind->datagram_options) {
        struct datagram_options *options = socket->kind->datagram_options(socket);
        options->reuse_address = socket->reuse_address;
        options->reuse_port = socket->reuse_port;
    } else {
        socket->kind->set_option(socket, SOL_SOCKET, option, &value, sizeof value);
    }
}

static void set_broadcast(struct socket *socket, bool on)
{
    socket->broadcast = on;
    if (socket->kind->datagram_options)
        socket->kind->datagram_options(socket)->broadcast = on;
}

static int set_zero_copy(struct socket *socket, int value)
{
    if (!socket->kind->numbers_sends)
        return -EOPNOTSUPP;
    if (value < 0 || value > 1)
        return -EINVAL;
    socket->zero_copy = value;
    return 0;
}

static int set_busy_poll(struct socket *socket, int us)
{
    if (us < 0)
        return -EINVAL;
    struct socket_preferences *preferences = socket_preferences_change(socket);
    if (preferences == NULL)
        return -ENOMEM;
    preferences->busy_poll_us = (uint32_t)us;
    return 0;
}

static int set_label(struct socket *socket, int option, uint32_t number)
{
    struct socket_preferences *preferences = socket_preferences_change(socket);
    if (preferences == NULL)
        return -ENOMEM;
    if (option == SO_MARK)
        preferences->mark = number;
    else
        preferences->priority = number;
    return 0;
}

/* Those that are an int: 0, a negative errno, or NOT_HERE. */
enum { NOT_HERE = 1 };

static int set_number(struct socket *socket, int option, int number)
{
    switch (option) {
    case SO_TYPE:
    case SO_DOMAIN:
    case SO_PROTOCOL:
    case SO_ERROR:
    case SO_ACCEPTCONN:
    case SO_SNDLOWAT:
        return -ENOPROTOOPT; /* only to be read */
    case SO_REUSEADDR:
    case SO_REUSEPORT:
        set_reuse(socket, option, number != 0);
        return 0;
    case SO_BROADCAST:
        set_broadcast(socket, number != 0);
        return 0;
    case SO_DEBUG:
        socket->debug = number != 0;
        return 0;
    case SO_DONTROUTE:
        socket->dont_route = number != 0;
        return 0;
    case SO_MARK:
    case SO_PRIORITY:
        return set_label(socket, option, (uint32_t)number);
    case SO_RCVLOWAT:
        return set_low_water(socket, number);
    case SO_ZEROCOPY:
        return set_zero_copy(socket, number);
    case SO_BUSY_POLL:
        return set_busy_poll(socket, number);
    default:
        return NOT_HERE;
    }
}

/* What a socket is, and how it fares. */
static int get_fact(struct socket *socket, int option, int *number)
{
    switch (option) {
    case SO_TYPE:
        *number = socket->kind->type;
        return 0;
    case SO_DOMAIN:
        *number = AF_INET;
        return 0;
    case SO_PROTOCOL:
        *number = socket->kind->protocol;
        return 0;
    case SO_ERROR:
        *number = socket->kind->error(socket, true);
        return 0;
    case SO_ACCEPTCONN:
        *number = socket->kind == &listener_kind;
        return 0;
    case SO_SNDLOWAT:
        *number = 1;
        return 0;
    default:
        return NOT_HERE;
    }
}

/* What set_number keeps. */
static int get_kept(const struct socket *socket, int option, int *number)
{
    switch (option) {
    case SO_REUSEADDR:
        *number = socket->reuse_address;
        return 0;
    case SO_REUSEPORT:
        *number = socket->reuse_port;
        return 0;
    case SO_BROADCAST:
        *number = socket->broadcast;
        return 0;
    case SO_DEBUG:
        *number = socket->debug;
        return 0;
    case SO_DONTROUTE:
        *number = socket->dont_route;
        return 0;
    case SO_MARK:
        *number = (int)socket->preferences->mark;
        return 0;
    case SO_PRIORITY:
        *number = (int)socket->preferences->priority;
        return 0;
    case SO_RCVLOWAT:
        *number = (int)socket->preferences->receive_low_water;
        return 0;
    case SO_ZEROCOPY:
        *number = socket->zero_copy;
        return 0;
    case SO_BUSY_POLL:
        *number = (int)socket->preferences->busy_poll_us;
        return 0;
    default:
        return NOT_HERE;
    }
}

int option_set_socket(struct socket *socket, int option, const void *value, socklen_t length)
{
    int number;
    switch (option) {
    case SO_LINGER:
        return take_linger(socket, value, length);
    case SO_RCVTIMEO:
        return take_timeout(socket, true, value, length);
    case SO_SNDTIMEO:
        return take_timeout(socket, false, value, length);
    case SO_BINDTODEVICE:
        return -ENOPROTOOPT; /* whose value would be a name, of any length */
    default:
        break;
    }
    if (times_is_option(option))
        return times_set(socket, option, value, length);
    int result = option_take_int(value, length, &number);
    if (result == 0)
        result = set_number(socket, option, number);
    return result != NOT_HERE ? result
                              : socket->kind->set_option(socket, SOL_SOCKET, option, value, length);
}

int option_get_socket(struct socket *socket, int option, void *value, socklen_t *length)
{
    int number;
    switch (option) {
    case SO_LINGER:
        return put_linger(socket, value, length);
    case SO_RCVTIMEO:
        return put_timeout(value, length, socket->preferences->receive_timeout_us);
    case SO_SNDTIMEO:
        return put_timeout(value, length, socket->preferences->send_timeout_us);
    default:
        break;
    }
    if (times_is_option(option))
        return times_get(socket, option, value, length);
    if (get_fact(socket, option, &number) == 0 || get_kept(socket, option, &number) == 0)
        return option_put_int(value, length, number);
    return socket->kind->get_option(socket, SOL_SOCKET, option, value, length);
}
