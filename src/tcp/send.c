/* A write is taken piece by piece, each into the last unit of the queue (units.h) or a new one. The
 * limits are looked at when a new unit is needed: a write may go beyond them by what the last unit
 * still takes. Units that become full on the way are sent at once, so that the first segments need
 * not wait for the last byte to be taken. What is much is not copied meanwhile (lending.c). */
#include "tcp/send.h"

#include <errno.h>

#include "base/seq.h"
#include "tcp/await.h"
#include "tcp/burst.h"
#include "tcp/connection.h"
#include "tcp/cwv.h"
#include "tcp/lending.h"
#include "tcp/memory.h"
#include "tcp/output.h"
#include "tcp/rate.h"
#include "tcp/rtt.h"
#include "tcp/stamps.h"
#include "tcp/urgent.h"

/* What a unit or a record counts in the send buffer beside its bytes, so that many small ones are
 * bounded as well: in the order of what Linux charges. */
enum { UNIT_OVERHEAD = 960 };

static uint64_t used(const struct tcb *tcb)
{
    uint64_t pieces = (uint64_t)tcb->snd.units.count + tcb->records.count;
    return tcb->snd.ring.length + pieces * UNIT_OVERHEAD;
}

/* TCP_NOTSENT_LOWAT: who writes no more than is about to be sent can still change their mind. */
static uint64_t unsent_limit(const struct tcb *tcb)
{
    return tcb->preferences.notsent_lowat ? tcb->preferences.notsent_lowat
                                          : (uint64_t)tcb->stack->settings.tcp_notsent_lowat;
}

static uint64_t unsent(const struct tcb *tcb)
{
    const struct send_unit *last = units_last(tcb);
    return last ? last->end - tcb->snd.nxt : 0;
}

/* RFC 7323 has windows that no fixed buffer fits: as much as two windows hold, for what is sent and
 * for what follows it, where the user has not said otherwise. */
static void expand(struct tcb *tcb)
{
    uint64_t most = (uint64_t)tcb->stack->settings.tcp_sndbuf_max;
    uint64_t wanted = 2 * (uint64_t)tcb->cc.cwnd * (tcb->snd.mss + UNIT_OVERHEAD);
    if (tcb->preferences.send_buffer_fixed || tcb->stack->memory_short)
        return;
    if (wanted > most)
        wanted = most;
    if (wanted > tcb->preferences.send_buffer)
        tcb->preferences.send_buffer = (uint32_t)wanted;
}

bool send_writable(const struct tcb *tcb)
{
    uint64_t held = used(tcb);
    if (tcb->snd.reservation || (tcb->snd.ring.length > 0 && !stack_memory_allows(tcb->stack, 1)))
        return false;
    return held + held / 2 <= tcb->preferences.send_buffer && 2 * unsent(tcb) < unsent_limit(tcb);
}

void send_tell_room(struct tcb *tcb)
{
    if (!tcb->snd.full)
        return;
    expand(tcb);
    if (!send_writable(tcb))
        return;
    tcb->snd.full = false;
    tcp_notify(tcb, POLLOUT | POLLWRNORM);
}

static uint32_t write_end(const struct tcb *tcb)
{
    return tcb->snd.base + tcb->snd.ring.length;
}

/* A unit holds whole segments, as many as the link takes at once, but not more than half of what
 * the peer ever had room for. */
static uint32_t unit_goal(const struct tcb *tcb)
{
    uint32_t mss = tcp_segment_size(tcb);
    uint32_t most = burst_bytes_max(tcb);
    uint32_t half = tcb->snd.max_wnd > 536 ? tcb->snd.max_wnd / 2 : tcb->snd.max_wnd;
    if (half && half < most)
        most = half;
    return most > mss ? most - most % mss : mss;
}

static bool is_full(const struct tcb *tcb)
{
    return used(tcb) >= tcb->preferences.send_buffer || unsent(tcb) >= unsent_limit(tcb);
}

