/* Letting super-segments gather. A reader that keeps up with a fast stream would go to sleep after
 * each of them, and waking it costs the sender's CPU more than sending does. While a stream comes
 * in, and nothing but acknowledgments goes out, who waits is therefore not woken by the link: it
 * sleeps for socket.gather_us, and takes in all that has come meanwhile. Network cards moderate
 * their interrupts in the same way. It pays where more than one is found at the end. */
#include "base/time.h"
#include "host/internal.h"

enum {
    SUPER_SEGMENT = 16 * 1024, /* bytes, at the least: what leaves any network uncut is less */
    STREAM = 4 << 20,          /* bytes: what comes then may as well come a little later */
};

bool gather_received(struct driver *d, size_t length)
{
    if (length < SUPER_SEGMENT)
        return false;
    d->gather.arrived++;
    d->gather.streamed_bytes += length;
    return true;
}

void gather_sent(struct driver *d, int spans)
{
    if (spans > 1)
        d->gather.streamed_bytes = 0;
}

uint64_t gather_until(struct driver *d, uint64_t now_ns)
{
    struct gather *gather = &d->gather;
    unsigned arrived = gather->arrived;
    uint64_t time_ns = TIME_US(stack_of(d)->settings.gather_us);
    gather->arrived = 0;
    if (gather->slept && arrived > 1)
        chance_paid(&gather->chance);
    else if (gather->slept)
        chance_failed(&gather->chance);
    gather->slept = time_ns > 0 && arrived > 0 && gather->streamed_bytes >= STREAM &&
                    chance_is_taken(&gather->chance);
    return gather->slept ? now_ns + time_ns : 0;
}
