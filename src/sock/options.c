/* getsockopt, setsockopt, and those that fcntl and ioctl do of it. Numbers, shapes and meanings are
 * Linux's (socket(7)). */
#include "sock/options.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#include "base/time.h"
#include "sock/call.h"
#include "sock/interest.h"
#include "sock/socket.h"
#include "sock/tern.h"

int option_put(void *value, socklen_t *length, const void *from, socklen_t size)
{
    if (value == NULL || length == NULL)
        return -EFAULT;
    if (*length > size)
        *length = size;
    memcpy(value, from, *length);
    return 0;
}

int option_put_int(void *value, socklen_t *length, int from)
{
    return option_put(value, length, &from, sizeof from);
}

/* Copies a value that must be whole. */
static int option_take(const void *value, socklen_t length, void *to, socklen_t size)
{
    if (length < size)
        return -EINVAL;
    if (value == NULL)
        return -EFAULT;
    memcpy(to, value, size);
    return 0;
}

int option_take_int(const void *value, socklen_t length, int *out)
{
    return option_take(value, length, out, sizeof *out);
}

/* SO_RCVTIMEO and SO_SNDTIMEO: a struct timeval, of which zero means for ever; a negative time is
 * over at once. */
static int take_timeout(const void *value, socklen_t length, uint64_t *out_ns)
{
    struct timeval time;
    int error = option_take(value, length, &time, sizeof time);
    if (error < 0)
        return error;
    if (time.tv_usec < 0 || time.tv_usec >= 1000000)
        return -EDOM;
    if (time.tv_sec < 0)
        *out_ns = 0;
    else if (time.tv_sec == 0 && time.tv_usec == 0)
        *out_ns = TIME_NEVER;
    else if ((uint64_t)time.tv_sec >= TIME_NEVER / TIME_S(1))
        *out_ns = TIME_NEVER;
    else
        *out_ns = TIME_S(time.tv_sec) + TIME_US(time.tv_usec);
    return 0;
}

