/* TCP_SAVE_SYN and TCP_SAVED_SYN: whose SYN is kept, for how long, and at whose cost. */
#include "tcp_peer.h"

#include "tcp/half_open.h"

enum { SYN_BYTES = IPV4_HEADER_MIN + TCP_HEADER_MIN + 4 }; /* its only option is an MSS */

static struct peer *peer_saving(int save)
{
    struct peer *p = peer_new();
    peer_listen(p, 5);
    assert_int_equal(
        tcp_listener_set_option(p->listener, IP_PROTOCOL_TCP, OPTION_SAVE_SYN, &save, sizeof save),
        0);
    return p;
}

static socklen_t read_syn(struct peer *p, uint8_t *bytes, socklen_t room, int expected)
{
    assert_int_equal(tcp_get_option(p->tcb, IP_PROTOCOL_TCP, OPTION_SAVED_SYN, bytes, &room),
                     expected);
    return room;
}

static void headers_of_the_SYN_are_read_once(void **state)
{
    (void)state;
    for (int save = 1; save <= 2; save++) {
        uint8_t bytes[120];
        struct segment syn;
        struct peer *p = peer_saving(save);
        peer_accept(p, PEER_PLAIN);
        uint64_t held = p->m->stack.memory_used_bytes;
        assert_int_equal(read_syn(p, bytes, SYN_BYTES - 1, -EINVAL), SYN_BYTES);
        assert_int_equal(read_syn(p, bytes, sizeof bytes, 0), SYN_BYTES);
        assert_int_equal(bytes[0], 0x45);
        assert_int_equal(bytes[9], IP_PROTOCOL_TCP);
        assert_true(tcp_parse(bytes + IPV4_HEADER_MIN, SYN_BYTES - IPV4_HEADER_MIN, &syn));
        assert_int_equal(syn.flags, TCP_SYN);
        assert_int_equal(syn.seq, PEER_ISS);
        assert_int_equal(syn.source_port, PEER_CLIENT);
        assert_int_equal(syn.options.mss, PEER_MSS);
        assert_true(p->m->stack.memory_used_bytes <= held - SYN_BYTES);
        assert_int_equal(read_syn(p, bytes, sizeof bytes, 0), 0);
        peer_free(p);
    }
}

static void nothing_is_kept_unasked_or_by_a_listener_or_of_a_cookie(void **state)
{
    (void)state;
    uint8_t bytes[120];
    socklen_t length = sizeof bytes;
    struct peer *p = peer_saving(0);
    peer_accept(p, PEER_PLAIN);
    assert_int_equal(read_syn(p, bytes, sizeof bytes, 0), 0);
    peer_free(p);
    p = peer_saving(1);
    peer_settings(p)->tcp_syncookies = 2;
    peer_accept(p, PEER_PLAIN);
    assert_int_equal(read_syn(p, bytes, sizeof bytes, 0), 0);
    assert_int_equal(
        tcp_listener_get_option(p->listener, IP_PROTOCOL_TCP, OPTION_SAVED_SYN, bytes, &length), 0);
    assert_int_equal(length, 0);
    assert_int_equal(tcp_listener_set_option(p->listener, IP_PROTOCOL_TCP, OPTION_SAVED_SYN, bytes,
                                             sizeof bytes),
                     -ENOPROTOOPT);
    peer_free(p);
}

static void what_is_not_read_is_freed_with_its_connection(void **state)
{
    (void)state;
    struct peer *p = peer_saving(1);
    uint64_t before = p->m->stack.memory_used_bytes;
    peer_half_open(p, PEER_PLAIN);
    assert_true(p->m->stack.memory_used_bytes >= before + sizeof(struct half_open) + SYN_BYTES);
    assert_int_equal(peer_send(p, TCP_RST, 1, 0), DROP_NONE);
    assert_int_equal(p->m->stack.memory_used_bytes, before);
    p->theirs.port++;
    p->next = p->acked = 0;
    peer_accept(p, PEER_PLAIN);
    tcp_abort(p->tcb);
    p->tcb = NULL;
    assert_int_equal(p->m->stack.memory_used_bytes, before);
    peer_free(p);
}

/* Nobody can ask any more, however long the connection goes on. */
static void what_is_not_read_is_freed_when_its_user_closes(void **state)
{
    (void)state;
    uint64_t held[2];
    for (int save = 0; save <= 1; save++) {
        struct peer *p = peer_saving(save);
        peer_accept(p, PEER_PLAIN);
        tcp_detach(p->tcb);
        assert_int_equal(p->tcb->state, TCP_FIN_WAIT_1);
        assert_null(p->tcb->saved_syn);
        held[save] = p->m->stack.memory_used_bytes;
        peer_free(p);
    }
    assert_int_equal(held[1], held[0]);
}

/* RFC 7413: its SYN is that of a connection at once, and the text in it is not part of it. */
static void SYN_with_text_is_kept_without_it(void **state)
{
    (void)state;
    int queue = 5;
    uint8_t bytes[120];
    struct peer *p = peer_saving(1);
    peer_settings(p)->tcp_fastopen |= FAST_OPEN_SERVER | FAST_OPEN_SERVER_NO_COOKIE;
    assert_int_equal(tcp_listener_set_option(p->listener, IP_PROTOCOL_TCP, OPTION_FASTOPEN, &queue,
                                             sizeof queue),
                     0);
    struct segment syn = peer_syn(p, TCP_SYN, PEER_PLAIN);
    syn.text = peer_pattern(1);
    syn.length = 100;
    p->iss = 0;
    assert_int_equal(peer_send_raw(p, syn), DROP_NONE);
    assert_int_equal(peer_take(p).ack, 101);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
    assert_true(p->tcb->opens_early);
    assert_int_equal(read_syn(p, bytes, sizeof bytes, 0), SYN_BYTES);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_of_the_SYN_are_read_once),
        cmocka_unit_test(nothing_is_kept_unasked_or_by_a_listener_or_of_a_cookie),
        cmocka_unit_test(what_is_not_read_is_freed_with_its_connection),
        cmocka_unit_test(what_is_not_read_is_freed_when_its_user_closes),
        cmocka_unit_test(SYN_with_text_is_kept_without_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
