/* Streams between us and the kernel over a clean link: opened by either, of any size, both
 * directions at once. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "captures.h"
#include "exchange.h"
#include "kernel.h"

#define HUNDRED_MB 100000000u

/* Both ends of a connection must tell the same story about who is where. */
static void assert_names_agree(struct pair pair)
{
    struct sockaddr_in ours[2], kernels[2];
    socklen_t length = sizeof ours[0];
    struct end us = pair.ours;
    must(tern_getsockname(us.tern, us.socket, (struct sockaddr *)&ours[0], &length));
    must(getpeername(pair.kernels.socket, (struct sockaddr *)&ours[1], &length));
    must(tern_getpeername(us.tern, us.socket, (struct sockaddr *)&kernels[0], &length));
    must(getsockname(pair.kernels.socket, (struct sockaddr *)&kernels[1], &length));
    assert_memory_equal(&ours[0], &ours[1], sizeof ours[0]);
    assert_memory_equal(&kernels[0], &kernels[1], sizeof kernels[0]);
}

static void connection_that_we_open(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    struct pair pair = pair_connect(s);
    assert_names_agree(pair);
    exchange_run(pair, 5000, 7000);
    pair_close(pair);
    scenario_close(s);
}

static void connection_that_the_kernel_opens(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    struct pair pair = pair_accept(s);
    assert_names_agree(pair);
    exchange_run(pair, 5000, 7000);
    pair_close(pair);
    scenario_close(s);
}

static void accept_tells_who_has_connected(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    struct sockaddr_in told = {0}, kernels;
    socklen_t length = sizeof told;
    uint16_t port;
    int listener = tern_listener(s, &port);
    int theirs = kernel_connect(s, SOCK_STREAM, port);
    int ours = must(tern_accept(s->tern, listener, (struct sockaddr *)&told, &length));
    assert_int_equal(length, sizeof told);
    must(getsockname(theirs, (struct sockaddr *)&kernels, &length));
    assert_memory_equal(&told, &kernels, sizeof told);
    close(theirs);
    must(tern_close(s->tern, ours));
    must(tern_close(s->tern, listener));
    scenario_close(s);
}

/* Sizes around what a segment carries, each alone in its direction and both at once. */
static void sizes_around_a_segment(void **state)
{
    (void)state;
    enum { MSS = 1460 - 12 };
    static const uint32_t sizes[] = {0,     1,    MSS - 1, MSS, MSS + 1, 2 * MSS, 10 * MSS + 1,
                                     65535, 65536};
    struct scenario *s = scenario_open(NULL);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (int direction = 1; direction <= 3; direction++) {
            struct pair pair = direction == 1 ? pair_accept(s) : pair_connect(s);
            exchange_run(pair, direction & 1 ? sizes[i] : 0, direction & 2 ? sizes[i] : 0);
            pair_close(pair);
        }
    }
    scenario_close(s);
}

static void hundred_megabytes_from_us(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    struct pair pair = pair_connect(s);
    exchange_run(pair, HUNDRED_MB, 0);
    pair_close(pair);
    scenario_close(s);
}

static void hundred_megabytes_to_us(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    struct pair pair = pair_accept(s);
    exchange_run(pair, 0, HUNDRED_MB);
    pair_close(pair);
    scenario_close(s);
}

static void both_directions_at_once(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    struct pair pair = pair_connect(s);
    exchange_run(pair, 20000000, 20000000);
    pair_close(pair);
    scenario_close(s);
}

/* A byte there, a byte back: each is waited for, so that none is held back for company. */
static void bytes_to_and_fro(void **state)
{
    (void)state;
    enum { ROUNDS = 500 };
    struct scenario *s = scenario_open(NULL);
    struct pair pair = pair_accept(s);
    for (int round = 0; round < ROUNDS; round++) {
        uint8_t byte = (uint8_t)round, got = (uint8_t)~round;
        assert_int_equal(end_send(pair.ours, &byte, 1), 1);
        assert_int_equal(end_receive(pair.kernels, &got, 1), 1);
        assert_int_equal(got, byte);
        byte ^= 0x55;
        assert_int_equal(end_send(pair.kernels, &byte, 1), 1);
        assert_int_equal(end_receive(pair.ours, &got, 1), 1);
        assert_int_equal(got, byte);
    }
    pair_close(pair);
    scenario_close(s);
}

/* Packets that the kernel has taken from a device and has put on it: of what passes whole it counts
 * one. */
static void count_packets(const char *device, uint64_t *from_us, uint64_t *to_us)
{
    char line[512], name[32];
    FILE *file = fopen("/proc/self/net/dev", "r");
    assert_non_null(file);
    bool found = false;
    while (!found && fgets(line, sizeof line, file))
        found = sscanf(line, " %31[^:]: %*u %" SCNu64 " %*u %*u %*u %*u %*u %*u %*u %" SCNu64, name,
                       from_us, to_us) == 3 &&
                strcmp(name, device) == 0;
    fclose(file);
    assert_true(found);
}

static void without_offloads_every_packet_is_one_of_the_wire(void **state)
{
    (void)state;
    enum { BYTES = 1000000, MSS = 1460 - 12 };
    static const struct wish wish = {.no_offload = true};
    struct scenario *s = scenario_open(&wish);
    struct pair pair = pair_connect(s);
    uint64_t from_us, to_us;
    exchange_run(pair, BYTES, BYTES);
    count_packets(s->device, &from_us, &to_us);
    assert_true(from_us >= BYTES / MSS && to_us >= BYTES / MSS);
    pair_close(pair);
    scenario_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scenario_test(connection_that_we_open),
        scenario_test(connection_that_the_kernel_opens),
        scenario_test(accept_tells_who_has_connected),
        scenario_test(sizes_around_a_segment),
        scenario_test(hundred_megabytes_from_us),
        scenario_test(hundred_megabytes_to_us),
        scenario_test(both_directions_at_once),
        scenario_test(bytes_to_and_fro),
        scenario_test(without_offloads_every_packet_is_one_of_the_wire),
        scenario_captures_test(),
    };
    return scenario_run(tests);
}
