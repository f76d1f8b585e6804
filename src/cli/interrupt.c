#include "cli/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
enum { SIGNALS = sizeof signals / sizeof *signals };

static atomic_int arrived; /* read by all threads */

void interrupt_note(int number)
{
    arrived = number;
}

static void signals_mask(int how)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < SIGNALS; i++)
        sigaddset(&set, signals[i]);
    pthread_sigmask(how, &set, NULL);
}

void interrupt_catch(void)
{
    struct sigaction action = {.sa_handler =
                                   interrupt_note}; /* no SA_RESTART: calls return EINTR */
    struct sigaction hangup;
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &action, signals[i] == SIGHUP ? &hangup : NULL);
    if (hangup.sa_handler == SIG_IGN) /* nohup(1) */
        sigaction(SIGHUP, &hangup, NULL);
}

void interrupt_hold(void)
{
    signals_mask(SIG_BLOCK);
}

void interrupt_release(void)
{
    signals_mask(SIG_UNBLOCK);
}

int interrupt_signal(void)
{
    return arrived;
}
