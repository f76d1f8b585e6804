/* Packets that the script expects. */
#include <string.h>

#include "script/compare.h"
#include "script/pattern.h"
#include "script/run.h"
#include "script/wire.h"

/* How long after its time we look for a packet, to be able to say when it came. */
static const int64_t patience_ns = 2000 * (int64_t)SCRIPT_MS;

bool connection_owns(struct connection *c, const struct packet_view *view,
                     const struct packet_spec *spec)
{
    bool ports_given = spec && (spec->source_port || spec->destination_port);
    if (view->source != c->local || view->destination != c->remote)
        return false;
    if (view->protocol == WIRE_ICMP)
        return c->protocol == WIRE_ICMP || (spec && spec->protocol == PACKET_ICMP);
    if (view->protocol != c->protocol)
        return false;
    if (ports_given)
        return view->source_port == spec->source_port &&
               view->destination_port == spec->destination_port;
    return view->destination_port == c->remote_port && view->source_port == c->local_port;
}

/* The first packet of a connection that tern opens tells its port, and its initial number. */
static bool learn_port(struct connection *c, const struct packet_view *view)
{
    bool syn = view->protocol != WIRE_TCP || (view->flags & (WIRE_SYN | WIRE_ACK)) == WIRE_SYN;
    enum stage ripe = view->protocol == WIRE_TCP ? STAGE_SYN_SENT : STAGE_CONNECTING;
    if (!syn || c->stage != ripe || view->protocol != c->protocol || view->source != c->local ||
        view->destination != c->remote || view->destination_port != c->remote_port)
        return false;
    c->local_port = view->source_port;
    c->local_isn = view->seq;
    return true;
}

static bool owned_by_another(const struct run *run, const struct packet_view *view)
{
    for (struct connection *c = run->connections; c; c = c->next)
        if (c != run->under_test && connection_owns(c, view, NULL))
            return true;
    return false;
}

/* The next packet of this connection, taken out of the queue; NULL when there is none. Those of
 * connections that the script has left behind are passed over. */
static struct emitted *take(struct run *run, struct connection *c)
{
    while (run->emitted) {
        struct emitted *emitted = run->emitted;
        const struct packet_view *view = &emitted->view;
        run->emitted = emitted->next;
        if (run->emitted == NULL)
            run->emitted_tail = &run->emitted;
        if (emitted->wrong || connection_owns(c, view, run->event->packet) || learn_port(c, view))
            return emitted;
        if (!run->config->leftover_any && !owned_by_another(run, view)) {
            run_fail(run, run->event->line, "tern sent a packet of no known connection: %s",
                     packet_text(view, run->arena));
            return NULL;
        }
    }
    return NULL;
}

/* Adds the two packets to what is said. */
static void mismatch(struct run *run, const char *difference, struct packet_view *actual,
                     int64_t time_ns)
{
    run_fail(run, run->event->line, "%s\nscript packet: %10.6f %s\nactual packet: %10.6f %s",
             difference, seconds(run->start_ns), packet_spec_text(run->event->packet, run->arena),
             seconds(time_ns), packet_text(actual, run->arena));
}

/* Every byte has its place in the stream. */
static void check_payload(struct run *run, const struct connection *c,
                          const struct packet_view *view)
{
    uint32_t position = 0;
    if (view->protocol == WIRE_ICMP)
        return;
    if (view->protocol == WIRE_TCP)
        position = view->seq - c->local_isn + ((view->flags & WIRE_SYN) != 0);
    for (uint32_t i = 0; i < view->length; i++) {
        if (view->payload[i] == pattern_at(position + i))
            continue;
        run_fail(run, run->event->line,
                 "byte %u of the payload is 0x%02x, but byte %u of what was written is 0x%02x", i,
                 view->payload[i], position + i, pattern_at(position + i));
        return;
    }
}

/* A SYN-ACK on a connection that the script has closed begins another between the same ports. */
static void begin_anew(struct connection *c, const struct packet_view *view)
{
    c->stage = STAGE_SYN_ANSWERED;
    c->local_isn = view->seq;
    c->remote_isn = c->latest_syn;
    c->script_fd = -1;
    c->live_fd = -1;
    c->closed = false;
    c->written = c->read = 1;
}

/* What the script says was sent, and what really was. */
static void learn(struct run *run, struct connection *c, const struct packet_view *view)
{
    const struct packet_spec *spec = run->event->packet;
    bool syn_ack = (view->flags & (WIRE_SYN | WIRE_ACK)) == (WIRE_SYN | WIRE_ACK);
    if (syn_ack && c->closed && view->ack == c->latest_syn + 1)
        begin_anew(c, view);
    if (syn_ack && c->stage == STAGE_SYN_ARRIVED) {
        c->stage = STAGE_SYN_ANSWERED;
        c->local_isn = view->seq;
    }
    struct packet_spec script = *spec;
    struct packet_view live = *view;
    const uint8_t *said = option_timestamps(script.options, script.options_length);
    const uint8_t *sent = option_timestamps(live.options, live.options_length);
    if (said && sent)
        connection_learn_timestamp(c, run->arena, wire_u32(said), wire_u32(sent));
}

