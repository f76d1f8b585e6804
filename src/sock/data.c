/* Moving bytes: the send and recv families. All of them end in data_send() (data_send.c) or
 * data_receive() (data_receive.c). */
#include "sock/data.h"

#include <errno.h>
#include <limits.h>

#include "sock/address.h"
#include "sock/call.h"
#include "sock/control.h"
#include "sock/errors.h"
#include "sock/socket.h"
#include "sock/spans.h"
#include "sock/tern.h"

#define MESSAGE_COMPAT 0x80000000u /* MSG_CMSG_COMPAT, which the C library keeps to itself */

/* Whether `info` tells of a datagram, and not of the end of a side that is shut: none is from
 * nobody. */
static bool is_datagram(const struct datagram_info *info)
{
    return !address_is_unspecified(&info->source.address);
}

ssize_t tern_send(struct tern *t, int socket, const void *bytes, size_t length, int flags)
{
    return tern_sendto(t, socket, bytes, length, flags, NULL, 0);
}

ssize_t tern_sendto(struct tern *t, int socket, const void *bytes, size_t length, int flags,
                    const struct sockaddr *address, socklen_t address_length)
{
    struct iovec span = data_span(bytes, length);
    struct call call;
    ssize_t result = call_begin_write(&call, t, socket);
    if (result == 0 && address != NULL)
        result = sockaddr_check(address, address_length);
    if (result == 0)
        result = data_send(&call, &span, 1, flags, address, address_length);
    return call_end(&call, result);
}

static int message_check(const struct msghdr *message)
{
    if (message == NULL)
        return -EFAULT;
    if (message->msg_name != NULL && message->msg_namelen > INT_MAX)
        return -EINVAL; /* it was negative */
    return message->msg_iovlen > SPANS_MAX ? -EMSGSIZE : 0;
}

/* How sendmsg(2) and recvmsg(2) begin. MSG_CMSG_COMPAT is refused before anything else is looked
 * at: the kernel itself says it, of programs with another size of pointers. */
static int message_begin(struct call *call, struct tern *t, int socket,
                         const struct msghdr *message, int flags, call_beginning *begin)
{
    *call = (struct call){0};
    if ((unsigned)flags & MESSAGE_COMPAT)
        return -EINVAL;
    int error = begin(call, t, socket);
    return error < 0 ? error : message_check(message);
}

/* Control messages are there before anything is sent, or asked of the socket. */
static int control_check(const struct msghdr *message)
{
    if (message->msg_controllen > INT_MAX)
        return -ENOBUFS; /* Linux's answer */
    return message->msg_controllen > 0 && message->msg_control == NULL ? -EFAULT : 0;
}

/* What is behind the longest address there is means nothing here; to sendto(2) it is an error. */
static socklen_t name_length(const struct msghdr *message)
{
    const socklen_t most = sizeof(struct sockaddr_storage);
    return message->msg_namelen < most ? message->msg_namelen : most;
}

ssize_t tern_sendmsg(struct tern *t, int socket, const struct msghdr *message, int flags)
{
    struct call call;
    ssize_t result = message_begin(&call, t, socket, message, flags, call_begin_write);
    if (result == 0)
        result = control_check(message);
    call.message = message;
    if (result == 0)
        result = data_send(&call, message->msg_iov, (int)message->msg_iovlen, flags,
                           message->msg_name, name_length(message));
    return call_end(&call, result);
}

ssize_t tern_recv(struct tern *t, int socket, void *bytes, size_t length, int flags)
{
    return tern_recvfrom(t, socket, bytes, length, flags, NULL, NULL);
}

ssize_t tern_recvfrom(struct tern *t, int socket, void *bytes, size_t length, int flags,
                      struct sockaddr *address, socklen_t *address_length)
{
    struct iovec span = {bytes, length};
    struct datagram_info info;
    struct call call;
    if (flags & MSG_ERRQUEUE && (address == NULL || address_length != NULL))
        return errors_from_call(t, socket, &span, address, address_length);
    ssize_t result = call_begin(&call, t, socket);
    if (result == 0 && address != NULL && address_length == NULL)
        result = -EFAULT;
    if (result == 0)
        result = data_receive(&call, &span, 1, flags, &info);
    if (result >= 0 && address != NULL) {
        if (*address_length > INT_MAX)
            result = -EINVAL; /* it was negative; what was received is lost, as on Linux */
        /* Only a stream's call can have something although its socket was closed meanwhile. */
        if (call.socket == NULL || socket_is_stream(call.socket) || !is_datagram(&info))
            *address_length = 0; /* getpeername() says who it is */
        else
            endpoint_to_sockaddr(&info.source, address, address_length);
    }
    return call_end(&call, result);
}

/* What recvmsg() tells besides the bytes. */
static void describe(struct socket *socket, const struct datagram_info *info, ssize_t received,
                     int flags, struct msghdr *message)
{
    bool stream = socket == NULL || socket_is_stream(socket); /* as in tern_recvfrom() */
    bool nothing = socket == NULL || (!stream && !is_datagram(info));
    message->msg_flags = flags & MSG_CMSG_CLOEXEC;
    if ((stream || nothing) && message->msg_name != NULL)
        message->msg_namelen = 0;
    if (nothing) {
        message->msg_controllen = 0;
        return;
    }
    if (stream) {
        if (flags & MSG_OOB)
            message->msg_flags |= MSG_OOB | (received == 0 ? MSG_TRUNC : 0);
        control_write_stream(socket, flags & MSG_OOB ? 0 : (size_t)received, flags & MSG_PEEK,
                             message);
        return;
    }
    if (info->truncated)
        message->msg_flags |= MSG_TRUNC;
    if (message->msg_name != NULL)
        endpoint_to_sockaddr(&info->source, message->msg_name, &message->msg_namelen);
    control_write(socket, info, message);
}

ssize_t tern_recvmsg(struct tern *t, int socket, struct msghdr *message, int flags)
{
    struct datagram_info info = {0};
    struct call call;
    if (flags & MSG_ERRQUEUE && !((unsigned)flags & MESSAGE_COMPAT))
        return errors_call(t, socket, message, flags);
    ssize_t result = message_begin(&call, t, socket, message, flags, call_begin);
    if (result == 0)
        result = data_receive(&call, message->msg_iov, (int)message->msg_iovlen, flags, &info);
    if (result >= 0)
        describe(call.socket, &info, result, flags, message);
    return call_end(&call, result);
}
