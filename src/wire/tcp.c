#include "wire/tcp.h"

#include "base/bytes.h"
#include "base/checksum.h"

enum {
    SEQ_OFFSET = 4,
    FLAGS_OFFSET = 12, /* and of the data offset, in the top four bits */
    DATA_OFFSET_SHIFT = 12,
    FLAGS_MASK = 0x1ff,

    MSS_LENGTH = 4,
    WINDOW_SCALE_LENGTH = 3,
    SACK_PERMITTED_LENGTH = 2,
    SACK_BLOCK_LENGTH = 8,
    TIMESTAMPS_LENGTH = 10,
    USER_TIMEOUT_LENGTH = 4,
    USER_TIMEOUT_MINUTES = 0x8000,
    ACCECN_COUNTER_LENGTH = 3,
    OPTION_HEADER = 2, /* kind and length */

    FAST_OPEN_MAGIC = 0xF989, /* RFC 7413 §4.1.1, RFC 6994 */
    EXPERIMENT_HEADER = 4,    /* kind, length and the two magic bytes */

    /* The layout that RFC 7323 Appendix A recommends, and nearly every segment has. */
    ALIGNED_TIMESTAMPS = TCP_OPTION_NOP << 24 | TCP_OPTION_NOP << 16 | TCP_OPTION_TIMESTAMPS << 8 |
                         TIMESTAMPS_LENGTH,
    ALIGNED_TIMESTAMPS_LENGTH = 12,
};

/* ── Parsing ── */

static void parse_sack(struct cursor *body, struct tcp_options *out)
{
    size_t length = cursor_left(body);
    if (length == 0 || length % SACK_BLOCK_LENGTH != 0 ||
        length > TCP_SACK_BLOCKS_MAX * SACK_BLOCK_LENGTH)
        return;
    out->sack_count = (uint8_t)(length / SACK_BLOCK_LENGTH);
    for (unsigned i = 0; i < out->sack_count; i++) {
        out->sack[i].start = cursor_u32(body);
        out->sack[i].end = cursor_u32(body);
    }
}

/* A cookie of 4 to 16 bytes and even length, or none: the request for one (RFC 7413 §4.1.1). */
static void parse_fast_open(struct cursor *body, bool experimental, struct tcp_options *out)
{
    size_t length = cursor_left(body);
    if (length != 0 && (length < TCP_COOKIE_MIN || length > TCP_COOKIE_MAX || length % 2 != 0))
        return;
    out->has_fast_open = true;
    out->fast_open_experimental = experimental;
    out->cookie_length = (uint8_t)length;
    if (length > 0)
        memcpy(out->cookie, cursor_take(body, length), length);
}

/* Three counters, or as many of the first as there are; bytes that make no whole counter are
 * ignored (RFC 9768 §3.2.3). */
static void parse_accecn(struct cursor *body, uint8_t order, struct tcp_options *out)
{
    out->has_accecn = true;
    out->accecn_order = order;
    out->accecn_count = 0;
    while (out->accecn_count < 3 && cursor_left(body) >= ACCECN_COUNTER_LENGTH) {
        uint32_t high = cursor_u8(body);
        out->accecn[out->accecn_count++] = high << 16 | cursor_u16(body);
    }
}

/* RFC 5482 §2: 15 bits, of minutes where the first bit is set. */
static void parse_user_timeout(struct cursor *body, struct tcp_options *out)
{
    uint16_t field = cursor_u16(body);
    out->has_user_timeout = true;
    out->user_timeout_s = field & 0x7fffu;
    if (field & USER_TIMEOUT_MINUTES)
        out->user_timeout_s *= 60;
}

static void parse_timestamps(struct cursor *body, struct tcp_options *out)
{
    out->has_timestamps = true;
    out->timestamp_value = cursor_u32(body);
    out->timestamp_echo = cursor_u32(body);
}

/* One option, whose `body` stands behind kind and length. One of known kind but wrong length says
 * nothing, and the options behind it still count. */
