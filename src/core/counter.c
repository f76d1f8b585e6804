#include "core/counter.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *name, *text;
} table[COUNTERS] = {
#define COUNTER(name, text) [COUNTER_##name] = {#name, text},
#include "core/counter.def"
#undef COUNTER
    [COUNTER_DROPS] = {"DropNONE", "always 0: nothing is dropped without a reason"},
#define DROP(name, text, clause) [COUNTER_DROPS + DROP_##name] = {"Drop" #name, "dropped: " text},
#include "core/drop.def"
#undef DROP
};

const char *counter_name(enum counter counter)
{
    return table[counter].name;
}

const char *counter_text(enum counter counter)
{
    return table[counter].text;
}

int counter_find(const char *name)
{
    for (int i = 0; i < COUNTERS; i++)
        if (strcmp(table[i].name, name) == 0)
            return i;
    return -ENOENT;
}
