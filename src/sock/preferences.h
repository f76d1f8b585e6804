/* What users ask of sockets by options that few of them set: held once for all sockets that have it
 * in common, which is most of them, and those that a listener has accepted. */
#ifndef TERN_SOCK_PREFERENCES_H
#define TERN_SOCK_PREFERENCES_H

#include <stdint.h>

#include "base/time.h"
#include "sock/times.h"

struct socket;
struct tern;

struct socket_preferences {
    uint32_t users;             /* sockets, and the stack whose usual ones they are */
    uint32_t receive_low_water; /* SO_RCVLOWAT, bytes */
    uint64_t receive_timeout_us, send_timeout_us; /* SO_RCVTIMEO, SO_SNDTIMEO */
    uint32_t busy_poll_us;                        /* SO_BUSY_POLL */
    int32_t linger_s;                             /* SO_LINGER's time, for when it is on */
    struct times times;
    uint32_t mark, priority; /* SO_MARK, SO_PRIORITY: kept, and nothing goes by them */
};

#define SOCKET_TIMEOUT_NONE ((UINT64_C(1) << 48) - 1) /* microseconds; so are nine years */

static inline uint64_t socket_timeout_ns(uint64_t timeout_us)
{
    return timeout_us == SOCKET_TIMEOUT_NONE ? TIME_NEVER : TIME_US(timeout_us);
}

/* Those of a new socket; NULL without memory. Whoever holds them leaves them at the end. */
struct socket_preferences *socket_preferences_usual(struct tern *t);
void socket_preferences_leave(struct socket_preferences *preferences);
/* From now on `socket` has those of `other`. */
void socket_preferences_join(struct socket *socket, const struct socket *other);
/* Those of `socket`, to be changed: nobody else has them any more. NULL without memory, and then
 * all is as before. */
struct socket_preferences *socket_preferences_change(struct socket *socket);

#endif
