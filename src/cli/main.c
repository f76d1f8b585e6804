/* The command `tern`: finds the subcommand, parses its line, and runs it. Each subcommand is a file
 * of its own; what they share stands in options.c (the command line), session.c (the stack) and
 * status.c (how things end). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/status.h"
#include "core/setting.h"

static const struct command *const commands[] = {&send_command, &recv_command, &ping_command,
                                                 &perf_command, &serve_command};
enum { COMMANDS = sizeof commands / sizeof *commands };

static const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static void help_print(FILE *to)
{
    fprintf(to,
            "tern: TCP/IP in a process, over a TUN device.\n\n"
            "Usage: tern COMMAND [OPTION]... ARGUMENT...\n\n"
            "Each command brings a TCP/IP stack of its own, 10.0.0.3 unless told otherwise, joins\n"
            "it by a TUN device to this host, where the kernel is 10.0.0.2, and does one thing\n"
            "with it. When the command ends, the stack is gone.\n\n"
            "Commands:\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-6s %-28s %s\n", commands[i]->name, commands[i]->synopsis,
                commands[i]->summary);
    fprintf(to, "\nMore:\n"
                "  tern COMMAND --help    a command's options\n"
                "  tern help settings     what --set can change\n"
                "  tern help counters     what --counters counts\n"
                "  tern --version\n"
                "\nExit status:\n");
    status_help(~0u, false, to);
    fprintf(to, "\nTo try it, without root and without touching any network:\n"
                "  tern ping --sandbox --trace -c 3 10.0.0.2\n");
}

/* "ip.ttl=64", what it means below, and what it may be. */
static void settings_print(FILE *to)
{
    struct settings defaults;
    settings_init(&defaults);
    fprintf(to, "Settings, for --set NAME=VALUE, with what they are by default:\n");
    const char *name, *text;
    for (size_t i = 0; (name = tern_setting_name(i, &text)) != NULL; i++) {
        char value[64], allowed[200];
        if (setting_get(&defaults, name, value, sizeof value) < 0 ||
            setting_values(name, allowed, sizeof allowed) < 0)
            continue;
        fprintf(to, "\n  %s=%s\n      %s\n      %s\n", name, value, text, allowed);
    }
}

static void counters_print(FILE *to)
{
    fprintf(to, "Counters, for --counters, and what they count:\n");
    const char *name;
    for (size_t i = 0; (name = tern_counter_name(i)) != NULL; i++)
        fprintf(to, "\n  %s\n      %s\n", name, tern_counter_text(i));
}

static enum status word_too_many(const char *word)
{
    fprintf(stderr, "tern: '%.60s' is one word too many; see 'tern --help'\n", word);
    return STATUS_USAGE;
}

static enum status help_run(const char *topic)
{
    const struct command *command = topic ? command_find(topic) : NULL;
    if (command) {
        options_help(command, stdout);
    } else if (topic && strcmp(topic, "settings") == 0) {
        settings_print(stdout);
    } else if (topic && strcmp(topic, "counters") == 0) {
        counters_print(stdout);
    } else if (topic) {
        fprintf(stderr, "tern: no help on '%.60s'; see 'tern --help'\n", topic);
        return STATUS_USAGE;
    } else {
        help_print(stdout);
    }
    return STATUS_OK;
}

static enum status command_run(const struct command *command, int word_count, char **words)
{
    struct common common = {0};
    struct tern_error error = {0};
    int first, count;
    switch (options_parse(command, word_count, words, &common, &first, &count, &error)) {
    case PARSED_HELP:
        options_help(command, stdout);
        return STATUS_OK;
    case PARSED_WRONG:
        return status_say(STATUS_USAGE, command->name, "%s", error.text);
    case PARSED_RUN:
        break;
    }
    interrupt_catch();
    return command->run(command, &common, count, words + first);
}

/* What comes before any subcommand. */
static enum status front_run(int argc, char **argv)
{
    if (argc < 2) {
        help_print(stderr);
        return STATUS_USAGE;
    }
    const char *word = argv[1];
    bool version = strcmp(word, "--version") == 0;
    bool help = strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
    if (version && argc > 2)
        return word_too_many(argv[2]);
    if (help && argc > 3)
        return word_too_many(argv[3]);
    if (version) {
        printf("tern %d.%d.%d\n", TERN_VERSION_MAJOR, TERN_VERSION_MINOR, TERN_VERSION_PATCH);
        return STATUS_OK;
    }
    if (help)
        return help_run(argc > 2 ? argv[2] : NULL);

    const struct command *command = command_find(word);
    if (command)
        return command_run(command, argc - 1, argv + 1);
    fprintf(stderr, "tern: %s '%.60s'; %s\n",
            word[0] == '-' ? "a command comes before the option" : "there is no command", word,
            "'tern --help' lists the commands");
    return STATUS_USAGE;
}

/* Success is also that what was to be printed could be. */
static enum status output_finish(enum status status, const char *name)
{
    bool lost_before = ferror(stdout) || ferror(stderr);
    bool lost_now = fflush(stdout) != 0;
    if (interrupt_signal() == SIGPIPE)
        return status == STATUS_OK ? (enum status)(STATUS_SIGNAL + SIGPIPE) : status;
    if (lost_now)
        status_say(STATUS_FAILED, name, "cannot write to standard output: %s", strerror(errno));
    else if (lost_before)
        status_say(STATUS_FAILED, name, "cannot write to standard %s",
                   ferror(stdout) ? "output" : "error");
    return status == STATUS_OK && (lost_now || lost_before) ? STATUS_FAILED : status;
}

/* Descriptors 0 to 2 that are closed would be the next files to be opened: a device or a file would
 * take what is printed for its own. These say EBADF to what is not theirs, as closed ones do. */
static void standard_streams_hold(void)
{
    for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++) {
        const int useless = i == STDIN_FILENO ? O_WRONLY : O_RDONLY;
        if (fcntl(i, F_GETFD) < 0)
            open("/dev/null", useless); /* as i, the lowest that is free */
    }
}

int main(int argc, char **argv)
{
    standard_streams_hold();
    return (int)output_finish(front_run(argc, argv), argc > 1 ? argv[1] : "");
}
