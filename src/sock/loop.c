/* An event loop of the user's own: the descriptor that says when, and the step that does it. */
#include <errno.h>

#include "sock/call.h"
#include "sock/tern.h"
#include "sock/wait.h"
#include "sock/watch.h"

int tern_fd(struct tern *t)
{
    struct call call;
    int result = call_enter(&call, t);
    if (result == 0)
        result = t->host->operations->descriptor(t->host);
    return (int)call_end(&call, result);
}

/* A wait whose time is over takes in what is there, and does not sleep. */
static int take_in(struct tern *t)
{
    int error = wait_for(t, NULL, 0, t->stack.now_ns);
    return error == -ETIMEDOUT || error == -EAGAIN ? 0 : error;
}

int tern_step(struct tern *t)
{
    struct call call;
    const int cancel = call_cancel_off();
    int result = call_enter(&call, t);
    if (result == 0) {
        int error = take_in(t);
        result = watches_call(&call);
        if (error < 0)
            result = error;
    }
    result = (int)call_end(&call, result);
    call_cancel_back(cancel);
    return result;
}
