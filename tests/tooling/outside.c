/* A program as others write it, in what C17 and C++17 have in common: it includes nothing of ours
 * but the public header. Two stacks pass a datagram; no device and no privilege is needed. */
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <tern/tern.h>

static unsigned char wire[2048];
static size_t wire_length;

static int output(void *user, const struct iovec *packet, int count,
                  const struct tern_offload *offload)
{
    (void)user, (void)offload;
    wire_length = 0;
    for (int i = 0; i < count; i++) {
        memcpy(wire + wire_length, packet[i].iov_base, packet[i].iov_len);
        wire_length += packet[i].iov_len;
    }
    return 0;
}

static struct tern *engine(const char *address)
{
    static const unsigned char seed[32] = {1};
    struct tern_engine_config config;
    memset(&config, 0, sizeof config);
    config.seed = seed;
    config.address = address;
    config.output = output;
    return tern_engine_new(&config, NULL);
}

int main(void)
{
    char text[16] = "";
    struct sockaddr_in to;
    struct tern *a = engine("10.0.0.1/24"), *b = engine("10.0.0.2/24");
    if (!a || !b)
        return 1;
    int from = tern_socket(a, AF_INET, SOCK_DGRAM, 0), at = tern_socket(b, AF_INET, SOCK_DGRAM, 0);
    memset(&to, 0, sizeof to);
    to.sin_family = AF_INET;
    to.sin_port = htons(7);
    to.sin_addr.s_addr = inet_addr("10.0.0.2");
    const struct sockaddr *address = (const struct sockaddr *)&to;
    if (tern_bind(b, at, address, sizeof to) < 0 ||
        tern_sendto(a, from, "hello", 6, 0, address, sizeof to) != 6 ||
        tern_input(b, wire, wire_length, NULL, 0) || tern_recv(b, at, text, sizeof text, 0) != 6)
        return 2;
    tern_close_stack(a);
    tern_close_stack(b);
    puts(text);
    return strcmp(text, "hello") == 0 ? 0 : 3;
}
