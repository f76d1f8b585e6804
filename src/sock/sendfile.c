/* sendfile(2): from a descriptor of the kernel's straight into the send ring. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "sock/call.h"
#include "sock/socket.h"
#include "sock/tern.h"
#include "sock/wait.h"

enum { CHUNK = 1 << 18 }; /* bytes reserved, and read, at a time */

struct file {
    int descriptor;
    off_t *offset; /* NULL: the descriptor's own */
};

/* The bytes read, 0 at the end, or a negative errno. */
static ssize_t read_file(const struct file *file, const struct iovec *spans, int count)
{
    ssize_t n = file->offset ? preadv(file->descriptor, spans, count, *file->offset)
                             : readv(file->descriptor, spans, count);
    if (n < 0)
        return errno == EISDIR ? -EINVAL : -errno; /* Linux's word here */
    if (file->offset)
        *file->offset += n;
    return n;
}

/* Reads into reserved room. Files can keep one waiting, so the machine is given away meanwhile: the
 * reservation keeps the memory where it is, and others from writing. As of call_wait() when the
 * socket was closed, or has begun anew, whereupon the call has none. */
static ssize_t fill(struct call *call, const struct file *file, const struct iovec spans[2])
{
    struct sock_host *host = call->t->host;
    struct sock_waiter waiter = {0};
    struct waiting waiting = {.at = &call->socket->waiting, .events = POLLNVAL, .waiter = &waiter};
    list_append(waiting.at, &waiting.link);
    call->t->away++;
    host->operations->leave(host);
    ssize_t n = read_file(file, spans, spans[1].iov_len > 0 ? 2 : 1);
    int error = host->operations->enter(host);
    if (error < 0) {
        call->entered = false; /* this is the child of a fork, where nothing may be touched */
        return error;
    }
    call->t->away--;
    list_remove(&waiting.link);
    if (waiting.over) {
        call->socket = NULL;
        return -waiting.over;
    }
    call_catch_up_to_write(call);
    streak_turn(call->t, NULL); /* others may have called meanwhile */
    return n;
}

/* Sends up to `length` bytes of the file, or says -EAGAIN: how many, 0 at its end. */
static ssize_t send_some(struct call *call, const struct file *file, size_t length)
{
    struct tcp_reservation room;
    struct iovec spans[2];
    size_t wanted = length < CHUNK ? length : CHUNK;
    ssize_t n = call->socket->kind->reserve(call->socket, &room, wanted, spans);
    if (n < 0)
        return n;
    n = fill(call, file, spans);
    if (!call->entered)
        return n;
    if (n < 0 || call->socket == NULL) {
        tcp_reservation_end(&room);
        return n;
    }
    ssize_t sent = tcp_commit(&room, (size_t)n, 0);
    if (file->offset)
        *file->offset -= n - (sent > 0 ? sent : 0);
    return sent;
}

static ssize_t send_file(struct call *call, const struct file *file, size_t count)
{
    size_t done = 0;
    call_patience(call, 0, socket_send_timeout_ns(call->socket));
    while (done < count) {
        ssize_t n = send_some(call, file, count - done);
        if (n == 0)
            break;
        if (n > 0) {
            done += (size_t)n;
            continue;
        }
        int error = n == -EAGAIN ? call_wait(call, POLLOUT) : (int)n;
        if (error < 0)
            return done > 0 ? (ssize_t)done : error;
    }
    return (ssize_t)done;
}

/* As on Linux, the file comes first, then how much of it, then the socket. */
static int check_file(const struct file *file, size_t count)
{
    int flags = fcntl(file->descriptor, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_WRONLY || flags & O_PATH)
        return -EBADF;
    if (file->offset && lseek(file->descriptor, 0, SEEK_CUR) < 0)
        return -errno; /* ESPIPE */
    if (count > SSIZE_MAX ||
        (file->offset && (*file->offset < 0 || (off_t)(SSIZE_MAX - count) < *file->offset)))
        return -EINVAL;
    return 0;
}

static int check_socket(const struct socket *socket, size_t count)
{
    if (count == 0)
        return 0;
    if (!socket_is_socket(socket) || !socket_is_stream(socket))
        return -EINVAL;
    return socket_is_reserved(socket) ? -EBUSY : 0;
}

ssize_t tern_sendfile(struct tern *t, int socket, int file, off_t *offset, size_t count)
{
    struct file from = {file, offset};
    struct call call;
    const int cancel = call_cancel_off();
    const int wrong = check_file(&from, count); /* who reads from it may keep this waiting */
    ssize_t result = call_enter(&call, t);
    if (result == 0)
        result = wrong;
    if (result == 0)
        result = call_find(&call, socket);
    if (result == 0)
        result = check_socket(call.socket, count);
    if (result == 0 && count > 0)
        result = send_file(&call, &from, count);
    result = call_end(&call, result);
    call_cancel_back(cancel);
    return result;
}
