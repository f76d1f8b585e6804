#include "script/call.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The longest that a call waits which was not allowed to wait at all. */
static const int64_t unasked_wait_ns = 300 * (int64_t)1000000000;

struct call_kind {
    const char *name;
    call_function *function;
    size_t arguments;     /* at least */
    size_t arguments_max; /* at most */
    bool descriptor;      /* returns one, with any number */
};

static const struct call_kind kinds[] = {
    {"socket", call_socket, 3, 3, true},
    {"bind", call_bind, 3, 3, false},
    {"listen", call_listen, 2, 2, false},
    {"accept", call_accept, 3, 3, true},
    {"accept4", call_accept4, 4, 4, true},
    {"connect", call_connect, 3, 3, false},
    {"close", call_close, 1, 1, false},
    {"shutdown", call_shutdown, 2, 2, false},
    {"read", call_read, 3, 3, false},
    {"readv", call_readv, 3, 3, false},
    {"recv", call_recv, 4, 4, false},
    {"recvfrom", call_recvfrom, 6, 6, false},
    {"recvmsg", call_recvmsg, 3, 3, false},
    {"write", call_write, 3, 3, false},
    {"writev", call_writev, 3, 3, false},
    {"send", call_send, 4, 4, false},
    {"sendto", call_sendto, 6, 6, false},
    {"sendmsg", call_sendmsg, 3, 3, false},
    {"fcntl", call_fcntl, 2, 3, false},
    {"ioctl", call_ioctl, 2, 3, false},
    {"poll", call_poll, 3, 3, false},
    {"getsockopt", call_getsockopt, 5, 5, false},
    {"setsockopt", call_setsockopt, 5, 5, false},
};

/* ── Arguments ── */

void call_fail(struct call *call, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *text = arena_vformat(call->run->arena, format, arguments);
    va_end(arguments);
    run_fail(call->run, call->line, "%s: %s", call->spec->name, text);
}

bool call_failed(const struct call *call)
{
    return call->run->problem->text != NULL;
}

const struct expression *call_argument(struct call *call, size_t index)
{
    static const struct expression nothing = {.kind = EXPRESSION_ELLIPSIS};
    const struct expression *e = expression_at(call->spec->arguments, index);
    if (e == NULL)
        call_fail(call, "argument %zu is missing", index + 1);
    return e ? e : &nothing;
}

int64_t call_integer(struct call *call, size_t index)
{
    return expression_integer(call_argument(call, index), call->run->problem);
}

int64_t call_bracketed(struct call *call, size_t index)
{
    const struct expression *e = call_argument(call, index);
    if (e->kind != EXPRESSION_LIST || e->count != 1) {
        call_fail(call, "argument %zu must be a number in brackets", index + 1);
        return 0;
    }
    return expression_integer(e->first, call->run->problem);
}

struct connection *call_connection(struct call *call, size_t index)
{
    int fd = (int)call_integer(call, index);
    struct connection *c = connection_by_fd(call->run, fd);
    if (c == NULL)
        call_fail(call, "the script has no descriptor %d", fd);
    return c;
}

uint8_t *call_buffer(struct call *call, size_t index, size_t size)
{
    const struct expression *e = call_argument(call, index);
    if (expression_is_ellipsis(e))
        return arena_take(call->run->arena, size + 1);
    if (expression_integer(e, call->run->problem) != 0)
        call_fail(call, "argument %zu must be ... or 0", index + 1);
    return NULL;
}

static uint8_t unescape(const char **at)
{
    char c = *(*at)++;
    char digits[3] = {0};
    switch (c) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case '0':
        return 0;
    case 'x':
        for (int i = 0; i < 2 && isxdigit((unsigned char)**at); i++)
            digits[i] = *(*at)++;
        return (uint8_t)strtoul(digits, NULL, 16);
    default:
        return (uint8_t)c;
    }
}

uint8_t *call_bytes(struct call *call, const struct expression *string, size_t *length)
{
    uint8_t *bytes = arena_take(call->run->arena, strlen(string->text) + 1);
    *length = 0;
    for (const char *c = string->text; *c;) {
        bool escaped = *c == '\\' && c[1];
        c += escaped;
        bytes[(*length)++] = escaped ? unescape(&c) : (uint8_t)*c++;
    }
    return bytes;
}

