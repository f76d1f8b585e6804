/* Urgent bytes to and from the kernel, out of line and in line. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "captures.h"
#include "exchange.h"
#include "kernel.h"

static ssize_t receive(struct end from, void *bytes, size_t length, int flags)
{
    return from.tern ? tern_recv(from.tern, from.socket, bytes, length, flags)
                     : recv(from.socket, bytes, length, flags);
}

static void send_all(struct end to, const char *text, int flags)
{
    size_t length = strlen(text);
    ssize_t n = to.tern ? tern_send(to.tern, to.socket, text, length, flags)
                        : send(to.socket, text, length, flags);
    assert_int_equal(n, length);
}

static int at_mark(struct end end)
{
    return end.tern ? tern_sockatmark(end.tern, end.socket) : sockatmark(end.socket);
}

static void set_inline(struct end end)
{
    int on = 1;
    if (end.tern)
        must(tern_setsockopt(end.tern, end.socket, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on));
    else
        must(setsockopt(end.socket, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on));
}

static int queued(struct end end)
{
    int bytes;
    if (end.tern)
        must(tern_ioctl(end.tern, end.socket, FIONREAD, &bytes));
    else
        must(ioctl(end.socket, FIONREAD, &bytes));
    return bytes;
}

static bool is_urgent(struct end end)
{
    struct pollfd pollfd = {.fd = end.socket, .events = POLLPRI};
    int n = end.tern ? tern_poll(end.tern, &pollfd, 1, 0) : poll(&pollfd, 1, 0);
    return n == 1 && pollfd.revents & POLLPRI;
}

static void out_of_line(struct end from, struct end to)
{
    char got[100];
    send_all(from, "before", 0);
    send_all(from, "x!", MSG_OOB);
    send_all(from, "behind", 0);
    wait_until(is_urgent(to) && queued(to) == 7);
    assert_int_equal(receive(to, got, 1, MSG_OOB), 1);
    assert_int_equal(got[0], '!');
    assert_false(is_urgent(to));
    assert_int_equal(receive(to, got, 1, MSG_OOB), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(at_mark(to), 0);
    assert_int_equal(receive(to, got, sizeof got, MSG_WAITALL), 7); /* to the mark */
    assert_memory_equal(got, "beforex", 7);
    assert_int_equal(at_mark(to), 1);
    assert_int_equal(receive(to, got, 6, MSG_WAITALL), 6);
    assert_memory_equal(got, "behind", 6);
    assert_int_equal(at_mark(to), 0);
}

static void in_line(struct end from, struct end to)
{
    char got[100];
    set_inline(to);
    send_all(from, "before", 0);
    send_all(from, "!", MSG_OOB);
    send_all(from, "behind", 0);
    wait_until(is_urgent(to) && queued(to) == 13);
    assert_int_equal(receive(to, got, 1, MSG_OOB), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(receive(to, got, 13, MSG_WAITALL), 6);
    assert_memory_equal(got, "before", 6);
    assert_int_equal(at_mark(to), 1);
    assert_int_equal(receive(to, got, 7, MSG_WAITALL), 7);
    assert_memory_equal(got, "!behind", 7);
    assert_int_equal(at_mark(to), 0);
    assert_false(is_urgent(to));
}

static void play(void (*act)(struct end, struct end), bool ours_sends)
{
    struct scenario *s = scenario_open(NULL);
    struct pair pair = pair_connect(s);
    act(ours_sends ? pair.ours : pair.kernels, ours_sends ? pair.kernels : pair.ours);
    exchange_run(pair, 100000, 100000);
    pair_close(pair);
    scenario_close(s);
}

static void kernel_takes_our_urgent_byte_out_of_line(void **state)
{
    (void)state;
    play(out_of_line, true);
}

static void we_take_the_kernel_s_urgent_byte_out_of_line(void **state)
{
    (void)state;
    play(out_of_line, false);
}

static void kernel_reads_our_urgent_byte_in_line(void **state)
{
    (void)state;
    play(in_line, true);
}

static void we_read_the_kernel_s_urgent_byte_in_line(void **state)
{
    (void)state;
    play(in_line, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scenario_test(kernel_takes_our_urgent_byte_out_of_line),
        scenario_test(we_take_the_kernel_s_urgent_byte_out_of_line),
        scenario_test(kernel_reads_our_urgent_byte_in_line),
        scenario_test(we_read_the_kernel_s_urgent_byte_in_line),
        scenario_captures_test(),
    };
    return scenario_run(tests);
}
