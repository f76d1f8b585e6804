/* RFC 9293 §3.8.6 as the receiver: what is offered, and that it is never taken back. */
#include "tcp_peer.h"

#include "tcp/listener.h"
#include "tcp/receive.h"
#include "tcp/sockopt.h"

static uint32_t edge(const struct peer *p)
{
    return p->tcb->rcv.wup + p->tcb->rcv.wnd - PEER_ISS;
}

static struct peer *peer_with_buffer(int asked, enum peer_offer offer)
{
    struct peer *p = peer_new();
    assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    peer_set(p, SOL_SOCKET, SO_RCVBUF, asked);
    peer_open(p, offer);
    return p;
}

/* Sends full segments until the window is shut; the number after the last byte. */
static uint32_t fill(struct peer *p)
{
    uint32_t seq = 1;
    for (uint32_t room; (room = edge(p) - seq) > 0;) {
        uint32_t length = room < 1000 ? room : 1000;
        peer_text(p, seq, length);
        seq += length;
        peer_after(p, 500);
        peer_forget(p);
    }
    return seq;
}

/* RFC 7323 §2.3: the shift is what the largest buffer needs, and at most 14. */
static uint32_t initial_window(struct peer *p, uint32_t buffer, bool fixed, uint8_t *scale)
{
    struct tcp_preferences preferences = {.receive_buffer = buffer, .receive_buffer_fixed = fixed};
    return receive_initial_window(&p->m->stack, &preferences, 1460, scale);
}

static void scale_covers_the_largest_buffer(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    static const struct {
        int64_t most;
        uint8_t scale;
    } table[] = {{65535, 0}, {65536, 1}, {6 << 20, 7}, {1 << 30, 14}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint8_t scale;
        peer_settings(p)->tcp_rcvbuf_max = table[i].most;
        assert_int_equal(initial_window(p, 2304, false, &scale), 2304);
        assert_int_equal(scale, table[i].scale);
        assert_int_equal(initial_window(p, 60000, false, &scale), 60000);
    }
    uint8_t scale;
    assert_int_equal(initial_window(p, 1u << 30, false, &scale), 65535);
    assert_int_equal(scale, 14);
    /* SO_RCVBUF: it will not grow. */
    assert_int_equal(initial_window(p, 40000, true, &scale), 40000);
    assert_int_equal(scale, 0);
    peer_free(p);
}

/* RFC 7323 §2.2: neither is the window of a SYN scaled. */
static void window_of_a_SYN_is_not_scaled(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    struct segment syn = peer_await_syn(p);
    assert_true(syn.options.window_scale > 0);
    assert_int_equal(syn.window, p->tcb->rcv.wnd);
    peer_free(p);
}

static void SHLD_14_right_edge_never_moves_left(void **state)
{
    (void)state;
    for (int shrunk = 0; shrunk < 2; shrunk++) {
        struct peer *p = peer_with_buffer(20000, shrunk ? PEER_FULL : PEER_PLAIN);
        uint32_t before = edge(p);
        for (uint32_t seq = 1; seq < 15000; seq += 700) {
            if (shrunk && seq > 5000)
                peer_set(p, SOL_SOCKET, SO_RCVBUF, 3000); /* the user wants less */
            peer_text(p, seq, 700);
            peer_after(p, 50);
            peer_forget(p);
            assert_true(edge(p) >= before);
            before = edge(p);
        }
        peer_free(p);
    }
}

static void MAY_8_window_stays_shut_as_long_as_nobody_reads(void **state)
{
    (void)state;
    struct peer *p = peer_with_buffer(3000, PEER_PLAIN);
    uint32_t next = fill(p);
    for (int i = 0; i < 100; i++) {
        peer_after(p, 60000);
        peer_send(p, TCP_ACK, next - 1, 0);
        assert_int_equal(peer_expect_ack(p, next).window, 0);
    }
    assert_int_equal(p->tcb->state, TCP_ESTABLISHED);
    peer_free(p);
}

/* §3.8.6.2.2: no sliver is offered, and the sender hears at once of a window worth while. */
static void MUST_39_window_opens_by_a_full_segment_or_half_the_buffer(void **state)
{
    (void)state;
    struct peer *p = peer_with_buffer(4000, PEER_PLAIN);
    uint32_t next = fill(p);
    uint32_t seq = 1;
    while (seq < 1000) {
        assert_int_equal(peer_read(p, seq, 100), 100);
        seq += 100;
        if (!peer_is_quiet(p))
            break;
        peer_send(p, TCP_ACK, next - 1, 0); /* a probe: still shut */
        assert_int_equal(peer_expect_ack(p, next).window, 0);
    }
    peer_read(p, seq, 5000);
    while (!peer_is_quiet(p))
        assert_true(peer_take(p).window >= 1000);
    assert_true(edge(p) >= next + 1000);
    peer_free(p);
}

