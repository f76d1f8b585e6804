/* lwIP's interface, on the TUN device that LWIP_DEVICE names, which must exist, with LWIP_ADDRESS.
 */
#ifndef BENCH_LWIP_DEVICE_H
#define BENCH_LWIP_DEVICE_H

#include <stdbool.h>

/* Starts lwIP as well. */
void lwip_device_open(void);
/* Takes in what has come, with lwIP's lock. True when there was something. */
bool lwip_device_take(void);
/* Until there is something, without the lock. */
void lwip_device_wait(int timeout_ms);

#endif
