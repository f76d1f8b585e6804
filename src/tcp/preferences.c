#include "tcp/preferences.h"

#include <stdlib.h>
#include <string.h>

#include "tcp/sockopt.h"

void preferences_init(struct tcp_preferences *p, const struct settings *s)
{
    p->send_buffer = (uint32_t)s->tcp_sndbuf;
    p->receive_buffer = (uint32_t)s->tcp_rcvbuf;
    p->keepalive_idle_s = (uint32_t)s->tcp_keepalive_time_s;
    p->keepalive_interval_s = (uint32_t)s->tcp_keepalive_interval_s;
    p->keepalive_probes = (uint8_t)s->tcp_keepalive_probes;
    p->syn_retries = (uint8_t)s->tcp_syn_retries;
    p->max_pacing_rate = UINT64_MAX;
    p->congestion_control = (uint8_t)s->tcp_congestion_control;
    p->mtu_discover = MTU_DISCOVER_WANT;
}

/* Equal ones are equal byte by byte: what lies between their members is zero, or else they are held
 * twice, which does no harm. */
static bool has(const struct preferences_share *share, const struct tcp_preferences *preferences)
{
    const void *a = &share->preferences, *b = preferences;
    return memcmp(a, b, sizeof *preferences) == 0;
}

static struct preferences_share *find(const struct tcp *tcp, uint32_t hash,
                                      const struct tcp_preferences *preferences)
{
    for (struct table_node *n = table_first(&tcp->preferences, hash); n; n = table_next(n)) {
        struct preferences_share *share = container_of(n, struct preferences_share, node);
        if (has(share, preferences))
            return share;
    }
    return NULL;
}

static struct preferences_share *add(struct tcp *tcp, uint32_t hash,
                                     const struct tcp_preferences *preferences)
{
    struct preferences_share *share = malloc(sizeof *share);
    if (!share)
        return NULL;
    memcpy(&share->preferences, preferences, sizeof *preferences);
    share->users = 0;
    table_insert(&tcp->preferences, &share->node, hash);
    stack_charge(tcp->stack, sizeof *share);
    return share;
}

struct preferences_share *preferences_share(struct tcp *tcp,
                                            const struct tcp_preferences *preferences)
{
    struct preferences_share *share = tcp->latest_preferences; /* most likely these again */
    if (!share || !has(share, preferences)) {
        uint32_t hash =
            (uint32_t)hash_bytes(&tcp->stack->hash_key, preferences, sizeof *preferences);
        share = find(tcp, hash, preferences);
        if (!share)
            share = add(tcp, hash, preferences);
    }
    if (!share)
        return NULL;
    share->users++;
    tcp->latest_preferences = share;
    return share;
}

void preferences_unshare(struct tcp *tcp, struct preferences_share *share)
{
    if (--share->users)
        return;
    if (tcp->latest_preferences == share)
        tcp->latest_preferences = NULL;
    table_remove(&tcp->preferences, &share->node);
    stack_charge(tcp->stack, -(int64_t)sizeof *share);
    free(share);
}
