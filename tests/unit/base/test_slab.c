#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/cache.h"
#include "base/slab.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

enum { SPAN = 4096, OBJECT = 100, A_SPAN = 39 }; /* objects of 104 bytes, a header of 32 */

static unsigned spans;
static bool no_memory, keeps;

static void *take_span(size_t bytes)
{
    assert_int_equal(bytes, SPAN);
    if (no_memory)
        return NULL;
    spans++;
    return aligned_alloc(bytes, bytes);
}

static bool give_span(void *span, size_t bytes)
{
    assert_int_equal(bytes, SPAN);
    if (keeps)
        return false;
    spans--;
    free(span);
    return true;
}

static const struct slab_source source = {.take = take_span, .give = give_span};

static void begin(struct slab *slab)
{
    spans = 0;
    no_memory = keeps = false;
    slab_init(slab, OBJECT, SPAN, &source);
}

static void end(struct slab *slab)
{
    slab_release(slab);
    assert_int_equal(spans, 0);
}

/* Each filled to its last byte. */
static void take_many(struct slab *slab, void **objects, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_non_null(objects[i] = slab_take(slab));
        memset(objects[i], (int)(i % 251), OBJECT);
    }
}

static void give_many(struct slab *slab, void **objects, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        slab_give(slab, objects[i]);
}

static void objects_are_apart_and_aligned(void **state)
{
    (void)state;
    struct slab slab;
    void *objects[5 * A_SPAN];
    begin(&slab);
    take_many(&slab, objects, 5 * A_SPAN);
    assert_int_equal(spans, 5);
    for (unsigned i = 0; i < 5 * A_SPAN; i++) {
        const uint8_t *bytes = objects[i];
        assert_int_equal((uintptr_t)bytes % 8, 0);
        for (unsigned at = 0; at < OBJECT; at++)
            assert_int_equal(bytes[at], i % 251);
    }
    give_many(&slab, objects, 5 * A_SPAN);
    end(&slab);
}

/* Taking all of a span that there is room for: its header takes the first. */
static void objects_of_whole_lines_begin_with_one(void **state)
{
    (void)state;
    struct slab slab;
    void *objects[SPAN / (2 * CACHE_LINE)];
    unsigned count = SPAN / (2 * CACHE_LINE) - 1;
    begin(&slab);
    slab_init(&slab, (size_t)(2 * CACHE_LINE), SPAN, &source);
    for (unsigned i = 0; i < count; i++) {
        assert_non_null(objects[i] = slab_take(&slab));
        assert_int_equal((uintptr_t)objects[i] % CACHE_LINE, 0);
    }
    assert_int_equal(spans, 1);
    give_many(&slab, objects, count);
    end(&slab);

    slab_init(&slab, (size_t)(2 * CACHE_LINE), SPAN, NULL);
    void *object = slab_take(&slab);
    assert_int_equal((uintptr_t)object % CACHE_LINE, 0);
    slab_give(&slab, object);
}

static void what_was_given_last_is_taken_first(void **state)
{
    (void)state;
    struct slab slab;
    void *objects[3];
    begin(&slab);
    take_many(&slab, objects, 3);
    slab_give(&slab, objects[0]);
    slab_give(&slab, objects[2]);
    assert_ptr_equal(slab_take(&slab), objects[2]);
    assert_ptr_equal(slab_take(&slab), objects[0]);
    give_many(&slab, objects, 3);
    end(&slab);
}

/* However many there were, and whichever way they went. */
static void one_empty_span_is_kept_and_no_second(void **state)
{
    (void)state;
    struct slab slab;
    static void *objects[100 * A_SPAN];
    for (unsigned way = 0; way < 2; way++) {
        begin(&slab);
        take_many(&slab, objects, 100 * A_SPAN);
        assert_int_equal(spans, 100);
        for (unsigned i = 0; i < 100 * A_SPAN; i++)
            slab_give(&slab, objects[way ? i : 100 * A_SPAN - 1 - i]);
        assert_int_equal(spans, 1);
        slab_trim(&slab);
        assert_int_equal(spans, 0);
        slab_trim(&slab); /* there is none any more */
        end(&slab);
    }
}

