/* What code blocks are written in: a little of Python.
 *
 * Statements end with a line or a semicolon: `assert CONDITION[, MESSAGE]`, `NAME = VALUE`, `pass`,
 * and `print(…)`, which is shown by --verbose. Values are integers, floats, texts and tuples;
 * operators are Python's, with its precedence, chained comparisons and `A if C else B` included;
 * functions are abs, min, max, len, int, and counter("Name") for one of tern's counters. */
#ifndef SCRIPT_CODE_H
#define SCRIPT_CODE_H

#include "script/run.h"

enum value_kind { VALUE_NONE, VALUE_INTEGER, VALUE_FLOAT, VALUE_TEXT, VALUE_TUPLE };

struct value {
    enum value_kind kind;
    int64_t integer;
    double number;
    const char *text;
    const struct value *items;
    size_t count;
};

/* A name that a block has given a value. */
struct variable {
    struct variable *next;
    const char *name;
    struct value value;
};

/* One text under evaluation. */
struct code {
    struct run *run;
    int line;
    const char *next;
    int depth;               /* of parentheses, within which lines do not end statements */
    struct variable *looked; /* the names that were looked up, and what they were */
};

/* Evaluates what stands at `next`; sets the problem when it cannot. */
struct value code_expression(struct code *code);
/* Both: of names, and of what a name or function comes to. */
struct value code_name(struct code *code, const char *name);
struct value code_call(struct code *code, const char *name, const struct value *arguments,
                       size_t count);

void code_fail(struct code *code, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Takes the text if it comes next, as a whole word where it is one. */
bool code_accept(struct code *code, const char *text);
const char *code_word(struct code *code);
bool value_truth(const struct value *value);
const char *value_text(const struct value *value, struct arena *arena);

struct value value_tuple(struct code *code, const struct value *items, size_t count);

static inline struct value value_integer(int64_t integer)
{
    return (struct value){.kind = VALUE_INTEGER, .integer = integer, .number = (double)integer};
}

#endif
