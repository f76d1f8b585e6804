/* The kernel's own calls. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <time.h>
#include <unistd.h>

#include "api.h"

enum { DESCRIPTORS = 256 };

static int first; /* the lowest descriptor that a program can get */

static const char port_range[] = "/proc/sys/net/ipv4/ip_local_port_range";
static char usual_ports[32];
static struct rlimit usual_limit;

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, strlen(text)) >= 0;
    int error = errno;
    close(fd);
    errno = error;
    return written;
}

static void write_ports(const char *text)
{
    if (!write_file(port_range, text))
        printf("the ports cannot be bounded: %s\n", strerror(errno));
}

static void ports(uint16_t from, uint16_t to)
{
    char text[32];
    snprintf(text, sizeof text, "%u %u", from, to);
    write_ports(text);
}

static void descriptors(unsigned more)
{
    struct rlimit limit = usual_limit;
    int fd = dup(0);
    close(fd);
    limit.rlim_cur = (rlim_t)fd + more;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void read_usual(void)
{
    int fd = open(port_range, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, usual_ports, sizeof usual_ports - 1);
    usual_ports[n > 0 ? n : 0] = '\0';
    close(fd);
    getrlimit(RLIMIT_NOFILE, &usual_limit);
}

static void begin(void)
{
    first = dup(0);
    close(first);
}

static uint64_t end(void)
{
    for (int fd = first; fd < DESCRIPTORS; fd++)
        close(fd);
    write_ports(usual_ports);
    setrlimit(RLIMIT_NOFILE, &usual_limit);
    return 0;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The C library may declare these with transparent unions, or as variadic. */
static int k_bind(int s, const struct sockaddr *address, socklen_t length)
{
    return bind(s, address, length);
}
static int k_accept(int s, struct sockaddr *address, socklen_t *length)
{
    return accept(s, address, length);
}
static int k_accept4(int s, struct sockaddr *address, socklen_t *length, int flags)
{
    return accept4(s, address, length, flags);
}
static int k_connect(int s, const struct sockaddr *address, socklen_t length)
{
    return connect(s, address, length);
}
static ssize_t k_sendto(int s, const void *bytes, size_t length, int flags,
                        const struct sockaddr *address, socklen_t address_length)
{
    return sendto(s, bytes, length, flags, address, address_length);
}
static ssize_t k_recvfrom(int s, void *bytes, size_t length, int flags, struct sockaddr *address,
                          socklen_t *address_length)
{
    return recvfrom(s, bytes, length, flags, address, address_length);
}
static int k_getsockname(int s, struct sockaddr *address, socklen_t *length)
{
    return getsockname(s, address, length);
}
static int k_getpeername(int s, struct sockaddr *address, socklen_t *length)
{
    return getpeername(s, address, length);
}
static int k_fcntl(int s, int command, int argument)
{
    return fcntl(s, command, argument);
}
static int k_ioctl(int s, unsigned long request, int *value)
{
    return ioctl(s, request, value);
}
static int k_select(int count, fd_set *in, fd_set *out, fd_set *except,
                    const struct timeval *timeout)
{
    struct timeval copy;
    if (timeout != NULL)
        copy = *timeout;
    return select(count, in, out, except, timeout ? &copy : NULL);
}

const struct api api_kernel = {
    .name = "kernel",
    .begin = begin,
    .end = end,
    .now_ns = now_ns,
    .ports = ports,
    .descriptors = descriptors,
    .socket = socket,
    .bind = k_bind,
    .listen = listen,
    .accept = k_accept,
    .accept4 = k_accept4,
    .connect = k_connect,
    .send = send,
    .sendto = k_sendto,
    .sendmsg = sendmsg,
    .recv = recv,
    .recvfrom = k_recvfrom,
    .recvmsg = recvmsg,
    .read = read,
    .write = write,
    .readv = readv,
    .writev = writev,
    .sendfile = sendfile,
    .shutdown = shutdown,
    .close = close,
    .getsockname = k_getsockname,
    .getpeername = k_getpeername,
    .getsockopt = getsockopt,
    .setsockopt = setsockopt,
    .fcntl = k_fcntl,
    .ioctl = k_ioctl,
    .poll = poll,
    .select = k_select,
    .epoll_create = epoll_create,
    .epoll_create1 = epoll_create1,
    .epoll_ctl = epoll_ctl,
    .epoll_wait = epoll_wait,
};

/* A TUN device that is held open and never read. */
int api_kernel_prepare(void)
{
    static const char command[] = "ip addr add 10.0.0.1/24 dev silent && ip link set silent up && "
                                  "ip route add default dev silent";
    struct ifreq request = {.ifr_name = "silent", .ifr_flags = IFF_TUN | IFF_NO_PI};
    read_usual();
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0) {
        printf("no TUN device: %s\n", strerror(errno));
        return -1;
    }
    /* Out of the way of the descriptors that programs get, and of end(). */
    if (fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTORS) < 0 || close(fd) < 0 || system(command) != 0) {
        printf("the device cannot be set up\n");
        return -1;
    }
    if (!write_file("/proc/sys/net/ipv4/ping_group_range", "0 0")) {
        printf("echo sockets cannot be allowed: %s\n", strerror(errno));
        return -1;
    }
    return 0;
}
