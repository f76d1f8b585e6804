#include "sock/tern.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ip/ip.h"
#include "raw/echo.h"
#include "sock/call.h"
#include "sock/pages.h"
#include "sock/socket.h"
#include "sock/wait.h"
#include "tcp/tcp.h"
#include "udp/udp.h"

enum {
    MTU_MIN = 68, /* RFC 791: what every module forwards without fragmentation */
    MTU_MAX = 65535,
    SOCKET_SPAN = 1 << 16,
};

int tern_error_set(struct tern_error *error, int code, const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
        error->code = code;
    }
    return -code;
}

static int attach_protocols(struct stack *stack)
{
    int error = ip_attach(stack);
    if (error == 0)
        error = udp_attach(stack);
    if (error == 0)
        error = echo_attach(stack);
    if (error == 0)
        error = tcp_attach(stack);
    return error;
}

/* One "name=value" of `length` bytes. */
static int apply_setting(struct settings *settings, const char *text, size_t length,
                         struct tern_error *error)
{
    char pair[128], values[128] = "";
    if (length >= sizeof pair)
        return tern_error_set(error, EINVAL, "setting too long: %.*s", 64, text);
    memcpy(pair, text, length);
    pair[length] = '\0';
    char *value = strchr(pair, '=');
    if (value == NULL)
        return tern_error_set(error, EINVAL, "setting '%s' is not of the form name=value", pair);
    *value++ = '\0';
    switch (setting_set(settings, pair, value)) {
    case 0:
        return 0;
    case -ENOENT:
        return tern_error_set(error, EINVAL,
                              "there is no setting '%s': `tern help settings` lists them, and "
                              "tern_setting_name()",
                              pair);
    default:
        setting_values(pair, values, sizeof values);
        return tern_error_set(error, EINVAL, "setting %s cannot be '%s': it takes %s", pair, value,
                              values);
    }
}

static int apply_settings(struct settings *settings, const char *text, struct tern_error *error)
{
    while (text != NULL && *text != '\0') {
        size_t length = strcspn(text, ",");
        int result = apply_setting(settings, text, length, error);
        if (result < 0)
            return result;
        text += length;
        if (*text == ',')
            text++;
    }
    char why[128];
    return settings_check(settings, why, sizeof why) < 0 ? tern_error_set(error, EINVAL, "%s", why)
                                                         : 0;
}

int tern_check_settings(const char *text, struct tern_error *error)
{
    struct settings settings;
    settings_init(&settings);
    return apply_settings(&settings, text, error);
}

/* All destinations are reached through the one interface: its own subnet, and every other. */
static int add_addresses(struct interface *interface, const char *text, struct tern_error *error)
{
    struct address address;
    unsigned prefix_bits;
    if (text == NULL)
        return tern_error_set(error, EINVAL, "an address is needed, as 10.0.0.3/24");
    if (address_parse_prefix(text, &address, &prefix_bits) < 0 || !address_is_ipv4(&address))
        return tern_error_set(error, EINVAL,
                              "address '%s' is not an IPv4 address with its prefix of 0 to 32 "
                              "bits, as 10.0.0.3/24",
                              text);
    if (address_is_unspecified(&address) || address_is_multicast(&address) ||
        address_is_limited_broadcast(&address))
        return tern_error_set(error, EINVAL, "address '%s' cannot be a host's own", text);
    struct route all = {
        .prefix = address_from_ipv4(0), .gateway = address_from_ipv4(0), .interface = interface};
    int result = interface_add_address(interface, &address, prefix_bits);
    if (result == 0)
        result = route_add(interface->stack, &all);
    if (result < 0 && result != -EEXIST) /* an address with a prefix of 0 bits */
        return tern_error_set(error, -result, "address '%s': %s", text, strerror(-result));
    return 0;
}

static int add_interface(struct tern *t, const struct tern_parameters *p, struct tern_error *error)
{
    if (p->mtu < MTU_MIN || p->mtu > MTU_MAX)
        return tern_error_set(error, EINVAL, "MTU %u is not between %d and %d", p->mtu, MTU_MIN,
                              MTU_MAX);
    t->interface = stack_add_interface(&t->stack);
    t->interface->transmit = p->transmit;
    t->interface->link = p->link;
    t->interface->mtu = p->mtu;
    t->interface->features = p->link_features;
    t->interface->super_packet_max = p->super_packet_max;
    return add_addresses(t->interface, p->address, error);
}

static int build(struct tern *t, const struct tern_parameters *p, struct tern_error *error)
{
    int result = attach_protocols(&t->stack);
    if (result < 0)
        return tern_error_set(error, -result, "%s", strerror(-result));
    result = apply_settings(&t->stack.settings, p->settings, error);
    if (result < 0)
        return result;
    return add_interface(t, p, error);
}

int tern_create(const struct tern_parameters *parameters, struct tern **out,
                struct tern_error *error)
{
    struct tern *t = calloc(1, sizeof *t);
    if (t == NULL || stack_init(&t->stack, parameters->seed, parameters->now_ns) < 0) {
        free(t);
        return tern_error_set(error, ENOMEM, "out of memory");
    }
    t->host = parameters->host;
    t->stack.pages = pages_source();
    slab_init(&t->socket_slab, sizeof(struct socket), SOCKET_SPAN, t->stack.pages);
    descriptors_init(&t->descriptors);
    list_init(&t->waiting);
    list_init(&t->due);
    t->stack.notify = wait_notify;
    t->stack.trace = (struct trace){parameters->trace, parameters->trace_user};
    int result = build(t, parameters, error);
    if (result < 0) {
        tern_destroy(t);
        return result;
    }
    *out = t;
    return 0;
}

void tern_destroy(struct tern *t)
{
    for (uint32_t i = 0; i < t->descriptors.capacity; i++) {
        struct socket *socket = descriptor_find(&t->descriptors, (int)i);
        if (socket != NULL)
            socket_close(socket, true);
    }
    descriptors_release(&t->descriptors);
    stack_release(&t->stack);
    slab_release(&t->socket_slab);
    socket_preferences_leave(t->usual);
    free(t);
}

/* Whether a call is under way: then this is a callback of it, or somebody else's mistake. */
static bool is_in_use(struct tern *t)
{
    struct call call;
    int error = call_enter(&call, t);
    if (error == 0 && t->away > 0)
        error = -EBUSY;
    call_end(&call, error);
    return error == -EBUSY;
}

static int close_stack(struct tern *t)
{
    struct sock_host *host = t->host;
    /* In the child of a fork the machine may have been caught in the middle of a step, and is not
     * to be touched. */
    if (host->operations->stop(host) == 0)
        tern_destroy(t);
    return host->operations->release(host);
}

int tern_close_stack(struct tern *t)
{
    if (t == NULL)
        return 0;
    if (is_in_use(t))
        return -1;
    const int cancel = call_cancel_off();
    int result = close_stack(t);
    call_cancel_back(cancel);
    if (result == 0)
        return 0;
    errno = -result;
    return -1;
}
