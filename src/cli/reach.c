#include "cli/reach.h"

#include <stdio.h>

#include "base/address.h"

/* Multicast, broadcast, or one of the two addresses of a subnet that no host has (RFC 1122
 * §3.2.1.3); of two addresses both are hosts' (RFC 3021). */
static bool is_many(const struct address *asked, const struct address *ours, unsigned bits)
{
    uint32_t host_bits = UINT32_MAX >> bits;
    uint32_t host = address_to_ipv4(asked) & host_bits;
    return address_is_multicast(asked) || address_is_limited_broadcast(asked) ||
           (bits < 31 && address_in_prefix(asked, ours, bits) && (host == 0 || host == host_bits));
}

void reach_advice(const char *cidr, const char *kernel, const struct sockaddr_in *to, char *text,
                  size_t size)
{
    struct address asked = address_from_ipv4(ntohl(to->sin_addr.s_addr)), ours, theirs;
    char shown[ADDRESS_TEXT_MAX];
    unsigned bits;
    text[0] = '\0';
    if (address_parse_prefix(cidr, &ours, &bits) < 0 || address_parse(kernel, &theirs) < 0 ||
        address_equal(&asked, &ours) || address_equal(&asked, &theirs))
        return;
    if (is_many(&asked, &ours, bits)) {
        snprintf(text, size, "%s is no single host's address, but a broadcast or multicast one.",
                 address_format(&asked, shown));
        return;
    }
    if (address_in_prefix(&asked, &ours, bits))
        snprintf(text, size,
                 "In the device's subnet (--addr %s) there are only tern and the kernel, which is "
                 "%s (--peer).",
                 cidr, kernel);
    else
        snprintf(text, size,
                 "%s is outside the device's subnet (--addr %s): it can be reached only if the "
                 "kernel forwards\n"
                 "  (net.ipv4.ip_forward=1) and the answers find their way back (a route, or NAT).",
                 address_format(&asked, shown), cidr);
}
