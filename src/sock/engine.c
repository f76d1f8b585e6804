/* The engine door: a stack whose host is the caller, who brings packets, time and the loop.
 *
 * Between enter and leave the machine is busy, and calls that come from within its own callbacks
 * are refused; a wait gives it away, so that the caller's `wait` can feed it. A call from within
 * `wait` that has to wait is on a stack that cannot: `wait` is not called within itself. */
#include <errno.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/time.h"
#include "core/drop.h"
#include "sock/call.h"
#include "sock/host.h"
#include "sock/tern.h"

struct engine {
    struct sock_host host;
    struct tern *t;
    int (*output)(void *user, const struct iovec *packet, int count,
                  const struct tern_offload *offload);
    int (*wait)(void *user, uint64_t deadline_ns);
    void *user;
    bool busy;
    bool waiting; /* `wait` is being called */
    int cancel;   /* what leave() goes back to */
};

static struct engine *engine_of(struct sock_host *host)
{
    return container_of(host, struct engine, host);
}

/* Time is what the caller last said it was. What its functions do is no cancellation point: nobody
 * would go on with the call that they are called by. */
static int engine_enter(struct sock_host *host)
{
    struct engine *engine = engine_of(host);
    if (engine->busy)
        return -EBUSY;
    engine->cancel = call_cancel_off();
    engine->busy = true;
    return 0;
}

/* Time is the caller's to tell, and so is what arrives. */
static void engine_catch_up(struct sock_host *host)
{
    (void)host;
}

static void engine_leave(struct sock_host *host)
{
    struct engine *engine = engine_of(host);
    engine->busy = false;
    call_cancel_back(engine->cancel);
}

static int engine_wait(struct sock_host *host, struct sock_waiter *waiter, uint64_t deadline_ns)
{
    struct engine *engine = engine_of(host);
    const struct stack *stack = &engine->t->stack;
    if (engine->wait == NULL || engine->waiting)
        return -EAGAIN;
    if (!waiter->woken) {
        const int cancel = engine->cancel; /* which each call from within writes */
        engine->busy = false;
        engine->waiting = true;
        int error = engine->wait(engine->user, time_min(deadline_ns, stack_deadline(stack)));
        engine->waiting = false;
        engine->busy = true;
        engine->cancel = cancel;
        if (error < 0)
            return error;
    }
    bool woken = waiter->woken;
    waiter->woken = false;
    return !woken && stack->now_ns >= deadline_ns ? -ETIMEDOUT : 0;
}

static void engine_wake(struct sock_host *host, struct sock_waiter *waiter)
{
    (void)host;
    waiter->woken = true;
}

/* Who brings the loop knows what it waits for. */
static int engine_descriptor(struct sock_host *host)
{
    (void)host;
    return -EOPNOTSUPP;
}

static void engine_announce(struct sock_host *host, bool on)
{
    (void)host;
    (void)on;
}

static uint64_t engine_epoch(struct sock_host *host)
{
    (void)host;
    return 0;
}

/* Busy to the end, so that callbacks of what still leaves are refused as ever. */
static int engine_stop(struct sock_host *host)
{
    engine_of(host)->busy = true;
    return 0;
}

static int engine_release(struct sock_host *host)
{
    free(engine_of(host));
    return 0;
}

/* Packets come when the user brings them. */
static bool engine_look(struct sock_host *host)
{
    (void)host;
    return false;
}

/* Nobody knows whether the user comes back. */
static uint64_t engine_may_put_off(struct sock_host *host)
{
    (void)host;
    return 0;
}

static const struct sock_host_operations engine_operations = {
    .enter = engine_enter,
    .catch_up = engine_catch_up,
    .leave = engine_leave,
    .wait = engine_wait,
    .look = engine_look,
    .look_back = engine_look, /* however long it looks: none comes meanwhile */
    .may_put_off = engine_may_put_off,
    .wake = engine_wake,
    .descriptor = engine_descriptor,
    .announce = engine_announce,
    .epoch = engine_epoch,
    .stop = engine_stop,
    .release = engine_release,
};

static int engine_transmit(void *link, const struct iovec *spans, int count,
                           const struct tern_offload *offload)
{
    struct engine *engine = link;
    return engine->output(engine->user, spans, count, offload);
}

enum {
    KNOWN_FEATURES = TERN_LINK_CHECKSUM | TERN_LINK_TSO | TERN_LINK_TSO_CWR | TERN_LINK_USO,
};

static int engine_create(const struct tern_engine_config *config, struct tern **out,
                         struct tern_error *error)
{
    if (config == NULL || config->seed == NULL || config->output == NULL)
        return tern_error_set(error, EINVAL, "an engine needs a seed and an output");
    if (config->link_features & ~(uint32_t)KNOWN_FEATURES)
        return tern_error_set(error, EINVAL,
                              "link_features has 0x%x, which this version does not know",
                              config->link_features & ~(uint32_t)KNOWN_FEATURES);
    struct engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL)
        return tern_error_set(error, ENOMEM, "out of memory");
    engine->host.operations = &engine_operations;
    engine->output = config->output;
    engine->wait = config->wait;
    engine->user = config->user;
    struct tern_parameters parameters = {
        .seed = config->seed,
        .now_ns = config->now_ns,
        .address = config->address,
        .mtu = config->mtu ? config->mtu : 1500,
        .link_features = config->link_features,
        .super_packet_max = LIMIT_SUPER_PACKET,
        .transmit = engine_transmit,
        .link = engine,
        .settings = config->settings,
        .trace = config->trace,
        .trace_user = config->trace_user,
        .host = &engine->host,
    };
    int result = tern_create(&parameters, &engine->t, error);
    if (result < 0)
        free(engine);
    else
        *out = engine->t;
    return result;
}

struct tern *tern_engine_new(const struct tern_engine_config *config, struct tern_error *error)
{
    struct tern *t = NULL;
    int result = engine_create(config, &t, error);
    if (result == 0)
        return t;
    errno = -result;
    return NULL;
}

static bool is_engine(const struct tern *t)
{
    return t->host->operations == &engine_operations;
}

const char *tern_input(struct tern *t, const void *packet, size_t length,
                       const struct tern_offload *offload, uint64_t now_ns)
{
    if (!is_engine(t))
        return "this stack has a device of its own";
    if (packet == NULL)
        return "there is no packet: NULL";
    if (engine_enter(t->host) < 0)
        return "called from within the stack";
    stack_advance(&t->stack, now_ns);
    enum drop_reason reason = stack_input(&t->stack, t->interface, packet, length, offload, now_ns);
    engine_leave(t->host);
    return reason == DROP_NONE ? NULL : drop_text(reason);
}

void tern_advance(struct tern *t, uint64_t now_ns)
{
    if (!is_engine(t) || engine_enter(t->host) < 0)
        return;
    stack_advance(&t->stack, now_ns);
    engine_leave(t->host);
}

uint64_t tern_deadline(struct tern *t)
{
    if (!is_engine(t))
        return TIME_NEVER;
    /* The call that is under way may make anything due. */
    return container_of(t->host, struct engine, host)->busy ? 0 : stack_deadline(&t->stack);
}
