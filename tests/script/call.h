/* Calls of a script: the frame around each, and what the calls themselves take their arguments
 * with. */
#ifndef SCRIPT_CALL_H
#define SCRIPT_CALL_H

#include "script/expression.h"
#include "script/run.h"

struct call {
    struct run *run;
    const struct call_spec *spec;
    int line;
    int64_t start_ns;
    int64_t end_ns; /* when it is to return, where it may block */
    bool waited;    /* although it was not allowed to */
    int error;      /* errno, when it returned -1 */
};

/* ── Arguments; what is missing or of the wrong kind sets the problem ── */

void call_fail(struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool call_failed(const struct call *call);
const struct expression *call_argument(struct call *call, size_t index);
int64_t call_integer(struct call *call, size_t index);
/* [5]: its 5. */
int64_t call_bracketed(struct call *call, size_t index);
/* The connection whose descriptor it is, or NULL. */
struct connection *call_connection(struct call *call, size_t index);
/* `...` is a buffer of `size` bytes, 0 is NULL. */
uint8_t *call_buffer(struct call *call, size_t index, size_t size);
/* The text of a string with \x41, \0 and the like replaced; its length. */
uint8_t *call_bytes(struct call *call, const struct expression *string, size_t *length);

/* Makes one call: returns what it returned. errno is read right after. */
typedef int64_t call_function(struct call *call);

call_function call_socket, call_bind, call_listen, call_accept, call_accept4, call_connect;
call_function call_close, call_shutdown, call_fcntl, call_ioctl, call_poll;
call_function call_getsockopt, call_setsockopt;
call_function call_read, call_readv, call_recv, call_recvfrom, call_recvmsg;
call_function call_write, call_writev, call_send, call_sendto, call_sendmsg;

/* Compares a message's control messages with those that the script lists. */
struct msghdr;
void call_check_control(struct call *call, const struct expression *expected,
                        struct msghdr *message);

/* Remembers what a call must return, apart from its result: -1 and the errno, or the result. */
int64_t call_return(struct call *call, int64_t result);

#endif