static void check_time(struct run *run, int64_t time_ns)
{
    const struct event *event = run->event;
    bool range = event->time_kind == TIME_RANGE || event->time_kind == TIME_RELATIVE_RANGE;
    int64_t slack = run_tolerance(run, run->last_ns, run->start_ns);
    int64_t end = range ? run->end_ns : run->start_ns;
    if (event->time_kind == TIME_ANY ||
        (time_ns >= run->start_ns - slack && time_ns <= end + slack))
        return;
    if (range)
        run_fail(run, event->line, "expected between %.6f and %.6f, but sent at %.6f: %s",
                 seconds(run->start_ns), seconds(end), seconds(time_ns),
                 packet_spec_text(event->packet, run->arena));
    else
        run_fail(run, event->line, "expected at %.6f, but sent at %.6f: %s", seconds(run->start_ns),
                 seconds(time_ns), packet_spec_text(event->packet, run->arena));
}

/* The parts are all here. */
static void judge(struct run *run)
{
    struct gathering *g = &run->gathering;
    const struct event *event = run->event;
    int64_t slack = run_tolerance(run, 0, g->time_ns);
    const char *difference =
        packet_compare(event->packet, &g->view, run->config, slack, run->arena);
    if (difference)
        mismatch(run, difference, &g->view, g->time_ns);
    else
        check_time(run, g->time_ns);
    if (event->time_kind == TIME_ANY)
        run->start_ns = g->time_ns;
    *g = (struct gathering){0};
    run_next(run);
}

/* Adds a packet to those that make the expected one. */
static void gather(struct run *run, struct emitted *emitted)
{
    struct gathering *g = &run->gathering;
    uint32_t expected = run->event->packet->length;
    uint32_t whole = g->view.length + emitted->view.length;
    const char *difference = NULL;
    if (g->parts)
        difference = packet_follows(&g->last, &emitted->view, whole >= expected, run->arena);
    if (difference == NULL && g->parts && whole > expected)
        difference = "the parts are more than was expected";
    g->last = emitted->view;
    g->time_ns = emitted->time_ns;
    if (difference) {
        mismatch(run, difference, &g->last, g->time_ns);
        return;
    }
    struct packet_view first = g->view;
    g->view = g->last;
    if (g->parts++) {
        g->view.seq = first.seq;
        g->view.length = whole;
        g->view.flags = (uint16_t)((g->last.flags & ~WIRE_CWR) | (first.flags & WIRE_CWR));
    }
    if (whole >= expected || run->config->strict_segments || run->event->packet->protocol)
        judge(run);
}

static void missing(struct run *run)
{
    struct gathering *g = &run->gathering;
    const char *spec = packet_spec_text(run->event->packet, run->arena);
    if (g->parts)
        mismatch(run, "only a part of it was sent", &g->view, g->time_ns);
    else if (run->event->time_kind == TIME_ANY)
        run_fail(run, run->event->line, "nothing was sent, expected: %s", spec);
    else
        run_fail(run, run->event->line, "nothing was sent until %.6f, expected at %.6f: %s",
                 seconds(run->now_ns), seconds(run->start_ns), spec);
}

/* Nothing has been sent yet. */
static void look_out(struct run *run, int64_t limit_ns)
{
    int64_t last = run->end_ns > run->start_ns ? run->end_ns : run->start_ns;
    int64_t give_up = last + patience_ns;
    if (run->event->time_kind == TIME_ANY)
        give_up = run->start_ns + 3600 * 1000 * (int64_t)SCRIPT_MS;
    if (run->now_ns >= give_up)
        missing(run);
    else
        run_pass(run, time_min_ns(give_up, limit_ns));
}

void outbound_step(struct run *run, int64_t limit_ns)
{
    struct connection *c = connection_for(run, run->event);
    struct emitted *emitted = c ? take(run, c) : NULL;
    if (run->problem->text)
        return;
    if (emitted == NULL) {
        look_out(run, limit_ns);
        return;
    }
    if (emitted->wrong) {
        run_fail(run, run->event->line, "tern sent a bad packet at %.6f: %s",
                 seconds(emitted->time_ns), emitted->wrong);
        return;
    }
    learn(run, c, &emitted->view);
    check_payload(run, c, &emitted->view);
    connection_to_script(c, &emitted->view);
    gather(run, emitted);
}
