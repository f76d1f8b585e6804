#include "play.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const int every = POLLIN | POLLPRI | POLLOUT | POLLRDHUP | POLLRDNORM | POLLWRNORM;

void play_note(struct play *p, const char *format, ...)
{
    va_list arguments;
    if (p->count == LINES) {
        printf("a program has too many lines\n");
        exit(1);
    }
    va_start(arguments, format);
    vsnprintf(p->lines[p->count++], LINE, format, arguments);
    va_end(arguments);
}

long play_step(struct play *p, const char *call, long result, bool compare)
{
    const int error = errno;
    if (result < 0)
        play_note(p, "%s: %s", call, strerrorname_np(error));
    else if (compare)
        play_note(p, "%s: %ld", call, result);
    else
        play_note(p, "%s: succeeds", call);
    errno = error;
    return result;
}

struct sockaddr *play_address(const char *host, uint16_t port)
{
    static struct sockaddr_in addresses[16];
    static unsigned next;
    struct sockaddr_in *in = &addresses[next++ % 16];
    *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, host, &in->sin_addr);
    return (struct sockaddr *)in;
}

void play_readiness(struct play *p, int s)
{
    static const struct {
        int bit;
        const char *name;
    } bits[] = {{POLLIN, "IN"},       {POLLPRI, "PRI"},       {POLLOUT, "OUT"},
                {POLLRDHUP, "RDHUP"}, {POLLRDNORM, "RDNORM"}, {POLLWRNORM, "WRNORM"},
                {POLLERR, "ERR"},     {POLLHUP, "HUP"},       {POLLNVAL, "NVAL"}};
    struct pollfd fd = {.fd = s, .events = (short)every};
    char text[LINE] = "";
    A->poll(&fd, 1, 0);
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        if (fd.revents & bits[i].bit) {
            strcat(text, " ");
            strcat(text, bits[i].name);
        }
    }
    play_note(p, "ready:%s", text);
}

void play_await(struct play *p, int s, short events)
{
    struct pollfd fd = {.fd = s, .events = events};
    if (A->poll(&fd, 1, 5000) != 1)
        play_note(p, "what was awaited did not come");
}

void play_await_fin(struct play *p, int s)
{
    struct tcp_info info = {.tcpi_state = TCP_FIN_WAIT1};
    for (int i = 0; i < 5000 && info.tcpi_state == TCP_FIN_WAIT1; i++) {
        socklen_t length = 8;
        A->getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &length);
        A->poll(NULL, 0, 1);
    }
    if (info.tcpi_state == TCP_FIN_WAIT1)
        play_note(p, "the FIN was not acknowledged");
}

void play_bytes(struct play *p, const char *bytes, ssize_t length)
{
    if (length > 0)
        play_note(p, "bytes: %.*s", (int)length, bytes);
}

void play_option(struct play *p, int s, const char *name, int level, int option)
{
    int value = 0;
    socklen_t length = sizeof value;
    if (A->getsockopt(s, level, option, &value, &length) < 0)
        play_note(p, "%s: %s", name, strerrorname_np(errno));
    else
        play_note(p, "%s: %d (%u bytes)", name, value, length);
}

void play_udp_option(struct play *p, int option, const int *values, size_t count)
{
    const int s = play_datagram(p), others[] = {play_stream(p), play_echo(p)}, one = 1;
    OPTION(s, IPPROTO_UDP, option);
    for (size_t i = 0; i < count; i++) {
        STEP(A->setsockopt(s, IPPROTO_UDP, option, &values[i], sizeof values[i]));
        OPTION(s, IPPROTO_UDP, option);
    }
    STEP(A->setsockopt(s, IPPROTO_UDP, option, &one, 2));
    STEP(A->setsockopt(s, IPPROTO_UDP, option, NULL, sizeof one));
    for (size_t i = 0; i < 2; i++) {
        STEP(A->setsockopt(others[i], IPPROTO_UDP, option, &one, sizeof one));
        OPTION(others[i], IPPROTO_UDP, option);
    }
}

/* A step that must succeed for the rest to have a meaning. */
static int sure(struct play *p, const char *what, int result)
{
    if (result < 0)
        play_note(p, "%s failed: %s", what, strerrorname_np(errno));
    return result;
}

int play_stream(struct play *p)
{
    return sure(p, "socket", A->socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
}

int play_datagram(struct play *p)
{
    return sure(p, "socket", A->socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
}

int play_echo(struct play *p)
{
    return sure(p, "socket", A->socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_ICMP));
}

int play_receiver(struct play *p)
{
    int s = play_datagram(p);
    sure(p, "bind", A->bind(s, LOOP(p->port)));
    return s;
}

int play_sender(struct play *p)
{
    int s = play_datagram(p);
    sure(p, "connect", A->connect(s, LOOP(p->port)));
    return s;
}

int play_listener(struct play *p)
{
    int s = play_stream(p);
    play_set(p, s, SOL_SOCKET, SO_REUSEADDR, 1);
    sure(p, "bind", A->bind(s, LOOP(p->port)));
    sure(p, "listen", A->listen(s, 8));
    return s;
}

int play_dial(struct play *p)
{
    int s = play_stream(p);
    if (A->connect(s, LOOP(p->port)) < 0 && errno != EINPROGRESS)
        sure(p, "connect", -1);
    play_await(p, s, POLLOUT);
    return s;
}

int play_accept(struct play *p, int listener)
{
    play_await(p, listener, POLLIN);
    return sure(p, "accept", A->accept4(listener, NULL, NULL, SOCK_NONBLOCK));
}

void play_connected(struct play *p, int *client, int *server)
{
    int listener = play_listener(p);
    *client = play_dial(p);
    *server = play_accept(p, listener);
    A->close(listener);
    /* Its connect has told its end. */
    sure(p, "connect", A->connect(*client, LOOP(p->port)));
}

int play_file(struct play *p, const char *text)
{
    int file = sure(p, "memfd_create", memfd_create("parity", MFD_CLOEXEC));
    sure(p, "pwrite", (int)pwrite(file, text, strlen(text), 0));
    return file;
}

void play_set(struct play *p, int s, int level, int option, int value)
{
    sure(p, "setsockopt", A->setsockopt(s, level, option, &value, sizeof value));
}

void play_linger(struct play *p, int s, int on, int seconds)
{
    struct linger linger = {on, seconds};
    sure(p, "SO_LINGER", A->setsockopt(s, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
}

void play_blocking(struct play *p, int s)
{
    sure(p, "fcntl", A->fcntl(s, F_SETFL, O_RDWR));
}
