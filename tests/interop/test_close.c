/* How connections with the kernel end: half closed, in every order, reset by either, refused. */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "captures.h"
#include "common/fails.h"
#include "exchange.h"
#include "kernel.h"

static const struct wish resets = {.explains = "Connection reset"};

static int our_state(struct end ours)
{
    struct tern_tcp_info info;
    socklen_t length = sizeof info;
    must(tern_getsockopt(ours.tern, ours.socket, IPPROTO_TCP, TCP_INFO, &info, &length));
    return info.tcpi_state;
}

static int kernels_state(struct end kernels)
{
    return kernel_info(kernels.socket).tcpi_state;
}

static void assert_end(struct end end)
{
    char byte;
    assert_int_equal(must((int)end_receive(end, &byte, 1)), 0);
}

static void assert_receive_fails(struct end end, int error)
{
    char byte;
    assert_fails((int)end_receive(end, &byte, 1), error);
}

/* ── Halves ── */

static void kernel_goes_on_after_we_have_closed_our_half(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    struct pair pair = pair_connect(s);
    flow_run(pair.ours, pair.kernels, 10000);
    wait_until(our_state(pair.ours) == TCP_FIN_WAIT2);
    flow_run(pair.kernels, pair.ours, 1000000);
    assert_int_equal(our_state(pair.ours), TCP_CLOSE); /* TIME-WAIT leaves the socket */
    assert_fails((int)end_send(pair.ours, "x", 1), EPIPE);
    pair_close(pair);
    scenario_close(s);
}

static void we_go_on_after_the_kernel_has_closed_its_half(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    struct pair pair = pair_accept(s);
    flow_run(pair.kernels, pair.ours, 10000);
    assert_int_equal(our_state(pair.ours), TCP_CLOSE_WAIT);
    flow_run(pair.ours, pair.kernels, 1000000);
    wait_until(our_state(pair.ours) == TCP_CLOSE);
    pair_close(pair);
    scenario_close(s);
}

/* ── Orders ── */

static void we_close_first(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    for (int opener = 0; opener < 2; opener++) {
        struct pair pair = opener ? pair_accept(s) : pair_connect(s);
        must(end_close(pair.ours));
        assert_end(pair.kernels);
        assert_int_equal(kernels_state(pair.kernels), TCP_CLOSE_WAIT);
        must(end_close(pair.kernels));
    }
    scenario_close(s);
}

static void kernel_closes_first(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    for (int opener = 0; opener < 2; opener++) {
        struct pair pair = opener ? pair_accept(s) : pair_connect(s);
        must(end_close(pair.kernels));
        assert_end(pair.ours);
        assert_int_equal(our_state(pair.ours), TCP_CLOSE_WAIT);
        must(end_close(pair.ours));
    }
    scenario_close(s);
}

/* The FINs cross on a long way, and both sides pass through CLOSING. */
static void both_close_at_once(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&(struct wish){.fault = "delay=100ms"});
    struct pair pair = pair_connect(s);
    must(end_shutdown(pair.ours, SHUT_WR));
    must(end_shutdown(pair.kernels, SHUT_WR));
    assert_end(pair.ours);
    assert_int_equal(our_state(pair.ours), TCP_CLOSING);
    wait_until(our_state(pair.ours) == TCP_CLOSE);
    assert_end(pair.kernels);
    wait_until(kernels_state(pair.kernels) == TCP_CLOSE);
    pair_close(pair);
    scenario_close(s);
}

/* Whoever closes right after its last write: all of it arrives, and then the end. */
static void close_with_data_in_flight_delivers_it(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    for (int direction = 0; direction < 2; direction++) {
        struct pair pair = pair_connect(s);
        struct end from = direction ? pair.ours : pair.kernels;
        struct end to = direction ? pair.kernels : pair.ours;
        struct flow flow = {
            .from = from, .to = to, .bytes = 1000000, .seed = 3, .ending = END_WITH_CLOSE};
        flow_start(&flow);
        flow_finish(&flow);
        must(end_close(to));
    }
    scenario_close(s);
}

