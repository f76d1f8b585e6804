#include "script/config.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static const int64_t ns_per_us = 1000;

void config_default(struct config *config, struct arena *arena)
{
    *config = (struct config){
        .arena = arena,
        .local_ip = "192.168.0.1",
        .local = 0xc0a80001,
        .remote_ip = "192.0.2.1",
        .remote = 0xc0000201,
        .prefix_length = 16,
        .bind_port = 8080,
        .connect_port = 8080,
        .mtu = 1500,
        .tolerance_ns = 4000 * ns_per_us,
        .tolerance_percent = 12.5,
        .seed = 1,
    };
}

/* What each option needs to be set. */
struct option_value {
    struct config *config;
    struct problem *problem;
    const char *name;
    const char *text;
    int line;
};

static int64_t number(const struct option_value *v, int64_t least, int64_t most)
{
    char *end = NULL;
    long long value = v->text ? strtoll(v->text, &end, 0) : 0;
    if (end == NULL || end == v->text || *end != '\0' || value < least || value > most)
        problem_set(v->problem, v->line, "--%s needs a number from %lld to %lld", v->name,
                    (long long)least, (long long)most);
    return value;
}

static void read_address(const struct option_value *v, const char **text, uint32_t *address)
{
    struct in_addr in;
    size_t length = v->text ? strcspn(v->text, "/") : 0;
    char *alone = arena_text(v->config->arena, v->text ? v->text : "", length);
    if (inet_pton(AF_INET, alone, &in) != 1) {
        problem_set(v->problem, v->line, "--%s needs an IPv4 address", v->name);
        return;
    }
    *text = alone;
    *address = ntohl(in.s_addr);
}

static void read_netmask(const struct option_value *v)
{
    const char *text = NULL;
    uint32_t mask = 0;
    uint8_t length = 0;
    read_address(v, &text, &mask);
    while (length < 32 && mask & 1u << (31 - length))
        length++;
    v->config->prefix_length = length;
}

static void read_setting(const struct option_value *v)
{
    const char *equals = v->text ? strchr(v->text, '=') : NULL;
    if (equals == NULL) {
        problem_set(v->problem, v->line, "expected --set=NAME=VALUE");
        return;
    }
    struct setting_choice *choice = arena_take(v->config->arena, sizeof *choice);
    choice->name = arena_text(v->config->arena, v->text, (size_t)(equals - v->text));
    choice->value = equals + 1;
    struct setting_choice **tail = &v->config->settings;
    while (*tail)
        tail = &(*tail)->next;
    *tail = choice;
}

static void read_ip_version(const struct option_value *v)
{
    if (v->text == NULL || strcmp(v->text, "ipv4") != 0)
        problem_set(v->problem, v->line, "--ip_version can only be ipv4");
}

static void read_percent(const struct option_value *v)
{
    char *end = NULL;
    double percent = v->text ? strtod(v->text, &end) : 0;
    if (end == NULL || end == v->text || *end != '\0' || percent < 0)
        problem_set(v->problem, v->line, "--%s needs a number", v->name);
    v->config->tolerance_percent = percent;
}

static bool set_flag(const struct option_value *v)
{
    struct config *config = v->config;
    static const char *const ignored[] = {"send_omit_free", "is_anyip"};
    if (strcmp(v->name, "strict_segments") == 0)
        config->strict_segments = true;
    else if (strcmp(v->name, "tcp_ts_ecr_scaled") == 0)
        config->timestamp_echo_scaled = true;
    else if (strcmp(v->name, "tcp_ts_ecr_any") == 0)
        config->timestamp_echo_any = true;
    else if (strcmp(v->name, "leftover_any") == 0)
        config->leftover_any = true;
    else if (strcmp(v->name, "verbose") == 0)
        config->verbose = true;
    else if (strcmp(v->name, "must_fail") == 0)
        config->must_fail = true;
    else
        return strcmp(v->name, ignored[0]) == 0 || strcmp(v->name, ignored[1]) == 0;
    return true;
}

static bool set_value(const struct option_value *v)
{
    struct config *config = v->config;
    if (strcmp(v->name, "local_ip") == 0)
        read_address(v, &config->local_ip, &config->local);
    else if (strcmp(v->name, "remote_ip") == 0)
        read_address(v, &config->remote_ip, &config->remote);
    else if (strcmp(v->name, "netmask_ip") == 0)
        read_netmask(v);
    else if (strcmp(v->name, "ip_version") == 0)
        read_ip_version(v);
    else if (strcmp(v->name, "bind_port") == 0)
        config->bind_port = (uint16_t)number(v, 1, 65535);
    else if (strcmp(v->name, "connect_port") == 0)
        config->connect_port = (uint16_t)number(v, 1, 65535);
    else if (strcmp(v->name, "mtu") == 0)
        config->mtu = (uint16_t)number(v, 68, 65535);
    else if (strcmp(v->name, "mss") == 0)
        config->mss = (uint16_t)number(v, 1, 65535);
    else if (strcmp(v->name, "tolerance_usecs") == 0)
        config->tolerance_ns = number(v, 0, INT32_MAX) * ns_per_us;
    else if (strcmp(v->name, "tolerance_percent") == 0)
        read_percent(v);
    else if (strcmp(v->name, "tcp_ts_tick_usecs") == 0)
        config->timestamp_tick_ns = number(v, 0, INT32_MAX) * ns_per_us;
    else if (strcmp(v->name, "seed") == 0)
        config->seed = (uint64_t)number(v, 0, INT64_MAX);
    else if (strcmp(v->name, "set") == 0)
        read_setting(v);
    else
        return strcmp(v->name, "define") == 0; /* the lexer has seen to it */
    return true;
}

bool config_option(struct config *config, const char *name, const char *value,
                   struct problem *problem, int line)
{
    struct option_value v = {config, problem, name, value, line};
    if (!set_flag(&v) && !set_value(&v))
        problem_set(problem, line, "unknown option --%s", name);
    return problem->text == NULL;
}

bool config_script(struct config *config, const struct script_option *options,
                   const struct script_option *command_line, struct problem *problem)
{
    for (; options; options = options->next)
        if (!config_option(config, options->name, options->value, problem, options->line))
            return false;
    for (; command_line; command_line = command_line->next)
        if (!config_option(config, command_line->name, command_line->value, problem, 0))
            return false;
    return true;
}
