#include "link/tun_peer.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "link/error.h"
#include "link/tun_carrier.h"

enum {
    MTU_DEFAULT = 1500,
    MTU_MIN = 68, /* RFC 791 §3.2: every module forwards 68 bytes unfragmented */
    MTU_MAX = 65535,
};

/* Where the sentence about a failure goes. */
struct sentence {
    char *text;
    size_t size;
};

#define refuse(sentence, code, ...) link_error((sentence).text, (sentence).size, code, __VA_ARGS__)

/* ── What is asked for ── */

static int plan_device(const char *name, struct tun_peer *out, struct sentence error)
{
    size_t length = strlen(name);
    if (length == 0 || length >= IF_NAMESIZE)
        return refuse(error, EINVAL, "device name \"%s\": 1 to %d characters are allowed", name,
                      IF_NAMESIZE - 1);
    if (strpbrk(name, "/:% \t\n") || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return refuse(error, EINVAL,
                      "device name \"%s\": no '/', ':', '%%' or space is allowed in it", name);
    memcpy(out->device, name, length + 1);
    out->existed = if_nametoindex(name) != 0;
    return 0;
}

static bool address_fits_a_host(const struct address *a, unsigned prefix_bits)
{
    if (address_is_unspecified(a) || address_is_multicast(a) || address_is_loopback(a) ||
        address_is_limited_broadcast(a))
        return false;
    /* The first and the last of a subnet are not a host's (RFC 1122 §3.2.1.3), but for the
     * subnets of two (RFC 3021). */
    if (prefix_bits >= 31)
        return true;
    uint32_t host = address_to_ipv4(a) & (UINT32_MAX >> prefix_bits);
    return host != 0 && host != UINT32_MAX >> prefix_bits;
}

static int plan_addresses(const struct tun_config *config, struct tun_peer *out,
                          struct sentence error)
{
    if (address_parse_prefix(config->address, &out->ours, &out->prefix_bits) < 0 ||
        !address_is_ipv4(&out->ours))
        return refuse(error, EINVAL,
                      "address \"%s\": an IPv4 address with its prefix of 1 to 31 bits is needed, "
                      "as 10.0.0.3/24",
                      config->address);
    if (out->prefix_bits < 1 || out->prefix_bits > 31)
        return refuse(error, EINVAL, "address %s: a prefix of 1 to 31 bits is needed",
                      config->address);
    if (!address_fits_a_host(&out->ours, out->prefix_bits))
        return refuse(error, EINVAL, "address %s: not one that a host can have", config->address);

    if (address_parse(config->peer, &out->kernel) < 0 || !address_is_ipv4(&out->kernel))
        return refuse(error, EINVAL, "peer \"%s\": an IPv4 address is needed, as 10.0.0.2",
                      config->peer);
    if (address_equal(&out->ours, &out->kernel))
        return refuse(error, EINVAL, "peer %s: it must differ from our own address", config->peer);
    if (!address_in_prefix(&out->kernel, &out->ours, out->prefix_bits))
        return refuse(error, EINVAL, "peer %s: it must be in the subnet of %s", config->peer,
                      config->address);
    if (!address_fits_a_host(&out->kernel, out->prefix_bits))
        return refuse(error, EINVAL, "peer %s: not an address that a host can have", config->peer);
    return 0;
}

static int plan_mtu(uint32_t mtu, struct tun_peer *out, struct sentence error)
{
    out->mtu = mtu ? mtu : MTU_DEFAULT;
    if (out->mtu < MTU_MIN || out->mtu > MTU_MAX)
        return refuse(error, EINVAL, "MTU %u: %d to %d bytes are allowed", mtu, MTU_MIN, MTU_MAX);
    return 0;
}

/* ── What the host has already ── */

struct host_address {
    const char *device;
    struct address address;
    unsigned prefix_bits;
};

static uint32_t ipv4_bits_of(const struct sockaddr *address)
{
    struct sockaddr_in ipv4;
    memcpy(&ipv4, address, sizeof ipv4);
    struct cursor cursor = cursor_over(&ipv4.sin_addr, sizeof ipv4.sin_addr);
    return cursor_u32(&cursor);
}

/* Whether an entry of getifaddrs is an IPv4 address, and which. */
static bool host_address_read(const struct ifaddrs *entry, struct host_address *out)
{
    if (!entry->ifa_addr || !entry->ifa_netmask || entry->ifa_addr->sa_family != AF_INET)
        return false;
    *out = (struct host_address){
        .device = entry->ifa_name,
        .address = address_from_ipv4(ipv4_bits_of(entry->ifa_addr)),
        .prefix_bits = (unsigned)__builtin_popcount(ipv4_bits_of(entry->ifa_netmask))};
    return true;
}

/* What TUNSETIFF would say of it only once the addresses are right. A TUN device has no link layer,
 * and hardly any other has none. */
static bool has_link_layer(const char *device)
{
    struct ifreq request = {0};
    memcpy(request.ifr_name, device, strlen(device));
    int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (control < 0)
        return false;
    bool has =
        ioctl(control, SIOCGIFHWADDR, &request) == 0 && request.ifr_hwaddr.sa_family != ARPHRD_NONE;
    close(control);
    return has;
}

static int check_own_device(const struct tun_peer *peer, const struct host_address *host,
                            struct sentence error)
{
    char has[ADDRESS_TEXT_MAX], wanted[ADDRESS_TEXT_MAX];
    if (address_equal(&host->address, &peer->kernel) && host->prefix_bits == peer->prefix_bits)
        return 0;
    if (has_link_layer(peer->device))
        return refuse(error, EEXIST, "device %s exists and is no TUN device: choose another",
                      peer->device);
    return refuse(error, EADDRINUSE,
                  "device %s exists and has the address %s/%u instead of %s/%u: choose those, "
                  "another device, or delete it",
                  peer->device, address_format(&host->address, has), host->prefix_bits,
                  address_format(&peer->kernel, wanted), peer->prefix_bits);
}

static int check_other_device(const struct tun_peer *peer, const struct host_address *host,
                              struct sentence error)
{
    char text[ADDRESS_TEXT_MAX];
    address_format(&host->address, text);
    if (address_equal(&host->address, &peer->kernel) || address_equal(&host->address, &peer->ours))
        return refuse(error, EADDRINUSE,
                      "address %s is in use on this host's %s: choose others for us and the peer",
                      text, host->device);
    unsigned shorter =
        host->prefix_bits < peer->prefix_bits ? host->prefix_bits : peer->prefix_bits;
    if (address_in_prefix(&host->address, &peer->ours, shorter))
        return refuse(error, EADDRINUSE,
                      "our subnet overlaps that of this host's %s (%s/%u), and would take its "
                      "packets: choose another subnet for us and the peer",
                      host->device, text, host->prefix_bits);
    return 0;
}

/* Two interfaces with overlapping subnets cut the host off from one of them, its
 * gateway perhaps. */
static int check_host(const struct tun_peer *peer, struct sentence error)
{
    struct ifaddrs *entries;
    if (getifaddrs(&entries) < 0)
        return refuse(error, errno, "cannot list this host's addresses: %s", strerror(errno));
    int result = 0;
    for (const struct ifaddrs *entry = entries; entry && result == 0; entry = entry->ifa_next) {
        struct host_address host;
        if (!host_address_read(entry, &host))
            continue;
        result = strcmp(host.device, peer->device) == 0 ? check_own_device(peer, &host, error)
                                                        : check_other_device(peer, &host, error);
    }
    freeifaddrs(entries);
    return result;
}

int tun_peer_plan(const struct tun_config *config, struct tun_peer *out, char *error,
                  size_t error_size)
{
    struct sentence sentence = {.text = error, .size = error_size};
    int result = plan_device(config->device, out, sentence);
    if (result == 0)
        result = plan_addresses(config, out, sentence);
    if (result == 0)
        result = plan_mtu(config->mtu, out, sentence);
    out->small_packets = config->no_offload;
    if (result == 0)
        result = check_host(out, sentence);
    return result;
}

/* ── Giving it to the device ── */

static struct ifreq request_for(const struct tun_peer *peer)
{
    struct ifreq request = {0};
    memcpy(request.ifr_name, peer->device, sizeof peer->device);
    return request;
}

/* An IPv4 address as the ioctls want it. The last four bytes of struct address are in network
 * order. */
static struct sockaddr sockaddr_of(const struct address *address)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    memcpy(&ipv4.sin_addr, address->bytes + 12, sizeof ipv4.sin_addr);
    struct sockaddr out;
    memcpy(&out, &ipv4, sizeof out);
    return out;
}

