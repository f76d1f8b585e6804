/* A script sets net.ipv4.tcp_* in its namespace, before and between its calls. The stack's settings
 * that carry the same meaning follow: before each call the files are read again, and what has
 * changed is set by name. When a setting takes effect (for new sockets, at the SYN, at once) is
 * then the stack's business.
 *
 * A setting "tcp.x" follows tcp_x; where name, unit or range differ, a line in `differing` says
 * how. Settings that the kernel has no file for keep their defaults. A value that a script asks for
 * and this kernel refuses, because it is older than the script, is found in a file of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"

enum rule {
    RULE_SAME,
    RULE_SWITCH,     /* anything but 0 is 1 */
    RULE_SECOND,     /* the second of three numbers */
    RULE_THIRD,      /* the third */
    RULE_TAIL_PROBE, /* tcp_early_retrans: 3 and 4 mean tail loss probes */
    RULE_MICRO,      /* microseconds there, milliseconds here */
    /* A namespace of an unprivileged user is refused CUBIC, without a word, where the host does not
     * allow it to all: its scripts expect it all the same. */
    RULE_CONGESTION,
    RULE_HYSTART, /* HyStart as Linux has it, where it is on */
};

static const struct {
    const char *setting;
    const char *file;
    enum rule rule;
} differing[] = {
    {"tcp.frto", "tcp_frto", RULE_SWITCH},
    {"tcp.tail_loss_probe", "tcp_early_retrans", RULE_TAIL_PROBE},
    {"tcp.rto_min_ms", "tcp_rto_min_us", RULE_MICRO},
    {"tcp.min_rtt_window_s", "tcp_min_rtt_wlen", RULE_SAME},
    {"tcp.fin_timeout_s", "tcp_fin_timeout", RULE_SAME},
    {"tcp.probe_interval_s", "tcp_probe_interval", RULE_SAME},
    {"tcp.keepalive_time_s", "tcp_keepalive_time", RULE_SAME},
    {"tcp.keepalive_interval_s", "tcp_keepalive_intvl", RULE_SAME},
    {"tcp.rcvbuf", "tcp_rmem", RULE_SECOND},
    {"tcp.rcvbuf_max", "tcp_rmem", RULE_THIRD},
    {"tcp.sndbuf", "tcp_wmem", RULE_SECOND},
    {"tcp.sndbuf_max", "tcp_wmem", RULE_THIRD},
    {"tcp.congestion_control", "tcp_congestion_control", RULE_CONGESTION},
    {"tcp.hystart", "/sys/module/tcp_cubic/parameters/hystart_detect", RULE_HYSTART},
};

struct setting_file {
    char setting[64];
    char file[64]; /* in its folder */
    enum rule rule;
    int fd;
    char last[128]; /* what it held when it was last read */
};

static int open_high(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int high = fcntl_high(fd);
    close(fd);
    return high;
}

static void add(struct machine *m, const char *setting)
{
    char path[128];
    struct setting_file file = {.rule = RULE_SAME};
    snprintf(path, sizeof path, "/proc/sys/net/ipv4/tcp_%s", setting + strlen("tcp."));
    for (size_t i = 0; i < sizeof differing / sizeof differing[0]; i++) {
        if (strcmp(differing[i].setting, setting) == 0) {
            snprintf(path, sizeof path, "%s%s",
                     differing[i].file[0] == '/' ? "" : "/proc/sys/net/ipv4/", differing[i].file);
            file.rule = differing[i].rule;
        }
    }
    snprintf(file.file, sizeof file.file, "%s", strrchr(path, '/') + 1);
    file.fd = open_high(path);
    /* Pacing is a qdisc's there, and no file's. */
    if (file.fd < 0 && strcmp(setting, "tcp.pacing") != 0)
        return;
    struct setting_file *more = realloc(m->settings, (m->setting_count + 1) * sizeof *more);
    if (more == NULL)
        return;
    m->settings = more;
    snprintf(file.setting, sizeof file.setting, "%s", setting);
    m->settings[m->setting_count++] = file;
}

void settings_open(struct machine *m)
{
    const char *name;
    for (size_t i = 0; (name = tern_setting_name(i, NULL)) != NULL; i++) {
        if (strncmp(name, "tcp.", 4) == 0)
            add(m, name);
    }
}

void settings_close(struct machine *m)
{
    for (size_t i = 0; i < m->setting_count; i++)
        if (m->settings[i].fd >= 0)
            close(m->settings[i].fd);
    free(m->settings);
}

/* Turns what the file says into what the setting takes, in place. */
static void translate(char *value, size_t size, enum rule rule)
{
    long numbers[3] = {0};
    sscanf(value, "%ld %ld %ld", &numbers[0], &numbers[1], &numbers[2]);
    switch (rule) {
    case RULE_SAME:
        break;
    case RULE_SWITCH:
        snprintf(value, size, "%d", numbers[0] != 0);
        break;
    case RULE_SECOND:
        snprintf(value, size, "%ld", numbers[1]);
        break;
    case RULE_THIRD:
        snprintf(value, size, "%ld", numbers[2]);
        break;
    case RULE_TAIL_PROBE:
        snprintf(value, size, "%d", numbers[0] == 3 || numbers[0] == 4);
        break;
    case RULE_MICRO:
        snprintf(value, size, "%ld", numbers[0] / 1000);
        break;
    case RULE_CONGESTION:
        snprintf(value, size, "%s", strcmp(value, "reno") == 0 ? "reno" : "cubic");
        break;
    case RULE_HYSTART:
        snprintf(value, size, "%s", numbers[0] ? "delay" : "off");
        break;
    }
}

static ssize_t read_refused(const struct machine *m, const struct setting_file *file, char *value,
                            size_t size)
{
    char path[sizeof m->flags.refused + sizeof file->file + 2];
    if (!m->flags.refused[0])
        return -1;
    snprintf(path, sizeof path, "%s/%s", m->flags.refused, file->file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, value, size);
    close(fd);
    return n;
}

/* What the stack does not know, or not so far, leaves the setting as it was. */
static void follow(struct machine *m, struct setting_file *file)
{
    char value[sizeof file->last];
    ssize_t n = read_refused(m, file, value, sizeof value - 1);
    if (n <= 0)
        n = pread(file->fd, value, sizeof value - 1, 0);
    if (n <= 0)
        return;
    value[n] = '\0';
    value[strcspn(value, "\n")] = '\0';
    if (strcmp(value, file->last) == 0)
        return;
    memcpy(file->last, value, sizeof value);
    translate(value, sizeof value, file->rule);
    if (tern_set(m->tern, file->setting, value) < 0 && m->flags.trace)
        fprintf(stderr, "setting %s stays: '%s': %s\n", file->setting, value, strerror(errno));
}

void settings_forget_peers(struct machine *m)
{
    static const char peers[] = "tcp.fastopen_peers";
    char most[16];
    if (tern_get(m->tern, peers, most, sizeof most) == 0) {
        tern_set(m->tern, peers, "0");
        tern_set(m->tern, peers, most);
    }
}

void settings_follow(struct machine *m)
{
    for (size_t i = 0; i < m->setting_count; i++)
        follow(m, &m->settings[i]);
}
