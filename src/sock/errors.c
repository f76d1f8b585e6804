#include "sock/errors.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>

#include "sock/address.h"
#include "sock/call.h"
#include "sock/control.h"
#include "sock/socket.h"
#include "sock/spans.h"
#include "sock/tern.h"
#include "sock/times.h"

static size_t copy_out(const struct error_note *note, const struct iovec *spans, int count)
{
    size_t copied = 0;
    for (int i = 0; i < count && copied < note->length; i++) {
        size_t left = note->length - copied;
        size_t part = spans[i].iov_len < left ? spans[i].iov_len : left;
        if (part > 0)
            memcpy(spans[i].iov_base, note->bytes + copied, part);
        copied += part;
    }
    return copied;
}

/* IP_RECVERR's message: the error, and behind it the address of who reported it. */
static void put_error(struct control_room *room, const struct error_note *note)
{
    struct {
        struct sock_extended_err error;
        struct sockaddr_in offender;
    } data = {.error = {.ee_errno = (uint32_t)note->error,
                        .ee_origin = note->origin,
                        .ee_type = note->type,
                        .ee_code = note->code,
                        .ee_info = note->info,
                        .ee_data = note->data}};
    if (note->origin == ERROR_ORIGIN_ICMP)
        data.offender = (struct sockaddr_in){.sin_family = AF_INET,
                                             .sin_addr = {htonl(address_to_ipv4(&note->offender))}};
    control_put(room, IPPROTO_IP, IP_RECVERR, &data, sizeof data);
}

/* Of the packet that told the error; Linux names no address to answer from. */
static void put_ip(const struct socket *socket, struct control_room *room,
                   const struct error_note *note)
{
    const struct in_addr ours = {htonl(address_to_ipv4(&note->receiver))};
    const struct in_pktinfo where = {.ipi_ifindex = 1, .ipi_addr = ours};
    control_put_ip(socket, room, &where, note->hop_limit, note->traffic_class);
}

static void describe(const struct socket *socket, const struct error_note *note, bool whole,
                     int flags, struct msghdr *message)
{
    struct control_room room = {.message = message};
    message->msg_flags = MSG_ERRQUEUE | (flags & MSG_CMSG_CLOEXEC);
    if (!whole)
        message->msg_flags |= MSG_TRUNC;
    if (message->msg_name != NULL && !address_is_unspecified(&note->destination.address))
        endpoint_to_sockaddr(&note->destination, message->msg_name, &message->msg_namelen);
    else if (message->msg_name != NULL)
        message->msg_namelen = 0;
    times_put(socket, &room, note->time_ns, note->origin == ERROR_ORIGIN_TIMESTAMPING);
    if (note->origin == ERROR_ORIGIN_ICMP)
        put_ip(socket, &room, note);
    put_error(&room, note);
    control_end(&room);
}

static ssize_t receive(struct socket *socket, struct msghdr *message, int flags)
{
    ssize_t length = spans_length(message->msg_iov, (int)message->msg_iovlen, false);
    if (length < 0)
        return length;
    struct error_note *note = socket->kind->take_note(socket);
    if (note == NULL)
        return -EAGAIN;
    size_t copied = copy_out(note, message->msg_iov, (int)message->msg_iovlen);
    describe(socket, note, copied == note->length && !note->truncated, flags, message);
    error_note_free(&socket->tern->stack, note);
    return (ssize_t)copied;
}

ssize_t errors_call(struct tern *t, int socket, struct msghdr *message, int flags)
{
    struct call call;
    ssize_t result = call_begin(&call, t, socket);
    if (result == 0 && message == NULL)
        result = -EFAULT;
    if (result == 0 && message->msg_iovlen > SPANS_MAX)
        result = -EMSGSIZE;
    if (result == 0)
        result = receive(call.socket, message, flags);
    return call_end(&call, result);
}

ssize_t errors_from_call(struct tern *t, int socket, struct iovec *span, struct sockaddr *address,
                         socklen_t *address_length)
{
    struct msghdr message = {.msg_name = address,
                             .msg_namelen = address_length ? *address_length : 0,
                             .msg_iov = span,
                             .msg_iovlen = 1};
    ssize_t result = errors_call(t, socket, &message, 0);
    if (result >= 0 && address_length != NULL)
        *address_length = message.msg_namelen;
    return result;
}
