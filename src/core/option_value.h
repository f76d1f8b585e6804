/* How the value of a socket option comes and goes: as bytes of the caller's, in the way of
 * getsockopt(2) and setsockopt(2). */
#ifndef TERN_CORE_OPTION_VALUE_H
#define TERN_CORE_OPTION_VALUE_H

#include <tern/tern.h>

/* Copies a value of `size` bytes as getsockopt(2) does: cut to *length, which becomes what was
 * copied. 0 or -EFAULT. */
int option_put(void *value, socklen_t *length, const void *from, size_t size);
int option_put_int(void *value, socklen_t *length, int from);
/* Copies a value that must be whole: 0, -EFAULT, or -EINVAL when it is shorter. */
int option_take(const void *value, socklen_t length, void *to, socklen_t size);
int option_take_int(const void *value, socklen_t length, int *out);

#endif
