/* The kernel's own network. */
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

void net_begin(void)
{
}

void net_end(void)
{
}

/* A socket with the congestion control that Linux comes with, whatever this machine's is set to;
 * where that is not to be had, with this machine's. */
static int stream_socket(int flags)
{
    static const char usual[] = "cubic";
    int s = socket(AF_INET, SOCK_STREAM | flags, 0);
    setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, usual, sizeof usual - 1);
    return s;
}

int net_listen(uint16_t port)
{
    int yes = 1, s = stream_socket(0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (s < 0 || bind(s, (struct sockaddr *)&at, sizeof at) < 0 || listen(s, 1024) < 0)
        fail("cannot listen");
    return s;
}

int net_accept(int listener)
{
    return accept(listener, NULL, NULL);
}

/* The port may be another's that passes on what comes (BENCH_PORT). The other end may still be
 * coming up: then it is tried again, for ten seconds. */
int net_connect(const char *host, uint16_t port, bool blocking)
{
    const char *other = getenv("BENCH_PORT");
    if (other)
        port = (uint16_t)atoi(other);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &to.sin_addr);
    for (int tries = 0; tries < 500; tries++) {
        int s = stream_socket(blocking ? 0 : SOCK_NONBLOCK);
        if (s >= 0 && (connect(s, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS))
            return s;
        if (s < 0 || (errno != ECONNREFUSED && errno != ENETUNREACH && errno != EHOSTUNREACH))
            break;
        close(s);
        poll(NULL, 0, 20);
    }
    fail("cannot connect");
}

ssize_t net_send(int socket, const void *bytes, size_t length, int flags)
{
    return send(socket, bytes, length, flags | MSG_NOSIGNAL);
}

ssize_t net_recv(int socket, void *bytes, size_t length, int flags)
{
    return recv(socket, bytes, length, flags);
}

ssize_t net_recv_spinning(int socket, void *bytes, size_t length)
{
    ssize_t n;
    do
        n = recv(socket, bytes, length, MSG_DONTWAIT);
    while (n < 0 && errno == EAGAIN);
    return n;
}

int net_poll(struct pollfd *sockets, nfds_t count, int timeout_ms)
{
    return poll(sockets, count, timeout_ms);
}

void net_finish(int socket)
{
    shutdown(socket, SHUT_WR);
}

void net_no_delay(int socket)
{
    int yes = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

void net_close(int socket)
{
    close(socket);
}