/* How many of `length` bytes the memory of all allows (memory.c): who has nothing queued gets on
 * with a segment. */
static uint32_t memory_part(struct tcb *tcb, uint32_t length)
{
    uint32_t growth = ring_growth(&tcb->snd.ring, tcb->snd.ring.length + length);
    if (growth == 0 || tcp_memory_for(tcb, growth))
        return length;
    if (tcb->snd.ring.length > 0)
        return 0;
    return length < tcb->snd.mss ? length : tcb->snd.mss;
}

uint32_t send_room(struct tcb *tcb, size_t length)
{
    uint64_t room = 0;
    if (!is_full(tcb)) {
        uint64_t least = unsent_limit(tcb) - unsent(tcb);
        room = tcb->preferences.send_buffer - used(tcb);
        room = room < least ? room : least;
    }
    uint32_t part = memory_part(tcb, (uint32_t)(room < length ? room : length));
    tcb->snd.full = part == 0;
    return part;
}

/* Makes room for bytes in the last unit: how many. 0: the buffer is full, which does not matter for
 * what is `reserved`; or -ENOBUFS. */
static int64_t find_room(struct tcb *tcb, uint32_t goal, bool reserved)
{
    uint32_t room = units_room(tcb, goal);
    if (room)
        return room;
    if (!reserved && is_full(tcb))
        return 0;
    if (units_reserve(tcb) < 0)
        return -ENOBUFS;
    if (tcb->snd.units.count == 0)
        cwv_resumes(tcb);
    return goal;
}

/* Adds `length` bytes, of `available`, for which find_room() has made room; NULL: they are in the
 * ring already. */
static int append(struct tcb *tcb, const void *bytes, uint32_t length, size_t available,
                  uint32_t goal)
{
    if (!tcb->stack->memory_short)
        ring_spares_take(&tcb->tcp->spares, &tcb->snd.ring, length);
    struct ring *ring = &tcb->snd.ring;
    if (ring_reserve(ring, ring->length + length) < 0)
        return -ENOBUFS;
    if (bytes && !lending_takes(tcb, bytes, length, available))
        ring_write_at(ring, ring->length, bytes, length);
    ring_extend(ring, length);
    if (units_room(tcb, goal) == 0)
        units_open(tcb);
    units_extend(tcb, length);
    return 0;
}

static void mark_push(struct tcb *tcb)
{
    struct send_unit *last = units_last(tcb);
    if (last)
        last->push = true;
    tcb->snd.push = write_end(tcb);
}

/* So much has been written without a push that the receiver might wait for one. */
static bool push_is_due(const struct tcb *tcb)
{
    return seq_gt(write_end(tcb), tcb->snd.push + tcb->snd.max_wnd / 2);
}

/* The last unit has become full and the write goes on. One that is full of spans is pushed, as
 * Linux does where a packet can take no more of them. */
static void unit_is_full(struct tcb *tcb)
{
    if (push_is_due(tcb) || units_last(tcb)->spans >= LIMIT_ZEROCOPY_SPANS) {
        mark_push(tcb);
        tcp_output_urged(tcb, URGE_PUSH);
    } else if (tcb->snd.units.count == 1) {
        tcp_output_urged(tcb, URGE_ONE);
    }
}

/* Where the last write ended, this one goes on: what belonged to its end does so no longer. */
static void write_begins(struct tcb *tcb)
{
    units_last(tcb)->push = false;
    stamps_joined(tcb, units_last_start(tcb));
}

struct progress {
    size_t wanted, taken;
    bool apart; /* MSG_ZEROCOPY: its spans are counted */
    int error;  /* that ended it */
};

