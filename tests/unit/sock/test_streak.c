/* Who writes much again and again, over a host that says whether what is left may wait. */
#include "unit/sock/data_fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "sock/host.h"

enum {
    MUCH = 140 * 1000, /* bytes: two super-packets and a rest */
    REST_MOST = 20 * 1000,
    ALL = 64, /* packets: more than there are */
    WARM = 8 << 20,
};

static char *text;
static size_t written, received;
static bool others_drive; /* or nobody does, between two calls */
static struct sock_host_operations promising;
static const struct sock_host_operations *usual;

static uint64_t may_put_off(struct sock_host *host)
{
    assert_ptr_equal(host, a->host);
    return others_drive ? 0 : a->stack.now_ns;
}

/* All that is under way arrives, and is acknowledged; none of a's calls is made. */
static void all_arrives(void)
{
    static char room[1 << 16];
    do {
        ssize_t n;
        while ((n = tern_recv(b, server, room, sizeof room, MSG_DONTWAIT)) > 0)
            received += (size_t)n;
    } while (arrive(1, ALL) + arrive(0, ALL) > 0);
}

static void write_some(size_t length)
{
    assert_int_equal(tern_send(a, client, text, length, MSG_DONTWAIT), length);
    written += length;
    all_arrives();
}

static void write_much(void)
{
    write_some(MUCH);
}

/* Windows are open for all that is written here. */
static void warm_up(void)
{
    while (written < WARM) {
        ssize_t n = tern_send(a, client, text, MUCH, MSG_DONTWAIT);
        written += n > 0 ? (size_t)n : 0;
        pair_run(&pair, TIME_MS(1));
        all_arrives();
    }
    assert_int_equal(received, written);
}

static void pass(uint64_t duration_ns)
{
    pair_run(&pair, duration_ns);
    stack_advance(&a->stack, pair.now_ns);
}

static void assert_all_is_sent(void)
{
    assert_int_equal(received, written);
}

static void assert_rest_waits(void)
{
    assert_in_range(written - received, 1, REST_MOST);
}

static int setup_streak(void **state)
{
    setup_connected(state);
    usual = a->host->operations;
    promising = *usual;
    promising.may_put_off = may_put_off;
    others_drive = false;
    text = pattern(MUCH);
    written = received = 0;
    warm_up();
    a->host->operations = &promising;
    return 0;
}

static int teardown_streak(void **state)
{
    a->host->operations = usual;
    free(text);
    return teardown(state);
}

#define streak_test(name) cmocka_unit_test_setup_teardown(name, setup_streak, teardown_streak)

/* The third in a row. */
static void begin_streak(void)
{
    for (int i = 0; i < 2; i++) {
        write_much();
        assert_all_is_sent();
    }
    write_much();
    assert_rest_waits();
}

static void the_third_write_leaves_its_rest_to_the_next(void **state)
{
    (void)state;
    begin_streak();
    for (int i = 0; i < 20; i++) {
        write_much();
        assert_in_range(written - received, 0, 70 * 1000); /* a packet is full at some time */
    }
    assert_int_equal(tern_shutdown(a, client, SHUT_WR), 0);
    all_arrives();
    assert_all_is_sent();
}

static void each_leaves_its_rest_until_that_is_much(void **state)
{
    enum { LESS = MUCH - 6000 };
    (void)state;
    write_some(LESS);
    write_some(LESS);
    assert_all_is_sent();
    for (int i = 0; i < 4; i++) {
        write_some(LESS);
        assert_rest_waits();
    }
    write_some(LESS);
    assert_all_is_sent();
}

static void any_other_call_lets_it_go(void **state)
{
    (void)state;
    int value;
    socklen_t length = sizeof value;
    begin_streak();
    assert_int_equal(tern_getsockopt(a, client, SOL_SOCKET, SO_TYPE, &value, &length), 0);
    all_arrives();
    assert_all_is_sent();
}

static void so_does_one_that_is_wrong(void **state)
{
    (void)state;
    begin_streak();
    assert_fails(tern_send(a, 999, text, 1, 0), EBADF);
    all_arrives();
    assert_all_is_sent();
}

