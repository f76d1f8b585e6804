#include "core/stack.h"

#include <string.h>

#include "base/list.h"

int stack_init(struct stack *stack, const uint8_t seed[RANDOM_SEED_SIZE], uint64_t now_ns)
{
    memset(stack, 0, sizeof *stack);
    stack->now_ns = now_ns;
    wheel_init(&stack->wheel, now_ns);
    random_seed(&stack->random, seed);
    random_bytes(&stack->random, &stack->hash_key, sizeof stack->hash_key);
    settings_init(&stack->settings);
    return 0;
}

void stack_release(struct stack *stack)
{
    for (unsigned i = 0; i < sizeof stack->protocols / sizeof stack->protocols[0]; i++)
        if (stack->protocols[i].release)
            stack->protocols[i].release(stack);
    for (unsigned i = 0; i < sizeof stack->networks / sizeof stack->networks[0]; i++)
        if (stack->networks[i].release)
            stack->networks[i].release(stack);
}

int stack_set(struct stack *stack, const char *name, const char *value)
{
    stack->path_version++; /* ip.mtu */
    int error = setting_set(&stack->settings, name, value);
    if (error < 0)
        return error;
    for (unsigned i = 0; i < sizeof stack->protocols / sizeof stack->protocols[0]; i++)
        if (stack->protocols[i].configure)
            stack->protocols[i].configure(stack);
    return 0;
}

struct interface *stack_add_interface(struct stack *stack)
{
    if (stack->interface_count == LIMIT_INTERFACES)
        return NULL;
    struct interface *interface = &stack->interfaces[stack->interface_count++];
    interface->stack = stack;
    return interface;
}

/* The machine's time never goes back, whatever its owner's clock does. */
static void set_time(struct stack *stack, uint64_t now_ns)
{
    if (now_ns > stack->now_ns)
        stack->now_ns = now_ns;
}

static enum drop_reason pass_to_network(struct stack *stack, struct interface *interface,
                                        const uint8_t *packet, size_t length,
                                        const struct tern_offload *offload)
{
    if (length == 0)
        return DROP_IP_TRUNCATED;
    const struct network *network = &stack->networks[packet[0] >> 4];
    if (!network->input)
        return DROP_IP_VERSION;
    return network->input(stack, interface, packet, length, offload);
}

enum drop_reason stack_input(struct stack *stack, struct interface *interface, const void *packet,
                             size_t length, const struct tern_offload *offload, uint64_t now_ns)
{
    set_time(stack, now_ns);
    struct iovec span = {.iov_len = length};
    memcpy(&span.iov_base, &packet, sizeof packet); /* iovec has no const; tracers only read */
    stack_trace(stack, TERN_TRACE_IN, &span, 1, offload, NULL, NULL);
    enum drop_reason reason = pass_to_network(stack, interface, packet, length, offload);
    if (reason != DROP_NONE)
        stack_drop(stack, reason, &span, 1, offload);
    return reason;
}

void stack_batch_begin(struct stack *stack)
{
    stack->in_batch = true;
    stack->batch_enough = false;
}

void stack_batch_pause(struct stack *stack)
{
    stack->in_batch = false;
}

void stack_batch_pause_late(struct stack *stack)
{
    stack_batch_pause(stack);
    if (stack->batch_over)
        stack->batch_over(stack, true);
}

void stack_batch_end(struct stack *stack)
{
    stack_batch_pause(stack);
    if (stack->batch_over)
        stack->batch_over(stack, false);
}

void stack_advance(struct stack *stack, uint64_t now_ns)
{
    set_time(stack, now_ns);
    struct timer *timer;
    while ((timer = wheel_expire(&stack->wheel, stack->now_ns))) {
        struct stack_timer *due = container_of(timer, struct stack_timer, timer);
        due->expired(stack, due);
    }
}

uint64_t stack_deadline(const struct stack *stack)
{
    return wheel_deadline(&stack->wheel);
}

void stack_arm(struct stack *stack, struct stack_timer *timer, uint64_t deadline_ns)
{
    wheel_arm(&stack->wheel, &timer->timer, deadline_ns);
}

void stack_cancel(struct stack *stack, struct stack_timer *timer)
{
    wheel_cancel(&stack->wheel, &timer->timer);
}

enum drop_reason stack_drop(struct stack *stack, enum drop_reason reason,
                            const struct iovec *packet, int count,
                            const struct tern_offload *offload)
{
    stack_count(stack, (enum counter)(COUNTER_DROPS + reason));
    const char *clause = drop_clause(reason);
    stack_trace(stack, TERN_TRACE_DROP, packet, count, offload, drop_text(reason),
                *clause ? clause : NULL);
    return reason;
}

void stack_trace(struct stack *stack, enum tern_trace_kind kind, const struct iovec *packet,
                 int count, const struct tern_offload *offload, const char *why, const char *clause)
{
    if (!stack->trace.function)
        return;
    struct tern_trace_event event = {.kind = kind,
                                     .count = count,
                                     .packet = packet,
                                     .offload = offload,
                                     .time_ns = stack->now_ns,
                                     .why = why,
                                     .clause = clause};
    stack->trace.function(stack->trace.user, &event);
}
