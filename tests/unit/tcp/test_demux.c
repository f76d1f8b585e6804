#include "tcp_peer.h"

#include "tcp/demux.h"

static void connection_is_found_by_all_four_parts_of_its_name(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    const struct tcp *tcp = tcp_of(&p->m->stack);
    assert_ptr_equal(demux_find(tcp, &p->ours, &p->theirs), p->tcb->connection);
    for (int part = 0; part < 4; part++) {
        struct endpoint ours = p->ours, theirs = p->theirs;
        if (part == 0)
            ours.port++;
        if (part == 1)
            theirs.port++;
        if (part == 2)
            ours.address = address_from_ipv4(MACHINE_ADDRESS + 1);
        if (part == 3)
            theirs.address = address_from_ipv4(PEER_ADDRESS + 2);
        assert_null(demux_find(tcp, &ours, &theirs));
    }
    peer_send(p, TCP_RST, 1, 0);
    assert_null(demux_find(tcp, &p->ours, &p->theirs)); /* over */
    peer_free(p);
}

/* The one that the last segment was for is tried first: neither may it be taken for another, nor
 * stay when it is over. */
static void segments_find_their_connection_also_where_the_last_one_was_for_another(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    struct tcp *tcp = tcp_of(&p->m->stack);
    struct tcp_connection *first = p->tcb->connection;
    struct endpoint ours = p->ours, theirs = p->theirs;
    assert_ptr_equal(demux_arrival(tcp, &ours, &theirs), first);
    p->theirs.port++;
    assert_null(demux_arrival(tcp, &p->ours, &p->theirs));
    p->tcb = NULL; /* another one */
    peer_open(p, PEER_PLAIN);
    struct tcp_connection *second = p->tcb->connection;
    for (int turn = 0; turn < 2; turn++) {
        assert_ptr_equal(demux_arrival(tcp, &ours, &theirs), first);
        assert_ptr_equal(demux_arrival(tcp, &p->ours, &p->theirs), second);
        assert_ptr_equal(demux_arrival(tcp, &p->ours, &p->theirs), second);
    }
    peer_send(p, TCP_RST, 1, 0);
    assert_null(demux_arrival(tcp, &p->ours, &p->theirs)); /* over */
    assert_ptr_equal(demux_arrival(tcp, &ours, &theirs), first);
    peer_free(p);
}

static void listener_of_the_very_address_goes_before_the_one_of_any(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    const struct tcp *tcp = tcp_of(&p->m->stack);
    struct address second = address_from_ipv4(MACHINE_ADDRESS + 7);
    assert_int_equal(interface_add_address(p->m->interface, &second, 24), 0);
    struct endpoint here = {p->ours.address, LISTEN_PORT}, other = {second, LISTEN_PORT};
    struct tcb *tcb;
    assert_int_equal(tcp_create(&p->m->stack, NULL, &tcb), 0);
    assert_int_equal(tcp_bind(tcb, &here, true), 0);
    assert_int_equal(tcp_listen(tcb, 1, NULL, &p->listener), 0);
    assert_ptr_equal(demux_find_listener(tcp, &here, &p->theirs), p->listener);
    assert_null(demux_find_listener(tcp, &other, &p->theirs));
    here.port++;
    assert_null(demux_find_listener(tcp, &here, &p->theirs));
    peer_free(p);
}

/* Security rule 17: who does not know the key cannot choose endpoints that collide. */
static void table_s_hash_is_keyed(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct tcp *tcp = tcp_of(&p->m->stack);
    uint32_t before = demux_hash(tcp, &p->ours, &p->theirs);
    p->m->stack.hash_key.words[1] ^= 1;
    assert_int_not_equal(demux_hash(tcp, &p->ours, &p->theirs), before);
    p->m->stack.hash_key.words[1] ^= 1;
    unsigned same = 0;
    for (uint16_t port = 0; port < 4096; port++) {
        struct endpoint theirs = {p->theirs.address, port};
        same += (demux_hash(tcp, &p->ours, &theirs) & 0xff) == (before & 0xff);
    }
    assert_in_range(same, 4, 40); /* expected 16 */
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connection_is_found_by_all_four_parts_of_its_name),
        cmocka_unit_test(segments_find_their_connection_also_where_the_last_one_was_for_another),
        cmocka_unit_test(listener_of_the_very_address_goes_before_the_one_of_any),
        cmocka_unit_test(table_s_hash_is_keyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
