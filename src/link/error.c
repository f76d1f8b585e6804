#include "link/error.h"

#include <stdarg.h>
#include <stdio.h>

int link_error(char *error, size_t error_size, int code, const char *format, ...)
{
    if (error && error_size > 0) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error, error_size, format, arguments);
        va_end(arguments);
    }
    return -code;
}
