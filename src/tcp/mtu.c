#include "tcp/mtu.h"

#include "tcp/connection.h"
#include "tcp/fastopen.h"
#include "tcp/mtu_probe.h"
#include "tcp/output.h"
#include "tcp/records.h"
#include "tcp/recovery.h"
#include "tcp/sockopt.h"

/* RFC 1191 §5: the plateaus to try below a size when the router did not say. */
static uint32_t plateau_below(uint32_t mtu)
{
    static const uint32_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508};
    for (size_t i = 0; i < sizeof plateaus / sizeof plateaus[0]; i++) {
        if (plateaus[i] < mtu)
            return plateaus[i];
    }
    return 296;
}

void mtu_recut(struct tcb *tcb)
{
    for (struct sent_record *r = records_first(tcb); r; r = records_next(r)) {
        if (r->mss > tcb->snd.mss)
            records_resize(tcb, r, tcb->snd.mss);
    }
}

/* Marks lost what can no longer have come through. */
static void mark_too_big(struct tcb *tcb)
{
    for (struct sent_record *r = records_first(tcb); r; r = records_next(r)) {
        if (!r->sacked && !r->lost && r->mss > tcb->snd.mss) {
            records_mark_lost(tcb, r);
            records_resize(tcb, r, tcb->snd.mss);
        }
    }
}

/* IP_MTU_DISCOVER: some would rather find out for themselves. */
static bool heeds_icmp(const struct tcb *tcb)
{
    return tcb->preferences.mtu_discover == MTU_DISCOVER_WANT ||
           tcb->preferences.mtu_discover == MTU_DISCOVER_DO;
}

void mtu_refresh(struct tcb *tcb)
{
    uint32_t before = tcb->path.mtu;
    if (!tcb_open(tcb) || !heeds_icmp(tcb) ||
        !ip_path_refresh(tcb->stack, &tcb->connection->remote.address, &tcb->path))
        return;
    mtu_probe_path_changed(tcb);
    if (tcb->mtu.enabled && tcb->path.mtu > before)
        return; /* who probes takes nothing for granted */
    tcp_connection_set_mss(tcb);
    mtu_recut(tcb);
}

void mtu_too_big(struct tcb *tcb, uint32_t mtu)
{
    uint32_t before = tcb->path.mtu;
    if (mtu == 0)
        mtu = plateau_below(before);
    if (mtu >= before || !heeds_icmp(tcb))
        return;
    ip_path_too_big(tcb->stack, &tcb->connection->remote.address, mtu);
    ip_path_refresh(tcb->stack, &tcb->connection->remote.address, &tcb->path);
    if (tcb->path.mtu >= before)
        return;
    mtu_probe_path_changed(tcb);
    if (tcb->state == TCP_SYN_SENT)
        tcb->fast_open.too_big = true;
    tcp_connection_set_mss(tcb);
    if (tcb->state == TCP_SYN_SENT) {
        /* A SYN with text: again at once, and plain. */
        fast_open_syn_lost(tcb);
        tcp_retransmit_first(tcb, WHY_SYN);
        return;
    }
    /* What was too big is lost, and goes again in smaller pieces (RFC 1191 §6.4). */
    mark_too_big(tcb);
    recovery_on_too_big(tcb);
    tcp_output(tcb);
}
