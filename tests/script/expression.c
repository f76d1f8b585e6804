#include "script/expression.h"

#include <arpa/inet.h>
#include <string.h>

#include "script/parse.h"

static struct expression *expression_new(struct parser *p, enum expression_kind kind)
{
    struct expression *e = arena_take(p->arena, sizeof *e);
    e->kind = kind;
    e->line = p->next->line;
    e->text = p->next->text;
    e->integer = p->next->integer;
    return e;
}

static void expression_add(struct expression *e, struct expression *member)
{
    struct expression **tail = &e->first;
    while (*tail)
        tail = &(*tail)->next;
    *tail = member;
    e->count++;
}

/* name = value, or name(…) = value as in msg_iov(2) = […], or a value alone. */
static struct expression *parse_member(struct parser *p, enum expression_kind kind)
{
    struct expression *e = parse_expression(p);
    bool nameable = e && (e->kind == EXPRESSION_WORD || e->kind == EXPRESSION_CALL);
    if (kind != EXPRESSION_STRUCT || !nameable || !parser_accept(p, "="))
        return e;
    struct expression *value = parse_expression(p);
    if (value)
        value->name = e->text;
    return value;
}

struct expression *parse_expressions(struct parser *p, enum expression_kind kind, const char *end)
{
    struct expression *list = expression_new(p, kind);
    while (!p->problem->text && !parser_accept(p, end)) {
        struct expression *member = parse_member(p, kind);
        if (member == NULL)
            break;
        expression_add(list, member);
        if (!parser_is(p, end))
            parser_expect(p, ",");
    }
    return list;
}

static struct expression *parse_literal(struct parser *p, enum expression_kind kind)
{
    struct expression *e = expression_new(p, kind);
    p->next++;
    return e;
}

/* "a" "b" is "ab", and "a"... is "a". */
static struct expression *parse_string(struct parser *p)
{
    struct expression *e = parse_literal(p, EXPRESSION_STRING);
    for (; parser_is_kind(p, TOKEN_STRING); p->next++)
        e->text = arena_format(p->arena, "%s%s", e->text, p->next->text);
    parser_accept(p, "...");
    return e;
}

static struct expression *parse_word(struct parser *p)
{
    struct expression *word = parse_literal(p, EXPRESSION_WORD);
    if (!parser_accept(p, "("))
        return word;
    struct expression *call = parse_expressions(p, EXPRESSION_CALL, ")");
    call->text = word->text;
    return call;
}

static struct expression *parse_operand(struct parser *p)
{
    if (parser_accept(p, "["))
        return parse_expressions(p, EXPRESSION_LIST, "]");
    if (parser_accept(p, "{"))
        return parse_expressions(p, EXPRESSION_STRUCT, "}");
    switch (p->next->kind) {
    case TOKEN_ELLIPSIS:
        return parse_literal(p, EXPRESSION_ELLIPSIS);
    case TOKEN_INTEGER:
    case TOKEN_HEX:
        return parse_literal(p, EXPRESSION_INTEGER);
    case TOKEN_STRING:
        return parse_string(p);
    case TOKEN_WORD:
        return parse_word(p);
    default:
        parser_fail(p, "an expression");
        return NULL;
    }
}

struct expression *parse_expression(struct parser *p)
{
    struct expression *e = parse_operand(p);
    while (e && parser_accept(p, "|")) {
        struct expression *right = parse_operand(p);
        struct expression *both = expression_new(p, EXPRESSION_OR);
        if (right == NULL)
            return NULL;
        expression_add(both, e);
        expression_add(both, right);
        e = both;
    }
    return e;
}

static int64_t call_value(const struct expression *e, struct problem *problem)
{
    struct in_addr address;
    const struct expression *only = e->count == 1 ? e->first : NULL;
    if (only && strcmp(e->text, "htons") == 0)
        return htons((uint16_t)expression_integer(only, problem));
    if (only && strcmp(e->text, "inet_addr") == 0 && only->kind == EXPRESSION_STRING &&
        inet_pton(AF_INET, only->text, &address) == 1)
        return address.s_addr;
    problem_set(problem, e->line, "cannot evaluate %s(…)", e->text);
    return 0;
}

int64_t expression_integer(const struct expression *e, struct problem *problem)
{
    int64_t value = 0;
    switch (e->kind) {
    case EXPRESSION_INTEGER:
        return e->integer;
    case EXPRESSION_WORD:
        if (!symbol_find(e->text, &value))
            problem_set(problem, e->line, "unknown symbol %s", e->text);
        return value;
    case EXPRESSION_OR:
        return expression_integer(e->first, problem) | expression_integer(e->first->next, problem);
    case EXPRESSION_CALL:
        return call_value(e, problem);
    case EXPRESSION_ELLIPSIS:
    case EXPRESSION_STRING:
    case EXPRESSION_LIST:
    case EXPRESSION_STRUCT:
        break;
    }
    problem_set(problem, e->line, "expected a number");
    return 0;
}

bool expression_is_ellipsis(const struct expression *e)
{
    return e && e->kind == EXPRESSION_ELLIPSIS;
}

const struct expression *expression_at(const struct expression *e, size_t index)
{
    const struct expression *member = e ? e->first : NULL;
    while (member && index--)
        member = member->next;
    return member;
}

const struct expression *expression_member(const struct expression *e, const char *name)
{
    for (const struct expression *member = e ? e->first : NULL; member; member = member->next)
        if (member->name && strcmp(member->name, name) == 0)
            return member;
    return NULL;
}
