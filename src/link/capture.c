/* The file format is pcapng (draft-ietf-opsawg-pcapng): a section header, one interface, then one
 * enhanced packet block a packet, all in this machine's byte order, as the format allows.
 *
 * Blocks gather in a buffer that is written out when it is full, when it has waited for a second,
 * and at the end. Only whole blocks are ever written, so that a capture cut short by a crash still
 * opens.
 *
 * A packet that the machine has just been given is written once the machine has said what became of
 * it, and what it sent meanwhile waits behind it: cause stands before effect. A checksum that was
 * left to the link is finished in the capture, and a super-datagram is cut, whose borders nothing
 * else would show: what is there is what the wire would show. A super-segment is one segment. */
#include "link/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/time.h"
#include "link/held.h"
#include "link/offload.h"

enum {
    BLOCK_SECTION_HEADER = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_ENHANCED_PACKET = 6,
    BYTE_ORDER_MAGIC = 0x1a2b3c4d,
    LINKTYPE_RAW = 101,

    OPTION_END = 0,
    OPTION_COMMENT = 1,
    OPTION_SECTION_APPLICATION = 4,
    OPTION_INTERFACE_NAME = 2,
    OPTION_INTERFACE_RESOLUTION = 9,
    OPTION_PACKET_FLAGS = 2,

    FLAG_INBOUND = 1,
    FLAG_OUTBOUND = 2,

    COMMENT_MAX = 256,
    BLOCK_OVERHEAD_MAX = 64 + COMMENT_MAX,
    BUFFER_SIZE = 4 * LIMIT_SUPER_PACKET,
};

#define FLUSH_AFTER_NS TIME_S(1)

struct capture {
    struct link link; /* first: a link is its capture */
    struct link *below;
    uint64_t epoch_ns;
    capture_write *write; /* NULL: stopped */
    int error;            /* what stopped it, negative */
    capture_close_file *close_file;
    void *user;

    /* The machine above, while below->poll runs. */
    link_deliver *deliver;
    void *machine;
    bool delivering;
    struct held_queue sent_meanwhile;

    uint64_t flush_ns; /* when what is in the buffer has waited long enough */
    size_t used;
    uint8_t buffer[BUFFER_SIZE];
};

static void capture_flush(struct capture *capture)
{
    capture->flush_ns = TIME_NEVER;
    if (capture->used == 0 || !capture->write)
        return;
    capture->error = capture->write(capture->user, capture->buffer, capture->used);
    if (capture->error < 0)
        capture->write = NULL;
    capture->used = 0;
}

/* ── Blocks. They are built in place: block_begin makes sure that there is room. ── */

static void put(struct capture *capture, const void *bytes, size_t length)
{
    if (length > 0)
        memcpy(capture->buffer + capture->used, bytes, length);
    capture->used += length;
}

static void put_u16(struct capture *capture, uint16_t value)
{
    put(capture, &value, sizeof value);
}

static void put_u32(struct capture *capture, uint32_t value)
{
    put(capture, &value, sizeof value);
}

/* Bytes of a block and of each option end on a multiple of four. */
static void put_padded(struct capture *capture, const void *bytes, size_t length)
{
    put(capture, bytes, length);
    put(capture, "\0\0\0", (4 - length % 4) % 4);
}

static void put_option(struct capture *capture, uint16_t code, const void *value, size_t length)
{
    put_u16(capture, code);
    put_u16(capture, (uint16_t)length);
    put_padded(capture, value, length);
}

static size_t block_begin(struct capture *capture, uint32_t type, size_t body_max)
{
    if (sizeof capture->buffer - capture->used < body_max + BLOCK_OVERHEAD_MAX)
        capture_flush(capture);
    size_t start = capture->used;
    put_u32(capture, type);
    put_u32(capture, 0); /* the length, once it is known */
    return start;
}

static void block_end(struct capture *capture, size_t start)
{
    uint32_t length = (uint32_t)(capture->used - start + sizeof length);
    put_u32(capture, length);
    memcpy(capture->buffer + start + 4, &length, sizeof length);
}

static void put_section_header(struct capture *capture)
{
    static const char application[] = "tern";
    size_t start = block_begin(capture, BLOCK_SECTION_HEADER, 0);
    put_u32(capture, BYTE_ORDER_MAGIC);
    put_u16(capture, 1); /* version 1.0 */
    put_u16(capture, 0);
    put_u32(capture, UINT32_MAX); /* of a section whose length is not known: -1 in 64 bits */
    put_u32(capture, UINT32_MAX);
    put_option(capture, OPTION_SECTION_APPLICATION, application, strlen(application));
    put_option(capture, OPTION_END, NULL, 0);
    block_end(capture, start);
}

