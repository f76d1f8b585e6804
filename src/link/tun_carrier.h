/* The carrier of a TUN device, which is there while somebody has it open. */
#ifndef TERN_LINK_TUN_CARRIER_H
#define TERN_LINK_TUN_CARRIER_H

/* For who has just opened a device that was up already: waits until the kernel sends to it, a
 * moment after it has seen the carrier. What it had to send before that is lost. Waits for no more
 * than a second, and goes without where the host does not tell. `control` is any socket. */
void tun_carrier_await(int control, const char *device);

#endif
