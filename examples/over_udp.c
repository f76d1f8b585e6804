/* A stack whose device is a UDP socket of the kernel's: the engine door in real time.
 *
 *     over_udp receive 5001 5002            takes one connection and prints what comes
 *     over_udp send    5002 5001 <FILE      sends what it is given
 *
 * Each packet is one datagram to the other process, here on the same machine: from 127.0.0.1 and
 * the first port to the second. A tunnel over a network that others share must encrypt, and
 * check who is there. */
#define _GNU_SOURCE 1 /* ppoll */

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <tern/tern.h>

enum { PACKET_MAX = 65535, MTU = 1400 /* so that a datagram fits into a frame */ };

#define SECOND_NS UINT64_C(1000000000)

struct tunnel {
    int udp;
    struct tern *t;
};

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* struct tern_engine_config's. What the socket does not take is lost, as packets are. */
static int tunnel_output(void *user, const struct iovec *packet, int count,
                         const struct tern_offload *offload)
{
    const struct tunnel *tunnel = user;
    struct iovec spans[16];
    (void)offload;
    if (count > (int)(sizeof spans / sizeof spans[0]))
        return -EMSGSIZE;
    memcpy(spans, packet, (size_t)count * sizeof *packet);
    struct msghdr message = {.msg_iov = spans, .msg_iovlen = (size_t)count};
    return sendmsg(tunnel->udp, &message, MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* And what makes blocking calls of an engine: waits until a packet comes or the time is over, and
 * feeds the stack with both. */
static int tunnel_wait(void *user, uint64_t deadline_ns)
{
    static unsigned char packet[PACKET_MAX];
    const struct tunnel *tunnel = user;
    struct pollfd p = {.fd = tunnel->udp, .events = POLLIN};
    uint64_t now_ns = clock_ns();
    uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    struct timespec timeout = {(time_t)(left_ns / SECOND_NS), (long)(left_ns % SECOND_NS)};
    if (ppoll(&p, 1, deadline_ns == UINT64_MAX ? NULL : &timeout, NULL) < 0)
        return -errno;
    ssize_t n;
    while ((n = recv(tunnel->udp, packet, sizeof packet, MSG_DONTWAIT)) >= 0)
        tern_input(tunnel->t, packet, (size_t)n, NULL, clock_ns());
    tern_advance(tunnel->t, clock_ns());
    return 0;
}

static int udp_open(const char *local, const char *remote)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(local))};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(remote))};
    from.sin_addr.s_addr = to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (udp < 0 || bind(udp, (struct sockaddr *)&from, sizeof from) < 0 ||
        connect(udp, (struct sockaddr *)&to, sizeof to) < 0) {
        perror("over_udp");
        exit(1);
    }
    return udp;
}

static struct tern *tunnel_open(struct tunnel *tunnel, const char *address)
{
    unsigned char seed[32];
    struct tern_error error = {.text = "no random numbers"};
    struct tern_engine_config config = {.seed = seed,
                                        .now_ns = clock_ns(),
                                        .address = address,
                                        .mtu = MTU,
                                        .output = tunnel_output,
                                        .wait = tunnel_wait,
                                        .user = tunnel};
    if (getrandom(seed, sizeof seed, 0) == sizeof seed)
        tunnel->t = tern_engine_new(&config, &error);
    if (!tunnel->t) {
        fprintf(stderr, "over_udp: %s\n", error.text);
        exit(1);
    }
    return tunnel->t;
}

/* From here on it is a program like any other. */

static bool send_all(struct tern *t)
{
    char bytes[16384];
    ssize_t n = -1;
    int socket = tern_dial(t, "10.0.0.1:9");
    if (socket < 0)
        return false;
    while ((n = read(STDIN_FILENO, bytes, sizeof bytes)) > 0)
        if (tern_write_all(t, socket, bytes, (size_t)n) < 0)
            return false;
    return n == 0 && tern_close(t, socket) == 0;
}

static bool receive_all(struct tern *t)
{
    char bytes[16384];
    ssize_t n = -1;
    int listener = tern_listen_on(t, "9", 1);
    int socket = listener < 0 ? -1 : tern_accept(t, listener, NULL, NULL);
    if (socket < 0)
        return false;
    while ((n = tern_recv(t, socket, bytes, sizeof bytes, 0)) > 0)
        if (fwrite(bytes, 1, (size_t)n, stdout) != (size_t)n)
            return false;
    return n == 0 && tern_close(t, socket) == 0 && fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
    bool sends = argc == 4 && strcmp(argv[1], "send") == 0;
    if (!sends && (argc != 4 || strcmp(argv[1], "receive") != 0)) {
        fprintf(stderr, "usage: over_udp send|receive PORT OTHERS_PORT\n");
        return 2;
    }
    struct tunnel tunnel = {.udp = udp_open(argv[2], argv[3])};
    struct tern *t = tunnel_open(&tunnel, sends ? "10.0.0.2/24" : "10.0.0.1/24");
    bool done = sends ? send_all(t) : receive_all(t);
    if (!done || tern_quiesce(t, 10 * SECOND_NS) < 0) {
        perror("over_udp");
        done = false;
    }
    tern_close_stack(t);
    close(tunnel.udp);
    return done ? 0 : 1;
}