static void parse_option(uint8_t kind, struct cursor body, struct tcp_options *out)
{
    size_t length = cursor_left(&body) + OPTION_HEADER;
    switch (kind) {
    case TCP_OPTION_MSS:
        if (length != MSS_LENGTH)
            return;
        out->has_mss = true;
        out->mss = cursor_u16(&body);
        return;
    case TCP_OPTION_WINDOW_SCALE:
        if (length != WINDOW_SCALE_LENGTH)
            return;
        out->has_window_scale = true;
        out->window_scale = cursor_u8(&body);
        return;
    case TCP_OPTION_SACK_PERMITTED:
        out->has_sack_permitted |= length == SACK_PERMITTED_LENGTH;
        return;
    case TCP_OPTION_SACK:
        parse_sack(&body, out);
        return;
    case TCP_OPTION_TIMESTAMPS:
        if (length == TIMESTAMPS_LENGTH)
            parse_timestamps(&body, out);
        return;
    case TCP_OPTION_USER_TIMEOUT:
        if (length == USER_TIMEOUT_LENGTH)
            parse_user_timeout(&body, out);
        return;
    case TCP_OPTION_FAST_OPEN:
        parse_fast_open(&body, false, out);
        return;
    case TCP_OPTION_ACCECN0:
    case TCP_OPTION_ACCECN1:
        parse_accecn(&body, kind == TCP_OPTION_ACCECN1, out);
        return;
    case TCP_OPTION_EXPERIMENT:
        if (cursor_u16(&body) == FAST_OPEN_MAGIC)
            parse_fast_open(&body, true, out);
        return;
    default: /* RFC 9293 §3.1 MUST-6: an option not known is passed over */
        return;
    }
}

static void parse_options(struct cursor c, struct tcp_options *out)
{
    while (cursor_left(&c) > 0) {
        uint8_t kind = cursor_u8(&c);
        if (kind == TCP_OPTION_END)
            return;
        if (kind == TCP_OPTION_NOP)
            continue;
        /* MUST-7, security rule 2: a length below 2 or past the end says where
         * nothing further is. */
        uint8_t length = cursor_u8(&c);
        if (length < OPTION_HEADER)
            return;
        const uint8_t *body = cursor_take(&c, length - (size_t)OPTION_HEADER);
        if (!body)
            return;
        parse_option(kind, cursor_over(body, length - (size_t)OPTION_HEADER), out);
    }
}

/* Whether the options are exactly the aligned timestamps; takes them if so. */
static bool parse_aligned_timestamps(struct cursor c, struct tcp_options *out)
{
    if (cursor_left(&c) != ALIGNED_TIMESTAMPS_LENGTH || cursor_u32(&c) != ALIGNED_TIMESTAMPS)
        return false;
    parse_timestamps(&c, out);
    return true;
}

bool tcp_parse(const void *bytes, size_t length, struct segment *out)
{
    struct cursor c = cursor_over(bytes, length);
    out->source_port = cursor_u16(&c);
    out->destination_port = cursor_u16(&c);
    out->seq = cursor_u32(&c);
    out->ack = cursor_u32(&c);
    uint16_t offset_and_flags = cursor_u16(&c);
    out->window = cursor_u16(&c);
    out->checksum = cursor_u16(&c);
    out->urgent = cursor_u16(&c);
    out->flags = offset_and_flags & FLAGS_MASK;
    out->header_length = (uint8_t)((offset_and_flags >> DATA_OFFSET_SHIFT) * 4);
    if (c.short_read || out->header_length < TCP_HEADER_MIN)
        return false;

    size_t options_length = out->header_length - (size_t)TCP_HEADER_MIN;
    const uint8_t *options = cursor_take(&c, options_length);
    if (!options)
        return false;
    out->text = c.next;
    out->length = (uint32_t)cursor_left(&c);
    out->ecn = 0;
    out->packets = 1;

    memset(&out->options, 0, sizeof out->options);
    struct cursor over_options = cursor_over(options, options_length);
    if (options_length > 0 && !parse_aligned_timestamps(over_options, &out->options))
        parse_options(over_options, &out->options);
    return true;
}

/* ── Building ──
 *
 * Each option is written so that it ends on a multiple of four, with NOPs in front; SACK-permitted
 * and timestamps share three words. AccECN alone starts where it is, and what follows makes use of
 * the space behind it. That gives the order and the padding that tcp.h promises. */

static size_t round_up_to_word(size_t length)
{
    return (length + 3) & ~(size_t)3;
}

/* Where the options end once one of `length` bytes stands behind `at` bytes of others. */
static size_t end_of_option(size_t at, size_t length)
{
    return round_up_to_word(at + length);
}

static void pad(struct writer *w, size_t length)
{
    while (length-- > 0)
        writer_u8(w, TCP_OPTION_NOP);
}

/* Starts an option of `length` bytes in all: false when there is no room for it. */
static bool option_begin(struct writer *w, uint8_t kind, size_t length)
{
    size_t at = writer_length(w), end = end_of_option(at, length);
    if (end - at > w->left)
        return false;
    pad(w, end - at - length);
    writer_u8(w, kind);
    writer_u8(w, (uint8_t)length);
    return true;
}

