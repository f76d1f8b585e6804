/* tern ping: ICMP echo requests at an interval, and what becomes of them. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/ping_stats.h"
#include "cli/session.h"
#include "cli/units.h"
#include "cli/values.h"
#include "wire/icmp.h"

enum {
    PING_DATA_MAX = 65507, /* 65,535 less the IPv4 and ICMP headers */
    PING_SEQUENCES = 65536,
    PING_INTERVAL_LEAST_MS = 1,
};

static struct ping_options {
    uint64_t count; /* 0: until interrupted */
    uint64_t interval_ns;
    uint64_t wait_ns; /* for the last replies */
    uint64_t data_bytes;
} ping_options = {.interval_ns = TIME_S(1), .wait_ns = TIME_S(1), .data_bytes = 56};

struct ping {
    struct session session;
    struct sockaddr_in to;
    char host[INET_ADDRSTRLEN];
    int socket;
    struct ping_stats stats;
    /* By sequence number: when its request left; and whether its reply has come. */
    uint64_t sent_ns[PING_SEQUENCES];
    bool answered[PING_SEQUENCES];
};

static int take_count(void *target, const char *value, struct tern_error *error)
{
    return value_number("-c", value, 1, UINT32_MAX, &((struct ping_options *)target)->count, error);
}

static int take_interval(void *target, const char *value, struct tern_error *error)
{
    struct ping_options *options = target;
    int result = value_seconds("-i", value, 3600, &options->interval_ns, error);
    if (result == 0 && options->interval_ns < TIME_MS(PING_INTERVAL_LEAST_MS))
        return value_wrong(error, "-i '%.40s' is too short: 0.001 seconds is the least", value);
    return result;
}

static int take_size(void *target, const char *value, struct tern_error *error)
{
    return value_number("-s", value, 0, PING_DATA_MAX, &((struct ping_options *)target)->data_bytes,
                        error);
}

static int take_wait(void *target, const char *value, struct tern_error *error)
{
    return value_seconds("-W", value, 3600, &((struct ping_options *)target)->wait_ns, error);
}

/* An echo socket that knows its peer, so that errors about its requests come back to it, and that
 * tells the TTL of replies. */
static int ping_open(struct ping *p)
{
    struct tern *stack = p->session.stack;
    int on = 1;
    p->socket = tern_socket(stack, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_ICMP);
    if (p->socket < 0 ||
        tern_setsockopt(stack, p->socket, IPPROTO_IP, IP_RECVTTL, &on, sizeof on) < 0 ||
        tern_connect(stack, p->socket, (const struct sockaddr *)&p->to, sizeof p->to) < 0)
        return -errno;
    /* 0.0.0.0 is this host, whose answers come from the address that it has. */
    socklen_t length = sizeof p->to;
    if (tern_getpeername(stack, p->socket, (struct sockaddr *)&p->to, &length) < 0)
        return -errno;
    inet_ntop(AF_INET, &p->to.sin_addr, p->host, sizeof p->host);
    return 0;
}

/* Nobody is helped by pings that cannot be told of. */
static bool ping_is_over(void)
{
    return interrupt_signal() || ferror(stdout);
}

static void ping_error(struct ping *p, uint16_t sequence, int error)
{
    p->stats.errors++;
    printf("from %s: icmp_seq=%u: %s\n", p->host, sequence, strerror(error));
}

/* 0, or -EMSGSIZE when no request of this size can be sent; other errors count as replies do. */
static int request_send(struct ping *p)
{
    static uint8_t request[ICMP_HEADER_SIZE + PING_DATA_MAX];
    uint16_t sequence = (uint16_t)(p->stats.sent + 1);
    size_t data_bytes = (size_t)ping_options.data_bytes;
    for (size_t i = 0; i < data_bytes; i++)
        request[ICMP_HEADER_SIZE + i] = (uint8_t)i;
    struct icmp_message message = {.type = ICMP_ECHO_REQUEST,
                                   .sequence = sequence,
                                   .body = request + ICMP_HEADER_SIZE,
                                   .body_length = data_bytes};
    icmp_build(&message, request);

    p->stats.sent++;
    p->answered[sequence] = false;
    p->sent_ns[sequence] = stopwatch_ns();
    if (tern_send(p->session.stack, p->socket, request, ICMP_HEADER_SIZE + data_bytes, 0) >= 0)
        return 0;
    if (errno == EMSGSIZE)
        return -EMSGSIZE;
    ping_error(p, sequence, errno);
    return 0;
}

/* The TTL that a reply came with; 0 when it is not told. */
static int reply_ttl(struct msghdr *message)
{
    int ttl = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL)
            memcpy(&ttl, CMSG_DATA(c), sizeof ttl);
    return ttl;
}

static void reply_report(struct ping *p, uint16_t sequence, size_t length, int ttl)
{
    uint64_t rtt_ns = stopwatch_ns() - p->sent_ns[sequence];
    bool again = p->answered[sequence];
    p->answered[sequence] = true;
    if (again)
        p->stats.duplicates++;
    else
        ping_stats_add(&p->stats, rtt_ns);
    printf("%zu bytes from %s: icmp_seq=%u ttl=%d time=%.3f ms%s\n", length, p->host, sequence, ttl,
           (double)rtt_ns / (double)TIME_MS(1), again ? " (DUP!)" : "");
}

