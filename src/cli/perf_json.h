/* Reading JSON where it stands: a value is a pointer to its first character, and members are found
 * by walking over what is before them. Nothing is allocated, nothing is kept, and a text that is
 * not JSON ends a walk early; it must be terminated. (RFC 8259, but for what is inside of strings:
 * keys are compared as they are written.) */
#ifndef TERN_CLI_PERF_JSON_H
#define TERN_CLI_PERF_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The value of a member of the object at `object`; NULL when there is none. */
const char *json_member(const char *object, const char *key);
/* The first value of the array at `array`, and the one after `value`; NULL when there is none. */
const char *json_first(const char *array);
const char *json_next(const char *value);

/* Members of an object by their kind; `otherwise` when there is none of this kind. A number that
 * is beyond a double's range is infinite. A count is what is left of a number without its sign and
 * fraction: 0 for a negative one, UINT64_MAX at most. */
double json_number(const char *object, const char *key, double otherwise);
uint64_t json_count(const char *object, const char *key, uint64_t otherwise);
bool json_true(const char *object, const char *key);
/* A string that is a name: of letters, digits, '_' and '-', at least one and fewer than `size`.
 * False, and nothing in `name`, when there is no such member or it is something else. */
bool json_name(const char *object, const char *key, char *name, size_t size);

#endif
