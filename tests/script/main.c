/* tern-script: plays scripts against the machine. See README.md. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "script/parse.h"
#include "script/run.h"

static const char usage[] =
    "usage: tern-script [--OPTION[=VALUE]]... [-D NAME=VALUE]... FILE|FOLDER...\n"
    "Plays each script, and each *.pkt of each folder, in virtual time.\n"
    "  --verbose, -v           print what is on the wire\n"
    "  --tolerance_usecs=N     how late or early things may be: 4000\n"
    "  --tolerance_percent=N   or in percent of the time since the event before: 12.5\n"
    "  --set=NAME=VALUE        a setting of tern\n"
    "  --seed=N                of what is random: 1\n"
    "  --must_fail             each must fail with what it says behind \"// fails: \"\n"
    "All options of scripts can be given here, and win over those in them.\n";

struct files {
    char **paths;
    size_t count;
};

static void files_add(struct files *files, struct arena *arena, const char *path)
{
    char **more = arena_take(arena, (files->count + 1) * sizeof *more);
    if (files->count)
        memcpy(more, files->paths, files->count * sizeof *more);
    more[files->count++] = arena_text(arena, path, strlen(path));
    files->paths = more;
}

static int is_script(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 4 && strcmp(entry->d_name + length - 4, ".pkt") == 0;
}

static bool files_find(struct files *files, struct arena *arena, const char *path)
{
    struct stat status;
    struct dirent **entries = NULL;
    if (stat(path, &status) < 0)
        return false;
    if (!S_ISDIR(status.st_mode)) {
        files_add(files, arena, path);
        return true;
    }
    int count = scandir(path, &entries, is_script, alphasort);
    for (int i = 0; i < count; i++) {
        files_add(files, arena, arena_format(arena, "%s/%s", path, entries[i]->d_name));
        free(entries[i]);
    }
    free(entries);
    return count > 0;
}

static char *read_source(struct arena *arena, const char *path)
{
    FILE *file = fopen(path, "r");
    struct stat status;
    if (file == NULL)
        return NULL;
    size_t size = fstat(fileno(file), &status) == 0 ? (size_t)status.st_size : 0;
    char *text = arena_take(arena, size + 1);
    size_t length = fread(text, 1, size, file);
    text[length] = '\0';
    fclose(file);
    return text;
}

static void play(const char *path, struct config *config, const struct script_option *options,
                 struct problem *problem, const char *source)
{
    struct token *tokens = lex(source, &config->definitions, problem);
    struct script *script = tokens ? parse_script(tokens, problem) : NULL;
    if (script && config_script(config, script->options, options, problem))
        run_script(script, config, path, problem);
}

/* "// fails: TEXT", up to the end of the line. */
static const char *expected_failure(struct arena *arena, const char *source)
{
    static const char mark[] = "// fails: ";
    const char *at = strstr(source, mark);
    if (at == NULL)
        return NULL;
    at += sizeof mark - 1;
    return arena_text(arena, at, strcspn(at, "\n"));
}

static bool judge(const char *path, const struct config *config, const struct problem *problem,
                  const char *source)
{
    if (!config->must_fail) {
        if (problem->text)
            printf("%s:%d: %s\n", path, problem->line, problem->text);
        return problem->text == NULL;
    }
    const char *expected = expected_failure(problem->arena, source);
    if (expected && problem->text && strstr(problem->text, expected))
        return true;
    printf("%s: should fail with: %s\n%s:%d: %s\n", path, expected ? expected : "(it does not say)",
           path, problem->line, problem->text ? problem->text : "it passed");
    return false;
}

static bool play_file(const char *path, const struct script_option *options,
                      const struct definition *definitions)
{
    struct arena arena = {NULL};
    struct problem problem = {&arena, 0, NULL};
    struct config config;
    config_default(&config, &arena);
    for (const struct definition *d = definitions; d; d = d->next)
        define(&config.definitions, &arena, arena_format(&arena, "%s=%s", d->name, d->value));
    const char *source = read_source(&arena, path);
    if (source == NULL)
        problem_set(&problem, 0, "cannot be read");
    for (const struct script_option *o = options; o && !problem.text; o = o->next)
        config_option(&config, o->name, o->value, &problem, 0);
    config.settings = NULL; /* they come again, behind the script's own */
    if (source && !problem.text)
        play(path, &config, options, &problem, source);
    bool good = judge(path, &config, &problem, source ? source : "");
    printf("%s %s\n", good ? "ok" : "not ok", path);
    arena_free(&arena);
    return good;
}

struct command_line {
    struct arena arena;
    struct script_option *options;
    struct definition *definitions;
    struct files files;
};

static bool read_option(struct command_line *line, const char *text)
{
    struct script_option *option = arena_take(&line->arena, sizeof *option);
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : strlen(text);
    option->name = arena_text(&line->arena, text, length);
    option->value = equals ? equals + 1 : NULL;
    option->next = line->options;
    line->options = option;
    struct config config;
    struct problem problem = {&line->arena, 0, NULL};
    config_default(&config, &line->arena);
    if (strcmp(option->name, "define") == 0)
        return equals && define(&line->definitions, &line->arena, equals + 1);
    if (config_option(&config, option->name, option->value, &problem, 0))
        return true;
    fprintf(stderr, "tern-script: %s\n", problem.text);
    return false;
}

static bool read_argument(struct command_line *line, int argc, char **argv, int *i)
{
    const char *text = argv[*i];
    if (strcmp(text, "-v") == 0)
        return read_option(line, "verbose");
    if (strcmp(text, "-D") == 0 && *i + 1 < argc)
        return define(&line->definitions, &line->arena, argv[++*i]);
    if (strncmp(text, "--", 2) == 0)
        return read_option(line, text + 2);
    if (files_find(&line->files, &line->arena, text))
        return true;
    fprintf(stderr, "tern-script: no scripts at %s\n", text);
    return false;
}

static int play_all(const struct command_line *line)
{
    size_t failed = 0;
    for (size_t i = 0; i < line->files.count; i++)
        failed += !play_file(line->files.paths[i], line->options, line->definitions);
    printf("%zu passed, %zu failed\n", line->files.count - failed, failed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct command_line line = {0};
    bool good = true;
    for (int i = 1; i < argc && good; i++)
        good = read_argument(&line, argc, argv, &i);
    int status = 2;
    if (!good || line.files.count == 0)
        fputs(usage, stderr);
    else
        status = play_all(&line);
    arena_free(&line.arena);
    return status;
}
