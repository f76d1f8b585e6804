/* The progress bar: on standard error, only when that is a terminal, redrawn a few times a second.
 * It leaves no trace behind. */
#ifndef TERN_CLI_PROGRESS_H
#define TERN_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    bool shown;
    uint64_t total; /* bytes; 0: not known */
    uint64_t started_ns;
    uint64_t drawn_ns;
};

/* `wanted` false: never shown, as when a trace uses the terminal. */
void progress_begin(struct progress *progress, uint64_t total, bool wanted);
void progress_update(struct progress *progress, uint64_t done);
void progress_end(struct progress *progress); /* wipes it away */

/* The line for `done` bytes after `elapsed_ns`, at most `columns` characters. */
void progress_line(char *text, size_t size, unsigned columns, uint64_t done, uint64_t total,
                   uint64_t elapsed_ns);

#endif