static void window_grows_with_what_is_read(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    uint32_t first = p->tcb->rcv.buffer, seq = 1;
    for (int round = 0; round < 30; round++) {
        uint32_t until = edge(p);
        while (seq + 1000 <= until) {
            peer_text(p, seq, 1000);
            seq += 1000;
            peer_read(p, seq - 1000, 1000);
        }
        peer_after(p, PEER_RTT_MS);
        p->ts += PEER_RTT_MS;
        while (!peer_is_quiet(p))
            peer_take(p); /* for the timestamp to echo */
        peer_forget(p);
    }
    assert_true(p->tcb->rcv.buffer > 4 * first);
    assert_true(p->tcb->rcv.buffer <= (uint32_t)peer_settings(p)->tcp_rcvbuf_max);
    peer_free(p);
}

/* Reading keeps up; the flight doubles each round trip, and always fits. */
static void window_never_holds_back_slow_start(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    uint32_t seq = 1;
    for (uint32_t flight = 10; flight <= 640; flight *= 2) {
        assert_true(edge(p) - seq >= flight * 1000);
        for (uint32_t i = 0; i < flight; i++, seq += 1000) {
            peer_text(p, seq, 1000);
            peer_read(p, seq, 1000);
        }
        peer_after(p, PEER_RTT_MS);
        p->ts += PEER_RTT_MS;
        while (!peer_is_quiet(p))
            peer_take(p);
        peer_forget(p);
    }
    peer_free(p);
}

/* What is held behind a hole does not take the room of what follows. */
static void window_opens_while_a_hole_holds_up_reading(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    uint32_t buffer = p->tcb->rcv.buffer, first = edge(p), seq = 1001;
    while (seq + 1000 <= edge(p) && seq < 4 * buffer) {
        peer_text(p, seq, 1000);
        seq += 1000;
    }
    assert_true(edge(p) > first + buffer);
    assert_true(p->tcb->rcv.buffer <= (uint32_t)peer_settings(p)->tcp_rcvbuf_max);
    peer_free(p);
}

/* The buffer for as much of the peer's stream, from its third segment on, as the window lets in. */
static uint32_t buffer_behind_a_hole(struct peer *p, const struct tcb *tcb)
{
    for (uint32_t seq = 2001; seq < 150001; seq += 1000)
        peer_text(p, seq, 1000);
    return tcb->rcv.buffer;
}

/* Nor does what nobody has accepted yet; who has, is told of it. */
static void buffer_grows_behind_a_hole_for_an_owner_alone(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    int told;
    socklen_t length = sizeof told;
    peer_listen(p, 5);
    peer_half_open(p, PEER_FULL);
    peer_after(p, PEER_RTT_MS);
    assert_int_equal(peer_ack(p, 1), DROP_NONE);
    struct tcb *tcb = container_of(p->listener->accept_queue.next, struct tcb, queue);
    uint32_t first = tcb->rcv.buffer;
    assert_int_equal(buffer_behind_a_hole(p, tcb), first);
    assert_int_equal(tcp_accept(p->listener, p, &p->tcb), 0);
    peer_text(p, 150001, 1000);
    peer_text(p, 1001, 1000);
    assert_true(p->tcb->rcv.buffer > first);
    assert_int_equal(tcp_get_option(p->tcb, SOL_SOCKET, SO_RCVBUF, &told, &length), 0);
    assert_int_equal(told, p->tcb->rcv.buffer);
    peer_free(p);
}

/* A connection that was accepted measures reading from the same start as one that was opened. */
static void reading_is_measured_from_the_first_flight_on(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_listen(p, 5);
    peer_accept(p, PEER_FULL);
    assert_int_equal(p->tcb->rcv.read_most, 10 * p->tcb->rcv.advertised_mss);
    peer_free(p);
}

static void without_SACK_no_duplicate_ACK_opens_the_window(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_PLAIN);
    uint32_t first = edge(p);
    for (uint32_t seq = 1001; seq < 20001; seq += 1000)
        peer_text(p, seq, 1000);
    assert_int_equal(edge(p), first);
    peer_free(p);
}

