/* What somebody sends who is neither of the two, or one of them that lies: a packet that has been
 * on the link, with other numbers, flags, options, lengths and bytes; and ICMP errors about it. */
#include "base/checksum.h"
#include "fuzz/calls/world.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"

enum { FORGED_MOST = SEEN_MOST + 1500 };

/* Not far off, as a rule: that is where it matters. */
static uint32_t pick_distance(struct world *w)
{
    switch (pick(w, 8)) {
    case 0:
    case 1:
    case 2:
        return 0;
    case 3:
        return pick(w, 3) - 1;
    case 4:
    case 5:
        return pick(w, 3000) - 1500;
    case 6:
        return pick(w, 200000) - 100000;
    default:
        return pick(w, UINT32_MAX);
    }
}

static void forge_options(struct world *w, struct segment *s)
{
    struct tcp_options *o = &s->options;
    if (o->has_timestamps) {
        o->timestamp_value += pick_distance(w);
        o->timestamp_echo += pick_distance(w);
    }
    if (pick(w, 2))
        o->has_timestamps = pick(w, 2);
    if (pick(w, 2))
        return;
    for (o->sack_count = 0; o->sack_count < pick(w, 4); o->sack_count++) {
        uint32_t start = s->ack + (pick(w, 3) ? pick(w, 40000) : pick_distance(w));
        o->sack[o->sack_count].start = start;
        o->sack[o->sack_count].end = start + (pick(w, 3) ? pick(w, 20000) : pick_distance(w));
    }
    o->has_accecn = pick(w, 2);
    o->accecn_count = (uint8_t)pick(w, 4);
    for (int i = 0; i < 3; i++)
        o->accecn[i] = pick(w, 1 << 24);
    o->has_fast_open = once_in(w, 4);
    o->cookie_length = 8;
}

/* Returns the length of the header and the text. */
static size_t forge_segment(struct world *w, const uint8_t *bytes, size_t length, uint8_t *out)
{
    static const uint16_t flags[] = {TCP_ACK,
                                     TCP_RST,
                                     TCP_RST | TCP_ACK,
                                     TCP_SYN,
                                     TCP_SYN | TCP_ACK,
                                     TCP_FIN | TCP_ACK,
                                     TCP_ACK | TCP_URG,
                                     0,
                                     TCP_FIN | TCP_URG | TCP_PSH};
    static const uint16_t windows[] = {0, 1, 100, 1000, UINT16_MAX};
    struct segment s;
    if (!tcp_parse(bytes, length, &s))
        return 0;
    if (pick(w, 2))
        s.flags = once_in(w, 6) ? (uint16_t)pick(w, 512) : CHOOSE(w, flags);
    s.seq += pick_distance(w);
    s.ack += pick_distance(w);
    if (pick(w, 2))
        s.window = CHOOSE(w, windows);
    s.urgent = (uint16_t)pick(w, 2000);
    forge_options(w, &s);
    uint32_t text = once_in(w, 3) ? pick(w, 1400) : s.length;
    size_t header = tcp_build(&s, out);
    memset(out + header, 'z', text);
    if (text <= s.length)
        memcpy(out + header, s.text, text);
    if (once_in(w, 8)) /* options as they come */
        for (size_t i = TCP_HEADER_MIN; i < header; i++)
            out[i] = (uint8_t)pick(w, 256);
    if (once_in(w, 20))
        out[12] = (uint8_t)pick(w, 256); /* and a data offset */
    return header + text;
}

/* An error about a packet of the other direction. */
static size_t forge_error(struct world *w, const struct end *other, uint8_t *out)
{
    static const uint8_t types[] = {3, 3, 3, 11, 12, 4, 5, 0, 8};
    if (other->seen_count == 0)
        return 0;
    unsigned index = pick(w, other->seen_count < SEEN ? other->seen_count : SEEN);
    size_t length = other->seen[index].length;
    uint8_t quote[SEEN_MOST];
    if (length > 548)
        length = 548;
    memcpy(quote, other->seen[index].bytes, length);
    if (once_in(w, 3) && length >= 28)
        quote[24 + pick(w, 4)] ^= (uint8_t)pick(w, 256); /* a sequence number */
    struct icmp_message message = {.type = CHOOSE(w, types),
                                   .code = pick(w, 3) ? 4 : (uint8_t)pick(w, 16),
                                   .mtu = (uint16_t)pick(w, pick(w, 2) ? 2000 : 65536),
                                   .body = quote,
                                   .body_length =
                                       once_in(w, 4) ? pick(w, 548) % (length + 1) : length};
    icmp_build(&message, out);
    memcpy(out + ICMP_HEADER_SIZE, quote, message.body_length);
    return ICMP_HEADER_SIZE + message.body_length;
}

static void finish_checksum(const struct ipv4_header *ip, uint8_t *payload, size_t length)
{
    size_t offset = ip->protocol == IP_PROTOCOL_TCP ? 16 : 6;
    if (ip->protocol == IP_PROTOCOL_ICMP || length < offset + 2)
        return;
    struct checksum sum = CHECKSUM_START;
    payload[offset] = payload[offset + 1] = 0;
    checksum_add_u32(&sum, address_to_ipv4(&ip->source));
    checksum_add_u32(&sum, address_to_ipv4(&ip->destination));
    checksum_add_u16(&sum, ip->protocol);
    checksum_add_u16(&sum, (uint16_t)length);
    checksum_add(&sum, payload, length);
    struct writer writer = writer_over(payload + offset, 2);
    writer_u16(&writer, checksum_finish(&sum));
}

static void forge_header(struct world *w, struct ipv4_header *ip)
{
    static const uint8_t protocols[] = {1, 2, 6, 17, 41, 255};
    if (once_in(w, 4)) { /* a fragment, of few datagrams, so that some overlap */
        ip->more_fragments = pick(w, 2);
        ip->fragment_offset = (uint16_t)(once_in(w, 8) ? pick(w, 8192) * 8 : pick(w, 4) * 8);
        ip->identification = (uint16_t)pick(w, 3);
    }
    if (once_in(w, 12))
        ip->protocol = CHOOSE(w, protocols);
    if (once_in(w, 12))
        ip->source = address_from_ipv4(pick(w, UINT32_MAX));
    ip->traffic_class = (uint8_t)pick(w, 4);
}

void forge_a_packet(struct world *w, struct end *end, int socket)
{
    uint8_t packet[FORGED_MOST + 100];
    struct ipv4_header ip;
    (void)socket;
    if (end->seen_count == 0)
        return;
    unsigned known = end->seen_count < SEEN ? end->seen_count : SEEN;
    unsigned index = (end->seen_count - 1 - pick(w, 256) % known) % SEEN;
    const uint8_t *bytes = end->seen[index].bytes;
    if (ipv4_parse(bytes, end->seen[index].length, false, &ip) != IPV4_OK)
        return;
    size_t length = ip.total_length - ip.header_length;
    uint8_t *payload = packet + IPV4_HEADER_MIN;
    if (once_in(w, 6)) {
        ip.protocol = IP_PROTOCOL_ICMP;
        length = forge_error(w, &w->ends[!end->index], payload);
    } else if (ip.protocol == IP_PROTOCOL_TCP) {
        length = forge_segment(w, bytes + ip.header_length, length, payload);
    } else {
        memcpy(payload, bytes + ip.header_length, length);
    }
    forge_header(w, &ip);
    ip.total_length = (uint32_t)(IPV4_HEADER_MIN + length);
    if (!once_in(w, 12))
        finish_checksum(&ip, payload, length);
    ipv4_build(&ip, packet);
    world_deliver(end, packet, ip.total_length, NULL);
}
