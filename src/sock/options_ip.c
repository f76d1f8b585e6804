/* The options of level IPPROTO_IP that mean the same for every kind of socket: what recvmsg(2) is
 * to tell of datagrams. Streams keep them, and have nothing to tell (as on Linux). */
#include <netinet/in.h>

#include "core/option_value.h"
#include "sock/options.h"
#include "sock/socket.h"

static int set(struct socket *socket, int option, const void *value, socklen_t length)
{
    int number = 0;
    int error = option_take_int(value, length, &number);
    switch (option) {
    case IP_RECVTTL:
        if (error == 0)
            socket->receive_ttl = number != 0;
        return error;
    case IP_RECVTOS:
        if (error == 0)
            socket->receive_tos = number != 0;
        return error;
    case IP_PKTINFO:
        if (error == 0)
            socket->receive_pktinfo = number != 0;
        return error;
    default:
        return socket->kind->set_option(socket, IPPROTO_IP, option, value, length);
    }
}

/* ip(7): an option of this level may also be given as one byte. */
int option_set_ip(struct socket *socket, int option, const void *value, socklen_t length)
{
    int number;
    if (length == 0 || length >= sizeof number)
        return set(socket, option, value, length);
    number = *(const unsigned char *)value;
    return set(socket, option, &number, sizeof number);
}

int option_get_ip(struct socket *socket, int option, void *value, socklen_t *length)
{
    switch (option) {
    case IP_RECVTTL:
        return option_put_int(value, length, socket->receive_ttl);
    case IP_RECVTOS:
        return option_put_int(value, length, socket->receive_tos);
    case IP_PKTINFO:
        return option_put_int(value, length, socket->receive_pktinfo);
    default:
        return socket->kind->get_option(socket, IPPROTO_IP, option, value, length);
    }
}
