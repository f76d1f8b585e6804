#include "captures.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CAPTURES_MAX = 256, REPORTED_MAX = 20, NO_TSHARK = 127 };

/* What is fine in any scenario: a receiver may be slower than its sender, and a host so busy that a
 * sender asks again for what is on its way. tshark calls such a copy out of order where little time
 * has passed since the last packet; what really runs ahead of others is reported as well for what
 * was "not captured" before it. */
static const char always_explained[] = "window specified by the receiver is now completely full|"
                                       "Zero Window segment|D-SACK|out-of-order";
/* What faults do to a conversation; a late segment of one that is over is answered with a reset. */
static const char faults_explain[] = "not captured|wasn't captured|Connection reset";

struct captured {
    const char *device;
    const char *explains;
    bool faults;
};

static char folder[CAPTURE_PATH_MAX / 2];
static struct captured captured[CAPTURES_MAX];
static unsigned count;
static bool kept;

int captures_begin(void)
{
    const char *base = getenv("TMPDIR");
    count = 0;
    kept = false;
    snprintf(folder, sizeof folder, "%s/tern-interop-XXXXXX", base ? base : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static void path_of(const char *device, char *path)
{
    snprintf(path, CAPTURE_PATH_MAX, "%s/%s.pcapng", folder, device);
}

void captures_add(const char *device, const char *explains, bool faults, char *path)
{
    assert_true(count < CAPTURES_MAX);
    captured[count++] = (struct captured){device, explains, faults};
    path_of(device, path);
}

void captures_keep(void)
{
    kept = true;
}

void captures_end(void)
{
    char path[CAPTURE_PATH_MAX];
    if (kept) {
        print_message("the captures are in %s\n", folder);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        path_of(captured[i].device, path);
        unlink(path);
    }
    rmdir(folder);
}

/* ── tshark ── */

/* All captures as one: pcapng sections may follow one another. */
static void feed(int into)
{
    static char bytes[1 << 16];
    char path[CAPTURE_PATH_MAX];
    for (unsigned i = 0; i < count; i++) {
        path_of(captured[i].device, path);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        for (ssize_t got; file >= 0 && (got = read(file, bytes, sizeof bytes)) > 0;)
            if (write(into, bytes, (size_t)got) != got)
                _exit(1);
        close(file);
    }
    _exit(0);
}

static pid_t start_feeding(int *from)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        feed(ends[1]);
    close(ends[1]);
    *from = ends[0];
    return child;
}

/* One line for each packet that an expert would warn of: its section, number, our comment on why we
 * dropped it, its direction, of ICMP the type and whether its own checksum is right (1), and the
 * messages with their severities. Payload is a pattern, not to be guessed at. */
static const char *const tshark[] = {"tshark", "-n",
                                     "-r",     "-",
                                     "-o",     "ip.check_checksum:TRUE",
                                     "-o",     "tcp.check_checksum:TRUE",
                                     "-o",     "udp.check_checksum:TRUE",
                                     "-d",     "tcp.port==0-65535,data",
                                     "-d",     "udp.port==0-65535,data",
                                     "-Y",     "_ws.expert.severity >= 0x600000 || _ws.malformed",
                                     "-T",     "fields",
                                     "-E",     "separator=/t",
                                     "-E",     "aggregator=|",
                                     "-e",     "frame.section_number",
                                     "-e",     "frame.number",
                                     "-e",     "frame.comment",
                                     "-e",     "frame.packet_flags_direction",
                                     "-e",     "icmp.type",
                                     "-e",     "icmp.checksum.status",
                                     "-e",     "_ws.expert.severity",
                                     "-e",     "_ws.expert.message",
                                     NULL};

static pid_t start_tshark(int from, FILE **says)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int silent = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(from, STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        dup2(silent, STDERR_FILENO);
        execvp(tshark[0], (char *const *)(uintptr_t)tshark);
        _exit(NO_TSHARK);
    }
    close(from);
    close(ends[1]);
    *says = fdopen(ends[0], "r");
    assert_non_null(*says);
    return child;
}