static void build_timestamps(struct writer *w, const struct tcp_options *options)
{
    writer_u32(w, options->timestamp_value);
    writer_u32(w, options->timestamp_echo);
}

static void build_timestamps_perhaps_with_sack_permitted(struct writer *w,
                                                         const struct tcp_options *options)
{
    size_t both = SACK_PERMITTED_LENGTH + TIMESTAMPS_LENGTH;
    if (!options->has_timestamps)
        return;
    if (!options->has_sack_permitted) {
        if (option_begin(w, TCP_OPTION_TIMESTAMPS, TIMESTAMPS_LENGTH))
            build_timestamps(w, options);
        return;
    }
    if (w->left < both)
        return;
    writer_u8(w, TCP_OPTION_SACK_PERMITTED);
    writer_u8(w, SACK_PERMITTED_LENGTH);
    writer_u8(w, TCP_OPTION_TIMESTAMPS);
    writer_u8(w, TIMESTAMPS_LENGTH);
    build_timestamps(w, options);
}

static size_t fast_open_length(const struct tcp_options *options)
{
    if (!options->has_fast_open)
        return 0;
    return options->cookie_length +
           (size_t)(options->fast_open_experimental ? EXPERIMENT_HEADER : OPTION_HEADER);
}

/* Where all ends when `length` bytes of AccECN stand behind `at` bytes of others. */
static size_t end_with_accecn(size_t at, size_t length, const struct tcp_options *options)
{
    size_t end = at + length;
    if (options->has_sack_permitted && !options->has_timestamps)
        end = end_of_option(end, SACK_PERMITTED_LENGTH);
    if (options->has_window_scale)
        end = end_of_option(end, WINDOW_SCALE_LENGTH);
    if (options->sack_count > 0)
        end = end_of_option(end, OPTION_HEADER + options->sack_count * SACK_BLOCK_LENGTH);
    return round_up_to_word(end) + round_up_to_word(fast_open_length(options));
}

/* As many counters as fit when what stands behind has its room: the first are the ones that matter
 * (RFC 9768 §3.2.3). */
static void build_accecn(struct writer *w, const struct tcp_options *options)
{
    unsigned most = options->accecn_count < 3 ? options->accecn_count : 3;
    for (unsigned count = most + 1; count-- > 0;) {
        size_t length = OPTION_HEADER + count * (size_t)ACCECN_COUNTER_LENGTH;
        if (end_with_accecn(writer_length(w), length, options) > TCP_OPTIONS_MAX)
            continue;
        writer_u8(w, options->accecn_order == 0 ? TCP_OPTION_ACCECN0 : TCP_OPTION_ACCECN1);
        writer_u8(w, (uint8_t)length);
        for (unsigned i = 0; i < count; i++) {
            writer_u8(w, (uint8_t)(options->accecn[i] >> 16));
            writer_u16(w, (uint16_t)options->accecn[i]);
        }
        return;
    }
}

static void build_sack(struct writer *w, const struct tcp_options *options)
{
    size_t at = writer_length(w);
    unsigned count = options->sack_count;
    while (count > 0 && end_of_option(at, OPTION_HEADER + count * SACK_BLOCK_LENGTH) > at + w->left)
        count--;
    if (count == 0)
        return;
    option_begin(w, TCP_OPTION_SACK, OPTION_HEADER + count * (size_t)SACK_BLOCK_LENGTH);
    for (unsigned i = 0; i < count; i++) {
        writer_u32(w, options->sack[i].start);
        writer_u32(w, options->sack[i].end);
    }
}

/* The one option with its padding behind, as Linux writes it. */
static void build_fast_open(struct writer *w, const struct tcp_options *options)
{
    size_t length = fast_open_length(options);
    if (w->left < round_up_to_word(length))
        return;
    writer_u8(w, options->fast_open_experimental ? TCP_OPTION_EXPERIMENT : TCP_OPTION_FAST_OPEN);
    writer_u8(w, (uint8_t)length);
    if (options->fast_open_experimental)
        writer_u16(w, FAST_OPEN_MAGIC);
    writer_bytes(w, options->cookie, options->cookie_length);
}

static void build_user_timeout(struct writer *w, const struct tcp_options *options)
{
    uint32_t s = options->user_timeout_s;
    uint32_t field = s <= 0x7fff ? s : USER_TIMEOUT_MINUTES | ((s + 59) / 60 & 0x7fffu);
    if (w->left < USER_TIMEOUT_LENGTH)
        return;
    writer_u8(w, TCP_OPTION_USER_TIMEOUT);
    writer_u8(w, USER_TIMEOUT_LENGTH);
    writer_u16(w, (uint16_t)field);
}

