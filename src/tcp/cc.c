#include "tcp/cc.h"

#include <stddef.h>

#include "tcp/cwv.h"
#include "tcp/pacing.h"
#include "tcp/tcb.h"

static const struct cc_operations *const algorithms[] = {&cc_cubic, &cc_reno, &cc_bbr};

const struct cc_operations *cc_by_index(int64_t index)
{
    size_t count = sizeof algorithms / sizeof algorithms[0];
    return algorithms[index >= 0 && (size_t)index < count ? (size_t)index : 0];
}

int64_t cc_count(void)
{
    return sizeof algorithms / sizeof algorithms[0];
}

void cc_release(struct tcb *tcb)
{
    if (tcb->cc.operations && tcb->cc.operations->release)
        tcb->cc.operations->release(tcb);
    tcb->cc.operations = NULL;
}

void cc_start(struct tcb *tcb)
{
    cc_release(tcb);
    tcb->cc.operations = cc_by_index(tcb->preferences.congestion_control);
    tcb->cc.operations->init(tcb);
    cwv_begin(tcb);
}

uint8_t cc_rest(const struct tcb *tcb, uint64_t *memory)
{
    const struct cc_operations *operations = tcb->cc.operations;
    uint8_t index = 0;
    while (index < cc_count() && algorithms[index] != operations)
        index++;
    *memory = operations && operations->rest ? operations->rest(tcb) : 0;
    return index;
}

void cc_wake(struct tcb *tcb, uint8_t algorithm, uint64_t memory)
{
    if (algorithm == cc_count())
        return; /* in TIME-WAIT there is none */
    uint32_t cwnd = tcb->cc.cwnd, ssthresh = tcb->cc.ssthresh;
    tcb->cc.operations = algorithms[algorithm];
    if (tcb->cc.operations->wake)
        tcb->cc.operations->wake(tcb, memory);
    else
        tcb->cc.operations->init(tcb);
    tcb->cc.cwnd = cwnd;
    tcb->cc.ssthresh = ssthresh;
    cwv_begin(tcb);
    pacing_update_rate(tcb);
}

bool cc_is_limited(const struct tcb *tcb)
{
    return tcb->cc.limited ||
           (tcb->cc.cwnd < tcb->cc.ssthresh && tcb->cc.cwnd < 2 * tcb->cc.most_out);
}

uint32_t cc_slow_start(struct tcb *tcb, uint32_t segments)
{
    uint32_t room = tcb->cc.ssthresh > tcb->cc.cwnd ? tcb->cc.ssthresh - tcb->cc.cwnd : 0;
    uint32_t taken = segments < room ? segments : room;
    tcb->cc.cwnd += taken;
    return segments - taken;
}

void cc_additive_increase(struct tcb *tcb, uint32_t window, uint32_t segments)
{
    if (window == 0)
        window = 1;
    if (tcb->cc.fraction >= window) {
        tcb->cc.fraction = 0;
        tcb->cc.cwnd++;
    }
    tcb->cc.fraction += segments;
    if (tcb->cc.fraction >= window) {
        tcb->cc.cwnd += tcb->cc.fraction / window;
        tcb->cc.fraction %= window;
    }
}
