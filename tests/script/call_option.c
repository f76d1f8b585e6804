/* Options, descriptors' flags, and readiness. */
#include <errno.h>
#include <string.h>

#include "script/call.h"

enum { POLL_MAX = 64, OPTION_MAX = 1024 };

static void check_option(struct call *call, const uint8_t *actual, socklen_t length)
{
    const struct expression *e = call_argument(call, 3);
    int64_t expected_length = call_bracketed(call, 4);
    int value = 0;
    if (length != (uint64_t)expected_length) {
        call_fail(call, "length of the value: expected %lld, actual %u", (long long)expected_length,
                  (unsigned)length);
        return;
    }
    if (e->kind == EXPRESSION_STRING) {
        size_t wanted_length = 0;
        const uint8_t *wanted = call_bytes(call, e, &wanted_length);
        if (wanted_length > length || memcmp(actual, wanted, wanted_length) != 0)
            call_fail(call, "value: expected \"%s\", actual \"%.*s\"", e->text, (int)length,
                      (const char *)actual);
    } else if (e->kind == EXPRESSION_STRUCT) {
        struct linger linger = {0};
        const struct expression *on = expression_member(e, "onoff");
        const struct expression *time = expression_member(e, "linger");
        memcpy(&linger, actual, length < sizeof linger ? length : sizeof linger);
        if (!on || !time || linger.l_onoff != expression_integer(on, call->run->problem) ||
            linger.l_linger != expression_integer(time, call->run->problem))
            call_fail(call, "value: {onoff=%d, linger=%d}", linger.l_onoff, linger.l_linger);
    } else if (!expression_is_ellipsis(e)) {
        int64_t wanted = call_bracketed(call, 3);
        memcpy(&value, actual, length < sizeof value ? length : sizeof value);
        if (value != wanted)
            call_fail(call, "value: expected %lld, actual %d", (long long)wanted, value);
    }
}

int64_t call_getsockopt(struct call *call)
{
    uint8_t value[OPTION_MAX] = {0};
    struct connection *c = call_connection(call, 0);
    int level = (int)call_integer(call, 1);
    int option = (int)call_integer(call, 2);
    int64_t room = call_bracketed(call, 4);
    if (room < 0 || room > OPTION_MAX)
        call_fail(call, "no room for a value of %lld bytes", (long long)room);
    if (call_failed(call))
        return -1;
    socklen_t length = (socklen_t)room;
    int result = tern_getsockopt(call->run->tern, c->live_fd, level, option, value, &length);
    call_return(call, result);
    if (result == 0)
        check_option(call, value, length);
    return result;
}

int64_t call_setsockopt(struct call *call)
{
    struct connection *c = call_connection(call, 0);
    int level = (int)call_integer(call, 1);
    int option = (int)call_integer(call, 2);
    const struct expression *e = call_argument(call, 3);
    socklen_t length = (socklen_t)call_integer(call, 4);
    struct linger linger = {0};
    int number = 0;
    const void *value = &number;
    size_t size = sizeof number;
    if (e->kind == EXPRESSION_STRING) {
        value = call_bytes(call, e, &size);
    } else if (e->kind == EXPRESSION_STRUCT) {
        const struct expression *on = expression_member(e, "onoff");
        const struct expression *time = expression_member(e, "linger");
        if (on && time) {
            linger.l_onoff = (int)expression_integer(on, call->run->problem);
            linger.l_linger = (int)expression_integer(time, call->run->problem);
        } else {
            call_fail(call, "expected {onoff=…, linger=…}");
        }
        value = &linger;
        size = sizeof linger;
    } else {
        number = (int)call_bracketed(call, 3);
    }
    if (length > size)
        call_fail(call, "the value has %zu bytes, not %u", size, (unsigned)length);
    if (call_failed(call))
        return -1;
    return call_return(call,
                       tern_setsockopt(call->run->tern, c->live_fd, level, option, value, length));
}

int64_t call_fcntl(struct call *call)
{
    struct connection *c = call_connection(call, 0);
    int command = (int)call_integer(call, 1);
    int argument = call->spec->arguments->count > 2 ? (int)call_integer(call, 2) : 0;
    if (call_failed(call))
        return -1;
    return call_return(call, tern_fcntl(call->run->tern, c->live_fd, command, argument));
}

int64_t call_ioctl(struct call *call)
{
    struct connection *c = call_connection(call, 0);
    unsigned long request = (unsigned long)call_integer(call, 1);
    bool has_value = call->spec->arguments->count > 2;
    int wanted = has_value ? (int)call_bracketed(call, 2) : 0;
    int value = wanted;
    if (call_failed(call))
        return -1;
    int result = tern_ioctl(call->run->tern, c->live_fd, request, &value);
    call_return(call, result);
    if (result == 0 && has_value && value != wanted)
        call_fail(call, "value: expected %d, actual %d", wanted, value);
    return result;
}

static void read_poll(struct call *call, const struct expression *e, struct pollfd *out,
                      short *wanted)
{
    struct problem *problem = call->run->problem;
    const struct expression *fd = expression_member(e, "fd");
    const struct expression *events = expression_member(e, "events");
    const struct expression *returned = expression_member(e, "revents");
    if (!fd || !events) {
        call_fail(call, "expected {fd=…, events=…, revents=…}");
        return;
    }
    int script_fd = (int)expression_integer(fd, problem);
    struct connection *c = connection_by_fd(call->run, script_fd);
    if (script_fd >= 0 && c == NULL)
        call_fail(call, "the script has no descriptor %d", script_fd);
    out->fd = c ? c->live_fd : -1;
    out->events = (short)expression_integer(events, problem);
    out->revents = 0;
    *wanted = returned ? (short)expression_integer(returned, problem) : 0;
}

int64_t call_poll(struct call *call)
{
    struct pollfd sockets[POLL_MAX];
    short wanted[POLL_MAX];
    const struct expression *list = call_argument(call, 0);
    int64_t count = call_integer(call, 1);
    int timeout = (int)call_integer(call, 2);
    if (list->kind != EXPRESSION_LIST || list->count != (uint64_t)count || count > POLL_MAX)
        call_fail(call, "expected a list of %lld descriptors", (long long)count);
    for (size_t i = 0; i < list->count && !call_failed(call); i++)
        read_poll(call, expression_at(list, i), &sockets[i], &wanted[i]);
    if (call_failed(call))
        return -1;
    int result = tern_poll(call->run->tern, sockets, (nfds_t)count, timeout);
    call_return(call, result);
    for (size_t i = 0; i < list->count && result >= 0; i++)
        if (sockets[i].revents != wanted[i])
            call_fail(call, "revents of the %zu. descriptor: expected 0x%x, actual 0x%x", i + 1,
                      (unsigned)wanted[i], (unsigned)sockets[i].revents);
    return result;
}
