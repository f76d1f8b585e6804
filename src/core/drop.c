#include "core/drop.h"

static const struct {
    const char *text, *clause;
} reasons[DROP_REASONS] = {
    [DROP_NONE] = {"taken", ""},
#define DROP(name, text, clause) [DROP_##name] = {text, clause},
#include "core/drop.def"
#undef DROP
};

const char *drop_text(enum drop_reason reason)
{
    return reasons[reason].text;
}

const char *drop_clause(enum drop_reason reason)
{
    return reasons[reason].clause;
}
