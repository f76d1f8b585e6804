/* A script's text to tokens. Words of the language are not told from others here: what a word means
 * depends on where it stands. Symbols defined by --define are replaced. */
#ifndef SCRIPT_LEX_H
#define SCRIPT_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "script/problem.h"

enum token_kind {
    TOKEN_END,
    TOKEN_OPTION,      /* --name or --name=value, without the dashes */
    TOKEN_WORD,        /* letters, digits and _ */
    TOKEN_INTEGER,     /* decimal, may be negative */
    TOKEN_HEX,         /* 0x… */
    TOKEN_FLOAT,       /* 0.5 or .5 */
    TOKEN_ADDRESS,     /* four numbers with dots between */
    TOKEN_STRING,      /* "…" */
    TOKEN_COMMAND,     /* `…` */
    TOKEN_CODE,        /* %{ … }% */
    TOKEN_ELLIPSIS,    /* ... */
    TOKEN_PUNCTUATION, /* any other single character */
};

struct token {
    enum token_kind kind;
    int line;
    const char *text; /* as written; of what has delimiters, what stands between them */
    int64_t integer;  /* of TOKEN_INTEGER and TOKEN_HEX */
};

/* What a symbol stands for, as written after the = of --define. */
struct definition {
    const char *name;
    const char *value;
    struct definition *next;
};

/* Adds "NAME=VALUE"; the first definition of a name stands. False when there is no = in it. */
bool define(struct definition **definitions, struct arena *arena, const char *text);

/* The tokens of `source`, with a TOKEN_END behind the last; NULL when the problem is set. Appends
 * the script's own --define to `definitions`. */
struct token *lex(const char *source, struct definition **definitions, struct problem *problem);

#endif
