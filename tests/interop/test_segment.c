/* Many datagrams that one call of ours sends to the kernel (UDP_SEGMENT, udp(7)). */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "captures.h"
#include "common/fails.h"
#include "exchange.h"
#include "kernel.h"

enum { MOST = 65507, SEGMENTS_MAX = 128 };

static uint8_t sent[MOST], got[MOST];

/* A socket of ours that sends to one of the kernel's, which has room for all of a call. */
static struct pair sender(const struct scenario *s)
{
    uint16_t port;
    int kernels = kernel_bound(s, SOCK_DGRAM, &port);
    int ours = must(tern_socket(s->tern, AF_INET, SOCK_DGRAM, 0));
    struct sockaddr_in there = scenario_sockaddr(s->kernels, port);
    must(tern_connect(s->tern, ours, (struct sockaddr *)&there, sizeof there));
    kernel_option(kernels, SOL_SOCKET, SO_RCVBUF, 1 << 20);
    return (struct pair){{s->tern, ours}, {NULL, kernels}};
}

static void set(const struct pair *pair, int size)
{
    must(tern_setsockopt(pair->ours.tern, pair->ours.socket, IPPROTO_UDP, UDP_SEGMENT, &size,
                         sizeof size));
}

static void pass(const struct pair *pair, size_t length, size_t size)
{
    pattern_fill(length * size, 0, sent, length);
    assert_int_equal(end_send(pair->ours, sent, length), length);
    for (size_t at = 0; at < length; at += size) {
        size_t part = length - at < size ? length - at : size;
        assert_int_equal(end_receive(pair->kernels, got, sizeof got), part);
        assert_memory_equal(got, sent + at, part);
    }
}

static void pass_all_sizes(const struct wish *wish)
{
    struct scenario *s = scenario_open(wish);
    struct pair pair = sender(s);
    for (size_t size = 1; size <= 1472; size += 1 + size / 5) {
        size_t most = size * SEGMENTS_MAX < MOST ? size * SEGMENTS_MAX : MOST;
        set(&pair, (int)size);
        for (size_t length = size; length <= most; length += 1 + most / 3)
            pass(&pair, length, size);
        pass(&pair, most, size);
    }
    set(&pair, 0);
    pass(&pair, 3000, 3000);
    assert_int_equal(scenario_count(s, "DropLINK"), 0);
    pair_close(pair);
    scenario_close(s);
}

static void each_datagram_of_a_call_arrives_by_itself(void **state)
{
    (void)state;
    pass_all_sizes(NULL);
    pass_all_sizes(&(struct wish){.unwatched = true});
    pass_all_sizes(&(struct wish){.no_offload = true});
    pass_all_sizes(&(struct wish){.fault = "delay=1ms"});
}

/* IP_PMTUDISC_DONT: without DF. */
static void datagrams_that_may_be_fragmented_arrive_too(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    struct pair pair = sender(s);
    int never = IP_PMTUDISC_DONT;
    must(tern_setsockopt(s->tern, pair.ours.socket, IPPROTO_IP, IP_MTU_DISCOVER, &never,
                         sizeof never));
    set(&pair, 1472);
    pass(&pair, MOST, 1472);
    pair_close(pair);
    scenario_close(s);
}

static void what_the_path_does_not_take_is_refused(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&(struct wish){.mtu = 1000});
    struct pair pair = sender(s);
    set(&pair, 973);
    assert_fails((int)end_send(pair.ours, sent, 3000), EMSGSIZE);
    assert_fails((int)end_send(pair.ours, sent, 973), EMSGSIZE);
    pass(&pair, 972, 973);
    set(&pair, 972);
    pass(&pair, MOST, 972);
    set(&pair, 7);
    assert_fails((int)end_send(pair.ours, sent, 7 * SEGMENTS_MAX + 1), EINVAL);
    pass(&pair, 7 * SEGMENTS_MAX, 7);
    pair_close(pair);
    scenario_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scenario_test(each_datagram_of_a_call_arrives_by_itself),
        scenario_test(datagrams_that_may_be_fragmented_arrive_too),
        scenario_test(what_the_path_does_not_take_is_refused),
        scenario_captures_test(),
    };
    return scenario_run(tests);
}
