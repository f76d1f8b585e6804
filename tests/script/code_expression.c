/* Expressions of code blocks, by descent from the operator that binds least. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "script/code.h"

enum { MEMBERS_MAX = 64 };

static struct value value_float(double number)
{
    return (struct value){.kind = VALUE_FLOAT, .number = number};
}

static struct value value_string(const char *text)
{
    return (struct value){.kind = VALUE_TEXT, .text = text};
}

static bool is_number(const struct value *value)
{
    return value->kind == VALUE_INTEGER || value->kind == VALUE_FLOAT;
}

struct value value_tuple(struct code *code, const struct value *items, size_t count)
{
    struct value *copy = arena_take(code->run->arena, (count + 1) * sizeof *copy);
    if (count)
        memcpy(copy, items, count * sizeof *copy);
    return (struct value){.kind = VALUE_TUPLE, .items = copy, .count = count};
}

/* Values up to the closing parenthesis; whether a comma makes a tuple of them. */
static size_t read_members(struct code *code, struct value members[MEMBERS_MAX], bool *comma)
{
    size_t count = 0;
    *comma = false;
    code->depth++;
    while (!code->run->problem->text && !code_accept(code, ")")) {
        members[count++] = code_expression(code);
        if (code_accept(code, ",") && count < MEMBERS_MAX) {
            *comma = true;
            continue;
        }
        if (!code_accept(code, ")"))
            code_fail(code, "expected , or ) at: %.40s", code->next);
        break;
    }
    code->depth--;
    return count;
}

static struct value read_number(struct code *code)
{
    char *end = NULL;
    long long integer = strtoll(code->next, &end, 0);
    if (*end == '.' || *end == 'e') {
        double number = strtod(code->next, &end);
        code->next = end;
        return value_float(number);
    }
    code->next = end;
    return value_integer(integer);
}

static struct value read_string(struct code *code)
{
    char quote = *code->next++;
    const char *start = code->next;
    while (*code->next && *code->next != quote)
        code->next++;
    size_t length = (size_t)(code->next - start);
    if (*code->next)
        code->next++;
    return value_string(arena_text(code->run->arena, start, length));
}

static struct value read_atom(struct code *code)
{
    struct value members[MEMBERS_MAX];
    bool comma = false;
    if (code_accept(code, "(")) {
        size_t count = read_members(code, members, &comma);
        return count == 1 && !comma ? members[0] : value_tuple(code, members, count);
    }
    if (isdigit((unsigned char)*code->next) || *code->next == '.')
        return read_number(code);
    if (*code->next == '"' || *code->next == '\'')
        return read_string(code);
    const char *name = code_word(code);
    if (name == NULL) {
        code_fail(code, "expected a value at: %.40s", code->next);
        return value_integer(0);
    }
    if (code_accept(code, "(")) {
        size_t count = read_members(code, members, &comma);
        return code_call(code, name, members, count);
    }
    return code_name(code, name);
}

static struct value read_unary(struct code *code)
{
    bool minus = code_accept(code, "-");
    bool invert = !minus && code_accept(code, "~");
    if (!minus && !invert && !code_accept(code, "+"))
        return read_atom(code);
    struct value value = read_unary(code);
    if (!is_number(&value) || (invert && value.kind != VALUE_INTEGER))
        code_fail(code, "this needs a number");
    if (value.kind == VALUE_FLOAT)
        return value_float(minus ? -value.number : value.number);
    return value_integer(minus ? -value.integer : invert ? ~value.integer : value.integer);
}

/* ── Binary operators ── */

