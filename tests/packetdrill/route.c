/* What scripts do to the way to the peer with "ip route change", and to tun0 with "ip link set":
 * the MTU and the initial window become the stack's settings. A metric that is not there is the
 * device's, or the stack's default. */
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "machine.h"

static bool ask(int netlink)
{
    struct {
        struct nlmsghdr header;
        struct rtmsg message;
    } request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = RTM_GETROUTE,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .message = {.rtm_family = AF_UNSPEC, .rtm_table = RT_TABLE_MAIN},
    };
    return send(netlink, &request, sizeof request, 0) == sizeof request;
}

static void read_metrics(struct rtattr *metrics, struct route_metrics *out)
{
    struct rtattr *metric = RTA_DATA(metrics);
    int left = (int)RTA_PAYLOAD(metrics);
    for (; RTA_OK(metric, left); metric = RTA_NEXT(metric, left)) {
        if (metric->rta_type == RTAX_MTU)
            out->mtu = *(const uint32_t *)RTA_DATA(metric);
        if (metric->rta_type == RTAX_INITCWND)
            out->initial_window = *(const uint32_t *)RTA_DATA(metric);
    }
}

static void read_route(struct nlmsghdr *header, unsigned index, struct route_metrics *out)
{
    struct rtmsg *message = NLMSG_DATA(header);
    struct rtattr *attribute = RTM_RTA(message), *metrics = NULL;
    int left = (int)RTM_PAYLOAD(header);
    unsigned over = 0;
    if (message->rtm_table != RT_TABLE_MAIN)
        return;
    for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        if (attribute->rta_type == RTA_OIF)
            over = *(const uint32_t *)RTA_DATA(attribute);
        if (attribute->rta_type == RTA_METRICS)
            metrics = attribute;
    }
    if (over == index && metrics)
        read_metrics(metrics, out);
}

static struct route_metrics metrics_now(int netlink)
{
    _Alignas(struct nlmsghdr) char answer[8192];
    struct route_metrics metrics = {0};
    unsigned index = if_nametoindex("tun0");
    bool more = netlink >= 0 && index != 0 && ask(netlink);
    while (more) {
        ssize_t length = recv(netlink, answer, sizeof answer, 0);
        struct nlmsghdr *header = (struct nlmsghdr *)(void *)answer;
        more = length > 0;
        for (; NLMSG_OK(header, length); header = NLMSG_NEXT(header, length)) {
            if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR)
                more = false;
            else if (header->nlmsg_type == RTM_NEWROUTE)
                read_route(header, index, &metrics);
        }
    }
    return metrics;
}

/* 0 where there is no tun0. */
static uint32_t device_mtu(int socket)
{
    struct ifreq request = {.ifr_name = "tun0"};
    return socket >= 0 && ioctl(socket, SIOCGIFMTU, &request) == 0 ? (uint32_t)request.ifr_mtu : 0;
}

static void follow(struct machine *m, const char *setting, uint32_t before, uint32_t now,
                   uint32_t otherwise)
{
    char value[16];
    if (now == before)
        return;
    snprintf(value, sizeof value, "%u", now ? now : otherwise);
    tern_set(m->tern, setting, value);
}

void route_follow(struct machine *m)
{
    struct route_metrics now = metrics_now(m->device);
    if (now.mtu == 0)
        now.mtu = device_mtu(m->device);
    follow(m, "ip.mtu", m->route.mtu, now.mtu, m->flags.mtu);
    follow(m, "tcp.initial_window", m->route.initial_window, now.initial_window, 10);
    m->route = now;
}
