/* An echo server on libevent, whose loop knows the stack as one more event. */
#include "echo.h"

#include <signal.h>
#include <stdio.h>

#include <event2/event.h>

static struct event_base *base;

static void stack_ready(evutil_socket_t descriptor, short what, void *user)
{
    struct tern *t = user;
    (void)descriptor, (void)what;
    if (tern_step(t) < 0) {
        perror("echo_event");
        event_base_loopbreak(base);
    }
}

static void interrupted(evutil_socket_t number, short what, void *user)
{
    (void)number, (void)what, (void)user;
    event_base_loopbreak(base);
}

int main(void)
{
    struct tern *t = echo_open();
    base = event_base_new();
    struct event *events[] = {
        event_new(base, tern_fd(t), EV_READ | EV_PERSIST, stack_ready, t),
        evsignal_new(base, SIGINT, interrupted, NULL),
        evsignal_new(base, SIGTERM, interrupted, NULL),
    };
    enum { EVENTS = sizeof events / sizeof events[0] };
    for (int i = 0; i < EVENTS; i++)
        if (!events[i] || event_add(events[i], NULL) < 0) {
            fprintf(stderr, "echo_event: cannot wait for events\n");
            return 1;
        }
    event_base_dispatch(base);
    for (int i = 0; i < EVENTS; i++)
        event_free(events[i]);
    event_base_free(base);
    tern_close_stack(t);
    return 0;
}
