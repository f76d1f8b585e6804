#include "machine.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NEVER UINT64_MAX
#define US(n) ((uint64_t)(n)*1000)
#define S(n)  ((uint64_t)(n)*1000000000)
#define START S(1700000000) /* of the clock; any time would do */
/* Who waits for nothing is let go after this long: no script waits longer for a packet. */
#define PATIENCE S(600)

static bool on_script_thread(const struct machine *m)
{
    return gettid() == m->script;
}

/* ── The blocked caller ── */

/* Lets the blocked caller see what has changed, and waits until it has. */
static void settle(struct machine *m)
{
    if (m->caller != CALLER_WAITING)
        return;
    m->caller = CALLER_LOOKING;
    pthread_cond_signal(&m->look);
    while (m->caller == CALLER_LOOKING || m->caller == CALLER_LEAVING)
        pthread_cond_wait(&m->settled, &m->lock);
}

static void caller_becomes(struct machine *m, enum caller caller)
{
    m->caller = caller;
    pthread_cond_signal(&m->settled);
}

static bool is_asleep(pid_t thread)
{
    char path[64], text[256];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return true;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    const char *name_end = strrchr(text, ')');
    return name_end == NULL || name_end[1] == '\0' || name_end[2] == 'S';
}

void machine_await_caller(struct machine *m)
{
    pthread_mutex_lock(&m->lock);
    bool unsettled = m->caller_unsettled;
    m->caller_unsettled = false;
    pthread_mutex_unlock(&m->lock);
    /* The second thread sleeps too, before its next call: then it has done with the last. */
    while (unsettled && on_script_thread(m) && !is_asleep(m->caller_thread))
        sched_yield();
}

/* ── The clock ── */

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When something happens next by itself. */
static uint64_t next_event(struct machine *m)
{
    uint64_t at = tern_deadline(m->tern);
    return m->caller == CALLER_WAITING ? min_u64(at, m->caller_deadline_ns) : at;
}

/* Moves the clock, and lets happen at its time what is due on the way. */
static void clock_to(struct machine *m, uint64_t to_ns)
{
    for (;;) {
        uint64_t at = next_event(m);
        if (at > to_ns)
            break;
        if (at > m->now_ns)
            m->now_ns = at;
        tern_advance(m->tern, m->now_ns);
        settle(m);
        if (next_event(m) <= at && at <= m->now_ns)
            break; /* what stays due is for the next look */
    }
    if (to_ns > m->now_ns)
        m->now_ns = to_ns;
}

void machine_sleep(struct machine *m, uint64_t ns)
{
    clock_to(m, m->now_ns + ns);
}

uint64_t machine_look_at_clock(struct machine *m)
{
    if (m->caller == CALLER_LEAVING && !on_script_thread(m)) {
        m->caller_unsettled = true;
        caller_becomes(m, CALLER_NONE);
        return m->now_ns;
    }
    clock_to(m, m->now_ns + US(1));
    m->calls = 0;
    m->unread = m->left;
    return m->now_ns;
}

/* The stack's `wait`: the lock is held, by who called it. */
static int wait_in_stack(void *user, uint64_t deadline_ns)
{
    struct machine *m = user;
    if (on_script_thread(m)) {
        uint64_t at = min_u64(next_event(m), deadline_ns);
        if (at == NEVER || (at > m->now_ns && at - m->now_ns > PATIENCE))
            return -EINTR;
        clock_to(m, at > m->now_ns ? at : m->now_ns + US(1));
        return 0;
    }
    m->caller_thread = gettid();
    m->caller_deadline_ns = deadline_ns;
    caller_becomes(m, CALLER_WAITING);
    while (m->caller == CALLER_WAITING)
        pthread_cond_wait(&m->look, &m->lock);
    return 0;
}

void machine_enter(struct machine *m)
{
    pthread_mutex_lock(&m->lock);
    settings_follow(m);
    route_follow(m);
    if (m->flags.forget[0] && unlink(m->flags.forget) == 0)
        settings_forget_peers(m);
    tern_advance(m->tern, m->now_ns);
    descriptors_pump(m);
}

static void write_counters(struct machine *m)
{
    const char *name;
    uint64_t value;
    FILE *file = m->flags.counters[0] ? fopen(m->flags.counters, "we") : NULL;
    if (file == NULL)
        return;
    for (size_t i = 0; (name = tern_counter_name(i)) != NULL; i++) {
        if (tern_counter(m->tern, name, &value) == 0)
            fprintf(file, "%s %llu\n", name, (unsigned long long)value);
    }
    fclose(file);
}

void machine_leave(struct machine *m)
{
    int saved = errno;
    if (on_script_thread(m))
        settle(m);
    else if (m->caller == CALLER_LOOKING)
        m->caller = CALLER_LEAVING; /* until it has looked at the clock */
    if (m->calls++ == 0)
        m->unread = m->left;
    write_counters(m);
    pthread_mutex_unlock(&m->lock);
    errno = saved;
}

/* ── Packets ── */

