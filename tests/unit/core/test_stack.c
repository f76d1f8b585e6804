#include <errno.h>

#include "machine.h"

/* A network that takes everything and notes what it saw. */
static struct {
    unsigned packets;
    enum drop_reason answer;
    uint64_t now_ns;
    unsigned traced_before;
} seen;

static enum drop_reason take(struct stack *stack, struct interface *interface,
                             const uint8_t *packet, size_t length,
                             const struct tern_offload *offload)
{
    (void)offload;
    struct machine *m = interface->link;
    assert_int_equal(packet[0] >> 4, 4);
    assert_int_equal(packet[length - 1], 'z');
    seen.packets++;
    seen.now_ns = stack->now_ns;
    seen.traced_before = m->events[TERN_TRACE_IN];
    return seen.answer;
}

static struct machine *machine_with_network(enum drop_reason answer)
{
    struct machine *m = machine_new(0);
    memset(&seen, 0, sizeof seen);
    seen.answer = answer;
    m->stack.networks[4].input = take;
    return m;
}

static void packet_goes_to_the_network_of_its_version(void **state)
{
    (void)state;
    struct machine *m = machine_with_network(DROP_NONE);
    assert_int_equal(machine_input(m, "Ez", 2), DROP_NONE);
    assert_int_equal(seen.packets, 1);
    assert_int_equal(m->events[TERN_TRACE_IN], 1);
    assert_int_equal(m->events[TERN_TRACE_DROP], 0);
    machine_free(m);
}

static void arrival_is_traced_before_anything_else(void **state)
{
    (void)state;
    struct machine *m = machine_with_network(DROP_NONE);
    assert_int_equal(machine_input(m, "Ez", 2), DROP_NONE);
    assert_int_equal(seen.traced_before, 1);
    machine_free(m);
}

static void version_without_a_network_is_dropped(void **state)
{
    (void)state;
    struct machine *m = machine_with_network(DROP_NONE);
    assert_int_equal(machine_input(m, "ez", 2), DROP_IP_VERSION);
    assert_int_equal(machine_input(m, "\0", 1), DROP_IP_VERSION);
    assert_int_equal(seen.packets, 0);
    machine_free(m);
}

static void empty_packet_is_dropped(void **state)
{
    (void)state;
    struct machine *m = machine_with_network(DROP_NONE);
    assert_int_equal(machine_input(m, "", 0), DROP_IP_TRUNCATED);
    machine_free(m);
}

static void drop_is_counted_and_traced_with_text_and_clause(void **state)
{
    (void)state;
    struct machine *m = machine_with_network(DROP_TCP_PAWS);
    assert_int_equal(machine_input(m, "Ez", 2), DROP_TCP_PAWS);
    assert_int_equal(machine_counter(m, "DropTCP_PAWS"), 1);
    assert_int_equal(m->events[TERN_TRACE_DROP], 1);
    assert_string_equal(m->last_event[TERN_TRACE_DROP].why, drop_text(DROP_TCP_PAWS));
    assert_string_equal(m->last_event[TERN_TRACE_DROP].clause, drop_clause(DROP_TCP_PAWS));
    seen.answer = DROP_NO_MEMORY;
    assert_int_equal(machine_input(m, "Ez", 2), DROP_NO_MEMORY);
    assert_null(m->last_event[TERN_TRACE_DROP].clause);
    machine_free(m);
}

static void time_never_goes_back(void **state)
{
    (void)state;
    struct machine *m = machine_with_network(DROP_NONE);
    stack_input(&m->stack, m->interface, "Ez", 2, NULL, 5000);
    assert_int_equal(seen.now_ns, 5000);
    stack_input(&m->stack, m->interface, "Ez", 2, NULL, 4000);
    assert_int_equal(seen.now_ns, 5000);
    stack_advance(&m->stack, 4500);
    assert_int_equal(m->stack.now_ns, 5000);
    machine_free(m);
}

/* A timer that notes when it ran, and may arm another. */
struct test_timer {
    struct stack_timer timer;
    struct test_timer *arms;
    uint64_t ran_ns;
    unsigned runs;
};

static void note_expiry(struct stack *stack, struct stack_timer *timer)
{
    struct test_timer *t = container_of(timer, struct test_timer, timer);
    t->ran_ns = stack->now_ns;
    t->runs++;
    if (t->arms)
        stack_arm(stack, &t->arms->timer, stack->now_ns);
}

