/* The whole machine, from the peer's side and the user's.
 *
 * The input is a program: each step is one of the operations below with its arguments. The peer of
 * the fuzz remembers of each connection where it stands, so that segments can land near the truth,
 * where the code that matters is; it never needs a right checksum, for they come as a link would
 * deliver them that has verified them. Whatever happens, what leaves is sound, time moves on,
 * memory stays within bounds, and no input causes a flood. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>

#include <tern/tern.h>

#include "base/address.h"
#include "base/bytes.h"
#include "base/checksum.h"
#include "base/time.h"
#include "fuzz/fuzz.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

enum operation {
    FEED_SEGMENT,  /* flow, flags, seq, ack, window, options, text */
    FEED_SYN,      /* port, options */
    FEED_DATAGRAM, /* port, length */
    FEED_ICMP,     /* type, code, mtu: an error that quotes the last packet that left, or an echo */
    FEED_BYTES,    /* a packet as it stands */
    ADVANCE,       /* how far */
    DIAL,
    ACCEPT,
    SEND, /* socket, length */
    RECV, /* socket, length */
    CLOSE,
    SHUTDOWN,
    SET_OPTION, /* socket, which, value */
    OPERATIONS,
};

enum {
    OURS = 0x0a000003,
    PEER = 0x0a000002,
    PORT = 80,
    FLOWS = 16,
    SOCKETS = 32,
    PACKET_MAX = 2048,
    STEPS_MAX = 300,
    TEXT_MAX = 1400,
    SENT_PER_STEP_MAX = 20000, /* an ACK may release a send buffer's worth of segments */
    MEMORY_MAX = 64 << 20,
    TIMERS_PER_STEP_MAX = 100000,
};

/* A connection as the peer sees it. */
struct flow {
    uint16_t local_port, peer_port;
    uint32_t seq; /* what the peer sends next */
    uint32_t ack; /* what the peer has seen */
};

struct world {
    struct tern *tern;
    uint64_t now_ns;
    struct cursor program;
    struct flow flows[FLOWS];
    unsigned flow_count;
    int sockets[SOCKETS];
    unsigned socket_count;
    int listener;
    uint32_t sent; /* packets, in this step */
    uint8_t last[PACKET_MAX];
    size_t last_length;
};

static const struct tern_offload verified = {.flags = TERN_OFFLOAD_VERIFIED};

/* ── What leaves ── */

static void check_transport_checksum(const struct ipv4_header *ip, const uint8_t *bytes,
                                     size_t length)
{
    struct checksum sum = CHECKSUM_START;
    checksum_add_u32(&sum, address_to_ipv4(&ip->source));
    checksum_add_u32(&sum, address_to_ipv4(&ip->destination));
    checksum_add_u16(&sum, ip->protocol);
    checksum_add_u16(&sum, (uint16_t)length);
    checksum_add(&sum, bytes, length);
    FUZZ_CHECK(checksum_finish(&sum) == 0);
}

static struct flow *find_flow(struct world *w, uint16_t local_port, uint16_t peer_port)
{
    for (unsigned i = 0; i < w->flow_count && i < FLOWS; i++) {
        if (w->flows[i].local_port == local_port && w->flows[i].peer_port == peer_port)
            return &w->flows[i];
    }
    struct flow *flow = &w->flows[w->flow_count++ % FLOWS];
    *flow = (struct flow){.local_port = local_port, .peer_port = peer_port};
    return flow;
}

static void learn(struct world *w, const struct segment *segment)
{
    struct flow *flow = find_flow(w, segment->source_port, segment->destination_port);
    flow->ack = segment->seq + segment_length(segment);
    if (segment->flags & TCP_ACK)
        flow->seq = segment->ack;
}

static void check_tcp(struct world *w, const struct ipv4_header *ip, const uint8_t *bytes,
                      size_t length)
{
    struct segment segment;
    FUZZ_CHECK(tcp_parse(bytes, length, &segment));
    check_transport_checksum(ip, bytes, length);
    FUZZ_CHECK((segment.flags & (TCP_SYN | TCP_FIN)) != (TCP_SYN | TCP_FIN));
    FUZZ_CHECK(!segment.options.has_mss || (segment.flags & TCP_SYN));
    FUZZ_CHECK(segment.flags & (TCP_ACK | TCP_SYN | TCP_RST));
    learn(w, &segment);
}

