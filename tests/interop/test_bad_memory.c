/* Readers whose memory cannot be written. A call of tern's faults there, as any function of C's
 * library does, and before the device has read anything for it: so whoever handles the fault and
 * mends the memory gets every byte, and so does everybody else. */
#include <signal.h>
#include <stdalign.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "captures.h"
#include "exchange.h"
#include "kernel.h"

enum { ROOM = 1 << 18, STREAM = 4 << 20, SEED = 11 };

static const struct wish unwatched = {.unwatched = true};

/* Each page is mended by its first fault. */
static alignas(1 << 16) uint8_t room[ROOM]; /* of whole pages, however large those are */
static size_t page;
static atomic_uint faults;

static void mend(int number, siginfo_t *info, void *context)
{
    (void)context;
    uint8_t *at = info->si_addr;
    if (at < room || at >= room + ROOM) {
        signal(number, SIG_DFL);
        return;
    }
    faults++;
    mprotect(at - (uintptr_t)at % page, page, PROT_READ | PROT_WRITE);
}

/* In each test: cmocka has a handler of its own at the beginning of each. */
static void watch_for_faults(void)
{
    struct sigaction action = {.sa_sigaction = mend, .sa_flags = SA_SIGINFO};
    must(sigaction(SIGSEGV, &action, NULL));
    page = (size_t)sysconf(_SC_PAGESIZE);
    faults = 0;
}

static void spoil(void)
{
    must(mprotect(room, ROOM, PROT_NONE));
}

/* ── Ways to read a stream; each gives how many bytes are at the room's beginning ── */

static ssize_t with_recv(struct end us)
{
    return tern_recv(us.tern, us.socket, room, ROOM, 0);
}

static ssize_t with_recvmsg(struct end us)
{
    struct iovec span = {room, ROOM};
    struct msghdr message = {.msg_iov = &span, .msg_iovlen = 1};
    return tern_recvmsg(us.tern, us.socket, &message, 0);
}

/* The part in the middle cannot be written, and those beside it can. */
static ssize_t with_readv(struct end us)
{
    static uint8_t before[1000], behind[ROOM];
    struct iovec spans[] = {{before, sizeof before},
                            {room + sizeof before, ROOM / 2},
                            {behind, ROOM / 2 - sizeof before}};
    ssize_t n = tern_readv(us.tern, us.socket, spans, 3);
    size_t middle = sizeof before + ROOM / 2;
    must(mprotect(room, ROOM, PROT_READ | PROT_WRITE));
    memcpy(room, before, sizeof before);
    if (n > (ssize_t)middle)
        memcpy(room + middle, behind, (size_t)n - middle);
    return n;
}

static ssize_t with_a_look_before(struct end us)
{
    static uint8_t seen[ROOM];
    ssize_t n = tern_recv(us.tern, us.socket, room, ROOM, MSG_PEEK);
    if (n <= 0)
        return n;
    memcpy(seen, room, (size_t)n);
    spoil();
    n = tern_recv(us.tern, us.socket, room, (size_t)n, MSG_WAITALL);
    assert_memory_equal(room, seen, (size_t)n);
    return n;
}

/* More than one packet is taken in at a time (sock/land.c). */
static ssize_t with_poll(struct end us)
{
    struct pollfd one = {.fd = us.socket, .events = POLLIN};
    assert_int_equal(tern_poll(us.tern, &one, 1, PATIENCE_S * 1000), 1);
    return tern_recv(us.tern, us.socket, room, ROOM, MSG_DONTWAIT);
}

/* ── Streams ── */

static void *write_stream(void *argument)
{
    static uint8_t bytes[100000];
    const struct end *to = argument;
    for (uint64_t at = 0; at < STREAM;) {
        size_t length = STREAM - at < sizeof bytes ? (size_t)(STREAM - at) : sizeof bytes;
        pattern_fill(SEED, at, bytes, length);
        ssize_t n = end_send(*to, bytes, length);
        if (n < 0)
            break; /* the reader finds that bytes are missing */
        at += (uint64_t)n;
    }
    return NULL;
}

