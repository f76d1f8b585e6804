/* Backquoted text: the few commands of a shell that set things up.
 *
 *     `sysctl -q net.ipv4.tcp_sack=0; set tcp.rto_min_ms=300`     `../common/defaults.sh`
 *
 * `sysctl` knows those of Linux's settings that mean something here, and sets ours; `set` is ours,
 * and does nothing in a real shell; a file's commands are run as if they stood here. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "script/run.h"
#include "script/sysctl.h"

enum { WORDS_MAX = 64, NESTING_MAX = 4 };

struct shell {
    struct run *run;
    int line;
    int nesting;
    const char *folder; /* that files are named from */
};

static void run_text(struct shell *shell, const char *text);

void command_set(struct run *run, const char *name, const char *value, int line)
{
    if (tern_set(run->tern, name, value) < 0)
        run_fail(run, line, "tern has no setting %s that can be %s", name, value);
}

static void set_each(struct shell *shell, char **words, size_t count, bool linux)
{
    for (size_t i = 0; i < count && !shell->run->problem->text; i++) {
        char *equals = strchr(words[i], '=');
        if (words[i][0] == '-' && linux)
            continue;
        if (equals == NULL) {
            run_fail(shell->run, shell->line, "expected NAME=VALUE, not '%s'", words[i]);
            return;
        }
        const char *name = arena_text(shell->run->arena, words[i], (size_t)(equals - words[i]));
        if (linux)
            sysctl_set(shell->run, name, equals + 1, shell->line);
        else
            command_set(shell->run, name, equals + 1, shell->line);
    }
}

static char *read_file(struct arena *arena, const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    for (int c = getc(file); out && c != EOF; c = getc(file))
        putc(c, out);
    fclose(file);
    if (out == NULL || fclose(out) != 0)
        abort();
    char *copy = arena_text(arena, text, length);
    free(text);
    return copy;
}

static void run_file(struct shell *shell, const char *name)
{
    struct arena *arena = shell->run->arena;
    const char *path = arena_format(arena, "%s/%s", shell->folder, name);
    const char *text = read_file(arena, path);
    if (text == NULL || shell->nesting == NESTING_MAX) {
        run_fail(shell->run, shell->line, "cannot run %s", path);
        return;
    }
    const char *slash = strrchr(path, '/');
    struct shell inner = *shell;
    inner.nesting++;
    inner.folder = arena_text(arena, path, (size_t)(slash - path));
    run_text(&inner, text);
}

static void run_words(struct shell *shell, char **words, size_t count)
{
    size_t length = strlen(words[0]);
    if (strcmp(words[0], "sysctl") == 0)
        set_each(shell, words + 1, count - 1, true);
    else if (strcmp(words[0], "set") == 0 && count > 1 && words[1][0] != '-')
        set_each(shell, words + 1, count - 1, false);
    else if (strcmp(words[0], "set") == 0 || strcmp(words[0], "true") == 0)
        return;
    else if (length > 3 && strcmp(words[0] + length - 3, ".sh") == 0 && count == 1)
        run_file(shell, words[0]);
    else
        run_fail(shell->run, shell->line, "only sysctl, set and *.sh are known, not '%s'",
                 words[0]);
}

/* One command's words, quotes gone; where it ends. */
static const char *read_words(struct shell *shell, const char *at, char **words, size_t *count)
{
    *count = 0;
    char word[1024];
    size_t length = 0;
    char quote = '\0';
    bool some = false;
    for (;; at++) {
        bool ends = *at == '\0' || (!quote && strchr("\n;&#", *at));
        if (*at == '\\' && at[1] == '\n') {
            at++;
        } else if (ends || (!quote && isspace((unsigned char)*at))) {
            if (some && *count < WORDS_MAX)
                words[(*count)++] = arena_text(shell->run->arena, word, length);
            length = 0;
            some = false;
            if (ends)
                return *at == '#' ? at + strcspn(at, "\n") : at;
        } else if (quote ? *at == quote : *at == '"' || *at == '\'') {
            quote = quote ? '\0' : *at;
            some = true;
        } else if (length + 1 < sizeof word) {
            word[length++] = *at;
            some = true;
        }
    }
}

static void run_text(struct shell *shell, const char *text)
{
    char *words[WORDS_MAX];
    size_t count = 0;
    while (!shell->run->problem->text) {
        text = read_words(shell, text, words, &count);
        if (count)
            run_words(shell, words, count);
        if (*text == '\0')
            return;
        text++;
    }
}

void command_perform(struct run *run, const char *text, int line)
{
    const char *slash = strrchr(run->path, '/');
    const char *folder =
        slash ? arena_text(run->arena, run->path, (size_t)(slash - run->path)) : ".";
    struct shell shell = {.run = run, .line = line, .folder = folder};
    run_text(&shell, text);
}
