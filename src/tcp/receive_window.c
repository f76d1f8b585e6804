/* The receive window: what is offered, and how the offer grows (RFC 9293 §3.8.6; dynamic
 * right-sizing, Fisk and Feng 2001).
 *
 * Two bounds move upwards. `limit` is what is offered: it starts at what a SYN can say and opens as
 * full segments arrive, twice as fast as they come, so that it is never what holds slow start back.
 * `buffer` is what may be held: it grows when the user reads more in a round trip than before, up
 * to tcp.rcvbuf_max. Who sets SO_RCVBUF fixes it. Neither ever takes back what was offered. */
#include "base/seq.h"
#include "base/time.h"
#include "tcp/listener.h"
#include "tcp/options.h"
#include "tcp/receive.h"
#include "tcp/receive_space.h"

enum {
    FIRST_FLIGHT = 10, /* segments: what a sender begins with (RFC 6928) */
    CUSHION = 16,      /* segments */
    SCARCE_WINDOW = 4, /* segments: what is offered anew while memory is short */
};

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t clamped(const struct tcp_preferences *preferences, uint32_t window)
{
    return preferences->window_clamp ? min_u32(window, preferences->window_clamp) : window;
}

/* Where a buffer is counted as Linux does, so is the window: in whole segments, as it is said
 * there. */
static bool as_linux(const struct stack *stack)
{
    return stack->settings.tcp_rcvbuf_overhead != 0;
}

static uint32_t whole_segments(uint32_t bytes, uint32_t mss)
{
    return bytes > mss ? bytes - bytes % mss : bytes;
}

uint32_t receive_initial_window(const struct stack *stack,
                                const struct tcp_preferences *preferences, uint32_t mss,
                                uint8_t *scale)
{
    uint32_t buffer = receive_space_at_first(stack, preferences->receive_buffer);
    uint64_t most = (uint64_t)stack->settings.tcp_rcvbuf_max;
    if (buffer > most || preferences->receive_buffer_fixed)
        most = buffer; /* it will not grow */
    most = clamped(preferences, (uint32_t)most);
    *scale = 0;
    while (*scale < 14 && most > (uint64_t)UINT16_MAX << *scale) /* RFC 7323 §2.3 */
        ++*scale;
    if (as_linux(stack))
        buffer = whole_segments(clamped(preferences, buffer), mss);
    return clamped(preferences, min_u32(buffer, UINT16_MAX));
}

/* Linux keeps room for a segment, and goes beyond what a SYN can say at once. */
static uint32_t first_limit(const struct tcb *tcb)
{
    uint32_t mss = tcb->rcv.advertised_mss, text = receive_space_text(tcb, tcb->rcv.buffer);
    if (!as_linux(tcb->stack))
        return min_u32(text, UINT16_MAX);
    uint32_t kept = text > 3 * mss ? text - mss : min_u32(text, 2 * mss);
    return min_u32(kept, whole_segments(text, mss));
}

void receive_window_begin(struct tcb *tcb)
{
    tcb->rcv.buffer = tcb->preferences.receive_buffer;
    receive_space_begin(tcb);
    tcb->rcv.limit = first_limit(tcb);
    tcb->rcv.read_most = min_u32(tcb->rcv.limit, FIRST_FLIGHT * tcb->rcv.advertised_mss);
    tcb->rcv.read_start_ns = tcb->stack->now_ns;
}

void receive_window_resized(struct tcb *tcb)
{
    tcb->rcv.buffer = tcb->preferences.receive_buffer;
    tcb->rcv.limit = receive_space_text(tcb, tcb->rcv.buffer);
}

/* Half of a buffer is what a window can be counted on to let in. */
static uint32_t reach(const struct stack *stack, struct tcp_preferences *preferences,
                      uint32_t bytes)
{
    uint32_t most = preferences->receive_buffer;
    if (!preferences->receive_buffer_fixed && most < (uint64_t)stack->settings.tcp_rcvbuf_max)
        most = (uint32_t)stack->settings.tcp_rcvbuf_max;
    bytes = min_u32(bytes, most / 2);
    if (preferences->receive_buffer / 2 < bytes)
        preferences->receive_buffer = 2 * bytes;
    return bytes;
}

