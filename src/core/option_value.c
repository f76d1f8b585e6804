#include "core/option_value.h"

#include <errno.h>
#include <string.h>

int option_put(void *value, socklen_t *length, const void *from, size_t size)
{
    if (value == NULL || length == NULL)
        return -EFAULT;
    if (*length > size)
        *length = (socklen_t)size;
    memcpy(value, from, *length);
    return 0;
}

int option_put_int(void *value, socklen_t *length, int from)
{
    return option_put(value, length, &from, sizeof from);
}

int option_take(const void *value, socklen_t length, void *to, socklen_t size)
{
    if (length < size)
        return -EINVAL;
    if (value == NULL)
        return -EFAULT;
    memcpy(to, value, size);
    return 0;
}

int option_take_int(const void *value, socklen_t length, int *out)
{
    return option_take(value, length, out, sizeof *out);
}