static bool take_some(struct tcb *tcb, const uint8_t *bytes, size_t length, struct progress *p)
{
    while (length > 0) {
        uint32_t goal = unit_goal(tcb);
        int64_t room = find_room(tcb, goal, !bytes);
        if (room <= 0) {
            p->error = room < 0 ? (int)room : -EAGAIN;
            tcb->snd.full = room == 0;
            return false;
        }
        uint32_t part = memory_part(tcb, length < (size_t)room ? (uint32_t)length : (uint32_t)room);
        p->error = part ? append(tcb, bytes, part, length, goal) : -EAGAIN;
        if (p->error < 0) {
            tcb->snd.full = p->error == -EAGAIN;
            return false;
        }
        if (p->taken == 0)
            write_begins(tcb);
        if (p->apart)
            units_last(tcb)->spans++;
        p->taken += part;
        bytes = bytes ? bytes + part : NULL;
        length -= part;
        if (p->taken < p->wanted && units_room(tcb, goal) == 0)
            unit_is_full(tcb);
    }
    return true;
}

/* What has waited for a write goes before it, if the write will wait for another, and is too short
 * to take it along. */
static void begin(struct tcb *tcb, const struct progress *p, int flags)
{
    rate_check_app_limited(tcb);
    if (flags & MSG_MORE && tcb->snd.writing && unsent(tcb) + p->wanted < tcp_segment_size(tcb))
        tcp_await_write(tcb, false);
}

/* What is left when all full units have gone, as a part of a unit: of more the peer may as well
 * begin to take in, and of what is kept the whole is copied when the call ends (lending.c). */
enum { SMALL_REST_PART = 4 };

/* The write has filled units, and left so little that a packet of its own would be a waste. */
static bool rest_is_small(const struct tcb *tcb, const struct progress *p)
{
    const struct send_unit *last = units_last(tcb);
    uint32_t goal = unit_goal(tcb);
    return p->taken >= goal && last && last->end - units_last_start(tcb) < goal / SMALL_REST_PART;
}

/* MSG_BATCH: a small rest waits for the next write, where its user has nothing against waiting.
 * What is urgent goes segment by segment, and waits for nothing (short_must_wait). */
static bool rest_may_wait(const struct tcb *tcb, const struct progress *p, int flags)
{
    return flags & MSG_BATCH && !(flags & MSG_EOR) && !p->apart && !tcb->preferences.no_delay &&
           tcb->stack->settings.tcp_autocorking && rest_is_small(tcb, p);
}

/* What a write's end brings: the push, the end of a record, and the bytes on their way. */
static ssize_t finish(struct tcb *tcb, const struct progress *p, int flags)
{
    tcp_connection_charge(tcb);
    if (p->taken == 0)
        return p->error;
    bool whole = p->taken == p->wanted;
    bool more = whole && flags & MSG_MORE;
    if (whole && flags & MSG_EOR && units_last(tcb))
        units_last(tcb)->ends_record = true;
    if (!more || push_is_due(tcb))
        mark_push(tcb);
    if (flags & MSG_OOB)
        urgent_written(tcb);
    await_end(tcb);
    if (whole && !more && rest_may_wait(tcb, p, flags))
        await_begin(tcb);
    tcp_output_urged(tcb, more ? URGE_MORE : whole ? URGE_USUAL : URGE_PUSH);
    if (tcb->snd.units.count == 0)
        await_end(tcb);
    return (ssize_t)p->taken;
}

ssize_t send_take(struct tcb *tcb, const struct iovec *spans, int count, int flags)
{
    struct progress p = {.apart = flags & MSG_ZEROCOPY};
    for (int i = 0; i < count; i++)
        p.wanted += spans[i].iov_len;
    begin(tcb, &p, flags);
    for (int i = 0; i < count; i++) {
        if (!take_some(tcb, spans[i].iov_base, spans[i].iov_len, &p))
            break;
    }
    return finish(tcb, &p, flags);
}

ssize_t send_written(struct tcb *tcb, uint32_t length, int flags)
{
    struct progress p = {.wanted = length};
    begin(tcb, &p, flags);
    if (length > 0) {
        take_some(tcb, NULL, length, &p);
        return finish(tcb, &p, flags);
    }
    if (!(flags & MSG_MORE)) {
        mark_push(tcb);
        await_end(tcb);
        tcp_output(tcb);
    }
    return 0;
}
