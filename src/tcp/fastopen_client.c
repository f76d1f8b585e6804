#include <string.h>

#include "base/seq.h"
#include "base/time.h"
#include "tcp/fastopen.h"
#include "tcp/options.h"
#include "tcp/records.h"

static struct fast_open_peer *peer_of(struct peer_entry *entry)
{
    return entry ? container_of(entry, struct fast_open_peer, entry) : NULL;
}

static struct fast_open_peer *peer_find(const struct tcb *tcb)
{
    struct peer_pair pair = tcb_pair(tcb);
    return peer_of(peers_find(&tcb->tcp->fast_open_peers, &tcb->stack->hash_key, &pair));
}

static struct fast_open_peer *peer_find_or_add(const struct tcb *tcb)
{
    struct peer_pair pair = tcb_pair(tcb);
    return peer_of(peers_find_or_add(&tcb->tcp->fast_open_peers, &tcb->stack->hash_key, &pair,
                                     sizeof(struct fast_open_peer),
                                     tcb->stack->settings.tcp_fastopen_peers));
}

/* RFC 7413 §4.1.3.1 and §7.1: where SYNs with data, or that ask for a cookie, vanished more than
 * once, or their data was not taken and no new cookie came, plain ones are sent for a while that
 * doubles. Cookies are a host's, who takes data may be a port. */
static bool black_hole(const struct tcb *tcb, const struct fast_open_peer *peer)
{
    if (!peer || peer->losses < 2 || peer->loss_port != tcb->connection->remote.port)
        return false;
    unsigned shift = peer->losses < 10 ? peer->losses : 10;
    return tcb->stack->now_ns - peer->loss_ns < TIME_S(60) << shift;
}

static void note_failure(const struct tcb *tcb, struct fast_open_peer *peer)
{
    uint16_t port = tcb->connection->remote.port;
    if (peer->loss_port != port)
        peer->losses = 0;
    peer->loss_port = port;
    if (peer->losses < UINT8_MAX)
        peer->losses++;
    peer->loss_ns = tcb->stack->now_ns;
}

/* §4.2.1: a server that has answered no request is asked again after a time. */
static bool rests(const struct tcb *tcb, const struct fast_open_peer *peer)
{
    uint64_t retry_ns = TIME_S((uint64_t)tcb->stack->settings.tcp_fastopen_retry_s);
    return peer && peer->cookie_length == 0 && peer->trial == TRIAL_REFUSED &&
           tcb->stack->now_ns - peer->refused_ns < retry_ns;
}

bool fast_open_prepare(struct tcb *tcb, uint32_t *text_most)
{
    const struct fast_open_peer *peer = peer_find(tcb);
    bool no_cookie = tcb->stack->settings.tcp_fastopen & FAST_OPEN_CLIENT_NO_COOKIE ||
                     tcb->preferences.fast_open_no_cookie;
    *text_most = 0;
    tcb->fast_open.used = tcb->fast_open.too_big = false;
    if (black_hole(tcb, peer))
        return false;
    if (rests(tcb, peer) && !no_cookie)
        return false;
    tcb->fast_open.used = true;
    tcb->fast_open.experimental =
        peer && (peer->cookie_length ? peer->experimental : peer->trial == TRIAL_NEXT);
    tcb->fast_open.with_cookie = peer && peer->cookie_length;
    if (!tcb->fast_open.with_cookie && !no_cookie)
        return false;
    /* All the options that may come must leave room (§4.1.3.1: the cached MSS). */
    uint32_t mss = tcb->path.mtu - tcb->path.header_bytes - TCP_HEADER_MIN;
    if (peer && peer->mss && peer->mss < mss)
        mss = peer->mss;
    if (tcb->preferences.max_segment && tcb->preferences.max_segment < mss)
        mss = tcb->preferences.max_segment;
    *text_most = mss > TCP_OPTIONS_MAX ? mss - TCP_OPTIONS_MAX : 0;
    return true;
}

/* Because the first got lost, or was too big. */
static bool syn_is_repeated(const struct tcb *tcb)
{
    return tcb->syn_attempts > 1 || tcb->fast_open.too_big;
}

