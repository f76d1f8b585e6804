/* The text form of a fault profile: name=value, separated by commas. */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/limits.h"
#include "link/error.h"
#include "link/fault.h"

struct unit {
    const char *name;
    double factor;
};

/* The most that a value may be keeps all sums of times within 64 bits. */
static const double delay_max_ns = 60e9;
static const double rate_max_bits = 1e12;

/* Reads "12.5" from the front of `text` (locale or not), and says where it ends; NULL when there is
 * no number. */
static const char *read_number(const char *text, double *out)
{
    double value = 0, place = 1;
    const char *start = text;
    for (; isdigit((unsigned char)*text); text++)
        value = value * 10 + (*text - '0');
    if (text == start)
        return NULL;
    if (*text == '.')
        for (text++; isdigit((unsigned char)*text); text++)
            value += (*text - '0') * (place /= 10);
    *out = value;
    return text;
}

/* Reads a number and one of the units: false when it is something else. */
static bool read_quantity(const char *text, const struct unit *units, double *out)
{
    const char *end = read_number(text, out);
    if (!end)
        return false;
    for (; units->name; units++) {
        if (strcmp(end, units->name) == 0) {
            *out *= units->factor;
            return true;
        }
    }
    return false;
}

static const char *read_probability(const char *text, double *out)
{
    static const struct unit units[] = {{"%", 0.01}, {"", 1}, {NULL, 0}};
    if (!read_quantity(text, units, out) || *out > 1)
        return "a probability from 0% to 100%, as 5% or 0.05";
    return NULL;
}

static const char *read_time(const char *text, uint64_t *out)
{
    static const struct unit units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {NULL, 0}};
    double ns;
    if (!read_quantity(text, units, &ns) || ns > delay_max_ns)
        return "a time of at most 60s with its unit (ns, us, ms, s), as 20ms";
    *out = (uint64_t)(ns + 0.5);
    return NULL;
}

static const char *read_rate(const char *text, uint64_t *out)
{
    static const struct unit units[] = {
        {"bit", 1}, {"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}, {NULL, 0}};
    double bits;
    if (!read_quantity(text, units, &bits) || bits < 1 || bits > rate_max_bits)
        return "bits a second with their unit (bit, kbit, mbit, gbit), as 100mbit";
    *out = (uint64_t)bits;
    return NULL;
}

static const char *read_whole(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
    uint64_t value = 0;
    const char *next = text;
    for (; isdigit((unsigned char)*next); next++)
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*next - '0'), &value))
            return "a number below 2^64";
    if (next == text || *next != '\0' || value < least || value > most)
        return "a whole number in its bounds";
    *out = value;
    return NULL;
}

static const char *read_queue(const char *text, uint32_t *out)
{
    uint64_t packets;
    if (read_whole(text, 1, LIMIT_FAULT_PACKETS, &packets))
        return "a number of packets from 1 to 65536, as 1000";
    *out = (uint32_t)packets;
    return NULL;
}

static const char *read_seed(const char *text, uint64_t *out)
{
    return read_whole(text, 0, UINT64_MAX, out) ? "a whole number below 2^64, as 7" : NULL;
}

/* Sets one part: NULL, or what its value must be. */
static const char *profile_set(struct fault_profile *profile, const char *name, const char *value)
{
    if (strcmp(name, "loss") == 0)
        return read_probability(value, &profile->loss);
    if (strcmp(name, "dup") == 0)
        return read_probability(value, &profile->duplicate);
    if (strcmp(name, "reorder") == 0)
        return read_probability(value, &profile->reorder);
    if (strcmp(name, "corrupt") == 0)
        return read_probability(value, &profile->corrupt);
    if (strcmp(name, "ce") == 0)
        return read_probability(value, &profile->mark);
    if (strcmp(name, "delay") == 0)
        return read_time(value, &profile->delay_ns);
    if (strcmp(name, "jitter") == 0)
        return read_time(value, &profile->jitter_ns);
    if (strcmp(name, "rate") == 0)
        return read_rate(value, &profile->rate_bits);
    if (strcmp(name, "queue") == 0)
        return read_queue(value, &profile->queue_packets);
    if (strcmp(name, "seed") == 0)
        return read_seed(value, &profile->seed);
    return "one of loss, dup, reorder, corrupt, ce, delay, jitter, rate, queue, seed";
}

/* One "name=value", whose copy this takes apart. */
static int part_parse(char *part, struct fault_profile *out, char *error, size_t error_size)
{
    char *equals = strchr(part, '=');
    if (!equals)
        return link_error(error, error_size, EINVAL,
                          "fault \"%s\": name=value is needed, as loss=5%%", part);
    *equals = '\0';
    const char *needed = profile_set(out, part, equals + 1);
    if (needed)
        return link_error(error, error_size, EINVAL, "fault \"%s=%s\": %s is needed", part,
                          equals + 1, needed);
    return 0;
}

int fault_profile_parse(const char *text, struct fault_profile *out, char *error, size_t error_size)
{
    enum { PART_MAX = 64 };
    *out = (struct fault_profile){0};
    for (;;) {
        char part[PART_MAX];
        size_t length = strcspn(text, ",");
        if (length >= sizeof part)
            return link_error(error, error_size, EINVAL, "fault \"%.*s…\": that is too long",
                              PART_MAX / 2, text);
        memcpy(part, text, length);
        part[length] = '\0';
        int result = part_parse(part, out, error, error_size);
        text += length;
        if (*text == ',')
            text++;
        if (result < 0 || *text == '\0')
            return result;
    }
}