static void one_object_in_turn_asks_for_no_span(void **state)
{
    (void)state;
    struct slab slab;
    void *objects[A_SPAN + 1];
    begin(&slab);
    take_many(&slab, objects, A_SPAN + 1);
    no_memory = true;
    for (unsigned i = 0; i < 10; i++) {
        slab_give(&slab, objects[A_SPAN]);
        assert_non_null(objects[A_SPAN] = slab_take(&slab));
        assert_int_equal(spans, 2);
    }
    give_many(&slab, objects, A_SPAN + 1);
    end(&slab);
}

/* A burst that has been leaves what lives on, and the spans that it lives in. */
static void an_empty_span_is_the_last_to_be_taken_from(void **state)
{
    (void)state;
    struct slab slab;
    void *objects[2 * A_SPAN];
    begin(&slab);
    take_many(&slab, objects, 2 * A_SPAN);
    give_many(&slab, objects, A_SPAN); /* of the first span all */
    slab_give(&slab, objects[A_SPAN]); /* and of the second one */
    assert_ptr_equal(slab_take(&slab), objects[A_SPAN]);
    slab_trim(&slab);
    assert_int_equal(spans, 1);
    give_many(&slab, objects + A_SPAN, A_SPAN);
    end(&slab);
}

static void without_memory_there_is_what_is_free(void **state)
{
    (void)state;
    struct slab slab;
    void *objects[A_SPAN];
    begin(&slab);
    take_many(&slab, objects, A_SPAN - 1);
    no_memory = true;
    assert_non_null(objects[A_SPAN - 1] = slab_take(&slab));
    assert_null(slab_take(&slab));
    slab_give(&slab, objects[0]);
    assert_ptr_equal(slab_take(&slab), objects[0]);
    give_many(&slab, objects, A_SPAN);
    end(&slab);
}

static void a_span_that_is_not_taken_back_is_used_again(void **state)
{
    (void)state;
    struct slab slab;
    void *objects[3 * A_SPAN];
    begin(&slab);
    take_many(&slab, objects, 3 * A_SPAN);
    keeps = true;
    give_many(&slab, objects, 3 * A_SPAN);
    slab_trim(&slab);
    assert_int_equal(spans, 3);
    no_memory = true;
    take_many(&slab, objects, 3 * A_SPAN);
    keeps = false;
    give_many(&slab, objects, 3 * A_SPAN);
    assert_int_equal(spans, 1);
    end(&slab);
}

/* Under a memory checker, which so sees whoever holds on to what is given. */
static void without_a_source_each_object_is_malloc_s_own(void **state)
{
    (void)state;
    struct slab slab;
    slab_init(&slab, OBJECT, SPAN, NULL);
    void *object = slab_take(&slab);
    assert_non_null(object);
    memset(object, 1, OBJECT);
    slab_give(&slab, object);
#if defined(__SANITIZE_ADDRESS__)
    assert_true(__asan_address_is_poisoned(object));
#endif
    slab_trim(&slab);
    slab_release(&slab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_apart_and_aligned),
        cmocka_unit_test(objects_of_whole_lines_begin_with_one),
        cmocka_unit_test(what_was_given_last_is_taken_first),
        cmocka_unit_test(one_empty_span_is_kept_and_no_second),
        cmocka_unit_test(one_object_in_turn_asks_for_no_span),
        cmocka_unit_test(an_empty_span_is_the_last_to_be_taken_from),
        cmocka_unit_test(without_memory_there_is_what_is_free),
        cmocka_unit_test(a_span_that_is_not_taken_back_is_used_again),
        cmocka_unit_test(without_a_source_each_object_is_malloc_s_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
