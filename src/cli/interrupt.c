#include "cli/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t arrived;

static void signal_note(int number)
{
    arrived = number;
}

static void signals_mask(int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(how, &set, NULL);
}

void interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = signal_note}; /* no SA_RESTART: calls return EINTR */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
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
