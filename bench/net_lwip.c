/* lwIP over a TUN device.
 *
 * Its raw API, which is its fastest, is driven by the one thread that works: a call that has to
 * wait takes packets in itself. The library's own thread runs its timers, under the lock that each
 * call here takes.
 *
 * What lwIP can do is settled when it is built, and this program is built with two of it. As Debian
 * packages it: segments of 1,460 bytes whatever the MTU, windows and send buffers of 64 KB, every
 * segment in one buffer of its own, no SACK, checksums in software. And from Debian's source with
 * segments of 65,480 bytes, whose checksums are left to the kernel (peers/lwip/lwipopts.h). Which
 * it is says the library's own configuration. */
#include "net.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS
#include <lwip/pbuf.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#include <lwip/tcpip.h>

#include "lwip_device.h"

enum { SOCKETS_MAX = 4096 };

struct connection {
    bool used, connected, ended, broken;
    struct tcp_pcb *pcb;
    struct pbuf *arrived;    /* and not read */
    struct connection *next; /* of those that wait to be accepted; of a listener, the first */
};

static struct connection connections[SOCKETS_MAX];

/* Until `ready` holds of the connection; called with the lock, which is not held
 * while it sleeps. */
static void wait_until(bool (*ready)(const struct connection *), const struct connection *c,
                       bool spins)
{
    while (!ready(c)) {
        if (lwip_device_take())
            continue;
        UNLOCK_TCPIP_CORE();
        if (!spins)
            lwip_device_wait(100); /* what a timer has done is seen then */
        LOCK_TCPIP_CORE();
    }
}

/* ── What lwIP calls ── */

/* What has arrived is one chain; how long it is in all, which lwIP counts in 16 bits, nobody asks.
 */
static err_t on_received(void *user, struct tcp_pcb *pcb, struct pbuf *bytes, err_t error)
{
    struct connection *c = user;
    (void)pcb, (void)error;
    if (!bytes)
        c->ended = true;
    else if (c->arrived)
        pbuf_cat(c->arrived, bytes);
    else
        c->arrived = bytes;
    return ERR_OK;
}

static void on_error(void *user, err_t error)
{
    struct connection *c = user;
    (void)error;
    c->pcb = NULL; /* freed already */
    c->broken = true;
}

static err_t on_connected(void *user, struct tcp_pcb *pcb, err_t error)
{
    (void)pcb, (void)error;
    ((struct connection *)user)->connected = true;
    return ERR_OK;
}

static struct connection *connection_new(struct tcp_pcb *pcb)
{
    struct connection *c = connections;
    while (c < connections + SOCKETS_MAX && c->used)
        c++;
    if (!pcb || c == connections + SOCKETS_MAX) {
        errno = EMFILE;
        fail("no more connections");
    }
    *c = (struct connection){.used = true, .pcb = pcb};
    tcp_arg(pcb, c);
    return c;
}

static void connection_listen_to(struct connection *c)
{
    tcp_recv(c->pcb, on_received);
    tcp_err(c->pcb, on_error);
}

static err_t on_accepted(void *user, struct tcp_pcb *pcb, err_t error)
{
    struct connection **last = &((struct connection *)user)->next;
    struct connection *c;
    if (error != ERR_OK || !pcb)
        return ERR_VAL;
    c = connection_new(pcb);
    c->connected = true;
    connection_listen_to(c);
    while (*last)
        last = &(*last)->next;
    *last = c;
    return ERR_OK;
}

/* ── When a call goes on ── */

static bool can_read(const struct connection *c)
{
    return c->arrived || c->ended || c->broken || c->next;
}

static bool can_write(const struct connection *c)
{
    return c->broken || (c->connected && tcp_sndbuf(c->pcb) > 0 &&
                         tcp_sndqueuelen(c->pcb) < TCP_SND_QUEUELEN / 2);
}

static bool is_open(const struct connection *c)
{
    return c->connected || c->broken;
}

/* ── The calls ── */

void net_begin(void)
{
    lwip_device_open();
}

/* Until what was closed is acknowledged, for three seconds at most. */
void net_end(void)
{
    time_t until = time(NULL) + 3;
    LOCK_TCPIP_CORE();
    while (tcp_active_pcbs && time(NULL) < until) {
        if (lwip_device_take())
            continue;
        UNLOCK_TCPIP_CORE();
        lwip_device_wait(20);
        LOCK_TCPIP_CORE();
    }
    UNLOCK_TCPIP_CORE();
}

int net_listen(uint16_t port)
{
    LOCK_TCPIP_CORE();
    struct tcp_pcb *pcb = tcp_new();
    if (!pcb || tcp_bind(pcb, IP_ANY_TYPE, port) != ERR_OK)
        fail("cannot listen");
    struct connection *c = connection_new(tcp_listen_with_backlog(pcb, 255));
    tcp_accept(c->pcb, on_accepted);
    UNLOCK_TCPIP_CORE();
    return (int)(c - connections);
}

int net_accept(int listener)
{
    struct connection *l = &connections[listener];
    LOCK_TCPIP_CORE();
    wait_until(can_read, l, false);
    struct connection *c = l->next;
    l->next = c->next;
    c->next = NULL;
    UNLOCK_TCPIP_CORE();
    return (int)(c - connections);
}

