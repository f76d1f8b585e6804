/* Echo requests and replies, the kernel's and ours, in all sizes. */
#include <errno.h>
#include <linux/icmp.h>
#include <string.h>
#include <unistd.h>

#include "base/checksum.h"
#include "captures.h"
#include "common/fails.h"
#include "exchange.h"
#include "kernel.h"

enum {
    ICMP_HEADER = 8,
    ECHO_MOST = 65507, /* of data, in the largest IP packet */
    IDENTIFIER = 0x7465,
};

static uint8_t request[ICMP_HEADER + ECHO_MOST], answer[60 + ICMP_HEADER + ECHO_MOST];

static void request_make(uint16_t sequence, size_t size)
{
    struct icmphdr header = {.type = ICMP_ECHO,
                             .un.echo = {htons(IDENTIFIER), .sequence = htons(sequence)}};
    memcpy(request, &header, sizeof header);
    pattern_fill(sequence, 0, request + ICMP_HEADER, size);
    struct checksum sum = CHECKSUM_START;
    checksum_add(&sum, request, ICMP_HEADER + size);
    header.checksum = htons(checksum_finish(&sum));
    memcpy(request, &header, sizeof header);
}

/* The reply's header but for its identifier, which an echo socket chooses, and its data. */
static void assert_reply(const uint8_t *message, uint16_t sequence, size_t size)
{
    struct icmphdr header;
    memcpy(&header, message, sizeof header);
    assert_int_equal(header.type, ICMP_ECHOREPLY);
    assert_int_equal(header.code, 0);
    assert_int_equal(header.un.echo.sequence, htons(sequence));
    assert_memory_equal(message + ICMP_HEADER, request + ICMP_HEADER, size);
}

static int kernel_pinger(const struct scenario *s)
{
    struct sockaddr_in there = scenario_sockaddr(s->ours, 0);
    struct icmp_filter replies = {~(1u << ICMP_ECHOREPLY)};
    int raw = kernel_socket(SOCK_RAW, IPPROTO_ICMP);
    must(setsockopt(raw, SOL_RAW, ICMP_FILTER, &replies, sizeof replies));
    must(connect(raw, (struct sockaddr *)&there, sizeof there));
    return raw;
}

static void kernel_pings_us(int raw, uint16_t sequence, size_t size)
{
    enum { IP_HEADER = 20 };
    request_make(sequence, size);
    must((int)send(raw, request, ICMP_HEADER + size, 0));
    ssize_t got = recv(raw, answer, sizeof answer, 0);
    assert_int_equal(got, IP_HEADER + ICMP_HEADER + size);
    assert_int_equal(answer[IP_HEADER + 4] << 8 | answer[IP_HEADER + 5], IDENTIFIER);
    assert_reply(answer + IP_HEADER, sequence, size);
}

static int our_pinger(const struct scenario *s)
{
    static const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_in there = scenario_sockaddr(s->kernels, 0);
    int echo = must(tern_socket(s->tern, AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
    must(tern_setsockopt(s->tern, echo, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
    must(tern_connect(s->tern, echo, (struct sockaddr *)&there, sizeof there));
    return echo;
}

static void we_ping_the_kernel(const struct scenario *s, int echo, uint16_t sequence, size_t size)
{
    request_make(sequence, size);
    must((int)tern_send(s->tern, echo, request, ICMP_HEADER + size, 0));
    ssize_t got = tern_recv(s->tern, echo, answer, sizeof answer, 0);
    assert_int_equal(got, ICMP_HEADER + size);
    assert_reply(answer, sequence, size);
}

static const unsigned mtus[] = {68, 576, 1500, 9000, 65535};
#define for_each_mtu(mtu) for (const unsigned *mtu = mtus; mtu < mtus + 5; mtu++)

/* Around what fits into one packet, and into two. */
#define for_each_size_around(size, mtu)                                   \
    for (unsigned size = (mtu)-30; size < 2 * (mtu) && size <= ECHO_MOST; \
         size = size == (mtu)-26 ? 2 * (mtu)-60 : size + 1)

static void every_size_that_fits_is_answered(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    int raw = kernel_pinger(s), echo = our_pinger(s);
    for (uint16_t size = 0; size <= 1500 - 28; size++) {
        kernel_pings_us(raw, size, size);
        we_ping_the_kernel(s, echo, size, size);
    }
    assert_int_equal(scenario_count(s, "IpFragCreates"), 0);
    assert_int_equal(scenario_count(s, "IpReasmReqds"), 0);
    close(raw);
    must(tern_close(s->tern, echo));
    scenario_close(s);
}

static void sizes_around_every_mtu_are_answered(void **state)
{
    (void)state;
    for_each_mtu(mtu)
    {
        struct scenario *s = scenario_open(&(struct wish){.mtu = *mtu});
        int raw = kernel_pinger(s), echo = our_pinger(s);
        for_each_size_around(size, *mtu)
        {
            kernel_pings_us(raw, (uint16_t)size, size);
            we_ping_the_kernel(s, echo, (uint16_t)size, size);
        }
        close(raw);
        must(tern_close(s->tern, echo));
        scenario_close(s);
    }
}

static void largest_echo_is_answered_in_fragments(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    int raw = kernel_pinger(s), echo = our_pinger(s);
    kernel_pings_us(raw, 1, ECHO_MOST);
    we_ping_the_kernel(s, echo, 2, ECHO_MOST);
    assert_int_equal(scenario_count(s, "IpReasmOKs"), 2);
    assert_int_equal(scenario_count(s, "IpFragOKs"), 2);
    assert_fails((int)tern_send(s->tern, echo, request, sizeof request + 1, 0), EMSGSIZE);
    close(raw);
    must(tern_close(s->tern, echo));
    scenario_close(s);
}

static void echo_can_be_refused(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&(struct wish){.settings = "icmp.echo=0"});
    int raw = kernel_pinger(s), echo = our_pinger(s);
    request_make(1, 10);
    must((int)send(raw, request, ICMP_HEADER + 10, 0));
    we_ping_the_kernel(s, echo, 2, 10); /* by when the other would have been answered */
    assert_fails((int)recv(raw, answer, sizeof answer, MSG_DONTWAIT), EAGAIN);
    close(raw);
    must(tern_close(s->tern, echo));
    scenario_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scenario_test(every_size_that_fits_is_answered),
        scenario_test(sizes_around_every_mtu_are_answered),
        scenario_test(largest_echo_is_answered_in_fragments),
        scenario_test(echo_can_be_refused),
        scenario_captures_test(),
    };
    return scenario_run(tests);
}
