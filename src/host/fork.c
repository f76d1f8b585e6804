#include "host/fork.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_uint generation;
static int failure;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void in_child(void)
{
    atomic_fetch_add_explicit(&generation, 1, memory_order_relaxed);
}

static void register_handler(void)
{
    failure = -pthread_atfork(NULL, NULL, in_child);
}

int fork_generation(unsigned *out)
{
    pthread_once(&once, register_handler);
    *out = fork_generation_now();
    return failure;
}

unsigned fork_generation_now(void)
{
    return atomic_load_explicit(&generation, memory_order_relaxed);
}
