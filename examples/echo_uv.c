/* An echo server on libuv, whose loop knows the stack as one more descriptor. */
#include "echo.h"

#include <signal.h>
#include <stdio.h>

#include <uv.h>

static void stack_ready(uv_poll_t *poll, int status, int events)
{
    struct tern *t = poll->data;
    (void)status, (void)events;
    if (tern_step(t) < 0) {
        perror("echo_uv");
        uv_stop(poll->loop);
    }
}

static void interrupted(uv_signal_t *signal, int number)
{
    (void)number;
    uv_stop(signal->loop);
}

int main(void)
{
    uv_loop_t *loop = uv_default_loop();
    uv_signal_t interrupt, termination;
    uv_poll_t stack;
    struct tern *t = echo_open();
    stack.data = t;
    uv_signal_init(loop, &interrupt);
    uv_signal_start(&interrupt, interrupted, SIGINT);
    uv_signal_init(loop, &termination);
    uv_signal_start(&termination, interrupted, SIGTERM);
    int error = uv_poll_init(loop, &stack, tern_fd(t));
    if (error == 0)
        error = uv_poll_start(&stack, UV_READABLE, stack_ready);
    if (error < 0) {
        fprintf(stderr, "echo_uv: %s\n", uv_strerror(error));
        return 1;
    }
    uv_run(loop, UV_RUN_DEFAULT);
    uv_poll_stop(&stack); /* before the stack closes its descriptor */
    tern_close_stack(t);
    return 0;
}
