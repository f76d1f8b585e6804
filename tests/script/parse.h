/* Tokens to a script: recursive descent, one function a rule of the language. */
#ifndef SCRIPT_PARSE_H
#define SCRIPT_PARSE_H

#include "script/script.h"

struct parser {
    const struct token *next;
    struct problem *problem;
    struct arena *arena;
};

/* The script, or NULL with the problem set. */
struct script *parse_script(const struct token *tokens, struct problem *problem);

/* ── Between the files of the parser ── */

bool parser_is(const struct parser *p, const char *text);
bool parser_is_kind(const struct parser *p, enum token_kind kind);
/* Takes the next token if it reads so. */
bool parser_accept(struct parser *p, const char *text);
/* Takes the next token, which must read so; else sets the problem. */
void parser_expect(struct parser *p, const char *text);
/* Takes an integer between the two. */
int64_t parser_integer(struct parser *p, int64_t least, int64_t most);
/* What is wrong is where the next token stands. */
void parser_fail(struct parser *p, const char *expected);

struct expression *parse_expression(struct parser *p);
struct expression *parse_expressions(struct parser *p, enum expression_kind kind, const char *end);
struct packet_spec *parse_packet(struct parser *p);
void parse_tcp_options(struct parser *p, struct packet_spec *packet);
bool parse_icmp_type(const char *type, const char *code, struct packet_spec *packet);

#endif
