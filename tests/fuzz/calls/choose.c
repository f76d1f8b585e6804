/* What the program chooses from. */
#include "fuzz/calls/world.h"

int pick_socket(struct world *w)
{
    if (once_in(w, 40))
        return (int)pick(w, UINT32_MAX);
    return (int)pick(w, once_in(w, 8) ? NUMBERS : 12);
}

size_t pick_length(struct world *w)
{
    switch (pick(w, 8)) {
    case 0:
        return 0;
    case 1:
    case 2:
    case 3:
        return pick(w, 100);
    case 4:
    case 5:
    case 6:
        return pick(w, 5000);
    default:
        return pick(w, BUFFER - 2000);
    }
}

int pick_flags(struct world *w)
{
    static const int known[] = {MSG_OOB,      MSG_PEEK,    MSG_DONTROUTE, MSG_TRUNC,
                                MSG_EOR,      MSG_WAITALL, MSG_CONFIRM,   MSG_ERRQUEUE,
                                MSG_NOSIGNAL, MSG_MORE,    0x4000000,     MSG_FASTOPEN};
    int flags = pick(w, 4) ? MSG_DONTWAIT : 0;
    for (uint32_t left = pick(w, 3); left > 0; left--)
        flags |= CHOOSE(w, known);
    return once_in(w, 60) ? (int)pick(w, UINT32_MAX) : flags;
}

socklen_t pick_address(struct world *w, const struct end *from, struct sockaddr_in *out)
{
    const uint32_t own = 0x0a000001 + (uint32_t)from->index,
                   other = 0x0a000002 - (uint32_t)from->index;
    const uint32_t hosts[] = {other, other, other, other,     other,      own,
                              own,   0,     GROUP, GROUP + 1, 0xffffffff, 0x0a0000ff};
    memset(out, 0, sizeof *out);
    out->sin_family = (sa_family_t)(once_in(w, 20) ? pick(w, 3) : AF_INET);
    out->sin_port = htons((uint16_t)(once_in(w, 8) ? pick(w, 65536) : 7 + pick(w, 3)));
    out->sin_addr.s_addr = htonl(once_in(w, 20) ? pick(w, UINT32_MAX) : CHOOSE(w, hosts));
    return once_in(w, 20) ? pick(w, 40) % sizeof *out : sizeof *out;
}
