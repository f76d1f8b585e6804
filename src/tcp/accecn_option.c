/* AccECN's option (RFC 9768 §3.2.3): how many bytes have come with each codepoint.
 *
 * We write order 1, which has the counters that matter most first, and leave out from its end what
 * has not changed when space is short; we read both orders. It goes with every segment, or with
 * those only that tell of a change, and some more so that none is missed (tcp.ecn_option). Whoever
 * sends none gets none: something may take them out, or throw away what has them. */
#include "base/time.h"
#include "tcp/accecn.h"
#include "tcp/tcb.h"

/* Linux's values of tcp.ecn_option. */
enum { OPTION_NEVER, OPTION_SPARINGLY, OPTION_ALWAYS, OPTION_PERSISTENT };

enum {
    FIELDS = 3,
    FIELD_BITS = 24,
    FIELD_MASK = (1 << FIELD_BITS) - 1,
    REPEAT_SHIFT = 22, /* each counter goes at least once in so many bytes, as a power of two */
};

/* The codepoints of the fields, by order. */
static const uint8_t codepoint_at[2][FIELDS] = {
    {ECN_ECT0, ECN_CE, ECN_ECT1},
    {ECN_ECT1, ECN_CE, ECN_ECT0},
};

/* What a counter begins with, by codepoint less one: what cannot be zero shows who zeroes it
 * (§3.2.1). */
static const uint8_t first_value[FIELDS] = {[ECN_ECT1 - 1] = 1, [ECN_ECT0 - 1] = 1};

/* ── Arriving bytes ── */

void accecn_bytes_arrive(struct tcb *tcb, uint8_t codepoint, uint32_t bytes)
{
    /* How many fields of order 1 the option must have to hold the counter. */
    static const uint8_t field[] = {[ECN_ECT1] = 1, [ECN_CE] = 2, [ECN_ECT0] = 3};
    struct accecn *a = &tcb->accecn;
    if (codepoint == ECN_NOT_ECT || bytes == 0)
        return;
    uint32_t *counter = &a->received_bytes[codepoint - 1];
    uint32_t before = *counter;
    *counter += bytes;
    if (field[codepoint] > a->fields_changed)
        a->fields_changed = field[codepoint];
    if (before >> REPEAT_SHIFT != *counter >> REPEAT_SHIFT && a->demand == 0)
        a->demand = 1;
}

/* ── Departing ── */

void accecn_option_begin(struct tcp_options *options)
{
    options->has_accecn = true;
    options->accecn_order = 1;
    options->accecn_count = FIELDS;
    for (int i = 0; i < FIELDS; i++)
        options->accecn[i] = first_value[codepoint_at[1][i] - 1];
}

/* So often in a round trip one goes all the same: ACKs get lost. */
static bool beacon_due(const struct tcb *tcb)
{
    uint64_t often = (uint64_t)tcb->stack->settings.tcp_ecn_option_beacon;
    uint64_t since = tcb->stack->now_ns - tcb->accecn.option_sent_ns;
    return often && since >= tcb->rtt.srtt_ns / often;
}

bool accecn_option_due(const struct tcb *tcb)
{
    const struct accecn *a = &tcb->accecn;
    int64_t setting = tcb->stack->settings.tcp_ecn_option;
    if (tcb->ecn.handshake.mode != ECN_ACCURATE || setting == OPTION_NEVER)
        return false;
    /* Who sends none may be one whose options are stripped; then ours most likely are as well, and
     * cost room. §3.2.3.2.3 goes on all the same, and so does who asks for it. */
    bool doubtful = a->seen == ACCECN_NOT_SEEN || a->failures & ACCECN_OPTION_LOST;
    if (doubtful && setting != OPTION_PERSISTENT)
        return false;
    return setting >= OPTION_ALWAYS || a->demand > 0 || beacon_due(tcb);
}

unsigned accecn_option_fields(const struct tcb *tcb)
{
    return tcb->accecn.fields_changed;
}

