/* RFC 4821 and RFC 8899: finding out what the path takes, by what comes through. */
#include "tcp_peer.h"

#include "tcp/mtu.h"
#include "tcp/mtu_probe.h"

enum { BASE = 500, LOW = BASE + 40 };

/* A connection that searches from the start, in segments of BASE, with room for a probe: between
 * 540 and 1040 bytes. */
static struct peer *searching(enum peer_offer offer)
{
    struct peer *p = peer_new();
    peer_settings(p)->tcp_mtu_probing = 2;
    peer_settings(p)->tcp_base_mss = BASE;
    peer_settings(p)->tcp_initial_window = 20;
    peer_open(p, offer);
    assert_int_equal(p->tcb->snd.mss, BASE);
    assert_int_equal(p->tcb->mtu.high, PEER_MSS + 40);
    return p;
}

/* Writes enough for a probe to be sent, and takes what is sent; the probe is first, and nothing
 * else is so large (RFC 8899 §3 item 1). */
static uint32_t write_with_probe(struct peer *p, uint32_t *end)
{
    uint32_t start = p->tcb->snd.nxt - p->iss;
    peer_write(p, 5000);
    uint32_t length = peer_take(p).length;
    *end = start + length;
    while (!peer_is_quiet(p)) {
        uint32_t other = peer_take(p).length;
        assert_true(other <= p->tcb->snd.mss);
        *end += other;
    }
    assert_int_equal(*end, start + 5000);
    return length;
}

/* RFC 4821 §7.3, §7.5: what was acknowledged raises the segment size. */
static void probe_that_comes_through_raises_the_segment_size(void **state)
{
    (void)state;
    struct peer *p = searching(PEER_SACK);
    uint32_t end;
    assert_int_equal(write_with_probe(p, &end), 750); /* halfway */
    assert_int_equal(p->tcb->cc.cwnd, 19);            /* it is sent in place of two */
    assert_int_equal(p->tcb->snd.mss, BASE);
    peer_ack(p, end);
    assert_int_equal(p->tcb->snd.mss, 750);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPMTUPSuccess"), 1);
    assert_int_equal(write_with_probe(p, &end), 875);
    peer_ack(p, end);
    assert_int_equal(p->tcb->snd.mss, 875);
    peer_free(p);
}

/* The window is of as many bytes as before. */
static void window_does_not_grow_with_the_segments(void **state)
{
    (void)state;
    struct peer *p = searching(PEER_SACK);
    uint32_t end;
    write_with_probe(p, &end);
    p->tcb->cc.cwnd = 30;
    p->tcb->cc.ssthresh = 10; /* no slow start on top of it */
    peer_ack(p, end);
    assert_in_range(p->tcb->cc.cwnd, 30 * LOW / 790, 30 * LOW / 790 + 1);
    peer_free(p);
}

/* RFC 4821 §7.5, RFC 8899 §4.4: its loss alone is no congestion. */
static void probe_that_is_lost_lowers_the_bound_and_no_window(void **state)
{
    (void)state;
    struct peer *p = searching(PEER_SACK);
    uint32_t end, cwnd = p->tcb->cc.cwnd;
    uint32_t length = write_with_probe(p, &end);
    peer_after(p, PEER_RTT_MS);
    peer_sack(p, 1, BLOCK(1 + length, end), NO_BLOCK, NO_BLOCK);
    /* What it carried goes again in segments. */
    assert_int_equal(peer_take(p).length, BASE);
    assert_int_equal(peer_take(p).length, length - BASE);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPMTUPFail"), 1);
    assert_int_equal(p->tcb->mtu.high, length + 40 - 1);
    assert_true(p->tcb->cc.cwnd >= cwnd);
    assert_int_equal(p->tcb->cc.ssthresh, UINT32_MAX);
    peer_sack(p, 1 + BASE, BLOCK(1 + length, end), NO_BLOCK, NO_BLOCK);
    peer_ack(p, end);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_OPEN);
    assert_true(p->tcb->cc.cwnd >= cwnd);
    assert_int_equal(write_with_probe(p, &end), (LOW + 789) / 2 - 40);
    peer_free(p);
}

