/* RFC 5682: after a timeout the first acknowledgments tell a lost flight from a late one. */
#include "tcp_peer.h"

/* Four of ten segments written are out when the timer runs out, and the rest waits. */
static struct peer *peer_timed_out(enum peer_offer offer)
{
    struct peer *p = peer_new();
    peer_settings(p)->tcp_tail_loss_probe = 0;
    peer_settings(p)->tcp_initial_window = 4;
    peer_open(p, offer);
    peer_write(p, 10 * PEER_MSS);
    for (int i = 0; i < 4; i++)
        peer_take(p);
    peer_quiet(p);
    peer_after(p, 210);
    peer_expect(p, TCP_ACK, 1, 1000);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_LOSS);
    return p;
}

/* §2.1 step 2.b. */
static void first_acknowledgment_lets_new_data_out_and_not_retransmissions(void **state)
{
    (void)state;
    struct peer *p = peer_timed_out(PEER_PLAIN);
    peer_ack(p, 1001);
    assert_int_equal(peer_take(p).seq, 4001);
    assert_int_equal(peer_take(p).seq, 5001);
    peer_quiet(p);
    peer_free(p);
}

/* §2.1 step 3.b. */
static void second_acknowledgment_shows_the_timeout_to_have_been_early(void **state)
{
    (void)state;
    struct peer *p = peer_timed_out(PEER_SACK);
    peer_ack(p, 1001);
    peer_forget(p);
    peer_ack(p, 2001);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPSpuriousRTOs"), 1);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_OPEN);
    assert_true(p->tcb->cc.cwnd >= 4);
    assert_int_equal(p->tcb->records.lost_out, 0);
    peer_free(p);
}

/* §2.1 step 3.a. */
static void duplicate_acknowledgment_shows_the_loss_to_be_real(void **state)
{
    (void)state;
    struct peer *p = peer_timed_out(PEER_PLAIN);
    peer_ack(p, 1001);
    peer_forget(p);
    peer_ack(p, 1001);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPSpuriousRTOs"), 0);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_LOSS);
    assert_true(p->tcb->cc.cwnd <= 3);
    assert_int_equal(peer_take(p).seq, 1001);
    peer_free(p);
}

/* §2.1 step 2.a: without SACK a duplicate tells nothing of what it is for, and the next advance is
 * no sign of a late flight either. */
static void duplicate_in_place_of_the_first_means_ordinary_recovery(void **state)
{
    (void)state;
    for (int sack = 0; sack < 2; sack++) {
        struct peer *p = peer_timed_out(sack ? PEER_SACK : PEER_PLAIN);
        peer_ack(p, 1);
        /* §3.1 step 2: with SACK it is waited out. */
        assert_int_equal(p->tcb->recovery.frto, sack);
        peer_quiet(p);
        peer_ack(p, 1001);
        assert_int_equal(peer_take(p).seq, sack ? 4001 : 1001);
        peer_forget(p);
        peer_free(p);
    }
}

/* Step 2.a: else a peer could make a loss look like a delay, piece by piece (§2.2). */
static void part_of_what_was_sent_again_means_ordinary_recovery(void **state)
{
    (void)state;
    struct peer *p = peer_timed_out(PEER_PLAIN);
    p->tcb->cc.cwnd = 4; /* the loss window would let nothing out for so little */
    peer_ack(p, 501);
    assert_int_equal(peer_take(p).seq, 1001);
    assert_false(p->tcb->recovery.frto);
    peer_forget(p);
    peer_ack(p, 1001);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPSpuriousRTOs"), 0);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_LOSS);
    peer_forget(p);
    peer_free(p);
}

/* §3.1: a SACK of something sent once only, before the timeout. */
static void SACK_of_an_original_shows_the_timeout_to_have_been_early(void **state)
{
    (void)state;
    struct peer *p = peer_timed_out(PEER_SACK);
    peer_sack(p, 1, BLOCK(3001, 4001), NO_BLOCK, NO_BLOCK);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPSpuriousRTOs"), 1);
    peer_free(p);
}

