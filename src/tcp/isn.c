#include "tcp/isn.h"

#include "base/time.h"

uint32_t tcp_initial_sequence(const struct tcp *tcp, const struct endpoint *local,
                              const struct endpoint *remote)
{
    struct {
        struct address local, remote;
        uint16_t local_port, remote_port;
    } key = {local->address, remote->address, local->port, remote->port};
    return (uint32_t)(tcp->stack->now_ns / TIME_US(4)) +
           (uint32_t)hash_bytes(&tcp->isn_key, &key, sizeof key);
}