/* RFC 4821 §7.6.2: with others lost as well it may have been congestion. */
static void probe_lost_among_others_says_nothing(void **state)
{
    (void)state;
    struct peer *p = searching(PEER_SACK);
    uint32_t end, high = p->tcb->mtu.high;
    uint32_t length = write_with_probe(p, &end);
    peer_after(p, PEER_RTT_MS);
    peer_sack(p, 1, BLOCK(1 + length + BASE, end), NO_BLOCK, NO_BLOCK);
    assert_int_equal(p->tcb->recovery.phase, TCP_PHASE_RECOVERY);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPMTUPFail"), 0);
    assert_int_equal(p->tcb->mtu.high, high);
    assert_int_equal(p->tcb->mtu.size, 0);
    while (!peer_is_quiet(p))
        assert_in_range(peer_take(p).length, 0, BASE);
    peer_free(p);
}

static void after_a_timeout_what_became_of_the_probe_is_not_known(void **state)
{
    (void)state;
    struct peer *p = searching(PEER_PLAIN);
    uint32_t end, high = p->tcb->mtu.high;
    write_with_probe(p, &end);
    peer_settings(p)->tcp_tail_loss_probe = 0;
    peer_after(p, 1000);
    assert_int_equal(peer_take(p).length, BASE);
    assert_int_equal(p->tcb->mtu.high, high);
    assert_int_equal(p->tcb->mtu.size, 0);
    peer_free(p);
}

/* RFC 4821 §7.4: no probe without enough to follow it, nor while something is amiss, nor where the
 * window is too small to bear its loss. */
static void probe_needs_text_behind_it_and_a_window(void **state)
{
    (void)state;
    struct peer *p = searching(PEER_SACK);
    peer_write(p, 750 + 4 * BASE - 1);
    assert_int_equal(peer_take(p).length, BASE);
    peer_forget(p);
    peer_ack(p, 750 + 4 * BASE);
    p->tcb->cc.cwnd = 10;
    peer_write(p, 5000);
    assert_int_equal(peer_take(p).length, BASE);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPMTUProbes"), 0);
    peer_free(p);
}

/* RFC 8899 §3 item 2: who lets routers cut, learns nothing. */
static void probe_is_never_one_that_may_be_fragmented(void **state)
{
    (void)state;
    struct peer *p = searching(PEER_SACK);
    peer_set(p, OPTION_LEVEL_IP, OPTION_IP_MTU_DISCOVER, MTU_DISCOVER_DONT);
    peer_write(p, 5000);
    assert_int_equal(peer_take(p).length, BASE);
    peer_forget(p);
    peer_ack(p, 5001);
    peer_set(p, OPTION_LEVEL_IP, OPTION_IP_MTU_DISCOVER, MTU_DISCOVER_DO);
    peer_write(p, 5000);
    assert_true(sent_header(p->m, p->seen).dont_fragment);
    assert_int_equal(peer_take(p).length, 750);
    peer_free(p);
}

/* RFC 8899 §3 item 5, §5.1.2: what the link, the peer and the user allow. */
static void search_goes_no_higher_than_link_peer_and_user_allow(void **state)
{
    (void)state;
    static const struct {
        uint32_t link;
        int user;
        uint32_t high;
    } cases[] = {{1500, 0, PEER_MSS + 40}, {900, 0, 900}, {1500, 800, 840}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct peer *p = peer_new();
        peer_settings(p)->tcp_mtu_probing = 2;
        peer_settings(p)->tcp_base_mss = BASE;
        p->m->interface->mtu = cases[i].link;
        assert_int_equal(tcp_create(&p->m->stack, NULL, &p->tcb), 0);
        if (cases[i].user)
            p->tcb->preferences.max_segment = (uint16_t)cases[i].user;
        peer_open(p, PEER_PLAIN);
        assert_int_equal(p->tcb->mtu.high, cases[i].high);
        peer_free(p);
    }
}

/* RFC 8899 §3 item 8: what a probe carries is the user's text, and so the window holds for it. */
static void probe_keeps_to_the_peer_s_window(void **state)
{
    (void)state;
    struct peer *p = searching(PEER_SACK);
    p->window = 750 + 4 * BASE - 1;
    peer_ack(p, 1);
    peer_write(p, 5000);
    assert_int_equal(peer_take(p).length, BASE);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPMTUProbes"), 0);
    peer_free(p);
}

