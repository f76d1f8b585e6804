/* TCP options as a script writes them, to the bytes they are on the wire:
 *
 *     <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>
 *     <nop,nop,sack 3001:4001 5001:6001>     <FO 0123abcd,nop,nop>     <ECN e0b 1 ceb 0 e1b 1>
 *
 * `opt KIND HEX` is ours: any kind, with any bytes for its value, none left out. */
#include <ctype.h>
#include <string.h>

#include "script/parse.h"

enum {
    KIND_END = 0,
    KIND_NOP = 1,
    KIND_MSS = 2,
    KIND_WINDOW_SCALE = 3,
    KIND_SACK_PERMITTED = 4,
    KIND_SACK = 5,
    KIND_TIMESTAMPS = 8,
    KIND_MD5 = 19,
    KIND_FAST_OPEN = 34,
    KIND_ACCECN0 = 172,
    KIND_ACCECN1 = 174,
    KIND_EXPERIMENT = 254,
    FAST_OPEN_MAGIC = 0xf989,
};

static void put(struct parser *p, struct packet_spec *packet, uint64_t value, int bytes)
{
    if (packet->options_length + bytes > OPTIONS_MAX) {
        parser_fail(p, "no more than 40 bytes of options");
        return;
    }
    while (bytes--)
        packet->options[packet->options_length++] = (uint8_t)(value >> 8 * bytes);
}

static void put_header(struct parser *p, struct packet_spec *packet, uint8_t kind, size_t length)
{
    put(p, packet, kind, 1);
    put(p, packet, length, 1);
}

static void put_number(struct parser *p, struct packet_spec *packet, int bytes)
{
    put(p, packet, (uint64_t)parser_integer(p, 0, (int64_t)((1ull << 8 * bytes) - 1)), bytes);
}

static int digit_value(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* The hex digits that come next, if any, behind a header that counts them and `extra`. */
static void put_blob(struct parser *p, struct packet_spec *packet, uint8_t kind, uint32_t magic)
{
    bool some = parser_is_kind(p, TOKEN_WORD) || parser_is_kind(p, TOKEN_INTEGER);
    const char *digits = some ? p->next->text : "";
    size_t length = strlen(digits);
    if (length % 2 || strspn(digits, "0123456789abcdefABCDEF") != length)
        parser_fail(p, "pairs of hex digits");
    if (some)
        p->next++;
    put_header(p, packet, kind, 2 + (magic ? 2 : 0) + length / 2);
    if (magic)
        put(p, packet, magic, 2);
    for (; *digits && !p->problem->text; digits += 2)
        put(p, packet, (uint64_t)(16 * digit_value(digits[0]) + digit_value(digits[1])), 1);
}

static void parse_sack(struct parser *p, struct packet_spec *packet)
{
    size_t length_at = packet->options_length + 1u;
    put_header(p, packet, KIND_SACK, 2);
    while (parser_is_kind(p, TOKEN_INTEGER) && !p->problem->text) {
        put_number(p, packet, 4);
        parser_expect(p, ":");
        put_number(p, packet, 4);
        packet->options[length_at] = (uint8_t)(packet->options[length_at] + 8);
    }
}

static void parse_timestamps(struct parser *p, struct packet_spec *packet)
{
    put_header(p, packet, KIND_TIMESTAMPS, 10);
    parser_expect(p, "val");
    put_number(p, packet, 4);
    parser_expect(p, "ecr");
    put_number(p, packet, 4);
}

/* The order of the counters chooses the kind (RFC 9768 §3.2.3); trailing ones may be left out. */
static void parse_accecn(struct parser *p, struct packet_spec *packet)
{
    static const char *const names[2][3] = {{"e0b", "ceb", "e1b"}, {"e1b", "ceb", "e0b"}};
    int order = parser_is(p, "e1b");
    size_t length_at = packet->options_length + 1u;
    put_header(p, packet, order ? KIND_ACCECN1 : KIND_ACCECN0, 2);
    for (int i = 0; i < 3 && parser_accept(p, names[order][i]); i++) {
        put_number(p, packet, 3);
        packet->options[length_at] = (uint8_t)(packet->options[length_at] + 3);
    }
}

static void parse_option(struct parser *p, struct packet_spec *packet)
{
    if (parser_accept(p, "nop")) {
        put(p, packet, KIND_NOP, 1);
    } else if (parser_accept(p, "eol")) {
        put(p, packet, KIND_END, 1);
    } else if (parser_accept(p, "mss")) {
        put_header(p, packet, KIND_MSS, 4);
        put_number(p, packet, 2);
    } else if (parser_accept(p, "wscale")) {
        put_header(p, packet, KIND_WINDOW_SCALE, 3);
        put_number(p, packet, 1);
    } else if (parser_accept(p, "sackOK")) {
        put_header(p, packet, KIND_SACK_PERMITTED, 2);
    } else if (parser_accept(p, "sack")) {
        parse_sack(p, packet);
    } else if (parser_accept(p, "TS")) {
        parse_timestamps(p, packet);
    } else if (parser_accept(p, "md5")) {
        put_blob(p, packet, KIND_MD5, 0);
    } else if (parser_accept(p, "FO")) {
        put_blob(p, packet, KIND_FAST_OPEN, 0);
    } else if (parser_accept(p, "FOEXP")) {
        put_blob(p, packet, KIND_EXPERIMENT, FAST_OPEN_MAGIC);
    } else if (parser_accept(p, "ECN")) {
        parse_accecn(p, packet);
    } else if (parser_accept(p, "opt")) {
        put_blob(p, packet, (uint8_t)parser_integer(p, 0, 255), 0);
    } else {
        parser_fail(p, "a TCP option");
    }
}

void parse_tcp_options(struct parser *p, struct packet_spec *packet)
{
    int line = p->next->line;
    if (!parser_accept(p, "<"))
        return;
    if (parser_accept(p, "...")) {
        packet->options_any = true;
        if (!packet->outbound)
            problem_set(p->problem, line, "<...> is for packets that are expected");
    } else {
        do
            parse_option(p, packet);
        while (!p->problem->text && parser_accept(p, ","));
    }
    parser_expect(p, ">");
    if (packet->options_length % 4)
        problem_set(p->problem, line, "the options are %d bytes, not a multiple of 4",
                    packet->options_length);
}
