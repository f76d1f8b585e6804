/* tern, over its usual device; TERN_MTU, TERN_NO_OFFLOAD and TERN_SETTINGS change what they say. */
#include "net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>

#include <tern/tern.h>

static struct tern *stack;

void net_begin(void)
{
    struct tern_error error;
    const char *mtu = getenv("TERN_MTU");
    struct tern_config config = {.settings = getenv("TERN_SETTINGS"),
                                 .mtu = mtu ? (unsigned)atoi(mtu) : 0,
                                 .no_offload = getenv("TERN_NO_OFFLOAD") != NULL};
    stack = tern_open(&config, &error);
    if (stack)
        return;
    fprintf(stderr, "%s\n", error.text);
    exit(1);
}

void net_end(void)
{
    tern_quiesce(stack, 2000000000);
    tern_close_stack(stack);
}

int net_listen(uint16_t port)
{
    char at[16];
    snprintf(at, sizeof at, ":%u", port);
    int s = tern_listen_on(stack, at, 1024);
    if (s < 0)
        fail("cannot listen");
    return s;
}

int net_accept(int listener)
{
    return tern_accept(stack, listener, NULL, NULL);
}

int net_connect(const char *host, uint16_t port, bool blocking)
{
    int s = tern_socket(stack, AF_INET, SOCK_STREAM | (blocking ? 0 : SOCK_NONBLOCK), 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &to.sin_addr);
    if (s < 0 || (tern_connect(stack, s, (struct sockaddr *)&to, sizeof to) < 0 && blocking))
        fail("cannot connect");
    return s;
}

ssize_t net_send(int socket, const void *bytes, size_t length, int flags)
{
    return tern_send(stack, socket, bytes, length, flags);
}

ssize_t net_recv(int socket, void *bytes, size_t length, int flags)
{
    return tern_recv(stack, socket, bytes, length, flags);
}

ssize_t net_recv_spinning(int socket, void *bytes, size_t length)
{
    static int spins = -1; /* the socket that has been told to */
    int us = 1000;
    if (spins != socket)
        tern_setsockopt(stack, socket, SOL_SOCKET, SO_BUSY_POLL, &us, sizeof us);
    spins = socket;
    return tern_recv(stack, socket, bytes, length, 0);
}

int net_poll(struct pollfd *sockets, nfds_t count, int timeout_ms)
{
    return tern_poll(stack, sockets, count, timeout_ms);
}

void net_finish(int socket)
{
    tern_shutdown(stack, socket, SHUT_WR);
}

void net_no_delay(int socket)
{
    int yes = 1;
    tern_setsockopt(stack, socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

void net_close(int socket)
{
    tern_close(stack, socket);
}
