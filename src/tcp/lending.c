/* Text that is sent straight from its writer's memory.
 *
 * While a call writes, its memory is as good as the send ring's. Much text is therefore not copied
 * when it is queued: the ring makes room for it, and counts it, but the bytes stay where they are.
 * Only when the call returns is what the peer has not acknowledged by then copied to its place. A
 * peer on the same host has acknowledged nearly all, as it takes in what is written within the very
 * system call that writes it; and then the ring's memory is not touched at all.
 *
 * What is lent is always the end of what is queued, so that it begins behind the ring's last byte
 * and nothing follows it. */
#include "tcp/lending.h"

#include "base/page.h"
#include "base/seq.h"
#include "tcp/connection.h"
#include "tcp/tcp.h"

static bool is_empty(const struct tcp_lending *lending)
{
    return lending->start == lending->end;
}

/* Faults unless all of it is readable: as a copy would, and in the thread whose memory it is. */
static void touch(const uint8_t *at, uint32_t length)
{
    for (size_t i = 0; i < length; i += page_left(at + i))
        (void)*(const volatile uint8_t *)(at + i);
}

bool tcp_lending_begin(struct tcb *tcb, struct tcp_lending *lending)
{
    if ((tcb->snd.lending && tcb->snd.lending != lending) || (lending->tcb && lending->tcb != tcb))
        return false;
    if (!lending->tcb)
        lending->start = lending->end;
    lending->tcb = tcb;
    lending->open = true;
    tcb->snd.lending = lending;
    return true;
}

void tcp_lending_close(struct tcp_lending *lending)
{
    lending->open = false;
}

/* The first byte of what is lent that has not been acknowledged. */
static uint32_t left_from(const struct tcp_lending *lending)
{
    uint32_t base = lending->tcb->snd.base;
    return seq_gt(base, lending->start) ? base : lending->start;
}

bool tcp_lending_holds(const struct tcp_lending *lending)
{
    return lending->tcb && !is_empty(lending);
}

bool tcp_lending_under_way(const struct tcp_lending *lending)
{
    return tcp_lending_holds(lending) && seq_lt(left_from(lending), lending->tcb->snd.nxt);
}

void tcp_lending_end(struct tcp_lending *lending)
{
    if (!lending->tcb)
        return;
    lending_settle(lending->tcb);
    lending_over(lending->tcb);
}

bool lending_takes(struct tcb *tcb, const uint8_t *bytes, uint32_t length, size_t available)
{
    struct tcp_lending *lending = tcb->snd.lending;
    if (!lending)
        return false;
    bool joins = !is_empty(lending) && bytes == lending->bytes + (lending->end - lending->start);
    if (!lending->open || (!joins && available < LIMIT_LENT_BYTES)) {
        lending_settle(tcb);
        return false;
    }
    touch(bytes, length);
    if (!joins) {
        lending_settle(tcb);
        lending->bytes = bytes;
        lending->start = lending->end = tcb->snd.base + tcb->snd.ring.length;
    }
    lending->end += length;
    return true;
}

void lending_settle(struct tcb *tcb)
{
    struct tcp_lending *lending = tcb->snd.lending;
    if (!lending || is_empty(lending))
        return;
    uint32_t from = left_from(lending);
    ring_write_at(&tcb->snd.ring, from - tcb->snd.base, lending->bytes + (from - lending->start),
                  lending->end - from);
    lending->start = lending->end;
}

void lending_acknowledged(struct tcb *tcb)
{
    struct tcp_lending *lending = tcb->snd.lending;
    if (lending && seq_geq(tcb->snd.base, lending->end))
        lending->start = lending->end;
}

void lending_over(struct tcb *tcb)
{
    if (!tcb->snd.lending)
        return;
    tcb->snd.lending->tcb = NULL;
    tcb->snd.lending = NULL;
}

int lending_spans(const struct tcb *tcb, uint32_t seq, uint32_t length, struct iovec spans[3])
{
    const struct tcp_lending *lending = tcb->snd.lending;
    uint32_t lent = 0;
    if (lending && !is_empty(lending) && seq_gt(seq + length, lending->start))
        lent = seq_gt(seq, lending->start) ? length : seq + length - lending->start;
    uint32_t copied = length - lent;
    int count = ring_spans(&tcb->snd.ring, seq - tcb->snd.base, copied, spans);
    if (lent > 0) {
        const uint8_t *at = lending->bytes + (seq + copied - lending->start);
        spans[count++] = (struct iovec){(void *)(uintptr_t)at, lent}; /* nobody writes there */
    }
    return count;
}
