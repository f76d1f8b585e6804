#include "sim/transfer.h"

#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

enum {
    READ_MOST = 1 << 16,
    SPANS_MOST = 4,
};

/* The byte at `offset` of what side `index` sends: no two nearby stretches are alike. */
static uint8_t pattern(int index, uint64_t offset)
{
    uint64_t x = (offset + 1) * 0x9e3779b97f4a7c15u + (uint64_t)index * 0x85ebca6b;
    return (uint8_t)(x >> 56);
}

static void set_options(struct tern *t, const struct transfer_side *side)
{
    int on = side->no_delay, idle = side->keepalive_s, yes = 1;
    assert_int_equal(tern_setsockopt(t, side->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    if (idle) {
        tern_setsockopt(t, side->socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
        tern_setsockopt(t, side->socket, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    }
    tern_setsockopt(t, side->socket, SOL_SOCKET, SO_OOBINLINE, &yes, sizeof yes);
    if (side->fast_open)
        tern_setsockopt(t, side->socket, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &yes, sizeof yes);
}

/* What to make of a call that has failed: whether it may succeed when it is made again at once. */
static bool fail_call(const struct transfer *transfer, struct transfer_side *side)
{
    if (errno == EAGAIN || errno == EINPROGRESS)
        return false;
    if (transfer->memory_fails && (errno == ENOMEM || errno == ENOBUFS))
        return true;
    side->error = errno;
    side->ended = side->shut = true;
    return true;
}

static void set_buffers(struct tern *t, const struct transfer_side *side, int socket)
{
    if (side->send_buffer)
        tern_setsockopt(t, socket, SOL_SOCKET, SO_SNDBUF, &side->send_buffer,
                        sizeof side->send_buffer);
    if (side->receive_buffer)
        tern_setsockopt(t, socket, SOL_SOCKET, SO_RCVBUF, &side->receive_buffer,
                        sizeof side->receive_buffer);
}

void transfer_begin(struct transfer *transfer, struct world *world, uint64_t seed)
{
    transfer->world = world;
    transfer->port = 7000;
    random_seed_number(&transfer->random, seed ^ 0x7472616e73666572u);
    transfer->listener = tern_socket(world->machine[1], AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    set_buffers(world->machine[1], &transfer->side[1], transfer->listener);
    assert_int_equal(tern_bind(world->machine[1], transfer->listener,
                               world_address(1, transfer->port), world_address_length()),
                     0);
    assert_int_equal(tern_listen(world->machine[1], transfer->listener, 8), 0);

    struct transfer_side *client = &transfer->side[0];
    client->socket = tern_socket(world->machine[0], AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_true(client->socket >= 0);
    set_buffers(world->machine[0], client, client->socket);
    set_options(world->machine[0], client);
    int begun = tern_connect(world->machine[0], client->socket, world_address(1, transfer->port),
                             world_address_length());
    assert_true(client->fast_open ? begun == 0 : begun == -1 && errno == EINPROGRESS);
    transfer->side[1].socket = -1;
}

static bool accept_one(struct transfer *transfer)
{
    struct transfer_side *server = &transfer->side[1];
    struct tern *t = transfer->world->machine[1];
    server->socket = tern_accept4(t, transfer->listener, NULL, NULL, SOCK_NONBLOCK);
    if (server->socket < 0)
        return false;
    set_options(t, server);
    assert_int_equal(tern_close(t, transfer->listener), 0);
    server->connected = true;
    return true;
}

/* Cuts what is written into spans of which each lies behind the next in memory, as the bytes that
 * they hold do not. */
static int cut(struct random *random, uint8_t *bytes, uint32_t size, struct iovec *spans)
{
    int count = 1 + (int)random_below(random, SPANS_MOST);
    uint32_t left = size;
    for (int i = 0; i < count; i++) {
        uint32_t length = i + 1 < count ? random_below(random, left + 1) : left;
        left -= length;
        spans[i] = (struct iovec){bytes + left, length};
    }
    return count;
}

/* In one span, or several of a writer who writes much. */
static ssize_t write_piece(struct transfer *transfer, int index, uint8_t *bytes, uint32_t size)
{
    struct transfer_side *side = &transfer->side[index];
    struct iovec spans[SPANS_MOST] = {{bytes, size}};
    int count = side->spans ? cut(&transfer->random, bytes, size, spans) : 1;
    uint64_t at = side->sent;
    for (int i = 0; i < count; i++)
        for (size_t j = 0; j < spans[i].iov_len; j++)
            ((uint8_t *)spans[i].iov_base)[j] = pattern(index, at++);
    int flags = side->urgent && random_below(&transfer->random, 100) < 10 ? MSG_OOB : 0;
    struct msghdr message = {.msg_iov = spans, .msg_iovlen = (size_t)count};
    return tern_sendmsg(transfer->world->machine[index], side->socket, &message, flags);
}

/* The memory is used for something else as soon as the call has returned. */
static bool write_some(struct transfer *transfer, int index)
{
    struct transfer_side *side = &transfer->side[index];
    static uint8_t bytes[TRANSFER_WRITE_MOST];
    uint64_t left = side->to_send - side->sent;
    if (side->shut || side->paused || left == 0)
        return false;
    uint32_t size = 1 + random_below(&transfer->random, side->write_most);
    if (size > left)
        size = (uint32_t)left;
    ssize_t n = write_piece(transfer, index, bytes, size);
    int error = errno;
    memset(bytes, 0xee, size);
    errno = error;
    if (n < 0)
        return fail_call(transfer, side);
    side->connected = true;
    side->sent += (uint64_t)n;
    return n > 0;
}

void transfer_arrived(struct transfer *transfer, int index, const uint8_t *bytes, size_t length)
{
    struct transfer_side *side = &transfer->side[index];
    for (size_t i = 0; i < length; i++)
        if (!transfer->forged && bytes[i] != pattern(1 - index, side->received + i))
            fail_msg("side %d: wrong byte at %llu", index,
                     (unsigned long long)(side->received + i));
    side->received += length;
}

static bool read_some(struct transfer *transfer, int index)
{
    struct transfer_side *side = &transfer->side[index];
    uint8_t bytes[READ_MOST];
    uint32_t size = 1 + random_below(&transfer->random, side->read_most);
    if (side->ended || side->paused)
        return false;
    ssize_t n = tern_recv(transfer->world->machine[index], side->socket, bytes, size, 0);
    if (n < 0)
        return fail_call(transfer, side);
    transfer_arrived(transfer, index, bytes, (size_t)n);
    if (n == 0)
        side->ended = true;
    return true;
}

static bool shut_when_due(struct transfer *transfer, int index)
{
    struct transfer_side *side = &transfer->side[index];
    bool due = side->sent == side->to_send && (side->close == CLOSE_WHEN_SENT || side->ended);
    if (side->shut || !due || (index == 0 && side->to_send == 0 && !side->connected))
        return false;
    if (side->close != CLOSE_FULLY &&
        tern_shutdown(transfer->world->machine[index], side->socket, SHUT_WR) < 0)
        return fail_call(transfer, side);
    side->shut = true;
    return true;
}

static bool close_when_over(struct transfer *transfer, int index)
{
    struct transfer_side *side = &transfer->side[index];
    if (side->closed || !side->shut || !side->ended)
        return false;
    assert_int_equal(tern_close(transfer->world->machine[index], side->socket), 0);
    side->closed = true;
    return true;
}

static bool notice_connected(struct transfer *transfer)
{
    struct transfer_side *client = &transfer->side[0];
    struct pollfd p = {.fd = client->socket, .events = POLLOUT};
    if (client->connected || tern_poll(transfer->world->machine[0], &p, 1, 0) != 1)
        return false;
    int error = 0;
    socklen_t length = sizeof error;
    tern_getsockopt(transfer->world->machine[0], client->socket, SOL_SOCKET, SO_ERROR, &error,
                    &length);
    client->connected = true;
    if (error) {
        errno = error;
        fail_call(transfer, client);
    }
    return true;
}

enum world_answer transfer_step(void *user)
{
    struct transfer *transfer = user;
    bool busy = notice_connected(transfer);
    if (transfer->side[1].socket < 0)
        busy |= accept_one(transfer);
    for (int i = 0; i < 2; i++) {
        if (transfer->side[i].socket < 0 || transfer->side[i].closed ||
            !transfer->side[i].connected)
            continue;
        busy |= write_some(transfer, i);
        busy |= read_some(transfer, i);
        busy |= shut_when_due(transfer, i);
        busy |= close_when_over(transfer, i);
    }
    if (transfer->side[0].closed && transfer->side[1].closed)
        return WORLD_STOP;
    return busy ? WORLD_BUSY : WORLD_IDLE;
}
