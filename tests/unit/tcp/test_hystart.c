/* RFC 9406 §4: leaving slow start before it overshoots. */
#include "tcp_peer.h"

#include "tcp/hystart.h"

struct course {
    struct peer *p;
    struct hystart h;
};

static struct course course_new(enum hystart_kind kind, uint32_t cwnd)
{
    struct course c = {.p = peer_new()};
    peer_settings(c.p)->tcp_hystart = kind;
    peer_open(c.p, PEER_PLAIN);
    c.p->tcb->cc.cwnd = cwnd;
    c.p->tcb->cc.ssthresh = UINT32_MAX;
    hystart_reset(&c.h, c.p->tcb);
    return c;
}

/* A round of `samples` acknowledgments with this RTT. */
static void round_of(struct course *c, unsigned samples, uint64_t rtt_ms)
{
    struct tcb *tcb = c->p->tcb;
    tcb->snd.nxt += 1000;
    tcb->snd.una = tcb->snd.nxt - 500; /* beyond the last round's end */
    for (unsigned i = 0; i < samples; i++)
        hystart_on_ack(&c->h, tcb, TIME_MS(rtt_ms));
}

static void course_free(struct course *c)
{
    c->p->tcb->snd.una = c->p->tcb->snd.nxt;
    peer_free(c->p);
}

static void steady_round_trip_leaves_slow_start_alone(void **state)
{
    (void)state;
    struct course c = course_new(HYSTART_PLUS_PLUS, 100);
    for (int i = 0; i < 20; i++)
        round_of(&c, 20, 50);
    assert_int_equal(c.h.css_rounds, 0);
    assert_int_equal(c.p->tcb->cc.ssthresh, UINT32_MAX);
    assert_int_equal(hystart_growth(&c.h, c.p->tcb, 8), 8);
    course_free(&c);
}

/* §4.2: a rise by an eighth, at least 4 ms, leads to a quarter of the growth; five rounds of that
 * end slow start. */
static void rising_delay_leads_to_conservative_slow_start_and_to_its_end(void **state)
{
    (void)state;
    struct course c = course_new(HYSTART_PLUS_PLUS, 100);
    round_of(&c, 20, 80);
    round_of(&c, 20, 89); /* an eighth is 10 */
    assert_int_equal(c.h.css_rounds, 0);
    round_of(&c, 20, 101);
    assert_int_equal(c.h.css_rounds, 5);
    assert_int_equal(hystart_growth(&c.h, c.p->tcb, 8), 2);
    for (int i = 0; i < 4; i++)
        round_of(&c, 20, 110);
    assert_int_equal(c.p->tcb->cc.ssthresh, UINT32_MAX);
    round_of(&c, 20, 110);
    assert_int_equal(c.p->tcb->cc.ssthresh, c.p->tcb->cc.cwnd);
    course_free(&c);
}

static void delay_that_falls_back_resumes_slow_start(void **state)
{
    (void)state;
    struct course c = course_new(HYSTART_PLUS_PLUS, 100);
    round_of(&c, 20, 80);
    round_of(&c, 20, 100);
    assert_int_equal(c.h.css_rounds, 5);
    round_of(&c, 20, 81);
    assert_int_equal(c.h.css_rounds, 0);
    assert_int_equal(hystart_growth(&c.h, c.p->tcb, 8), 8);
    course_free(&c);
}

/* N_RTT_SAMPLE. */
static void fewer_than_eight_samples_say_nothing(void **state)
{
    (void)state;
    struct course c = course_new(HYSTART_PLUS_PLUS, 100);
    for (int i = 0; i < 10; i++)
        round_of(&c, 7, 50 + 20 * (uint64_t)i);
    assert_int_equal(c.h.css_rounds, 0);
    course_free(&c);
}

/* §4.3: later slow starts end at the threshold that is known; the window doubles until then. */
static void later_slow_starts_go_without(void **state)
{
    (void)state;
    struct course c = course_new(HYSTART_PLUS_PLUS, 100);
    round_of(&c, 20, 80);
    round_of(&c, 20, 100);
    assert_int_equal(c.h.css_rounds, 5);
    c.p->tcb->cc.ssthresh = 200; /* a loss */
    assert_int_equal(hystart_growth(&c.h, c.p->tcb, 8), 8);
    hystart_reset(&c.h, c.p->tcb); /* a timeout */
    for (int i = 0; i < 10; i++)
        round_of(&c, 20, 50 + 20 * (uint64_t)i);
    assert_int_equal(c.h.css_rounds, 0);
    assert_int_equal(c.p->tcb->cc.ssthresh, 200);
    course_free(&c);
}

