/* What scripts call the types and codes of ICMP (RFC 792, RFC 1122, RFC 1812). */
#include "script/icmp_names.h"

#include <stdlib.h>
#include <string.h>

#include "script/parse.h"

struct code_name {
    int type;
    int code;
    const char *name;
};

static const struct code_name types[] = {
    {0, 0, "echo_reply"},          {3, 0, "unreachable"},
    {4, 0, "source_quench"},       {5, 0, "redirect"},
    {8, 0, "echo_request"},        {11, 0, "time_exceeded"},
    {12, 0, "parameter_problem"},  {13, 0, "timestamp_request"},
    {14, 0, "timestamp_reply"},    {15, 0, "information_request"},
    {16, 0, "information_reply"},  {17, 0, "address_mask_request"},
    {18, 0, "address_mask_reply"},
};

static const struct code_name codes[] = {
    {3, 0, "net_unreachable"},
    {3, 1, "host_unreachable"},
    {3, 2, "protocol_unreachable"},
    {3, 3, "port_unreachable"},
    {3, 4, "frag_needed"},
    {3, 5, "source_route_failed"},
    {3, 6, "net_unknown"},
    {3, 7, "host_unknown"},
    {3, 8, "source_host_isolated"},
    {3, 9, "net_prohibited"},
    {3, 10, "host_prohibited"},
    {3, 11, "net_unreachable_for_tos"},
    {3, 12, "host_unreachable_for_tos"},
    {3, 13, "packet_filtered"},
    {3, 14, "precedence_violation"},
    {3, 15, "precedence_cutoff"},
    {5, 0, "net"},
    {5, 1, "host"},
    {11, 0, "ttl"},
    {11, 1, "reassembly"},
};

enum { TYPES = sizeof types / sizeof *types, CODES = sizeof codes / sizeof *codes };

/* "type_40" is 40, with the prefix "type_". */
static int numbered(const char *name, const char *prefix)
{
    size_t length = strlen(prefix);
    char *end;
    if (strncmp(name, prefix, length) != 0)
        return -1;
    long number = strtol(name + length, &end, 10);
    return *end == '\0' && number >= 0 && number <= 255 ? (int)number : -1;
}

bool parse_icmp_type(const char *type, const char *code, struct packet_spec *packet)
{
    int type_number = numbered(type, "type_");
    int code_number = code ? numbered(code, "code_") : 0;
    for (size_t i = 0; i < TYPES && type_number < 0; i++)
        if (strcmp(type, types[i].name) == 0)
            type_number = types[i].type;
    for (size_t i = 0; i < CODES && code_number < 0; i++)
        if (codes[i].type == type_number && strcmp(code, codes[i].name) == 0)
            code_number = codes[i].code;
    packet->icmp_type = (uint8_t)type_number;
    packet->icmp_code = (uint8_t)code_number;
    return type_number >= 0 && code_number >= 0;
}

const char *icmp_type_name(uint8_t type)
{
    for (size_t i = 0; i < TYPES; i++)
        if (types[i].type == type)
            return types[i].name;
    return NULL;
}

const char *icmp_code_name(uint8_t type, uint8_t code)
{
    for (size_t i = 0; i < CODES; i++)
        if (codes[i].type == type && codes[i].code == code)
            return codes[i].name;
    return NULL;
}
