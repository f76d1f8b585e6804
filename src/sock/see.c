/* What a host can see: settings, counters, memory, the version. */
#include <errno.h>

#include "core/counter.h"
#include "core/setting.h"
#include "sock/call.h"
#include "sock/tern.h"

#define TEXT_OF(number)           #number
#define TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *tern_version(void)
{
    return TEXT(TERN_VERSION_MAJOR, TERN_VERSION_MINOR, TERN_VERSION_PATCH);
}

int tern_set(struct tern *t, const char *name, const char *value)
{
    struct call call;
    int result = call_enter(&call, t);
    if (result == 0)
        result = name && value ? stack_set(&t->stack, name, value) : -EFAULT;
    return (int)call_end(&call, result);
}

int tern_get(struct tern *t, const char *name, char *value, size_t size)
{
    struct call call;
    int result = call_enter(&call, t);
    if (result == 0)
        result = name && value ? setting_get(&t->stack.settings, name, value, size) : -EFAULT;
    return (int)call_end(&call, result);
}

const char *tern_setting_name(size_t index, const char **text)
{
    return setting_name(index, text);
}

int tern_counter(struct tern *t, const char *name, uint64_t *value)
{
    struct call call;
    int result = call_enter(&call, t);
    if (result == 0)
        result = name && value ? counter_find(name) : -EFAULT;
    if (result >= 0) {
        *value = t->stack.counters.value[result];
        result = 0;
    }
    return (int)call_end(&call, result);
}

const char *tern_counter_name(size_t index)
{
    return index < COUNTERS ? counter_name((enum counter)index) : NULL;
}

const char *tern_counter_text(size_t index)
{
    return index < COUNTERS ? counter_text((enum counter)index) : NULL;
}

uint64_t tern_memory_used(struct tern *t)
{
    struct call call;
    uint64_t bytes = 0;
    if (call_enter(&call, t) == 0)
        bytes = t->stack.memory_used_bytes;
    call_end(&call, 0);
    return bytes;
}