static void so_does_a_write_to_another(void **state)
{
    (void)state;
    int other, peer;
    open_datagrams(&other, &peer);
    begin_streak();
    assert_int_equal(send_to(a, other, "other", PAIR_ADDRESS_1, 1000), 5);
    all_arrives();
    assert_all_is_sent();
}

static void so_does_a_small_write_to_the_same(void **state)
{
    (void)state;
    begin_streak();
    write_some(1);
    assert_all_is_sent();
}

static void so_does_a_close(void **state)
{
    (void)state;
    begin_streak();
    assert_int_equal(tern_close(a, client), 0);
    all_arrives();
    assert_all_is_sent();
}

static void so_does_a_write_that_fails(void **state)
{
    (void)state;
    begin_streak();
    assert_fails(tern_send(a, client, NULL, 1, MSG_DONTWAIT), EFAULT);
    all_arrives();
    assert_all_is_sent();
}

static void who_comes_back_late_is_in_no_streak(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        write_much();
        assert_all_is_sent();
        pair_run(&pair, TIME_US(60));
    }
}

static void nor_who_reads_in_between(void **state)
{
    (void)state;
    char byte;
    for (int i = 0; i < 10; i++) {
        write_much();
        assert_all_is_sent();
        assert_fails(tern_recv(a, client, &byte, 1, MSG_DONTWAIT), EAGAIN);
    }
}

/* What is read was there before. */
static void nor_who_reads_much(void **state)
{
    enum { READ = 64 * 1024, TIMES = 3 };
    static char room[READ];
    (void)state;
    const int buffer = 2 * TIMES * READ;
    assert_int_equal(tern_setsockopt(a, client, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer), 0);
    a->host->operations = usual; /* an engine's, which takes in packets */
    for (int i = 0; i < TIMES; i++)
        assert_int_equal(tern_send(b, server, text, READ, 0), READ);
    pair_run(&pair, TIME_S(1));
    a->host->operations = &promising;
    for (int i = 0; i < TIMES; i++) {
        write_much();
        assert_all_is_sent();
        assert_int_equal(tern_recv(a, client, room, READ, MSG_DONTWAIT), READ);
    }
}

static void nor_who_writes_little(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        write_some(65535);
        assert_all_is_sent();
    }
}

static void nothing_waits_where_the_host_promises_nothing(void **state)
{
    (void)state;
    others_drive = true;
    for (int i = 0; i < 10; i++) {
        write_much();
        assert_all_is_sent();
    }
}

/* It was expected to, when the call began. */
static void nor_where_it_does_so_no_longer(void **state)
{
    (void)state;
    begin_streak();
    others_drive = true;
    write_much();
    assert_all_is_sent();
}

/* So many writes. Whether the last has left a rest. */
static bool write_piece(int writes)
{
    for (int i = 0; i < writes; i++)
        write_much();
    return received < written;
}

static void other_call(void)
{
    int value;
    socklen_t length = sizeof value;
    assert_int_equal(tern_getsockopt(a, client, SOL_SOCKET, SO_TYPE, &value, &length), 0);
    all_arrives();
    assert_all_is_sent();
}

enum { PIECE = 9, IN_VAIN = 3 }; /* writes; times until there must be more of them */

static void who_stops_each_time_leaves_nothing_any_more(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(write_piece(PIECE), i < IN_VAIN);
        pass(TIME_MS(1));
    }
}

static void nor_does_one_who_goes_on_with_something_else(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(write_piece(PIECE), i < IN_VAIN);
        pass(TIME_MS(1));
        other_call();
    }
}

static void but_nothing_has_waited_where_that_comes_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_true(write_piece(PIECE));
        other_call();
    }
}

static void nor_where_who_stops_has_left_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_false(write_piece(2));
        pass(TIME_MS(1));
    }
    begin_streak();
}

static void who_has_stopped_leaves_something_again_in_what_is_long(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_true(write_piece(65));
        pass(TIME_MS(1));
    }
    assert_false(write_piece(63));
}

