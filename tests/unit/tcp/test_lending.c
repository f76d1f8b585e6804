/* Text that is sent straight from its writer's memory. */
#include "tcp_peer.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "tcp/tcp.h"

enum { MUCH = 140 * PEER_MSS, FIRST_FLIGHT = 10 };

static uint8_t memory[4 * LIMIT_LENT_BYTES]; /* the writer's */

/* The writer's memory is the stream from `seq` on. */
static void remember(uint8_t *at, uint32_t seq, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        at[i] = (uint8_t)((seq + i) % 251);
}

static int setup(void **state)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    remember(memory, 1, sizeof memory);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    peer_free(*state);
    return 0;
}

static ssize_t lend(struct peer *p, struct tcp_lending *lending, const uint8_t *at, uint32_t length)
{
    struct iovec span = {(void *)(uintptr_t)at, length};
    assert_true(tcp_lending_begin(p->tcb, lending));
    ssize_t n = tcp_send(p->tcb, &span, 1, 0);
    tcp_lending_close(lending);
    return n;
}

/* A call that writes MUCH, of which the first flight is under way, has been made so far. */
static void begin(struct peer *p, struct tcp_lending *lending)
{
    *lending = (struct tcp_lending){0};
    assert_int_equal(lend(p, lending, memory, MUCH), MUCH);
    assert_true(tcp_lending_holds(lending));
}

/* Ends the call, after which its memory is used for something else. */
static void end(struct tcp_lending *lending)
{
    tcp_lending_end(lending);
    assert_false(tcp_lending_holds(lending));
    memset(memory, 0xee, sizeof memory);
}

/* The next segment is of the stream, from `seq` on: its length. */
static uint32_t expect_text(struct peer *p, uint32_t seq)
{
    struct segment s = peer_take(p);
    assert_int_equal(s.seq, seq);
    for (uint32_t i = 0; i < s.length; i++)
        assert_int_equal(s.text[i], (seq + i) % 251);
    return s.length;
}

static void expect_flight(struct peer *p, uint32_t seq, unsigned segments)
{
    for (unsigned i = 0; i < segments; i++)
        assert_int_equal(expect_text(p, seq + i * PEER_MSS), PEER_MSS);
    peer_quiet(p);
}

/* All that is left arrives, from `seq` up to `end`. */
static void expect_rest(struct peer *p, uint32_t seq, uint32_t end)
{
    while (seq < end) {
        seq += expect_text(p, seq);
        if (peer_is_quiet(p))
            peer_ack(p, seq);
    }
    assert_int_equal(seq, end);
    assert_int_equal(tcp_queued_out(p->tcb), 0);
}

static void much_text_is_sent_from_where_it_is(void **state)
{
    struct peer *p = *state;
    struct tcp_lending lending;
    begin(p, &lending);
    expect_flight(p, 1, FIRST_FLIGHT);
    memset(memory, 0xee, sizeof memory); /* which nobody may do, and which tells */
    peer_ack(p, 1 + FIRST_FLIGHT * PEER_MSS);
    struct segment s = peer_take(p);
    for (uint32_t i = 0; i < s.length; i++)
        assert_int_equal(s.text[i], 0xee);
    end(&lending);
}

static void what_is_not_acknowledged_at_the_end_is_copied(void **state)
{
    struct peer *p = *state;
    struct tcp_lending lending;
    begin(p, &lending);
    expect_flight(p, 1, FIRST_FLIGHT);
    peer_ack(p, 1 + 3 * PEER_MSS);
    end(&lending);
    expect_rest(p, 1 + FIRST_FLIGHT * PEER_MSS, 1 + MUCH);
}

static void what_is_acknowledged_never_is(void **state)
{
    struct peer *p = *state;
    struct tcp_lending lending;
    begin(p, &lending);
    expect_rest(p, 1, 1 + MUCH);
    assert_false(tcp_lending_holds(&lending));
    memset(memory, 0xee, sizeof memory);
    assert_null(p->tcb->snd.ring.bytes);
    end(&lending);
}

/* What is not sent will not be acknowledged, however long its writer looks for that. */
static void what_is_not_sent_is_not_under_way(void **state)
{
    struct peer *p = *state;
    struct tcp_lending lending;
    begin(p, &lending);
    assert_true(tcp_lending_under_way(&lending));
    p->window = 0;
    peer_ack(p, 1 + FIRST_FLIGHT * PEER_MSS);
    assert_true(tcp_lending_holds(&lending));
    assert_false(tcp_lending_under_way(&lending));
    end(&lending);
}

static void it_is_sent_again_from_there_and_after_the_end_from_the_copy(void **state)
{
    struct peer *p = *state;
    struct tcp_lending lending;
    begin(p, &lending);
    peer_forget(p);
    peer_after(p, 1500);
    assert_int_equal(expect_text(p, 1), PEER_MSS);
    peer_forget(p);
    end(&lending);
    peer_after(p, 5000);
    assert_int_equal(expect_text(p, 1), PEER_MSS);
}