static void put_interface(struct capture *capture, const char *name)
{
    static const uint8_t nanoseconds = 9; /* 10^-9 s */
    size_t start = block_begin(capture, BLOCK_INTERFACE, 0);
    put_u16(capture, LINKTYPE_RAW);
    put_u16(capture, 0);
    put_u32(capture, 0); /* packets are never cut */
    put_option(capture, OPTION_INTERFACE_NAME, name, strnlen(name, COMMENT_MAX));
    put_option(capture, OPTION_INTERFACE_RESOLUTION, &nanoseconds, 1);
    put_option(capture, OPTION_END, NULL, 0);
    block_end(capture, start);
}

static void put_comment(struct capture *capture, enum drop_reason reason)
{
    char comment[COMMENT_MAX];
    const char *clause = drop_clause(reason);
    int length = snprintf(comment, sizeof comment, clause[0] ? "dropped: %s (%s)" : "dropped: %s%s",
                          drop_text(reason), clause);
    if (length < 0)
        return;
    put_option(capture, OPTION_COMMENT, comment, strnlen(comment, sizeof comment));
}

static void put_one(struct capture *capture, uint32_t direction, enum drop_reason reason,
                    const struct iovec *spans, int count, const struct tern_offload *offload,
                    uint64_t now_ns)
{
    size_t length = spans_length(spans, count);
    if (!capture->write || length > LIMIT_SUPER_PACKET)
        return;
    size_t start = block_begin(capture, BLOCK_ENHANCED_PACKET, length);
    uint64_t time_ns = capture->epoch_ns + now_ns;
    put_u32(capture, 0); /* the interface */
    put_u32(capture, (uint32_t)(time_ns >> 32));
    put_u32(capture, (uint32_t)time_ns);
    put_u32(capture, (uint32_t)length); /* captured, and on the wire */
    put_u32(capture, (uint32_t)length);

    uint8_t *packet = capture->buffer + capture->used;
    for (int i = 0; i < count; i++)
        put(capture, spans[i].iov_base, spans[i].iov_len);
    put(capture, "\0\0\0", (4 - length % 4) % 4);
    if (offload && (offload->flags & TERN_OFFLOAD_CHECKSUM))
        offload_finish_checksum(packet, length, offload);

    put_option(capture, OPTION_PACKET_FLAGS, &direction, sizeof direction);
    if (reason != DROP_NONE)
        put_comment(capture, reason);
    put_option(capture, OPTION_END, NULL, 0);
    block_end(capture, start);
    capture->flush_ns = time_min(capture->flush_ns, now_ns + FLUSH_AFTER_NS);
}

/* Without memory to cut one it is written whole rather than not at all. */
static void put_packet(struct capture *capture, uint32_t direction, enum drop_reason reason,
                       const struct iovec *spans, int count, const struct tern_offload *offload,
                       uint64_t now_ns)
{
    struct held_queue wire = {0};
    if (!capture->write || !offload_is_super_datagram(spans, offload) ||
        offload_to_wire(spans, count, offload, &wire) < 0)
        put_one(capture, direction, reason, spans, count, offload, now_ns);
    for (struct held_packet *part; (part = held_queue_take(&wire));) {
        struct iovec span = {.iov_base = part->bytes, .iov_len = part->length};
        put_one(capture, direction, reason, &span, 1, &part->offload, now_ns);
        free(part);
    }
}

/* ── The link ── */

/* Keeps a packet that was sent while the machine is being delivered to. Without memory for that it
 * is written out of order rather than not at all. */
static bool capture_put_off(struct capture *capture, const struct iovec *spans, int count,
                            const struct tern_offload *offload, uint64_t now_ns, int error)
{
    if (!capture->delivering || !capture->write)
        return false;
    struct held_packet *packet = held_packet_new(spans, count, offload);
    if (!packet)
        return false;
    packet->due_ns = now_ns;
    packet->fate = error ? DROP_LINK : DROP_NONE;
    held_queue_append(&capture->sent_meanwhile, packet);
    return true;
}

static int capture_send(struct link *link, const struct iovec *spans, int count,
                        const struct tern_offload *offload, uint64_t now_ns)
{
    struct capture *capture = (struct capture *)link;
    int error = link_send(capture->below, spans, count, offload, now_ns);
    if (!capture_put_off(capture, spans, count, offload, now_ns, error))
        put_packet(capture, FLAG_OUTBOUND, error ? DROP_LINK : DROP_NONE, spans, count, offload,
                   now_ns);
    return error;
}

static void capture_write_sent_meanwhile(struct capture *capture)
{
    for (struct held_packet *packet; (packet = held_queue_take(&capture->sent_meanwhile));) {
        struct iovec span = {.iov_base = packet->bytes, .iov_len = packet->length};
        put_packet(capture, FLAG_OUTBOUND, packet->fate, &span, 1, &packet->offload,
                   packet->due_ns);
        free(packet);
    }
}

