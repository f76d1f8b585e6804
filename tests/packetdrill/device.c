/* What scripts do to tun0 with tc: "pfifo limit 0" lets nothing through, and a stack's output on a
 * kernel fails then with ENOBUFS. So must ours. */
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "machine.h"

int device_open(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return -1;
    int high = fcntl_high(fd);
    close(fd);
    return high;
}

static bool ask(int netlink, unsigned index)
{
    struct {
        struct nlmsghdr header;
        struct tcmsg message;
    } request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = RTM_GETQDISC,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .message = {.tcm_family = AF_UNSPEC, .tcm_ifindex = (int)index},
    };
    return send(netlink, &request, sizeof request, 0) == sizeof request;
}

/* Whether the qdisc that `message` describes is the device's root and holds no packet. It only
 * reads, but netlink's macros know no const. */
static bool is_full(struct nlmsghdr *header, unsigned index)
{
    struct tcmsg *message = NLMSG_DATA(header);
    struct rtattr *attribute = TCA_RTA(message);
    int left = (int)TCA_PAYLOAD(header);
    bool fifo = false, none = false;
    if (message->tcm_ifindex != (int)index || message->tcm_parent != TC_H_ROOT)
        return false;
    for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        if (attribute->rta_type == TCA_KIND)
            fifo = strcmp(RTA_DATA(attribute), "pfifo") == 0;
        if (attribute->rta_type == TCA_OPTIONS &&
            RTA_PAYLOAD(attribute) >= sizeof(struct tc_fifo_qopt))
            none = ((const struct tc_fifo_qopt *)RTA_DATA(attribute))->limit == 0;
    }
    return fifo && none;
}

bool device_is_full(int netlink)
{
    _Alignas(struct nlmsghdr) char answer[8192];
    unsigned index = if_nametoindex("tun0");
    bool full = false, more = true;
    if (netlink < 0 || index == 0 || !ask(netlink, index))
        return false;
    while (more) {
        ssize_t length = recv(netlink, answer, sizeof answer, 0);
        if (length <= 0)
            return full;
        struct nlmsghdr *header = (struct nlmsghdr *)(void *)answer;
        for (; NLMSG_OK(header, length); header = NLMSG_NEXT(header, length)) {
            if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR)
                more = false;
            else if (header->nlmsg_type == RTM_NEWQDISC)
                full = full || is_full(header, index);
        }
    }
    return full;
}
