/* lwIP as Debian configures it (port/include/lwipopts.h of its source package), but for packets of
 * 65,520 bytes: what a competent user would set where a loss is rare and memory is not. */
#ifndef BENCH_LWIPOPTS_H
#define BENCH_LWIPOPTS_H

#include_next <lwipopts.h>

/* Together with its header a segment is a buffer of less than 64 KB: lwIP counts its bytes in 16
 * bits. Nothing is kept free for Ethernet or IPv6 then. */
#undef LWIP_ETHERNET
#undef LWIP_ARP
#undef ARP_QUEUEING
#undef LWIP_IPV6
#define LWIP_ETHERNET  0
#define LWIP_ARP       0
#define ARP_QUEUEING   0
#define LWIP_IPV6      0
#define PBUF_LINK_HLEN 0

/* Its own heap: a large buffer that is freed does not go back to the kernel. */
#undef MEM_LIBC_MALLOC
#define MEM_LIBC_MALLOC 0
#define MEM_SIZE        (32 * 1024 * 1024)

#undef TCP_MSS
#undef TCP_WND
#undef TCP_RCV_SCALE
#undef TCP_SND_BUF
#define TCP_MSS           65480
#define TCP_WND           (1024 * 1024)
#define TCP_RCV_SCALE     5
#define TCP_SND_BUF       (512 * 1024)
#define LWIP_TCP_SACK_OUT 1
/* The checks of these values know no segments that large. */
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1

/* The kernel computes and checks TCP's (IFF_VNET_HDR). */
#undef LWIP_CHECKSUM_ON_COPY
#define LWIP_CHECKSUM_ON_COPY 0
#define CHECKSUM_GEN_TCP      0
#define CHECKSUM_CHECK_TCP    0

#endif
