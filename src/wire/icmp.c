#include "wire/icmp.h"

#include "base/bytes.h"
#include "base/checksum.h"

bool icmp_is_error(uint8_t type)
{
    switch (type) {
    case ICMP_ECHO_REPLY:
    case ICMP_ECHO_REQUEST:
    case 9: /* router advertisement and solicitation, RFC 1256 */
    case 10:
    case 13: /* timestamp and its reply, RFC 792 */
    case 14:
    case 15: /* information request and reply, RFC 792 */
    case 16:
    case 17: /* address mask request and reply, RFC 950 */
    case 18:
        return false;
    default:
        return true;
    }
}

bool icmp_parse_unverified(const void *bytes, size_t length, struct icmp_message *out)
{
    struct cursor c = cursor_over(bytes, length);
    out->type = cursor_u8(&c);
    out->code = cursor_u8(&c);
    cursor_u16(&c); /* the checksum is verified over the whole message, if at all */
    uint16_t first = cursor_u16(&c);
    uint16_t second = cursor_u16(&c);
    out->pointer = (uint8_t)(first >> 8);
    out->identifier = first;
    out->sequence = second;
    out->mtu = second;
    out->body = c.next;
    out->body_length = cursor_left(&c);
    return !c.short_read;
}

bool icmp_parse(const void *bytes, size_t length, struct icmp_message *out)
{
    if (!icmp_parse_unverified(bytes, length, out))
        return false;
    struct checksum sum = CHECKSUM_START;
    checksum_add(&sum, bytes, length);
    return checksum_finish(&sum) == 0;
}

/* The second word of the header, which each type uses in its own way (RFC 792). */
static uint32_t second_word(const struct icmp_message *message)
{
    switch (message->type) {
    case ICMP_ECHO_REPLY:
    case ICMP_ECHO_REQUEST:
        return (uint32_t)message->identifier << 16 | message->sequence;
    case ICMP_UNREACHABLE:
        return message->code == ICMP_UNREACHABLE_FRAGMENTATION ? message->mtu : 0;
    case ICMP_PARAMETER_PROBLEM:
        return (uint32_t)message->pointer << 24;
    default:
        return 0;
    }
}

void icmp_build(const struct icmp_message *message, uint8_t out[ICMP_HEADER_SIZE])
{
    struct writer w = writer_over(out, ICMP_HEADER_SIZE);
    writer_u8(&w, message->type);
    writer_u8(&w, message->code);
    writer_u16(&w, 0);
    writer_u32(&w, second_word(message));

    struct checksum sum = CHECKSUM_START;
    checksum_add(&sum, out, ICMP_HEADER_SIZE);
    checksum_add(&sum, message->body, message->body_length);
    w = writer_over(out + ICMP_CHECKSUM_OFFSET, 2);
    writer_u16(&w, checksum_finish(&sum));
}
