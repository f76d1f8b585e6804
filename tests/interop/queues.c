#include "queues.h"

#include <stdio.h>

void queues_open(struct queues *queues, unsigned count, bool no_offload)
{
    static unsigned devices;
    struct scenario *place = &queues->place;
    char subnet[32];
    struct tern_error error;
    unsigned number = ++devices;
    *queues = (struct queues){.count = count};
    snprintf(place->device, sizeof place->device, "queues0%u", number);
    snprintf(place->ours, sizeof place->ours, "10.78.%u.3", number);
    snprintf(place->kernels, sizeof place->kernels, "10.78.%u.2", number);
    snprintf(subnet, sizeof subnet, "%s/24", place->ours);
    struct tern_config config = {.device = place->device,
                                 .address = subnet,
                                 .peer = place->kernels,
                                 .no_offload = no_offload};
    if (tern_open_queues(&config, count, queues->stacks, &error) < 0)
        fail_msg("%s", error.text);
}

void queues_close(struct queues *queues)
{
    for (unsigned i = 0; i < queues->count; i++)
        tern_close_stack(queues->stacks[i]);
    *queues = (struct queues){0};
}

uint64_t queues_counter(const struct queues *queues, const char *counter)
{
    uint64_t sum = 0, value;
    for (unsigned i = 0; i < queues->count; i++) {
        must(tern_counter(queues->stacks[i], counter, &value));
        sum += value;
    }
    return sum;
}

void queues_patient(struct tern *tern, int socket)
{
    static const struct timeval patience = {.tv_sec = PATIENCE_S};
    must(tern_setsockopt(tern, socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
}
