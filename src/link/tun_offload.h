/* What the kernel and we leave each other to do to the packets of a TUN device: checksums to finish
 * and super-packets to cut, as virtio's header in front of each packet says it. */
#ifndef TERN_LINK_TUN_OFFLOAD_H
#define TERN_LINK_TUN_OFFLOAD_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <tern/tern.h>

/* Asks the kernel for all of it: what it agrees to, as TERN_LINK_…; 0 when it agrees to nothing,
 * and then neither side leaves the other anything to do. */
uint32_t tun_offload_ask(int descriptor);
/* Asks for nothing, for a device may have offloads left from who had it before: 0. */
uint32_t tun_offload_refuse(int descriptor);

/* Virtio's header of a packet that begins with the first of `spans`. `offload` may be NULL. */
struct virtio_net_hdr tun_offload_header(const struct iovec *spans,
                                         const struct tern_offload *offload);
/* The same of one that has come. False where it says what we have not asked for. */
bool tun_offload_read(const struct virtio_net_hdr *header, const uint8_t *packet, size_t length,
                      struct tern_offload *out);
/* Where the headers end of a packet whose TCP header begins at `tcp_start`: the kernel's hdr_len
 * only hints at it, TCP's own data offset says it. 0 where that is not within the packet, or within
 * the TCP header itself. */
uint16_t tun_offload_tcp_end(const uint8_t *packet, size_t length, uint16_t tcp_start);

#endif
