/* Text that goes straight to a reader that waits. */
#include "tcp_peer.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "tcp/tcp.h"

struct reader {
    uint8_t bytes[8000];
    struct iovec spans[2];
    struct tcp_landing landing;
};

/* A reader with room for `first` and then `second` bytes. */
static void reader_waits(struct peer *p, struct reader *r, uint32_t first, uint32_t second)
{
    memset(r->bytes, 0xff, sizeof r->bytes);
    r->spans[0] = (struct iovec){r->bytes, first};
    r->spans[1] = (struct iovec){r->bytes + first, second};
    r->landing = (struct tcp_landing){.spans = r->spans, .count = second ? 2 : 1};
    assert_true(tcp_landing_begin(p->tcb, &r->landing));
}

/* Of the peer's stream from `seq` on, each by `more` what the peer has it. */
static void stream_is(const uint8_t *bytes, uint32_t seq, uint32_t length, uint8_t more)
{
    for (uint32_t i = 0; i < length; i++)
        assert_int_equal(bytes[i], (seq + i) % 251 + more);
}

/* What has landed is `length` bytes of the peer's stream from `seq` on, and nothing behind them. */
static void reader_has(struct reader *r, uint32_t seq, uint32_t length)
{
    tcp_landing_end(&r->landing);
    assert_int_equal(r->landing.filled, length);
    stream_is(r->bytes, seq, length, 0);
    assert_int_equal(r->bytes[length], 0xff);
}

static struct peer *peer_opened(void)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    return p;
}

static void text_lands_with_a_reader_that_waits_and_not_in_the_ring(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    struct reader r;
    reader_waits(p, &r, 300, 700);
    peer_text(p, 1, 500);
    assert_true(p->events & POLLIN);
    assert_null(p->tcb->rcv.ring.bytes);
    peer_expect_ack(p, 501);
    reader_has(&r, 1, 500);
    assert_int_equal(p->tcb->stat.bytes_received, 500);
    assert_int_equal(peer_read(p, 501, 100), -EAGAIN);
    peer_free(p);
}

static void what_lands_leaves_the_window_as_it_was(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    struct reader r;
    uint32_t before = p->tcb->rcv.wnd;
    reader_waits(p, &r, 4000, 0);
    peer_text(p, 1, 1000);
    uint32_t window = (uint32_t)peer_take(p).window << p->tcb->rcv.scale;
    assert_true(window >= before);
    reader_has(&r, 1, 1000);
    peer_free(p);
}

static void what_finds_no_room_is_read_next(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    struct reader r;
    reader_waits(p, &r, 600, 0);
    peer_text(p, 1, 1000);
    peer_text(p, 1001, 500);
    reader_has(&r, 1, 600);
    assert_int_equal(peer_read(p, 601, 5000), 900);
    peer_free(p);
}

static void a_reader_that_is_full_ends_the_batch(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    struct reader r;
    reader_waits(p, &r, 2500, 0);
    stack_batch_begin(&p->m->stack);
    peer_text(p, 1, 1000);
    assert_false(p->m->stack.batch_enough);
    peer_text(p, 1001, 1000);
    assert_true(p->m->stack.batch_enough); /* for another there is no room */
    stack_batch_end(&p->m->stack);
    reader_has(&r, 1, 2000);
    peer_free(p);
}

static void text_with_a_hole_before_it_goes_its_usual_way(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    struct reader r;
    reader_waits(p, &r, 4000, 0);
    peer_text(p, 1001, 1000);
    peer_text(p, 1, 1000);
    reader_has(&r, 1, 0);
    assert_int_equal(peer_read(p, 1, 4000), 2000);
    peer_free(p);
}

static void only_one_reader_waits_at_a_time(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    struct reader r, other;
    reader_waits(p, &r, 100, 0);
    other.landing = (struct tcp_landing){.spans = r.spans, .count = 1};
    assert_false(tcp_landing_begin(p->tcb, &other.landing));
    tcp_landing_end(&other.landing);
    peer_text(p, 1, 50);
    reader_has(&r, 1, 50);
    peer_free(p);
}

static void a_reader_outlives_the_connection(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    struct reader r;
    reader_waits(p, &r, 100, 0);
    peer_text(p, 1, 50);
    tcp_abort(p->tcb);
    p->tcb = NULL;
    reader_has(&r, 1, 50);
    peer_free(p);
}

/* ── Text that a link has read to where the reader waits for it ── */

/* Text comes that is not behind its headers but at the reader's place; each of its bytes is one
 * more than the peer's would be, by which it is known. */
static void text_comes_in_place(struct peer *p, uint32_t seq, uint32_t length)
{
    struct stack *stack = &p->m->stack;
    uint8_t *at = stack->place.at;
    assert_true(stack->place.room >= length);
    for (uint32_t i = 0; i < length; i++)
        at[i] = (uint8_t)((seq + i) % 251 + 1);
    stack->interfaces[0].text = at;
    peer_text(p, seq, length);
    stack->interfaces[0].text = NULL;
}

