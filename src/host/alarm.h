/* What ends the sleep of who drives, besides the link: a kick by another thread, what other stacks
 * have handed over, and the time. They are behind one descriptor, so that a sleep in poll(2) asks
 * for two.
 *
 * A time that is told to poll(2) has the kernel set a timer and take it back with each sleep that
 * ends before. Where that timer is the next of all to go off, which in the last milliseconds before
 * a deadline it is, the hardware's is set as well, twice, and in a virtual machine that takes as
 * long as a question and its answer. But the deadlines of connections stay where they are for many
 * sleeps (tcp/timers.c): so a timer of our own is set to one that is asked for a second time. */
#ifndef TERN_HOST_ALARM_H
#define TERN_HOST_ALARM_H

#include <stdbool.h>
#include <stdint.h>

/* The machine's lock guards it. */
struct alarm {
    int descriptor; /* readable as long as one of the following is, or what is handed over */
    int kick;
    int timer;
    bool kicked;       /* and not yet taken back */
    uint64_t set_ns;   /* when the timer goes off, or has gone off; TIME_NEVER: it does not */
    uint64_t asked_ns; /* for what it was asked last */
};

void alarm_init(struct alarm *alarm);
/* `handed_over`: a descriptor that stays the caller's, or -1. 0 or a negative errno; then nothing
 * is open. */
int alarm_open(struct alarm *alarm, int handed_over);
void alarm_release(struct alarm *alarm);

/* Gets who sleeps out of there, or who is about to. */
void alarm_kick(struct alarm *alarm);
/* By whom it was for, once it is out. */
void alarm_take_back(struct alarm *alarm);

/* To be asked once before each sleep (what has gone off is silent after that): whether it goes off
 * at `until_ns` at the latest. It may before, for what was asked earlier. If not, poll(2) needs to
 * be told the time. */
bool alarm_covers(struct alarm *alarm, uint64_t until_ns, uint64_t now_ns);

#endif
