/* The first thing that went wrong with a script: where, and what. Later ones follow from it and are
 * not kept. */
#ifndef SCRIPT_PROBLEM_H
#define SCRIPT_PROBLEM_H

#include "script/arena.h"

struct problem {
    struct arena *arena;
    int line;
    const char *text; /* NULL while all is well */
};

void problem_set(struct problem *problem, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
