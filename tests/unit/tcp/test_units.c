#include "unit.h"

#include "tcp/tcb.h"

enum { START = 0xfffffff0u, GOAL = 100 };

static void write_unit(struct tcb *tcb, uint32_t bytes)
{
    assert_int_equal(units_reserve(tcb), 0);
    units_open(tcb);
    units_extend(tcb, bytes);
}

static void unit_takes_up_to_the_goal(void **state)
{
    (void)state;
    struct tcb tcb = {.snd.nxt = START};
    assert_null(units_first(&tcb));
    assert_int_equal(units_room(&tcb, GOAL), 0);
    write_unit(&tcb, 30);
    assert_int_equal(units_room(&tcb, GOAL), 70);
    units_extend(&tcb, 70);
    assert_int_equal(units_room(&tcb, GOAL), 0);
    assert_int_equal(units_first(&tcb)->end, START + 100);
    /* A goal that has shrunk meanwhile leaves no room, and not less than none. */
    assert_int_equal(units_room(&tcb, 50), 0);
    units_release(&tcb);
}

static void unit_full_of_spans_takes_no_more_and_grows_not(void **state)
{
    (void)state;
    struct tcb tcb = {.snd.nxt = START};
    write_unit(&tcb, 30);
    units_last(&tcb)->spans = LIMIT_ZEROCOPY_SPANS - 1;
    assert_int_equal(units_room(&tcb, GOAL), 70);
    units_last(&tcb)->spans++;
    assert_int_equal(units_room(&tcb, GOAL), 0);
    write_unit(&tcb, 30);
    units_grow(&tcb, 60);
    assert_int_equal(units_first(&tcb)->end, START + 30);
    units_release(&tcb);
}

static void nothing_joins_the_end_of_a_record(void **state)
{
    (void)state;
    struct tcb tcb = {.snd.nxt = START};
    write_unit(&tcb, 30);
    units_last(&tcb)->ends_record = true;
    assert_int_equal(units_room(&tcb, GOAL), 0);
    write_unit(&tcb, 5);
    assert_int_equal(units_last(&tcb)->end, START + 35);
    assert_int_equal(units_room(&tcb, GOAL), 95);
    units_release(&tcb);
}

static void what_is_left_of_a_unit_counts_from_snd_nxt(void **state)
{
    (void)state;
    struct tcb tcb = {.snd.nxt = START};
    write_unit(&tcb, 100);
    write_unit(&tcb, 40);
    tcb.snd.nxt = START + 60;
    units_sent(&tcb, tcb.snd.nxt);
    assert_int_equal(tcb.snd.units.count, 2);
    tcb.snd.nxt = START + 100;
    units_sent(&tcb, tcb.snd.nxt);
    assert_int_equal(tcb.snd.units.count, 1);
    assert_int_equal(units_first(&tcb)->end, START + 140);
    tcb.snd.nxt = START + 130;
    units_sent(&tcb, tcb.snd.nxt);
    assert_int_equal(units_room(&tcb, GOAL), 90);
    units_release(&tcb);
}

static void ring_of_units_grows_in_order(void **state)
{
    (void)state;
    enum { UNITS = 50 };
    struct tcb tcb = {.snd.nxt = START};
    uint32_t written = START;
    for (uint32_t i = 0; i < UNITS; i++) {
        write_unit(&tcb, 10);
        written += 10;
        /* One goes for each two that come, so that the ring has turned when it grows. */
        if (i % 2) {
            tcb.snd.nxt = units_first(&tcb)->end;
            units_sent(&tcb, tcb.snd.nxt);
        }
    }
    assert_int_equal(tcb.snd.units.count, UNITS / 2);
    for (uint32_t left = UNITS / 2; left > 0; left--) {
        assert_int_equal(units_first(&tcb)->end, tcb.snd.nxt + 10);
        tcb.snd.nxt = units_first(&tcb)->end;
        units_sent(&tcb, tcb.snd.nxt);
    }
    assert_int_equal(tcb.snd.nxt, written);
    assert_null(units_last(&tcb));
    units_release(&tcb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unit_takes_up_to_the_goal),
        cmocka_unit_test(unit_full_of_spans_takes_no_more_and_grows_not),
        cmocka_unit_test(nothing_joins_the_end_of_a_record),
        cmocka_unit_test(what_is_left_of_a_unit_counts_from_snd_nxt),
        cmocka_unit_test(ring_of_units_grows_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
