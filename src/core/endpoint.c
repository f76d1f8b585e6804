#include "core/endpoint.h"

#include <string.h>

uint64_t endpoint_pair_hash(const struct hash_key *key, const struct endpoint *local,
                            const struct endpoint *remote)
{
    struct {
        uint32_t local, remote;
        uint16_t local_port, remote_port;
    } ipv4 = {.local_port = local->port, .remote_port = remote->port};
    struct {
        struct address local, remote;
        uint16_t local_port, remote_port;
    } any;
    if (address_is_ipv4(&local->address) && address_is_ipv4(&remote->address)) {
        memcpy(&ipv4.local, local->address.bytes + 12, sizeof ipv4.local);
        memcpy(&ipv4.remote, remote->address.bytes + 12, sizeof ipv4.remote);
        return hash_bytes(key, &ipv4, sizeof ipv4);
    }
    any.local = local->address;
    any.remote = remote->address;
    any.local_port = local->port;
    any.remote_port = remote->port;
    return hash_bytes(key, &any, sizeof any);
}
