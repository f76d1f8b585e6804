#include "sock/preferences.h"

#include <stdlib.h>

#include "sock/socket.h"
#include "sock/tern.h"

static struct socket_preferences *copy(const struct socket_preferences *preferences)
{
    struct socket_preferences *fresh = malloc(sizeof *fresh);
    if (fresh == NULL)
        return NULL;
    *fresh = *preferences;
    fresh->users = 1;
    return fresh;
}

/* A setting that has changed since is for sockets that are new. */
static bool is_up_to_date(const struct tern *t)
{
    return t->usual && t->usual->busy_poll_us == (uint32_t)t->stack.settings.busy_poll_us;
}

struct socket_preferences *socket_preferences_usual(struct tern *t)
{
    if (!is_up_to_date(t)) {
        struct socket_preferences *usual = copy(&(struct socket_preferences){
            .receive_low_water = 1,
            .receive_timeout_us = SOCKET_TIMEOUT_NONE,
            .send_timeout_us = SOCKET_TIMEOUT_NONE,
            .busy_poll_us = (uint32_t)t->stack.settings.busy_poll_us,
        });
        if (usual == NULL)
            return NULL;
        socket_preferences_leave(t->usual);
        t->usual = usual;
    }
    t->usual->users++;
    return t->usual;
}

void socket_preferences_leave(struct socket_preferences *preferences)
{
    if (preferences && --preferences->users == 0)
        free(preferences);
}

void socket_preferences_join(struct socket *socket, const struct socket *other)
{
    other->preferences->users++;
    socket_preferences_leave(socket->preferences);
    socket->preferences = other->preferences;
}

struct socket_preferences *socket_preferences_change(struct socket *socket)
{
    if (socket->preferences->users > 1) {
        struct socket_preferences *own = copy(socket->preferences);
        if (own == NULL)
            return NULL;
        socket_preferences_leave(socket->preferences);
        socket->preferences = own;
    }
    return socket->preferences;
}