static int failed(const char *what, const struct tun_peer *peer, struct sentence error)
{
    if (errno == EPERM || errno == EACCES)
        return refuse(error, EPERM, "no permission to %s of %s: %s", what, peer->device,
                      TUN_PERMISSION_ADVICE);
    return refuse(error, errno, "cannot %s of %s: %s", what, peer->device, strerror(errno));
}

static bool device_has_address(int control, const struct tun_peer *peer)
{
    struct ifreq request = request_for(peer);
    request.ifr_addr.sa_family = AF_INET;
    return ioctl(control, SIOCGIFADDR, &request) == 0;
}

static int give_address(int control, const struct tun_peer *peer, struct sentence error)
{
    struct ifreq request = request_for(peer);
    request.ifr_addr = sockaddr_of(&peer->kernel);
    if (ioctl(control, SIOCSIFADDR, &request) < 0)
        return failed("set the address", peer, error);
    struct address mask = address_from_ipv4(UINT32_MAX << (32 - peer->prefix_bits));
    request.ifr_netmask = sockaddr_of(&mask);
    if (ioctl(control, SIOCSIFNETMASK, &request) < 0)
        return failed("set the prefix", peer, error);
    return 0;
}

static int give_mtu(int control, const struct tun_peer *peer, struct sentence error)
{
    struct ifreq request = request_for(peer);
    if (ioctl(control, SIOCGIFMTU, &request) < 0)
        return failed("read the MTU", peer, error);
    if (request.ifr_mtu == (int)peer->mtu)
        return 0;
    request.ifr_mtu = (int)peer->mtu;
    if (ioctl(control, SIOCSIFMTU, &request) < 0)
        return failed("set the MTU", peer, error);
    return 0;
}

