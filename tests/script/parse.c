#include "script/parse.h"

#include <string.h>

static const int64_t ns_per_second = 1000000000;

void parser_fail(struct parser *p, const char *expected)
{
    problem_set(p->problem, p->next->line, "expected %s but found '%s'", expected, p->next->text);
}

static void parser_advance(struct parser *p)
{
    if (p->next->kind != TOKEN_END)
        p->next++;
}

bool parser_is_kind(const struct parser *p, enum token_kind kind)
{
    return p->next->kind == kind;
}

bool parser_is(const struct parser *p, const char *text)
{
    enum token_kind kind = p->next->kind;
    return (kind == TOKEN_WORD || kind == TOKEN_PUNCTUATION || kind == TOKEN_ELLIPSIS) &&
           strcmp(p->next->text, text) == 0;
}

bool parser_accept(struct parser *p, const char *text)
{
    if (!parser_is(p, text))
        return false;
    parser_advance(p);
    return true;
}

void parser_expect(struct parser *p, const char *text)
{
    if (!parser_accept(p, text))
        parser_fail(p, text);
}

int64_t parser_integer(struct parser *p, int64_t least, int64_t most)
{
    int64_t integer = p->next->integer;
    if (!parser_is_kind(p, TOKEN_INTEGER) && !parser_is_kind(p, TOKEN_HEX))
        parser_fail(p, "a number");
    else if (integer < least || integer > most)
        problem_set(p->problem, p->next->line, "%s is out of range", p->next->text);
    parser_advance(p);
    return integer;
}

/* Seconds, to the nanosecond. */
static int64_t parse_time(struct parser *p)
{
    const struct token *token = p->next;
    if ((token->kind != TOKEN_INTEGER && token->kind != TOKEN_FLOAT) || *token->text == '-') {
        parser_fail(p, "a time");
        return 0;
    }
    int64_t time = 0;
    const char *c = token->text;
    for (; *c && *c != '.'; c++)
        time = 10 * time + (*c - '0');
    time *= ns_per_second;
    int64_t unit = ns_per_second / 10;
    for (c += *c == '.'; *c && unit; c++, unit /= 10)
        time += unit * (*c - '0');
    parser_advance(p);
    return time;
}

static void parse_event_time(struct parser *p, struct event *event)
{
    event->line = p->next->line;
    if (parser_accept(p, "*")) {
        event->time_kind = TIME_ANY;
        return;
    }
    bool relative = parser_accept(p, "+");
    event->time_kind = relative ? TIME_RELATIVE : TIME_ABSOLUTE;
    event->start_ns = parse_time(p);
    if (!parser_accept(p, "~"))
        return;
    if (relative)
        parser_expect(p, "+");
    event->time_kind = relative ? TIME_RELATIVE_RANGE : TIME_RANGE;
    event->end_ns = parse_time(p);
    if (event->end_ns < event->start_ns)
        problem_set(p->problem, event->line, "the range of times is backwards");
}

/* (Resource temporarily unavailable), (flags O_RDWR): for the reader. */
static void skip_note(struct parser *p)
{
    if (!parser_accept(p, "("))
        return;
    while (parser_is_kind(p, TOKEN_WORD))
        parser_advance(p);
    parser_expect(p, ")");
}

static struct call_spec *parse_call(struct parser *p)
{
    struct call_spec *call = arena_take(p->arena, sizeof *call);
    if (parser_accept(p, "...")) {
        call->has_end = true;
        call->end_ns = parse_time(p);
    }
    if (!parser_is_kind(p, TOKEN_WORD)) {
        parser_fail(p, "a packet, a call, a command or code");
        return call;
    }
    call->name = p->next->text;
    parser_advance(p);
    parser_expect(p, "(");
    call->arguments = parse_expressions(p, EXPRESSION_LIST, ")");
    parser_expect(p, "=");
    call->result = parse_expression(p);
    if (parser_is_kind(p, TOKEN_WORD)) {
        call->error = p->next->text;
        parser_advance(p);
    }
    skip_note(p);
    return call;
}

static void parse_action(struct parser *p, struct event *event)
{
    event->text = p->next->text;
    if (parser_is_kind(p, TOKEN_COMMAND)) {
        event->kind = EVENT_COMMAND;
        parser_advance(p);
    } else if (parser_is_kind(p, TOKEN_CODE)) {
        event->kind = EVENT_CODE;
        parser_advance(p);
    } else if (parser_is(p, "<") || parser_is(p, ">")) {
        event->kind = EVENT_PACKET;
        event->packet = parse_packet(p);
    } else {
        event->kind = EVENT_CALL;
        event->call = parse_call(p);
    }
    bool expectation = event->kind == EVENT_PACKET && event->packet->outbound;
    if (!expectation && event->time_kind != TIME_RELATIVE && event->time_kind != TIME_ABSOLUTE)
        problem_set(p->problem, event->line, "only an expected packet can have * or a range");
}

static void parse_options(struct parser *p, struct script *script)
{
    struct script_option **tail = &script->options;
    for (; parser_is_kind(p, TOKEN_OPTION); parser_advance(p)) {
        struct script_option *option = arena_take(p->arena, sizeof *option);
        const char *equals = strchr(p->next->text, '=');
        size_t length = equals ? (size_t)(equals - p->next->text) : strlen(p->next->text);
        option->line = p->next->line;
        option->name = arena_text(p->arena, p->next->text, length);
        option->value = equals ? equals + 1 : NULL;
        *tail = option;
        tail = &option->next;
    }
}

/* Absolute times never run backwards, and the first event is at 0. */
static void check_times(struct parser *p, const struct event *first)
{
    int64_t last = 0;
    if (first->start_ns != 0 || first->time_kind == TIME_ANY)
        problem_set(p->problem, first->line, "the first event must be at time 0");
    for (const struct event *event = first; event; event = event->next) {
        bool absolute = event->time_kind == TIME_ABSOLUTE || event->time_kind == TIME_RANGE;
        if (absolute && event->start_ns < last)
            problem_set(p->problem, event->line, "time runs backwards");
        if (absolute)
            last = event->start_ns;
    }
}

struct script *parse_script(const struct token *tokens, struct problem *problem)
{
    struct parser parser = {tokens, problem, problem->arena};
    struct parser *p = &parser;
    struct script *script = arena_take(p->arena, sizeof *script);
    parse_options(p, script);
    if (parser_is_kind(p, TOKEN_COMMAND)) {
        script->first_command = p->next->text;
        script->first_command_line = p->next->line;
        parser_advance(p);
    }
    struct event **tail = &script->events;
    while (!problem->text && !parser_is_kind(p, TOKEN_END) && !parser_is_kind(p, TOKEN_COMMAND)) {
        struct event *event = arena_take(p->arena, sizeof *event);
        parse_event_time(p, event);
        parse_action(p, event);
        *tail = event;
        tail = &event->next;
    }
    if (parser_is_kind(p, TOKEN_COMMAND)) /* undoes what outlives a run: here nothing does */
        parser_advance(p);
    if (!parser_is_kind(p, TOKEN_END))
        parser_fail(p, "the end of the script");
    if (script->events == NULL)
        problem_set(problem, 1, "there are no events");
    else
        check_times(p, script->events);
    return problem->text ? NULL : script;
}