static int take_output(void *user, const struct iovec *packet, int count,
                       const struct tern_offload *offload)
{
    struct world *w = user;
    w->last_length = 0;
    for (int i = 0; i < count; i++) {
        FUZZ_CHECK(packet[i].iov_len <= sizeof w->last - w->last_length);
        if (packet[i].iov_len > 0)
            memcpy(w->last + w->last_length, packet[i].iov_base, packet[i].iov_len);
        w->last_length += packet[i].iov_len;
    }
    FUZZ_CHECK(offload == NULL || (offload->segment_size == 0 && offload->flags == 0));
    FUZZ_CHECK(++w->sent < SENT_PER_STEP_MAX);

    struct ipv4_header ip;
    FUZZ_CHECK(ipv4_parse(w->last, w->last_length, false, &ip) == IPV4_OK);
    FUZZ_CHECK(ip.total_length == w->last_length && w->last_length <= 1500);
    FUZZ_CHECK(address_to_ipv4(&ip.source) == OURS);
    if (ip.protocol == IP_PROTOCOL_TCP && ip.fragment_offset == 0 && !ip.more_fragments)
        check_tcp(w, &ip, w->last + ip.header_length, w->last_length - ip.header_length);
    return 0;
}

/* ── What arrives ── */

static void feed(struct world *w, uint8_t protocol, const uint8_t *payload, size_t length)
{
    struct ipv4_header ip = {.source = address_from_ipv4(PEER),
                             .destination = address_from_ipv4(OURS),
                             .total_length = (uint32_t)(IPV4_HEADER_MIN + length),
                             .time_to_live = 64,
                             .protocol = protocol};
    /* Of exactly its size, so that a sanitizer sees a read past the end. */
    uint8_t *packet = malloc(ip.total_length);
    FUZZ_CHECK(packet != NULL);
    ipv4_build(&ip, packet);
    if (length > 0)
        memcpy(packet + IPV4_HEADER_MIN, payload, length);
    tern_input(w->tern, packet, ip.total_length, &verified, w->now_ns);
    free(packet);
}

/* Options from the program: what a bit of the first byte asks for, or, with the top bit, bytes as
 * they stand. Returns the header's length. */
static size_t build_segment(struct world *w, struct segment *segment, uint8_t out[TCP_HEADER_MAX])
{
    uint8_t choice = cursor_u8(&w->program);
    struct tcp_options *options = &segment->options;
    if (choice & 0x80) {
        size_t length = (choice & 0x7fu) % (TCP_OPTIONS_MAX + 1) & ~3u;
        const uint8_t *bytes = cursor_take(&w->program, length);
        tcp_build(segment, out);
        if (bytes == NULL)
            return TCP_HEADER_MIN;
        memcpy(out + TCP_HEADER_MIN, bytes, length);
        out[12] = (uint8_t)((TCP_HEADER_MIN + length) / 4 << 4 | (out[12] & 0xf));
        return TCP_HEADER_MIN + length;
    }
    options->has_mss = choice & 1;
    options->mss = options->has_mss ? cursor_u16(&w->program) : 0;
    options->has_sack_permitted = choice & 2;
    options->has_timestamps = choice & 4;
    options->timestamp_value = (uint32_t)(w->now_ns / TIME_MS(1));
    options->timestamp_echo = options->has_timestamps ? cursor_u8(&w->program) : 0;
    options->has_window_scale = choice & 8;
    options->window_scale = options->has_window_scale ? cursor_u8(&w->program) : 0;
    if (choice & 16) {
        options->sack_count = 1;
        options->sack[0].start = segment->ack + cursor_u16(&w->program);
        options->sack[0].end = options->sack[0].start + cursor_u16(&w->program);
    }
    return tcp_build(segment, out);
}

static void feed_built(struct world *w, struct segment *segment, size_t text_length)
{
    uint8_t bytes[TCP_HEADER_MAX + TEXT_MAX];
    size_t header_length = build_segment(w, segment, bytes);
    memset(bytes + header_length, 'x', text_length);
    feed(w, IP_PROTOCOL_TCP, bytes, header_length + text_length);
}