static int wait_for(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ── What it says ── */

/* Whether one of the '|'-separated parts is in the message. */
static bool mentions(const char *message, const char *parts)
{
    while (parts && *parts) {
        char part[128];
        size_t length = strcspn(parts, "|");
        snprintf(part, sizeof part, "%.*s", (int)length, parts);
        if (strstr(message, part))
            return true;
        parts += length + (parts[length] == '|');
    }
    return false;
}

static const struct captured *captured_in(const char *section)
{
    unsigned long number = section ? strtoul(section, NULL, 10) : 0;
    assert_in_range(number, 1, count);
    return &captured[number - 1];
}

/* An ICMP error quotes a packet whose checksum nobody may have finished: it never left the host. */
static bool is_quote(const char *type, const char *status, const char *message)
{
    bool error = *type && strcmp(type, "0") != 0 && strcmp(type, "8") != 0; /* no echo */
    return error && strcmp(status, "1") == 0 && mentions(message, "Bad checksum");
}

/* A host so busy that its TCP repeated a FIN that we had acknowledged, and had closed by the time
 * it saw that we acknowledged the repetition too, as a connection in TIME-WAIT must (RFC 9293
 * §3.10.7.4): it resets what it does not know any more. */
static bool resets_time_wait(const char *message, const char *comment)
{
    return strstr(message, "(RST)") && comment && strstr(comment, "TIME-WAIT");
}

/* Linux writes a checksum of 0 as 0xffff, which adds up to the same, not for UDP alone (its
 * CSUM_MANGLED_0): of one packet in 65,536. We do not. */
static bool is_mangled_zero(const char *direction, const char *message)
{
    enum { INBOUND = 1 };
    return strtol(direction, NULL, 0) == INBOUND &&
           mentions(message, "TCP Checksum 0xffff instead of 0x0000");
}

static bool explained(const struct captured *c, const char *message, bool dropped)
{
    if (c->faults && (dropped || mentions(message, faults_explain)))
        return true;
    return mentions(message, always_explained) || mentions(message, c->explains);
}

/* Reads one of tshark's lines, and counts and reports what is not explained. */
static void judge(char *line, unsigned *unexplained)
{
    enum { WARNING = 0x600000 };
    line[strcspn(line, "\n")] = '\0';
    const struct captured *c = captured_in(strsep(&line, "\t"));
    const char *number = strsep(&line, "\t"), *comment = strsep(&line, "\t");
    const char *direction = strsep(&line, "\t");
    const char *type = strsep(&line, "\t"), *status = strsep(&line, "\t");
    char *severities = strsep(&line, "\t"), *messages = line;
    bool dropped = comment && strncmp(comment, "dropped", 7) == 0;
    for (char *message; (message = strsep(&messages, "|"));) {
        const char *severity = strsep(&severities, "|");
        if (severity && *severity && strtol(severity, NULL, 0) < WARNING)
            continue;
        if (explained(c, message, dropped) || resets_time_wait(message, comment) ||
            is_quote(type, status, message) || is_mangled_zero(direction, message))
            continue;
        if (++*unexplained <= REPORTED_MAX)
            print_error("%s.pcapng, packet %s of all: %s %s\n", c->device, number, message,
                        comment);
    }
}

int captures_judge(unsigned *unexplained)
{
    char *line = NULL;
    size_t size = 0;
    FILE *says;
    int from;
    pid_t feeder = start_feeding(&from), reader = start_tshark(from, &says);
    *unexplained = 0;
    while (getline(&line, &size, says) > 0)
        judge(line, unexplained);
    free(line);
    fclose(says);
    int status = wait_for(reader);
    wait_for(feeder);
    if (status == NO_TSHARK) {
        print_message("tshark is not installed: %u captures were not read\n", count);
        skip();
    }
    return status;
}

void captures_hold_nothing_unexplained(void **state)
{
    (void)state;
    unsigned unexplained;
    int status = captures_judge(&unexplained);
    kept = kept || unexplained > 0 || status != 0;
    if (status != 0)
        fail_msg("tshark could not read the captures: status %d", status);
    if (unexplained)
        fail_msg("tshark finds %u things that no scenario explains", unexplained);
}
