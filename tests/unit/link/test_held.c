#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "link/held.h"

static struct held_packet *make(const char *text)
{
    struct iovec spans[3] = {
        {(void *)(uintptr_t)text, 1}, {NULL, 0}, {(void *)(uintptr_t)(text + 1), strlen(text) - 1}};
    struct tern_offload offload = {.segment_size = 7, .flags = TERN_OFFLOAD_CHECKSUM};
    struct held_packet *packet = held_packet_new(spans, 3, &offload);
    assert_non_null(packet);
    return packet;
}

static void packet_is_a_copy_of_all_spans(void **state)
{
    (void)state;
    char text[] = "packet";
    struct held_packet *packet = make(text);
    memset(text, 'x', sizeof text);
    assert_int_equal(packet->length, 6);
    assert_memory_equal(packet->bytes, "packet", 6);
    assert_int_equal(packet->offload.segment_size, 7);
    assert_int_equal(packet->offload.flags, TERN_OFFLOAD_CHECKSUM);
    assert_int_equal(packet->fate, DROP_NONE);
    free(packet);
}

static void queue_gives_back_in_order(void **state)
{
    (void)state;
    struct held_queue queue = {0};
    struct held_packet *a = make("a1"), *b = make("b2"), *c = make("c3");
    assert_null(held_queue_take(&queue));
    held_queue_append(&queue, a);
    held_queue_append(&queue, b);
    assert_ptr_equal(held_queue_take(&queue), a);
    held_queue_append(&queue, c);
    assert_int_equal(queue.count, 2);
    assert_ptr_equal(held_queue_take(&queue), b);
    assert_ptr_equal(held_queue_take(&queue), c);
    assert_null(held_queue_take(&queue));
    held_queue_append(&queue, a);
    held_queue_append(&queue, b);
    held_queue_release(&queue);
    assert_int_equal(queue.count, 0);
    free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packet_is_a_copy_of_all_spans),
        cmocka_unit_test(queue_gives_back_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