static void both_close_with_data_in_flight(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&(struct wish){.fault = "delay=20ms"});
    struct pair pair = pair_accept(s);
    exchange_run(pair, 300000, 200000);
    pair_close(pair);
    scenario_close(s);
}

static void nothing_is_held_once_all_is_over(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&(struct wish){.settings = "tcp.time_wait_s=1"});
    for (int round = 0; round < 10; round++) {
        struct pair pair = round & 1 ? pair_accept(s) : pair_connect(s);
        exchange_run(pair, 10000, 10000);
        pair_close(pair);
    }
    must(tern_quiesce(s->tern, PATIENCE_NS));
    wait_until(tern_memory_used(s->tern) == 0);
    scenario_close(s);
}

/* A peer that never closes its half keeps nothing of ours alive once our user has left. */
static void half_closed_connection_without_owner_is_given_up(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(
        &(struct wish){.settings = "tcp.fin_timeout_s=1", .explains = resets.explains});
    struct pair pair = pair_connect(s);
    must(end_close(pair.ours));
    must(tern_quiesce(s->tern, PATIENCE_NS));
    assert_int_equal(tern_memory_used(s->tern), 0);
    assert_end(pair.kernels);
    must((int)end_send(pair.kernels, "late", 4));
    kernel_poll(pair.kernels.socket, 0);
    assert_fails((int)end_send(pair.kernels, "later", 5), EPIPE);
    must(end_close(pair.kernels));
    scenario_close(s);
}

/* ── Lingering ── */

static void lingering_close_waits_until_all_has_arrived(void **state)
{
    (void)state;
    enum { BYTES = 30000 }; /* which the kernel takes without being read */
    static char bytes[BYTES];
    struct scenario *s =
        scenario_open(&(struct wish){.fault = "delay=20ms", .explains = resets.explains});
    struct pair pair = pair_connect(s);
    int queued;
    end_linger(pair.ours, PATIENCE_S);
    must(tern_write_all(s->tern, pair.ours.socket, bytes, sizeof bytes));
    must(end_close(pair.ours));
    must(ioctl(pair.kernels.socket, FIONREAD, &queued));
    assert_int_equal(queued, BYTES);
    assert_int_equal(kernels_state(pair.kernels), TCP_CLOSE_WAIT);
    must(end_close(pair.kernels)); /* with all of it unread */
    scenario_close(s);
}

/* ── Resets ── */

static void connection_to_a_closed_port_is_refused(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&resets);
    uint16_t port;
    close(kernel_bound(s, SOCK_STREAM, &port));
    struct sockaddr_in there = scenario_sockaddr(s->kernels, port);
    int ours = must(tern_socket(s->tern, AF_INET, SOCK_STREAM, 0));
    for (int attempt = 0; attempt < 2; attempt++)
        assert_fails(tern_connect(s->tern, ours, (struct sockaddr *)&there, sizeof there),
                     ECONNREFUSED);
    must(tern_close(s->tern, ours));

    there = scenario_sockaddr(s->ours, port);
    int theirs = kernel_socket(SOCK_STREAM, 0);
    assert_fails(connect(theirs, (struct sockaddr *)&there, sizeof there), ECONNREFUSED);
    close(theirs);
    scenario_close(s);
}

static void kernels_reset_is_told(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&resets);
    struct pair pair = pair_connect(s);
    flow_run(pair.ours, pair.kernels, 1000);
    pair = pair_accept(s);
    end_linger(pair.kernels, 0);
    must(end_close(pair.kernels));
    assert_receive_fails(pair.ours, ECONNRESET);
    assert_end(pair.ours); /* it is told once */
    assert_fails((int)end_send(pair.ours, "x", 1), EPIPE);
    must(end_close(pair.ours));
    scenario_break_off(s);
}

