/* A file that appears whole or not at all.
 *
 * What is written goes to a temporary file in the same directory, which takes the name only when
 * all of it is safe on disk; abandoned, it leaves nothing, and what had the name before still has
 * it. Where the name is no regular file (/dev/null, a pipe), or there is none (standard output),
 * bytes go straight to it. */
#ifndef TERN_CLI_WHOLE_FILE_H
#define TERN_CLI_WHOLE_FILE_H

#include <stddef.h>

struct whole_file {
    int descriptor;
    char *path;      /* the name it will have; NULL: written straight */
    char *temporary; /* the name it has until then */
};

/* `path` NULL: standard output. 0, or a negative errno with nothing left behind; -EISDIR where the
 * name is a directory's. */
int whole_file_create(struct whole_file *file, const char *path);
/* 0 or a negative errno; -EINTR when interrupted. */
int whole_file_write(struct whole_file *file, const void *bytes, size_t length);
/* Each ends it. Commit: 0, or a negative errno after which it is abandoned. */
int whole_file_commit(struct whole_file *file);
void whole_file_abandon(struct whole_file *file);

#endif
