#include "device.h"

#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

void device_await(const char *name)
{
    struct ethtool_value link = {.cmd = ETHTOOL_GLINK};
    struct ifreq request = {0};
    int any = socket(AF_INET, SOCK_DGRAM, 0);
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    do {
        if (any < 0 || ioctl(any, SIOCGIFFLAGS, &request) < 0)
            fail("cannot look at the device");
    } while (!(request.ifr_flags & IFF_RUNNING));
    /* Once the flag is there, so is what else changes with it, for who takes the same lock. */
    request.ifr_data = (void *)&link;
    if (ioctl(any, SIOCETHTOOL, &request) < 0)
        fail("cannot look at the device");
    close(any);
}