static void read_stream(ssize_t (*read_some)(struct end))
{
    static uint8_t expected[ROOM];
    watch_for_faults();
    struct scenario *s = scenario_open(&unwatched);
    struct pair pair = pair_accept(s);
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, write_stream, &pair.kernels), 0);
    for (uint64_t at = 0; at < STREAM;) {
        spoil();
        ssize_t n = must(read_some(pair.ours));
        assert_true(n > 0 && at + (uint64_t)n <= STREAM);
        pattern_fill(SEED, at, expected, (size_t)n);
        assert_memory_equal(room, expected, (size_t)n);
        at += (uint64_t)n;
    }
    assert_true(faults > 0);
    pthread_join(writer, NULL);
    pair_close(pair);
    scenario_close(s);
}

static void recv_loses_nothing(void **state)
{
    (void)state;
    read_stream(with_recv);
}

static void recvmsg_loses_nothing(void **state)
{
    (void)state;
    read_stream(with_recvmsg);
}

static void readv_with_one_bad_part_loses_nothing(void **state)
{
    (void)state;
    read_stream(with_readv);
}

static void who_polls_loses_nothing(void **state)
{
    (void)state;
    read_stream(with_poll);
}

static void a_look_loses_nothing(void **state)
{
    (void)state;
    read_stream(with_a_look_before);
}

static void *receive_one(void *argument)
{
    struct end *us = argument;
    ssize_t n = tern_recv(us->tern, us->socket, room, ROOM, 0);
    return n == 1 && room[0] == 'x' ? us : NULL;
}

static void who_waits_faults_before_anything_comes(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&unwatched);
    struct pair pair = pair_accept(s);
    pthread_t reader;
    void *got;
    watch_for_faults();
    spoil();
    assert_int_equal(pthread_create(&reader, NULL, receive_one, &pair.ours), 0);
    wait_until(faults > 0);
    assert_int_equal(end_send(pair.kernels, "x", 1), 1);
    assert_int_equal(pthread_join(reader, &got), 0);
    assert_non_null(got);
    pair_close(pair);
    scenario_close(s);
}

/* ── Datagrams: also where their sender's name goes, and what is told of them ── */

static void a_datagram_with_its_name_and_what_is_told_of_it(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    struct sockaddr_in ours = scenario_sockaddr("0.0.0.0", 7000), theirs;
    socklen_t length = sizeof theirs;
    int on = 1;
    watch_for_faults();
    int socket = must(tern_socket(s->tern, AF_INET, SOCK_DGRAM, 0));
    must(tern_bind(s->tern, socket, (struct sockaddr *)&ours, sizeof ours));
    must(tern_setsockopt(s->tern, socket, IPPROTO_IP, IP_PKTINFO, &on, sizeof on));
    int kernel = kernel_connect(s, SOCK_DGRAM, 7000);
    must(getsockname(kernel, (struct sockaddr *)&theirs, &length));
    for (int i = 0; i < 3; i++) {
        struct iovec span = {room, 100};
        struct msghdr message = {.msg_name = room + page,
                                 .msg_namelen = sizeof theirs,
                                 .msg_iov = &span,
                                 .msg_iovlen = 1,
                                 .msg_control = room + 2 * page,
                                 .msg_controllen = 100};
        faults = 0;
        spoil();
        assert_int_equal(send(kernel, "hello", 5, 0), 5);
        assert_int_equal(tern_recvmsg(s->tern, socket, &message, 0), 5);
        assert_int_equal(faults, 3);
        assert_memory_equal(room, "hello", 5);
        assert_memory_equal(message.msg_name, &theirs, sizeof theirs);
        struct cmsghdr *told = CMSG_FIRSTHDR(&message);
        assert_non_null(told);
        assert_int_equal(told->cmsg_type, IP_PKTINFO);
    }
    close(kernel);
    must(tern_close(s->tern, socket));
    scenario_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scenario_test(recv_loses_nothing),
        scenario_test(recvmsg_loses_nothing),
        scenario_test(readv_with_one_bad_part_loses_nothing),
        scenario_test(who_polls_loses_nothing),
        scenario_test(a_look_loses_nothing),
        scenario_test(who_waits_faults_before_anything_comes),
        scenario_test(a_datagram_with_its_name_and_what_is_told_of_it),
        scenario_captures_test(),
    };
    return scenario_run(tests);
}