/* Takes one reply or error, if there is one. */
static bool reply_take(struct ping *p)
{
    static uint8_t reply[ICMP_HEADER_SIZE + PING_DATA_MAX];
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct iovec span = {reply, sizeof reply};
    struct msghdr message = {.msg_iov = &span,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    struct icmp_message icmp;
    ssize_t length = tern_recvmsg(p->session.stack, p->socket, &message, 0);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (length < 0)
        ping_error(p, (uint16_t)p->stats.sent, errno);
    else if (icmp_parse(reply, (size_t)length, &icmp) && icmp.type == ICMP_ECHO_REPLY &&
             p->sent_ns[icmp.sequence])
        reply_report(p, icmp.sequence, (size_t)length, reply_ttl(&message));
    return true;
}

/* Takes replies until `until_ns`, or, with `last`, until none is outstanding. */
static void replies_await(struct ping *p, uint64_t until_ns, bool last)
{
    struct pollfd waiting = {.fd = p->socket, .events = POLLIN};
    while (!ping_is_over()) {
        while (reply_take(p))
            ;
        if (last && p->stats.received + p->stats.errors >= p->stats.sent)
            return;
        uint64_t now_ns = stopwatch_ns();
        if (now_ns >= until_ns)
            return;
        uint64_t left_ms = (until_ns - now_ns + TIME_MS(1) - 1) / TIME_MS(1);
        tern_poll(p->session.stack, &waiting, 1,
                  left_ms < INTERRUPT_TICK_MS ? (int)left_ms : INTERRUPT_TICK_MS);
    }
}

static enum status ping_result(const struct ping *p)
{
    if (p->stats.received > 0)
        return STATUS_OK;
    if (interrupt_signal())
        return (enum status)(STATUS_SIGNAL + interrupt_signal());
    if (ferror(stdout))
        return STATUS_FAILED;
    return p->stats.errors > 0 ? STATUS_UNREACHABLE
                               : session_failed(&p->session, ETIMEDOUT, &p->to, false);
}

static enum status ping_loop(struct ping *p)
{
    char text[512];
    int result = ping_open(p);
    if (result == -EACCES)
        return status_say(STATUS_USAGE, p->session.command->name,
                          "%s is a broadcast address, which is not pinged here: give a host's",
                          p->host);
    if (result < 0)
        return session_failed(&p->session, -result, &p->to, false);
    printf("PING %s: %" PRIu64 " data bytes\n", p->host, ping_options.data_bytes);

    uint64_t started_ns = stopwatch_ns(), next_ns = started_ns;
    while (!ping_is_over() && (ping_options.count == 0 || p->stats.sent < ping_options.count)) {
        if (request_send(p) < 0)
            return status_say(STATUS_FAILED, p->session.command->name,
                              "%" PRIu64 " bytes of data are too many for one packet; give fewer "
                              "with -s, or a larger --mtu",
                              ping_options.data_bytes);
        next_ns = time_max(next_ns + ping_options.interval_ns, stopwatch_ns());
        if (p->stats.sent != ping_options.count)
            replies_await(p, next_ns, false);
    }
    /* As long as -W says, or twice the longest so far if that is longer. */
    uint64_t patience_ns = time_max(ping_options.wait_ns, 2 * p->stats.most_ns);
    replies_await(p, stopwatch_ns() + patience_ns, true);

    ping_stats_format(&p->stats, p->host, stopwatch_ns() - started_ns, text, sizeof text);
    printf("\n%s", text);
    return ping_result(p);
}

static enum status ping_run(const struct command *command, const struct common *common, int count,
                            char **arguments)
{
    static struct ping p;
    struct tern_error error;
    (void)count;
    if (value_host("host", arguments[0], &p.to, &error) < 0)
        return status_say(STATUS_USAGE, command->name, "%s", error.text);
    snprintf(p.host, sizeof p.host, "%s", arguments[0]);
    setvbuf(stdout, NULL, _IOLBF, 0);

    enum status status = session_open(&p.session, command, common);
    return status == STATUS_OK ? session_close(&p.session, ping_loop(&p)) : status;
}

static const struct option_entry ping_entries[] = {
    {"count", 'c', "N", "stop after N requests (until interrupted)", take_count},
    {"interval", 'i', "SECONDS", "between two requests (1)", take_interval},
    {"size", 's', "BYTES", "of data in each (56)", take_size},
    {"wait", 'W', "SECONDS", "for the last replies (1)", take_wait},
    {0},
};

const struct command ping_command = {
    .name = "ping",
    .synopsis = "HOST",
    .summary = "send ICMP echo requests",
    .text = "Sends ICMP echo requests to HOST and tells what comes back, and at the end how many\n"
            "were lost and how long the others took. Success is at least one reply, also when\n"
            "interrupted.\n"
            "\n"
            "Example:\n"
            "  tern ping --sandbox -c 3 10.0.0.2\n",
    .options = ping_entries,
    .values = &ping_options,
    .statuses = STATUS_BIT(STATUS_UNREACHABLE) | STATUS_BIT(STATUS_TIMED_OUT),
    .arguments_least = 1,
    .arguments_most = 1,
    .arguments_missing = "whom? give an address like 10.0.0.2",
    .run = ping_run,
};
