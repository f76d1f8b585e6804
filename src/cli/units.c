#include "cli/units.h"

#include <stdio.h>
#include <time.h>

#include "base/time.h"

static char *units_write(double value, const char *suffix, char text[UNITS_TEXT_MAX])
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T", "P", "E"};
    size_t prefix = 0;
    /* 999.95 would print as 1000.0 */
    while (value >= (prefix ? 999.95 : 999.5) && prefix + 1 < sizeof prefixes / sizeof *prefixes) {
        value /= 1000;
        prefix++;
    }
    snprintf(text, UNITS_TEXT_MAX, "%.*f %s%s", prefix ? 1 : 0, value, prefixes[prefix], suffix);
    return text;
}

char *units_bytes(uint64_t bytes, char text[UNITS_TEXT_MAX])
{
    return units_write((double)bytes, "B", text);
}

char *units_rate(uint64_t bytes, uint64_t elapsed_ns, char text[UNITS_TEXT_MAX])
{
    if (elapsed_ns == 0) {
        snprintf(text, UNITS_TEXT_MAX, "-");
        return text;
    }
    return units_write((double)bytes * (double)TIME_S(1) / (double)elapsed_ns, "B/s", text);
}

char *units_bit_rate(uint64_t bytes, uint64_t elapsed_ns, char text[UNITS_TEXT_MAX])
{
    static const char *const prefixes[] = {"k", "M", "G"};
    double value = elapsed_ns ? 8e9 * (double)bytes / (double)elapsed_ns / 1000 : 0;
    size_t prefix = 0;
    while (value >= 999.995 && prefix + 1 < sizeof prefixes / sizeof *prefixes) {
        value /= 1000;
        prefix++;
    }
    snprintf(text, UNITS_TEXT_MAX, "%.2f %sbit/s", value, prefixes[prefix]);
    return text;
}

char *units_seconds(uint64_t ns, char text[UNITS_TEXT_MAX])
{
    snprintf(text, UNITS_TEXT_MAX, "%.3f", (double)ns / (double)TIME_S(1));
    return text;
}

uint64_t stopwatch_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return TIME_S(now.tv_sec) + (uint64_t)now.tv_nsec;
}