/* Step 2.a: nor where the peer's window lets nothing new out. */
static void shut_window_means_ordinary_recovery(void **state)
{
    (void)state;
    struct peer *p = peer_timed_out(PEER_PLAIN);
    uint32_t next = p->tcb->snd.nxt;
    p->window = (uint16_t)(next - p->iss - 1001); /* it ends where the flight does */
    peer_ack(p, 1001);
    assert_int_equal(p->tcb->snd.nxt, next);
    assert_false(p->tcb->recovery.frto);
    assert_int_equal(peer_take(p).seq, 1001);
    peer_free(p);
}

/* Ordinary recovery looks for losses with that very acknowledgment. Two of the four segments went
 * out so late that the timeout left them their chance. */
static void shut_window_lets_losses_be_found_at_once(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->tcp_tail_loss_probe = 0;
    peer_open(p, PEER_SACK);
    peer_flight(p, 1, 2);
    peer_after(p, 205);
    peer_flight(p, 2001, 2);
    peer_after(p, 5);
    peer_expect(p, TCP_ACK, 1, 1000);
    assert_int_equal(p->tcb->records.lost_out, 2);
    peer_write(p, 2 * PEER_MSS);
    peer_after(p, PEER_RTT_MS);
    p->window = 3000; /* it ends where the flight does */
    peer_ack(p, 1001);
    assert_int_equal(p->tcb->records.lost_out, 3);
    peer_free(p);
}

static void nothing_new_to_send_means_ordinary_recovery(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->tcp_tail_loss_probe = 0;
    peer_open(p, PEER_PLAIN);
    peer_flight(p, 1, 4);
    peer_after(p, 210);
    peer_expect(p, TCP_ACK, 1, 1000);
    peer_ack(p, 1001);
    assert_int_equal(peer_take(p).seq, 1001);
    peer_free(p);
}

/* §2.1 step 1: not within the recovery from another timeout, but for the same segment again. */
static void timeout_within_recovery_begins_no_other_but_for_the_same_segment(void **state)
{
    (void)state;
    for (int progress = 0; progress < 2; progress++) {
        struct peer *p = peer_timed_out(PEER_PLAIN);
        if (progress) {
            peer_ack(p, 1001);
            peer_forget(p);
        }
        peer_after(p, 450);
        assert_int_equal(machine_counter(p->m, "TcpExtTCPTimeouts"), 2);
        assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_LOSS);
        assert_int_equal(p->tcb->recovery.frto, !progress);
        peer_forget(p);
        peer_free(p);
    }
}

static void it_can_be_switched_off(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->tcp_tail_loss_probe = 0;
    peer_settings(p)->tcp_frto = 0;
    peer_settings(p)->tcp_initial_window = 4;
    peer_open(p, PEER_PLAIN);
    peer_write(p, 10 * PEER_MSS);
    peer_after(p, 210);
    peer_forget(p);
    peer_ack(p, 1001);
    assert_int_equal(peer_take(p).seq, 1001);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_acknowledgment_lets_new_data_out_and_not_retransmissions),
        cmocka_unit_test(second_acknowledgment_shows_the_timeout_to_have_been_early),
        cmocka_unit_test(duplicate_acknowledgment_shows_the_loss_to_be_real),
        cmocka_unit_test(duplicate_in_place_of_the_first_means_ordinary_recovery),
        cmocka_unit_test(part_of_what_was_sent_again_means_ordinary_recovery),
        cmocka_unit_test(SACK_of_an_original_shows_the_timeout_to_have_been_early),
        cmocka_unit_test(shut_window_means_ordinary_recovery),
        cmocka_unit_test(shut_window_lets_losses_be_found_at_once),
        cmocka_unit_test(nothing_new_to_send_means_ordinary_recovery),
        cmocka_unit_test(timeout_within_recovery_begins_no_other_but_for_the_same_segment),
        cmocka_unit_test(it_can_be_switched_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