uint32_t tcp_low_water(struct tcb *tcb, uint32_t bytes)
{
    bytes = reach(tcb->stack, &tcb->preferences, bytes);
    if (tcb->rcv.buffer < tcb->preferences.receive_buffer)
        tcb->rcv.buffer = tcb->preferences.receive_buffer;
    return bytes;
}

uint32_t tcp_listener_low_water(struct tcp_listener *listener, uint32_t bytes)
{
    return reach(listener->stack, &listener->preferences, bytes);
}

static uint32_t offered(const struct tcb *tcb)
{
    uint32_t edge = tcb->rcv.wup + tcb->rcv.wnd;
    return seq_gt(edge, tcb->rcv.nxt) ? edge - tcb->rcv.nxt : 0;
}

/* The least that the right edge moves (SWS avoidance, §3.8.6.2.2): a full segment, or half the
 * buffer where that is less. */
static uint32_t least_step(const struct tcb *tcb)
{
    return min_u32(tcb->rcv.limit / 2, tcb->rcv.mss);
}

/* Linux offers a scaled window rounded up, another in whole segments, as large as the last where
 * they differ by less; and none where there is too little room. */
static uint32_t room_as_linux(const struct tcb *tcb, uint32_t room)
{
    uint32_t unit = (uint32_t)1 << tcb->rcv.scale;
    uint32_t text = receive_space_text(tcb, tcb->rcv.buffer), mss = min_u32(tcb->rcv.mss, text);
    if (room < text / 16 || room < mss)
        return 0;
    if (tcb->rcv.scale)
        return (room + unit - 1) / unit * unit;
    return room >= tcb->rcv.wnd && room - tcb->rcv.wnd < mss ? tcb->rcv.wnd
                                                             : whole_segments(room, mss);
}

/* What could be offered now, in units of what the field can say. */
static uint32_t window_room(const struct tcb *tcb)
{
    uint32_t room = min_u32(receive_space_left(tcb), tcb->rcv.limit);
    if (as_linux(tcb->stack))
        room = room_as_linux(tcb, room);
    room = min_u32(room, (uint32_t)UINT16_MAX << tcb->rcv.scale);
    room = clamped(&tcb->preferences, room);
    if (tcb->stack->memory_short)
        room = min_u32(room, SCARCE_WINDOW * tcb->rcv.advertised_mss);
    return room >> tcb->rcv.scale << tcb->rcv.scale;
}

void receive_update_window(struct tcb *tcb)
{
    uint32_t before = offered(tcb), room = window_room(tcb);
    bool whole = as_linux(tcb->stack) || room == tcb->rcv.limit >> tcb->rcv.scale << tcb->rcv.scale;
    uint32_t window = room >= before + least_step(tcb) || whole ? room : before;
    tcb->rcv.wnd = window > before ? window : before; /* SHLD-14: never shrinks */
    tcb->rcv.wup = tcb->rcv.nxt;
}

bool receive_window_is_news(const struct tcb *tcb)
{
    uint32_t before = offered(tcb), room = window_room(tcb);
    if (as_linux(tcb->stack) && tcb->rcv.wup == tcb->rcv.irs + 1)
        return false; /* to Linux that a SYN cannot say more is no narrow window */
    return before <= tcb->rcv.limit / 2 && room >= 2 * before && room - before >= least_step(tcb);
}

