/* test_idle [COUNT]: so many connections between two stacks, set up, left alone, pinged by
 * keepalives and closed. What one takes, what happens to one, and that it is there still, must not
 * depend on how many there are. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/sanitized.h"
#include "base/time.h"
#include "common/pair.h"

enum {
    USUAL_COUNT = 32000, /* as a million, little less than tables that double have room for */
    MOST = 470, /* bytes an idle connection, its socket and its share of all tables included; 512
                   are aimed at, and a few hundred connections bear what a stack has besides */
    AT_A_TIME = 100,
    LISTENERS =
        50, /* so that many connections have a local port in common, as of a million all do */
    PORT = 5000,
    LEAST_PORT = 10000,
    KEEPALIVE_S = 600,
};

static unsigned count = USUAL_COUNT;

struct world {
    struct pair pair;
    struct tern *a, *b;
    int listeners[LISTENERS];
    int *clients, *servers;
    size_t memory_before; /* and what each stack counted */
    uint64_t counted_before[2];
};

/* What the process has resident, with what its mallocs and slabs keep. */
static size_t memory_now(void)
{
    unsigned long pages = 0, of_files = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*s %lu %lu", &pages, &of_files), 2);
    fclose(file);
    return (pages - of_files) * (size_t)sysconf(_SC_PAGESIZE);
}

static void world_open(struct world *w)
{
    char settings[256];
    snprintf(settings, sizeof settings,
             "socket.descriptors=1048576,tcp.keepalive_time_s=%u,tcp.time_wait_s=1,"
             "ip.port_first=%u,ip.port_last=%u",
             KEEPALIVE_S, LEAST_PORT, LEAST_PORT + count / (LISTENERS - 10));
    pair_open(&w->pair, &(struct pair_options){.settings = {settings, settings}});
    w->a = w->pair.ends[0].t;
    w->b = w->pair.ends[1].t;
    w->clients = calloc(count, sizeof *w->clients);
    w->servers = calloc(count, sizeof *w->servers);
    assert_true(w->clients && w->servers);
    for (unsigned i = 0; i < LISTENERS; i++) {
        char port[8];
        snprintf(port, sizeof port, "%u", PORT + i);
        w->listeners[i] = tern_listen_on(w->b, port, AT_A_TIME);
        assert_true(w->listeners[i] >= 0);
    }
    w->memory_before = memory_now();
    w->counted_before[0] = tern_memory_used(w->a);
    w->counted_before[1] = tern_memory_used(w->b);
}

static void world_close(struct world *w)
{
    free(w->clients);
    free(w->servers);
    pair_close(&w->pair);
}

static int begin_one(struct world *w, unsigned listener)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(PORT + listener))};
    int on = 1;
    int s = tern_socket(w->a, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_true(s >= 0);
    assert_int_equal(inet_pton(AF_INET, PAIR_ADDRESS_1, &to.sin_addr), 1);
    assert_int_equal(tern_setsockopt(w->a, s, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on), 0);
    assert_int_equal(tern_connect(w->a, s, (struct sockaddr *)&to, sizeof to), -1);
    assert_int_equal(errno, EINPROGRESS);
    return s;
}

static void set_up(struct world *w)
{
    for (unsigned i = 0; i < count; i += AT_A_TIME) {
        unsigned listener = i / AT_A_TIME % LISTENERS;
        for (unsigned j = i; j < i + AT_A_TIME; j++)
            w->clients[j] = begin_one(w, listener);
        pair_run(&w->pair, TIME_MS(10));
        for (unsigned j = i; j < i + AT_A_TIME; j++) {
            w->servers[j] = tern_accept(w->b, w->listeners[listener], NULL, NULL);
            assert_true(w->servers[j] >= 0);
        }
    }
    pair_run(&w->pair, TIME_S(2));
}

static void check_memory(const struct world *w)
{
    if (SANITIZED)
        return; /* which has its own malloc */
    size_t each = (memory_now() - w->memory_before) / (2 * (size_t)count);
    printf("%u connections: %zu bytes each end\n", count, each);
    assert_in_range(each, 1, MOST);
}

static void check_all_were_pinged_and_live(struct world *w)
{
    uint64_t sent = w->pair.ends[0].packets_out, answered = w->pair.ends[1].packets_out;
    pair_run(&w->pair, TIME_S(KEEPALIVE_S));
    assert_int_equal(w->pair.ends[0].packets_out - sent, count);
    assert_int_equal(w->pair.ends[1].packets_out - answered, count);
}

static void check_all_can_talk(struct world *w)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned got;
        assert_int_equal(tern_send(w->a, w->clients[i], &i, sizeof i, MSG_DONTWAIT), sizeof i);
        pair_run(&w->pair, TIME_US(100));
        assert_int_equal(tern_recv(w->b, w->servers[i], &got, sizeof got, MSG_DONTWAIT),
                         sizeof got);
        assert_int_equal(got, i);
    }
    pair_run(&w->pair, TIME_S(3));
}

static void close_all(struct world *w)
{
    for (unsigned i = 0; i < count; i += AT_A_TIME) {
        for (unsigned j = i; j < i + AT_A_TIME; j++)
            assert_int_equal(tern_close(w->a, w->clients[j]), 0);
        pair_run(&w->pair, TIME_US(10));
        for (unsigned j = i; j < i + AT_A_TIME; j++)
            assert_int_equal(tern_close(w->b, w->servers[j]), 0);
        pair_run(&w->pair, TIME_US(10));
    }
    pair_settle(&w->pair);
    assert_int_equal(tern_memory_used(w->a), w->counted_before[0]);
    assert_int_equal(tern_memory_used(w->b), w->counted_before[1]);
}

static void connections_are_set_up_kept_pinged_and_closed(void **state)
{
    static struct world w;
    (void)state;
    world_open(&w);
    set_up(&w);
    check_memory(&w);
    check_all_were_pinged_and_live(&w);
    check_memory(&w);
    check_all_can_talk(&w);
    check_memory(&w);
    close_all(&w);
    world_close(&w);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_set_up_kept_pinged_and_closed),
    };
    if (argc > 1)
        count = (unsigned)strtoul(argv[1], NULL, 10) / AT_A_TIME * AT_A_TIME;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
