/* RFC 5482. The option is advice: it is sent with a SYN and, as a pure ACK, with the handshake's
 * end and each change, and not repeated. What the user has set himself is not changed by it
 * (CHANGEABLE, §3.1); else the longer of both sides' wishes holds, within bounds, so that a peer
 * that expects to be cut off for a while is waited for. */
#include "tcp/user_timeout.h"

#include "base/limits.h"
#include "base/time.h"
#include "tcp/rtt.h"
#include "tcp/state.h"

enum { MOST_S = 0x7fff * 60 }; /* that the option can say, in minutes */

/* ADV_UTO: what the user has set, or the setting. */
static uint32_t wish_s(const struct settings *settings, const struct tcp_preferences *preferences)
{
    if (preferences->user_timeout_ms)
        return (preferences->user_timeout_ms + 999) / 1000;
    return (uint32_t)settings->tcp_user_timeout_s;
}

static uint32_t own_s(const struct tcb *tcb)
{
    return wish_s(&tcb->stack->settings, &tcb->preferences);
}

static bool enabled(const struct tcb *tcb)
{
    return tcb->stack->settings.tcp_user_timeout_option && !tcb->user_timeout.off;
}

/* L_LIMIT: as it is set, and more than the RTO, lest one that is backed off outlast the connection
 * (§3.1). */
static uint64_t least_s(const struct tcb *tcb)
{
    uint64_t set = (uint64_t)tcb->stack->settings.tcp_user_timeout_least_s;
    uint64_t above_rto = rtt_rto(tcb) / TIME_S(1) + 1;
    return set > above_rto ? set : above_rto;
}

uint64_t user_timeout_ms(const struct tcb *tcb)
{
    const struct settings *settings = &tcb->stack->settings;
    if (tcb->preferences.user_timeout_ms)
        return tcb->preferences.user_timeout_ms;
    if (!enabled(tcb) || tcb->user_timeout.remote_s == 0)
        return 0;
    if (!tcp_state_synchronized(tcb->state))
        return 0; /* §3.3: what is agreed is for when the connection is open */
    /* §3.1: USER_TIMEOUT = min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)) */
    uint64_t s = own_s(tcb);
    if (tcb->user_timeout.remote_s > s)
        s = tcb->user_timeout.remote_s;
    if (s < least_s(tcb))
        s = least_s(tcb);
    if (s > (uint64_t)settings->tcp_user_timeout_most_s)
        s = (uint64_t)settings->tcp_user_timeout_most_s;
    return s * 1000;
}

void user_timeout_arrives(struct tcb *tcb, const struct tcp_options *options)
{
    if (options->has_user_timeout && options->user_timeout_s && enabled(tcb))
        tcb->user_timeout.remote_s = options->user_timeout_s; /* §3.3: 0 says nothing */
}

void user_timeout_announce(struct tcb *tcb)
{
    tcb->user_timeout.announce = enabled(tcb) && own_s(tcb) > 0;
}

bool user_timeout_tell(const struct settings *settings, const struct tcp_preferences *preferences,
                       struct tcp_options *options)
{
    uint32_t s = wish_s(settings, preferences);
    if (!settings->tcp_user_timeout_option || s == 0)
        return false;
    options->has_user_timeout = true;
    options->user_timeout_s = s < MOST_S ? s : MOST_S;
    return true;
}

void user_timeout_departs(struct tcb *tcb, uint16_t flags, uint32_t text_length,
                          struct tcp_options *options)
{
    bool syn = flags & TCP_SYN;
    if (!enabled(tcb))
        return;
    if (syn && tcb->syn_attempts > LIMIT_USER_TIMEOUT_SYNS) {
        tcb->user_timeout.off = true; /* §4.1: perhaps something on the path drops what has it */
        return;
    }
    if (flags & TCP_RST || (!syn && (!tcb->user_timeout.announce || text_length > 0)))
        return; /* text has no room to spare */
    if (!user_timeout_tell(&tcb->stack->settings, &tcb->preferences, options))
        return;
    tcb->user_timeout.announce = syn; /* once more with the handshake's end */
}
