#include "core/counter.h"

#include <errno.h>
#include <string.h>

static const char *const names[COUNTERS] = {
#define COUNTER(name) [COUNTER_##name] = #name,
#include "core/counter.def"
#undef COUNTER
    [COUNTER_DROPS] = "DropNONE",
#define DROP(name, text, clause) [COUNTER_DROPS + DROP_##name] = "Drop" #name,
#include "core/drop.def"
#undef DROP
};

const char *counter_name(enum counter counter)
{
    return names[counter];
}

int counter_find(const char *name)
{
    for (int i = 0; i < COUNTERS; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -ENOENT;
}