static int64_t floor_divide(int64_t a, int64_t b)
{
    int64_t quotient = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

static struct value calculate_integers(struct code *code, const char *symbol, int64_t a, int64_t b)
{
    if ((*symbol == '/' || *symbol == '%') && b == 0) {
        code_fail(code, "division by zero");
        return value_integer(0);
    }
    if (strcmp(symbol, "/") == 0)
        return value_float((double)a / (double)b);
    switch (*symbol) {
    case '+':
        return value_integer(a + b);
    case '-':
        return value_integer(a - b);
    case '*':
        return value_integer(a * b);
    case '/':
        return value_integer(floor_divide(a, b));
    case '%':
        return value_integer(a - b * floor_divide(a, b));
    case '|':
        return value_integer(a | b);
    case '^':
        return value_integer(a ^ b);
    case '&':
        return value_integer(a & b);
    case '<':
        return value_integer((int64_t)((uint64_t)a << (b & 63)));
    default:
        return value_integer(a >> (b & 63));
    }
}

static struct value calculate_floats(struct code *code, const char *symbol, double a, double b)
{
    switch (*symbol) {
    case '+':
        return value_float(a + b);
    case '-':
        return value_float(a - b);
    case '*':
        return value_float(a * b);
    case '/':
        if (b == 0)
            code_fail(code, "division by zero");
        return value_float(symbol[1] ? floor(a / b) : a / b);
    default:
        code_fail(code, "%s is not for floats", symbol);
        return value_float(0);
    }
}

/* "%d of %d" % (1, 2), for messages: each %… is the next value. */
static struct value format_text(struct code *code, const struct value *format,
                                const struct value *values)
{
    struct arena *arena = code->run->arena;
    const char *text = "";
    size_t used = 0;
    for (const char *c = format->text; *c; c++) {
        bool tuple = values->kind == VALUE_TUPLE;
        const struct value *value = tuple && used < values->count ? &values->items[used] : values;
        if (*c == '%' && c[1]) {
            c++;
            used += *c != '%';
            text = arena_format(arena, "%s%s", text, *c == '%' ? "%" : value_text(value, arena));
        } else {
            text = arena_format(arena, "%s%c", text, *c);
        }
    }
    return value_string(text);
}

static struct value calculate(struct code *code, const char *symbol, struct value a, struct value b)
{
    if (a.kind == VALUE_TEXT && strcmp(symbol, "%") == 0)
        return format_text(code, &a, &b);
    if (a.kind == VALUE_TEXT && b.kind == VALUE_TEXT && strcmp(symbol, "+") == 0)
        return value_string(arena_format(code->run->arena, "%s%s", a.text, b.text));
    if (!is_number(&a) || !is_number(&b)) {
        code_fail(code, "%s needs numbers", symbol);
        return value_integer(0);
    }
    if (a.kind == VALUE_INTEGER && b.kind == VALUE_INTEGER)
        return calculate_integers(code, symbol, a.integer, b.integer);
    return calculate_floats(code, symbol, a.number, b.number);
}

/* Operators in the order of their binding, those that bind least first. Where one begins with
 * another, the longer stands first. */
static const char *const symbols[][5] = {
    {"|"}, {"^"}, {"&"}, {"<<", ">>"}, {"+", "-"}, {"*", "//", "/", "%"},
};

enum { LEVELS = sizeof symbols / sizeof *symbols };

static const char *accept_symbol(struct code *code, int level)
{
    for (int i = 0; symbols[level][i]; i++)
        if (code_accept(code, symbols[level][i]))
            return symbols[level][i];
    return NULL;
}

static struct value read_binary(struct code *code, int level)
{
    if (level == LEVELS)
        return read_unary(code);
    struct value value = read_binary(code, level + 1);
    for (const char *symbol; (symbol = accept_symbol(code, level)) != NULL;)
        value = calculate(code, symbol, value, read_binary(code, level + 1));
    return value;
}

/* ── Comparisons and logic ── */

static bool equal(const struct value *a, const struct value *b)
{
    if (is_number(a) && is_number(b))
        return a->kind == VALUE_INTEGER && b->kind == VALUE_INTEGER ? a->integer == b->integer
                                                                    : a->number == b->number;
    if (a->kind != b->kind || a->count != b->count)
        return false;
    if (a->kind == VALUE_TEXT)
        return strcmp(a->text, b->text) == 0;
    for (size_t i = 0; i < a->count; i++)
        if (!equal(&a->items[i], &b->items[i]))
            return false;
    return true;
}

static bool contains(const struct value *set, const struct value *value)
{
    for (size_t i = 0; i < set->count; i++)
        if (equal(&set->items[i], value))
            return true;
    return false;
}

static int order(struct code *code, const struct value *a, const struct value *b)
{
    if (!is_number(a) || !is_number(b))
        code_fail(code, "only numbers have an order");
    if (a->kind == VALUE_INTEGER && b->kind == VALUE_INTEGER)
        return a->integer < b->integer ? -1 : a->integer > b->integer;
    return a->number < b->number ? -1 : a->number > b->number;
}

static const char *const comparisons[] = {"==", "!=", "<=", ">=", "<", ">", "in", "not in", NULL};

static const char *accept_comparison(struct code *code)
{
    for (int i = 0; comparisons[i]; i++)
        if (code_accept(code, comparisons[i]))
            return comparisons[i];
    return NULL;
}

static bool compare(struct code *code, const char *symbol, const struct value *a,
                    const struct value *b)
{
    if (strcmp(symbol, "==") == 0)
        return equal(a, b);
    if (strcmp(symbol, "!=") == 0)
        return !equal(a, b);
    if (strcmp(symbol, "in") == 0 || *symbol == 'n')
        return contains(b, a) == (*symbol == 'i');
    int sign = order(code, a, b);
    if (symbol[1] == '=' && sign == 0)
        return true;
    return *symbol == '<' ? sign < 0 : sign > 0;
}

/* a < b < c is a < b and b < c. */
static struct value read_comparison(struct code *code)
{
    struct value left = read_binary(code, 0);
    const char *symbol = accept_comparison(code);
    if (symbol == NULL)
        return left;
    bool all = true;
    for (; symbol; symbol = accept_comparison(code)) {
        struct value right = read_binary(code, 0);
        all = compare(code, symbol, &left, &right) && all;
        left = right;
    }
    return value_integer(all);
}

static struct value read_not(struct code *code)
{
    if (!code_accept(code, "not"))
        return read_comparison(code);
    struct value value = read_not(code);
    return value_integer(!value_truth(&value));
}

static struct value read_and(struct code *code)
{
    struct value value = read_not(code);
    while (code_accept(code, "and")) {
        struct value right = read_not(code);
        value = value_truth(&value) ? right : value;
    }
    return value;
}

static struct value read_or(struct code *code)
{
    struct value value = read_and(code);
    while (code_accept(code, "or")) {
        struct value right = read_and(code);
        value = value_truth(&value) ? value : right;
    }
    return value;
}

struct value code_expression(struct code *code)
{
    struct value value = read_or(code);
    if (!code_accept(code, "if"))
        return value;
    struct value condition = read_or(code);
    if (!code_accept(code, "else"))
        code_fail(code, "expected else at: %.40s", code->next);
    struct value other = code_expression(code);
    return value_truth(&condition) ? value : other;
}
