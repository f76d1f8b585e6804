#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "cli/values.h"

enum {
    OPTIONS_MAX = 32,    /* common ones and a subcommand's own */
    OPTION_LONG = 0x100, /* getopt_long's value of the first entry */
    MTU_LEAST = 68,      /* RFC 791 §3.2 */
    MTU_MOST = 65535,
};

static int take_device(void *target, const char *value, struct tern_error *error)
{
    (void)error; /* the kernel judges names */
    ((struct common *)target)->device = value;
    return 0;
}

static int take_address(void *target, const char *value, struct tern_error *error)
{
    ((struct common *)target)->address = value;
    return value_cidr("--addr", value, error);
}

static int take_peer(void *target, const char *value, struct tern_error *error)
{
    struct sockaddr_in ignored;
    ((struct common *)target)->peer = value;
    return value_host("--peer", value, &ignored, error);
}

static int take_mtu(void *target, const char *value, struct tern_error *error)
{
    uint64_t mtu;
    int result = value_number("--mtu", value, MTU_LEAST, MTU_MOST, &mtu, error);
    if (result == 0)
        ((struct common *)target)->mtu = (unsigned)mtu;
    return result;
}

static int take_no_offload(void *target, const char *value, struct tern_error *error)
{
    (void)value, (void)error;
    ((struct common *)target)->no_offload = true;
    return 0;
}

static int take_capture(void *target, const char *value, struct tern_error *error)
{
    if (!*value)
        return value_wrong(error, "--capture needs the name of a file to write");
    ((struct common *)target)->capture = value;
    return 0;
}

static int take_fault(void *target, const char *value, struct tern_error *error)
{
    (void)error; /* tern_open has the last word on it, before it touches a device */
    ((struct common *)target)->fault = value;
    return 0;
}

static bool setting_exists(const char *name, size_t length)
{
    const char *known;
    for (size_t i = 0; (known = tern_setting_name(i, NULL)) != NULL; i++)
        if (strlen(known) == length && memcmp(known, name, length) == 0)
            return true;
    return false;
}

/* Several --set add up to one list, as tern_open takes it. */
static int take_setting(void *target, const char *value, struct tern_error *error)
{
    char *list = ((struct common *)target)->settings;
    size_t used = strlen(list), size = sizeof((struct common *)target)->settings;
    const char *equals = strchr(value, '=');
    if (!equals || equals == value || !equals[1] || strchr(value, ','))
        return value_wrong(error, "--set '%.60s' is not of the form NAME=VALUE", value);
    if (!setting_exists(value, (size_t)(equals - value)))
        return value_wrong(error,
                           "--set: no setting is called '%.*s'; 'tern help settings' lists them",
                           (int)(equals - value) > 60 ? 60 : (int)(equals - value), value);
    if (strlen(value) + 2 > size - used)
        return value_wrong(error, "--set: too many settings, at most %zu characters in all",
                           size - 1);
    snprintf(list + used, size - used, "%s%s", used ? "," : "", value);
    return 0;
}

static int take_trace(void *target, const char *value, struct tern_error *error)
{
    (void)value, (void)error;
    ((struct common *)target)->trace = true;
    return 0;
}

static int take_counters(void *target, const char *value, struct tern_error *error)
{
    (void)value, (void)error;
    ((struct common *)target)->counters = true;
    return 0;
}

static int take_sandbox(void *target, const char *value, struct tern_error *error)
{
    (void)value, (void)error;
    ((struct common *)target)->sandbox = true;
    return 0;
}

static const struct option_entry common_options[] = {
    {"dev", 0, "NAME", "the TUN device to create or to attach to (tern0)", take_device},
    {"addr", 0, "CIDR", "our address and its subnet (10.0.0.3/24)", take_address},
    {"peer", 0, "ADDR", "the kernel's address on the device (10.0.0.2)", take_peer},
    {"mtu", 0, "BYTES", "the largest packet (1500)", take_mtu},
    {"no-offload", 0, NULL, "packets as on a wire, none above the MTU: slow, for who looks at them",
     take_no_offload},
    {"capture", 0, "FILE", "write every packet to a pcapng file for Wireshark", take_capture},
    {"trace", 0, NULL, "print a line for each packet on standard error", take_trace},
    {"fault", 0, "LIST",
     "be a bad network: loss=5%,dup=1%,reorder=5%,corrupt=1%,\n"
     "ce=2%,delay=20ms,jitter=5ms,rate=100mbit,queue=1000,seed=7,\n"
     "or some of these (queue: packets)",
     take_fault},
    {"set", 0, "NAME=VALUE", "change a setting ('tern help settings'); repeatable", take_setting},
    {"counters", 0, NULL, "at the end print what was counted ('tern help counters')",
     take_counters},
    {"sandbox", 0, NULL,
     "in a user and network namespace of its own: no root needed,\n"
     "and nothing of the host's network is touched",
     take_sandbox},
    {0},
};

static const struct option_entry help_option = {"help", 'h', NULL, "print this", NULL};

