/* The subcommands, each in the file of its name. */
#ifndef TERN_CLI_COMMANDS_H
#define TERN_CLI_COMMANDS_H

#include "cli/options.h"

extern const struct command send_command;
extern const struct command recv_command;
extern const struct command ping_command;
extern const struct command perf_command;
extern const struct command serve_command;

#endif
