/* The options of UDP and echo sockets: udp(7), ip(7), and what socket(7) says of buffers. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>

#include "base/limits.h"
#include "core/buffer_size.h"
#include "core/option_value.h"
#include "ip/ip.h"
#include "sock/options.h"
#include "sock/socket.h"
#include "sock/tern.h"
#include "udp/udp.h"

static int set_socket_level(struct socket *socket, int option, int value)
{
    struct datagram_options *options = socket->kind->datagram_options(socket);
    switch (option) {
    case SO_RCVBUF:
        options->receive_limit_bytes =
            buffer_size(value, LIMIT_RECEIVE_BUFFER_MIN, LIMIT_BUFFER_MAX / 2);
        return 0;
    case SO_SNDBUF:
        socket->send_buffer = buffer_size(value, LIMIT_SEND_BUFFER_MIN, LIMIT_BUFFER_MAX / 2);
        return 0;
    case SO_KEEPALIVE:
        socket->keep_alive = value != 0;
        return 0;
    case SO_OOBINLINE:
        socket->oob_inline = value != 0;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int set_ip_level(struct socket *socket, int option, int value)
{
    struct datagram_options *options = socket->kind->datagram_options(socket);
    switch (option) {
    case IP_TTL: /* -1: the default */
        if (value != -1 && (value < 1 || value > 255))
            return -EINVAL;
        options->hop_limit = value == -1 ? 0 : (uint8_t)value;
        return 0;
    case IP_MULTICAST_TTL: /* -1: the default, 1 */
        if (value < -1 || value > 255)
            return -EINVAL;
        options->group_hop_limit = value == -1 ? 1 : (uint8_t)value;
        return 0;
    case IP_MULTICAST_LOOP:
        socket->group_loop = value != 0;
        return 0;
    case IP_TOS:
        options->traffic_class = (uint8_t)value;
        return 0;
    case IP_MTU_DISCOVER:
        if (value < IP_PMTUDISC_DONT || value > IP_PMTUDISC_OMIT)
            return -EINVAL;
        socket->mtu_discover = (uint8_t)value;
        options->dont_fragment = value == IP_PMTUDISC_DO || value == IP_PMTUDISC_PROBE;
        options->segments_whole = options->dont_fragment || value == IP_PMTUDISC_WANT;
        options->ignore_path_mtu = value >= IP_PMTUDISC_PROBE;
        options->whole = value == IP_PMTUDISC_INTERFACE;
        return 0;
    case IP_FREEBIND:
        options->free_bind = value != 0;
        return 0;
    case IP_RECVERR:
        options->receive_errors = value != 0;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

/* udp(7) */
static int set_udp_level(struct socket *socket, int option, int value)
{
    switch (option) {
    case UDP_CORK:
        udp_set_cork(socket->of.udp, value != 0);
        return 0;
    case UDP_SEGMENT:
        if (value < 0 || value > UINT16_MAX)
            return -EINVAL;
        udp_options(socket->of.udp)->segment_size = (uint16_t)value;
        return 0;
    case UDP_GRO:
        udp_options(socket->of.udp)->receive_super = value != 0;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static bool is_udp_level(const struct socket *socket, int level)
{
    return socket->kind == &udp_kind && level == IPPROTO_UDP;
}

int datagram_set_option(struct socket *socket, int level, int option, const void *value,
                        socklen_t length)
{
    int number;
    int error = option_take_int(value, length, &number);
    if (level != SOL_SOCKET && level != IPPROTO_IP && !is_udp_level(socket, level))
        return -ENOPROTOOPT;
    if (error < 0)
        return error;
    if (level == IPPROTO_UDP)
        return set_udp_level(socket, option, number);
    return level == SOL_SOCKET ? set_socket_level(socket, option, number)
                               : set_ip_level(socket, option, number);
}

static int get_socket_level(const struct socket *socket, const struct datagram_options *options,
                            int option)
{
    switch (option) {
    case SO_RCVBUF:
        return (int)options->receive_limit_bytes;
    case SO_SNDBUF:
        return (int)socket->send_buffer;
    case SO_KEEPALIVE:
        return socket->keep_alive;
    case SO_OOBINLINE:
        return socket->oob_inline;
    default:
        return -ENOPROTOOPT;
    }
}

/* Of the path to the peer, as it is known now. */
static int path_mtu(const struct socket *socket)
{
    const struct endpoint *remote = socket->kind->remote(socket);
    struct ip_path path;
    if (remote == NULL || ip_path_find(&socket->tern->stack, NULL, &remote->address, &path) < 0)
        return -ENOTCONN;
    return (int)path.mtu;
}

static int get_ip_level(const struct socket *socket, const struct datagram_options *options,
                        int option)
{
    switch (option) {
    case IP_TTL:
        return options->hop_limit ? options->hop_limit : (int)socket->tern->stack.settings.ip_ttl;
    case IP_MULTICAST_TTL:
        return options->group_hop_limit;
    case IP_MULTICAST_LOOP:
        return socket->group_loop;
    case IP_TOS:
        return options->traffic_class;
    case IP_MTU_DISCOVER:
        return socket->mtu_discover;
    case IP_MTU:
        return path_mtu(socket);
    case IP_FREEBIND:
        return options->free_bind;
    case IP_RECVERR:
        return options->receive_errors;
    default:
        return -ENOPROTOOPT;
    }
}

static int get_udp_level(const struct socket *socket, const struct datagram_options *options,
                         int option)
{
    switch (option) {
    case UDP_CORK:
        return udp_corked(socket->of.udp);
    case UDP_SEGMENT:
        return options->segment_size;
    case UDP_GRO:
        return options->receive_super;
    default:
        return -ENOPROTOOPT;
    }
}

int datagram_get_option(struct socket *socket, int level, int option, void *value,
                        socklen_t *length)
{
    const struct datagram_options *options = socket->kind->datagram_options(socket);
    int number = -ENOPROTOOPT;
    if (level == SOL_SOCKET)
        number = get_socket_level(socket, options, option);
    else if (level == IPPROTO_IP)
        number = get_ip_level(socket, options, option);
    else if (is_udp_level(socket, level))
        number = get_udp_level(socket, options, option);
    return number < 0 ? number : option_put_int(value, length, number);
}
