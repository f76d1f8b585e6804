#include "machine.h"

#include <errno.h>

#include "core/error_queue.h"

static bool add(struct machine *m, struct error_queue *q, uint8_t origin, int error)
{
    struct error_note note = {.origin = origin, .error = error};
    return error_queue_add(&m->stack, q, &note, "quoted", 6);
}

/* Completes the sends first..last. */
static void complete(struct machine *m, struct error_queue *q, uint32_t first, uint32_t last)
{
    struct error_note *note = error_note_new(&m->stack, 0);
    assert_non_null(note);
    note->origin = ERROR_ORIGIN_ZEROCOPY;
    note->code = ERROR_CODE_COPIED;
    note->info = first;
    note->data = last;
    error_queue_complete(&m->stack, q, note);
}

static void assert_range(struct machine *m, struct error_queue *q, uint32_t first, uint32_t last)
{
    int pending = 0;
    struct error_note *note = error_queue_take(q, &pending);
    assert_non_null(note);
    assert_int_equal(note->origin, ERROR_ORIGIN_ZEROCOPY);
    assert_int_equal(note->info, first);
    assert_int_equal(note->data, last);
    error_note_free(&m->stack, note);
}

static void notes_come_out_in_order_with_what_they_quote(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct error_queue q;
    int pending = 0;
    error_queue_init(&q);
    assert_true(error_queue_empty(&q));
    assert_true(add(m, &q, ERROR_ORIGIN_LOCAL, EMSGSIZE));
    assert_true(add(m, &q, ERROR_ORIGIN_TIMESTAMPING, ENOMSG));
    assert_false(error_queue_empty(&q));
    struct error_note *note = error_queue_take(&q, &pending);
    assert_int_equal(note->error, EMSGSIZE);
    assert_int_equal(note->length, 6);
    assert_false(note->truncated);
    assert_memory_equal(note->bytes, "quoted", 6);
    error_note_free(&m->stack, note);
    note = error_queue_take(&q, &pending);
    assert_int_equal(note->error, ENOMSG);
    error_note_free(&m->stack, note);
    assert_null(error_queue_take(&q, &pending));
    machine_free(m);
}

static void note_of_a_path_error_says_all_that_came(void **state)
{
    (void)state;
    const struct endpoint to = {address_from_ipv4(PEER_ADDRESS), 9};
    const struct path_error error = {.mtu = 1400,
                                     .source = address_from_ipv4(MACHINE_ADDRESS),
                                     .reporter = address_from_ipv4(0x0a0000fe),
                                     .icmp_type = 3,
                                     .icmp_code = 4,
                                     .hop_limit = 61,
                                     .traffic_class = 0xc0};
    const struct error_note note = error_note_of_path(&error, EMSGSIZE, &to);
    assert_int_equal(note.origin, ERROR_ORIGIN_ICMP);
    assert_int_equal(note.error, EMSGSIZE);
    assert_int_equal(note.type, 3);
    assert_int_equal(note.code, 4);
    assert_int_equal(note.info, 1400);
    assert_true(endpoint_equal(&note.destination, &to));
    assert_true(address_equal(&note.offender, &error.reporter));
    assert_true(address_equal(&note.receiver, &error.source));
    assert_int_equal(note.hop_limit, 61);
    assert_int_equal(note.traffic_class, 0xc0);
}

/* Linux's sk_err goes with the queue. */
static void pending_error_is_that_of_the_next_icmp_error(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct error_queue q;
    int pending = EHOSTUNREACH;
    error_queue_init(&q);
    add(m, &q, ERROR_ORIGIN_ICMP, ECONNREFUSED);
    add(m, &q, ERROR_ORIGIN_ICMP, EHOSTUNREACH);
    add(m, &q, ERROR_ORIGIN_LOCAL, EMSGSIZE);
    error_note_free(&m->stack, error_queue_take(&q, &pending));
    assert_int_equal(pending, EHOSTUNREACH);
    error_note_free(&m->stack, error_queue_take(&q, &pending));
    assert_int_equal(pending, 0);
    pending = ENETUNREACH; /* not the queue's */
    error_note_free(&m->stack, error_queue_take(&q, &pending));
    assert_int_equal(pending, ENETUNREACH);
    machine_free(m);
}

static void completions_of_neighbours_are_one_note(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct error_queue q;
    error_queue_init(&q);
    complete(m, &q, 0, 0);
    complete(m, &q, 1, 3);
    assert_int_equal(q.count, 1);
    complete(m, &q, 5, 5); /* not the next one */
    add(m, &q, ERROR_ORIGIN_LOCAL, EMSGSIZE);
    complete(m, &q, 6, 6);
    assert_int_equal(q.count, 4);
    assert_range(m, &q, 0, 3);
    assert_range(m, &q, 5, 5);
    int pending = 0;
    error_note_free(&m->stack, error_queue_take(&q, &pending));
    assert_range(m, &q, 6, 6);
    machine_free(m);
}

static void range_never_holds_all_numbers(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct error_queue q;
    error_queue_init(&q);
    complete(m, &q, 0, UINT32_MAX - 1);
    complete(m, &q, UINT32_MAX, UINT32_MAX);
    assert_int_equal(q.count, 2);
    complete(m, &q, 0, 0); /* the numbers start again */
    assert_range(m, &q, 0, UINT32_MAX - 1);
    assert_range(m, &q, UINT32_MAX, 0);
    machine_free(m);
}

/* Security rule 16. */
static void full_queue_loses_and_counts_but_never_a_completion(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct error_queue q;
    error_queue_init(&q);
    for (int i = 0; i < LIMIT_ERROR_NOTES; i++)
        assert_true(add(m, &q, ERROR_ORIGIN_ICMP, i + 1));
    assert_false(add(m, &q, ERROR_ORIGIN_ICMP, 1000));
    assert_int_equal(machine_counter(m, "ErrorQueueDrops"), 1);
    for (uint32_t i = 0; i < 10; i++)
        complete(m, &q, i, i);
    assert_int_equal(q.count, LIMIT_ERROR_NOTES + 1);
    int pending = 0;
    for (int i = 0; i < LIMIT_ERROR_NOTES; i++) {
        struct error_note *note = error_queue_take(&q, &pending);
        assert_int_equal(note->error, i + 1);
        error_note_free(&m->stack, note);
    }
    assert_range(m, &q, 0, 9);
    machine_free(m);
}

static void long_packet_is_cut(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct error_queue q;
    static const uint8_t bytes[LIMIT_ERROR_QUOTE + 1] = {1, 2, 3};
    struct error_note what = {.origin = ERROR_ORIGIN_ICMP};
    int pending = 0;
    error_queue_init(&q);
    assert_true(error_queue_add(&m->stack, &q, &what, bytes, sizeof bytes));
    struct error_note *note = error_queue_take(&q, &pending);
    assert_int_equal(note->length, LIMIT_ERROR_QUOTE);
    assert_true(note->truncated);
    error_note_free(&m->stack, note);
    assert_true(error_queue_add(&m->stack, &q, &what, bytes, sizeof bytes));
    error_queue_release(&m->stack, &q); /* machine_free() sees that all is given back */
    assert_true(error_queue_empty(&q));
    machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_come_out_in_order_with_what_they_quote),
        cmocka_unit_test(note_of_a_path_error_says_all_that_came),
        cmocka_unit_test(pending_error_is_that_of_the_next_icmp_error),
        cmocka_unit_test(completions_of_neighbours_are_one_note),
        cmocka_unit_test(range_never_holds_all_numbers),
        cmocka_unit_test(full_queue_loses_and_counts_but_never_a_completion),
        cmocka_unit_test(long_packet_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
