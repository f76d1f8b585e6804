/* getsockopt, setsockopt, and what fcntl and ioctl do of theirs: the level tells whose they are.
 * Numbers, shapes and meanings are Linux's (socket(7)). */
#include "sock/options.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#include "sock/call.h"
#include "sock/socket.h"
#include "sock/tern.h"

int tern_setsockopt(struct tern *t, int socket, int level, int option, const void *value,
                    socklen_t length)
{
    struct call call;
    int result = call_begin(&call, t, socket);
    if (result == 0 && value == NULL)
        result = -EFAULT;
    else if (result == 0 && length > INT_MAX)
        result = -EINVAL; /* it was negative */
    else if (result == 0 && level == SOL_SOCKET)
        result = option_set_socket(call.socket, option, value, length);
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
        result = option_get_socket(call.socket, option, value, length);
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
        if (value == NULL)
            return -EFAULT;
        if (!socket_is_stream(socket))
            return -ENOTTY;
        *value = socket_at_mark(socket);
        return 0;
    case FIONBIO:
        if (value == NULL)
            return -EFAULT;
        socket->nonblocking = *value != 0;
        return 0;
    case FIONREAD:
        queued = socket->kind->queued_in ? socket->kind->queued_in(socket) : -ENOTTY;
        break;
    case TIOCOUTQ:
        queued = socket->kind->queued_out ? socket->kind->queued_out(socket) : -ENOTTY;
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
