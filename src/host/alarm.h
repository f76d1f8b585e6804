/* A kick, the time, and descriptors of others, all behind one descriptor (epoll), which is readable
 * as long as one of them is. Of such are made the descriptor for a loop of the user's own (loop.c),
 * and what ends the sleep of who drives, besides the link: a kick by another thread, the time, and
 * what other stacks have handed over. So a sleep in poll(2) asks for two descriptors.
 *
 * A time that is told to poll(2) has the kernel set a timer and take it back with each sleep that
 * ends before. Where that timer is the next of all to go off, which in the last milliseconds before
 * a deadline it is, the hardware's is set as well, twice, and in a virtual machine that takes as
 * long as a question and its answer. But the deadlines of connections stay where they are for many
 * sleeps (tcp/timers.c): so a timer of our own is set to one that is asked for a second time. */
#ifndef TERN_HOST_ALARM_H
#define TERN_HOST_ALARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The machine's lock guards it. */
struct alarm {
    int descriptor; /* readable as long as one of the following is, or one of the others */
    int kick;
    int timer;
    bool kicked;       /* and not yet taken back */
    uint64_t set_ns;   /* when the timer goes off, or has gone off; TIME_NEVER: it does not */
    uint64_t asked_ns; /* for what alarm_covers() was asked last */
};

void alarm_init(struct alarm *alarm);
/* `others`: descriptors that stay the caller's; what is -1 is not there. 0 or a negative errno;
 * then nothing is open. */
int alarm_open(struct alarm *alarm, const int others[], size_t count);
void alarm_release(struct alarm *alarm);

/* Gets who sleeps out of there, or who is about to. */
void alarm_kick(struct alarm *alarm);
/* By whom it was for, once it is out. */
void alarm_take_back(struct alarm *alarm);

/* Sets the timer, or stops it (TIME_NEVER). What has gone off is silent after that. */
void alarm_set(struct alarm *alarm, uint64_t until_ns);
/* To be asked once before each sleep (what has gone off is silent after that): whether it goes off
 * at `until_ns` at the latest. It may before, for what was asked earlier. If not, poll(2) needs to
 * be told the time. */
bool alarm_covers(struct alarm *alarm, uint64_t until_ns, uint64_t now_ns);

#endif