static void and_in_all_once_it_has_been_very_long(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        write_piece(PIECE);
        pass(TIME_MS(1));
    }
    write_piece(1100);
    pass(TIME_MS(1));
    assert_true(write_piece(PIECE));
}

/* One that finds no room for all of it at first, until what went before has arrived. */

static bool others_come; /* meanwhile */
static unsigned waits;

static int wait_until_all_arrives(struct sock_host *host, struct sock_waiter *waiter,
                                  uint64_t deadline_ns)
{
    assert_ptr_equal(host, a->host);
    (void)deadline_ns;
    all_arrives();
    waiter->woken = false;
    others_drive = others_come;
    waits++;
    return 0;
}

static void write_and_wait(void)
{
    enum { SPANS = 70 }; /* so many that there is a small rest */
    struct iovec spans[SPANS];
    for (int i = 0; i < SPANS; i++)
        spans[i] = (struct iovec){text, MUCH};
    promising.wait = wait_until_all_arrives;
    waits = 0;
    assert_int_equal(tern_writev(a, client, spans, SPANS), SPANS * MUCH);
    written += SPANS * MUCH;
    assert_true(waits > 0);
    all_arrives();
}

static void one_that_waits_leaves_its_rest_as_well(void **state)
{
    (void)state;
    others_come = false;
    begin_streak();
    write_and_wait();
    assert_rest_waits();
}

static void but_not_where_others_drive_once_it_has_waited(void **state)
{
    (void)state;
    others_come = true;
    begin_streak();
    write_and_wait();
    assert_all_is_sent();
}

/* While a call to another socket has given the machine away to read from its file. */

static bool away;

static void leave_and_write(struct sock_host *host)
{
    usual->leave(host);
    if (!away)
        return;
    away = false;
    begin_streak();
}

static void who_comes_back_from_a_file_lets_it_go(void **state)
{
    (void)state;
    int other, peer;
    a->host->operations = usual; /* an engine's, which takes in packets */
    pair_connect(&pair, 8, &other, &peer);
    a->host->operations = &promising;
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(write(fileno(file), text, 1000), 1000);
    off_t offset = 0;
    promising.leave = leave_and_write;
    away = true;
    assert_int_equal(tern_sendfile(a, other, fileno(file), &offset, 1000), 1000);
    all_arrives();
    assert_all_is_sent();
    fclose(file);
}

static void an_engine_promises_nothing(void **state)
{
    (void)state;
    a->host->operations = usual;
    nothing_waits_where_the_host_promises_nothing(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        streak_test(the_third_write_leaves_its_rest_to_the_next),
        streak_test(each_leaves_its_rest_until_that_is_much),
        streak_test(any_other_call_lets_it_go),
        streak_test(so_does_one_that_is_wrong),
        streak_test(so_does_a_write_to_another),
        streak_test(so_does_a_small_write_to_the_same),
        streak_test(so_does_a_close),
        streak_test(so_does_a_write_that_fails),
        streak_test(who_comes_back_late_is_in_no_streak),
        streak_test(nor_who_reads_in_between),
        streak_test(nor_who_reads_much),
        streak_test(nor_who_writes_little),
        streak_test(nothing_waits_where_the_host_promises_nothing),
        streak_test(nor_where_it_does_so_no_longer),
        streak_test(who_stops_each_time_leaves_nothing_any_more),
        streak_test(nor_does_one_who_goes_on_with_something_else),
        streak_test(but_nothing_has_waited_where_that_comes_at_once),
        streak_test(nor_where_who_stops_has_left_nothing),
        streak_test(who_has_stopped_leaves_something_again_in_what_is_long),
        streak_test(and_in_all_once_it_has_been_very_long),
        streak_test(one_that_waits_leaves_its_rest_as_well),
        streak_test(but_not_where_others_drive_once_it_has_waited),
        streak_test(who_comes_back_from_a_file_lets_it_go),
        streak_test(an_engine_promises_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