static void reader_has_from_its_place(struct reader *r, uint32_t seq, uint32_t length)
{
    tcp_landing_end(&r->landing);
    assert_int_equal(r->landing.filled, length);
    stream_is(r->bytes, seq, length, 1);
}

static void the_place_is_where_the_reader_goes_on(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    struct stack *stack = &p->m->stack;
    struct reader r;
    assert_int_equal(stack->place.room, 0);
    reader_waits(p, &r, 1000, 2000);
    assert_ptr_equal(stack->place.at, r.bytes);
    assert_int_equal(stack->place.room, 1000);
    peer_text(p, 1, 400);
    assert_ptr_equal(stack->place.at, r.bytes + 400);
    assert_int_equal(stack->place.room, 600);
    peer_text(p, 401, 600);
    assert_ptr_equal(stack->place.at, r.bytes + 1000);
    assert_int_equal(stack->place.room, 2000);
    peer_text(p, 1001, 2000);
    assert_int_equal(stack->place.room, 0);
    reader_has(&r, 1, 3000);
    peer_free(p);
}

static void the_place_ends_with_the_wait_and_with_the_connection(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    struct reader r;
    reader_waits(p, &r, 1000, 0);
    reader_has(&r, 1, 0);
    assert_int_equal(p->m->stack.place.room, 0);
    reader_waits(p, &r, 1000, 0);
    tcp_abort(p->tcb);
    p->tcb = NULL;
    assert_int_equal(p->m->stack.place.room, 0);
    reader_has(&r, 1, 0);
    peer_free(p);
}

static void text_in_place_stays_there(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    struct reader r;
    reader_waits(p, &r, 4000, 0);
    text_comes_in_place(p, 1, 500);
    text_comes_in_place(p, 501, 700);
    peer_expect_ack(p, 501);
    reader_has_from_its_place(&r, 1, 1200);
    assert_int_equal(r.bytes[1200], 0xff);
    peer_free(p);
}

static void of_text_in_place_what_is_known_is_cut_off(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    struct reader r;
    reader_waits(p, &r, 4000, 0);
    text_comes_in_place(p, 1, 500);
    text_comes_in_place(p, 301, 1000);
    reader_has_from_its_place(&r, 1, 1300);
    peer_free(p);
}

static void text_in_place_with_a_hole_before_it_waits_in_the_ring(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    struct reader r;
    reader_waits(p, &r, 4000, 0);
    text_comes_in_place(p, 1001, 1000);
    text_comes_in_place(p, 1, 1000);
    reader_has_from_its_place(&r, 1, 0);
    uint8_t got[4000];
    struct iovec span = {got, sizeof got};
    assert_int_equal(tcp_receive(p->tcb, &span, 1, 0), 2000);
    stream_is(got, 1, 2000, 1);
    peer_free(p);
}

/* ── Memory that cannot be written ── */

enum { SOUND = 0, FAULTED = 7 };

/* Pages of which the last ones are for `protection` alone. */
static uint8_t *pages_new(size_t sound, size_t bad, int protection)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *bytes = mmap(NULL, (sound + bad) * page, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(bytes, MAP_FAILED);
    assert_int_equal(mprotect(bytes + sound * page, bad * page, protection), 0);
    return bytes;
}

static void faulted(int signal)
{
    (void)signal;
    _exit(FAULTED);
}

/* What becomes of a reader that waits with such memory, and of a text that lands with it. In a
 * process of its own. */
static int reader_comes_to(struct peer *p, const struct iovec *spans, int count, uint32_t text)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct tcp_landing landing = {.spans = spans, .count = count};
        signal(SIGSEGV, faulted);
        tcp_landing_begin(p->tcb, &landing);
        if (text > 0)
            peer_text(p, 1, text);
        _exit(SOUND);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_reader_whose_memory_cannot_be_written_faults_in_its_own_call(void **state)
{
    (void)state;
    static const int protections[] = {PROT_NONE, PROT_READ};
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct peer *p = peer_opened();
    for (size_t i = 0; i < 2; i++) {
        uint8_t *bytes = pages_new(1, 1, protections[i]);
        struct iovec all_bad = {bytes + page, page};
        struct iovec one_bad = {bytes + page - 1, 2};
        struct iovec none_bad = {bytes, page};
        assert_int_equal(reader_comes_to(p, &all_bad, 1, 0), FAULTED);
        assert_int_equal(reader_comes_to(p, &one_bad, 1, 0), FAULTED);
        assert_int_equal(reader_comes_to(p, &none_bad, 1, 0), SOUND);
        munmap(bytes, 2 * page);
    }
    peer_free(p);
}

static void all_that_a_packet_may_take_is_proved_and_no_more(void **state)
{
    (void)state;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t place_pages = (LIMIT_SUPER_PACKET + page - 1) / page;
    struct peer *p = peer_opened();
    uint8_t *bytes = pages_new(place_pages, 1, PROT_READ);
    const size_t sound = place_pages * page;
    struct iovec within = {bytes + sound - LIMIT_SUPER_PACKET, LIMIT_SUPER_PACKET + page};
    struct iovec beyond = {bytes + sound - LIMIT_SUPER_PACKET + 1, LIMIT_SUPER_PACKET + page - 1};
    assert_int_equal(reader_comes_to(p, &within, 1, 0), SOUND);
    assert_int_equal(reader_comes_to(p, &beyond, 1, 0), FAULTED);
    munmap(bytes, sound + page);
    peer_free(p);
}

