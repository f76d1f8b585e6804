#include "cli/services.h"

#include <string.h>

const struct service_facts service_facts[SERVICES] = {
    [SERVICE_ECHO] = {"echo", 7},
    [SERVICE_DISCARD] = {"discard", 9},
    [SERVICE_CHARGEN] = {"chargen", 19},
    [SERVICE_DAYTIME] = {"daytime", 13},
};

int service_find(const char *name, size_t length)
{
    for (int i = 0; i < SERVICES; i++)
        if (strlen(service_facts[i].name) == length &&
            memcmp(service_facts[i].name, name, length) == 0)
            return i;
    return -1;
}

/* Line n is 72 characters of the 95 printable ones, from the n-th on (RFC 864). The whole pattern
 * stands here once for each thread; a datagram is its beginning. */
static const uint8_t *chargen_pattern(void)
{
    static _Thread_local uint8_t pattern[CHARGEN_PERIOD];
    if (pattern[0])
        return pattern;
    for (size_t i = 0; i < sizeof pattern; i++) {
        size_t row = i / CHARGEN_LINE, column = i % CHARGEN_LINE;
        pattern[i] = (uint8_t)(' ' + (row + column) % 95);
        if (column >= CHARGEN_LINE - 2)
            pattern[i] = column == CHARGEN_LINE - 2 ? '\r' : '\n';
    }
    return pattern;
}

const uint8_t *chargen_at(uint64_t position, size_t *length)
{
    size_t offset = position % CHARGEN_PERIOD;
    *length = CHARGEN_PERIOD - offset;
    return chargen_pattern() + offset;
}

size_t daytime_write(time_t now, char text[SERVICE_TEXT_MAX])
{
    struct tm parts;
    return strftime(text, SERVICE_TEXT_MAX, "%A, %B %d, %Y %H:%M:%S-%Z\r\n",
                    localtime_r(&now, &parts));
}

bool service_answer(enum service service, const uint8_t *in, size_t length, time_t now,
                    char text[SERVICE_TEXT_MAX], const uint8_t **out, size_t *out_length)
{
    switch (service) {
    case SERVICE_ECHO:
        *out = in;
        *out_length = length;
        return true;
    case SERVICE_CHARGEN:
        *out = chargen_pattern();
        *out_length = CHARGEN_DATAGRAM;
        return true;
    case SERVICE_DAYTIME:
        *out = (const uint8_t *)text;
        *out_length = daytime_write(now, text);
        return true;
    default:
        return false;
    }
}

bool service_port_loops(uint16_t port)
{
    enum { PORT_QOTD = 17, PORT_TIME = 37 };
    if (port == PORT_QOTD || port == PORT_TIME)
        return true;
    for (int i = 0; i < SERVICES; i++)
        if (service_facts[i].port == port && i != SERVICE_DISCARD)
            return true;
    return false;
}
