#include "script/problem.h"

void problem_set(struct problem *problem, int line, const char *format, ...)
{
    if (problem->text)
        return;
    va_list arguments;
    va_start(arguments, format);
    problem->line = line;
    problem->text = arena_vformat(problem->arena, format, arguments);
    va_end(arguments);
}
