#include "scenario.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "captures.h"
#include "kernel.h"

enum { SCENARIOS_MAX = 250 };

static struct scenario scenarios[SCENARIOS_MAX];
static unsigned scenario_count_so_far;

struct scenario *scenario_open(const struct wish *wish)
{
    static const struct wish nothing_special;
    char subnet[32], capture[CAPTURE_PATH_MAX];
    struct tern_error error;
    if (!wish)
        wish = &nothing_special;
    assert_true(scenario_count_so_far < SCENARIOS_MAX);
    unsigned number = ++scenario_count_so_far;
    struct scenario *s = &scenarios[number - 1];
    snprintf(s->device, sizeof s->device, "tern%u", number);
    snprintf(s->ours, sizeof s->ours, "10.77.%u.3", number);
    snprintf(s->kernels, sizeof s->kernels, "10.77.%u.2", number);
    snprintf(subnet, sizeof subnet, "%s/24", s->ours);
    if (!wish->unwatched)
        captures_add(s->device, wish->explains, wish->fault != NULL, capture);
    struct tern_config config = {.device = s->device,
                                 .address = subnet,
                                 .peer = s->kernels,
                                 .mtu = wish->mtu,
                                 .no_offload = wish->no_offload,
                                 .fault = wish->fault,
                                 .settings = wish->settings,
                                 .capture = wish->unwatched ? NULL : capture};
    s->tern = tern_open(&config, &error);
    if (!s->tern)
        fail_msg("%s", error.text);
    return s;
}

void scenario_break_off(struct scenario *s)
{
    tern_close_stack(s->tern);
    s->tern = NULL;
}

void scenario_close(struct scenario *s)
{
    must(tern_quiesce(s->tern, PATIENCE_NS));
    scenario_break_off(s);
}

struct sockaddr_in scenario_sockaddr(const char *address, uint16_t port)
{
    struct sockaddr_in out = {.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, address, &out.sin_addr), 1);
    return out;
}

uint64_t scenario_count(const struct scenario *s, const char *counter)
{
    uint64_t value = 0;
    must(tern_counter(s->tern, counter, &value));
    return value;
}

uint64_t scenario_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return TIME_S((uint64_t)now.tv_sec) + (uint64_t)now.tv_nsec;
}

uint64_t scenario_deadline_ns(void)
{
    return scenario_now_ns() + PATIENCE_NS;
}

bool scenario_patient(uint64_t deadline_ns)
{
    poll(NULL, 0, 1);
    return scenario_now_ns() < deadline_ns;
}

int scenario_must(long result, const char *call, const char *file, int line)
{
    if (result < 0) {
        print_error("%s: %s\n", call, strerror(errno));
        _fail(file, line);
    }
    return (int)result;
}

int scenario_teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < scenario_count_so_far; i++) {
        if (!scenarios[i].tern)
            continue;
        captures_keep();
        scenario_break_off(&scenarios[i]);
    }
    kernel_restore();
    return 0;
}

int scenario_setup_all(void **state)
{
    (void)state;
    return captures_begin();
}

int scenario_teardown_all(void **state)
{
    (void)state;
    captures_end();
    return 0;
}

/* In a namespace made for this, there is nothing but loopback, and perhaps the tunnels that some
 * kernels put in each, which are down. */
void scenario_need_namespace(void)
{
    struct if_nameindex *interfaces = if_nameindex();
    for (const struct if_nameindex *i = interfaces; i && i->if_index; i++) {
        if (strcmp(i->if_name, "lo") == 0 || strchr(i->if_name, '0'))
            continue;
        printf("there is a device %s: run this in a network namespace of its own, by "
               "scripts/sandbox\n",
               i->if_name);
        exit(77);
    }
    if_freenameindex(interfaces);
}
