/* TCP in a stack: attached, and gone without a trace. */
#include "tcp_peer.h"

#include "common/allocation.h"

static void attaching_without_memory_leaves_nothing(void **state)
{
    (void)state;
    for (unsigned successes = 0; successes < 5; successes++) {
        struct machine *m = machine_new(0);
        assert_int_equal(ip_attach(&m->stack), 0);
        allocations_fail_after(successes);
        int error = tcp_attach(&m->stack);
        allocations_succeed();
        assert_int_equal(error, -ENOMEM);
        assert_null(tcp_of(&m->stack));
        assert_int_equal(tcp_attach(&m->stack), 0);
        machine_free(m);
    }
}

/* Security rule 7: secrets come from the generator, and differ. */
static void secrets_are_drawn_anew_for_each_stack_and_purpose(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    const struct tcp *tcp = tcp_of(&p->m->stack);
    struct hash_key fast_open_key;
    memcpy(&fast_open_key, p->m->stack.settings.tcp_fastopen_key.words, sizeof fast_open_key);
    const struct hash_key *keys[] = {&tcp->isn_key, &tcp->timestamp_key, &tcp->port_key,
                                     &fast_open_key, &p->m->stack.hash_key};
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(keys[i], keys[j], sizeof *keys[i]);
    uint8_t seed[RANDOM_SEED_SIZE] = {7};
    struct stack *other = calloc(1, sizeof *other);
    assert_non_null(other);
    assert_int_equal(stack_init(other, seed, 0), 0);
    assert_int_equal(tcp_attach(other), 0);
    assert_memory_not_equal(&tcp_of(other)->isn_key, &tcp->isn_key, sizeof tcp->isn_key);
    stack_release(other);
    free(other);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attaching_without_memory_leaves_nothing),
        cmocka_unit_test(secrets_are_drawn_anew_for_each_stack_and_purpose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