static void a_segment_takes_what_was_copied_and_what_is_lent(void **state)
{
    struct peer *p = *state;
    struct tcp_lending lending = {0};
    struct iovec first = {memory, 300};
    assert_int_equal(tcp_send(p->tcb, &first, 1, MSG_MORE), 300);
    assert_int_equal(lend(p, &lending, memory + 300, MUCH), MUCH);
    expect_flight(p, 1, FIRST_FLIGHT);
    peer_ack(p, 1 + FIRST_FLIGHT * PEER_MSS);
    end(&lending);
    expect_rest(p, 1 + FIRST_FLIGHT * PEER_MSS, 1 + 300 + MUCH);
}

static void little_is_copied(void **state)
{
    struct peer *p = *state;
    struct tcp_lending lending = {0};
    assert_int_equal(lend(p, &lending, memory, LIMIT_LENT_BYTES - 1), LIMIT_LENT_BYTES - 1);
    assert_false(tcp_lending_holds(&lending));
    memset(memory, 0xee, sizeof memory);
    expect_rest(p, 1, LIMIT_LENT_BYTES);
    end(&lending);
}

/* Even little, as long as it goes on where the last ended. */
static void a_call_may_lend_piece_by_piece(void **state)
{
    struct peer *p = *state;
    struct tcp_lending lending;
    begin(p, &lending);
    assert_int_equal(lend(p, &lending, memory + MUCH, 100), 100);
    assert_ptr_equal(lending.bytes, memory);
    assert_int_equal(lending.end - lending.start, MUCH + 100);
    end(&lending);
    expect_rest(p, 1, 1 + MUCH + 100);
}

static void from_another_place_the_first_is_copied(void **state)
{
    struct peer *p = *state;
    struct tcp_lending lending;
    static uint8_t elsewhere[MUCH];
    remember(elsewhere, 1 + MUCH, MUCH);
    begin(p, &lending);
    assert_int_equal(lend(p, &lending, elsewhere, LIMIT_LENT_BYTES), LIMIT_LENT_BYTES);
    assert_ptr_equal(lending.bytes, elsewhere);
    memset(memory, 0xee, sizeof memory);
    peer_ack(p, 1 + 5 * PEER_MSS);
    assert_true(tcp_lending_holds(&lending));
    assert_int_equal(lend(p, &lending, elsewhere, 0), 0);
    end(&lending);
    memset(elsewhere, 0xee, sizeof elsewhere);
    expect_rest(p, 1, 1 + MUCH + LIMIT_LENT_BYTES);
}

/* Neither do they lend in the first one's name, nor does their text stand in its place. */
static void other_writers_have_what_they_write_copied(void **state)
{
    struct peer *p = *state;
    struct tcp_lending lending, other = {0};
    static uint8_t elsewhere[MUCH];
    begin(p, &lending);
    assert_false(tcp_lending_begin(p->tcb, &other));
    remember(elsewhere, 1 + MUCH, MUCH);
    struct iovec span = {elsewhere, LIMIT_LENT_BYTES};
    assert_int_equal(tcp_send(p->tcb, &span, 1, 0), LIMIT_LENT_BYTES);
    memset(elsewhere, 0xee, sizeof elsewhere);
    assert_false(tcp_lending_holds(&lending));
    tcp_lending_end(&other);
    end(&lending);
    expect_rest(p, 1, 1 + MUCH + LIMIT_LENT_BYTES);
}

static void room_may_be_reserved_behind_it(void **state)
{
    struct peer *p = *state;
    struct tcp_lending lending;
    struct tcp_reservation r;
    struct iovec spans[2];
    begin(p, &lending);
    assert_int_equal(tcp_reserve(p->tcb, &r, 500, spans), 500);
    assert_false(tcp_lending_holds(&lending));
    remember(spans[0].iov_base, 1 + MUCH, (uint32_t)spans[0].iov_len);
    if (spans[1].iov_len)
        remember(spans[1].iov_base, 1 + MUCH + (uint32_t)spans[0].iov_len,
                 (uint32_t)spans[1].iov_len);
    end(&lending);
    assert_int_equal(tcp_commit(&r, 500, 0), 500);
    expect_rest(p, 1, 1 + MUCH + 500);
}

static void a_writer_outlives_the_connection(void **state)
{
    struct peer *p = *state;
    struct tcp_lending lending;
    begin(p, &lending);
    tcp_abort(p->tcb);
    p->tcb = NULL;
    assert_false(tcp_lending_holds(&lending));
    end(&lending);
}

static void and_its_end(void **state)
{
    struct peer *p = *state;
    struct tcp_lending lending;
    begin(p, &lending);
    peer_send(p, TCP_RST, p->next, 0);
    assert_false(tcp_lending_holds(&lending));
    end(&lending);
}

/* Another thread closes the socket: what is queued is still sent, and stays the caller's until it
 * has left. */
static void what_is_lent_outlives_its_owner(void **state)
{
    struct peer *p = *state;
    struct tcp_lending lending;
    begin(p, &lending);
    tcp_detach(p->tcb);
    end(&lending);
    uint32_t seq = 1;
    while (seq < 1 + MUCH) {
        seq += expect_text(p, seq);
        if (peer_is_quiet(p))
            peer_ack(p, seq);
    }
    p->tcb = NULL; /* it is the stack's */
}

