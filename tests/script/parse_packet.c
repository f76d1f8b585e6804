/* Packets as a script writes them:
 *
 *     < [ect0] P. 1:1001(1000) ack 1 win 257 urg 5 <nop,nop,TS val 100 ecr 200>
 *     > udp (1000)
 *     < icmp unreachable frag_needed mtu 1200 [1:1461(1460)] */
#include <string.h>

#include "script/parse.h"

static const int64_t seq_most = 0xffffffff;

static uint8_t parse_ecn(struct parser *p)
{
    static const char *const names[] = {"noecn", "ect1", "ect0", "ce"}; /* by their code points */
    for (uint8_t i = 0; i < 4; i++)
        if (parser_accept(p, names[i]))
            return i;
    parser_fail(p, "noecn, ect0, ect1, ect01, ce, tos or ttl");
    return 0;
}

static void parse_ip(struct parser *p, struct packet_spec *packet)
{
    const char *end = parser_is(p, "(") ? ")" : "]";
    if (!parser_accept(p, "(") && !parser_accept(p, "["))
        return;
    if (parser_accept(p, "ttl")) {
        packet->ttl = (uint8_t)parser_integer(p, 1, 255);
    } else if (parser_accept(p, "tos")) {
        packet->tos_check = TOS_WHOLE;
        packet->tos = (uint8_t)parser_integer(p, 0, 255);
    } else if (parser_accept(p, "ect01")) {
        packet->tos_check = TOS_ECT01;
        if (!packet->outbound)
            parser_fail(p, "ect0 or ect1 for a packet that is injected");
    } else {
        packet->tos_check = TOS_ECN;
        packet->tos = parse_ecn(p);
    }
    parser_expect(p, end);
}

static void parse_ports(struct parser *p, struct packet_spec *packet)
{
    if (!parser_is_kind(p, TOKEN_INTEGER))
        return;
    packet->source_port = (uint16_t)parser_integer(p, 0, 65535);
    parser_expect(p, ">");
    packet->destination_port = (uint16_t)parser_integer(p, 0, 65535);
}

static void parse_flag_letters(struct parser *p, struct packet_spec *packet, const char *letters)
{
    static const char known[] = "FSRP.UEWA"; /* from the lowest bit up */
    for (const char *c = letters; *c; c++) {
        const char *at = strchr(known, *c);
        if (at)
            packet->flags |= (uint16_t)(1 << (at - known));
        else if (*c >= '0' && *c <= '7') /* the ACE field: AE, CWR, ECE */
            packet->flags |= (uint16_t)((*c - '0') << 6);
        else
            parser_fail(p, "flags out of FSRP.UEWA, or the digit of ACE");
    }
}

/* "SEW", "P.", ".", ".5", "-" for none. */
static void parse_flags(struct parser *p, struct packet_spec *packet)
{
    if (parser_accept(p, "-"))
        return;
    const struct token *start = p->next;
    if (parser_is_kind(p, TOKEN_WORD))
        parse_flag_letters(p, packet, (p->next++)->text);
    if (parser_is_kind(p, TOKEN_FLOAT))
        parse_flag_letters(p, packet, (p->next++)->text);
    else if (parser_accept(p, "."))
        parse_flag_letters(p, packet, ".");
    if (p->next == start)
        parser_fail(p, "flags");
}

/* first:end(length) */
static void parse_sequence(struct parser *p, uint32_t *seq, uint32_t *length)
{
    *seq = (uint32_t)parser_integer(p, 0, seq_most);
    parser_expect(p, ":");
    uint32_t end = (uint32_t)parser_integer(p, 0, seq_most);
    parser_expect(p, "(");
    *length = (uint32_t)parser_integer(p, 0, 65535);
    parser_expect(p, ")");
    if (*seq + *length != end)
        problem_set(p->problem, p->next->line, "%u:%u is not of length %u", *seq, end, *length);
}

static void parse_tcp(struct parser *p, struct packet_spec *packet)
{
    int line = p->next->line;
    parse_ports(p, packet);
    parse_flags(p, packet);
    parse_sequence(p, &packet->seq, &packet->length);
    if (parser_accept(p, "ack"))
        packet->ack = (uint32_t)parser_integer(p, 0, seq_most);
    packet->window = -1;
    if (parser_accept(p, "win"))
        packet->window = (int32_t)parser_integer(p, 0, 65535);
    else if (!packet->outbound)
        problem_set(p->problem, line, "a segment that is injected needs a window");
    if (parser_accept(p, "urg"))
        packet->urgent = (uint16_t)parser_integer(p, 0, 65535);
    parse_tcp_options(p, packet);
}

static void parse_udp(struct parser *p, struct packet_spec *packet)
{
    packet->protocol = PACKET_UDP;
    parse_ports(p, packet);
    parser_expect(p, "(");
    packet->length = (uint32_t)parser_integer(p, 0, 65507);
    parser_expect(p, ")");
}

/* [1:1001(1000)], [udp (1000)] or [raw (64)]; without, a segment at 0. */
static void parse_quote(struct parser *p, struct packet_spec *packet)
{
    if (!parser_accept(p, "["))
        return;
    bool udp = parser_accept(p, "udp");
    bool raw = !udp && parser_accept(p, "raw");
    packet->quote = udp ? QUOTE_UDP : raw ? QUOTE_NONE : QUOTE_TCP;
    if (udp || raw) {
        parser_expect(p, "(");
        packet->quote_length = (uint32_t)parser_integer(p, raw ? 8 : 0, 65507);
        parser_expect(p, ")");
    } else {
        parse_sequence(p, &packet->quote_seq, &packet->quote_length);
    }
    parser_expect(p, "]");
}

static void parse_icmp(struct parser *p, struct packet_spec *packet)
{
    packet->protocol = PACKET_ICMP;
    const struct token *type = p->next;
    if (!parser_is_kind(p, TOKEN_WORD)) {
        parser_fail(p, "a type of ICMP");
        return;
    }
    p->next++;
    const char *code = NULL;
    if (parser_is_kind(p, TOKEN_WORD) && !parser_is(p, "mtu") && !parser_is(p, "id"))
        code = (p->next++)->text;
    if (!parse_icmp_type(type->text, code, packet))
        problem_set(p->problem, type->line, "no such ICMP: %s %s", type->text, code ? code : "");
    if (parser_accept(p, "mtu"))
        packet->icmp_mtu = (uint32_t)parser_integer(p, 0, 65535);
    if (parser_accept(p, "id"))
        packet->icmp_id = (uint16_t)parser_integer(p, 0, 65535);
    parse_quote(p, packet);
}

struct packet_spec *parse_packet(struct parser *p)
{
    struct packet_spec *packet = arena_take(p->arena, sizeof *packet);
    packet->outbound = parser_accept(p, ">");
    if (!packet->outbound)
        parser_expect(p, "<");
    parse_ip(p, packet);
    if (parser_accept(p, "udp"))
        parse_udp(p, packet);
    else if (parser_accept(p, "icmp"))
        parse_icmp(p, packet);
    else
        parse_tcp(p, packet);
    return packet;
}
