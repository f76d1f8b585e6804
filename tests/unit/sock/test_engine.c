#include "unit/sock/sockets.h"

static const uint8_t seed[32] = {1};

static struct {
    struct tern *t;
    int packets;
    int error; /* of a call from within output */
    uint8_t first;
} seen;

/* Tries what is forbidden, and notes that it is refused. */
static int call_from_within(void *user, const struct iovec *packet, int count,
                            const struct tern_offload *offload)
{
    (void)user;
    (void)offload;
    assert_true(count > 0 && packet[0].iov_len >= 20);
    seen.packets++;
    seen.first = *(const uint8_t *)packet[0].iov_base;
    if (seen.t == NULL)
        return 0;
    errno = 0;
    assert_int_equal(tern_socket(seen.t, AF_INET, SOCK_STREAM, 0), -1);
    seen.error = errno;
    assert_non_null(tern_input(seen.t, "", 0, NULL, 0));
    assert_true(tern_deadline(seen.t) == 0);
    tern_advance(seen.t, UINT64_MAX);
    return 0;
}

static struct tern_engine_config config(void)
{
    memset(&seen, 0, sizeof seen);
    return (struct tern_engine_config){
        .seed = seed, .now_ns = TIME_S(5), .address = "10.0.0.1/24", .output = call_from_within};
}

static void an_engine_sends_through_its_output(void **state)
{
    (void)state;
    struct tern_engine_config c = config();
    struct tern *t = tern_engine_new(&c, NULL);
    assert_non_null(t);
    assert_true(tern_deadline(t) == UINT64_MAX);
    int s = open_stream(t);
    assert_fails(connect_to(t, s, "10.0.0.2", 7), EINPROGRESS);
    assert_int_equal(seen.packets, 1);
    assert_int_equal(seen.first, 0x45);
    /* RFC 6298 (2.1): the SYN is sent again after a second. */
    uint64_t deadline = tern_deadline(t);
    assert_true(deadline > TIME_S(5) && deadline <= TIME_S(6));
    tern_advance(t, deadline - 1);
    assert_int_equal(seen.packets, 1);
    tern_advance(t, TIME_S(6));
    assert_int_equal(seen.packets, 2);
    tern_close_stack(t);
}

static void calls_from_within_are_refused(void **state)
{
    (void)state;
    struct tern_engine_config c = config();
    struct tern *t = tern_engine_new(&c, NULL);
    seen.t = t;
    int s = open_stream(t);
    assert_fails(connect_to(t, s, "10.0.0.2", 7), EINPROGRESS);
    assert_int_equal(seen.error, EBUSY);
    assert_true(tern_deadline(t) < TIME_S(7)); /* its time has not moved */
    seen.t = NULL;
    assert_int_equal(open_stream(t), s + 1);
    tern_close_stack(t);
}

static void assert_refused(const struct tern_engine_config *c, int code)
{
    struct tern_error error = {.code = -1};
    errno = 0;
    assert_null(tern_engine_new(c, &error));
    assert_int_equal(errno, code);
    assert_int_equal(error.code, code);
    assert_true(strlen(error.text) > 10);
    assert_null(tern_engine_new(c, NULL));
}

#define TEN  "0123456789"
#define LONG TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void bad_configurations_are_refused_in_a_sentence(void **state)
{
    (void)state;
    assert_refused(NULL, EINVAL);
    struct tern_engine_config c = config();
    c.seed = NULL;
    assert_refused(&c, EINVAL);
    c = config();
    c.output = NULL;
    assert_refused(&c, EINVAL);
    c = config();
    c.link_features = TERN_LINK_USO << 1;
    assert_refused(&c, EINVAL);
    static const char *const addresses[] = {
        NULL,           "",           "10.0.0.1",     "10.0.0.1/33",        "10.0.0/24",
        "10.0.0.1/24 ", "0.0.0.0/24", "224.0.0.1/24", "255.255.255.255/24", "fe80::1/64",
    };
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        c = config();
        c.address = addresses[i];
        assert_refused(&c, EINVAL);
    }
    static const unsigned mtus[] = {1, 67, 65536, UINT32_MAX};
    for (size_t i = 0; i < sizeof mtus / sizeof mtus[0]; i++) {
        c = config();
        c.mtu = mtus[i];
        assert_refused(&c, EINVAL);
    }
    static const char *const settings[] = {
        "ip.ttl",   "no.such=1", LONG "=1",    "ip.ttl=" LONG,       "ip.ttl=0",
        "ip.ttl=x", "=",         "ip.ttl=1,,", "ip.ttl=1,no.such=1",
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        c = config();
        c.settings = settings[i];
        assert_refused(&c, EINVAL);
    }
}

static void the_sentence_says_what_would_do(void **state)
{
    (void)state;
    static const struct {
        const char *address, *settings, *words;
    } rows[] = {
        {NULL, NULL, "an address is needed"},
        {"10.0.0.3/33", NULL, "'10.0.0.3/33' is not an IPv4 address with its prefix of 0 to 32"},
        {"10.0.0.3/24", "no.such=1", "no setting 'no.such': `tern help settings` lists them"},
        {"10.0.0.3/24", "ip.port_last=2000,ip.port_first=60000",
         "ip.port_first=60000 is above ip.port_last=2000"},
        {"10.0.0.3/24", "tcp.sndbuf=9999999,tcp.sndbuf_max=4096",
         "tcp.sndbuf=9999999 is above tcp.sndbuf_max=4096"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tern_error error;
        struct tern_engine_config c = config();
        c.address = rows[i].address;
        c.settings = rows[i].settings;
        assert_null(tern_engine_new(&c, &error));
        assert_non_null(strstr(error.text, rows[i].words));
    }
    static const char *const bounds[] = {"10.0.0.3/0", "10.0.0.3/32"};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        struct tern_engine_config c = config();
        c.address = bounds[i];
        struct tern *t = tern_engine_new(&c, NULL);
        assert_non_null(t);
        tern_close_stack(t);
    }
}

