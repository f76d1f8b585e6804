#include "sock/times.h"
#include "core/option_value.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "base/time.h"
#include "core/stamps.h"
#include "sock/control.h"
#include "sock/options.h"
#include "sock/socket.h"
#include "sock/tern.h"

bool times_is_option(int option)
{
    return option == SO_TIMESTAMP || option == SO_TIMESTAMPNS || option == SO_TIMESTAMPING;
}

/* Streams note when their bytes arrive only for who asks. */
static void note_arrivals(struct socket *socket)
{
    if (socket->kind->note_arrivals)
        socket->kind->note_arrivals(socket,
                                    socket->preferences->times.wanted ||
                                        socket->preferences->times.flags & STAMP_RX_SOFTWARE);
}

static int set_flags(struct socket *socket, uint32_t flags)
{
    bool begins = flags & STAMP_OPT_ID && !(socket->preferences->times.flags & STAMP_OPT_ID);
    if (flags & ~(uint32_t)STAMP_FLAGS || flags & STAMP_OPT_STATS ||
        (flags & STAMP_OPT_ID_TCP && !(flags & STAMP_OPT_ID)))
        return -EINVAL;
    struct socket_preferences *preferences = socket_preferences_change(socket);
    if (preferences == NULL)
        return -ENOMEM;
    int error = begins ? socket->kind->stamps_begin(socket, flags & STAMP_OPT_ID_TCP) : 0;
    if (error == 0)
        preferences->times.flags = flags & STAMP_FLAGS;
    return error;
}

static int set_wanted(struct socket *socket, bool wanted, bool precise)
{
    struct socket_preferences *preferences = socket_preferences_change(socket);
    if (preferences == NULL)
        return -ENOMEM;
    preferences->times.wanted = wanted;
    preferences->times.precise = wanted && precise;
    return 0;
}

int times_set(struct socket *socket, int option, const void *value, socklen_t length)
{
    int number;
    int error = option_take_int(value, length, &number);
    if (error < 0)
        return error;
    if (option == SO_TIMESTAMPING)
        error = set_flags(socket, (uint32_t)number);
    else
        error = set_wanted(socket, number != 0, option == SO_TIMESTAMPNS);
    if (error == 0)
        note_arrivals(socket);
    return error;
}

int times_get(const struct socket *socket, int option, void *value, socklen_t *length)
{
    const struct times *times = &socket->preferences->times;
    if (option == SO_TIMESTAMPING) {
        const int flags[2] = {(int)times->flags, 0}; /* struct so_timestamping: no other clock */
        return option_put(value, length, flags, sizeof flags);
    }
    return option_put_int(value, length,
                          times->wanted && times->precise == (option == SO_TIMESTAMPNS));
}

int times_of_send(const struct socket *socket, const struct msghdr *message, uint32_t *flags)
{
    struct cmsghdr header;
    const void *data;
    size_t at = 0;
    int result;
    *flags = socket->preferences->times.flags;
    while ((result = control_next(message, &at, &header, &data)) > 0) {
        uint32_t wanted;
        if (header.cmsg_level != SOL_SOCKET)
            continue; /* control_read.c's, if anybody's */
        if (header.cmsg_len != CMSG_LEN(sizeof wanted) || header.cmsg_type != SO_TIMESTAMPING)
            return -EINVAL;
        memcpy(&wanted, data, sizeof wanted);
        if (wanted & ~(uint32_t)STAMP_TX)
            return -EINVAL;
        *flags = (*flags & ~(uint32_t)STAMP_TX) | wanted;
    }
    return result;
}

static void put_wanted(const struct socket *socket, struct control_room *room,
                       const struct timespec *time)
{
    struct timeval coarse = {.tv_sec = time->tv_sec, .tv_usec = time->tv_nsec / 1000};
    if (socket->preferences->times.precise)
        control_put(room, SOL_SOCKET, SO_TIMESTAMPNS, time, sizeof *time);
    else
        control_put(room, SOL_SOCKET, SO_TIMESTAMP, &coarse, sizeof coarse);
}

void times_put(const struct socket *socket, struct control_room *room, uint64_t time_ns, bool left)
{
    const struct times *times = &socket->preferences->times;
    if (time_ns == 0 || (!times->wanted && times->flags == 0))
        return;
    struct sock_host *host = socket->tern->host;
    uint64_t day_ns = time_ns + host->operations->epoch(host);
    /* struct scm_timestamping: software, nothing any more, hardware. */
    struct timespec all[3] = {
        {.tv_sec = (time_t)(day_ns / TIME_S(1)), .tv_nsec = (long)(day_ns % TIME_S(1))}};
    if (times->wanted)
        put_wanted(socket, room, &all[0]);
    if (times->flags & STAMP_SOFTWARE && (left || times->flags & STAMP_RX_SOFTWARE))
        control_put(room, SOL_SOCKET, SO_TIMESTAMPING, all, sizeof all);
}
