#include "tcp_peer.h"

#include "tcp/block.h"

static void block_is_zero_though_it_has_been_used(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp *tcp = tcp_of(&p->m->stack);
    struct tcb *tcb = block_take(tcp);
    memset(tcb, 0xff, sizeof *tcb);
    tcb->beyond.counted = false;
    block_give(tcp, tcb);
    struct tcb *again = block_take(tcp);
    static const struct tcb zero;
    assert_memory_equal(again, &zero, sizeof zero);
    block_give(tcp, again);
    peer_free(p);
}

static void reserve_is_made_good_before_anything_is_given_back(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp *tcp = tcp_of(&p->m->stack);
    struct tcb *reserve = tcp->reserve;
    assert_non_null(reserve);
    tcp->reserve = NULL;
    memset(reserve, 0, sizeof *reserve); /* as block_take_to_end() gives it out */
    block_give(tcp, reserve);
    assert_ptr_equal(tcp->reserve, reserve);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_is_zero_though_it_has_been_used),
        cmocka_unit_test(reserve_is_made_good_before_anything_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