static void feed_segment(struct world *w)
{
    struct flow *flow = &w->flows[cursor_u8(&w->program) % FLOWS];
    struct segment segment = {.source_port = flow->peer_port,
                              .destination_port = flow->local_port,
                              .flags = cursor_u8(&w->program)};
    segment.seq = flow->seq + (uint32_t)(int16_t)cursor_u16(&w->program);
    segment.ack = flow->ack + (uint32_t)(int16_t)cursor_u16(&w->program);
    segment.window = cursor_u16(&w->program);
    segment.urgent = segment.flags & TCP_URG ? cursor_u16(&w->program) : 0;
    size_t text_length = cursor_u16(&w->program) % (TEXT_MAX + 1);
    bool exact = segment.seq == flow->seq;
    feed_built(w, &segment, text_length);
    if (exact)
        flow->seq += (uint32_t)text_length;
}

static void feed_syn(struct world *w)
{
    struct segment segment = {.source_port = (uint16_t)(40000 + cursor_u8(&w->program)),
                              .destination_port = PORT,
                              .seq = 0xffffff00,
                              .flags = TCP_SYN,
                              .window = 65535};
    feed_built(w, &segment, 0);
}

static void feed_datagram(struct world *w)
{
    uint8_t bytes[UDP_HEADER_SIZE + TEXT_MAX] = {0};
    struct udp_header udp = {.source_port = 7, .destination_port = cursor_u8(&w->program)};
    size_t length = UDP_HEADER_SIZE + cursor_u16(&w->program) % TEXT_MAX;
    udp.length = (uint16_t)length;
    udp_build(&udp, bytes);
    feed(w, IP_PROTOCOL_UDP, bytes, length);
}

static void feed_icmp(struct world *w)
{
    uint8_t bytes[ICMP_HEADER_SIZE + PACKET_MAX];
    struct icmp_message message = {.type = cursor_u8(&w->program) % 19,
                                   .code = cursor_u8(&w->program) % 16,
                                   .mtu = cursor_u16(&w->program),
                                   .body = w->last,
                                   .body_length = w->last_length < 64 ? w->last_length : 64};
    icmp_build(&message, bytes);
    memcpy(bytes + ICMP_HEADER_SIZE, message.body, message.body_length);
    feed(w, IP_PROTOCOL_ICMP, bytes, ICMP_HEADER_SIZE + message.body_length);
}

static void feed_bytes(struct world *w)
{
    size_t length = cursor_u8(&w->program);
    const uint8_t *bytes = cursor_take(&w->program, length);
    if (bytes != NULL)
        tern_input(w->tern, bytes, length, NULL, w->now_ns);
}

/* ── What its user does ── */

static void add_socket(struct world *w, int socket)
{
    if (socket < 0)
        return;
    if (w->socket_count == SOCKETS) {
        FUZZ_CHECK(tern_close(w->tern, socket) == 0);
        return;
    }
    w->sockets[w->socket_count++] = socket;
}

/* A socket that the program chooses, as an index; SOCKETS where there is none. */
static unsigned choose_socket(struct world *w)
{
    uint8_t choice = cursor_u8(&w->program);
    return w->socket_count ? choice % w->socket_count : SOCKETS;
}

static void dial(struct world *w)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(8000), .sin_addr.s_addr = htonl(PEER)};
    int socket = tern_socket(w->tern, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (socket >= 0)
        tern_connect(w->tern, socket, (const struct sockaddr *)&to, sizeof to);
    add_socket(w, socket);
}

static void accept_one(struct world *w)
{
    struct sockaddr_in from = {0};
    socklen_t length = sizeof from;
    int socket =
        tern_accept4(w->tern, w->listener, (struct sockaddr *)&from, &length, SOCK_NONBLOCK);
    FUZZ_CHECK(socket < 0 || (length == sizeof from && from.sin_addr.s_addr == htonl(PEER)));
    add_socket(w, socket);
}

static void set_option(struct world *w, int socket)
{
    /* By Linux's numbers, for its header's names are those of wire/tcp.h: TCP_NODELAY to
     * TCP_WINDOW_CLAMP, TCP_QUICKACK, TCP_USER_TIMEOUT. */
    static const int tcp_options[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 18};
    static const int socket_options[] = {SO_KEEPALIVE, SO_RCVBUF, SO_SNDBUF, SO_LINGER};
    uint8_t which = cursor_u8(&w->program);
    int value = cursor_u16(&w->program);
    if (which & 0x80)
        tern_setsockopt(w->tern, socket, SOL_SOCKET, socket_options[which % 4], &value,
                        sizeof value);
    else
        tern_setsockopt(w->tern, socket, IPPROTO_TCP, tcp_options[which % 12], &value,
                        sizeof value);
}

