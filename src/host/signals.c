#include "host/signals.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>

#include "base/time.h"

static void all_but_faults(sigset_t *set)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
    sigfillset(set);
    for (unsigned i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(set, faults[i]);
}

void signals_hold(struct signals *signals, uint64_t now_ns)
{
    if (signals->held)
        return;
    sigset_t all;
    all_but_faults(&all);
    pthread_sigmask(SIG_BLOCK, &all, &signals->before);
    signals->held = true;
    signals->seen_ns = now_ns;
}

bool signals_came(struct signals *signals, uint64_t now_ns)
{
    if (now_ns - signals->seen_ns < TIME_MS(1))
        return false;
    struct timespec none = {0};
    signals->seen_ns = now_ns;
    return ppoll(NULL, 0, &none, &signals->before) < 0 && errno == EINTR;
}

void signals_release(struct signals *signals)
{
    if (signals->held)
        pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
    signals->held = false;
}