static enum drop_reason capture_deliver(void *user, const void *bytes, size_t length,
                                        const struct tern_offload *offload, uint64_t now_ns)
{
    struct capture *capture = user;
    capture->delivering = true;
    enum drop_reason reason = capture->deliver(capture->machine, bytes, length, offload, now_ns);
    capture->delivering = false;

    struct iovec span = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
    put_packet(capture, FLAG_INBOUND, reason, &span, 1, offload, now_ns);
    capture_write_sent_meanwhile(capture);
    return reason;
}

static int capture_poll(struct link *link, uint64_t now_ns, int budget, link_deliver *deliver,
                        void *machine)
{
    struct capture *capture = (struct capture *)link;
    capture->deliver = deliver;
    capture->machine = machine;
    int delivered = link_poll(capture->below, now_ns, budget, capture_deliver, capture);
    if (now_ns >= capture->flush_ns)
        capture_flush(capture);
    return delivered;
}

static uint64_t capture_deadline(const struct link *link)
{
    const struct capture *capture = (const struct capture *)link;
    return time_min(capture->flush_ns, link_deadline(capture->below));
}

static int capture_descriptor(const struct link *link)
{
    return link_descriptor(((const struct capture *)link)->below);
}

static int capture_close(struct link *link)
{
    struct capture *capture = (struct capture *)link;
    int below = link_close(capture->below);
    capture_flush(capture);
    int error = capture->error;
    int closing = capture->close_file ? capture->close_file(capture->user) : 0;
    free(capture);
    if (error == 0)
        error = closing;
    return error ? error : below;
}

static const struct link_operations capture_operations = {
    .send = capture_send,
    .poll = capture_poll,
    .deadline = capture_deadline,
    .descriptor = capture_descriptor,
    .close = capture_close,
};

int capture_link_new(struct link *below, const char *interface_name, uint64_t epoch_ns,
                     capture_write *write, capture_close_file *close_file, void *user,
                     struct link **out)
{
    struct capture *capture = malloc(sizeof *capture);
    if (!capture)
        return -ENOMEM;
    capture->link = (struct link){.operations = &capture_operations,
                                  .mtu = below->mtu,
                                  .features = below->features,
                                  .gro = below->gro,
                                  .super_packet_max = below->super_packet_max};
    capture->below = below;
    capture->epoch_ns = epoch_ns;
    capture->write = write;
    capture->error = 0;
    capture->close_file = close_file;
    capture->user = user;
    capture->delivering = false;
    capture->sent_meanwhile = (struct held_queue){0};
    capture->flush_ns = TIME_NEVER;
    capture->used = 0;
    put_section_header(capture);
    put_interface(capture, interface_name);
    *out = &capture->link;
    return 0;
}

/* ── A file ── */

struct capture_file {
    int descriptor;
    off_t length; /* of the whole blocks that are in it */
};

/* write(2) to a pipe that nobody reads any more is an error and no signal: the program whose
 * packets these are shall not die of it. One that was pending before stays so. */
static ssize_t write_quietly(int descriptor, const void *bytes, size_t length)
{
    sigset_t pipe_signal, before, pending;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    sigpending(&pending);
    ssize_t written = write(descriptor, bytes, length);
    int error = errno;
    if (written < 0 && error == EPIPE && !sigismember(&pending, SIGPIPE))
        sigtimedwait(&pipe_signal, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return written;
}

/* What a full disk let through of a block is taken back, where the file is one that can be cut. */
static int capture_file_write(void *user, const void *bytes, size_t length)
{
    struct capture_file *file = user;
    const uint8_t *next = bytes;
    for (size_t left = length; left > 0;) {
        ssize_t written = write_quietly(file->descriptor, next, left);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            int error = -errno;
            if (ftruncate(file->descriptor, file->length) < 0)
                return error;
            return error;
        }
        next += written;
        left -= (size_t)written;
    }
    file->length += (off_t)length;
    return 0;
}

/* Some file systems tell only now that a write failed. */
static int capture_file_close(void *user)
{
    struct capture_file *file = user;
    int result = close(file->descriptor) < 0 ? -errno : 0;
    free(file);
    return result;
}

int capture_link_open(struct link *below, const char *interface_name, uint64_t epoch_ns,
                      const char *path, struct link **out)
{
    struct capture_file *file = malloc(sizeof *file);
    if (!file)
        return -ENOMEM;
    file->length = 0;
    file->descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file->descriptor < 0) {
        int error = -errno;
        free(file);
        return error;
    }
    int error = capture_link_new(below, interface_name, epoch_ns, capture_file_write,
                                 capture_file_close, file, out);
    if (error)
        capture_file_close(file);
    return error;
}
