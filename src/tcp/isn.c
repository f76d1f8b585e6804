#include "tcp/isn.h"

#include "base/time.h"

uint32_t tcp_initial_sequence(const struct tcp *tcp, const struct endpoint *local,
                              const struct endpoint *remote)
{
    return (uint32_t)(tcp->stack->now_ns / TIME_US(4)) +
           (uint32_t)endpoint_pair_hash(&tcp->isn_key, local, remote);
}
