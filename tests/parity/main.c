/* The same program played on the kernel and on tern, and what they did compared line by line.
 *
 *     parity [PATTERN]    only the programs whose names match
 *
 * Each program is one case. Where the two differ and differences.c does not say why they may, both
 * sides are printed. */
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "differences.h"
#include "matrix.h"
#include "programs.h"

static unsigned failed;
static const char *pattern = "*";

/* What is played at a time: an action in a state, or a program of its own. */
struct part {
    char name[128];
    void (*reach)(struct play *p);
    void (*act)(struct play *p, int s);
    void (*run)(struct play *p); /* NULL: the other two */
};

static void play(struct play *p, const struct api *api, const struct part *part, uint16_t port)
{
    *p = (struct play){.api = api, .port = port, .subject = -1, .peer = -1};
    api->begin();
    if (part->run != NULL) {
        part->run(p);
    } else {
        part->reach(p);
        part->act(p, p->subject);
    }
    uint64_t held = api->end();
    if (held != 0)
        play_note(p, "%llu bytes are held at the end", (unsigned long long)held);
}

static const char *line(const struct play *p, int i)
{
    return i < p->count ? p->lines[i] : NULL;
}

static void print_both(const struct play *kernel, const struct play *tern, const char *program)
{
    for (int i = 0; line(kernel, i) || line(tern, i); i++) {
        const char *k = line(kernel, i), *t = line(tern, i);
        if (k && t && strcmp(k, t) == 0) {
            printf("      both    %s\n", k);
            continue;
        }
        const struct difference *known = difference_find(program, k, t);
        printf("    %s kernel  %s\n", known ? " " : ">", k ? k : "(no more)");
        printf("    %s tern    %s\n", known ? " " : ">", t ? t : "(no more)");
    }
}

/* Whether all that differs may. */
static bool compare(const struct play *kernel, const struct play *tern, const char *program)
{
    for (int i = 0; line(kernel, i) || line(tern, i); i++) {
        const char *k = line(kernel, i), *t = line(tern, i);
        if (k && t && strcmp(k, t) == 0)
            continue;
        if (difference_find(program, k, t) == NULL)
            return false;
    }
    return true;
}

static void play_both(const struct part *part)
{
    static struct play kernel, tern;
    enum { OF_ITS_OWN = 8, CHOSEN = 32768 }; /* from here on the system gives ports itself */
    static uint16_t port = 1024;
    if (fnmatch(pattern, part->name, 0) != 0)
        return;
    port += OF_ITS_OWN; /* what one program leaves in TIME-WAIT is in no other's way */
    if (port + OF_ITS_OWN > CHOSEN) {
        printf("there are too few ports for so many programs\n");
        exit(1);
    }
    play(&kernel, &api_kernel, part, port);
    play(&tern, &api_tern, part, port);
    if (compare(&kernel, &tern, part->name)) {
        printf("ok %s\n", part->name);
        return;
    }
    print_both(&kernel, &tern, part->name);
    printf("not ok %s\n", part->name);
    failed++;
}

static void play_matrix(const struct action *actions, unsigned count)
{
    for (unsigned s = 0; s < state_count; s++) {
        for (unsigned a = 0; a < count; a++) {
            struct part part = {.reach = states[s].reach, .act = actions[a].act};
            snprintf(part.name, sizeof part.name, "%s/%s", states[s].name, actions[a].name);
            play_both(&part);
        }
    }
}

static void play_programs(const struct program *programs, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct part part = {.run = programs[i].run};
        snprintf(part.name, sizeof part.name, "%s", programs[i].name);
        play_both(&part);
    }
}

static void report_unused(void)
{
    for (size_t i = 0; i < difference_count; i++) {
        if (difference_used(i) || differences[i].sometimes)
            continue;
        printf("    nothing differs by %s, '%s', '%s'\n", differences[i].program,
               differences[i].kernel, differences[i].tern);
        printf("not ok differences %zu\n", i);
        failed++;
    }
}

int main(int argc, char **argv)
{
    if (argc > 1)
        pattern = argv[1];
    signal(SIGPIPE, SIG_IGN);
    if (api_kernel_prepare() < 0)
        return 77;
    play_matrix(actions_join, actions_join_count);
    play_matrix(actions_move, actions_move_count);
    play_matrix(actions_control, actions_control_count);
    play_matrix(actions_wrong, actions_wrong_count);
    play_programs(programs_stream, programs_stream_count);
    play_programs(programs_datagram, programs_datagram_count);
    play_programs(programs_wrong, programs_wrong_count);
    play_programs(programs_cork, programs_cork_count);
    play_programs(programs_segment, programs_segment_count);
    play_programs(programs_gro, programs_gro_count);
    play_programs(programs_many, programs_many_count);
    play_programs(programs_limits, programs_limits_count);
    play_programs(programs_poll, programs_poll_count);
    play_programs(programs_name, programs_name_count);
    play_programs(programs_option, programs_option_count);
    play_programs(programs_epoll, programs_epoll_count);
    play_programs(programs_errors, programs_errors_count);
    play_programs(programs_room, programs_room_count);
    play_programs(programs_sendfile, programs_sendfile_count);
    if (argc == 1)
        report_unused();
    return failed > 0;
}