/* A timestamp that comes back with text is about a round trip old. */
static void sample_round_trip(struct tcb *tcb, const struct segment *segment)
{
    if (!tcb->opt.timestamps || !segment->options.timestamp_echo || segment->length < tcb->rcv.mss)
        return;
    uint64_t rtt = TIME_MS(time_max(1, tcp_timestamp(tcb) - segment->options.timestamp_echo));
    if (tcb->rcv.rtt_ns == 0 || rtt < tcb->rcv.rtt_ns)
        tcb->rcv.rtt_ns = rtt;
    else
        tcb->rcv.rtt_ns += (rtt - tcb->rcv.rtt_ns) / 8;
}

/* Crumbs do not earn a larger window. */
static void open_limit(struct tcb *tcb, uint32_t length)
{
    uint32_t most = as_linux(tcb->stack) ? receive_space_left(tcb) : tcb->rcv.buffer;
    if (length < LIMIT_MSS_MIN || tcb->rcv.limit >= most || tcb->stack->memory_short)
        return;
    uint32_t more = 2 * (as_linux(tcb->stack) && length < tcb->rcv.mss ? tcb->rcv.mss : length);
    tcb->rcv.limit = more < most - tcb->rcv.limit ? tcb->rcv.limit + more : most;
}

static void grow_buffer(struct tcb *tcb, uint64_t wanted)
{
    wanted =
        time_min(receive_space_for(tcb, wanted), (uint64_t)tcb->stack->settings.tcp_rcvbuf_max);
    if (wanted > tcb->rcv.buffer && !tcb->preferences.receive_buffer_fixed &&
        !tcb->stack->memory_short)
        tcb->rcv.buffer = (uint32_t)wanted;
}

void receive_window_arrived(struct tcb *tcb, const struct segment *segment)
{
    sample_round_trip(tcb, segment);
    open_limit(tcb, segment->length);
}

/* What a hole holds up takes room that what follows needs too. Without SACK nothing grows: the
 * sender counts duplicate ACKs, and a changed window makes them none (RFC 5681 §2). */
void receive_window_held_up(struct tcb *tcb, uint32_t length)
{
    const struct ranges *held = &tcb->rcv.out_of_order;
    if (!tcb->opt.sack || held->count == 0)
        return;
    uint32_t span = held->items[held->count - 1].end - tcb->rcv.nxt;
    if (tcb->connection->owner) /* what nobody has accepted yet is not worth more */
        grow_buffer(tcb, 2 * (uint64_t)tcb->rcv.read_most + span);
    open_limit(tcb, length);
}

static uint64_t round_trip(const struct tcb *tcb)
{
    return tcb->rcv.rtt_ns ? tcb->rcv.rtt_ns : tcb->rtt.srtt_ns;
}

/* What to offer when so much more has been read in a round trip than ever before: twice as much,
 * for what is sent meanwhile when a loss holds up the reading, and a cushion. What is offered now
 * is for the round trip after the next, and a sender in slow start doubles in each: the growth of
 * this round trip counts twice more, so that who has doubled may double twice. */
static uint64_t wanted_buffer(uint32_t read, uint32_t most_before, uint32_t mss)
{
    uint64_t wanted = 2 * (uint64_t)read + CUSHION * (uint64_t)mss;
    uint64_t growth_percent = most_before ? (uint64_t)(read - most_before) * 100 / most_before : 0;
    return wanted + 2 * wanted * (growth_percent < 100 ? growth_percent : 100) / 100;
}

void receive_window_consumed(struct tcb *tcb, uint32_t bytes)
{
    uint64_t now = tcb->stack->now_ns;
    uint64_t rtt = round_trip(tcb);
    tcb->rcv.read_bytes += bytes;
    if (rtt == 0 || now - tcb->rcv.read_start_ns < rtt)
        return;
    if (tcb->rcv.read_bytes > tcb->rcv.read_most) {
        grow_buffer(
            tcb, wanted_buffer(tcb->rcv.read_bytes, tcb->rcv.read_most, tcb->rcv.advertised_mss));
        tcb->rcv.read_most = tcb->rcv.read_bytes;
    }
    tcb->rcv.read_bytes = 0;
    tcb->rcv.read_start_ns = now;
}
