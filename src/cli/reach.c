#include "cli/reach.h"

#include <stdio.h>

#include "base/address.h"

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
