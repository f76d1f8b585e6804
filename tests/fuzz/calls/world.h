/* What the fuzzer of calls plays in: two stacks joined by a link that loses, reorders, repeats and
 * spoils packets, in virtual time, and a program of random choices that two careless users and a
 * forger of packets make. */
#ifndef TESTS_FUZZ_CALLS_WORLD_H
#define TESTS_FUZZ_CALLS_WORLD_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <tern/tern.h>

#include "base/bytes.h"
#include "base/time.h"

enum {
    NUMBERS = 64, /* descriptors whose spans are kept */
    SEEN = 16,    /* packets to each end that the forger remembers */
    SEEN_MOST = 1600,
    DEPTH_MOST = 3,  /* calls within calls: from watches and while others wait */
    BUFFER = 200000, /* bytes that are received into */
};

#define GROUP 0xef010203u /* 239.1.2.3, and the one after it */

struct flight {
    struct flight *next;
    uint64_t at_ns;
    struct tern_offload offload;
    size_t length;
    uint8_t bytes[];
};

struct end {
    struct world *world;
    int index;
    struct tern *t;
    struct flight *first, **last; /* on their way to it */
    struct {
        size_t length;
        uint8_t bytes[SEEN_MOST];
    } seen[SEEN];
    unsigned seen_count;
    /* Spans that are the user's to write to and to read: they must be valid until the calls that
     * tern.h names. */
    struct iovec reserved[NUMBERS][2], shown[NUMBERS][2];
};

struct world {
    struct cursor program;
    uint64_t now_ns;
    struct end ends[2]; /* 10.0.0.1 and 10.0.0.2 */
    int depth;
    unsigned waits, sent; /* in this step */
    unsigned loss, spoil; /* percent */
    unsigned forges;      /* one in so many steps forges a packet; 0: none */
    unsigned fails;       /* one in so many steps runs out of memory; 0: none */
    unsigned calls_back; /* one in so many packets is sent by who makes calls from there; 0: none */
    int file, pipe[2];
};

/* ── Choices ── */

static inline bool program_over(const struct world *w)
{
    return cursor_left(&w->program) == 0;
}

/* 0 to n - 1. */
static inline uint32_t pick(struct world *w, uint32_t n)
{
    uint32_t value = n <= 256     ? cursor_u8(&w->program)
                     : n <= 65536 ? cursor_u16(&w->program)
                                  : cursor_u32(&w->program);
    return value % n;
}

/* Once in n times. */
static inline bool once_in(struct world *w, uint32_t n)
{
    return pick(w, n) == n - 1;
}

#define CHOOSE(w, array) ((array)[pick(w, sizeof(array) / sizeof(array)[0])])

/* A descriptor, most often one that there is. */
int pick_socket(struct world *w);
/* Mostly small. */
size_t pick_length(struct world *w);
int pick_flags(struct world *w);
/* An address, most often of a place where somebody may listen. Its length may be wrong. */
socklen_t pick_address(struct world *w, const struct end *from, struct sockaddr_in *out);

/* ── The world ── */

void world_open(struct world *w, const uint8_t *program, size_t length);
void world_run(struct world *w);
/* Closes everything; nothing may be left of it. */
void world_close(struct world *w);
/* One random call, or a forged packet. */
void world_step(struct world *w);

/* The spans of a socket are the user's no more. */
void forget_reserved(struct end *end, int socket);
void forget_shown(struct end *end, int socket);

/* Hands `end` a packet of exactly this size; `offload` may be NULL. */
void world_deliver(struct end *end, const uint8_t *bytes, size_t length,
                   const struct tern_offload *offload);

/* ── What may happen: each makes one call ── */

typedef void action(struct world *w, struct end *end, int socket);

extern uint8_t in_buffer[BUFFER];

action open_something, bind_something, listen_somewhere, connect_somewhere, accept_something,
    shut_something, close_something; /* open.c */
action send_something, receive_something, send_message, receive_message, reserve_room, commit_room,
    show_text, consume_text, send_a_file;                                        /* data.c */
action make_epoll, control_epoll, wait_epoll, poll_some, watch_something, drive; /* ready.c */
action set_an_option, get_an_option, ask_something, set_a_setting, join_a_group; /* option.c */
action forge_a_packet;                                                           /* forge.c */

#endif
