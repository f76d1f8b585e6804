/* What a hostile peer may do that no honest one does: one test an attack, each named for what
 * must not come of it. */
#include "tcp_peer.h"

static struct peer *peer_opened(enum peer_offer offer)
{
    struct peer *p = peer_new();
    peer_open(p, offer);
    return p;
}

/* Short segments that have been SACKed stand in one record, whose bytes are far fewer than its
 * number of segments would have. The probe that a SACK comes just ahead of sends the last of these
 * bytes, and nothing of what the send ring held before. */
static void loss_probe_of_sacked_crumbs_stays_within_what_was_written(void **state)
{
    (void)state;
    struct peer *p = peer_opened(PEER_SACK);
    peer_set(p, IP_PROTOCOL_TCP, OPTION_NODELAY, 1);
    for (unsigned i = 0; i < 3; i++) {
        peer_write(p, 10);
        peer_expect(p, TCP_ACK | TCP_PSH, 1 + 10 * i, 10);
    }
    /* The last moment before the probe. */
    uint64_t left = timer_deadline(p->tcb, TCP_TIMER_PROBE) - p->m->stack.now_ns;
    peer_after(p, left / TIME_MS(1) - 1);
    peer_sack(p, 1, BLOCK(1, 31), NO_BLOCK, NO_BLOCK); /* all: nothing waits to be overtaken */
    peer_after(p, 1);
    peer_expect(p, TCP_ACK | TCP_PSH, 1, 30);
    peer_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_probe_of_sacked_crumbs_stays_within_what_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
