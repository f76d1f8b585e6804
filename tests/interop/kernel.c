#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ── Sockets ── */

int kernel_socket(int type, int protocol)
{
    static const struct timeval patience = {.tv_sec = PATIENCE_S};
    int s = must(socket(AF_INET, type | SOCK_CLOEXEC, protocol));
    must(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
    must(setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience));
    if (type == SOCK_STREAM && setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5) < 0)
        must(setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
    return s;
}

int kernel_bound(const struct scenario *scenario, int type, uint16_t *port)
{
    struct sockaddr_in address = scenario_sockaddr(scenario->kernels, 0);
    socklen_t length = sizeof address;
    int s = kernel_socket(type, 0);
    must(bind(s, (struct sockaddr *)&address, sizeof address));
    must(getsockname(s, (struct sockaddr *)&address, &length));
    *port = ntohs(address.sin_port);
    return s;
}

int kernel_listen(const struct scenario *scenario, uint16_t *port)
{
    int s = kernel_bound(scenario, SOCK_STREAM, port);
    must(listen(s, 1024));
    return s;
}

int kernel_accept(int listener)
{
    static const struct timeval patience = {.tv_sec = PATIENCE_S};
    int s = must(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
    must(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
    must(setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience));
    return s;
}

int kernel_connect(const struct scenario *scenario, int type, uint16_t port)
{
    struct sockaddr_in to = scenario_sockaddr(scenario->ours, port);
    int s = kernel_socket(type, 0);
    must(connect(s, (struct sockaddr *)&to, sizeof to));
    return s;
}

void kernel_option(int socket, int level, int option, int value)
{
    must(setsockopt(socket, level, option, &value, sizeof value));
}

struct tern_tcp_info kernel_info(int socket)
{
    struct tern_tcp_info info = {0};
    socklen_t length = sizeof info;
    must(getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &length));
    return info;
}

int kernel_poll(int socket, short events)
{
    struct pollfd p = {.fd = socket, .events = events};
    assert_int_equal(must(poll(&p, 1, PATIENCE_S * 1000)), 1);
    return p.revents;
}

/* ── Settings ── */

enum { SETTINGS_MAX = 8 };

static struct {
    char path[96], value[64];
} before[SETTINGS_MAX];
static unsigned changed;

static void put(const char *path, const char *value)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    bool written = file >= 0 && write(file, value, strlen(value)) == (ssize_t)strlen(value);
    if (file >= 0)
        close(file);
    if (!written) {
        print_message("%s cannot be written here\n", path);
        skip();
    }
}

void kernel_set(const char *name, const char *value)
{
    assert_true(changed < SETTINGS_MAX);
    char *path = before[changed].path, *old = before[changed].value;
    snprintf(path, sizeof before->path, "/proc/sys/net/ipv4/%s", name);
    int file = must(open(path, O_RDONLY | O_CLOEXEC));
    ssize_t length = read(file, old, sizeof before->value - 1);
    close(file);
    old[must(length)] = '\0';
    put(path, value);
    changed++;
}

void kernel_restore(void)
{
    while (changed) {
        changed--;
        put(before[changed].path, before[changed].value);
    }
}

void kernel_command(const char *format, ...)
{
    char command[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    fflush(NULL);
    int status = system(command);
    if (status != 0)
        fail_msg("%s: status %d", command, status);
}