static void pad_to_word(struct writer *w)
{
    size_t at = writer_length(w);
    pad(w, round_up_to_word(at) - at);
}

/* Timestamps, and nothing else: the options of nearly every segment. */
static bool are_timestamps(const struct tcp_options *o)
{
    bool others = o->has_mss | o->has_sack_permitted | o->has_window_scale | o->has_fast_open |
                  o->has_user_timeout | o->has_accecn | (o->sack_count > 0);
    return o->has_timestamps && !others;
}

static void build_options(struct writer *w, const struct tcp_options *options)
{
    if (are_timestamps(options)) {
        writer_u32(w, ALIGNED_TIMESTAMPS);
        build_timestamps(w, options);
        return;
    }
    if (options->has_mss && option_begin(w, TCP_OPTION_MSS, MSS_LENGTH))
        writer_u16(w, options->mss);
    build_timestamps_perhaps_with_sack_permitted(w, options);
    if (options->has_accecn)
        build_accecn(w, options);
    if (options->has_sack_permitted && !options->has_timestamps)
        option_begin(w, TCP_OPTION_SACK_PERMITTED, SACK_PERMITTED_LENGTH);
    if (options->has_window_scale && option_begin(w, TCP_OPTION_WINDOW_SCALE, WINDOW_SCALE_LENGTH))
        writer_u8(w, options->window_scale);
    if (options->sack_count > 0)
        build_sack(w, options);
    pad_to_word(w);
    if (options->has_fast_open)
        build_fast_open(w, options);
    pad_to_word(w);
    if (options->has_user_timeout)
        build_user_timeout(w, options);
}

size_t tcp_build_options(const struct tcp_options *options, uint8_t out[TCP_OPTIONS_MAX])
{
    struct writer w = writer_over(out, TCP_OPTIONS_MAX);
    build_options(&w, options);
    return writer_length(&w);
}

void tcp_build_fixed(const struct segment *segment, size_t length, uint8_t out[TCP_HEADER_MIN])
{
    struct writer w = writer_over(out, TCP_HEADER_MIN);
    writer_u16(&w, segment->source_port);
    writer_u16(&w, segment->destination_port);
    writer_u32(&w, segment->seq);
    writer_u32(&w, segment->ack);
    writer_u16(&w, (uint16_t)(length / 4 << DATA_OFFSET_SHIFT | (segment->flags & FLAGS_MASK)));
    writer_u16(&w, segment->window);
    writer_u16(&w, segment->checksum);
    writer_u16(&w, segment->urgent);
}

size_t tcp_build(const struct segment *segment, uint8_t out[TCP_HEADER_MAX])
{
    size_t length = TCP_HEADER_MIN + tcp_build_options(&segment->options, out + TCP_HEADER_MIN);
    tcp_build_fixed(segment, length, out);
    return length;
}

/* ── Cutting ── */

uint16_t tcp_header_flags(const uint8_t *header)
{
    struct cursor c = cursor_over(header + FLAGS_OFFSET, 2);
    return cursor_u16(&c) & FLAGS_MASK;
}

void tcp_header_push(uint8_t *header)
{
    header[FLAGS_OFFSET + 1] |= TCP_PSH;
}

void tcp_header_cut(uint8_t *header, uint32_t advance, uint16_t cleared, uint32_t old_length,
                    uint32_t new_length)
{
    struct cursor c = cursor_over(header + SEQ_OFFSET, TCP_HEADER_MIN - SEQ_OFFSET);
    uint32_t seq = cursor_u32(&c) + advance;
    uint32_t ack = cursor_u32(&c);
    uint16_t offset_and_flags = cursor_u16(&c);
    uint16_t window = cursor_u16(&c);
    uint16_t checksum = cursor_u16(&c);
    uint16_t urgent = cursor_u16(&c);

    if ((offset_and_flags & TCP_URG) && urgent <= advance && advance > 0)
        cleared |= TCP_URG; /* the urgent data lies in a part before this one */
    urgent = urgent > advance ? (uint16_t)(urgent - advance) : 0;
    struct writer w = writer_over(header + SEQ_OFFSET, TCP_HEADER_MIN - SEQ_OFFSET);
    writer_u32(&w, seq);
    writer_u32(&w, ack);
    writer_u16(&w, (uint16_t)(offset_and_flags & ~(unsigned)cleared));
    writer_u16(&w, window);
    /* The pseudo-header's sum counts the TCP length once (RFC 9293 §3.1). */
    writer_u16(&w, checksum_replace(checksum, old_length, new_length));
    writer_u16(&w, urgent);
}
