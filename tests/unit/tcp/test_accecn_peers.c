/* Where SYNs that ask for AccECN get lost (RFC 9768 §3.1.4.1). */
#include "accecn_fixture.h"

static uint64_t avoided(struct peer *p)
{
    return machine_counter(p->m, "TcpExtTCPAccECNAvoided");
}

static void end(struct peer *p)
{
    tcp_abort(p->tcb);
    p->tcb = NULL;
    peer_forget(p);
}

/* Our SYNs up to the third, which goes without flags and is answered with `flags`. */
static void third_is_answered(struct peer *p, uint16_t flags)
{
    assert_int_equal(connect_asking(p, 3), 0);
    answer_syn(p, flags, ECN_NOT_ECT, false);
    end(p);
}

/* The first SYN is answered. */
static void first_is_answered(struct peer *p, uint16_t asks, uint16_t flags)
{
    assert_int_equal(connect_asking(p, 1), asks);
    answer_syn(p, flags, ECN_NOT_ECT, false);
    end(p);
}

static void SYNs_lost_twice_in_a_row_for_their_flags_are_avoided_for_a_while(void **state)
{
    (void)state;
    struct peer *p = peer_with(SETTING_ASK);
    third_is_answered(p, 0);
    assert_int_equal(avoided(p), 0);
    third_is_answered(p, 0); /* once could have been chance */
    first_is_answered(p, 0, 0);
    assert_int_equal(avoided(p), 1);
    peer_after(p, 3600000 - 1);
    first_is_answered(p, 0, 0);
    assert_int_equal(avoided(p), 2);
    /* Then it is asked again, and a loss begins the time anew. */
    peer_after(p, 1);
    third_is_answered(p, 0);
    first_is_answered(p, 0, 0);
    peer_after(p, 3600000);
    first_is_answered(p, ASK, TCP_CWR);
    first_is_answered(p, ASK, TCP_CWR);
    assert_int_equal(avoided(p), 3);
    peer_free(p);
}

/* Whichever SYN is answered, one that asked has come through. */
static void answer_that_shows_a_SYN_with_flags_to_have_arrived_clears_the_peer(void **state)
{
    (void)state;
    static const uint16_t shows[] = {TCP_CWR, TCP_ECE, ASK};
    for (size_t i = 0; i < sizeof shows / sizeof shows[0]; i++) {
        struct peer *p = peer_with(SETTING_ASK);
        third_is_answered(p, 0);
        third_is_answered(p, shows[i]);
        third_is_answered(p, 0);
        assert_int_equal(connect_asking(p, 1), ASK);
        peer_free(p);
    }
}

/* A peer without ECN that answers the first SYN has not lost it. */
static void answer_without_flags_to_the_first_SYN_clears_the_peer(void **state)
{
    (void)state;
    struct peer *p = peer_with(SETTING_ASK);
    third_is_answered(p, 0);
    first_is_answered(p, ASK, 0);
    third_is_answered(p, 0);
    first_is_answered(p, ASK, 0);
    assert_int_equal(avoided(p), 0);
    peer_free(p);
}

/* Nothing at all came through: that was not for the flags. */
static void peer_that_answers_nothing_is_asked_again(void **state)
{
    (void)state;
    struct peer *p = peer_with(SETTING_ASK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(connect_asking(p, 4), 0);
        end(p);
    }
    assert_int_equal(connect_asking(p, 1), ASK);
    peer_free(p);
}

static void other_peers_and_other_settings_are_not_affected(void **state)
{
    (void)state;
    struct peer *p = peer_with(SETTING_ASK);
    third_is_answered(p, 0);
    third_is_answered(p, 0);
    struct endpoint known = p->theirs;
    p->theirs.address = address_from_ipv4(PEER_ADDRESS + 7);
    first_is_answered(p, ASK, 0);
    p->theirs = known;
    peer_settings(p)->tcp_ecn = SETTING_ASK_CLASSIC;
    first_is_answered(p, ASK_CLASSIC, 0);
    assert_int_equal(avoided(p), 0);
    /* Who wants every SYN to ask gets that; and 0 seconds remember nothing. */
    peer_settings(p)->tcp_ecn = SETTING_ASK;
    peer_settings(p)->tcp_ecn_fallback = 0;
    assert_int_equal(connect_asking(p, 1), ASK);
    end(p);
    peer_settings(p)->tcp_ecn_fallback = 1;
    peer_settings(p)->tcp_ecn_retry_s = 0;
    assert_int_equal(connect_asking(p, 1), ASK);
    peer_free(p);
}

/* Rule 16. */
static void peers_avoided_are_bounded(void **state)
{
    (void)state;
    struct peer *p = peer_with(SETTING_ASK);
    struct address wide = address_from_ipv4(0x0b000003);
    assert_int_equal(interface_add_address(p->m->interface, &wide, 8), 0);
    for (uint32_t i = 0; i < LIMIT_ACCECN_PEERS + 5; i++) {
        p->theirs.address = address_from_ipv4(0x0b000100 + i);
        third_is_answered(p, 0);
        assert_true(tcp_of(&p->m->stack)->accecn_peers.table.count <= LIMIT_ACCECN_PEERS);
    }
    third_is_answered(p, 0); /* the last is known */
    assert_int_equal(connect_asking(p, 1), 0);
    end(p);
    p->theirs.address = address_from_ipv4(0x0b000100);
    third_is_answered(p, 0); /* the first is not */
    assert_int_equal(connect_asking(p, 1), ASK);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(SYNs_lost_twice_in_a_row_for_their_flags_are_avoided_for_a_while),
        cmocka_unit_test(answer_that_shows_a_SYN_with_flags_to_have_arrived_clears_the_peer),
        cmocka_unit_test(answer_without_flags_to_the_first_SYN_clears_the_peer),
        cmocka_unit_test(peer_that_answers_nothing_is_asked_again),
        cmocka_unit_test(other_peers_and_other_settings_are_not_affected),
        cmocka_unit_test(peers_avoided_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
