#include "cli/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/interrupt.h"

#define TEMPORARY_NAME ".tern-XXXXXX"

/* The length of the directory part of a path, its slash included; 0: the current directory. */
static size_t directory_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

static mode_t creation_mask(void)
{
    mode_t mask = umask(0);
    umask(mask);
    return mask;
}

/* Makes the temporary file beside file->path. */
static int temporary_create(struct whole_file *file)
{
    size_t directory = directory_length(file->path);
    file->temporary = malloc(directory + sizeof TEMPORARY_NAME);
    if (!file->temporary)
        return -ENOMEM;
    memcpy(file->temporary, file->path, directory);
    memcpy(file->temporary + directory, TEMPORARY_NAME, sizeof TEMPORARY_NAME);
    file->descriptor = mkostemp(file->temporary, O_CLOEXEC);
    if (file->descriptor < 0)
        return -errno;
    /* mkostemp makes it private; a new file is what the user's mask says. */
    if (fchmod(file->descriptor, 0666 & ~creation_mask()) < 0) {
        int error = errno;
        unlink(file->temporary);
        close(file->descriptor);
        return -error;
    }
    return 0;
}

static int straight_open(struct whole_file *file, const char *path)
{
    file->descriptor = open(path, O_WRONLY | O_CLOEXEC);
    return file->descriptor < 0 ? -errno : 0;
}

static void whole_file_release(struct whole_file *file)
{
    free(file->path);
    free(file->temporary);
    *file = (struct whole_file){.descriptor = -1};
}

int whole_file_create(struct whole_file *file, const char *path)
{
    struct stat facts;
    *file = (struct whole_file){.descriptor = STDOUT_FILENO};
    if (!path)
        return 0;
    if (!*path)
        return -ENOENT;
    bool exists = stat(path, &facts) == 0;
    if (exists && S_ISDIR(facts.st_mode))
        return -EISDIR;
    if (exists && !S_ISREG(facts.st_mode))
        return straight_open(file, path);

    /* Through a symbolic link the file behind it is replaced, not the link. */
    file->path = exists ? realpath(path, NULL) : strdup(path);
    if (!file->path)
        return -errno;
    int result = temporary_create(file);
    if (result < 0)
        whole_file_release(file);
    return result;
}

int whole_file_write(struct whole_file *file, const void *bytes, size_t length)
{
    const uint8_t *next = bytes;
    struct pollfd writable = {.fd = file->descriptor, .events = POLLOUT};
    while (length > 0) {
        if (interrupt_signal())
            return -EINTR;
        if (poll(&writable, 1, INTERRUPT_TICK_MS) <= 0) /* a pipe may be full */
            continue;
        ssize_t written = write(file->descriptor, next, length);
        if (written < 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
        if (written > 0) {
            next += written;
            length -= (size_t)written;
        }
    }
    return 0;
}

/* The name is safe only once the directory is (fsync(2)). Not every file system can say so. */
static void directory_sync(const char *path)
{
    size_t length = directory_length(path);
    char *name = length ? strndup(path, length) : strdup(".");
    int directory = name ? open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (directory >= 0) {
        fsync(directory);
        close(directory);
    }
    free(name);
}

int whole_file_commit(struct whole_file *file)
{
    if (!file->path) {
        /* Some file systems tell only now that a write failed. */
        int result = file->descriptor != STDOUT_FILENO && close(file->descriptor) < 0 ? -errno : 0;
        whole_file_release(file);
        return result;
    }
    int result = fsync(file->descriptor) < 0 ? -errno : 0;
    if (close(file->descriptor) < 0 && result == 0)
        result = -errno;
    if (result == 0 && rename(file->temporary, file->path) < 0)
        result = -errno;
    if (result < 0)
        unlink(file->temporary);
    else
        directory_sync(file->path);
    whole_file_release(file);
    return result;
}

void whole_file_abandon(struct whole_file *file)
{
    if (file->path)
        unlink(file->temporary);
    if (file->descriptor >= 0 && file->descriptor != STDOUT_FILENO)
        close(file->descriptor);
    whole_file_release(file);
}
