#include "cli/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool has_user_namespace; /* how this process got in; sandbox_way_in tells */

static long setting_read(const char *path)
{
    char text[32] = "";
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return -1;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    return length > 0 ? strtol(text, NULL, 10) : -1;
}

/* Writes all of `text` to a file of /proc in one call, as these files want it. */
static int proc_write(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return -errno;
    int result = write(file, text, strlen(text)) < 0 ? -errno : 0;
    close(file);
    return result;
}

void sandbox_explain(const struct sandbox_host *host, int code, const char *step,
                     struct tern_error *error)
{
    const char *advice = "the container or the security policy around this process forbids it; "
                         "run as root without --sandbox, or outside the container";
    if (host->unprivileged_userns_clone == 0)
        advice = "this host forbids user namespaces; as root: sysctl -w "
                 "kernel.unprivileged_userns_clone=1";
    else if (host->max_user_namespaces == 0)
        advice = "this host allows no user namespaces; as root: sysctl -w "
                 "user.max_user_namespaces=10000";
    else if (host->apparmor_restrict == 1)
        advice = "AppArmor restricts user namespaces on this host; as root: sysctl -w "
                 "kernel.apparmor_restrict_unprivileged_userns=0";
    else if (code == ENOSPC)
        advice = "too many user namespaces are open; end some, or as root raise "
                 "user.max_user_namespaces";
    else if (code == EINVAL || code == ENOSYS)
        advice = "this kernel is built without user namespaces; run as root without --sandbox";
    error->code = code;
    snprintf(error->text, sizeof error->text, "--sandbox: %s: %s; %s", step, strerror(code),
             advice);
}

static int sandbox_fail(int code, const char *step, struct tern_error *error)
{
    struct sandbox_host host = {
        .unprivileged_userns_clone = setting_read("/proc/sys/kernel/unprivileged_userns_clone"),
        .max_user_namespaces = setting_read("/proc/sys/user/max_user_namespaces"),
        .apparmor_restrict = setting_read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
    };
    sandbox_explain(&host, code, step, error);
    return -code;
}

/* We are root inside, and ourselves outside. Without "deny", an unprivileged process may not map
 * its group (user_namespaces(7)). */
static int identity_map(uid_t user, gid_t group)
{
    char map[48];
    int result = proc_write("/proc/self/setgroups", "deny");
    if (result < 0 && result != -ENOENT)
        return result;
    snprintf(map, sizeof map, "0 %u 1", (unsigned)user);
    result = proc_write("/proc/self/uid_map", map);
    if (result < 0)
        return result;
    snprintf(map, sizeof map, "0 %u 1", (unsigned)group);
    return proc_write("/proc/self/gid_map", map);
}

/* Programs on the kernel's side expect to reach themselves on 127.0.0.1. */
static int loopback_raise(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    int socket_descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_descriptor < 0)
        return -errno;
    int result = ioctl(socket_descriptor, SIOCGIFFLAGS, &request);
    if (result == 0) {
        request.ifr_flags |= IFF_UP;
        result = ioctl(socket_descriptor, SIOCSIFFLAGS, &request);
    }
    result = result < 0 ? -errno : 0;
    close(socket_descriptor);
    return result;
}

int sandbox_enter(struct tern_error *error)
{
    uid_t user = geteuid();
    gid_t group = getegid();
    has_user_namespace = unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
    if (!has_user_namespace) {
        int code = errno;
        if (user != 0 || unshare(CLONE_NEWNET) < 0)
            return sandbox_fail(code, "cannot make a user and network namespace", error);
    }
    int result = has_user_namespace ? identity_map(user, group) : 0;
    if (result < 0)
        return sandbox_fail(-result, "cannot map the user into the new namespace", error);
    result = loopback_raise();
    if (result < 0)
        return sandbox_fail(-result, "cannot bring the loopback device up", error);
    return 0;
}

void sandbox_way_in(char *text, size_t size)
{
    snprintf(text, size, "nsenter -t %ld %s-n COMMAND", (long)getpid(),
             has_user_namespace ? "-U --preserve-credentials " : "");
}
