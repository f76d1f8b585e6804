#include "machine.h"

#include <errno.h>

#include "core/stamps.h"

static void only_what_is_wanted_is_told(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct error_queue q;
    int pending = 0;
    error_queue_init(&q);
    assert_false(stamp_note(&m->stack, &q, STAMP_TX_SCHED, STAMP_SENT, 5, 7));
    assert_false(stamp_note(&m->stack, &q, STAMP_TX_SOFTWARE, STAMP_ACKNOWLEDGED, 5, 7));
    assert_false(stamp_note(&m->stack, &q, STAMP_TX_ACK, STAMP_SCHEDULED, 5, 7));
    assert_true(error_queue_empty(&q));
    assert_true(stamp_note(&m->stack, &q, STAMP_TX_ACK | STAMP_OPT_ID, STAMP_ACKNOWLEDGED, 5, 7));
    struct error_note *note = error_queue_take(&q, &pending);
    assert_int_equal(note->origin, ERROR_ORIGIN_TIMESTAMPING);
    assert_int_equal(note->error, ENOMSG);
    assert_int_equal(note->info, STAMP_ACKNOWLEDGED);
    assert_int_equal(note->data, 7);
    assert_int_equal(note->time_ns, 5);
    assert_true(note->truncated);
    error_note_free(&m->stack, note);
    machine_free(m);
}

static void without_numbers_asked_for_there_is_none(void **state)
{
    (void)state;
    struct machine *m = machine_new(0);
    struct error_queue q;
    int pending = 0;
    error_queue_init(&q);
    assert_true(stamp_note(&m->stack, &q, STAMP_TX_SOFTWARE | STAMP_OPT_TSONLY, STAMP_SENT, 5, 7));
    struct error_note *note = error_queue_take(&q, &pending);
    assert_int_equal(note->data, 0);
    assert_false(note->truncated);
    error_note_free(&m->stack, note);
    machine_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_wanted_is_told),
        cmocka_unit_test(without_numbers_asked_for_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
