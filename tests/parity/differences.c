#include "differences.h"

#include <fnmatch.h>

const struct difference differences[] = {
    {"*/[rsw]*_nowhere", "A->*", "A->*: EFAULT",
     "memory that is not there is found before the socket is looked at: POSIX leaves open which of "
     "two errors is told",
     false},
    {"*/names_of_wrong_lengths", "A->*: E*", "A->*, NULL): EFAULT",
     "that there is no length is found before anything is taken, and then lost", false},
    {"stream_listening/names_of_wrong_lengths", "A->accept(*): EAGAIN", "A->accept(*): EINVAL",
     "and so is one that cannot be: no connection is taken, and then lost", false},
    {"stream_refused*/ask_what_is_queued", "out: [13]", "out: 0",
     "nothing waits to be sent in a connection that never was; the kernel counts its SYNs", false},
    {"stream_over/bind_*", "A->bind(*): 0", "A->bind(*): EINVAL",
     "a connection in TIME-WAIT keeps its name until that is over; the kernel gives the socket "
     "another, with which it still cannot connect (EISCONN)",
     false},
    {"stream_refused_and_told/getsockname_of_it", "2, 16 bytes, 0.0.0.0, a port",
     "2, 16 bytes, 0.0.0.0, no port", "the kernel names a port that the socket no longer has",
     false},
    {"option/of_a_stream*", "TCP_SYNCNT: 6 (4 bytes)", "TCP_SYNCNT: 7 (4 bytes)",
     "a SYN is tried for three minutes (RFC 9293 MUST-23), not two; tcp.syn_retries changes it",
     true},
    {"option/of_a_stream", "SO_RCVLOWAT *: set, then *", "SO_RCVLOWAT *: set, then *",
     "half of the largest buffer is the bound: a setting of the host's, and our tcp.rcvbuf_max",
     true},
    {"echo_*", "SO_REUSEADDR: 1 (4 bytes)", "SO_REUSEADDR: 0 (4 bytes)",
     "an identifier is one socket's alone, or its replies would be another's", false},
    {"echo_answered/*", "A->recv(s, buffer, 2, MSG_*TRUNC): 2",
     "A->recv(s, buffer, 2, MSG_*TRUNC): 13",
     "recv(2) promises the length of any datagram, which the kernel's echo sockets do not tell",
     false},
    {"stream_over/set_options_of_tcp", "A->setsockopt(*): 0", "A->setsockopt(*): EINVAL",
     "a connection in TIME-WAIT is one until that is over: options of opening come too late",
     false},
    {"stream_over/set_options_of_tcp", "1, 4 bytes", "0, 4 bytes", "as above", false},
    {"stream_over/set_options_of_tcp", "0, 4 bytes", "1152, 4 bytes", "as above", false},
    {"datagram_*/send_a_file", "A->sendfile(*", "A->sendfile(*): EINVAL",
     "a file is sent to streams; what of it one datagram would hold, no manual says", false},
    {"datagram_*/send_a_file", "at [02], 3", "at 0, 1", "as above", false},
    {"sendfile/what_is_no_file", "A->sendfile(client, ends?0?, NULL, 3): EINVAL",
     "A->sendfile(client, ends?0?, NULL, 3): 3", "a pipe can be read, and so it can be sent",
     false},
};
const size_t difference_count = sizeof differences / sizeof differences[0];

static bool used[sizeof differences / sizeof differences[0]];

static bool line_matches(const char *pattern, const char *line)
{
    if (pattern == NULL || line == NULL)
        return pattern == line;
    return fnmatch(pattern, line, 0) == 0;
}

const struct difference *difference_find(const char *program, const char *kernel, const char *tern)
{
    for (size_t i = 0; i < difference_count; i++) {
        const struct difference *d = &differences[i];
        if (fnmatch(d->program, program, 0) != 0 || !line_matches(d->kernel, kernel) ||
            !line_matches(d->tern, tern))
            continue;
        used[i] = true;
        return d;
    }
    return NULL;
}

bool difference_used(size_t index)
{
    return used[index];
}
