/* The small services on a connection whose other end reads or does not. */
#include "unit.h"

#include <fcntl.h>
#include <string.h>

#include "base/time.h"
#include "cli/stream.h"
#include "common/pair.h"

enum { MUCH = 1 << 20 };

static struct pair pair;
static struct service_counts counts;
static struct stream stream; /* of end 1 */
static int client;           /* at end 0 */
static uint8_t sent[MUCH], received[MUCH];

static int setup(void **state)
{
    (void)state;
    /* Of what the service says there is little room at either end. */
    pair_open(&pair, &(struct pair_options){.settings = {"tcp.rcvbuf=4096,tcp.rcvbuf_max=4096",
                                                         "tcp.sndbuf=4096,tcp.sndbuf_max=4096"}});
    counts = (struct service_counts){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    stream_close(pair.ends[1].t, &stream);
    assert_null(stream.pending);
    pair_close(&pair);
    return 0;
}

static void begin(enum service service)
{
    int server;
    pair_connect(&pair, 7, &client, &server);
    stream = (struct stream){.service = service, .socket = server, .counts = &counts};
    stream_begin(pair.ends[1].t, &stream);
    assert_int_equal(counts.connections, 1);
}

static void client_sends(size_t length)
{
    for (size_t i = 0; i < length; i++)
        sent[i] = (uint8_t)(i % 251);
    for (size_t done = 0; done < length;) {
        ssize_t n = tern_send(pair.ends[0].t, client, sent + done, length - done, MSG_DONTWAIT);
        assert_true(n > 0);
        done += (size_t)n;
    }
    pair_run(&pair, TIME_MS(10));
}

/* Does what there is to do, as its server does: whether the stream goes on. */
static bool serve(void)
{
    for (bool goes_on = true; goes_on;) {
        struct pollfd ready = {.fd = stream.socket, .events = stream_events(&stream)};
        if (tern_poll(pair.ends[1].t, &ready, 1, 0) == 0)
            return true;
        goes_on = stream_step(pair.ends[1].t, &stream, ready.revents);
    }
    return false;
}

/* What the client has got, `at` bytes having come before; 0: the end. */
static ssize_t client_reads(size_t at)
{
    pair_run(&pair, TIME_MS(10));
    return tern_recv(pair.ends[0].t, client, received + at, sizeof received - at, MSG_DONTWAIT);
}

static void client_ends(void)
{
    assert_int_equal(tern_shutdown(pair.ends[0].t, client, SHUT_WR), 0);
    pair_run(&pair, TIME_MS(10));
}

static void echo_says_what_it_hears_and_ends_with_its_client(void **state)
{
    (void)state;
    begin(SERVICE_ECHO);
    client_sends(1000);
    assert_true(serve());
    assert_int_equal(client_reads(0), 1000);
    assert_memory_equal(received, sent, 1000);
    assert_true(counts.stream_in_bytes == 1000 && counts.stream_out_bytes == 1000);
    client_ends();
    assert_false(serve());
    assert_int_equal(client_reads(0), 0);
}

/* What does not go waits, and no more is read: the peer's window does the waiting. */
static void echo_reads_no_more_than_it_can_say(void **state)
{
    (void)state;
    begin(SERVICE_ECHO);
    client_sends(100000);
    assert_true(serve());
    pair_run(&pair, TIME_MS(10));
    assert_true(serve());
    assert_non_null(stream.pending);
    assert_int_equal(stream_events(&stream), POLLOUT);
    assert_true(stream_step(pair.ends[1].t, &stream, POLLOUT)); /* there is no room for any */
    client_ends();
    size_t got = 0;
    bool goes_on = true;
    for (int turn = 0; got < 100000 && turn < 1000; turn++) {
        ssize_t n = client_reads(got);
        got += n > 0 ? (size_t)n : 0;
        goes_on = goes_on && serve();
    }
    assert_int_equal(got, 100000);
    assert_memory_equal(received, sent, 100000);
    assert_false(goes_on);
    assert_int_equal(client_reads(0), 0);
    assert_int_equal(counts.stream_out_bytes, 100000);
}

static void discard_says_nothing(void **state)
{
    (void)state;
    begin(SERVICE_DISCARD);
    client_sends(100000);
    assert_true(serve());
    assert_int_equal(counts.stream_in_bytes, 100000);
    assert_int_equal(counts.stream_out_bytes, 0);
    assert_int_equal(client_reads(0), -1);
    assert_int_equal(stream_events(&stream), POLLIN);
    client_ends();
    assert_false(serve());
    assert_int_equal(client_reads(0), 0);
}

static void chargen_says_its_pattern_in_turns(void **state)
{
    (void)state;
    begin(SERVICE_CHARGEN);
    assert_int_equal(stream_events(&stream), POLLIN | POLLOUT);
    assert_true(stream_step(pair.ends[1].t, &stream, POLLOUT));
    assert_in_range(counts.stream_out_bytes, 1, 64 * 1024 + CHARGEN_PERIOD);
    size_t got = 0;
    for (int turn = 0; got < 200000 && turn < 1000; turn++) {
        ssize_t n = client_reads(got);
        got += n > 0 ? (size_t)n : 0;
        assert_true(stream_step(pair.ends[1].t, &stream, POLLOUT));
    }
    assert_in_range(got, 200000, MUCH);
    for (size_t at = 0; at < got;) {
        size_t length;
        const uint8_t *pattern = chargen_at(at, &length);
        length = length < got - at ? length : got - at;
        assert_memory_equal(received + at, pattern, length);
        at += length;
    }
    assert_int_equal(counts.stream_out_bytes, stream.position);
    client_ends();
    assert_true(
        stream_step(pair.ends[1].t, &stream, POLLIN)); /* it goes on as long as it is read */
    assert_int_equal(stream_events(&stream), POLLOUT);
}

static void daytime_says_its_line_and_ends(void **state)
{
    (void)state;
    begin(SERVICE_DAYTIME);
    ssize_t length = client_reads(0);
    assert_in_range(length, 10, SERVICE_TEXT_MAX);
    assert_memory_equal(received + length - 2, "\r\n", 2);
    assert_int_equal(client_reads(0), 0);
    assert_true(serve()); /* until its client is done too */
    client_ends();
    assert_false(serve());
    assert_int_equal(counts.stream_out_bytes, length);
}

static void a_connection_that_is_reset_is_over(void **state)
{
    (void)state;
    begin(SERVICE_DISCARD);
    struct linger at_once = {.l_onoff = 1};
    tern_setsockopt(pair.ends[0].t, client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    tern_close(pair.ends[0].t, client);
    pair_run(&pair, TIME_MS(10));
    assert_false(stream_step(pair.ends[1].t, &stream, POLLERR | POLLHUP));
}

#define STREAM_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_TEST(echo_says_what_it_hears_and_ends_with_its_client),
        STREAM_TEST(echo_reads_no_more_than_it_can_say),
        STREAM_TEST(discard_says_nothing),
        STREAM_TEST(chargen_says_its_pattern_in_turns),
        STREAM_TEST(daytime_says_its_line_and_ends),
        STREAM_TEST(a_connection_that_is_reset_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
