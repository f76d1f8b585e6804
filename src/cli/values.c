#include "cli/values.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/time.h"

int value_wrong(struct tern_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error->code = EINVAL;
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* Reads the digits at `*text` and moves past them; what 64 bits do not hold is their largest
 * number. False when there are none. */
static bool digits_read(const char **text, uint64_t *out)
{
    const char *at = *text;
    uint64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
    }
    if (at == *text)
        return false;
    *text = at;
    *out = value;
    return true;
}

int value_number(const char *what, const char *text, uint64_t least, uint64_t most, uint64_t *out,
                 struct tern_error *error)
{
    const char *rest = text;
    uint64_t value;
    if (!digits_read(&rest, &value) || *rest || value < least || value > most)
        return value_wrong(error, "%s '%.40s' is not a number from %llu to %llu", what, text,
                           (unsigned long long)least, (unsigned long long)most);
    *out = value;
    return 0;
}

int value_seconds(const char *what, const char *text, unsigned most, uint64_t *out_ns,
                  struct tern_error *error)
{
    const char *rest = text;
    uint64_t whole = 0, fraction_ns = 0;
    bool good = *rest == '.' || (digits_read(&rest, &whole) && whole <= most);
    if (good && *rest == '.') {
        rest++;
        good = *rest >= '0' && *rest <= '9';
        for (uint64_t unit = TIME_S(1) / 10; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
            fraction_ns += (uint64_t)(*rest - '0') * unit;
    }
    uint64_t value = TIME_S(whole) + fraction_ns;
    if (!good || *rest || value > TIME_S(most))
        return value_wrong(error, "%s '%.40s' is not a number of seconds up to %u, like 2 or 0.25",
                           what, text, most);
    *out_ns = value;
    return 0;
}

int value_scaled(const char *what, const char *text, uint64_t kilo, uint64_t least, uint64_t most,
                 uint64_t *out, struct tern_error *error)
{
    static const char prefixes[] = "kmgt";
    const char *rest = text;
    uint64_t value = 0, unit = 1;
    bool good = digits_read(&rest, &value);
    const char *prefix = *rest ? strchr(prefixes, *rest | 0x20) : NULL;
    for (; prefix && prefix >= prefixes; prefix--)
        unit *= kilo;
    if (unit > 1)
        rest++;
    if (!good || *rest)
        return value_wrong(error, "%s '%.40s' is not a number like 500k, 100M or 2G", what, text);
    if (value > most / unit || value * unit < least)
        return value_wrong(error, "%s '%.40s' is not from %llu to %llu", what, text,
                           (unsigned long long)least, (unsigned long long)most);
    *out = value * unit;
    return 0;
}

int value_port(const char *text, uint16_t *out, struct tern_error *error)
{
    uint64_t value = 0;
    int result = value_number("port", text, 1, UINT16_MAX, &value, error);
    if (result == 0)
        *out = (uint16_t)value;
    return result;
}

int value_host(const char *what, const char *text, struct sockaddr_in *out,
               struct tern_error *error)
{
    struct address address;
    bool is_address = address_parse(text, &address) == 0;
    if (!is_address || !address_is_ipv4(&address))
        return value_wrong(error, "%s '%.60s' is %s", what, text,
                           is_address ? "an IPv6 address, and tern speaks only IPv4 yet"
                                      : "not an IPv4 address like 10.0.0.2 (names are not looked "
                                        "up)");
    *out = (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(address_to_ipv4(&address))};
    return 0;
}

int value_endpoint(const char *text, struct sockaddr_in *out, struct tern_error *error)
{
    char host[ADDRESS_TEXT_MAX];
    const char *colon = strrchr(text, ':');
    if (!colon)
        return value_wrong(error, "'%.60s' has no port; write it as 10.0.0.2:8000", text);
    size_t length = (size_t)(colon - text);
    if (length >= sizeof host)
        return value_wrong(error, "'%.60s' is not an IPv4 address and a port like 10.0.0.2:8000",
                           text);
    memcpy(host, text, length);
    host[length] = '\0';

    uint16_t port = 0;
    int result = value_host("host", host, out, error);
    if (result == 0)
        result = value_port(colon + 1, &port, error);
    if (result == 0)
        out->sin_port = htons(port);
    return result;
}

int value_cidr(const char *what, const char *text, struct tern_error *error)
{
    struct address address;
    unsigned bits;
    if (address_parse_prefix(text, &address, &bits) < 0 || !address_is_ipv4(&address) || bits < 1 ||
        bits > 31)
        return value_wrong(
            error,
            "%s '%.60s' is not an IPv4 address and its prefix's length, 1 to 31, like "
            "10.0.0.3/24",
            what, text);
    return 0;
}

char *endpoint_format(const struct sockaddr_in *endpoint, char text[ENDPOINT_TEXT_MAX])
{
    uint32_t host = ntohl(endpoint->sin_addr.s_addr);
    snprintf(text, ENDPOINT_TEXT_MAX, "%u.%u.%u.%u:%u", host >> 24, host >> 16 & 255,
             host >> 8 & 255, host & 255, ntohs(endpoint->sin_port));
    return text;
}
