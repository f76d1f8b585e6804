#include "tcp/cookie.h"

#include "base/time.h"
#include "tcp/input.h"
#include "tcp/options.h"
#include "tcp/output.h"

enum {
    MINUTE_SHIFT = 24, /* the cookie: 8 bits of the minute, 24 of the MSS's index */
    INDEX_MASK = (1 << MINUTE_SHIFT) - 1,

    /* The low bits of the timestamp. */
    SCALE_MASK = 0xf,
    NO_SCALE = 0xf, /* RFC 7323 §2.3: no shift is above 14 */
    SACK_BIT = 0x10,
    ECN_BIT = 0x20,
    TIMESTAMP_BITS = 0x3f,
};

/* The MSSs of nearly all peers, smallest first: 576 bytes of IP; a tunnel; PPPoE; Ethernet. */
static const uint16_t mss_table[] = {536, 1300, 1440, 1460};
enum { MSS_COUNT = sizeof mss_table / sizeof mss_table[0] };

static struct hash_key fresh_key(struct tcp *tcp)
{
    return (struct hash_key){{random_u64(&tcp->stack->random), random_u64(&tcp->stack->random)}};
}

static uint32_t minute_now(const struct tcp *tcp)
{
    return (uint32_t)(tcp->stack->now_ns / TIME_S(60));
}

void cookie_secret_init(struct tcp *tcp)
{
    tcp->cookie_secret = (struct cookie_secret){fresh_key(tcp), fresh_key(tcp), minute_now(tcp)};
}

static void rotate(struct tcp *tcp)
{
    struct cookie_secret *secret = &tcp->cookie_secret;
    if (minute_now(tcp) - secret->minute < COOKIE_ROTATE_MINUTES)
        return;
    secret->previous = secret->key;
    secret->key = fresh_key(tcp);
    secret->minute = minute_now(tcp);
}

struct masks {
    uint32_t all;   /* hides the minute */
    uint32_t index; /* binds and hides the index */
};

/* Two keyed words: one over the connection alone, one with the minute as well. */
static struct masks make_masks(const struct hash_key *key, const struct endpoint *local,
                               const struct endpoint *remote, uint32_t irs, uint32_t minute)
{
    struct {
        struct address local, remote;
        uint16_t local_port, remote_port;
        uint32_t irs, minute, purpose;
    } what = {local->address, remote->address, local->port, remote->port, irs, 0, 0};
    struct masks masks = {.all = (uint32_t)hash_cookie(key, &what, sizeof what)};
    what.minute = minute;
    what.purpose = 1;
    masks.index = (uint32_t)hash_cookie(key, &what, sizeof what);
    return masks;
}

static uint32_t mss_index(uint16_t mss)
{
    uint32_t index = MSS_COUNT - 1;
    while (index > 0 && mss_table[index] > mss)
        index--;
    return index;
}

uint32_t cookie_make(struct tcp *tcp, const struct endpoint *local, const struct endpoint *remote,
                     uint32_t irs, uint16_t mss)
{
    rotate(tcp);
    uint32_t minute = minute_now(tcp);
    struct masks masks = make_masks(&tcp->cookie_secret.key, local, remote, irs, minute);
    uint32_t index = (mss_index(mss) + masks.index) & INDEX_MASK;
    return masks.all + (minute << MINUTE_SHIFT) + index;
}

static bool check_with(const struct hash_key *key, uint32_t now_minute,
                       const struct endpoint *local, const struct endpoint *remote, uint32_t irs,
                       uint32_t iss, uint16_t *mss)
{
    struct masks masks = make_masks(key, local, remote, irs, 0);
    uint32_t cookie = iss - masks.all;
    uint32_t age = (now_minute - (cookie >> MINUTE_SHIFT)) & 0xff;
    if (age >= COOKIE_MINUTES)
        return false;
    masks = make_masks(key, local, remote, irs, now_minute - age);
    uint32_t index = (cookie - masks.index) & INDEX_MASK;
    if (index >= MSS_COUNT)
        return false;
    *mss = mss_table[index];
    return true;
}

bool cookie_check(const struct tcp *tcp, const struct endpoint *local,
                  const struct endpoint *remote, uint32_t irs, uint32_t iss, uint16_t *mss)
{
    const struct cookie_secret *secret = &tcp->cookie_secret;
    uint32_t now_minute = minute_now(tcp);
    if (check_with(&secret->key, now_minute, local, remote, irs, iss, mss))
        return true;
    return now_minute - secret->minute < COOKIE_MINUTES &&
           check_with(&secret->previous, now_minute, local, remote, irs, iss, mss);
}

