/* The stack's settings: data with names, defaults and bounds, never #if. Each is read when it is
 * used, or, where its text says so, when a connection is made. */
#ifndef TERN_CORE_SETTING_H
#define TERN_CORE_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 128 bits, in the order in which the text has them. */
struct setting_key {
    uint32_t words[4];
};

struct settings {
#define SETTING(field, name, initial, least, most, text) int64_t field;
#define SETTING_WORD(field, name, initial, words, text)  int64_t field;
#define SETTING_KEY(field, name, text)                   struct setting_key field;
#include "core/setting.def"
#undef SETTING
#undef SETTING_WORD
#undef SETTING_KEY
};

void settings_init(struct settings *settings);
/* Sets by name from text: 0, -ENOENT (no such name), -EINVAL (no number or unknown
 * word), -ERANGE. */
int setting_set(struct settings *settings, const char *name, const char *value);
/* Whether the settings agree with each other: 0, or -EINVAL, and a sentence that names the two that
 * do not. */
int settings_check(const struct settings *settings, char *text, size_t size);
/* Writes the value as text: 0, -ENOENT, -ENOSPC. */
int setting_get(const struct settings *settings, const char *name, char *text, size_t size);
/* The index-th setting's name, or NULL past the last; `text` (may be NULL) receives
 * what it means. */
const char *setting_name(size_t index, const char **text);
/* Writes what values it takes, for a person to read: 0, -ENOENT, -ENOSPC. */
int setting_values(const char *name, char *text, size_t size);

#endif
