#include "cli/perf_json.h"

#include <stdlib.h>
#include <string.h>

static const char *space_skip(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* Past the string whose quote is at `at`; NULL when it does not end. */
static const char *string_skip(const char *at)
{
    for (at++; *at && *at != '"'; at++)
        if (*at == '\\' && !*++at)
            return NULL;
    return *at ? at + 1 : NULL;
}

/* Past an object or an array: to where as many brackets are closed as were opened. */
static const char *brackets_skip(const char *at)
{
    unsigned depth = 0;
    while (at && *at) {
        if (*at == '"') {
            at = string_skip(at);
            continue;
        }
        if (*at == '{' || *at == '[')
            depth++;
        if ((*at == '}' || *at == ']') && --depth == 0)
            return at + 1;
        at++;
    }
    return NULL;
}

static const char *value_skip(const char *at)
{
    if (*at == '"')
        return string_skip(at);
    if (*at == '{' || *at == '[')
        return brackets_skip(at);
    size_t length = strcspn(at, ",]} \t\r\n");
    return length ? at + length : NULL;
}

static bool key_is(const char *quoted, const char *end, const char *key)
{
    size_t length = (size_t)(end - quoted) - 2;
    return strlen(key) == length && memcmp(quoted + 1, key, length) == 0;
}

const char *json_member(const char *object, const char *key)
{
    const char *at = object ? space_skip(object) : "";
    if (*at != '{')
        return NULL;
    do {
        const char *name = space_skip(at + 1);
        const char *end = *name == '"' ? string_skip(name) : NULL;
        at = end ? space_skip(end) : "";
        if (*at != ':')
            return NULL;
        at = space_skip(at + 1);
        if (key_is(name, end, key))
            return at;
        at = value_skip(at);
        at = at ? space_skip(at) : "";
    } while (*at == ',');
    return NULL;
}

const char *json_first(const char *array)
{
    const char *at = array ? space_skip(array) : "";
    if (*at != '[')
        return NULL;
    at = space_skip(at + 1);
    return *at && *at != ']' ? at : NULL;
}

const char *json_next(const char *value)
{
    const char *at = value_skip(value);
    at = at ? space_skip(at) : "";
    return *at == ',' ? space_skip(at + 1) : NULL;
}

double json_number(const char *object, const char *key, double otherwise)
{
    const char *value = json_member(object, key);
    const char *digits = value && *value == '-' ? value + 1 : value;
    if (!digits || *digits < '0' || *digits > '9')
        return otherwise;
    return strtod(value, NULL);
}

uint64_t json_count(const char *object, const char *key, uint64_t otherwise)
{
    double number = json_number(object, key, -0.5);
    if (number == -0.5)
        return otherwise;
    if (number <= 0)
        return 0;
    return number < 18446744073709551615.0 ? (uint64_t)number : UINT64_MAX;
}

bool json_true(const char *object, const char *key)
{
    const char *value = json_member(object, key);
    return value && strncmp(value, "true", 4) == 0;
}

bool json_name(const char *object, const char *key, char *name, size_t size)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const char *value = json_member(object, key);
    name[0] = 0;
    if (!value || *value != '"')
        return false;
    size_t length = strspn(value + 1, letters);
    if (length == 0 || length >= size || value[1 + length] != '"')
        return false;
    memcpy(name, value + 1, length);
    name[length] = 0;
    return true;
}
