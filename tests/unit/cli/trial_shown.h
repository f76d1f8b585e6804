/* Two trials (trial_pair.h) that show nothing but what a test looks at, and streams between them.
 */
#ifndef TESTS_UNIT_CLI_TRIAL_SHOWN_H
#define TESTS_UNIT_CLI_TRIAL_SHOWN_H

#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "cli/perf_report.h"
#include "cli/perf_talk.h"
#include "common/allocation.h"
#include "trial_pair.h"

static struct trial *const client = &trials[0], *const server = &trials[1];

/* ── What is shown ── */

struct shown {
    uint64_t from_ns, to_ns, sent_bytes, received_bytes;
    bool omitted;
};

static struct shown shown[64];
static unsigned begun; /* how often */
static unsigned intervals;

static inline void note_begin(const struct trial *t)
{
    assert_int_equal(t->intervals, 0);
    begun++;
}

static inline void note_interval(const struct trial *t, uint64_t from_ns, uint64_t to_ns,
                                 bool omitted)
{
    assert_int_equal(t->intervals, intervals);
    assert_in_range(intervals, 0, sizeof shown / sizeof *shown - 1);
    shown[intervals++] = (struct shown){
        .from_ns = from_ns,
        .to_ns = to_ns,
        .sent_bytes = perf_sum(t, true, PERF_INTERVAL).bytes,
        .received_bytes = perf_sum(t, false, PERF_INTERVAL).bytes,
        .omitted = omitted,
    };
}

/* A trial leaves it to its command to show how it ended. */
static const struct perf_show show_notes = {.begin = note_begin, .interval = note_interval};

/* Intervals from `first` to before `end` follow each other from 0 on, each but the last as long as
 * it should be; a wait ends on a millisecond. The bytes that they tell of. */
static inline uint64_t intervals_join(unsigned first, unsigned end, uint64_t length_ns)
{
    uint64_t from_ns = 0, bytes = 0;
    for (unsigned i = first; i < end; i++) {
        assert_int_equal(shown[i].from_ns, from_ns);
        from_ns = shown[i].to_ns;
        if (i + 1 < end)
            assert_in_range(from_ns - shown[i].from_ns, length_ns, length_ns + TIME_MS(1));
        bytes += shown[i].sent_bytes + shown[i].received_bytes;
    }
    return bytes;
}

/* ── The two sides ── */

static inline int sides_open(void **state)
{
    trials_open(state);
    begun = intervals = 0;
    for (int end = 0; end < 2; end++) {
        struct trial *t = &trials[end];
        t->show = &show_notes;
        t->interval_ns = TIME_S(1);
        t->test.length = 1000;
        t->block = allocation_certain(t->test.length);
        memset(t->block, 0, t->test.length);
    }
    return 0;
}

static inline int sides_close(void **state)
{
    for (int end = 0; end < 2; end++)
        trial_close(&trials[end]);
    return trials_close(state);
}

/* One more connection, of which `sender` sends. */
static inline void stream_add(int sender)
{
    static uint16_t port = 6000;
    int sockets[2];
    pair_connect(&trial_pair, ++port, &sockets[0], &sockets[1]);
    for (int end = 0; end < 2; end++)
        trial_add_stream(&trials[end], sockets[end], end == sender);
}

static inline void controls_add(void)
{
    pair_connect(&trial_pair, TRIAL_PORT, &client->control, &server->control);
}

/* All that has come to one end is read there. */
static inline void read_all(int end)
{
    static char bytes[65536];
    for (unsigned i = 0; i < trials[end].count; i++)
        while (tern_recv(trial_stack(end), trials[end].streams[i].socket, bytes, sizeof bytes,
                         MSG_DONTWAIT) > 0)
            ;
}

static inline void server_reads(struct pair *pair)
{
    (void)pair;
    read_all(1);
}

/* Once it is late enough: the time is at `user`. */
static inline void client_ends_the_test(struct pair *pair)
{
    if (pair->now_ns >= *(uint64_t *)pair->user)
        talk_say_state(client, PERF_TEST_END);
}

#define TRIAL_TEST(name) cmocka_unit_test_setup_teardown(name, sides_open, sides_close)

#endif