static void settings_are_applied(void **state)
{
    (void)state;
    char value[16];
    struct tern_engine_config c = config();
    c.settings = "ip.ttl=7,icmp.echo=0,"; /* a comma may end the list */
    c.mtu = 68;
    struct tern *t = tern_engine_new(&c, NULL);
    assert_int_equal(tern_get(t, "ip.ttl", value, sizeof value), 0);
    assert_string_equal(value, "7");
    assert_int_equal(tern_get(t, "icmp.echo", value, sizeof value), 0);
    assert_string_equal(value, "0");
    tern_close_stack(t);
}

static void a_packet_that_is_not_taken_says_why(void **state)
{
    (void)state;
    struct tern_engine_config c = config();
    struct tern *t = tern_engine_new(&c, NULL);
    assert_string_equal(tern_input(t, "\x45", 1, NULL, 0), "IP packet shorter than it says");
    assert_string_equal(tern_input(t, "\xf5", 1, NULL, 0), "not a version of IP this stack speaks");
    tern_close_stack(t);
}

static void a_packet_that_is_not_there_is_not_taken(void **state)
{
    (void)state;
    struct tern_engine_config c = config();
    struct tern *t = tern_engine_new(&c, NULL);
    assert_non_null(tern_input(t, NULL, 20, NULL, TIME_S(6)));
    assert_non_null(tern_input(t, NULL, 0, NULL, TIME_S(6)));
    tern_close_stack(t);
}

static struct {
    struct tern *t;
    int waits;
    int datagram;
} within;

/* Makes the calls that would have to call it. */
static int call_what_waits(void *user, uint64_t deadline_ns)
{
    (void)user, (void)deadline_ns;
    char byte;
    struct pollfd entry = {.fd = within.datagram, .events = POLLIN};
    assert_int_equal(++within.waits, 1);
    assert_int_equal(tern_step(within.t), 0);
    assert_fails(tern_recv(within.t, within.datagram, &byte, 1, 0), EAGAIN);
    assert_true(tern_dial(within.t, "10.0.0.2:7") >= 0); /* and is connecting still */
    assert_int_equal(tern_poll(within.t, &entry, 1, -1), 0);
    return -EINTR;
}

static void wait_is_not_called_within_itself(void **state)
{
    (void)state;
    struct tern_engine_config c = config();
    char byte;
    c.wait = call_what_waits;
    memset(&within, 0, sizeof within);
    within.t = tern_engine_new(&c, NULL);
    within.datagram = open_datagram(within.t);
    assert_fails(tern_step(within.t), EINTR);
    within.waits = 0;
    assert_fails(tern_recv(within.t, within.datagram, &byte, 1, 0), EINTR);
    assert_int_equal(within.waits, 1);
    tern_close_stack(within.t);
}

struct trace {
    int in, out;
};

static void trace(void *user, const struct tern_trace_event *event)
{
    struct pair_end *end = user;
    struct trace *t = end->pair->user;
    t->in += event->kind == TERN_TRACE_IN;
    t->out += event->kind == TERN_TRACE_OUT;
}

static void a_trace_sees_every_packet(void **state)
{
    (void)state;
    struct trace t = {0};
    int client, server;
    pair_open(&pair, &(struct pair_options){.trace = trace});
    pair.user = &t;
    pair_connect(&pair, 7, &client, &server);
    pair_run(&pair, TIME_S(1));
    assert_int_equal(t.out, pair.ends[0].packets_out + pair.ends[1].packets_out);
    assert_int_equal(t.in, t.out);
    assert_true(t.in >= 3);
    pair_close(&pair);
}

static uint64_t hash_of_a_run(uint64_t run_seed)
{
    int client, server;
    uint64_t sum = 0;
    char bytes[100];
    pair_open(&pair, &(struct pair_options){.seed = run_seed,
                                            .fault = "loss=20%,delay=10ms,jitter=3ms,seed=4"});
    pair_connect(&pair, 7, &client, &server);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(tern_send(pair.ends[0].t, client, bytes, sizeof bytes, 0), sizeof bytes);
        assert_int_equal(tern_recv(pair.ends[1].t, server, bytes, sizeof bytes, MSG_WAITALL),
                         sizeof bytes);
        sum = sum * 31 + pair.now_ns;
    }
    struct sockaddr_in name = name_of(pair.ends[0].t, client);
    sum = sum * 31 + name.sin_port;
    pair_close(&pair);
    return sum;
}

static void the_same_seed_gives_the_same_run(void **state)
{
    (void)state;
    memset(&pair, 0, sizeof pair);
    uint64_t first = hash_of_a_run(1);
    assert_true(hash_of_a_run(1) == first);
    assert_true(hash_of_a_run(2) != first);
}

static void closing_nothing_is_allowed(void **state)
{
    (void)state;
    tern_close_stack(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_engine_sends_through_its_output),
        cmocka_unit_test(calls_from_within_are_refused),
        cmocka_unit_test(bad_configurations_are_refused_in_a_sentence),
        cmocka_unit_test(the_sentence_says_what_would_do),
        cmocka_unit_test(settings_are_applied),
        cmocka_unit_test(a_packet_that_is_not_taken_says_why),
        cmocka_unit_test(a_packet_that_is_not_there_is_not_taken),
        cmocka_unit_test(wait_is_not_called_within_itself),
        cmocka_unit_test(a_trace_sees_every_packet),
        cmocka_unit_test(the_same_seed_gives_the_same_run),
        cmocka_unit_test(closing_nothing_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
