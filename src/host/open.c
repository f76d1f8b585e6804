/* tern_open(): a device, what stands between it and the stack, and the stack. From the ground up:
 * the TUN link; the fault link, if asked for; the capture link, which thus records what the stack
 * sees; the driver; the stack. Whatever fails takes down what is below it. */
#include "host/open.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "host/clock.h"
#include "host/driver.h"
#include "link/capture.h"
#include "link/fault.h"
#include "link/tun.h"
#include "sock/tern.h"

static const char *or_default(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

static struct tun_config tun_config_of(const struct tern_config *config)
{
    return (struct tun_config){.device = or_default(config->device, "tern0"),
                               .address = or_default(config->address, "10.0.0.3/24"),
                               .peer = or_default(config->peer, "10.0.0.2"),
                               .mtu = config->mtu};
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

static int add_capture(const char *path, const char *device, struct link **link,
                       struct tern_error *error)
{
    struct link *above;
    int result = capture_link_open(*link, device, clock_epoch_ns(), path, &above);
    if (result < 0)
        return tern_error_set(error, -result, "cannot write the capture to %s: %s", path,
                              strerror(-result));
    *link = above;
    return 0;
}

static int open_link(const struct tern_config *config, struct link **out, struct tern_error *error)
{
    struct tun_config tun = tun_config_of(config);
    struct fault_profile profile[2];
    int result = config->fault ? read_faults(config->fault, profile, error) : 0;
    if (result < 0)
        return result;
    result = tun_link_open(&tun, out, error ? error->text : NULL, error ? sizeof error->text : 0);
    if (result < 0)
        return told(error, result);
    if (config->fault)
        result = add_faults(profile, config, out, error);
    if (result == 0 && config->capture)
        result = add_capture(config->capture, tun.device, out, error);
    if (result < 0)
        link_close(*out);
    return result;
}

static int open_stack(const struct tern_config *config, struct link *link, struct driver *driver,
                      struct tern **out, struct tern_error *error)
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
    result = driver_start(driver, *out);
    if (result == 0)
        return 0;
    tern_destroy(*out);
    return tern_error_set(error, -result, "cannot start a thread: %s", strerror(-result));
}

int open_over(struct link *link, const struct tern_config *config, struct tern **out,
              struct tern_error *error)
{
    struct driver *driver;
    int result = driver_new(link, &driver);
    if (result < 0) {
        link_close(link);
        return tern_error_set(error, -result, "cannot set up the driver: %s", strerror(-result));
    }
    result = open_stack(config, link, driver, out, error);
    if (result < 0) {
        struct sock_host *host = driver_host(driver);
        host->operations->release(host);
    }
    return result;
}

struct tern *tern_open(const struct tern_config *config, struct tern_error *error)
{
    static const struct tern_config defaults;
    struct link *link;
    struct tern *t = NULL;
    if (!config)
        config = &defaults;
    int result = open_link(config, &link, error);
    if (result == 0)
        result = open_over(link, config, &t, error);
    if (result == 0)
        return t;
    errno = -result;
    return NULL;
}
