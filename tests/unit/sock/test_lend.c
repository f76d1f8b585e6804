/* Calls that write much, and lend it: over a host that looks for what comes back when it is asked
 * to, and over one that has to wait. */
#include "unit/sock/data_fixture.h"

#include "base/limits.h"
#include "sock/host.h"

enum { MUCH = 3 << 20 };

static char *text, *lent; /* what is written, and the memory that it is written from */
static unsigned looks, comes_back;

/* One packet of the peer's comes back, which has taken in what there was, for so often. */
static bool look_back(struct sock_host *host)
{
    assert_ptr_equal(host, a->host);
    looks++;
    while (arrive(1, 1) > 0)
        ;
    return comes_back > 0 && comes_back-- > 0 && arrive(0, 1) > 0;
}

/* An engine's packets are brought to it; for the time of the call, a's is one that looks. */
static ssize_t send_looking(const char *bytes, size_t length)
{
    const struct sock_host_operations *usual = a->host->operations;
    struct sock_host_operations looking = *usual;
    looking.look_back = look_back;
    looks = 0;
    a->host->operations = &looking;
    ssize_t n = tern_send(a, client, bytes, length, 0);
    a->host->operations = usual;
    return n;
}

static void fill_memory(void)
{
    memcpy(lent, text, MUCH);
}

static int setup_over(const char *fault)
{
    open_pair(&(struct pair_options){.fault = fault});
    pair_connect(&pair, 7, &client, &server);
    text = pattern(MUCH);
    lent = malloc(MUCH);
    fill_memory();
    return 0;
}

static int setup_good(void **state)
{
    (void)state;
    return setup_over(NULL);
}

static int setup_bad(void **state)
{
    (void)state;
    return setup_over("loss=3%,delay=5ms,jitter=2ms,dup=2%,seed=9");
}

static int teardown_text(void **state)
{
    pair.meanwhile = NULL;
    free(text);
    free(lent);
    return teardown(state);
}

#define over(network, name) cmocka_unit_test_setup_teardown(name, setup_##network, teardown_text)

static size_t received; /* bytes, each as it should be */

static void read_some(struct pair *p)
{
    (void)p;
    static char room[1 << 16];
    ssize_t n;
    while ((n = tern_recv(b, server, room, sizeof room, MSG_DONTWAIT)) > 0) {
        assert_memory_equal(room, text + received, (size_t)n);
        received += (size_t)n;
    }
}

static void read_all(size_t length)
{
    for (int i = 0; received < length && i < 1000; i++) {
        pair_run(&pair, TIME_MS(100));
        read_some(&pair);
    }
    assert_int_equal(received, length);
}

static void use_memory_for_something_else(void)
{
    memset(lent, 0xee, MUCH);
}

static void a_call_that_waits_sends_from_its_memory_and_returns_it(void **state)
{
    (void)state;
    received = 0;
    pair.meanwhile = read_some;
    assert_int_equal(tern_send(a, client, lent, MUCH, 0), MUCH);
    use_memory_for_something_else();
    read_all(MUCH);
}

static void a_call_that_does_not_wait_returns_it_as_well(void **state)
{
    (void)state;
    received = 0;
    for (size_t sent = 0; sent < MUCH;) {
        fill_memory();
        ssize_t n = tern_send(a, client, lent + sent, MUCH - sent, MSG_DONTWAIT);
        use_memory_for_something_else();
        sent += n > 0 ? (size_t)n : 0;
        pair_run(&pair, TIME_MS(1));
        read_some(&pair);
    }
    read_all(MUCH);
}

static void a_message_of_many_spans_arrives_whole(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 140000, 100, 170000, 133000, 0, 5, LIMIT_LENT_BYTES};
    enum { SPANS = sizeof lengths / sizeof *lengths };
    struct iovec spans[SPANS];
    struct msghdr message = {.msg_iov = spans, .msg_iovlen = SPANS};
    size_t at = 0;
    for (size_t i = 0; i < SPANS; i++) {
        spans[i] = (struct iovec){lent + at, lengths[i]};
        at += lengths[i];
    }
    received = 0;
    pair.meanwhile = read_some;
    assert_int_equal(tern_sendmsg(a, client, &message, 0), at);
    use_memory_for_something_else();
    read_all(at);
}

static void what_has_come_back_is_looked_for_before_anything_is_copied(void **state)
{
    (void)state;
    comes_back = 3;
    assert_int_equal(send_looking(lent, LIMIT_LENT_BYTES), LIMIT_LENT_BYTES);
    assert_int_equal(looks, 4); /* until nothing had */
}

static void nobody_looks_for_ever(void **state)
{
    (void)state;
    comes_back = 1000;
    assert_int_equal(send_looking(lent, 500 * 1000), 500 * 1000);
    assert_int_equal(looks, LIMIT_LENT_LOOKS);
}

static void nobody_looks_where_nothing_is_lent(void **state)
{
    (void)state;
    comes_back = 1000;
    assert_int_equal(send_looking(lent, LIMIT_LENT_BYTES - 1), LIMIT_LENT_BYTES - 1);
    assert_int_equal(looks, 0);
}

static void nor_where_all_is_acknowledged(void **state)
{
    (void)state;
    received = 0;
    for (unsigned i = 1; i < 20; i++) { /* until the congestion window is large enough */
        comes_back = 1000;
        fill_memory();
        assert_int_equal(send_looking(lent + received, LIMIT_LENT_BYTES), LIMIT_LENT_BYTES);
        use_memory_for_something_else();
        read_all(i * LIMIT_LENT_BYTES);
    }
    assert_in_range(looks, 1, LIMIT_LENT_LOOKS);
    assert_int_equal(comes_back, 1000 - looks);
}

static void close_it(struct pair *p)
{
    p->meanwhile = NULL;
    assert_int_equal(tern_close(a, client), 0);
}

/* Of a call whose socket another thread closes, what was taken is still sent, from a copy. */
static void a_socket_that_is_closed_meanwhile_keeps_what_it_has_taken(void **state)
{
    (void)state;
    received = 0;
    pair.meanwhile = close_it;
    ssize_t sent = tern_send(a, client, lent, MUCH, 0);
    assert_in_range(sent, 1, MUCH - 1);
    use_memory_for_something_else();
    read_all((size_t)sent);
}

static void dissolve_it(struct pair *p)
{
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    p->meanwhile = NULL;
    assert_int_equal(tern_connect(a, client, &none, sizeof none), 0);
}

static void a_connection_that_is_given_up_meanwhile_needs_it_no_more(void **state)
{
    (void)state;
    pair.meanwhile = dissolve_it;
    assert_true(tern_send(a, client, lent, MUCH, 0) != 0);
    use_memory_for_something_else();
    pair_run(&pair, TIME_S(1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        over(good, a_call_that_waits_sends_from_its_memory_and_returns_it),
        over(bad, a_call_that_waits_sends_from_its_memory_and_returns_it),
        over(good, a_call_that_does_not_wait_returns_it_as_well),
        over(bad, a_call_that_does_not_wait_returns_it_as_well),
        over(good, a_message_of_many_spans_arrives_whole),
        over(bad, a_message_of_many_spans_arrives_whole),
        over(good, what_has_come_back_is_looked_for_before_anything_is_copied),
        over(good, nobody_looks_for_ever),
        over(good, nobody_looks_where_nothing_is_lent),
        over(good, nor_where_all_is_acknowledged),
        over(bad, a_socket_that_is_closed_meanwhile_keeps_what_it_has_taken),
        over(bad, a_connection_that_is_given_up_meanwhile_needs_it_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
