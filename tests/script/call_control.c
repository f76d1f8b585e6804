/* Control messages that recvmsg(2) brings: each is compared with what the script says of it, an
 * integer, {ee_errno=…} of an error queue, or {scm_sec=…, scm_nsec=…}, which counts from the
 * script's start. */
#include <time.h> /* which linux/errqueue.h takes for granted */

#include <linux/errqueue.h>
#include <stdlib.h>
#include <string.h>

#include "script/call.h"

static int64_t member(struct call *call, const struct expression *e, const char *name)
{
    const struct expression *found = expression_member(e, name);
    if (found == NULL)
        call_fail(call, "%s is missing", name);
    return found ? expression_integer(found, call->run->problem) : 0;
}

static void check(struct call *call, const struct expression *e, const char *name, int64_t actual)
{
    int64_t expected = member(call, e, name);
    if (actual != expected)
        call_fail(call, "%s: expected %lld, actual %lld", name, (long long)expected,
                  (long long)actual);
}

static bool take(struct call *call, const struct cmsghdr *at, void *to, size_t size)
{
    if (at->cmsg_len < CMSG_LEN(size)) {
        call_fail(call, "a control message of %zu bytes is too short", (size_t)at->cmsg_len);
        return false;
    }
    memcpy(to, (const char *)at + CMSG_LEN(0), size);
    return true;
}

static void check_error(struct call *call, const struct expression *e, const struct cmsghdr *at)
{
    struct sock_extended_err error;
    if (!take(call, at, &error, sizeof error))
        return;
    check(call, e, "ee_errno", error.ee_errno);
    check(call, e, "ee_origin", error.ee_origin);
    check(call, e, "ee_type", error.ee_type);
    check(call, e, "ee_code", error.ee_code);
    check(call, e, "ee_info", error.ee_info);
    check(call, e, "ee_data", error.ee_data);
}

static void check_time(struct call *call, const struct expression *e, const struct cmsghdr *at)
{
    const int64_t second = 1000000000;
    struct timespec time;
    if (!take(call, at, &time, sizeof time))
        return;
    int64_t expected = member(call, e, "scm_sec") * second + member(call, e, "scm_nsec");
    int64_t began = (int64_t)run_clock(call->run) - call->run->now_ns;
    int64_t actual = time.tv_sec * second + time.tv_nsec - began;
    if (llabs(actual - expected) > run_tolerance(call->run, expected, expected))
        call_fail(call, "time: expected %.6f, actual %.6f", seconds(expected), seconds(actual));
}

static void check_data(struct call *call, const struct expression *e, const struct cmsghdr *at)
{
    const struct expression *data = expression_member(e, "cmsg_data");
    int value;
    if (data && data->kind == EXPRESSION_STRUCT && expression_member(data, "ee_errno"))
        check_error(call, data, at);
    else if (data && data->kind == EXPRESSION_STRUCT)
        check_time(call, data, at);
    else if (take(call, at, &value, sizeof value))
        check(call, e, "cmsg_data", value);
}

void call_check_control(struct call *call, const struct expression *expected,
                        struct msghdr *message)
{
    struct cmsghdr *at = CMSG_FIRSTHDR(message);
    const struct expression *e = expected ? expected->first : NULL;
    for (; e; e = e->next, at = CMSG_NXTHDR(message, at)) {
        if (at == NULL) {
            call_fail(call, "there are fewer control messages than expected");
            return;
        }
        check(call, e, "cmsg_level", at->cmsg_level);
        check(call, e, "cmsg_type", at->cmsg_type);
        check_data(call, e, at);
    }
    if (at)
        call_fail(call, "there are more control messages than expected");
}
