/* Linux turns a device's queues on in a task of its own (linkwatch), which runs some time after
 * whoever opens the device has its descriptor. Links are reported to who listens, behind that. */
#include "link/tun_carrier.h"

#include <linux/ethtool.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 1000, /* the longest that linkwatch puts anything off */
    REPORTS = 64,       /* of whatever link: a host where they never end is not waited for */
};

static struct ifreq request_for(const char *device)
{
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
    return request;
}

static bool is_running(int control, const char *device)
{
    struct ifreq request = request_for(device);
    return ioctl(control, SIOCGIFFLAGS, &request) < 0 || request.ifr_flags & IFF_RUNNING;
}

/* Asks for the carrier: a kernel that knows of this trap does what linkwatch has left to do before
 * it answers (since 6.8), and any other answers once linkwatch is not in the midst of it. */
static void ask_for_carrier(int control, const char *device)
{
    struct ethtool_value carrier = {.cmd = ETHTOOL_GLINK};
    struct ifreq request = request_for(device);
    request.ifr_data = (void *)&carrier;
    ioctl(control, SIOCETHTOOL, &request);
}

/* A socket that is readable when a link has changed, or -1. */
static int listen_to_links(void)
{
    const struct sockaddr_nl links = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    int reports = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (reports >= 0 && bind(reports, (const struct sockaddr *)&links, sizeof links) < 0) {
        close(reports);
        return -1;
    }
    return reports;
}

static bool await_report(int reports)
{
    struct pollfd readable = {.fd = reports, .events = POLLIN};
    char report[1];
    if (reports < 0 || poll(&readable, 1, PATIENCE_MS) <= 0)
        return false;
    recv(reports, report, sizeof report, 0); /* what it says is asked for anew */
    return true;
}

static void await_running(int control, const char *device)
{
    int reports = listen_to_links();
    for (int i = 0; i < REPORTS && !is_running(control, device) && await_report(reports); i++)
        ;
    if (reports >= 0)
        close(reports);
}

void tun_carrier_await(int control, const char *device)
{
    ask_for_carrier(control, device);
    if (!is_running(control, device))
        await_running(control, device);
    ask_for_carrier(control, device);
}