static void kernels_reset_wakes_a_poll(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&resets);
    struct pair pair = pair_connect(s);
    struct pollfd p = {.fd = pair.ours.socket, .events = POLLIN};
    end_linger(pair.kernels, 0);
    must(end_close(pair.kernels));
    assert_int_equal(tern_poll(s->tern, &p, 1, PATIENCE_S * 1000), 1);
    assert_int_equal(p.revents & (POLLIN | POLLERR | POLLHUP), POLLIN | POLLERR | POLLHUP);
    int error;
    socklen_t length = sizeof error;
    must(tern_getsockopt(s->tern, pair.ours.socket, SOL_SOCKET, SO_ERROR, &error, &length));
    assert_int_equal(error, ECONNRESET);
    must(end_close(pair.ours));
    scenario_close(s);
}

static void our_reset_is_seen_by_the_kernel(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&resets);
    for (int opener = 0; opener < 2; opener++) {
        struct pair pair = opener ? pair_accept(s) : pair_connect(s);
        end_linger(pair.ours, 0);
        must(end_close(pair.ours));
        assert_receive_fails(pair.kernels, ECONNRESET);
        must(end_close(pair.kernels));
    }
    assert_int_equal(tern_memory_used(s->tern), 0);
    scenario_close(s);
}

/* RFC 2525 §2.17: who closes without having read all resets. */
static void close_with_unread_data_resets(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&resets);
    struct pair pair = pair_connect(s);
    struct pollfd p = {.fd = pair.ours.socket, .events = POLLIN};
    must((int)end_send(pair.kernels, "unread", 6));
    assert_int_equal(tern_poll(s->tern, &p, 1, PATIENCE_S * 1000), 1);
    must(end_close(pair.ours));
    assert_receive_fails(pair.kernels, ECONNRESET);
    must(end_close(pair.kernels));

    pair = pair_connect(s);
    must((int)end_send(pair.ours, "unread", 6));
    kernel_poll(pair.kernels.socket, POLLIN);
    must(end_close(pair.kernels));
    assert_receive_fails(pair.ours, ECONNRESET);
    must(end_close(pair.ours));
    scenario_close(s);
}

static void data_for_who_has_closed_is_answered_with_a_reset(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&resets);
    struct pair pair = pair_connect(s);
    must(end_close(pair.kernels));
    assert_end(pair.ours);
    must((int)end_send(pair.ours, "late", 4));
    wait_until(our_state(pair.ours) == TCP_CLOSE);
    assert_fails((int)end_send(pair.ours, "later", 5), EPIPE);
    must(end_close(pair.ours));

    pair = pair_connect(s);
    must(end_close(pair.ours));
    assert_end(pair.kernels);
    must((int)end_send(pair.kernels, "late", 4));
    wait_until(kernels_state(pair.kernels) == TCP_CLOSE);
    assert_fails((int)end_send(pair.kernels, "later", 5), EPIPE);
    must(end_close(pair.kernels));
    scenario_close(s);
}

static void stack_that_is_closed_resets_what_is_open(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&resets);
    uint16_t port;
    int listener = tern_listener(s, &port);
    struct pair pair = pair_connect(s);
    struct end waiting = {NULL, kernel_connect(s, SOCK_STREAM, port)}; /* nobody accepts it */
    struct pollfd p = {.fd = listener, .events = POLLIN};
    assert_int_equal(tern_poll(s->tern, &p, 1, PATIENCE_S * 1000), 1);
    scenario_break_off(s);
    assert_receive_fails(pair.kernels, ECONNRESET);
    assert_receive_fails(waiting, ECONNRESET);
    close(pair.kernels.socket);
    close(waiting.socket);
}

static void listener_that_is_closed_resets_who_waits(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(&resets);
    uint16_t port;
    int listener = tern_listener(s, &port);
    struct end waiting = {NULL, kernel_connect(s, SOCK_STREAM, port)};
    struct pollfd p = {.fd = listener, .events = POLLIN};
    assert_int_equal(tern_poll(s->tern, &p, 1, PATIENCE_S * 1000), 1);
    must(tern_close(s->tern, listener));
    assert_receive_fails(waiting, ECONNRESET);
    close(waiting.socket);
    scenario_close(s);
}

/* ── The same ports again ── */