static int put_timeout(void *value, socklen_t *length, uint64_t timeout_ns)
{
    struct timeval time = {0};
    if (timeout_ns != TIME_NEVER) {
        time.tv_sec = (time_t)(timeout_ns / TIME_S(1));
        time.tv_usec = (suseconds_t)(timeout_ns % TIME_S(1) / TIME_US(1));
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
    socket->lingers = linger.l_onoff != 0;
    if (socket->lingers)
        socket->linger_s = linger.l_linger < 0 ? INT_MAX : linger.l_linger;
    return 0;
}

static int put_linger(const struct socket *socket, void *value, socklen_t *length)
{
    struct linger linger = {.l_onoff = socket->lingers, .l_linger = socket->linger_s};
    return option_put(value, length, &linger, sizeof linger);
}

static uint32_t low_water(struct socket *socket, int bytes)
{
    uint32_t wanted = bytes < 0 ? INT_MAX : bytes > 1 ? (uint32_t)bytes : 1;
    return socket->kind->low_water ? socket->kind->low_water(socket, wanted) : wanted;
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
    if (socket->kind->protocol == IPPROTO_ICMP)
        return -EOPNOTSUPP;
    if (value < 0 || value > 1)
        return -EINVAL;
    socket->zero_copy = value;
    return 0;
}

/* Those of SOL_SOCKET that mean the same for every kind. */
static int set_socket_option(struct socket *socket, int option, const void *value, socklen_t length)
{
    int number = 0;
    int error = option_take_int(value, length, &number);
    if (times_is_option(option))
        return times_set(socket, option, value, length);
    switch (option) {
    case SO_TYPE:
    case SO_DOMAIN:
    case SO_PROTOCOL:
    case SO_ERROR:
    case SO_ACCEPTCONN:
    case SO_SNDLOWAT:
        return error < 0 ? error : -ENOPROTOOPT; /* only to be read */
    case SO_LINGER:
        return take_linger(socket, value, length);
    case SO_RCVTIMEO:
        return take_timeout(value, length, &socket->receive_timeout_ns);
    case SO_SNDTIMEO:
        return take_timeout(value, length, &socket->send_timeout_ns);
    case SO_REUSEADDR:
    case SO_REUSEPORT:
        if (error == 0)
            set_reuse(socket, option, number != 0);
        return error;
    case SO_BROADCAST:
        if (error == 0)
            set_broadcast(socket, number != 0);
        return error;
    case SO_DEBUG:
        if (error == 0)
            socket->debug = number != 0;
        return error;
    case SO_DONTROUTE:
        if (error == 0)
            socket->dont_route = number != 0;
        return error;
    case SO_MARK:
        if (error == 0)
            socket->mark = (uint32_t)number;
        return error;
    case SO_PRIORITY:
        if (error == 0)
            socket->priority = (uint32_t)number;
        return error;
    case SO_ZEROCOPY:
        return error < 0 ? error : set_zero_copy(socket, number);
    case SO_RCVLOWAT:
        if (error == 0) {
            socket->receive_low_water = low_water(socket, number);
            interest_reconsider(socket);
        }
        return error;
    case SO_BUSY_POLL:
        if (error == 0 && number < 0)
            error = -EINVAL;
        if (error == 0)
            socket->busy_poll_us = (uint32_t)number;
        return error;
    default:
        if (error < 0)
            return error;
        return socket->kind->set_option(socket, SOL_SOCKET, option, value, length);
    }
}

static int get_socket_option(struct socket *socket, int option, void *value, socklen_t *length)
{
    if (times_is_option(option))
        return times_get(socket, option, value, length);
    switch (option) {
    case SO_TYPE:
        return option_put_int(value, length, socket->kind->type);
    case SO_DOMAIN:
        return option_put_int(value, length, AF_INET);
    case SO_PROTOCOL:
        return option_put_int(value, length, socket->kind->protocol);
    case SO_ERROR:
        return option_put_int(value, length, socket->kind->error(socket, true));
    case SO_ACCEPTCONN:
        return option_put_int(value, length, socket->kind == &listener_kind);
    case SO_SNDLOWAT:
        return option_put_int(value, length, 1);
    case SO_LINGER:
        return put_linger(socket, value, length);
    case SO_RCVTIMEO:
        return put_timeout(value, length, socket->receive_timeout_ns);
    case SO_SNDTIMEO:
        return put_timeout(value, length, socket->send_timeout_ns);
    case SO_REUSEADDR:
        return option_put_int(value, length, socket->reuse_address);
    case SO_REUSEPORT:
        return option_put_int(value, length, socket->reuse_port);
    case SO_BROADCAST:
        return option_put_int(value, length, socket->broadcast);
    case SO_DEBUG:
        return option_put_int(value, length, socket->debug);
    case SO_DONTROUTE:
        return option_put_int(value, length, socket->dont_route);
    case SO_MARK:
        return option_put_int(value, length, (int)socket->mark);
    case SO_PRIORITY:
        return option_put_int(value, length, (int)socket->priority);
    case SO_ZEROCOPY:
        return option_put_int(value, length, socket->zero_copy);
    case SO_RCVLOWAT:
        return option_put_int(value, length, (int)socket->receive_low_water);
    case SO_BUSY_POLL:
        return option_put_int(value, length, (int)socket->busy_poll_us);
    default:
        return socket->kind->get_option(socket, SOL_SOCKET, option, value, length);
    }
}

int tern_setsockopt(struct tern *t, int socket, int level, int option, const void *value,
                    socklen_t length)
{
    struct call call;
    int result = call_begin(&call, t, socket);
    if (result == 0 && value == NULL)
        result = -EFAULT;
    else if (result == 0 && level == SOL_SOCKET)
        result = set_socket_option(call.socket, option, value, length);
    else if (result == 0 && level == IPPROTO_IP)
        result = option_set_ip(call.socket, option, value, length);
    else if (result == 0)
        result = call.socket->kind->set_option(call.socket, level, option, value, length);
    return (int)call_end(&call, result);
}

int tern_getsockopt(struct tern *t, int socket, int level, int option, void *value,
                    socklen_t *length)
{
    struct call call;
    int result = call_begin(&call, t, socket);
    if (result == 0 && (value == NULL || length == NULL))
        result = -EFAULT;
    else if (result == 0 && level != SOL_SOCKET && level != IPPROTO_IP &&
             level != call.socket->kind->protocol)
        result = -EOPNOTSUPP; /* Linux's answer; to setsockopt() it says ENOPROTOOPT */
    else if (result == 0 && *length > INT_MAX)
        result = -EINVAL; /* it was negative */
    else if (result == 0 && level == SOL_SOCKET)
        result = get_socket_option(call.socket, option, value, length);
    else if (result == 0 && level == IPPROTO_IP)
        result = option_get_ip(call.socket, option, value, length);
    else if (result == 0)
        result = call.socket->kind->get_option(call.socket, level, option, value, length);
    return (int)call_end(&call, result);
}

int tern_fcntl(struct tern *t, int socket, int command, int argument)
{
    struct call call;
    int result = call_enter(&call, t);
    if (result == 0)
        result = call_find(&call, socket);
    if (result == 0 && command == F_GETFL)
        result = O_RDWR | (call.socket->nonblocking ? O_NONBLOCK : 0);
    else if (result == 0 && command == F_SETFL)
        call.socket->nonblocking = (argument & O_NONBLOCK) != 0; /* O_RDWR and its like stay */
    else if (result == 0 && command == F_GETFD)
        result = call.socket->close_on_exec ? FD_CLOEXEC : 0;
    else if (result == 0 && command == F_SETFD)
        call.socket->close_on_exec = (argument & FD_CLOEXEC) != 0;
    else if (result == 0)
        result = -EINVAL;
    return (int)call_end(&call, result);
}

/* FIONREAD is SIOCINQ, and TIOCOUTQ is SIOCOUTQ. */
static int control(struct socket *socket, unsigned long request, int *value)
{
    int64_t queued = 0;
    if (request != FIONBIO && !socket_is_socket(socket))
        return -EINVAL; /* Linux's word */
    switch (request) {
    case SIOCATMARK:
        if (!socket->kind->at_mark)
            return socket_is_stream(socket) ? -EINVAL : -ENOTTY;
        *value = socket->kind->at_mark(socket);
        return 0;
    case FIONBIO:
        if (value == NULL)
            return -EFAULT;
        socket->nonblocking = *value != 0;
        return 0;
    case FIONREAD:
        queued = socket->kind->queued_in(socket);
        break;
    case TIOCOUTQ:
        queued = socket->kind->queued_out(socket);
        break;
    default:
        return -ENOTTY;
    }
    if (queued < 0)
        return (int)queued;
    if (value == NULL)
        return -EFAULT;
    *value = queued > INT_MAX ? INT_MAX : (int)queued;
    return 0;
}

int tern_ioctl(struct tern *t, int socket, unsigned long request, int *value)
{
    struct call call;
    int result = call_enter(&call, t);
    if (result == 0)
        result = call_find(&call, socket);
    if (result == 0)
        result = control(call.socket, request, value);
    return (int)call_end(&call, result);
}

int tern_sockatmark(struct tern *t, int socket)
{
    int at = 0;
    return tern_ioctl(t, socket, SIOCATMARK, &at) < 0 ? -1 : at;
}
