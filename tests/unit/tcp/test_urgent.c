/* RFC 9293 §3.8.5 and RFC 6093: urgent bytes stay in the stream; the pointer is a mark in it. */
#include "tcp_peer.h"

static struct peer *peer_opened(void)
{
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    return p;
}

static enum drop_reason urgent(struct peer *p, uint32_t seq, uint32_t length, uint16_t pointer)
{
    struct segment segment = peer_segment(p, TCP_ACK | TCP_URG, seq, length);
    segment.urgent = pointer;
    return peer_send_raw(p, segment);
}

static void MUST_32_user_is_told_when_urgent_data_begins_and_when_the_pointer_moves(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    assert_int_equal(urgent(p, 1, 100, 50), DROP_NONE);
    assert_true(p->events & POLLPRI);
    p->events = 0;
    urgent(p, 101, 100, 10); /* moves on */
    assert_true(p->events & POLLPRI);
    p->events = 0;
    urgent(p, 1, 100, 50); /* an old one again */
    assert_false(p->events & POLLPRI);
    peer_free(p);
}

/* MUST-62: it names the octet after the last urgent one. */
static void MUST_33_MUST_62_readiness_says_that_urgent_data_is_still_to_be_read(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    urgent(p, 1, 100, 50);
    assert_true(tcp_readiness(p->tcb) & POLLPRI);
    peer_read(p, 1, 49);
    assert_true(tcp_readiness(p->tcb) & POLLPRI);
    peer_read(p, 50, 1);
    assert_false(tcp_readiness(p->tcb) & POLLPRI);
    peer_free(p);
}

static void MUST_31_urgent_data_may_be_longer_than_its_segment(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    urgent(p, 1, 100, 5000);
    peer_read(p, 1, 100);
    assert_true(tcp_readiness(p->tcb) & POLLPRI);
    for (uint32_t seq = 101; seq < 5001; seq += 700) {
        peer_text(p, seq, 700);
        peer_read(p, seq, 700);
    }
    assert_false(tcp_readiness(p->tcb) & POLLPRI);
    peer_free(p);
}

/* MUST-30, RFC 6093 §6: in line. */
static void MUST_30_urgent_bytes_stay_in_the_stream(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    urgent(p, 1, 100, 1);
    assert_int_equal(peer_read(p, 1, 200), 100);
    peer_free(p);
}

/* Security rule 3: CVE-2019-12255 (0, less the length), CVE-2020-17437 (beyond the segment). */
static void pointer_of_0_or_beyond_everything_is_harmless(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    assert_int_equal(urgent(p, 1, 100, 0), DROP_NONE);
    assert_false(tcp_readiness(p->tcb) & POLLPRI);
    assert_int_equal(urgent(p, 101, 0, 0), DROP_NONE);
    assert_int_equal(urgent(p, 101, 100, 0xffff), DROP_NONE);
    assert_true(seq_leq(p->tcb->rcv.up, p->tcb->rcv.wup + p->tcb->rcv.wnd));
    assert_int_equal(peer_read(p, 1, 500), 200);
    assert_int_equal(urgent(p, 201, 0, 1), DROP_NONE);
    assert_int_equal(peer_read(p, 201, 500), -EAGAIN);
    peer_free(p);
}

static void after_the_peer_s_FIN_there_is_nothing_urgent(void **state)
{
    (void)state;
    struct peer *p = peer_opened();
    peer_fin(p);
    p->events = 0;
    urgent(p, 2, 0, 10);
    assert_false(p->events & POLLPRI);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(MUST_32_user_is_told_when_urgent_data_begins_and_when_the_pointer_moves),
        cmocka_unit_test(MUST_33_MUST_62_readiness_says_that_urgent_data_is_still_to_be_read),
        cmocka_unit_test(MUST_31_urgent_data_may_be_longer_than_its_segment),
        cmocka_unit_test(MUST_30_urgent_bytes_stay_in_the_stream),
        cmocka_unit_test(pointer_of_0_or_beyond_everything_is_harmless),
        cmocka_unit_test(after_the_peer_s_FIN_there_is_nothing_urgent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