static void a_connection_with_a_writer_does_not_rest(void **state)
{
    struct peer *p = *state;
    struct tcp_lending lending;
    begin(p, &lending);
    expect_rest(p, 1, 1 + MUCH);
    peer_after(p, 60000);
    assert_ptr_equal(lending.tcb, p->tcb);
    end(&lending);
}

/* ── Memory that cannot be read ── */

enum { SOUND = 0, FAULTED = 7 };

static void faulted(int signal)
{
    (void)signal;
    _exit(FAULTED);
}

/* What becomes of a writer of `length` bytes from `at` on, nothing of which may be sent by the
 * peer's window. In a process of its own. */
static int writer_comes_to(struct peer *p, const uint8_t *at, uint32_t length)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct tcp_lending lending = {0};
        signal(SIGSEGV, faulted);
        p->window = 0;
        peer_send(p, TCP_ACK, p->next, 0);
        lend(p, &lending, at, length);
        _exit(SOUND);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_writer_whose_memory_cannot_be_read_faults_in_its_own_call(void **state)
{
    struct peer *p = *state;
    const uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);
    const uint32_t sound = (LIMIT_LENT_BYTES + page - 1) / page * page;
    uint8_t *bytes = mmap(NULL, sound + page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(bytes, MAP_FAILED);
    assert_int_equal(mprotect(bytes + sound, page, PROT_NONE), 0);
    assert_int_equal(writer_comes_to(p, bytes, sound), SOUND);
    assert_int_equal(writer_comes_to(p, bytes + sound - LIMIT_LENT_BYTES, LIMIT_LENT_BYTES), SOUND);
    assert_int_equal(writer_comes_to(p, bytes + 1, sound), FAULTED);
    munmap(bytes, sound + page);
}

/* ── Whatever happens ── */

/* Takes what has been sent, of which some is lost, and acknowledges some of what has come. */
static void go_on(struct peer *p, struct random *random, uint32_t *got)
{
    while (!peer_is_quiet(p)) {
        struct segment s = peer_take(p);
        for (uint32_t i = 0; i < s.length; i++)
            assert_int_equal(s.text[i], (s.seq + i) % 251);
        bool next = s.seq <= *got && s.seq + s.length > *got;
        if (next && random_below(random, 100) > 0)
            *got = s.seq + s.length;
    }
    peer_forget(p);
    if (random_below(random, 4) > 0)
        peer_ack(p, *got);
    else
        peer_after(p, random_below(random, 1000));
}

static void the_stream_is_the_stream_whatever_is_lent(void **state)
{
    struct peer *p = *state;
    struct random random;
    uint32_t written = 1, got = 1;
    unsigned lent = 0, settled = 0;
    random_seed_number(&random, 11);
    for (int call = 0; call < 2000; call++) {
        struct tcp_lending lending = {0};
        uint32_t at = 0, length = 1 + random_below(&random, 4 * LIMIT_LENT_BYTES);
        remember(memory, written, length);
        for (int part = 0; part < 4 && at < length; part++) {
            bool lends = random_below(&random, 4) > 0;
            struct iovec span = {memory + at, 1 + random_below(&random, length - at)};
            if (lends)
                assert_true(tcp_lending_begin(p->tcb, &lending));
            ssize_t n = tcp_send(p->tcb, &span, 1, random_below(&random, 2) ? MSG_MORE : 0);
            tcp_lending_close(&lending);
            at += n > 0 ? (uint32_t)n : 0;
            lent += tcp_lending_holds(&lending);
            go_on(p, &random, &got);
        }
        settled += tcp_lending_holds(&lending);
        tcp_lending_end(&lending);
        memset(memory, 0xee, length);
        written += at;
        go_on(p, &random, &got);
    }
    assert_true(lent > 100 && settled > 100 && got > 1000000);
    while (got < written) {
        if (peer_is_quiet(p))
            peer_after(p, 2000);
        go_on(p, &random, &got);
    }
    peer_ack(p, got);
    assert_int_equal(tcp_queued_out(p->tcb), 0);
}

#define lending_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        lending_test(much_text_is_sent_from_where_it_is),
        lending_test(what_is_not_acknowledged_at_the_end_is_copied),
        lending_test(what_is_acknowledged_never_is),
        lending_test(what_is_not_sent_is_not_under_way),
        lending_test(it_is_sent_again_from_there_and_after_the_end_from_the_copy),
        lending_test(a_segment_takes_what_was_copied_and_what_is_lent),
        lending_test(little_is_copied),
        lending_test(a_call_may_lend_piece_by_piece),
        lending_test(from_another_place_the_first_is_copied),
        lending_test(other_writers_have_what_they_write_copied),
        lending_test(room_may_be_reserved_behind_it),
        lending_test(a_writer_outlives_the_connection),
        lending_test(and_its_end),
        lending_test(what_is_lent_outlives_its_owner),
        lending_test(a_connection_with_a_writer_does_not_rest),
        lending_test(a_writer_whose_memory_cannot_be_read_faults_in_its_own_call),
        lending_test(the_stream_is_the_stream_whatever_is_lent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