static int bring_up(int control, const struct tun_peer *peer, struct sentence error)
{
    struct ifreq request = request_for(peer);
    if (ioctl(control, SIOCGIFFLAGS, &request) < 0)
        return failed("read the state", peer, error);
    if (request.ifr_flags & IFF_UP) {
        tun_carrier_await(control, peer->device);
        return 0;
    }
    request.ifr_flags |= IFF_UP | IFF_RUNNING;
    if (ioctl(control, SIOCSIFFLAGS, &request) < 0)
        return failed("bring up the link", peer, error);
    return 0;
}

/* A new device would greet us with router solicitations, which nobody here answers. Where it cannot
 * be had, they come and are dropped. */
static void silence_ipv6(const struct tun_peer *peer)
{
    char path[sizeof "/proc/sys/net/ipv6/conf//disable_ipv6" + IF_NAMESIZE];
    snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/disable_ipv6", peer->device);
    FILE *file = fopen(path, "we");
    if (!file)
        return;
    fputs("1", file);
    fclose(file);
}

/* A window of super-segments fits into the queue that a device has by itself, 500 packets; of small
 * ones it does not, and what is beyond is lost. Where a longer one cannot be had, that is so. */
static void lengthen_queue(int control, const struct tun_peer *peer)
{
    struct ifreq request = request_for(peer);
    request.ifr_qlen = LIMIT_DEVICE_QUEUE;
    ioctl(control, SIOCSIFTXQLEN, &request);
}

/* What an existing device is set back to. One that we made is gone with its descriptor. */
struct before {
    struct ifreq mtu, flags;
    bool had_address;
};

static struct before remember(int control, const struct tun_peer *peer)
{
    struct before before = {.mtu = request_for(peer), .flags = request_for(peer)};
    if (ioctl(control, SIOCGIFMTU, &before.mtu) < 0)
        before.mtu.ifr_mtu = (int)peer->mtu;
    if (ioctl(control, SIOCGIFFLAGS, &before.flags) < 0)
        before.flags.ifr_flags = 0;
    before.had_address = device_has_address(control, peer);
    return before;
}

/* As far as that goes: there is nobody to tell of a second failure. */
static void set_back(int control, const struct tun_peer *peer, struct before *before)
{
    if (!before->had_address) {
        struct address unspecified = address_from_ipv4(0); /* takes the address away */
        struct ifreq request = request_for(peer);
        request.ifr_addr = sockaddr_of(&unspecified);
        ioctl(control, SIOCSIFADDR, &request);
    }
    ioctl(control, SIOCSIFMTU, &before->mtu);
    ioctl(control, SIOCSIFFLAGS, &before->flags);
}

int tun_peer_configure(const struct tun_peer *peer, char *error, size_t error_size)
{
    struct sentence sentence = {.text = error, .size = error_size};
    int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (control < 0)
        return refuse(sentence, errno, "cannot make a socket to set up %s: %s", peer->device,
                      strerror(errno));
    struct before before = remember(control, peer);
    if (!peer->existed)
        silence_ipv6(peer);
    if (!peer->existed && peer->small_packets)
        lengthen_queue(control, peer);
    int result = give_mtu(control, peer, sentence);
    if (result == 0 && !before.had_address)
        result = give_address(control, peer, sentence);
    if (result == 0)
        result = bring_up(control, peer, sentence);
    if (result < 0 && peer->existed)
        set_back(control, peer, &before);
    close(control);
    return result;
}
