/* What stands above a link in the tests of links: it keeps a copy of every packet delivered, and
 * can be asked to refuse some, or to answer. */
#ifndef TESTS_LINK_MACHINE_H
#define TESTS_LINK_MACHINE_H

#include <stdint.h>
#include <string.h>

#include "link/link.h"

enum { LINK_MACHINE_PACKETS = 4096, LINK_MACHINE_BYTES = 1 << 22 };

struct link_machine_packet {
    uint64_t time_ns;
    size_t start, length; /* in bytes[] */
    struct tern_offload offload;
};

struct link_machine {
    struct link *answer_on; /* NULL: never answers */
    enum drop_reason verdict;
    int count;
    size_t used;
    struct link_machine_packet packets[LINK_MACHINE_PACKETS];
    uint8_t bytes[LINK_MACHINE_BYTES];
};

static inline enum drop_reason link_machine_deliver(void *user, const void *packet, size_t length,
                                                    const struct tern_offload *offload,
                                                    uint64_t now_ns)
{
    struct link_machine *machine = user;
    assert_true(machine->count < LINK_MACHINE_PACKETS);
    assert_true(length <= LINK_MACHINE_BYTES - machine->used);
    struct link_machine_packet *kept = &machine->packets[machine->count++];
    *kept =
        (struct link_machine_packet){.time_ns = now_ns, .start = machine->used, .length = length};
    if (offload)
        kept->offload = *offload;
    if (length > 0)
        memcpy(machine->bytes + kept->start, packet, length);
    machine->used += length;
    if (machine->answer_on) {
        struct iovec span = {.iov_base = (char[]){'o', 'k'}, .iov_len = 2};
        assert_int_equal(link_send(machine->answer_on, &span, 1, NULL, now_ns), 0);
    }
    return machine->verdict;
}

static inline const uint8_t *link_machine_bytes(const struct link_machine *machine, int index)
{
    assert_in_range(index, 0, machine->count - 1);
    return machine->bytes + machine->packets[index].start;
}

static inline int link_machine_poll(struct link_machine *machine, struct link *link,
                                    uint64_t now_ns)
{
    return link_poll(link, now_ns, 1 << 20, link_machine_deliver, machine);
}

static inline int link_send_bytes(struct link *link, const void *bytes, size_t length,
                                  uint64_t now_ns)
{
    struct iovec span = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
    return link_send(link, &span, 1, NULL, now_ns);
}

#endif
