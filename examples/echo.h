/* An echo server without a loop: it lives in callbacks that tern_step() makes, whoever calls that.
 * echo_epoll.c, echo_uv.c and echo_event.c put it into three loops. */
#ifndef EXAMPLES_ECHO_H
#define EXAMPLES_ECHO_H

#include <tern/tern.h>

/* Opens a stack over a TUN device (10.0.0.3 on tern0) and echoes on its port 7. Ends the program
 * with a sentence when that cannot be. */
struct tern *echo_open(void);

#endif
