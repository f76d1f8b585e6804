/* How a script is to be played: from the command line, which comes first, and from the script's own
 * options. */
#ifndef SCRIPT_CONFIG_H
#define SCRIPT_CONFIG_H

#include "script/script.h"

struct setting_choice {
    struct setting_choice *next;
    const char *name;
    const char *value;
};

struct config {
    struct arena *arena;
    const char *local_ip;
    const char *remote_ip;
    uint32_t local; /* the same, in host order */
    uint32_t remote;
    uint8_t prefix_length;
    uint16_t bind_port;
    uint16_t connect_port;
    uint16_t mtu;
    uint16_t mss;              /* of what an injected super-segment stands for; 0: none */
    int64_t tolerance_ns;      /* how far from its time an event may be */
    double tolerance_percent;  /* the same, in percent of the time since the event before */
    int64_t timestamp_tick_ns; /* 0: values of timestamps are not compared */
    bool
        timestamp_echo_scaled; /* an echo that was never sent is reckoned from the first that was */
    bool timestamp_echo_any;   /* echoes that are expected are not compared */
    bool strict_segments;      /* expected segments come whole, never in parts */
    bool leftover_any;         /* packets nobody asked for do no harm */
    bool verbose;
    bool must_fail; /* with what "// fails: TEXT" in the script says */
    uint64_t seed;
    struct definition *definitions;
    struct setting_choice *settings;
};

void config_default(struct config *config, struct arena *arena);
/* One option, without its dashes; `value` may be NULL. False, with the problem set, when it is
 * unknown or has no good value. */
bool config_option(struct config *config, const char *name, const char *value,
                   struct problem *problem, int line);
/* What the script asks for, then the command line again. */
bool config_script(struct config *config, const struct script_option *options,
                   const struct script_option *command_line, struct problem *problem);

#endif