static int take_packet(void *user, const struct iovec *spans, int count,
                       const struct tern_offload *offload)
{
    struct machine *m = user;
    size_t length = 0;
    (void)offload; /* the stack was told that the link can do nothing */
    for (int i = 0; i < count; i++)
        length += spans[i].iov_len;
    struct left_packet *packet = device_is_full(m->device) ? NULL : malloc(sizeof *packet + length);
    if (packet == NULL)
        return -ENOBUFS;
    *packet = (struct left_packet){.time_ns = m->now_ns, .length = length};
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        memcpy(packet->bytes + at, spans[i].iov_base, spans[i].iov_len);
        at += spans[i].iov_len;
    }
    capture_packet(m->capture, m->now_ns, packet->bytes, length);
    *m->last = packet;
    m->last = &packet->next;
    m->left++;
    return 0;
}

struct left_packet *machine_packet(struct machine *m)
{
    const uint64_t patience = m->now_ns + PATIENCE;
    while (m->first == NULL) {
        uint64_t at = next_event(m);
        if (at > patience)
            return NULL;
        clock_to(m, at > m->now_ns ? at : m->now_ns + US(1));
    }
    struct left_packet *packet = m->first;
    m->first = packet->next;
    if (m->first == NULL)
        m->last = &m->first;
    m->unread = --m->left;
    return packet;
}

/* ── Trace: what the stack says of each packet, for who wonders why a script fails ── */

static void print_event(void *user, const struct tern_trace_event *event)
{
    static const char *const kinds[] = {"in", "out", "drop", "note"};
    const struct machine *m = user;
    uint64_t since = event->time_ns - START;
    (void)m;
    fprintf(stderr, "  tern %llu.%06llu %-4s %s%s%s\n", (unsigned long long)(since / S(1)),
            (unsigned long long)(since % S(1) / US(1)), kinds[event->kind],
            event->why ? event->why : "", event->clause ? ", " : "",
            event->clause ? event->clause : "");
}

/* ── Beginning and end ── */

static bool copy_flag(const char *item, size_t length, const char *name, char *to, size_t size)
{
    size_t skip = strlen(name);
    if (strncmp(item, name, skip) != 0 || length - skip >= size)
        return false;
    memcpy(to, item + skip, length - skip);
    to[length - skip] = '\0';
    return true;
}

static bool read_flag(struct machine_flags *flags, const char *item, size_t length)
{
    char number[16];
    if (length == 5 && memcmp(item, "trace", 5) == 0) {
        flags->trace = true;
        return true;
    }
    if (length == 11 && memcmp(item, "unread=fail", 11) == 0) {
        flags->unread_fails = true;
        return true;
    }
    if (copy_flag(item, length, "mtu=", number, sizeof number)) {
        flags->mtu = (unsigned)strtoul(number, NULL, 10);
        return true;
    }
    if (copy_flag(item, length, "segment=", number, sizeof number)) {
        flags->segment = (unsigned)strtoul(number, NULL, 10);
        return true;
    }
    return copy_flag(item, length, "address=", flags->address, sizeof flags->address) ||
           copy_flag(item, length, "capture=", flags->capture, sizeof flags->capture) ||
           copy_flag(item, length, "forget=", flags->forget, sizeof flags->forget) ||
           copy_flag(item, length, "refused=", flags->refused, sizeof flags->refused) ||
           copy_flag(item, length, "counters=", flags->counters, sizeof flags->counters);
}

static bool read_flags(struct machine_flags *flags, const char *text)
{
    *flags = (struct machine_flags){.address = "192.168.0.1/16", .mtu = 1500};
    while (text != NULL && *text != '\0') {
        size_t length = strcspn(text, ",");
        if (!read_flag(flags, text, length)) {
            fprintf(stderr, "tern: no such flag: '%.*s'\n", (int)length, text);
            return false;
        }
        text += length + (text[length] == ',');
    }
    return true;
}

struct machine *machine_new(const char *flags)
{
    /* The same each time, so that a failure can be looked at again. */
    static const uint8_t seed[32] = "packetdrill plays in its time";
    struct machine *m = calloc(1, sizeof *m);
    struct tern_error error;
    if (m == NULL || !read_flags(&m->flags, flags)) {
        free(m);
        return NULL;
    }
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->look, NULL);
    pthread_cond_init(&m->settled, NULL);
    m->script = gettid();
    m->now_ns = START;
    m->last = &m->first;
    m->device = device_open();
    m->capture = m->flags.capture[0] ? capture_open(m->flags.capture) : -1;
    struct tern_engine_config config = {
        .seed = seed,
        .now_ns = m->now_ns,
        .address = m->flags.address,
        .mtu = UINT16_MAX, /* ip.mtu says how much of it: a script may change that (route.c) */
        .output = take_packet,
        .wait = wait_in_stack,
        .user = m,
        /* Where Linux does other than an RFC advises, or counts otherwise, and its scripts show it.
         */
        .settings = "tcp.timestamps_strict=0,tcp.fastopen_retry_s=0,tcp.rcvbuf_overhead=1",
        .trace = m->flags.trace ? print_event : NULL,
        .trace_user = m,
    };
    m->tern = tern_engine_new(&config, &error);
    if (m->tern == NULL) {
        fprintf(stderr, "tern: %s\n", error.text);
        free(m);
        return NULL;
    }
    m->route.mtu = UINT16_MAX;
    settings_open(m);
    return m;
}

void machine_free(struct machine *m)
{
    tern_close_stack(m->tern);
    settings_close(m);
    while (m->first != NULL) {
        struct left_packet *packet = m->first;
        m->first = packet->next;
        free(packet);
    }
    if (m->capture >= 0)
        close(m->capture);
    if (m->device >= 0)
        close(m->device);
    free(m);
}
