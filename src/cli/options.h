/* The command line: what a subcommand is, the options that all of them share, and how both become
 * values. One table describes an option to the parser and to --help alike. */
#ifndef TERN_CLI_OPTIONS_H
#define TERN_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include <tern/tern.h>

#include "cli/status.h"

/* The options of every subcommand. Strings belong to argv; NULL and 0 stand for tern_open's
 * defaults. */
struct common {
    const char *device;
    const char *address;
    const char *peer;
    unsigned mtu;
    bool no_offload;
    const char *capture;
    const char *fault;
    char settings[1024]; /* "name=value,name=value" */
    bool trace;
    bool counters;
    bool sandbox;
};

struct option_entry {
    const char *name;  /* without its dashes */
    char letter;       /* its short form, or 0 */
    const char *value; /* how --help calls its value; NULL: it has none */
    const char *text;
    /* Takes the value into `target`: 0, or -EINVAL with a sentence in `error`. */
    int (*take)(void *target, const char *value, struct tern_error *error);
};

struct command {
    const char *name;
    const char *synopsis;               /* its arguments: "HOST:PORT [FILE]" */
    const char *summary;                /* a line in 'tern --help' */
    const char *text;                   /* what --help says besides */
    const struct option_entry *options; /* its own, up to a NULL name; or NULL */
    void *values;                       /* target of its own options */
    int arguments_least, arguments_most;
    const char *arguments_missing; /* what to say when there are fewer */
    unsigned statuses;       /* STATUS_BIT of those from STATUS_REFUSED on that it ends with */
    bool serves;             /* until it is interrupted: that is success */
    const char *start_first; /* who must listen where it connects to; NULL: it does not */
    enum status (*run)(const struct command *command, const struct common *common, int count,
                       char **arguments);
};

enum parsed {
    PARSED_RUN,
    PARSED_HELP,  /* --help was among them */
    PARSED_WRONG, /* and `error` says how */
};

/* Parses what follows a subcommand's name: `words[0]` is that name. Options may stand anywhere
 * before "--". On PARSED_RUN `words` is permuted so that the arguments are the `*count` words from
 * `*first` on. */
enum parsed options_parse(const struct command *command, int word_count, char **words,
                          struct common *common, int *first, int *count, struct tern_error *error);

/* What 'tern NAME --help' prints. */
void options_help(const struct command *command, FILE *to);

#endif