void accecn_option_fill(struct tcb *tcb, struct tcp_options *options, unsigned fields)
{
    struct accecn *a = &tcb->accecn;
    accecn_option_begin(options);
    options->accecn_count = (uint8_t)fields;
    for (unsigned i = 0; i < fields && i < FIELDS; i++) {
        uint32_t counted = a->received_bytes[codepoint_at[1][i] - 1];
        options->accecn[i] = (options->accecn[i] + counted) & FIELD_MASK;
    }
    if (a->demand > 0)
        a->demand--;
    a->fields_changed = 0;
    a->option_sent_ns = tcb->stack->now_ns;
}

/* ── The path ── */

static void stop(struct tcb *tcb, const char *why)
{
    tcb->accecn.failures |= ACCECN_OPTION_LOST;
    stack_count(tcb->stack, COUNTER_TcpExtTCPAccECNOptionFallback);
    stack_trace(tcb->stack, TERN_TRACE_NOTE, NULL, 0, NULL, why, "RFC 9768 §3.2.3.2.2");
}

void accecn_option_tells(struct tcb *tcb, uint32_t end)
{
    tcb->accecn.duplicate_told = true;
    tcb->accecn.duplicate_end = end;
}

/* §3.2.3.2.2: what has been acknowledged keeps coming again. */
void accecn_option_duplicate(struct tcb *tcb, uint32_t end)
{
    struct accecn *a = &tcb->accecn;
    if (a->duplicate_told && a->duplicate_end == end && !(a->failures & ACCECN_OPTION_LOST))
        stop(tcb, "ACKs with AccECN's option seem to be lost");
}

void accecn_option_timed_out(struct tcb *tcb)
{
    const struct accecn *a = &tcb->accecn;
    if (accecn_option_due(tcb) && !a->option_works && !(a->failures & ACCECN_OPTION_LOST))
        stop(tcb, "data with AccECN's option seems to be lost");
}

/* ── Arriving options ── */

/* §3.2.3.2.4: neither counter of ECT begins with zero. Nothing else is asked of their values. */
static bool is_zeroed(const struct tcp_options *options)
{
    for (unsigned i = 0; i < options->accecn_count; i++) {
        uint8_t codepoint = codepoint_at[options->accecn_order][i];
        if (first_value[codepoint - 1] && options->accecn[i] == 0)
            return true;
    }
    return false;
}

void accecn_option_seen(struct tcb *tcb, const struct tcp_options *options)
{
    struct accecn *a = &tcb->accecn;
    if (!options->has_accecn || a->seen >= ACCECN_COUNTERS_SEEN)
        return;
    if (options->accecn_count == 0) {
        a->seen = ACCECN_EMPTY_SEEN;
    } else if (is_zeroed(options)) {
        a->seen = ACCECN_ZEROED_SEEN;
        a->failures |= ACCECN_OPTION_MANGLED;
    } else {
        a->seen = ACCECN_COUNTERS_SEEN;
    }
}

/* §3.2.3.1: by how much a counter has moved on. What would be more than half its range backward is
 * no move. */
static uint32_t moved(uint32_t counter, uint32_t field, uint32_t first)
{
    uint32_t by = (field - first - counter) & FIELD_MASK;
    return by >> (FIELD_BITS - 1) ? 0 : by;
}

bool accecn_option_read(struct tcb *tcb, const struct tcp_options *options, uint32_t *ce_bytes)
{
    struct accecn *a = &tcb->accecn;
    bool known = false;
    if (!options->has_accecn || a->failures & ACCECN_OPTION_MANGLED)
        return false;
    for (unsigned i = 0; i < options->accecn_count; i++) {
        uint8_t codepoint = codepoint_at[options->accecn_order][i];
        uint32_t *counter = &a->delivered_bytes[codepoint - 1];
        uint32_t by = moved(*counter, options->accecn[i], first_value[codepoint - 1]);
        *counter += by;
        if (codepoint == ECN_CE) {
            known = true;
            *ce_bytes = by;
        }
    }
    return known;
}
