/* What sendmsg(2) is told of one datagram, as ip(7) describes it. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include "ip/ip.h"
#include "sock/control.h"
#include "sock/socket.h"
#include "sock/tern.h"

int control_next(const struct msghdr *message, size_t *at, struct cmsghdr *header,
                 const void **data)
{
    size_t left = message->msg_controllen - *at;
    if (left < sizeof *header)
        return 0;
    const char *start = (const char *)message->msg_control + *at;
    memcpy(header, start, sizeof *header); /* the caller's buffer need not be aligned */
    if (header->cmsg_len < CMSG_LEN(0) || header->cmsg_len > left)
        return -EINVAL;
    *data = start + CMSG_LEN(0);
    size_t step = CMSG_ALIGN(header->cmsg_len);
    *at += step < left ? step : left;
    return 1;
}

static int read_hop_limit(const void *data, size_t length, struct datagram_options *options)
{
    int value;
    if (length != sizeof value)
        return -EINVAL;
    memcpy(&value, data, sizeof value);
    if (value < 1 || value > 255)
        return -EINVAL;
    options->hop_limit = options->group_hop_limit = (uint8_t)value;
    return 0;
}

/* A byte or a number. */
static int read_traffic_class(const void *data, size_t length, struct datagram_options *options)
{
    int value;
    if (length == sizeof value)
        memcpy(&value, data, sizeof value);
    else if (length == 1)
        value = *(const uint8_t *)data;
    else
        return -EINVAL;
    if (value < 0 || value > 255)
        return -EINVAL;
    options->traffic_class = (uint8_t)value;
    return 0;
}

/* Of several the last counts, of which an interface is one that is named. */
static int read_source(const void *data, size_t length, struct in_pktinfo *source)
{
    struct in_pktinfo info;
    if (length != sizeof info)
        return -EINVAL;
    memcpy(&info, data, sizeof info);
    if (info.ipi_ifindex != 0)
        source->ipi_ifindex = info.ipi_ifindex;
    source->ipi_spec_dst = info.ipi_spec_dst;
    return 0;
}

/* Looked at when all messages are known to be sound. The stack has one interface, which recvmsg(2)
 * calls number 1. */
static int take_source(const struct socket *socket, const struct in_pktinfo *source,
                       struct datagram_options *options)
{
    if (source->ipi_spec_dst.s_addr != 0) {
        options->source = address_from_ipv4(ntohl(source->ipi_spec_dst.s_addr));
        if (address_is_multicast(&options->source) ||
            address_is_limited_broadcast(&options->source))
            return -EINVAL;
        if (!ip_is_ours(&socket->tern->stack, &options->source))
            return -ENETUNREACH;
    }
    return source->ipi_ifindex == 0 || source->ipi_ifindex == 1 ? 0 : -ENODEV;
}

static int read_ip(const struct cmsghdr *header, const void *data, struct datagram_options *options,
                   struct in_pktinfo *source)
{
    size_t length = header->cmsg_len - CMSG_LEN(0);
    switch (header->cmsg_type) {
    case IP_TTL:
        return read_hop_limit(data, length, options);
    case IP_TOS:
        return read_traffic_class(data, length, options);
    case IP_PKTINFO:
        return read_source(data, length, source);
    default:
        return -EINVAL;
    }
}

/* udp(7) */
static int read_udp(const struct cmsghdr *header, const void *data,
                    struct datagram_options *options)
{
    if (header->cmsg_type != UDP_SEGMENT ||
        header->cmsg_len != CMSG_LEN(sizeof options->segment_size))
        return -EINVAL;
    memcpy(&options->segment_size, data, sizeof options->segment_size);
    return 0;
}

int control_read(const struct socket *socket, const struct msghdr *message,
                 struct datagram_options *options)
{
    struct in_pktinfo source = {0};
    struct cmsghdr header;
    const void *data;
    size_t at = 0;
    int result;
    while ((result = control_next(message, &at, &header, &data)) > 0) {
        if (header.cmsg_level == IPPROTO_IP)
            result = read_ip(&header, data, options, &source);
        else if (header.cmsg_level == IPPROTO_UDP && socket->kind->protocol == IPPROTO_UDP)
            result = read_udp(&header, data, options);
        /* Those of SOL_SOCKET are times.c's, and others mean nothing. */
        if (result < 0)
            break;
    }
    return result < 0 ? result : take_source(socket, &source, options);
}