static void buffer_that_the_user_has_set_does_not_grow(void **state)
{
    (void)state;
    struct peer *p = peer_with_buffer(20000, PEER_FULL);
    uint32_t first = p->tcb->rcv.buffer, seq = 1;
    for (int round = 0; round < 50; round++) {
        peer_text(p, seq, 1000);
        peer_read(p, seq, 1000);
        seq += 1000;
        peer_after(p, PEER_RTT_MS);
        peer_forget(p);
    }
    assert_int_equal(p->tcb->rcv.buffer, first);
    peer_free(p);
}

/* An attacker's crumbs do not open the window (memory is what they would cost). */
static void crumbs_do_not_open_the_window(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    peer_open(p, PEER_FULL);
    uint32_t before = p->tcb->rcv.limit;
    for (uint32_t seq = 1; seq < 200; seq++) {
        peer_text(p, seq, 1);
        peer_forget(p);
    }
    assert_int_equal(p->tcb->rcv.limit, before);
    peer_free(p);
}

/* TCP_WINDOW_CLAMP: of a SYN as well, and never taking back what was offered (SHLD-14). */
static void clamp_bounds_what_is_offered(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    int clamp = 20000, got = 0;
    socklen_t length = sizeof got;
    assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    assert_int_equal(
        tcp_set_option(p->tcb, IP_PROTOCOL_TCP, OPTION_WINDOW_CLAMP, &clamp, sizeof clamp), 0);
    struct segment syn = peer_await_syn(p);
    assert_int_equal(syn.window, 20000);
    assert_int_equal(syn.options.window_scale, 0); /* it needs none */
    peer_after(p, PEER_RTT_MS);
    p->acked = 1;
    peer_send_raw(p, peer_syn(p, TCP_SYN | TCP_ACK, PEER_PLAIN));
    p->next = 1;
    assert_int_equal(peer_expect_ack(p, 1).window, 20000);
    clamp = 1; /* Linux's least is half of the least buffer */
    assert_int_equal(
        tcp_set_option(p->tcb, IP_PROTOCOL_TCP, OPTION_WINDOW_CLAMP, &clamp, sizeof clamp), 0);
    assert_int_equal(tcp_get_option(p->tcb, IP_PROTOCOL_TCP, OPTION_WINDOW_CLAMP, &got, &length),
                     0);
    assert_int_equal(got, 1152);
    peer_text(p, 1, 1000);
    peer_read(p, 1, 1000);
    peer_after(p, 100);
    assert_int_equal(p->tcb->rcv.wnd, 19000);
    clamp = 0; /* not once it is open */
    assert_int_equal(
        tcp_set_option(p->tcb, IP_PROTOCOL_TCP, OPTION_WINDOW_CLAMP, &clamp, sizeof clamp),
        -EINVAL);
    peer_free(p);
}

/* SO_RCVLOWAT: a reader may wait for more than the buffer would hold. */
static void buffer_grows_for_who_waits_for_much(void **state)
{
    (void)state;
    struct peer *p = peer_new();
    assert_int_equal(tcp_create(&p->m->stack, p, &p->tcb), 0);
    peer_open(p, PEER_PLAIN);
    const uint32_t buffer = p->tcb->rcv.buffer;
    assert_int_equal(tcp_low_water(p->tcb, buffer), buffer);
    assert_int_equal(p->tcb->rcv.buffer, 2 * buffer);
    assert_true(fill(p) > buffer);
    peer_free(p);
    p = peer_with_buffer(20000, PEER_PLAIN);
    assert_int_equal(tcp_low_water(p->tcb, 100000), p->tcb->rcv.buffer / 2);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clamp_bounds_what_is_offered),
        cmocka_unit_test(scale_covers_the_largest_buffer),
        cmocka_unit_test(window_of_a_SYN_is_not_scaled),
        cmocka_unit_test(SHLD_14_right_edge_never_moves_left),
        cmocka_unit_test(MAY_8_window_stays_shut_as_long_as_nobody_reads),
        cmocka_unit_test(MUST_39_window_opens_by_a_full_segment_or_half_the_buffer),
        cmocka_unit_test(window_grows_with_what_is_read),
        cmocka_unit_test(window_never_holds_back_slow_start),
        cmocka_unit_test(window_opens_while_a_hole_holds_up_reading),
        cmocka_unit_test(buffer_grows_behind_a_hole_for_an_owner_alone),
        cmocka_unit_test(reading_is_measured_from_the_first_flight_on),
        cmocka_unit_test(without_SACK_no_duplicate_ACK_opens_the_window),
        cmocka_unit_test(buffer_that_the_user_has_set_does_not_grow),
        cmocka_unit_test(crumbs_do_not_open_the_window),
        cmocka_unit_test(buffer_grows_for_who_waits_for_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
