/* tern_open(): a device, what stands between it and the stack, and the stack. From the ground up:
 * the TUN link; the fault link, if asked for; the capture link, which thus records what the stack
 * sees; the driver; the stack. Whatever fails takes down what is below it. With several queues
 * there is all of that for each of them, and the group (host/group.h) beside. */
#include "host/open.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "host/clock.h"
#include "host/driver.h"
#include "host/group.h"
#include "link/capture.h"
#include "link/fault.h"
#include "link/tun_open.h"
#include "sock/call.h"
#include "sock/tern.h"

static const char *or_default(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

/* An empty list is none, as with settings. */
static bool has_faults(const struct tern_config *config)
{
    return config->fault && *config->fault;
}

/* What faults hold back or lose of a burst must not make the rest of it wait. */
static struct tun_config tun_config_of(const struct tern_config *config)
{
    return (struct tun_config){.device = or_default(config->device, "tern0"),
                               .address = or_default(config->address, "10.0.0.3/24"),
                               .peer = or_default(config->peer, "10.0.0.2"),
                               .mtu = config->mtu,
                               .no_offload = config->no_offload != 0,
                               .gro = !has_faults(config)};
}

/* A failure whose sentence is in `error` already, if there is an `error`. */
static int told(struct tern_error *error, int result)
{
    if (error)
        error->code = -result;
    return result;
}

/* A bad profile is told before a device is made for nothing. */
static int read_faults(const char *faults, struct fault_profile profile[2],
                       struct tern_error *error)
{
    int result = fault_profile_parse(faults, &profile[0], error ? error->text : NULL,
                                     error ? sizeof error->text : 0);
    if (result < 0)
        return told(error, result);
    profile[1] = profile[0];
    return 0;
}

static int add_faults(const struct fault_profile profile[2], const struct tern_config *config,
                      struct link **link, struct tern_error *error)
{
    struct link *above;
    if (fault_link_new(*link, profile, &above) < 0)
        return tern_error_set(error, ENOMEM, "out of memory");
    fault_link_trace(above, config->trace, config->trace_user);
    *link = above;
    return 0;
}

/* A queue has a file of its own: its number, from the second on, is added to the name. */
static int add_capture(const struct tern_config *config, const char *device, unsigned queue,
                       struct link **link, struct tern_error *error)
{
    struct link *above;
    char path[PATH_MAX];
    int length = queue == 0 ? snprintf(path, sizeof path, "%s", config->capture)
                            : snprintf(path, sizeof path, "%s.%u", config->capture, queue);
    int result = length < (int)sizeof path
                     ? capture_link_open(*link, device, clock_epoch_ns(), path, &above)
                     : -ENAMETOOLONG;
    if (result < 0)
        return tern_error_set(error, -result, "cannot write the capture to %.100s: %s", path,
                              strerror(-result));
    *link = above;
    return 0;
}

static void close_links(struct link **links, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        link_close(links[i]);
}

static int open_links(const struct tern_config *config, unsigned count, struct link **out,
                      struct tern_error *error)
{
    struct tun_config tun = tun_config_of(config);
    struct fault_profile profile[2];
    int result = has_faults(config) ? read_faults(config->fault, profile, error) : 0;
    if (result == 0 && config->capture && !*config->capture)
        result = tern_error_set(error, EINVAL, "a capture needs the name of a file to write");
    if (result == 0) /* before anything is overwritten for nothing */
        result = tern_check_settings(config->settings, error);
    if (result < 0)
        return result;
    result = tun_links_open(&tun, count, out, error ? error->text : NULL,
                            error ? sizeof error->text : 0);
    if (result < 0)
        return told(error, result);
    for (unsigned i = 0; i < count && result == 0; i++) {
        if (has_faults(config))
            result = add_faults(profile, config, &out[i], error);
        if (result == 0 && config->capture)
            result = add_capture(config, tun.device, i, &out[i], error);
    }
    if (result < 0)
        close_links(out, count);
    return result;
}

static int open_stack(const struct tern_config *config, struct link *link, struct driver *driver,
                      const struct share *share, struct tern **out, struct tern_error *error)
{
    uint8_t seed[RANDOM_SEED_SIZE];
    if (getrandom(seed, sizeof seed, 0) != sizeof seed)
        return tern_error_set(error, EIO, "no random numbers to be had: %s", strerror(errno));
    struct tern_parameters parameters = {
        .seed = seed,
        .now_ns = clock_now_ns(),
        .address = tun_config_of(config).address,
        .mtu = link->mtu,
        .link_features = link->features,
        .super_packet_max = link->super_packet_max,
        .transmit = driver_transmit,
        .link = driver,
        .settings = config->settings,
        .trace = config->trace,
        .trace_user = config->trace_user,
        .host = driver_host(driver),
    };
    int result = tern_create(&parameters, out, error);
    if (result < 0)
        return result;
    (*out)->interface->big_packet_max = link->big_packet_max;
    (*out)->interface->kernel = link->kernel;
    (*out)->interface->gro = link->gro;
    if (share)
        (*out)->stack.share = *share;
    result = driver_start(driver, *out);
    if (result == 0)
        return 0;
    tern_destroy(*out);
    return tern_error_set(error, -result, "cannot start a thread: %s", strerror(-result));
}

/* `link` and `member` (or NULL) are the stack's, or gone. */
static int open_member(struct link *link, struct group_member *member,
                       const struct tern_config *config, struct tern **out,
                       struct tern_error *error)
{
    struct driver *driver;
    int result = driver_new(link, member, &driver);
    if (result < 0) {
        link_close(link);
        if (member)
            group_leave(member);
        return tern_error_set(error, -result, "cannot set up the driver: %s", strerror(-result));
    }
    result = open_stack(config, link, driver, member ? group_share(member) : NULL, out, error);
    if (result < 0) {
        struct sock_host *host = driver_host(driver);
        host->operations->release(host);
    }
    return result;
}

int open_over(struct link *link, const struct tern_config *config, struct tern **out,
              struct tern_error *error)
{
    return open_member(link, NULL, config, out, error);
}

/* A client that has a cookie of one stack may come to another with it. */
static int share_cookie_key(struct tern **stacks, unsigned count, struct tern_error *error)
{
    char key[64];
    int result = tern_get(stacks[0], "tcp.fastopen_key", key, sizeof key);
    for (unsigned i = 1; i < count && result == 0; i++)
        result = tern_set(stacks[i], "tcp.fastopen_key", key);
    return result < 0 ? tern_error_set(error, errno, "%s", strerror(errno)) : 0;
}

static int open_members(struct link **links, struct group_member **members, unsigned count,
                        const struct tern_config *config, struct tern **out,
                        struct tern_error *error)
{
    unsigned opened = 0, given = 0;
    int result = 0;
    while (given < count && result == 0) {
        result = open_member(links[given], members[given], config, &out[given], error);
        given++;
        if (result == 0)
            opened++;
    }
    if (result == 0)
        result = share_cookie_key(out, count, error);
    if (result == 0)
        return 0;
    for (unsigned i = 0; i < opened; i++)
        tern_close_stack(out[i]);
    for (unsigned i = given; i < count; i++) {
        link_close(links[i]);
        group_leave(members[i]);
    }
    return result;
}

int open_over_queues(struct link **links, unsigned count, const struct tern_config *config,
                     struct tern **out, struct tern_error *error)
{
    struct group_member *members[LIMIT_QUEUES];
    if (count == 1)
        return open_over(links[0], config, out, error);
    int result = group_new(count, members);
    if (result == 0)
        return open_members(links, members, count, config, out, error);
    close_links(links, count);
    return tern_error_set(error, -result, "cannot set up the queues: %s", strerror(-result));
}

static int open_queues(const struct tern_config *config, unsigned count, struct tern **stacks,
                       struct tern_error *error)
{
    static const struct tern_config defaults;
    struct link *links[LIMIT_QUEUES];
    int result = 0;
    if (!config)
        config = &defaults;
    if (!stacks)
        result = tern_error_set(error, EFAULT, "no room for the stacks");
    else if (count < 1 || count > LIMIT_QUEUES)
        result =
            tern_error_set(error, EINVAL, "%u queues: 1 to %d are possible", count, LIMIT_QUEUES);
    if (result == 0)
        result = open_links(config, count, links, error);
    if (result == 0)
        result = open_over_queues(links, count, config, stacks, error);
    return result;
}

int tern_open_queues(const struct tern_config *config, unsigned count, struct tern **stacks,
                     struct tern_error *error)
{
    const int cancel = call_cancel_off();
    int result = open_queues(config, count, stacks, error);
    call_cancel_back(cancel);
    if (result == 0)
        return 0;
    errno = -result;
    return -1;
}

struct tern *tern_open(const struct tern_config *config, struct tern_error *error)
{
    struct tern *t = NULL;
    return tern_open_queues(config, 1, &t, error) == 0 ? t : NULL;
}
