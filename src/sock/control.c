#include "sock/control.h"

#include <netinet/udp.h>
#include <string.h>

#include "sock/socket.h"
#include "sock/times.h"

enum { CONTROL_INQ = 36 }; /* Linux's TCP_CM_INQ */

void control_put(struct control_room *room, int level, int type, const void *data, size_t length)
{
    struct msghdr *message = room->message;
    const size_t left = message->msg_control ? message->msg_controllen - room->used : 0;
    struct cmsghdr header = {.cmsg_len = CMSG_LEN(length), .cmsg_level = level, .cmsg_type = type};
    if (left < header.cmsg_len) {
        message->msg_flags |= MSG_CTRUNC;
        header.cmsg_len = left;
    }
    if (left < CMSG_LEN(0))
        return;
    char *at = (char *)message->msg_control + room->used;
    memcpy(at, &header, sizeof header); /* the caller's buffer need not be aligned */
    memcpy(at + CMSG_LEN(0), data, header.cmsg_len - CMSG_LEN(0));
    /* The padding to the next header counts where there is room for it. */
    room->used += CMSG_SPACE(length) < left ? CMSG_SPACE(length) : left;
}

void control_end(struct control_room *room)
{
    room->message->msg_controllen = room->used;
}

/* In Linux's order: where there is no room for all, it says what is told. */
void control_put_ip(const struct socket *socket, struct control_room *room,
                    const struct in_pktinfo *where, uint8_t hop_limit, uint8_t traffic_class)
{
    const int ttl = hop_limit;
    if (socket->receive_pktinfo)
        control_put(room, IPPROTO_IP, IP_PKTINFO, where, sizeof *where);
    if (socket->receive_ttl)
        control_put(room, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl);
    if (socket->receive_tos)
        control_put(room, IPPROTO_IP, IP_TOS, &traffic_class, sizeof traffic_class);
}

/* udp(7), UDP_GRO: of several datagrams in one how long each is. */
static void put_segment_size(struct socket *socket, const struct datagram_info *info,
                             struct control_room *room)
{
    int size = info->segment_size;
    if (size > 0 && socket->kind->datagram_options(socket)->receive_super)
        control_put(room, IPPROTO_UDP, UDP_GRO, &size, sizeof size);
}

void control_write(struct socket *socket, const struct datagram_info *info, struct msghdr *message)
{
    struct control_room room = {.message = message};
    const struct in_addr ours = {htonl(address_to_ipv4(&info->destination))};
    const struct in_pktinfo where = {.ipi_ifindex = 1, .ipi_spec_dst = ours, .ipi_addr = ours};
    times_put(socket, &room, info->arrived_ns, false);
    put_segment_size(socket, info, &room);
    control_put_ip(socket, &room, &where, info->hop_limit, info->traffic_class);
    control_end(&room);
}

void control_write_stream(struct socket *socket, size_t received, bool peeked,
                          struct msghdr *message)
{
    struct control_room room = {.message = message};
    int left = socket->kind->inq(socket);
    if (received > 0)
        times_put(socket, &room, socket->kind->arrived_ns(socket, peeked ? received : 0), false);
    if (left >= 0)
        control_put(&room, IPPROTO_TCP, CONTROL_INQ, &left, sizeof left);
    control_end(&room);
}