static struct test_timer make_timer(void)
{
    return (struct test_timer){.timer = {.expired = note_expiry}};
}

static void timers_run_when_due_and_not_before(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct test_timer t = make_timer();
    timer_init(&t.timer.timer);
    assert_int_equal(stack_deadline(&m->stack), UINT64_MAX);
    stack_arm(&m->stack, &t.timer, 2000000);
    assert_true(stack_deadline(&m->stack) <= 2000000);
    stack_advance(&m->stack, 1999999);
    assert_int_equal(t.runs, 0);
    stack_advance(&m->stack, 2000000);
    assert_int_equal(t.runs, 1);
    assert_int_equal(t.ran_ns, 2000000);
    assert_int_equal(stack_deadline(&m->stack), UINT64_MAX);
    machine_free(m);
}

static void cancelled_timer_does_not_run(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct test_timer t = make_timer();
    timer_init(&t.timer.timer);
    stack_arm(&m->stack, &t.timer, 2000000);
    stack_cancel(&m->stack, &t.timer);
    stack_advance(&m->stack, 3000000);
    assert_int_equal(t.runs, 0);
    machine_free(m);
}

static void timer_armed_for_now_by_another_runs_in_the_same_advance(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct test_timer second = make_timer(), first = make_timer();
    first.arms = &second;
    timer_init(&first.timer.timer);
    timer_init(&second.timer.timer);
    stack_arm(&m->stack, &first.timer, 2000000);
    stack_advance(&m->stack, 2000000);
    assert_int_equal(second.runs, 1);
    machine_free(m);
}

static void same_seed_gives_the_same_machine(void **state)
{
    (void)state;
    struct machine *a = machine_new(0), *b = machine_new(0);
    assert_memory_equal(&a->stack.hash_key, &b->stack.hash_key, sizeof a->stack.hash_key);
    assert_int_equal(random_u64(&a->stack.random), random_u64(&b->stack.random));
    machine_free(a);
    machine_free(b);
}

/* Security rule 16. */
static void interfaces_are_bounded(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    unsigned count = 1;
    while (count < 100 && stack_add_interface(&m->stack))
        count++;
    assert_int_equal(count, LIMIT_INTERFACES);
    assert_ptr_equal(&m->stack.interfaces[0], m->interface);
    machine_free(m);
}

static unsigned releases;

static struct stack *configured;
static void note_configuration(struct stack *stack)
{
    configured = stack;
}

static void protocols_hear_of_changed_settings(void **state)
{
    (void)state;
    static const uint8_t seed[RANDOM_SEED_SIZE];
    struct stack *stack = calloc(1, sizeof *stack);
    assert_int_equal(stack_init(stack, seed, 0), 0);
    stack->protocols[6].configure = note_configuration;
    assert_int_equal(stack_set(stack, "ip.ttl", "0"), -ERANGE);
    assert_null(configured);
    assert_int_equal(stack_set(stack, "ip.ttl", "9"), 0);
    assert_ptr_equal(configured, stack);
    assert_int_equal(stack->settings.ip_ttl, 9);
    stack_release(stack);
    free(stack);
}

static void note_release(struct stack *stack)
{
    (void)stack;
    releases++;
}

static void release_reaches_protocols_and_networks(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    releases = 0;
    m->stack.protocols[6].release = note_release;
    m->stack.protocols[255].release = note_release;
    m->stack.networks[4].release = note_release;
    machine_free(m);
    assert_int_equal(releases, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packet_goes_to_the_network_of_its_version),
        cmocka_unit_test(arrival_is_traced_before_anything_else),
        cmocka_unit_test(version_without_a_network_is_dropped),
        cmocka_unit_test(empty_packet_is_dropped),
        cmocka_unit_test(drop_is_counted_and_traced_with_text_and_clause),
        cmocka_unit_test(time_never_goes_back),
        cmocka_unit_test(timers_run_when_due_and_not_before),
        cmocka_unit_test(cancelled_timer_does_not_run),
        cmocka_unit_test(timer_armed_for_now_by_another_runs_in_the_same_advance),
        cmocka_unit_test(same_seed_gives_the_same_machine),
        cmocka_unit_test(interfaces_are_bounded),
        cmocka_unit_test(protocols_hear_of_changed_settings),
        cmocka_unit_test(release_reaches_protocols_and_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