static void use_socket(struct world *w, enum operation operation)
{
    static uint8_t buffer[65536];
    unsigned index = choose_socket(w);
    if (index == SOCKETS)
        return;
    int socket = w->sockets[index];
    size_t length = operation == SEND || operation == RECV ? cursor_u16(&w->program) : 0;
    switch (operation) {
    case SEND:
        FUZZ_CHECK(tern_send(w->tern, socket, buffer, length, MSG_DONTWAIT) <= (ssize_t)length);
        break;
    case RECV:
        FUZZ_CHECK(tern_recv(w->tern, socket, buffer, length, MSG_DONTWAIT) <= (ssize_t)length);
        break;
    case CLOSE:
        FUZZ_CHECK(tern_close(w->tern, socket) == 0);
        w->sockets[index] = w->sockets[--w->socket_count];
        break;
    case SHUTDOWN:
        tern_shutdown(w->tern, socket, cursor_u8(&w->program) % 3);
        break;
    default:
        set_option(w, socket);
        break;
    }
}

/* ── Time ── */

/* Lets time pass as a driver would: from deadline to deadline, each of which must lie ahead. */
static void advance_to(struct world *w, uint64_t until_ns)
{
    unsigned turns = 0;
    for (;;) {
        uint64_t deadline_ns = tern_deadline(w->tern);
        if (deadline_ns > until_ns)
            break;
        if (deadline_ns > w->now_ns)
            w->now_ns = deadline_ns;
        tern_advance(w->tern, w->now_ns);
        FUZZ_CHECK(++turns < TIMERS_PER_STEP_MAX);
        w->sent = 0;
    }
    w->now_ns = until_ns;
    tern_advance(w->tern, w->now_ns);
    FUZZ_CHECK(tern_deadline(w->tern) > w->now_ns);
}

static void advance(struct world *w)
{
    uint8_t how_far = cursor_u8(&w->program);
    advance_to(w, w->now_ns + (TIME_US(1) << how_far % 28)); /* up to 134 s */
}

static void step(struct world *w)
{
    enum operation operation = cursor_u8(&w->program) % OPERATIONS;
    w->sent = 0;
    switch (operation) {
    case FEED_SEGMENT:
        feed_segment(w);
        break;
    case FEED_SYN:
        feed_syn(w);
        break;
    case FEED_DATAGRAM:
        feed_datagram(w);
        break;
    case FEED_ICMP:
        feed_icmp(w);
        break;
    case FEED_BYTES:
        feed_bytes(w);
        break;
    case ADVANCE:
        advance(w);
        break;
    case DIAL:
        dial(w);
        break;
    case ACCEPT:
        accept_one(w);
        break;
    default:
        use_socket(w, operation);
        break;
    }
    FUZZ_CHECK(tern_memory_used(w->tern) <= MEMORY_MAX);
}

static void world_open(struct world *w)
{
    static const uint8_t seed[32] = {1};
    struct tern_engine_config config = {.seed = seed,
                                        .now_ns = TIME_S(1),
                                        .address = "10.0.0.3/24",
                                        .output = take_output,
                                        .user = w};
    w->now_ns = config.now_ns;
    w->tern = tern_engine_new(&config, NULL);
    FUZZ_CHECK(w->tern != NULL);
    w->listener = tern_listen_on(w->tern, "80", 8);
    FUZZ_CHECK(w->listener >= 0);
    FUZZ_CHECK(tern_fcntl(w->tern, w->listener, F_SETFL, O_NONBLOCK) == 0);
}