/* An option as it was found: whose it is, and where its value goes. */
struct option_slot {
    const struct option_entry *entry;
    void *target;
};

/* All options of a command, in the forms that getopt_long wants. */
struct option_set {
    int count;
    struct option_slot slots[OPTIONS_MAX];
    struct option longs[OPTIONS_MAX + 1];
    size_t short_count;
    char shorts[2 * OPTIONS_MAX + 2];
};

static void option_set_add(struct option_set *set, const struct option_entry *entry, void *target)
{
    for (; entry && entry->name && set->count < OPTIONS_MAX; entry++) {
        int has_value = entry->value ? required_argument : no_argument;
        set->slots[set->count] = (struct option_slot){entry, target};
        set->longs[set->count] =
            (struct option){entry->name, has_value, NULL, OPTION_LONG + set->count};
        set->count++;
        if (entry->letter)
            set->shorts[set->short_count++] = entry->letter;
        if (entry->letter && entry->value)
            set->shorts[set->short_count++] = ':';
        if (entry == &help_option)
            return;
    }
}

/* By getopt_long's value; NULL: none. */
static const struct option_slot *option_set_find(const struct option_set *set, int found)
{
    for (int i = 0; i < set->count; i++) {
        const struct option_slot *slot = &set->slots[i];
        if (slot->entry && (found == OPTION_LONG + i || (found && found == slot->entry->letter)))
            return slot;
    }
    return NULL;
}

/* What getopt_long stumbled over: ':' a missing value, '?' an unknown option or a
 * value too many. */
static void option_refuse(const struct option_set *set, int found, char **words,
                          struct tern_error *error)
{
    const struct option_slot *slot = option_set_find(set, optopt);
    if (found == ':' && slot)
        value_wrong(error, "--%s needs a value: --%s %s", slot->entry->name, slot->entry->name,
                    slot->entry->value);
    else if (slot)
        value_wrong(error, "--%s takes no value", slot->entry->name);
    else if (optopt)
        value_wrong(error, "unknown option '-%c'", optopt);
    else
        value_wrong(error, "unknown option '%.60s'", words[optind - 1]);
}

static int arguments_check(const struct command *command, int count, char **arguments,
                           struct tern_error *error)
{
    if (count < command->arguments_least)
        return value_wrong(error, "%s", command->arguments_missing);
    if (count > command->arguments_most)
        return value_wrong(error, "'%.60s' is one argument too many, %d at most; usage: tern %s %s",
                           arguments[command->arguments_most], command->arguments_most,
                           command->name, command->synopsis);
    return 0;
}

enum parsed options_parse(const struct command *command, int word_count, char **words,
                          struct common *common, int *first, int *count, struct tern_error *error)
{
    struct option_set set = {.shorts = ":", .short_count = 1};
    option_set_add(&set, &help_option, NULL);
    option_set_add(&set, common_options, common);
    option_set_add(&set, command->options, command->values);

    optind = 0; /* glibc: start afresh */
    int found;
    while ((found = getopt_long(word_count, words, set.shorts, set.longs, NULL)) != -1) {
        const struct option_slot *slot =
            found == ':' || found == '?' ? NULL : option_set_find(&set, found);
        if (!slot) {
            option_refuse(&set, found, words, error);
            return PARSED_WRONG;
        }
        if (slot->entry == &help_option)
            return PARSED_HELP;
        if (slot->entry->take(slot->target, optarg, error) < 0)
            return PARSED_WRONG;
    }
    *first = optind;
    *count = word_count - optind;
    return arguments_check(command, *count, words + optind, error) < 0 ? PARSED_WRONG : PARSED_RUN;
}

/* One option: its forms in a column, then its text, whose further lines are indented alike. */
static void option_print(const struct option_entry *entry, FILE *to)
{
    char forms[64];
    int used = entry->letter ? snprintf(forms, sizeof forms, "-%c, ", entry->letter)
                             : snprintf(forms, sizeof forms, "    ");
    snprintf(forms + used, sizeof forms - (size_t)used, "--%s%s%s", entry->name,
             entry->value ? " " : "", entry->value ? entry->value : "");

    const char *line = entry->text;
    for (const char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        fprintf(to, "  %-22s  %.*s\n", forms, (int)(end - line), line);
        forms[0] = '\0';
    }
    fprintf(to, "  %-22s  %s\n", forms, line);
}

void options_help(const struct command *command, FILE *to)
{
    fprintf(to, "Usage: tern %s [OPTION]... %s\n\n%s\n", command->name, command->synopsis,
            command->text);
    if (command->options)
        fprintf(to, "Options:\n");
    for (const struct option_entry *e = command->options; e && e->name; e++)
        option_print(e, to);
    fprintf(to, "%sOptions of every command:\n", command->options ? "\n" : "");
    for (const struct option_entry *e = common_options; e->name; e++)
        option_print(e, to);
    option_print(&help_option, to);
    fprintf(to, "\nExit status:\n");
    status_help(command->statuses, command->serves, to);
}
