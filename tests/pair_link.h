/* A link with a descriptor, between two machines with threads of their own: each end is one of a
 * pair of SOCK_SEQPACKET sockets of the kernel. When the other end is closed, the
 * link is broken. */
#ifndef TESTS_PAIR_LINK_H
#define TESTS_PAIR_LINK_H

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "link/link.h"

struct pair_link {
    struct link link;
    int descriptor;
    unsigned *asked; /* how often its descriptor was asked for: by who is about to sleep on it */
    int failure;     /* what poll fails with from now on; 0: it does not */
};

static inline int pair_link_send(struct link *link, const struct iovec *spans, int count,
                                 const struct tern_offload *offload, uint64_t now_ns)
{
    struct iovec copies[8];
    struct msghdr message = {.msg_iov = copies, .msg_iovlen = (size_t)count};
    (void)offload, (void)now_ns;
    for (int i = 0; i < count; i++)
        copies[i] = spans[i];
    ssize_t sent =
        sendmsg(((struct pair_link *)link)->descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? -errno : 0;
}

static inline int pair_link_poll(struct link *link, uint64_t now_ns, int budget,
                                 link_deliver *deliver, void *machine)
{
    struct pair_link *pair = (struct pair_link *)link;
    uint8_t packet[65536];
    int delivered = 0;
    while (delivered < budget && !pair->failure) {
        ssize_t got = recv(pair->descriptor, packet, sizeof packet, MSG_DONTWAIT);
        if (got < 0)
            break;
        if (got == 0)
            pair->failure = -EPIPE;
        else
            deliver(machine, packet, (size_t)got, NULL, now_ns);
        delivered++;
    }
    return pair->failure ? pair->failure : delivered;
}

static inline uint64_t pair_link_deadline(const struct link *link)
{
    (void)link;
    return TIME_NEVER;
}

static inline int pair_link_descriptor(const struct link *link)
{
    const struct pair_link *pair = (const struct pair_link *)link;
    ++*pair->asked;
    return pair->descriptor;
}

static inline int pair_link_close(struct link *link)
{
    struct pair_link *pair = (struct pair_link *)link;
    close(pair->descriptor);
    free(pair->asked);
    free(pair);
    return 0;
}

static inline struct link *pair_link_over(int descriptor)
{
    static const struct link_operations operations = {.send = pair_link_send,
                                                      .poll = pair_link_poll,
                                                      .deadline = pair_link_deadline,
                                                      .descriptor = pair_link_descriptor,
                                                      .close = pair_link_close};
    struct pair_link *pair = malloc(sizeof *pair);
    assert_non_null(pair);
    *pair = (struct pair_link){.link = {.operations = &operations, .mtu = 1500},
                               .descriptor = descriptor,
                               .asked = calloc(1, sizeof(unsigned))};
    assert_non_null(pair->asked);
    return &pair->link;
}

#endif
