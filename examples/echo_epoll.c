/* An echo server on plain epoll. The loop waits for two things, the stack and the end. */
#include "echo.h"

#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* A descriptor that is readable once the program is asked to end. */
static int interrupt_open(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_CLOEXEC);
}

static int loop_add(int loop, int descriptor)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    return epoll_ctl(loop, EPOLL_CTL_ADD, descriptor, &event);
}

int main(void)
{
    int interrupt = interrupt_open();
    struct tern *t = echo_open();
    int loop = epoll_create1(EPOLL_CLOEXEC);
    if (loop_add(loop, tern_fd(t)) < 0 || loop_add(loop, interrupt) < 0) {
        perror("echo_epoll");
        return 1;
    }
    struct epoll_event event;
    while (epoll_wait(loop, &event, 1, -1) == 1 && event.data.fd != interrupt)
        if (tern_step(t) < 0) {
            perror("echo_epoll");
            break;
        }
    tern_close_stack(t);
    close(loop);
    close(interrupt);
    return 0;
}
