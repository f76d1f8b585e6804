#include "differences.h"

#include <fnmatch.h>

const struct difference differences[] = {
    {"instance_of_epoll/*", "A->*: E*", "A->*: ENOTSOCK",
     "that it is no socket is found before a flag or an address is looked at", false},
    {"stream_*/ask_what_is_queued", "out: [13]", "out: 0",
     "only bytes are counted, not a SYN or a FIN on the way", true},
    {"stream_*_shut/ask_for_its_state", "state 4, 8 bytes", "state 5, 8 bytes",
     "the kernel's peer delays the acknowledgment of a FIN", true},
    {"stream_over/ask_for_its_state", "state 7, 8 bytes", "state 6, 8 bytes",
     "TIME-WAIT is shown to the socket that is in it", false},
    {"stream_over/bind_*", "A->bind(*): 0", "A->bind(*): EINVAL",
     "a connection in TIME-WAIT keeps its name", false},
    {"stream_refused_and_told/getsockname_of_it", "2, 16 bytes, 0.0.0.0, a port",
     "2, 16 bytes, 0.0.0.0, no port", "what failed leaves no port behind that was not asked for",
     false},
    {"option/of_a_stream*", "TCP_SYNCNT: 6 (4 bytes)", "TCP_SYNCNT: 7 (4 bytes)",
     "RFC 9293 MUST-23 asks for three minutes of trying", true},
    {"option/of_a_stream", "SO_RCVLOWAT *: set, then *", "SO_RCVLOWAT *: set, then *",
     "half of the socket's buffer is the bound, not half of the largest that the host allows",
     true},
    {"option/of_a_datagram_socket*", "SO_OOBINLINE*", "SO_OOBINLINE*: ENOPROTOOPT*",
     "only streams have urgent bytes", false},
    {"option/times_and_lingering", "8 bytes: 0 7", "8 bytes: 0 0",
     "a time that is not lingered for is not kept", false},
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