/* RFC 8899 §3 (reordering), §4.1: the probe is known by its numbers, whatever comes before it. */
static void probe_that_is_overtaken_counts_once_it_is_acknowledged(void **state)
{
    (void)state;
    struct peer *p = searching(PEER_SACK);
    uint32_t end, length = write_with_probe(p, &end);
    peer_after(p, PEER_RTT_MS);
    peer_sack(p, 1, BLOCK(1 + length, 1 + length + BASE), NO_BLOCK, NO_BLOCK);
    peer_sack(p, length, BLOCK(1 + length, 1 + length + BASE), NO_BLOCK, NO_BLOCK);
    assert_int_equal(p->tcb->snd.mss, BASE); /* all of it but a byte */
    peer_ack(p, end);
    assert_int_equal(p->tcb->snd.mss, length);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPMTUPFail"), 0);
    peer_free(p);
}

/* RFC 8899 §4.6.2, PLPMTU < PL_PTB_SIZE < PROBED_SIZE. */
static void router_s_word_about_a_probe_lowers_the_bound_alone(void **state)
{
    (void)state;
    struct peer *p = searching(PEER_SACK);
    uint32_t end, length = write_with_probe(p, &end);
    uint32_t cwnd = p->tcb->cc.cwnd;
    mtu_too_big(p->tcb, 600);
    assert_int_equal(p->tcb->snd.mss, BASE);
    assert_int_equal(p->tcb->cc.cwnd, cwnd);
    assert_int_equal(p->tcb->mtu.high, 600);
    assert_int_equal(peer_take(p).length, BASE); /* what it carried goes again */
    assert_int_equal(peer_take(p).length, length - BASE);
    peer_ack(p, end);
    assert_int_equal(write_with_probe(p, &end), (LOW + 600) / 2 - 40);
    peer_free(p);
}

/* A record that ends is a border that no segment crosses. */
static void probe_does_not_cross_the_end_of_a_record(void **state)
{
    (void)state;
    struct peer *p = searching(PEER_SACK);
    p->tcb->preferences.cork = true; /* so that what follows is at hand */
    assert_int_equal(peer_write_flags(p, 400, MSG_MORE), 400);
    p->tcb->preferences.cork = false;
    units_last(p->tcb)->ends_record = true;
    peer_write(p, 5000);
    assert_int_equal(peer_take(p).length, 400);
    peer_free(p);
}

/* RFC 4821 §7.2.1, §7.7: a search that has ended begins again after a while. */
static void search_that_has_ended_begins_again(void **state)
{
    (void)state;
    struct peer *p = searching(PEER_SACK);
    uint32_t end;
    p->tcb->mtu.high = LOW + 7; /* known to 8 bytes */
    peer_write(p, 5000);
    assert_int_equal(peer_take(p).length, BASE);
    assert_int_equal(machine_counter(p->m, "TcpExtTCPMTUProbes"), 0);
    peer_ack(p, 5001);
    peer_after(p, 600 * 1000);
    peer_forget(p);
    peer_settings(p)->tcp_slow_start_after_idle = 0;
    peer_write(p, 100); /* notices */
    peer_ack(p, 5101);
    peer_forget(p);
    assert_int_equal(write_with_probe(p, &end), 750);
    peer_free(p);
}

/* RFC 4821 §7.7: after R1, smaller ones. */
static void black_hole_is_tried_with_smaller_segments(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->tcp_base_mss = 700;
    peer_open(p, PEER_PLAIN);
    peer_flight(p, 1, 2);
    for (int i = 0; i < 3; i++) { /* R1 is three retransmissions */
        peer_after(p, timer_deadline(p->tcb, TCP_TIMER_RETRANSMIT) / 1000000 -
                          p->m->stack.now_ns / 1000000 + 1);
    }
    assert_int_equal(p->tcb->snd.mss, 1000);
    peer_forget(p);
    peer_after(p, 1700); /* 200 ms doubled three times */
    assert_int_equal(p->tcb->snd.mss, 700);
    assert_int_equal(peer_take(p).length, 700);
    peer_after(p, 3400);
    assert_int_equal(p->tcb->snd.mss, 350);
    assert_int_equal(peer_take(p).length, 350);
    /* What comes through is recovered from, and the search goes up again. */
    peer_ack(p, 351);
    assert_int_equal(p->tcb->recovery.timeouts, 0);
    assert_true(p->tcb->mtu.enabled);
    while (!peer_is_quiet(p))
        peer_take(p);
    peer_free(p);
}