int net_connect(const char *host, uint16_t port, bool blocking)
{
    ip_addr_t to;
    LOCK_TCPIP_CORE();
    struct connection *c = connection_new(tcp_new());
    connection_listen_to(c);
    if (!ipaddr_aton(host, &to) || tcp_connect(c->pcb, &to, port, on_connected) != ERR_OK)
        fail("cannot connect");
    if (blocking)
        wait_until(is_open, c, false);
    UNLOCK_TCPIP_CORE();
    if (c->broken)
        fail("cannot connect");
    return (int)(c - connections);
}

ssize_t net_send(int socket, const void *bytes, size_t length, int flags)
{
    struct connection *c = &connections[socket];
    size_t done = 0;
    LOCK_TCPIP_CORE();
    do {
        if (!(flags & MSG_DONTWAIT))
            wait_until(can_write, c, false);
        if (c->broken || !can_write(c))
            break;
        size_t room = LWIP_MIN(tcp_sndbuf(c->pcb), 65535u);
        size_t part = LWIP_MIN(length - done, room);
        if (tcp_write(c->pcb, (const uint8_t *)bytes + done, (u16_t)part, TCP_WRITE_FLAG_COPY) ==
            ERR_OK)
            done += part;
        tcp_output(c->pcb);
    } while (done < length && !(flags & MSG_DONTWAIT));
    bool broken = c->broken;
    UNLOCK_TCPIP_CORE();
    if (done > 0)
        return (ssize_t)done;
    errno = broken ? ECONNRESET : EAGAIN;
    return -1;
}

/* With the lock. */
static ssize_t bytes_read(struct connection *c, void *bytes, size_t length)
{
    if (!c->arrived) {
        errno = c->broken ? ECONNRESET : EAGAIN;
        return c->ended ? 0 : -1;
    }
    u16_t most = length < 65535 ? (u16_t)length : 65535;
    u16_t n = pbuf_copy_partial(c->arrived, bytes, most, 0);
    c->arrived = pbuf_free_header(c->arrived, n);
    if (c->pcb)
        tcp_recved(c->pcb, n);
    return n;
}

static ssize_t receive(int socket, void *bytes, size_t length, int flags, bool spins)
{
    struct connection *c = &connections[socket];
    LOCK_TCPIP_CORE();
    if (!(flags & MSG_DONTWAIT))
        wait_until(can_read, c, spins);
    ssize_t n = bytes_read(c, bytes, length);
    UNLOCK_TCPIP_CORE();
    return n;
}

ssize_t net_recv(int socket, void *bytes, size_t length, int flags)
{
    return receive(socket, bytes, length, flags, false);
}

ssize_t net_recv_spinning(int socket, void *bytes, size_t length)
{
    return receive(socket, bytes, length, 0, true);
}

static int ready_count(struct pollfd *sockets, nfds_t count)
{
    int ready = 0;
    for (nfds_t i = 0; i < count; i++) {
        if (sockets[i].fd < 0)
            continue;
        const struct connection *c = &connections[sockets[i].fd];
        sockets[i].revents = (short)(((sockets[i].events & POLLIN) && can_read(c) ? POLLIN : 0) |
                                     ((sockets[i].events & POLLOUT) && can_write(c) ? POLLOUT : 0));
        ready += sockets[i].revents != 0;
    }
    return ready;
}

/* For ever or not at all, as the works ask for it. */
static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int net_poll(struct pollfd *sockets, nfds_t count, int timeout_ms)
{
    int ready;
    uint64_t begin_ms = now_ms();
    LOCK_TCPIP_CORE();
    lwip_device_take();
    while ((ready = ready_count(sockets, count)) == 0 &&
           (timeout_ms < 0 || now_ms() - begin_ms < (uint64_t)timeout_ms)) {
        if (lwip_device_take())
            continue;
        UNLOCK_TCPIP_CORE();
        lwip_device_wait(100);
        LOCK_TCPIP_CORE();
    }
    UNLOCK_TCPIP_CORE();
    return ready;
}

void net_finish(int socket)
{
    LOCK_TCPIP_CORE();
    if (connections[socket].pcb)
        tcp_shutdown(connections[socket].pcb, 0, 1);
    UNLOCK_TCPIP_CORE();
}

void net_no_delay(int socket)
{
    LOCK_TCPIP_CORE();
    if (connections[socket].pcb)
        tcp_nagle_disable(connections[socket].pcb);
    UNLOCK_TCPIP_CORE();
}

void net_close(int socket)
{
    struct connection *c = &connections[socket];
    LOCK_TCPIP_CORE();
    if (c->arrived)
        pbuf_free(c->arrived);
    if (c->pcb && c->pcb->state != LISTEN) {
        tcp_recv(c->pcb, NULL);
        tcp_err(c->pcb, NULL);
    }
    if (c->pcb) {
        tcp_arg(c->pcb, NULL);
        tcp_close(c->pcb);
    }
    c->used = false;
    UNLOCK_TCPIP_CORE();
}
