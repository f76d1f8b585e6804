#include "sock/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "sock/interest.h"
#include "sock/tern.h"
#include "sock/wait.h"

/* Linux's net.core.wmem_default. */
enum { SEND_BUFFER = 212992 };

struct socket *socket_new(struct tern *t, const struct socket_kind *kind)
{
    struct socket *socket = slab_take(&t->socket_slab);
    struct socket_preferences *preferences = socket ? socket_preferences_usual(t) : NULL;
    if (preferences == NULL) {
        if (socket)
            slab_give(&t->socket_slab, socket);
        return NULL;
    }
    memset(socket, 0, sizeof *socket);
    socket->preferences = preferences;
    socket->kind = kind;
    socket->tern = t;
    if (!socket_is_stream(socket))
        socket->send_buffer = SEND_BUFFER;
    socket->mtu_discover = IP_PMTUDISC_WANT;
    socket->group_loop = true;
    list_init(&socket->waiting);
    list_init(&socket->interests);
    return socket;
}

void socket_free(struct socket *socket)
{
    socket_preferences_leave(socket->preferences);
    slab_give(&socket->tern->socket_slab, socket);
}

void socket_part(struct socket *socket)
{
    wait_end(socket->tern, &socket->waiting, EBADF);
    interest_close(socket);
}

void socket_close(struct socket *socket, bool abort)
{
    socket_part(socket);
    if (socket_is_reserved(socket))
        tcp_reservation_end(socket->reservation);
    if (socket_is_stream(socket))
        free(socket->reservation);
    socket->kind->close(socket, abort);
    socket_free(socket);
}
