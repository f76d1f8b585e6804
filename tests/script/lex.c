#include "script/lex.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct lexer {
    const char *next;
    int line;
    struct definition **definitions;
    struct problem *problem;
    struct token *tokens;
    size_t count;
    size_t room;
};

bool define(struct definition **definitions, struct arena *arena, const char *text)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text)
        return false;
    struct definition *definition = arena_take(arena, sizeof *definition);
    definition->name = arena_text(arena, text, (size_t)(equals - text));
    definition->value = arena_text(arena, equals + 1, strlen(equals + 1));
    while (*definitions)
        definitions = &(*definitions)->next;
    *definitions = definition;
    return true;
}

static const char *definition_find(const struct definition *definition, const char *name)
{
    for (; definition; definition = definition->next)
        if (strcmp(definition->name, name) == 0)
            return definition->value;
    return NULL;
}

static struct token *token_add(struct lexer *l, enum token_kind kind, int line, const char *text,
                               size_t length)
{
    struct arena *arena = l->problem->arena;
    if (l->count == l->room) {
        size_t room = l->room ? 2 * l->room : 256;
        struct token *more = arena_take(arena, room * sizeof *more);
        if (l->count)
            memcpy(more, l->tokens, l->count * sizeof *more);
        l->tokens = more;
        l->room = room;
    }
    struct token *token = &l->tokens[l->count++];
    *token = (struct token){kind, line, arena_text(arena, text, length), 0};
    return token;
}

static void step_over(struct lexer *l, size_t length)
{
    for (; length && *l->next; length--, l->next++)
        if (*l->next == '\n')
            l->line++;
}

/* Whitespace and comments of all three kinds; false at an endless one. */
static bool skip_blank(struct lexer *l)
{
    for (;;) {
        if (isspace((unsigned char)*l->next)) {
            step_over(l, 1);
        } else if (*l->next == '#' || strncmp(l->next, "//", 2) == 0) {
            step_over(l, strcspn(l->next, "\n"));
        } else if (strncmp(l->next, "/*", 2) == 0) {
            const char *end = strstr(l->next + 2, "*/");
            if (end == NULL) {
                problem_set(l->problem, l->line, "a comment without end");
                return false;
            }
            step_over(l, (size_t)(end + 2 - l->next));
        } else {
            return true;
        }
    }
}

/* From an opening quote to its like; a backslash hides the next character, and stays. */
static bool lex_quoted(struct lexer *l, enum token_kind kind)
{
    const char quote = *l->next;
    const char *end = l->next + 1;
    while (*end && *end != quote)
        end += *end == '\\' && end[1] ? 2 : 1;
    if (*end == '\0') {
        problem_set(l->problem, l->line, "a %c without its like", quote);
        return false;
    }
    token_add(l, kind, l->line, l->next + 1, (size_t)(end - l->next - 1));
    step_over(l, (size_t)(end + 1 - l->next));
    return true;
}

static bool lex_code(struct lexer *l)
{
    const char *start = l->next + 2;
    const char *end = strstr(start, "}%");
    if (end == NULL) {
        problem_set(l->problem, l->line, "a %%{ without }%%");
        return false;
    }
    token_add(l, TOKEN_CODE, l->line, start, (size_t)(end - start));
    step_over(l, (size_t)(end + 2 - l->next));
    return true;
}

/* The value, which may have quotes in it, ends at a blank outside of them. */
static void lex_option(struct lexer *l)
{
    const char *start = l->next + 2;
    const char *end = start;
    char quote = '\0';
    for (; *end && (quote || !isspace((unsigned char)*end)); end++) {
        if (quote ? *end == quote : *end == '"' || *end == '`')
            quote = quote ? '\0' : *end;
    }
    struct token *token = token_add(l, TOKEN_OPTION, l->line, start, (size_t)(end - start));
    if (strncmp(token->text, "define=", 7) == 0 &&
        !define(l->definitions, l->problem->arena, token->text + 7))
        problem_set(l->problem, l->line, "expected --define=NAME=VALUE");
    step_over(l, (size_t)(end - l->next));
}