/* §4.2: no window is too small to say something. */
static void small_windows_are_watched_too(void **state)
{
    (void)state;
    struct course c = course_new(HYSTART_PLUS_PLUS, 8);
    round_of(&c, 8, 80);
    round_of(&c, 8, 100);
    assert_int_equal(c.h.css_rounds, 5);
    course_free(&c);
}

/* §4.2: the rise that counts is an eighth, but 4 ms at the least and 16 ms at the most. */
static void rise_that_counts_is_bounded(void **state)
{
    (void)state;
    static const struct {
        uint64_t base_ms, below_ms, enough_ms;
    } cases[] = {{8, 11, 12}, {64, 71, 72}, {400, 415, 416}};
    for (unsigned i = 0; i < 3; i++) {
        struct course c = course_new(HYSTART_PLUS_PLUS, 100);
        round_of(&c, 8, cases[i].base_ms);
        round_of(&c, 8, cases[i].below_ms);
        assert_int_equal(c.h.css_rounds, 0);
        course_free(&c);
        c = course_new(HYSTART_PLUS_PLUS, 100);
        round_of(&c, 8, cases[i].base_ms);
        round_of(&c, 8, cases[i].enough_ms);
        assert_int_equal(c.h.css_rounds, 5);
        course_free(&c);
    }
}

/* §4.2: a round ends when what was SND.NXT at its begin is acknowledged. */
static void round_ends_with_the_acknowledgment_of_its_end(void **state)
{
    (void)state;
    struct course c = course_new(HYSTART_PLUS_PLUS, 100);
    struct tcb *tcb = c.p->tcb;
    round_of(&c, 8, 80);
    uint32_t end = tcb->snd.nxt;
    tcb->snd.nxt += 1000;
    tcb->snd.una = end;
    hystart_on_ack(&c.h, tcb, TIME_MS(90));
    assert_int_equal(c.h.samples, 9);
    tcb->snd.una = end + 1;
    hystart_on_ack(&c.h, tcb, TIME_MS(90));
    assert_int_equal(c.h.samples, 1);
    assert_int_equal(c.h.last_round_min_ns, TIME_MS(80));
    assert_int_equal(c.h.window_end, tcb->snd.nxt);
    course_free(&c);
}

static void original_test_ends_slow_start_at_the_first_rise(void **state)
{
    (void)state;
    struct course c = course_new(HYSTART_DELAY, 100);
    c.p->tcb->rtt.min_ns = TIME_MS(50);
    round_of(&c, 20, 50);
    assert_int_equal(c.p->tcb->cc.ssthresh, UINT32_MAX);
    round_of(&c, 20, 60);
    assert_int_equal(c.p->tcb->cc.ssthresh, 100);
    assert_int_equal(machine_counter(c.p->m, "TcpExtTCPHystartDelayDetect"), 1);
    course_free(&c);
}

static void it_can_be_switched_off(void **state)
{
    (void)state;
    struct course c = course_new(HYSTART_OFF, 100);
    for (int i = 0; i < 10; i++)
        round_of(&c, 20, 50 + 20 * (uint64_t)i);
    assert_int_equal(c.p->tcb->cc.ssthresh, UINT32_MAX);
    course_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steady_round_trip_leaves_slow_start_alone),
        cmocka_unit_test(rising_delay_leads_to_conservative_slow_start_and_to_its_end),
        cmocka_unit_test(delay_that_falls_back_resumes_slow_start),
        cmocka_unit_test(fewer_than_eight_samples_say_nothing),
        cmocka_unit_test(later_slow_starts_go_without),
        cmocka_unit_test(small_windows_are_watched_too),
        cmocka_unit_test(rise_that_counts_is_bounded),
        cmocka_unit_test(round_ends_with_the_acknowledgment_of_its_end),
        cmocka_unit_test(original_test_ends_slow_start_at_the_first_rise),
        cmocka_unit_test(it_can_be_switched_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