int64_t call_return(struct call *call, int64_t result)
{
    call->error = result < 0 ? errno : 0;
    return result;
}

/* ── Waiting ── */

/* A call that blocks, and should not, is alone in the world: nothing happens but what the stack's
 * own clock brings. */
static int wait_unasked(struct call *call, int64_t deadline_ns)
{
    struct run *run = call->run;
    int64_t give_up = call->start_ns + unasked_wait_ns;
    call->waited = true;
    if (run->now_ns >= give_up) {
        call_fail(call, "it blocks, although the script gives it no time (as ...0.2 would)");
        return -EINTR;
    }
    run_pass(run, time_min_ns(deadline_ns, give_up));
    return 0;
}

int call_meanwhile(struct run *run, int64_t deadline_ns)
{
    struct call *call = run->call;
    if (run->problem->text || call == NULL)
        return -EINTR;
    if (deadline_ns <= run->now_ns) { /* the stack has something to do at this very moment */
        run_pass(run, deadline_ns);
        return 0;
    }
    if (!call->spec->has_end)
        return wait_unasked(call, deadline_ns);
    run_step(run, deadline_ns);
    return run->problem->text ? -EINTR : 0;
}

void call_await(struct run *run, int64_t limit_ns)
{
    struct call *call = run->call;
    int64_t last = call->end_ns + run_tolerance(run, call->start_ns, call->end_ns);
    if (run->now_ns >= last)
        call_fail(call, "it should have returned by %.6f, but blocks still", seconds(call->end_ns));
    else
        run_pass(run, time_min_ns(last, limit_ns));
}

/* ── The frame ── */

static void check_result(struct call *call, const struct call_kind *kind, int64_t result)
{
    const struct call_spec *spec = call->spec;
    struct run *run = call->run;
    int64_t expected = expression_integer(spec->result, run->problem);
    bool good = kind->descriptor && expected >= 0 ? result >= 0 : result == expected;
    const char *waited = call->waited ? ", after it had blocked" : "";
    if (!good && result < 0)
        call_fail(call, "expected %lld, but it returned -1 %s%s", (long long)expected,
                  symbol_errno(call->error), waited);
    else if (!good)
        call_fail(call, "expected %lld, but it returned %lld%s", (long long)expected,
                  (long long)result, waited);
    int64_t error = 0;
    if (spec->error && !symbol_find(spec->error, &error))
        call_fail(call, "unknown error %s", spec->error);
    else if (spec->error && error != call->error)
        call_fail(call, "expected %s, but it says %s%s", spec->error, symbol_errno(call->error),
                  waited);
}

static void check_end(struct call *call)
{
    const struct run *run = call->run;
    int64_t off = run->now_ns - call->end_ns;
    if (llabs(off) > run_tolerance(run, call->start_ns, call->end_ns))
        call_fail(call, "it was to return at %.6f, but did at %.6f", seconds(call->end_ns),
                  seconds(run->now_ns));
}

static const struct call_kind *kind_of(struct call *call)
{
    size_t count = call->spec->arguments->count;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, call->spec->name) != 0)
            continue;
        if (count >= kinds[i].arguments && count <= kinds[i].arguments_max)
            return &kinds[i];
        call_fail(call, "it has %zu arguments", count);
        return NULL;
    }
    call_fail(call, "there is no such call here");
    return NULL;
}

void call_perform(struct run *run, const struct event *event)
{
    const struct call_spec *spec = event->call;
    struct call call = {.run = run, .spec = spec, .line = event->line, .start_ns = run->now_ns};
    bool relative = event->time_kind == TIME_RELATIVE;
    /* Both times count from the same moment. */
    call.end_ns = spec->end_ns + (relative ? run->last_ns - event->start_ns : 0);
    const struct call_kind *kind = kind_of(&call);
    if (kind == NULL)
        return;
    run->call = &call;
    int64_t result = kind->function(&call);
    run->call = NULL;
    if (!call_failed(&call))
        check_result(&call, kind, result);
    if (spec->has_end && !call_failed(&call))
        check_end(&call);
}
