/* Bytes and datagrams, both ways. */
#include "base/limits.h"
#include "fuzz/calls/world.h"

enum { MUCH = 3 * LIMIT_LENT_BYTES };

/* Now and then so much that a stream sends it from where it is. */
static size_t pick_written(struct world *w)
{
    return once_in(w, 6) ? LIMIT_LENT_BYTES / 2 + pick(w, 2 * LIMIT_LENT_BYTES) : pick_length(w);
}

/* A writer's memory is its own, and gone when the call has returned, for ASan. */
void send_something(struct world *w, struct end *end, int socket)
{
    struct sockaddr_in address;
    size_t size = pick_written(w);
    uint8_t *bytes = calloc(size ? size : 1, 1);
    forget_shown(end, socket); /* MSG_FASTOPEN connects */
    if (!bytes)
        return;
    if (pick(w, 2)) {
        tern_send(end->t, socket, bytes, size, pick_flags(w));
    } else {
        socklen_t length = pick_address(w, end, &address);
        tern_sendto(end->t, socket, bytes, size, pick_flags(w), (struct sockaddr *)&address,
                    length);
    }
    free(bytes);
}

void receive_something(struct world *w, struct end *end, int socket)
{
    struct sockaddr_in address;
    socklen_t length = pick(w, 40);
    forget_shown(end, socket);
    tern_recvfrom(end->t, socket, in_buffer, pick_length(w), pick_flags(w),
                  pick(w, 2) ? (struct sockaddr *)&address : NULL, &length);
}

static int pick_spans(struct world *w, uint8_t *buffer, struct iovec spans[5])
{
    int count = (int)pick(w, 6) % 5;
    for (int i = 0; i < count; i++)
        spans[i] = (struct iovec){buffer + pick(w, 1000), pick_length(w) / 2};
    return count;
}

/* Control messages of known kinds, of right and wrong lengths, and with random contents. */
static size_t pick_controls(struct world *w, uint8_t *room, size_t size)
{
    static const int kinds[][2] = {{SOL_SOCKET, SO_TIMESTAMPING}, {IPPROTO_IP, IP_TTL},
                                   {IPPROTO_IP, IP_TOS},          {IPPROTO_IP, IP_PKTINFO},
                                   {SOL_SOCKET, SCM_RIGHTS},      {IPPROTO_UDP, 103}};
    static const size_t lengths[] = {4, 4, 12, 1, 0, 16, 2};
    size_t at = 0;
    memset(room, 0, size);
    for (uint32_t left = pick(w, 4); left > 0; left--) {
        const int *kind = CHOOSE(w, kinds);
        size_t length = kind[1] == IP_PKTINFO ? 12 : CHOOSE(w, lengths);
        if (at + CMSG_SPACE(length) > size)
            break;
        struct cmsghdr header = {.cmsg_len = once_in(w, 20) ? pick(w, 64) : CMSG_LEN(length),
                                 .cmsg_level = kind[0],
                                 .cmsg_type = kind[1]};
        memcpy(room + at, &header, sizeof header);
        for (size_t i = 0; i < length; i++)
            room[at + CMSG_LEN(0) + i] = pick(w, 2) ? 0 : (uint8_t)pick(w, 256);
        at += CMSG_SPACE(length);
    }
    return once_in(w, 20) ? pick(w, 256) % (at + 1) : at;
}

/* Of its own as well; and what follows in memory may be what follows in the message. */
static size_t pick_written_spans(struct world *w, uint8_t *memory, struct iovec spans[5])
{
    size_t count = pick(w, 6) % 5;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = pick_written(w);
        at = pick(w, 2) ? at : pick(w, MUCH);
        length = length < MUCH - at ? length : MUCH - at;
        spans[i] = (struct iovec){memory + at, length};
        at += length;
    }
    return count;
}

void send_message(struct world *w, struct end *end, int socket)
{
    struct sockaddr_in address;
    struct iovec spans[5];
    _Alignas(struct cmsghdr) uint8_t controls[128];
    struct msghdr message = {.msg_iov = spans};
    uint8_t *memory = calloc(MUCH, 1);
    if (!memory)
        return;
    message.msg_iovlen = pick_written_spans(w, memory, spans);
    if (pick(w, 2)) {
        socklen_t length = pick_address(w, end, &address);
        message.msg_name = &address;
        message.msg_namelen = length < sizeof address ? length : sizeof address;
    }
    if (pick(w, 2)) {
        message.msg_control = controls;
        message.msg_controllen = pick_controls(w, controls, sizeof controls);
    }
    forget_shown(end, socket);
    tern_sendmsg(end->t, socket, &message, pick_flags(w));
    free(memory);
}

void receive_message(struct world *w, struct end *end, int socket)
{
    struct sockaddr_in address;
    struct iovec spans[5];
    size_t size = pick(w, 129);
    uint8_t *controls = size > 0 ? malloc(size) : NULL; /* of exactly that size, for ASan */
    struct msghdr message = {.msg_iov = spans, .msg_control = controls};
    message.msg_controllen = controls ? size : 0;
    message.msg_iovlen = (size_t)pick_spans(w, in_buffer, spans);
    if (pick(w, 2)) {
        message.msg_name = &address;
        message.msg_namelen = pick(w, sizeof address + 1);
    }
    forget_shown(end, socket);
    tern_recvmsg(end->t, socket, &message, pick_flags(w) | (once_in(w, 3) ? MSG_ERRQUEUE : 0));
    free(controls);
}

static bool is_kept(int socket)
{
    return socket >= 0 && socket < NUMBERS;
}

void reserve_room(struct world *w, struct end *end, int socket)
{
    struct iovec spans[2];
    size_t length = once_in(w, 10) ? SIZE_MAX : pick_length(w);
    if (tern_send_reserve(end->t, socket, length, spans) > 0 && is_kept(socket))
        memcpy(end->reserved[socket], spans, sizeof spans);
}

void commit_room(struct world *w, struct end *end, int socket)
{
    size_t most =
        is_kept(socket) ? end->reserved[socket][0].iov_len + end->reserved[socket][1].iov_len : 0;
    size_t length = once_in(w, 10) ? pick_length(w) : pick(w, 65536) % (most + 1);
    forget_reserved(end, socket);
    tern_send_commit(end->t, socket, length, once_in(w, 4) ? pick_flags(w) : 0);
}

/* What is shown may change hands while the call waits and others read; only what it shows when
 * nobody else can is held on to. */
void show_text(struct world *w, struct end *end, int socket)
{
    struct iovec spans[2];
    forget_shown(end, socket);
    if (tern_recv_peek(end->t, socket, spans) > 0 && is_kept(socket) && w->depth == 0)
        memcpy(end->shown[socket], spans, sizeof spans);
}

void consume_text(struct world *w, struct end *end, int socket)
{
    size_t most =
        is_kept(socket) ? end->shown[socket][0].iov_len + end->shown[socket][1].iov_len : 0;
    forget_shown(end, socket);
    tern_recv_consume(end->t, socket, once_in(w, 8) ? pick_length(w) : pick(w, 65536) % (most + 1));
}

void send_a_file(struct world *w, struct end *end, int socket)
{
    const int files[] = {w->file, w->pipe[0], -1};
    int file = CHOOSE(w, files);
    off_t offset = once_in(w, 10) ? -1 : (off_t)pick(w, 65536);
    tern_sendfile(end->t, socket, file, file != w->pipe[0] && pick(w, 2) ? &offset : NULL,
                  pick_length(w));
}