/* The length of four numbers with dots between, or 0. */
static size_t address_length(const char *text)
{
    const char *at = text;
    for (int part = 0; part < 4; part++) {
        if (part && *at++ != '.')
            return 0;
        size_t digits = strspn(at, "0123456789");
        if (digits == 0)
            return 0;
        at += digits;
    }
    return (size_t)(at - text);
}

static bool is_number(const char *text)
{
    text += *text == '-';
    return *text && text[strspn(text, "0123456789")] == '\0';
}

static bool is_hex(const char *text)
{
    return strncmp(text, "0x", 2) == 0 && text[2] &&
           text[2 + strspn(text + 2, "0123456789abcdefABCDEF")] == '\0';
}

static void token_judge_word(struct token *token)
{
    if (is_number(token->text)) {
        token->kind = TOKEN_INTEGER;
        token->integer = strtoll(token->text, NULL, 10);
    } else if (is_hex(token->text)) {
        token->kind = TOKEN_HEX;
        token->integer = (int64_t)strtoull(token->text, NULL, 16);
    }
}

/* A word that has been defined becomes what its definition is. */
static void token_substitute(struct lexer *l, struct token *token)
{
    const char *value = definition_find(*l->definitions, token->text);
    if (value == NULL)
        return;
    size_t length = strlen(value);
    bool quoted = length >= 2 && (*value == '"' || *value == '`') && value[length - 1] == *value;
    if (quoted)
        token->kind = *value == '"' ? TOKEN_STRING : TOKEN_COMMAND;
    token->text = arena_text(l->problem->arena, value + quoted, length - 2 * quoted);
    if (!quoted)
        token_judge_word(token);
}

static size_t word_length(const char *text)
{
    size_t length = 0;
    while (isalnum((unsigned char)text[length]) || text[length] == '_')
        length++;
    return length;
}

/* Numbers with a dot, addresses, words and plain numbers. */
static bool lex_word(struct lexer *l)
{
    size_t sign = *l->next == '-' && isdigit((unsigned char)l->next[1]);
    size_t digits = strspn(l->next + sign, "0123456789");
    size_t length = address_length(l->next);
    enum token_kind kind = TOKEN_ADDRESS;
    if (length == 0 && l->next[sign + digits] == '.' &&
        isdigit((unsigned char)l->next[sign + digits + 1])) {
        kind = TOKEN_FLOAT;
        length = sign + digits + 1;
        length += strspn(l->next + length, "0123456789");
    }
    if (length == 0) {
        kind = TOKEN_WORD;
        length = sign + word_length(l->next + sign);
    }
    if (length == 0)
        return false;
    struct token *token = token_add(l, kind, l->line, l->next, length);
    if (kind == TOKEN_WORD) {
        token_judge_word(token);
        if (token->kind == TOKEN_WORD)
            token_substitute(l, token);
    }
    step_over(l, length);
    return true;
}

static bool lex_one(struct lexer *l)
{
    if (*l->next == '"')
        return lex_quoted(l, TOKEN_STRING);
    if (*l->next == '`')
        return lex_quoted(l, TOKEN_COMMAND);
    if (strncmp(l->next, "%{", 2) == 0)
        return lex_code(l);
    if (strncmp(l->next, "--", 2) == 0 && isalpha((unsigned char)l->next[2])) {
        lex_option(l);
        return true;
    }
    if (lex_word(l))
        return true;
    bool ellipsis = strncmp(l->next, "...", 3) == 0;
    token_add(l, ellipsis ? TOKEN_ELLIPSIS : TOKEN_PUNCTUATION, l->line, l->next, ellipsis ? 3 : 1);
    step_over(l, ellipsis ? 3 : 1);
    return true;
}

struct token *lex(const char *source, struct definition **definitions, struct problem *problem)
{
    struct lexer lexer = {source, 1, definitions, problem, NULL, 0, 0};
    while (skip_blank(&lexer) && *lexer.next)
        if (!lex_one(&lexer))
            return NULL;
    if (problem->text)
        return NULL;
    token_add(&lexer, TOKEN_END, lexer.line, "the end of the script", 21);
    return lexer.tokens;
}
