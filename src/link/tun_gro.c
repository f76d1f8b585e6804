/* A packet that is written to a queue with IFF_NAPI goes through the kernel's GRO before the write
 * returns, but alone: what GRO holds is handed up as soon as the kernel has looked at all there is.
 * A device with a time limit has it held for the next. Short limits are of no use: the timer is set
 * anew with each packet, and one that goes off before the scheduler's next tick (every 4 ms, with
 * most kernels) means a word with the machine's clock each time. No packet of ours ever waits for
 * the limit: the last of what goes at once has PSH, with which GRO hands up what it has
 * (core/interface.c). It is there for bursts whose end the device refuses. Datagrams, which it
 * joins for a socket that asks for it (UDP_GRO), have no such mark; but what is longer than it
 * says, as the shortest packets on an Ethernet are, GRO passes by (Linux's inet_gro_receive), and
 * IP cuts off what is too much (RFC 894).
 *
 * The limit is a file of sysfs. The one at /sys may be another network namespace's, or not be
 * writable, so that we have our own, which is mounted nowhere and gone with its descriptor. */
#include "link/tun_gro.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wire/ipv4.h"

#define LIMIT_NS "10000000"

/* Of <linux/mount.h>, which cannot be had beside a C library's <sys/mount.h> everywhere. */
enum {
    OPEN_CLOSE_ON_EXEC = 1,
    CONFIG_CREATE = 6,
    MOUNT_CLOSE_ON_EXEC = 1,
};

/* The file that says it for any device. */
#define FILE_OF "class/net/%s/gro_flush_timeout"

static int mount_nowhere(int context)
{
    if (syscall(SYS_fsconfig, context, CONFIG_CREATE, NULL, NULL, 0) < 0)
        return -1;
    return (int)syscall(SYS_fsmount, context, MOUNT_CLOSE_ON_EXEC, 0);
}

static int open_limit(int sysfs, const char *device)
{
    char path[sizeof FILE_OF + IF_NAMESIZE];
    snprintf(path, sizeof path, FILE_OF, device);
    return openat(sysfs, path, O_WRONLY | O_CLOEXEC);
}

/* Root of a user namespace can open it, and not write. Where writing is allowed, what is no number
 * is refused for that, and nothing is changed. */
static bool may_write(int sysfs)
{
    int file = open_limit(sysfs, "lo");
    if (file < 0)
        return false;
    bool may = write(file, "?", 1) < 0 && errno == EINVAL;
    close(file);
    return may;
}

int tun_gro_prepare(void)
{
    int context = (int)syscall(SYS_fsopen, "sysfs", OPEN_CLOSE_ON_EXEC);
    if (context < 0)
        return -1;
    int sysfs = mount_nowhere(context);
    close(context);
    if (sysfs < 0 || may_write(sysfs))
        return sysfs;
    close(sysfs);
    return -1;
}

bool tun_gro_turn_on(int prepared, const char *device)
{
    static const char limit[] = LIMIT_NS;
    int file = open_limit(prepared, device);
    if (file < 0)
        return false;
    bool written = write(file, limit, sizeof limit - 1) == sizeof limit - 1;
    close(file);
    return written;
}

void tun_gro_pad(const struct iovec *first, struct iovec *padding)
{
    static const uint8_t zero;
    bool datagram = ipv4_protocol(first->iov_base, first->iov_len) == IP_PROTOCOL_UDP;
    *padding = (struct iovec){(void *)(uintptr_t)&zero, datagram ? 1 : 0};
}