uint32_t cookie_timestamp(uint32_t clock, const struct tcp_options *syn, bool ecn)
{
    uint32_t bits = syn->has_window_scale ? options_scale(syn) : (uint32_t)NO_SCALE;
    if (syn->has_sack_permitted)
        bits |= SACK_BIT;
    if (ecn)
        bits |= ECN_BIT;
    uint32_t timestamp = (clock & ~(uint32_t)TIMESTAMP_BITS) | bits;
    /* Never ahead of the clock, so that what follows does not go back. */
    return timestamp > clock ? timestamp - (TIMESTAMP_BITS + 1) : timestamp;
}

void cookie_timestamp_read(uint32_t timestamp, struct tcp_options *syn, bool *ecn)
{
    uint32_t scale = timestamp & SCALE_MASK;
    syn->has_window_scale = scale != NO_SCALE;
    syn->window_scale = (uint8_t)scale;
    syn->has_sack_permitted = timestamp & SACK_BIT;
    *ecn = timestamp & ECN_BIT;
}

enum drop_reason cookie_answer(struct half_open *half)
{
    struct tcp_listener *listener = half->listener;
    struct stack *stack = listener->stack;
    if (half->options.has_timestamps && stack->settings.tcp_timestamps) {
        uint32_t clock = tcp_timestamp_clock(stack);
        bool ecn = half->ecn.mode != ECN_OFF;
        half->ts_offset += cookie_timestamp(clock, &half->options, ecn) - clock;
    } else {
        if (half->ecn.mode == ECN_CLASSIC)
            half->ecn.mode = ECN_OFF;
        half->options.has_sack_permitted = half->options.has_window_scale = false;
    }
    half->iss = cookie_make(listener->tcp, &half->local, &half->remote, half->irs,
                            options_mss(&half->options));
    listener->cookies_until_ns = stack->now_ns + TIME_S(60) * COOKIE_MINUTES;
    stack_count(stack, COUNTER_TcpExtSyncookiesSent);
    half_open_answer(half);
    return DROP_NONE;
}

bool cookie_expected(const struct tcp_listener *listener, const struct segment *segment)
{
    return !(segment->flags & TCP_SYN) && listener->stack->settings.tcp_syncookies &&
           listener->stack->now_ns < listener->cookies_until_ns;
}

/* RFC 9768 §5.1: the first ACK of who agreed to AccECN has an ACE field of at least 2; without a
 * timestamp to say whether the peer asked for ECN at all, a pure one tells. */
static enum ecn_mode recall_ecn(const struct settings *settings, const struct segment *segment,
                                bool timestamp, bool asked)
{
    bool accurate = settings->tcp_ecn >= 3 && accecn_bits(segment->flags) >= 2;
    if (!timestamp)
        return accurate && segment_length(segment) == 0 ? ECN_ACCURATE : ECN_OFF;
    if (!asked || !settings->tcp_ecn)
        return ECN_OFF;
    return accurate ? ECN_ACCURATE : ECN_CLASSIC;
}

/* What the SYN must have said, as far as the cookie could remember. */
static void recall(struct half_open *half, uint16_t mss, const struct segment *segment)
{
    const struct settings *settings = &half->listener->stack->settings;
    struct tcp_options syn = {.has_mss = true, .mss = mss};
    bool ecn = false;
    if (segment->options.has_timestamps && settings->tcp_timestamps) {
        syn.has_timestamps = true;
        syn.timestamp_value = segment->options.timestamp_value;
        cookie_timestamp_read(segment->options.timestamp_echo - half->ts_offset, &syn, &ecn);
    }
    half->ecn.mode = (uint8_t)recall_ecn(settings, segment, syn.has_timestamps, ecn);
    half->options = syn;
}

enum drop_reason cookie_arrives(struct tcp_listener *listener, const struct packet_in *packet,
                                const struct segment *segment)
{
    struct stack *stack = listener->stack;
    struct half_open half = {0};
    uint16_t mss;
    if (half_open_fill(&half, listener, packet, segment) < 0)
        return DROP_NO_ROUTE;
    half.irs = segment->seq - 1;
    half.iss = segment->ack - 1;
    if (!cookie_check(listener->tcp, &half.local, &half.remote, half.irs, half.iss, &mss)) {
        stack_count(stack, COUNTER_TcpExtSyncookiesFailed);
        tcp_reject(stack, packet, segment);
        return DROP_TCP_NO_CONNECTION;
    }
    stack_count(stack, COUNTER_TcpExtSyncookiesRecv);
    if (tcp_listener_is_full(listener)) {
        stack_count(stack, COUNTER_TcpExtListenOverflows);
        return DROP_TCP_LISTEN_FULL;
    }
    recall(&half, mss, segment);
    struct tcb *tcb = half_open_promote(&half);
    if (!tcb)
        return DROP_NO_MEMORY;
    return tcp_segment_arrives(tcb, packet, segment);
}
