/* Whether something leaves descriptors open is told by their number before and after. */
#ifndef TESTS_DESCRIPTORS_OPEN_H
#define TESTS_DESCRIPTORS_OPEN_H

#include "unit.h"

#include <dirent.h>

static inline int descriptors_open(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;
    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

#endif
