/* RFC 6528: ISN = M + F(localip, localport, remoteip, remoteport, secretkey). */
#include "tcp_peer.h"

#include "tcp/isn.h"

static uint32_t isn(const struct peer *p, uint16_t ours, uint16_t theirs)
{
    struct endpoint local = {p->ours.address, ours}, remote = {p->theirs.address, theirs};
    return tcp_initial_sequence(tcp_of(&p->m->stack), &local, &remote);
}

static void MUST_8_number_follows_a_clock_of_4_microseconds(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    uint32_t before = isn(p, 1, 2);
    stack_advance(&p->m->stack, p->m->stack.now_ns + TIME_US(4));
    assert_int_equal(isn(p, 1, 2) - before, 1);
    peer_after(p, 1000);
    assert_int_equal(isn(p, 1, 2) - before, 250001);
    peer_free(p);
}

/* SHLD-1: neighbours tell nothing of each other. */
static void SHLD_1_numbers_of_neighbouring_ports_are_unrelated(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    unsigned near = 0, bits = 0;
    for (uint16_t port = 1; port <= 4096; port++) {
        uint32_t change = isn(p, 5, port) ^ isn(p, 5, (uint16_t)(port + 1));
        near += change < 1 << 16;
        bits += (unsigned)__builtin_popcount(change);
    }
    assert_true(near < 4);                            /* expected 1/16 */
    assert_in_range(bits / 4096, 15, 16);             /* half of 32 on average, from below */
    assert_int_not_equal(isn(p, 1, 2), isn(p, 2, 1)); /* both ends count */
    peer_free(p);
}

/* §3: the whole connection-id, and 128 bits of key. */
static void RFC_6528_number_depends_on_addresses_and_ports_and_the_whole_key(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct hash_key *key = &tcp_of(&p->m->stack)->isn_key, kept = *key;
    uint32_t first = isn(p, 1, 2);
    assert_int_equal(isn(p, 1, 2), first);
    assert_int_not_equal(isn(p, 3, 2), first);
    assert_int_not_equal(isn(p, 1, 3), first);
    p->ours.address = address_from_ipv4(MACHINE_ADDRESS + 7);
    assert_int_not_equal(isn(p, 1, 2), first);
    p->ours.address = address_from_ipv4(MACHINE_ADDRESS);
    p->theirs.address = address_from_ipv4(PEER_ADDRESS + 7);
    assert_int_not_equal(isn(p, 1, 2), first);
    p->theirs.address = address_from_ipv4(PEER_ADDRESS);
    for (unsigned bit = 0; bit < 128; bit++) {
        key->words[bit / 64] ^= (uint64_t)1 << bit % 64;
        assert_int_not_equal(isn(p, 1, 2), first);
        *key = kept;
    }
    peer_free(p);
}

/* §3: a connection that comes again goes on where the clock has got to, and not below. */
static void RFC_6528_next_incarnation_begins_above_the_last(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct endpoint local = {p->ours.address, 40001};
    uint32_t before = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tcp_create(&p->m->stack, NULL, &p->tcb), 0);
        assert_int_equal(tcp_bind(p->tcb, &local, false), 0);
        assert_int_equal(tcp_connect(p->tcb, &p->theirs), -EINPROGRESS);
        if (i > 0)
            assert_int_equal(p->tcb->snd.iss - before, 250000);
        before = p->tcb->snd.iss;
        tcp_abort(p->tcb);
        p->tcb = NULL;
        peer_forget(p);
        peer_after(p, 1000);
    }
    peer_free(p);
}

static void MUST_9_number_depends_on_a_secret_of_the_stack(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    uint32_t before = isn(p, 1, 2);
    tcp_of(&p->m->stack)->isn_key.words[0] ^= 1;
    assert_int_not_equal(isn(p, 1, 2), before);
    /* and the secret, on the seed */
    uint8_t seed[RANDOM_SEED_SIZE] = {9};
    struct stack *other = calloc(1, sizeof *other);
    assert_non_null(other);
    assert_int_equal(stack_init(other, seed, p->m->stack.now_ns), 0);
    assert_int_equal(tcp_attach(other), 0);
    struct endpoint local = {p->ours.address, 1}, remote = {p->theirs.address, 2};
    assert_int_not_equal(tcp_initial_sequence(tcp_of(other), &local, &remote), before);
    stack_release(other);
    free(other);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(MUST_8_number_follows_a_clock_of_4_microseconds),
        cmocka_unit_test(SHLD_1_numbers_of_neighbouring_ports_are_unrelated),
        cmocka_unit_test(RFC_6528_number_depends_on_addresses_and_ports_and_the_whole_key),
        cmocka_unit_test(RFC_6528_next_incarnation_begins_above_the_last),
        cmocka_unit_test(MUST_9_number_depends_on_a_secret_of_the_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
