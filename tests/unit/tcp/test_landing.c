/* Text that goes straight to a reader that waits. */
#include "tcp_peer.h"

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

/* What has landed is `length` bytes of the peer's stream from `seq` on, and nothing behind them. */
static void reader_has(struct reader *r, uint32_t seq, uint32_t length)
{
    tcp_landing_end(&r->landing);
    assert_int_equal(r->landing.filled, length);
    for (uint32_t i = 0; i < length; i++)
        assert_int_equal(r->bytes[i], (seq + i) % 251);
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
    for (uint32_t i = 0; i < length; i++)
        assert_int_equal(r->bytes[i], (seq + i) % 251 + 1);
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
    for (uint32_t i = 0; i < 2000; i++)
        assert_int_equal(got[i], (1 + i) % 251 + 1);
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
        cmocka_unit_test(every_byte_arrives_once_whichever_way_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