static void the_place_is_proved_anew_as_it_moves_on(void **state)
{
    (void)state;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t place_pages = (LIMIT_SUPER_PACKET + page - 1) / page;
    struct peer *p = peer_opened();
    uint8_t *bytes = pages_new(place_pages, 1, PROT_READ);
    const size_t sound = place_pages * page;
    struct iovec span = {bytes + sound - LIMIT_SUPER_PACKET, LIMIT_SUPER_PACKET + page};
    assert_int_equal(reader_comes_to(p, &span, 1, 1), FAULTED);
    struct iovec spans[] = {{bytes, 100}, {bytes + sound, page}};
    assert_int_equal(reader_comes_to(p, spans, 2, 99), SOUND);
    assert_int_equal(reader_comes_to(p, spans, 2, 100), FAULTED);
    munmap(bytes, sound + page);
    peer_free(p);
}

static void to_prove_memory_does_not_change_it(void **state)
{
    (void)state;
    static uint8_t bytes[3 * LIMIT_SUPER_PACKET], as_before[sizeof bytes];
    struct peer *p = peer_opened();
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = as_before[i] = (uint8_t)(i % 251);
    struct iovec span = {bytes + 1, sizeof bytes - 1};
    struct tcp_landing landing = {.spans = &span, .count = 1};
    assert_true(tcp_landing_begin(p->tcb, &landing));
    peer_text(p, 1, 1000); /* the peer's bytes are these */
    tcp_landing_end(&landing);
    assert_int_equal(landing.filled, 1000);
    assert_memory_equal(bytes, as_before, sizeof bytes);
    peer_free(p);
}

/* Whatever comes in whatever order, and whoever waits or not: the stream is the stream. */
static void every_byte_arrives_once_whichever_way_it_takes(void **state)
{
    (void)state;
    static const uint8_t seed[RANDOM_SEED_SIZE] = {7};
    struct random random;
    struct peer *p = peer_opened();
    struct reader r;
    uint32_t read = 1, sent = 1;
    random_seed(&random, seed);
    for (int i = 0; i < 3000; i++) {
        uint32_t room = random_below(&random, 3000) + 1;
        bool waits = p->tcb->rcv.ring.length == 0 && random_below(&random, 2);
        uint32_t behind = sent - read;
        if (waits)
            reader_waits(p, &r, room, 0);
        for (unsigned n = random_below(&random, 4); n > 0 && behind < 20000; n--) {
            uint32_t length = random_below(&random, 1000) + 1;
            uint32_t skip = random_below(&random, 4) ? 0 : 500;
            peer_text(p, sent + skip, length);
            if (skip)
                peer_text(p, sent, skip);
            sent += skip + length;
        }
        if (waits) {
            tcp_landing_end(&r.landing);
            for (uint32_t at = 0; at < r.landing.filled; at++)
                assert_int_equal(r.bytes[at], (read + at) % 251);
            read += r.landing.filled;
        }
        ssize_t got = peer_read(p, read, room);
        read += got > 0 ? (uint32_t)got : 0;
        peer_forget(p);
    }
    while (read < sent)
        read += (uint32_t)peer_read(p, read, 8000);
    assert_int_equal(read, sent);
    assert_int_equal(p->tcb->stat.bytes_received, sent - 1);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_lands_with_a_reader_that_waits_and_not_in_the_ring),
        cmocka_unit_test(what_lands_leaves_the_window_as_it_was),
        cmocka_unit_test(what_finds_no_room_is_read_next),
        cmocka_unit_test(a_reader_that_is_full_ends_the_batch),
        cmocka_unit_test(text_with_a_hole_before_it_goes_its_usual_way),
        cmocka_unit_test(only_one_reader_waits_at_a_time),
        cmocka_unit_test(a_reader_outlives_the_connection),
        cmocka_unit_test(the_place_is_where_the_reader_goes_on),
        cmocka_unit_test(the_place_ends_with_the_wait_and_with_the_connection),
        cmocka_unit_test(text_in_place_stays_there),
        cmocka_unit_test(of_text_in_place_what_is_known_is_cut_off),
        cmocka_unit_test(text_in_place_with_a_hole_before_it_waits_in_the_ring),
        cmocka_unit_test(a_reader_whose_memory_cannot_be_written_faults_in_its_own_call),
        cmocka_unit_test(all_that_a_packet_may_take_is_proved_and_no_more),
        cmocka_unit_test(the_place_is_proved_anew_as_it_moves_on),
        cmocka_unit_test(to_prove_memory_does_not_change_it),
        cmocka_unit_test(every_byte_arrives_once_whichever_way_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
