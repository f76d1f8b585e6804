#include "script/code.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void code_fail(struct code *code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    run_fail(code->run, code->line, "%s", arena_vformat(code->run->arena, format, arguments));
    va_end(arguments);
}

/* ── Text ── */

static void skip_blank(struct code *code)
{
    for (;;) {
        char c = *code->next;
        if (c == ' ' || c == '\t' || c == '\r' || (c == '\n' && code->depth > 0)) {
            code->line += c == '\n';
            code->next++;
        } else if (c == '\\' && code->next[1] == '\n') {
            code->line++;
            code->next += 2;
        } else if (c == '#') {
            code->next += strcspn(code->next, "\n");
        } else {
            return;
        }
    }
}

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

bool code_accept(struct code *code, const char *text)
{
    size_t length = strlen(text);
    skip_blank(code);
    if (strncmp(code->next, text, length) != 0 || (is_name(*text) && is_name(code->next[length])))
        return false;
    code->next += length;
    return true;
}

const char *code_word(struct code *code)
{
    skip_blank(code);
    const char *start = code->next;
    if (isdigit((unsigned char)*start))
        return NULL;
    while (is_name(*code->next))
        code->next++;
    size_t length = (size_t)(code->next - start);
    return length ? arena_text(code->run->arena, start, length) : NULL;
}

/* ── Values ── */

bool value_truth(const struct value *value)
{
    switch (value->kind) {
    case VALUE_NONE:
        return false;
    case VALUE_INTEGER:
        return value->integer != 0;
    case VALUE_FLOAT:
        return value->number != 0;
    case VALUE_TEXT:
        return *value->text != '\0';
    case VALUE_TUPLE:
        return value->count != 0;
    }
    return false;
}

const char *value_text(const struct value *value, struct arena *arena)
{
    const char *text = "None";
    if (value->kind == VALUE_INTEGER)
        return arena_format(arena, "%lld", (long long)value->integer);
    if (value->kind == VALUE_FLOAT)
        return arena_format(arena, "%g", value->number);
    if (value->kind == VALUE_TEXT)
        return value->text;
    for (size_t i = 0; i < value->count; i++)
        text = arena_format(arena, "%s%s%s", i ? text : "", i ? ", " : "",
                            value_text(&value->items[i], arena));
    return value->kind == VALUE_TUPLE ? arena_format(arena, "(%s)", value->count ? text : "")
                                      : text;
}

/* ── Statements ── */

static const char *quote(const struct code *code, const char *start)
{
    size_t length = (size_t)(code->next - start);
    while (length && isspace((unsigned char)start[length - 1]))
        length--;
    return arena_text(code->run->arena, start, length);
}

static void run_assert(struct code *code)
{
    struct arena *arena = code->run->arena;
    skip_blank(code);
    const char *start = code->next;
    int line = code->line;
    code->looked = NULL;
    struct value condition = code_expression(code);
    const char *text = quote(code, start);
    const char *values = "";
    for (const struct variable *v = code->looked; v; v = v->next)
        values =
            arena_format(arena, "\n    %s = %s%s", v->name, value_text(&v->value, arena), values);
    const char *message = "";
    if (code_accept(code, ",")) {
        struct value said = code_expression(code);
        message = arena_format(arena, "\n    says: %s", value_text(&said, arena));
    }
    if (!code->run->problem->text && !value_truth(&condition))
        run_fail(code->run, line, "assert %s%s%s", text, values, message);
}

static void assign(struct code *code, const char *name, struct value value)
{
    struct variable *v = code->run->variables;
    while (v && strcmp(v->name, name) != 0)
        v = v->next;
    if (v == NULL) {
        v = arena_take(code->run->arena, sizeof *v);
        v->name = name;
        v->next = code->run->variables;
        code->run->variables = v;
    }
    v->value = value;
}

static void run_statement(struct code *code)
{
    if (code_accept(code, "assert")) {
        run_assert(code);
        return;
    }
    const char *start = code->next;
    const char *name = code_word(code);
    if (name && strcmp(name, "pass") == 0)
        return;
    if (name && !code_accept(code, "==") && code_accept(code, "=")) {
        assign(code, name, code_expression(code));
        return;
    }
    code->next = start;
    struct value value = code_expression(code);
    if (code->run->config->verbose && value.kind != VALUE_NONE)
        printf("%10.6f %s\n", seconds(code->run->now_ns), value_text(&value, code->run->arena));
}

void code_perform(struct run *run, const char *text, int line)
{
    struct code code = {.run = run, .line = line, .next = text};
    for (;;) {
        skip_blank(&code);
        if (*code.next == '\0' || run->problem->text)
            return;
        if (*code.next == '\n' || *code.next == ';') {
            code.line += *code.next == '\n';
            code.next++;
            continue;
        }
        run_statement(&code);
        skip_blank(&code);
        if (*code.next && *code.next != '\n' && *code.next != ';')
            code_fail(&code, "cannot read the code from here on: %s", code.next);
    }
}
