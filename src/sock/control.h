/* Control messages: what recvmsg(2) tells of a datagram besides its bytes and its sender, as ip(7)
 * describes it: IP_TTL (asked for with IP_RECVTTL), IP_TOS (IP_RECVTOS), IP_PKTINFO; of several
 * datagrams in one UDP_GRO (udp(7)); and what sendmsg(2) may be told. */
#ifndef TERN_SOCK_CONTROL_H
#define TERN_SOCK_CONTROL_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "core/datagrams.h"

struct socket;

/* Where control messages are put, one after the other. Starts as {.message = m}. */
struct control_room {
    struct msghdr *message;
    size_t used;
};

/* Adds one message. Where there is no room for all of it, the part that there is room for, if that
 * has a header, whose cmsg_len says how much is there (as on Linux); and sets MSG_CTRUNC in
 * msg_flags. */
void control_put(struct control_room *room, int level, int type, const void *data, size_t length);
/* Says in msg_controllen what the messages take. */
void control_end(struct control_room *room);

/* Adds those of the socket's that tell of an IP packet (ip(7)): where it came to, as IP_PKTINFO
 * says it, and what its header had. */
void control_put_ip(const struct socket *socket, struct control_room *room,
                    const struct in_pktinfo *where, uint8_t hop_limit, uint8_t traffic_class);

/* Writes those that the socket asks for into message->msg_control, sets msg_controllen to what they
 * take, and MSG_CTRUNC in msg_flags when there is no room for all. */
void control_write(struct socket *socket, const struct datagram_info *info, struct msghdr *message);
/* The same for a stream of which `received` bytes have been read, or `peeked` at: when the last of
 * them arrived, and how many are left (TCP_INQ). */
void control_write_stream(struct socket *socket, size_t received, bool peeked,
                          struct msghdr *message);

/* control_read.c: those of a send call. The message at `*at`, which moves on, into `header`, and
 * where its data is: 1; 0 at the end; -EINVAL (cut short). */
int control_next(const struct msghdr *message, size_t *at, struct cmsghdr *header,
                 const void **data);
/* What its messages ask for, for this datagram alone: of level IPPROTO_IP IP_TTL, IP_TOS, and
 * IP_PKTINFO's source; of a UDP socket, IPPROTO_UDP's UDP_SEGMENT. 0; -EINVAL; and where all are
 * sound, of the source -EINVAL (nobody's), -ENETUNREACH (not ours), -ENODEV (no such interface). */
int control_read(const struct socket *socket, const struct msghdr *message,
                 struct datagram_options *options);

#endif
