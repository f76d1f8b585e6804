#include "sock/address.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

static sa_family_t family(const struct sockaddr *address)
{
    sa_family_t value;
    memcpy(&value, (const char *)address + offsetof(struct sockaddr, sa_family), sizeof value);
    return value;
}

enum { FAMILY_END = offsetof(struct sockaddr, sa_family) + sizeof(sa_family_t) };

bool sockaddr_is_unspecified(const struct sockaddr *address, socklen_t length)
{
    return address != NULL && length >= FAMILY_END && family(address) == AF_UNSPEC;
}

int sockaddr_check(const struct sockaddr *address, socklen_t length)
{
    if (address == NULL && length > 0)
        return -EFAULT;
    return length > sizeof(struct sockaddr_storage) ? -EINVAL : 0;
}

int endpoint_from_sockaddr(const struct sockaddr *address, socklen_t length, struct endpoint *out)
{
    struct sockaddr_in in;
    if (address == NULL)
        return -EFAULT;
    if (length < FAMILY_END || length > sizeof(struct sockaddr_storage))
        return -EINVAL;
    if (family(address) != AF_INET)
        return -EAFNOSUPPORT;
    if (length < sizeof in)
        return -EINVAL;
    memcpy(&in, address, sizeof in); /* the caller's need not be aligned */
    out->address = address_from_ipv4(ntohl(in.sin_addr.s_addr));
    out->port = ntohs(in.sin_port);
    return 0;
}

int remote_from_sockaddr(const struct sockaddr *address, socklen_t length, struct endpoint *out)
{
    int error = endpoint_from_sockaddr(address, length, out);
    if (error == 0 && address_is_unspecified(&out->address))
        out->address = address_from_ipv4(INADDR_LOOPBACK);
    return error;
}

int endpoint_to_sockaddr(const struct endpoint *endpoint, struct sockaddr *address,
                         socklen_t *length)
{
    if (address == NULL || length == NULL)
        return -EFAULT;
    if (*length > INT32_MAX)
        return -EINVAL; /* it was negative */
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(endpoint->port)};
    if (address_is_ipv4(&endpoint->address))
        in.sin_addr.s_addr = htonl(address_to_ipv4(&endpoint->address));
    memcpy(address, &in, *length < sizeof in ? *length : sizeof in);
    *length = sizeof in;
    return 0;
}

/* One to five decimal digits up to the end of the text, at most 65535. */
static int parse_port(const char *text, uint16_t *out)
{
    uint32_t port = 0;
    size_t digits = strlen(text);
    if (digits == 0 || digits > 5)
        return -EINVAL;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return -EINVAL;
        port = port * 10 + (uint32_t)(*text - '0');
    }
    if (port > UINT16_MAX)
        return -EINVAL;
    *out = (uint16_t)port;
    return 0;
}

int endpoint_parse(const char *text, bool host_optional, struct endpoint *out)
{
    const char *colon = strrchr(text, ':');
    const char *port = colon ? colon + 1 : text;
    size_t host_length = colon ? (size_t)(colon - text) : 0;
    char host[ADDRESS_TEXT_MAX];
    struct endpoint endpoint = {.address = address_from_ipv4(0)};

    if (parse_port(port, &endpoint.port) < 0 || host_length >= sizeof host)
        return -EINVAL;
    if (host_length == 0 && !host_optional)
        return -EINVAL;
    memcpy(host, text, host_length);
    host[host_length] = '\0';
    if (host_length > 0 &&
        (address_parse(host, &endpoint.address) < 0 || !address_is_ipv4(&endpoint.address)))
        return -EINVAL;
    *out = endpoint;
    return 0;
}