/* Whether our SYN had the option: text without a cookie goes without it, because none is wanted. */
static bool syn_has_option(const struct tcb *tcb)
{
    return tcb->fast_open.used && (tcb->fast_open.with_cookie || !tcb->fast_open.has_text);
}

void fast_open_fill_syn(const struct tcb *tcb, struct tcp_options *options)
{
    const struct fast_open_peer *peer = peer_find(tcb);
    if (!syn_has_option(tcb) || syn_is_repeated(tcb))
        return; /* §4.2.2: a repeated SYN is a plain one */
    options->has_fast_open = true;
    options->fast_open_experimental = tcb->fast_open.experimental;
    if (tcb->fast_open.with_cookie && peer) {
        options->cookie_length = peer->cookie_length;
        memcpy(options->cookie, peer->cookie, peer->cookie_length);
    }
}

static bool brings_cookie(const struct tcp_options *options)
{
    return options->has_fast_open && options->cookie_length >= TCP_COOKIE_MIN &&
           options->cookie_length <= TCP_COOKIE_MAX && options->cookie_length % 2 == 0;
}

/* First the one option, then the other; then it is asked no more for a while. */
static void note_refusal(const struct tcb *tcb, struct fast_open_peer *peer)
{
    if (peer->trial < TRIAL_REFUSED)
        peer->trial++;
    peer->refused_ns = tcb->stack->now_ns;
}

/* §4.1.3 and §4.2.1: the cookie, the MSS, and whether the way lets SYNs with data through. */
static void learn(struct tcb *tcb, const struct segment *segment, bool text_acked)
{
    struct fast_open_peer *peer = peer_find_or_add(tcb);
    /* One that was not asked for is not kept. */
    bool cookie = syn_has_option(tcb) && brings_cookie(&segment->options);
    if (!peer)
        return;
    peer->mss = options_mss(&segment->options);
    if (cookie) {
        peer->cookie_length = segment->options.cookie_length;
        memcpy(peer->cookie, segment->options.cookie, peer->cookie_length);
        peer->experimental = segment->options.fast_open_experimental;
    }
    bool in_vain = !cookie && !text_acked && (syn_is_repeated(tcb) || tcb->fast_open.has_text);
    if (in_vain)
        note_failure(tcb, peer);
    else if (!syn_is_repeated(tcb) && peer->loss_port == tcb->connection->remote.port)
        peer->losses = 0;
    if (syn_is_repeated(tcb))
        return;
    if (!cookie && !tcb->fast_open.has_text && peer->cookie_length == 0)
        note_refusal(tcb, peer);
}

void fast_open_failed(struct tcb *tcb)
{
    struct fast_open_peer *peer = tcb->fast_open.used ? peer_find_or_add(tcb) : NULL;
    if (peer)
        note_failure(tcb, peer);
}

void fast_open_syn_ack(struct tcb *tcb, const struct segment *segment)
{
    if (!tcb->fast_open.used)
        return;
    bool text_acked = tcb->fast_open.has_text && seq_gt(segment->ack, tcb->snd.iss + 1);
    learn(tcb, segment, text_acked);
    if (!tcb->fast_open.has_text)
        return;
    if (tcb->records.out == 0) {
        tcb->fast_open.syn_data_acked = true;
        stack_count(tcb->stack, COUNTER_TcpExtTCPFastOpenActive);
        /* The SYN and its text were one segment. */
        if (tcb->rate.delivered > 1)
            rate_counted_twice(tcb, 1);
        return;
    }
    /* What was not acknowledged was not accepted: it goes again at once (§4.2.2). */
    stack_count(tcb->stack, COUNTER_TcpExtTCPFastOpenActiveFail);
    for (struct sent_record *r = records_first(tcb); r; r = records_next(r)) {
        records_mark_lost(tcb, r);
        records_resize(tcb, r, tcb->snd.mss); /* the SYN had the text in one piece */
    }
}

void fast_open_syn_lost(struct tcb *tcb)
{
    /* The text goes once the handshake is done. */
    for (struct sent_record *r = records_first(tcb); r; r = records_next(r))
        records_mark_lost(tcb, r);
}
