#include "core/setting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "core/words.h"

enum setting_kind { SETTING_KIND_NUMBER, SETTING_KIND_WORD, SETTING_KIND_KEY };

static const struct setting {
    enum setting_kind kind;
    const char *name;
    const char *text;
    const char *words; /* "one|two|three"; NULL for a number */
    size_t offset;     /* in struct settings */
    int64_t initial;
    int64_t least;
    int64_t most;
} table[] = {
#define SETTING(field, name, initial, least, most, text) \
    {SETTING_KIND_NUMBER, name, text, NULL, offsetof(struct settings, field), initial, least, most},
#define SETTING_WORD(field, name, initial, words, text) \
    {SETTING_KIND_WORD, name, text, words, offsetof(struct settings, field), initial, 0, 0},
#define SETTING_KEY(field, name, text) \
    {SETTING_KIND_KEY, name, text, NULL, offsetof(struct settings, field), 0, 0, 0},
#include "core/setting.def"
#undef SETTING
#undef SETTING_WORD
#undef SETTING_KEY
};

enum { SETTINGS = sizeof table / sizeof table[0] };

static const struct setting *setting_find(const char *name)
{
    for (size_t i = 0; i < SETTINGS; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

static int64_t *setting_field(struct settings *settings, const struct setting *setting)
{
    return (int64_t *)(void *)((char *)settings + setting->offset);
}

void settings_init(struct settings *settings)
{
    memset(settings, 0, sizeof *settings);
    for (size_t i = 0; i < SETTINGS; i++) {
        if (table[i].kind != SETTING_KIND_KEY)
            *setting_field(settings, &table[i]) = table[i].initial;
    }
}

/* A whole decimal number that fills all of `text`: 0, -EINVAL or -ERANGE. */
static int number_parse(const char *text, int64_t *out)
{
    const char *digits = *text == '-' ? text + 1 : text;
    if (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0')
        return -EINVAL;
    errno = 0;
    *out = strtoll(text, NULL, 10);
    return errno == ERANGE ? -ERANGE : 0;
}

/* Up to eight hexadecimal digits; moves `*text` past them. */
static int word_parse(const char **text, uint32_t *out)
{
    size_t digits = strspn(*text, "0123456789abcdefABCDEF");
    if (digits == 0 || digits > 8)
        return -EINVAL;
    *out = (uint32_t)strtoul(*text, NULL, 16);
    *text += digits;
    return 0;
}

/* Four words with dashes between them, as Linux writes its tcp_fastopen_key. */
static int key_parse(const char *text, struct setting_key *out)
{
    struct setting_key key;
    for (size_t i = 0; i < 4; i++) {
        if (i > 0 && *text++ != '-')
            return -EINVAL;
        if (word_parse(&text, &key.words[i]) < 0)
            return -EINVAL;
    }
    if (*text != '\0')
        return -EINVAL;
    *out = key;
    return 0;
}

static int key_format(const struct setting_key *key, char *text, size_t size)
{
    int length = snprintf(text, size, "%08x-%08x-%08x-%08x", key->words[0], key->words[1],
                          key->words[2], key->words[3]);
    return length < 0 || (size_t)length >= size ? -ENOSPC : 0;
}

int setting_set(struct settings *settings, const char *name, const char *value)
{
    const struct setting *setting = setting_find(name);
    if (!setting)
        return -ENOENT;
    if (setting->kind == SETTING_KIND_KEY)
        return key_parse(value, (struct setting_key *)(void *)((char *)settings + setting->offset));
    int64_t number;
    if (setting->words) {
        number = words_find(setting->words, value);
        if (number < 0)
            return -EINVAL;
    } else {
        int error = number_parse(value, &number);
        if (error)
            return error;
        if (number < setting->least || number > setting->most)
            return -ERANGE;
    }
    *setting_field(settings, setting) = number;
    return 0;
}

static int64_t number_of(const struct settings *settings, const char *name)
{
    int64_t value;
    memcpy(&value, (const char *)settings + setting_find(name)->offset, sizeof value);
    return value;
}

/* The first of two may not be above the second. */
static const struct {
    const char *lower, *upper;
} ordered[] = {
    {"ip.port_first", "ip.port_last"},  {"memory.low", "memory.pressure"},
    {"memory.pressure", "memory.high"}, {"tcp.sndbuf", "tcp.sndbuf_max"},
    {"tcp.rcvbuf", "tcp.rcvbuf_max"},
};

int settings_check(const struct settings *settings, char *text, size_t size)
{
    for (size_t i = 0; i < sizeof ordered / sizeof ordered[0]; i++) {
        int64_t lower = number_of(settings, ordered[i].lower);
        int64_t upper = number_of(settings, ordered[i].upper);
        if (lower <= upper)
            continue;
        snprintf(text, size, "%s=%lld is above %s=%lld: change one of the two", ordered[i].lower,
                 (long long)lower, ordered[i].upper, (long long)upper);
        return -EINVAL;
    }
    return 0;
}

int setting_get(const struct settings *settings, const char *name, char *text, size_t size)
{
    const struct setting *setting = setting_find(name);
    if (!setting)
        return -ENOENT;
    if (setting->kind == SETTING_KIND_KEY)
        return key_format((const void *)((const char *)settings + setting->offset), text, size);
    int64_t value;
    memcpy(&value, (const char *)settings + setting->offset, sizeof value);
    if (setting->words)
        return words_get(setting->words, value, text, size);
    int length = snprintf(text, size, "%lld", (long long)value);
    return length < 0 || (size_t)length >= size ? -ENOSPC : 0;
}

const char *setting_name(size_t index, const char **text)
{
    if (index >= SETTINGS)
        return NULL;
    if (text)
        *text = table[index].text;
    return table[index].name;
}

int setting_values(const char *name, char *text, size_t size)
{
    const struct setting *setting = setting_find(name);
    if (!setting)
        return -ENOENT;
    int length;
    if (setting->kind == SETTING_KIND_KEY)
        length = snprintf(text, size, "four hexadecimal words with dashes between them");
    else if (setting->words)
        length = snprintf(text, size, "one of %s", setting->words);
    else
        length = snprintf(text, size, "a whole number from %lld to %lld", (long long)setting->least,
                          (long long)setting->most);
    return length < 0 || (size_t)length >= size ? -ENOSPC : 0;
}
