/* Packets as a script would write them. */
#include <stdlib.h>

#include "script/icmp_names.h"
#include "script/packet.h"
#include "script/wire.h"

static void print_hex(FILE *out, const uint8_t *bytes, uint8_t length)
{
    if (length)
        fputc(' ', out);
    for (uint8_t i = 0; i < length; i++)
        fprintf(out, "%02x", bytes[i]);
}

static void print_sack(FILE *out, const struct option_view *option)
{
    fputs("sack", out);
    for (uint8_t i = 0; i + 8 <= option->length; i += 8)
        fprintf(out, " %u:%u", wire_u32(option->value + i), wire_u32(option->value + i + 4));
}

static void print_accecn(FILE *out, const struct option_view *option)
{
    static const char *const names[2][3] = {{"e0b", "ceb", "e1b"}, {"e1b", "ceb", "e0b"}};
    fputs("ECN", out);
    for (uint8_t i = 0; i < 3 && 3 * i + 3 <= option->length; i++) {
        const uint8_t *at = option->value + 3 * i;
        fprintf(out, " %s %u", names[option->kind == 174][i],
                (uint32_t)at[0] << 16 | wire_u16(at + 1));
    }
}

static void print_option(FILE *out, const struct option_view *option)
{
    uint16_t magic = option->length >= 2 ? wire_u16(option->value) : 0;
    if (option->kind == 0) {
        fputs("eol", out);
    } else if (option->kind == 1) {
        fputs("nop", out);
    } else if (option->kind == 2 && option->length == 2) {
        fprintf(out, "mss %u", magic);
    } else if (option->kind == 3 && option->length == 1) {
        fprintf(out, "wscale %u", option->value[0]);
    } else if (option->kind == 4 && option->length == 0) {
        fputs("sackOK", out);
    } else if (option->kind == 5 && option->length % 8 == 0) {
        print_sack(out, option);
    } else if (option->kind == 8 && option->length == 8) {
        fprintf(out, "TS val %u ecr %u", wire_u32(option->value), wire_u32(option->value + 4));
    } else if (option->kind == 34) {
        fputs("FO", out);
        print_hex(out, option->value, option->length);
    } else if (option->kind == 254 && magic == 0xf989) {
        fputs("FOEXP", out);
        print_hex(out, option->value + 2, (uint8_t)(option->length - 2));
    } else if ((option->kind == 172 || option->kind == 174) && option->length % 3 == 0) {
        print_accecn(out, option);
    } else {
        fprintf(out, "opt %u", option->kind);
        print_hex(out, option->value, option->length);
    }
}

static void print_options(FILE *out, const struct packet_view *view)
{
    struct packet_view copy = *view;
    struct option_view option;
    uint8_t at = 0;
    bool broken = false;
    if (copy.options_length == 0)
        return;
    fputs(" <", out);
    for (const char *comma = "";
         option_next(copy.options, copy.options_length, &at, &option, &broken); comma = ",") {
        fputs(comma, out);
        print_option(out, &option);
    }
    fputs(broken ? ",broken>" : ">", out);
}

static void print_flags(FILE *out, uint16_t flags)
{
    static const char letters[] = "FSRP.UEWA";
    if (flags == 0)
        fputc('-', out);
    for (int i = 0; letters[i]; i++)
        if (flags & 1 << i)
            fputc(letters[i], out);
}

static void print_tcp(FILE *out, const struct packet_view *view, bool any_window)
{
    print_flags(out, view->flags);
    fprintf(out, " %u:%u(%u)", view->seq, view->seq + view->length, view->length);
    if (view->flags & WIRE_ACK)
        fprintf(out, " ack %u", view->ack);
    if (!any_window)
        fprintf(out, " win %u", view->window);
    if (view->urgent)
        fprintf(out, " urg %u", view->urgent);
    print_options(out, view);
}

static void print_icmp(FILE *out, const struct packet_view *view)
{
    const char *type = icmp_type_name(view->icmp_type);
    const char *code = icmp_code_name(view->icmp_type, view->icmp_code);
    fputs("icmp ", out);
    if (type)
        fputs(type, out);
    else
        fprintf(out, "type_%u", view->icmp_type);
    if (code)
        fprintf(out, " %s", code);
    else if (view->icmp_code)
        fprintf(out, " code_%u", view->icmp_code);
    if (view->icmp_mtu && view->icmp_type == 3 && view->icmp_code == 4)
        fprintf(out, " mtu %u", view->icmp_mtu);
}

static const char *print(const struct packet_view *view, bool any_window, const char *ip,
                         const char *tail, struct arena *arena)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        abort();
    fputs(ip, out);
    if (view->protocol == WIRE_TCP)
        print_tcp(out, view, any_window);
    else if (view->protocol == WIRE_UDP)
        fprintf(out, "udp (%u)", view->length);
    else
        print_icmp(out, view);
    fputs(tail, out);
    fclose(out);
    const char *copy = arena_text(arena, text, length);
    free(text);
    return copy;
}

static const char *const ecn_names[] = {"[noecn] ", "[ect1] ", "[ect0] ", "[ce] "};

const char *packet_text(const struct packet_view *view, struct arena *arena)
{
    const char *ip = view->tos & 3 ? ecn_names[view->tos & 3] : "";
    return print(view, false, ip, "", arena);
}

const char *packet_spec_text(const struct packet_spec *spec, struct arena *arena)
{
    static const uint8_t protocols[] = {
        [PACKET_TCP] = WIRE_TCP, [PACKET_UDP] = WIRE_UDP, [PACKET_ICMP] = WIRE_ICMP};
    struct packet_view view = {
        .protocol = protocols[spec->protocol],
        .length = spec->length,
        .flags = spec->flags,
        .seq = spec->seq,
        .ack = spec->ack,
        .window = (uint16_t)spec->window,
        .urgent = spec->urgent,
        .options_length = spec->options_length,
        .icmp_type = spec->icmp_type,
        .icmp_code = spec->icmp_code,
        .icmp_mtu = (uint16_t)spec->icmp_mtu,
    };
    for (uint8_t i = 0; i < spec->options_length; i++)
        view.options[i] = spec->options[i];
    const char *ip = "";
    if (spec->tos_check == TOS_ECN)
        ip = ecn_names[spec->tos & 3];
    else if (spec->tos_check == TOS_ECT01)
        ip = "[ect01] ";
    else if (spec->tos_check == TOS_WHOLE)
        ip = arena_format(arena, "[tos 0x%02x] ", spec->tos);
    else if (spec->ttl)
        ip = arena_format(arena, "[ttl %u] ", spec->ttl);
    return print(&view, spec->window < 0, ip, spec->options_any ? " <...>" : "", arena);
}
