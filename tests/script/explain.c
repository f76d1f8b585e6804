/* What a reader of a failure sees of the wire. */
#include "script/run.h"

enum { MOMENTS_SHOWN = 14 };

static const char *moments_text(struct run *run)
{
    const char *text = "";
    int shown = 0;
    for (const struct moment *m = run->moments; m && shown < MOMENTS_SHOWN; m = m->last, shown++)
        text = arena_format(run->arena, "\n    %10.6f %s%s", seconds(m->time_ns), m->text, text);
    return text;
}

void run_explain(struct run *run)
{
    struct problem *problem = run->problem;
    const char *text = moments_text(run);
    problem->text = arena_format(run->arena, "%s\nthe wire until %.6f:%s", problem->text,
                                 seconds(run->now_ns), *text ? text : "\n    (nothing)");
}