/* A connection from the kernel's port `from`; *from 0 takes any, and is told which. */
static struct end connect_from(const struct scenario *s, uint16_t *from, uint16_t to)
{
    struct sockaddr_in here = scenario_sockaddr(s->kernels, *from);
    struct sockaddr_in there = scenario_sockaddr(s->ours, to);
    socklen_t length = sizeof here;
    int theirs = kernel_socket(SOCK_STREAM, 0);
    kernel_option(theirs, SOL_SOCKET, SO_REUSEADDR, 1);
    must(bind(theirs, (struct sockaddr *)&here, sizeof here));
    must(connect(theirs, (struct sockaddr *)&there, sizeof there));
    must(getsockname(theirs, (struct sockaddr *)&here, &length));
    *from = ntohs(here.sin_port);
    return (struct end){NULL, theirs};
}

/* RFC 6191: what we remember of the old connection does not stand in the way of a new one. */
static void port_is_open_again_during_our_time_wait(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    uint16_t port, from = 0;
    int listener = tern_listener(s, &port);
    for (int round = 0; round < 3; round++) {
        struct end kernels = connect_from(s, &from, port);
        struct end ours = {s->tern, must(tern_accept(s->tern, listener, NULL, NULL))};
        must(end_close(ours)); /* first: TIME-WAIT is ours */
        assert_end(kernels);
        must(end_close(kernels));
        must(tern_quiesce(s->tern, PATIENCE_NS));
    }
    assert_int_equal(scenario_count(s, "TcpExtTWRecycled"), 2);
    must(tern_close(s->tern, listener));
    scenario_close(s);
}

/* And the other way round: the kernel remembers, and our SYN must convince it. */
static void port_is_open_again_during_the_kernels_time_wait(void **state)
{
    (void)state;
    struct scenario *s = scenario_open(NULL);
    uint16_t port;
    int listener = kernel_listen(s, &port);
    struct sockaddr_in here = scenario_sockaddr(s->ours, 4000);
    struct sockaddr_in there = scenario_sockaddr(s->kernels, port);
    for (int round = 0; round < 3; round++) {
        struct end ours = {s->tern, must(tern_socket(s->tern, AF_INET, SOCK_STREAM, 0))};
        must(tern_bind(s->tern, ours.socket, (struct sockaddr *)&here, sizeof here));
        must(tern_connect(s->tern, ours.socket, (struct sockaddr *)&there, sizeof there));
        struct end kernels = {NULL, kernel_accept(listener)};
        must(end_close(kernels)); /* first: TIME-WAIT is the kernel's */
        assert_end(ours);
        must(end_close(ours));
        must(tern_quiesce(s->tern, PATIENCE_NS));
    }
    close(listener);
    scenario_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scenario_test(kernel_goes_on_after_we_have_closed_our_half),
        scenario_test(we_go_on_after_the_kernel_has_closed_its_half),
        scenario_test(we_close_first),
        scenario_test(kernel_closes_first),
        scenario_test(both_close_at_once),
        scenario_test(close_with_data_in_flight_delivers_it),
        scenario_test(both_close_with_data_in_flight),
        scenario_test(nothing_is_held_once_all_is_over),
        scenario_test(half_closed_connection_without_owner_is_given_up),
        scenario_test(lingering_close_waits_until_all_has_arrived),
        scenario_test(connection_to_a_closed_port_is_refused),
        scenario_test(kernels_reset_is_told),
        scenario_test(kernels_reset_wakes_a_poll),
        scenario_test(our_reset_is_seen_by_the_kernel),
        scenario_test(close_with_unread_data_resets),
        scenario_test(data_for_who_has_closed_is_answered_with_a_reset),
        scenario_test(stack_that_is_closed_resets_what_is_open),
        scenario_test(listener_that_is_closed_resets_who_waits),
        scenario_test(port_is_open_again_during_our_time_wait),
        scenario_test(port_is_open_again_during_the_kernels_time_wait),
        scenario_captures_test(),
    };
    return scenario_run(tests);
}
