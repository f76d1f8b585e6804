/* What received text takes of the receive buffer.
 *
 * Here text takes its length. What SO_RCVBUF means to Linux is the memory of the packets as they
 * came, header, slack and all, and the windows that it offers follow from what is left of that: at
 * first half of a buffer is taken to be for text, later the share that packets have shown. With
 * tcp.rcvbuf_overhead a buffer is counted so here as well, and a size yields the same windows. */
#include "tcp/receive_space.h"

#include "base/limits.h"
#include "wire/tcp.h"

enum {
    SHARE_WHOLE = 256,
    SHARE_AT_FIRST = 128,
    /* A packet as Linux's TUN device makes it, whose pages are of this size everywhere it matters:
     * what describes it; a first part with room before and a note of the others behind; and pages.
     */
    PAGE = 4096,
    DESCRIPTION = 256,
    FIRST_PART_MARGINS = 64 + 320,
    FIRST_PART_MOST = PAGE - FIRST_PART_MARGINS,
    ALLOCATION_LEAST = 512,
    TIMESTAMPS = 12,
};

static bool counted(const struct stack *stack)
{
    return stack->settings.tcp_rcvbuf_overhead != 0;
}

static uint32_t text_share(uint32_t space, uint32_t share)
{
    return (uint32_t)((uint64_t)space * share / SHARE_WHOLE);
}

uint32_t receive_space_at_first(const struct stack *stack, uint32_t buffer)
{
    return counted(stack) ? text_share(buffer, SHARE_AT_FIRST) : buffer;
}

void receive_space_begin(struct tcb *tcb)
{
    tcb->rcv.text_share = SHARE_AT_FIRST;
    tcb->rcv.space_taken = 0;
}

uint32_t receive_space_text(const struct tcb *tcb, uint32_t space)
{
    return counted(tcb->stack) ? text_share(space, tcb->rcv.text_share) : space;
}

uint64_t receive_space_for(const struct tcb *tcb, uint64_t text)
{
    return counted(tcb->stack) ? text * SHARE_WHOLE / tcb->rcv.text_share : text;
}

static uint32_t packet_space(const struct tcb *tcb, uint32_t text)
{
    uint32_t bytes = text + tcb->path.header_bytes + TCP_HEADER_MIN;
    if (tcb->opt.timestamps)
        bytes += TIMESTAMPS;
    if (bytes > FIRST_PART_MOST)
        return DESCRIPTION + PAGE + (bytes - FIRST_PART_MOST + PAGE - 1) / PAGE * PAGE;
    uint32_t first = ALLOCATION_LEAST;
    while (first < bytes + FIRST_PART_MARGINS)
        first *= 2;
    return DESCRIPTION + first;
}

void receive_space_learn_counted(struct tcb *tcb, const struct segment *segment)
{
    if (segment->flags & TCP_SYN || segment->largest <= tcb->rcv.mss)
        return;
    uint32_t share = segment->length * SHARE_WHOLE / packet_space(tcb, segment->length);
    bool more = share > tcb->rcv.text_share;
    tcb->rcv.text_share = (uint8_t)(share ? share : 1);
    uint32_t most = text_share(tcb->rcv.buffer, tcb->rcv.text_share);
    if (more && tcb->rcv.limit < tcb->rcv.wnd)
        tcb->rcv.limit = tcb->rcv.wnd; /* the segment that was kept free may be offered now */
    if (tcb->rcv.limit > most)
        tcb->rcv.limit = most;
}

void receive_space_take_counted(struct tcb *tcb, uint32_t text)
{
    tcb->rcv.space_taken += packet_space(tcb, text);
}

static uint32_t held(const struct tcb *tcb)
{
    uint32_t bytes = tcb->rcv.ring.length;
    for (uint32_t i = 0; i < tcb->rcv.out_of_order.count; i++)
        bytes += tcb->rcv.out_of_order.items[i].end - tcb->rcv.out_of_order.items[i].start;
    return bytes;
}

void receive_space_give_counted(struct tcb *tcb, uint32_t read)
{
    uint64_t left = held(tcb);
    tcb->rcv.space_taken = (uint32_t)(tcb->rcv.space_taken * left / (left + read));
}

uint32_t receive_space_left(const struct tcb *tcb)
{
    uint32_t taken = counted(tcb->stack) ? tcb->rcv.space_taken : tcb->rcv.ring.length;
    uint32_t left = tcb->rcv.buffer > taken ? tcb->rcv.buffer - taken : 0;
    return receive_space_text(tcb, left);
}
