#include "tcp/mtu.h"

#include "tcp/connection.h"
#include "tcp/fastopen.h"
#include "tcp/output.h"
#include "tcp/records.h"

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

void mtu_too_big(struct tcb *tcb, uint32_t mtu)
{
    uint32_t least = (uint32_t)tcb->stack->settings.tcp_min_pmtu;
    if (mtu == 0)
        mtu = plateau_below(tcb->path.mtu);
    if (mtu < least)
        mtu = least; /* no forged error makes us send crumbs (CVE-2004-1060) */
    if (mtu >= tcb->path.mtu)
        return;
    tcb->path.mtu = mtu;
    tcp_connection_set_mss(tcb);
    if (tcb->state == TCP_SYN_SENT) {
        /* A SYN with text: again at once, and plain. */
        tcb->syn_attempts++;
        fast_open_syn_lost(tcb);
        tcp_retransmit_first(tcb, WHY_SYN);
        return;
    }
    /* What was too big is lost, and goes again in smaller pieces; congestion it was not. */
    for (struct sent_record *r = records_first(tcb); r; r = records_next(r)) {
        if (!r->sacked && !r->lost && r->mss > tcb->snd.mss) {
            records_mark_lost(tcb, r);
            records_resize(tcb, r, tcb->snd.mss);
        }
    }
    tcp_output(tcb);
}