/* On a path that loses much three timeouts in a row are no rare thing. */
static void what_has_come_through_is_not_soon_doubted(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->tcp_base_mss = 700;
    peer_open(p, PEER_PLAIN);
    peer_flight(p, 1, 2);
    peer_after(p, PEER_RTT_MS);
    peer_ack(p, 2001);
    peer_flight(p, 2001, 2);
    for (int timeouts = 1; timeouts <= 6; timeouts++) {
        assert_int_equal(p->tcb->snd.mss, 1000);
        peer_after(p, timer_deadline(p->tcb, TCP_TIMER_RETRANSMIT) / 1000000 -
                          p->m->stack.now_ns / 1000000 + 1);
        peer_forget(p);
    }
    peer_after(p, timer_deadline(p->tcb, TCP_TIMER_RETRANSMIT) / 1000000 -
                      p->m->stack.now_ns / 1000000 + 1);
    assert_int_equal(p->tcb->snd.mss, 700);
    peer_free(p);
}

static void black_hole_is_not_looked_for_where_it_is_off(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->tcp_base_mss = 700;
    peer_settings(p)->tcp_mtu_probing = 0;
    peer_open(p, PEER_PLAIN);
    peer_flight(p, 1, 2);
    peer_after(p, 20000);
    assert_int_equal(p->tcb->snd.mss, 1000);
    peer_free(p);
}

/* The least that is tried. */
static void segments_do_not_become_crumbs(void **state)
{
    (void)state;
    struct peer *p = searching(PEER_PLAIN);
    for (int i = 0; i < 10; i++)
        mtu_probe_black_hole(p->tcb);
    assert_int_equal(p->tcb->snd.mss, 88);
    peer_free(p);
}

/* A router's word goes before the search's. */
static void search_does_not_go_beyond_what_a_router_has_said(void **state)
{
    (void)state;
    struct peer *p = searching(PEER_SACK);
    struct address to = p->theirs.address;
    uint32_t end;
    ip_path_too_big(&p->m->stack, &to, 640);
    assert_int_equal(write_with_probe(p, &end), (LOW + 640) / 2 - 40);
    assert_int_equal(p->tcb->mtu.high, 640);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probe_that_comes_through_raises_the_segment_size),
        cmocka_unit_test(window_does_not_grow_with_the_segments),
        cmocka_unit_test(probe_that_is_lost_lowers_the_bound_and_no_window),
        cmocka_unit_test(probe_lost_among_others_says_nothing),
        cmocka_unit_test(after_a_timeout_what_became_of_the_probe_is_not_known),
        cmocka_unit_test(probe_needs_text_behind_it_and_a_window),
        cmocka_unit_test(probe_is_never_one_that_may_be_fragmented),
        cmocka_unit_test(search_goes_no_higher_than_link_peer_and_user_allow),
        cmocka_unit_test(probe_keeps_to_the_peer_s_window),
        cmocka_unit_test(probe_that_is_overtaken_counts_once_it_is_acknowledged),
        cmocka_unit_test(router_s_word_about_a_probe_lowers_the_bound_alone),
        cmocka_unit_test(probe_does_not_cross_the_end_of_a_record),
        cmocka_unit_test(search_that_has_ended_begins_again),
        cmocka_unit_test(black_hole_is_tried_with_smaller_segments),
        cmocka_unit_test(what_has_come_through_is_not_soon_doubted),
        cmocka_unit_test(black_hole_is_not_looked_for_where_it_is_off),
        cmocka_unit_test(segments_do_not_become_crumbs),
        cmocka_unit_test(search_does_not_go_beyond_what_a_router_has_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