/* Once all is closed and every timer has run, nothing may be left. */
static void world_close(struct world *w)
{
    while (w->socket_count > 0)
        FUZZ_CHECK(tern_close(w->tern, w->sockets[--w->socket_count]) == 0);
    FUZZ_CHECK(tern_close(w->tern, w->listener) == 0);
    w->sent = 0;
    advance_to(w, w->now_ns + TIME_S(86400));
    FUZZ_CHECK(tern_memory_used(w->tern) == 0);
    FUZZ_CHECK(tern_deadline(w->tern) == UINT64_MAX);
    tern_close_stack(w->tern);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct world w;
    memset(&w, 0, sizeof w);
    w.program = cursor_over(bytes, length);
    world_open(&w);
    for (unsigned steps = 0; steps < STEPS_MAX && cursor_left(&w.program) > 0; steps++)
        step(&w);
    world_close(&w);
    return 0;
}

size_t fuzz_seed(unsigned index, uint8_t out[FUZZ_INPUT_MAX])
{
    /* clang-format off */
    static const uint8_t served[] = {
        FEED_SYN, 1, 0x0f, 5, 180, 0, 7,                   /* all options; flow 0 */
        FEED_SEGMENT, 0, TCP_ACK, 0, 0, 0, 0, 255, 255, 0, 0, 4, 1,
        ACCEPT,
        FEED_SEGMENT, 0, TCP_ACK | TCP_PSH, 0, 0, 0, 0, 255, 255, 2, 0, 4, 1,
        RECV, 0, 255, 255,
        SEND, 0, 40, 0,
        ADVANCE, 10,
        FEED_SEGMENT, 0, TCP_ACK, 0, 0, 0, 0, 255, 255, 0, 0, 4, 1,
        FEED_SEGMENT, 0, TCP_ACK | TCP_FIN, 0, 0, 0, 0, 255, 255, 0, 0, 4, 1,
        CLOSE, 0,
        ADVANCE, 20,
        FEED_SEGMENT, 0, TCP_ACK, 0, 1, 0, 0, 255, 255, 0, 0, 4, 1,
    };
    static const uint8_t dialled[] = {
        DIAL,
        FEED_SEGMENT, 0, TCP_SYN | TCP_ACK, 0, 0, 0, 0, 255, 255, 0, 0, 0x03, 5, 180,
        SET_OPTION, 0, 0, 0, 1,
        SEND, 0, 255, 255,
        FEED_SEGMENT, 0, TCP_ACK, 0, 1, 255, 0, 255, 255, 0, 0, 16, 2, 0, 4, 0,
        ADVANCE, 18,
        FEED_SEGMENT, 0, TCP_ACK, 0, 1, 0, 0, 0, 0, 0, 0, 0,
        ADVANCE, 24,
        FEED_ICMP, 3, 4, 4, 0,
        SHUTDOWN, 0, 1,
        ADVANCE, 26,
        FEED_SEGMENT, 0, TCP_RST, 0, 1, 0, 0, 0, 0, 0, 0, 0,
    };
    static const uint8_t mixed[] = {
        FEED_DATAGRAM, 9, 0, 100,
        FEED_ICMP, 8, 0, 0, 0,
        FEED_SYN, 1, 0, FEED_SYN, 2, 0x80 | 8, 1, 1, 4, 2, 3, 3, 7, 0,
        FEED_SEGMENT, 1, TCP_ACK, 0, 0, 0, 0, 255, 255, 0, 0, 0,
        FEED_SEGMENT, 1, TCP_ACK | TCP_URG, 0, 100, 0, 0, 255, 255, 0, 50, 1, 0, 0,
        FEED_SEGMENT, 1, TCP_ACK, 0, 0, 0, 0, 255, 255, 0, 100, 0,
        ACCEPT, RECV, 0, 4, 0,
        FEED_SYN, 3, 0,
        FEED_SEGMENT, 3, TCP_ACK, 0, 0, 0, 0, 255, 255, 0, 0, 0,
        FEED_SEGMENT, 3, TCP_RST, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ACCEPT,                                            /* what has been reset */
        FEED_BYTES, 20, 0x45, 0, 0, 20, 0, 0, 0, 0, 64, 6, 0x66, 0xe1, 10, 0, 0, 2, 10, 0, 0, 3,
        ADVANCE, 27,
    };
    /* clang-format on */
    static const struct {
        const uint8_t *bytes;
        size_t length;
    } seeds[] = {{served, sizeof served}, {dialled, sizeof dialled}, {mixed, sizeof mixed}};
    if (index >= sizeof seeds / sizeof seeds[0])
        return 0;
    memcpy(out, seeds[index].bytes, seeds[index].length);
    return seeds[index].length;
}
