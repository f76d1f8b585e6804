/* TCP_INFO, with the meaning that Linux gives its fields. */
#include "tcp_peer.h"

#include "tcp/info.h"

static struct tern_tcp_info info_of(const struct peer *p)
{
    struct tern_tcp_info info;
    tcp_info_fill(p->tcb, &info);
    return info;
}

static void handshake_s_results_are_told(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    struct tern_tcp_info i = info_of(p);
    assert_int_equal(i.tcpi_state, TCP_ESTABLISHED);
    assert_int_equal(i.tcpi_options & 7, 7); /* timestamps, SACK, window scale */
    assert_int_equal(i.tcpi_snd_wscale, 7);
    assert_int_equal(i.tcpi_rcv_wscale, p->tcb->rcv.scale);
    assert_int_equal(i.tcpi_snd_mss, PEER_MSS);
    assert_int_equal(i.tcpi_advmss, 1460);
    assert_int_equal(i.tcpi_pmtu, 1500);
    assert_int_equal(i.tcpi_snd_cwnd, 10);
    assert_int_equal(i.tcpi_snd_ssthresh, INT32_MAX);
    assert_int_equal(i.tcpi_rtt, 1000 * PEER_RTT_MS);
    assert_int_equal(i.tcpi_rttvar, 500 * PEER_RTT_MS);
    assert_int_equal(i.tcpi_min_rtt, 1000 * PEER_RTT_MS);
    assert_int_equal(i.tcpi_rto, 210000);
    peer_free(p);
    p = peer_new();
    peer_open(p, PEER_PLAIN);
    assert_int_equal(info_of(p).tcpi_options & 7, 0);
    peer_free(p);
}

static void traffic_is_counted(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_SACK);
    peer_flight(p, 1, 4);
    peer_after(p, PEER_RTT_MS);
    peer_ack(p, 1001);
    peer_text(p, 1, 500);
    struct tern_tcp_info i = info_of(p);
    assert_int_equal(i.tcpi_unacked, 3);
    assert_int_equal(i.tcpi_bytes_sent, 4000);
    assert_int_equal(i.tcpi_bytes_acked, 1000);
    assert_int_equal(i.tcpi_bytes_received, 500);
    assert_int_equal(i.tcpi_data_segs_out, 4);
    assert_int_equal(i.tcpi_data_segs_in, 1);
    assert_int_equal(i.tcpi_segs_in, 3);
    assert_int_equal(i.tcpi_last_ack_recv, 0);
    assert_int_equal(i.tcpi_last_data_sent, PEER_RTT_MS);
    peer_free(p);
}

static void trouble_is_told(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_SACK);
    peer_flight(p, 1, 6);
    peer_after(p, PEER_RTT_MS);
    peer_sack(p, 1, BLOCK(1001, 4001), NO_BLOCK, NO_BLOCK);
    struct tern_tcp_info i = info_of(p);
    assert_int_equal(i.tcpi_ca_state, 3); /* Recovery */
    assert_int_equal(i.tcpi_sacked, 3);
    assert_int_equal(i.tcpi_lost, 1);
    assert_int_equal(i.tcpi_retrans, 1);
    assert_int_equal(i.tcpi_total_retrans, 1);
    assert_int_equal(i.tcpi_bytes_retrans, 1000);
    assert_int_equal(i.tcpi_reordering, 3);
    peer_after(p, 1000);
    i = info_of(p);
    assert_int_equal(i.tcpi_ca_state, 4); /* Loss */
    assert_true(i.tcpi_retransmits >= 1 && i.tcpi_backoff >= 1);
    peer_free(p);
}

static void timeouts_and_the_time_they_took_are_told(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_settings(p)->tcp_tail_loss_probe = 0;
    peer_open(p, PEER_FULL);
    for (uint32_t round = 0; round < 2; round++) {
        peer_flight(p, 1 + round * 1000, 1);
        uint64_t start = p->m->stack.now_ns;
        while (info_of(p).tcpi_retransmits < 2)
            peer_after(p, 1);
        uint64_t elapsed_ms = (p->m->stack.now_ns - start) / TIME_MS(1);
        peer_after(p, 50);
        p->ts++;
        peer_ack(p, 1001 + round * 1000);
        struct tern_tcp_info i = info_of(p);
        assert_int_equal(i.tcpi_retransmits, 0);
        assert_int_equal(i.tcpi_total_rto, 2 * (round + 1));
        assert_int_equal(i.tcpi_total_rto_recoveries, round + 1);
        /* From the first timeout on. */
        assert_in_range(i.tcpi_total_rto_time, 50 + 200, (elapsed_ms + 50) * (round + 1));
        peer_forget(p);
    }
    peer_text(p, 1, 1000);
    assert_true(info_of(p).tcpi_rcv_rtt > 0);
    peer_free(p);
}

static void what_is_not_sent_yet_is_told(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    peer_write(p, 20 * PEER_MSS);
    assert_int_equal(info_of(p).tcpi_notsent_bytes, 10 * PEER_MSS);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handshake_s_results_are_told),
        cmocka_unit_test(traffic_is_counted),
        cmocka_unit_test(trouble_is_told),
        cmocka_unit_test(timeouts_and_the_time_they_took_are_told),
        cmocka_unit_test(what_is_not_sent_yet_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
