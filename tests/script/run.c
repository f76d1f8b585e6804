#include "script/run.h"

#include <errno.h>
#include <string.h>

#include "script/wire.h"

/* What the engine's clock shows when the script's shows 0. */
static const int64_t clock_offset_ns = 1000 * (int64_t)1000000000;

/* As many things as may be due at one moment before we believe that it never ends. */
enum { SAME_MOMENT_MAX = 10000 };

int64_t time_min_ns(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

double seconds(int64_t time_ns)
{
    return (double)time_ns / 1e9;
}

void run_fail(struct run *run, int line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    problem_set(run->problem, line, "%s", arena_vformat(run->arena, format, arguments));
    va_end(arguments);
}

void run_remember(struct run *run, const char *direction, const char *text, const char *note)
{
    struct moment *moment = arena_take(run->arena, sizeof *moment);
    moment->last = run->moments;
    moment->time_ns = run->now_ns;
    moment->text = arena_format(run->arena, "%s %s%s%s", direction, text, note ? "  // " : "",
                                note ? note : "");
    run->moments = moment;
    if (run->config->verbose)
        printf("%10.6f %s\n", seconds(moment->time_ns), moment->text);
}

/* ── Time ── */

static int64_t due_ns(const struct run *run)
{
    uint64_t due = tern_deadline(run->tern);
    return due > INT64_MAX ? INT64_MAX : (int64_t)due - clock_offset_ns;
}

uint64_t run_clock(const struct run *run)
{
    return (uint64_t)(run->now_ns + clock_offset_ns);
}

void run_pass(struct run *run, int64_t until_ns)
{
    int64_t to = time_min_ns(until_ns, due_ns(run));
    if (to > run->now_ns)
        run->now_ns = to;
    for (int i = 0; i < SAME_MOMENT_MAX; i++) {
        tern_advance(run->tern, run_clock(run));
        if (due_ns(run) > run->now_ns)
            return;
    }
    run_fail(run, run->event ? run->event->line : 0,
             "at %.6f the stack has something due at once, again and again", seconds(run->now_ns));
}

int64_t run_tolerance(const struct run *run, int64_t since_ns, int64_t at_ns)
{
    double part = run->config->tolerance_percent / 100 * (double)(at_ns - since_ns);
    int64_t least = run->config->tolerance_ns;
    return part > (double)least ? (int64_t)part : least;
}

/* ── Events ── */

static bool is_injection(const struct event *event)
{
    return event && event->kind == EVENT_PACKET && !event->packet->outbound;
}

/* Relative times count from now; but injected packets that follow one another count from when the
 * one before was to be. */
static void begin(struct run *run)
{
    const struct event *event = run->event;
    int64_t anchor = 0;
    if (event->time_kind != TIME_ABSOLUTE && event->time_kind != TIME_RANGE)
        anchor = is_injection(event) && is_injection(run->last) ? run->last_ns : run->now_ns;
    run->start_ns = event->start_ns + anchor;
    run->end_ns = event->end_ns + anchor;
    run->begun = true;
}

void run_next(struct run *run)
{
    run->last = run->event;
    run->last_ns = run->start_ns;
    run->event = run->event->next;
    run->begun = false;
}

/* Only a call that blocked unasked, or for longer than it should, makes an event late. */
static void check_late(struct run *run)
{
    if (run->now_ns - run->start_ns > run_tolerance(run, run->last_ns, run->start_ns))
        run_fail(run, run->event->line, "this was to happen at %.6f, but it is %.6f already",
                 seconds(run->start_ns), seconds(run->now_ns));
}

static void perform(struct run *run)
{
    const struct event *event = run->event;
    check_late(run);
    if (run->problem->text)
        return;
    switch (event->kind) {
    case EVENT_PACKET:
        inbound_perform(run, event);
        run_next(run);
        break;
    case EVENT_CALL:
        run_next(run); /* what comes next may have to happen while the call waits */
        call_perform(run, event);
        break;
    case EVENT_COMMAND:
        command_perform(run, event->text, event->line);
        run_next(run);
        break;
    case EVENT_CODE:
        code_perform(run, event->text, event->line);
        run_next(run);
        break;
    }
}

void run_step(struct run *run, int64_t limit_ns)
{
    if (run->event == NULL) {
        call_await(run, limit_ns);
        return;
    }
    if (!run->begun)
        begin(run);
    if (run->event->kind == EVENT_PACKET && run->event->packet->outbound)
        outbound_step(run, limit_ns);
    else if (run->now_ns < run->start_ns)
        run_pass(run, time_min_ns(run->start_ns, limit_ns));
    else if (run->event->kind == EVENT_CALL && run->call)
        call_await(run, limit_ns);
    else
        perform(run);
}

/* ── The engine ── */

/* As the script would write it, as far as its numbers are known by now. */
static const char *emitted_text(const struct run *run, const struct packet_view *view)
{
    struct packet_view copy = *view;
    struct connection *c = run->under_test;
    if (c && view->protocol == WIRE_TCP && view->source_port == c->local_port &&
        view->destination_port == c->remote_port)
        connection_to_script(c, &copy);
    if (view->flags & WIRE_SYN)
        copy.seq = c ? c->script_isn : 0;
    return packet_text(&copy, run->arena);
}

static int on_output(void *user, const struct iovec *spans, int count,
                     const struct tern_offload *offload)
{
    struct run *run = user;
    uint8_t bytes[65535];
    size_t length = 0;
    (void)offload;
    for (int i = 0; i < count; i++) {
        if (length + spans[i].iov_len > sizeof bytes)
            return -EMSGSIZE;
        if (spans[i].iov_len)
            memcpy(bytes + length, spans[i].iov_base, spans[i].iov_len);
        length += spans[i].iov_len;
    }
    if (run->ended)
        return 0;
    struct emitted *emitted = arena_take(run->arena, sizeof *emitted);
    const uint8_t *kept = (const uint8_t *)arena_text(run->arena, (const char *)bytes, length);
    emitted->time_ns = run->now_ns;
    emitted->wrong = packet_read(kept, length, &emitted->view);
    emitted->why = run->why;
    run->why = NULL;
    *run->emitted_tail = emitted;
    run->emitted_tail = &emitted->next;
    run_remember(run, ">", emitted_text(run, &emitted->view), emitted->why);
    return 0;
}

static int on_wait(void *user, uint64_t deadline_ns)
{
    int64_t never = INT64_MAX - clock_offset_ns;
    bool ever = deadline_ns < (uint64_t)INT64_MAX;
    return call_meanwhile(user, ever ? (int64_t)deadline_ns - clock_offset_ns : never);
}

static void on_trace(void *user, const struct tern_trace_event *event)
{
    struct run *run = user;
    if (run->ended)
        return;
    if (event->kind == TERN_TRACE_OUT)
        run->why = event->why;
    else if (event->kind == TERN_TRACE_DROP || event->kind == TERN_TRACE_NOTE)
        run_remember(run, event->kind == TERN_TRACE_DROP ? "  dropped:" : "  note:",
                     event->why ? event->why : "", event->clause);
}

static struct tern *engine_new(struct run *run)
{
    const struct config *config = run->config;
    uint8_t seed[32] = {0};
    for (size_t i = 0; i < sizeof seed; i++)
        seed[i] = (uint8_t)(config->seed >> i % 8 * 8);
    const char *address =
        arena_format(run->arena, "%s/%u", config->local_ip, (unsigned)config->prefix_length);
    struct tern_engine_config engine = {
        .seed = seed,
        .now_ns = (uint64_t)clock_offset_ns,
        .address = address,
        .mtu = config->mtu,
        .output = on_output,
        .wait = on_wait,
        .user = run,
        .trace = on_trace,
        .trace_user = run,
    };
    struct tern_error error;
    struct tern *t = tern_engine_new(&engine, &error);
    if (t == NULL)
        run_fail(run, 0, "no engine: %s", error.text);
    return t;
}

/* ── The play ── */

/* What nobody asked for, of the connection under test, or of none known. */
static void check_leftover(struct run *run)
{
    struct emitted *first = NULL;
    int count = 0;
    for (struct emitted *e = run->emitted; e; e = e->next) {
        struct connection *c = run->connections;
        while (c && !connection_owns(c, &e->view, NULL))
            c = c->next;
        if (c && c != run->under_test)
            continue;
        first = first ? first : e;
        count++;
    }
    if (first && !run->config->leftover_any)
        run_fail(run, run->last ? run->last->line : 0,
                 "the script ends, but tern has sent %d more; the first, at %.6f:\n    > %s", count,
                 seconds(first->time_ns), emitted_text(run, &first->view));
}

static void play(struct run *run, const struct script *script)
{
    for (const struct setting_choice *s = run->config->settings; s; s = s->next)
        command_set(run, s->name, s->value, 0);
    if (script->first_command)
        command_perform(run, script->first_command, script->first_command_line);
    while (!run->problem->text && run->event)
        run_step(run, INT64_MAX);
    if (!run->problem->text)
        check_leftover(run);
}

bool run_script(const struct script *script, const struct config *config, const char *path,
                struct problem *problem)
{
    struct run run = {
        .arena = problem->arena,
        .problem = problem,
        .config = config,
        .path = path,
        .event = script->events,
        .next_port = 49152,
    };
    run.emitted_tail = &run.emitted;
    run.tern = engine_new(&run);
    if (run.tern == NULL)
        return false;
    play(&run, script);
    if (problem->text)
        run_explain(&run);
    run.ended = true;
    tern_close_stack(run.tern);
    return problem->text == NULL;
}
