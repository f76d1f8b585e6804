#include "tcp/fastopen.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/time.h"
#include "ip/ip.h"

/* How long a connection counts as pending that was reset (§5.1). */
#define RESET_COUNTS TIME_S(60)

static uint64_t read_word(const uint8_t *bytes)
{
    uint64_t word = 0;
    for (int i = 7; i >= 0; i--)
        word = word << 8 | bytes[i];
    return word;
}

static void write_word(uint64_t word, uint8_t *bytes)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(word >> (8 * i));
}

int fast_open_set_keys(struct fast_open_keys *keys, const void *bytes, size_t length)
{
    const uint8_t *p = bytes;
    if (length != FAST_OPEN_KEY && length != 2 * FAST_OPEN_KEY)
        return -EINVAL;
    keys->count = (unsigned)(length / FAST_OPEN_KEY);
    for (unsigned i = 0; i < keys->count; i++, p += FAST_OPEN_KEY)
        keys->key[i] = (struct hash_key){{read_word(p), read_word(p + 8)}};
    return 0;
}

void fast_open_get_keys(const struct fast_open_keys *keys, uint8_t bytes[2 * FAST_OPEN_KEY])
{
    for (unsigned i = 0; i < keys->count; i++) {
        write_word(keys->key[i].words[0], bytes + i * FAST_OPEN_KEY);
        write_word(keys->key[i].words[1], bytes + i * FAST_OPEN_KEY + 8);
    }
}

/* RFC 7413 §4.1.2: a keyed hash over the addresses alone, so that it holds for every port, and for
 * no other host. */
static void make_cookie(const struct hash_key *key, const struct endpoint *local,
                        const struct endpoint *remote, uint8_t cookie[FAST_OPEN_COOKIE])
{
    uint8_t addresses[2 * sizeof(struct address)];
    size_t length = ip_address_bytes(&remote->address, addresses);
    length += ip_address_bytes(&local->address, addresses + length);
    write_word(hash_cookie(key, addresses, length), cookie);
}

/* Compares in a time that does not tell how much was right. */
static bool same_cookie(const uint8_t *a, const uint8_t *b)
{
    uint8_t difference = 0;
    for (int i = 0; i < FAST_OPEN_COOKIE; i++)
        difference = (uint8_t)(difference | (a[i] ^ b[i]));
    return difference == 0;
}

void fast_open_draw_key(struct stack *stack)
{
    random_bytes(&stack->random, stack->settings.tcp_fastopen_key.words,
                 sizeof stack->settings.tcp_fastopen_key.words);
}

/* The listener's own keys, else the stack's one. */
static struct fast_open_keys keys_of(const struct tcp_listener *listener)
{
    const uint32_t *words = listener->stack->settings.tcp_fastopen_key.words;
    if (listener->fast_open_keys.count)
        return listener->fast_open_keys;
    return (struct fast_open_keys){
        .key = {{{(uint64_t)words[1] << 32 | words[0], (uint64_t)words[3] << 32 | words[2]}}},
        .count = 1};
}

static bool valid_cookie(const struct tcp_listener *listener, const struct endpoint *local,
                         const struct endpoint *remote, const struct tcp_options *options)
{
    struct fast_open_keys keys = keys_of(listener);
    if (options->cookie_length != FAST_OPEN_COOKIE)
        return false;
    for (unsigned i = 0; i < keys.count; i++) {
        uint8_t cookie[FAST_OPEN_COOKIE];
        make_cookie(&keys.key[i], local, remote, cookie);
        if (same_cookie(cookie, options->cookie))
            return true;
    }
    return false;
}

/* PendingFastOpenRequests, §5.1. Resets of those whose address was forged must not make room for
 * the next: they count for a while. */
static unsigned pending(const struct tcp_listener *listener)
{
    bool counts = listener->stack->now_ns < listener->fast_open_resets_until_ns;
    return listener->fast_open_count + (counts ? listener->fast_open_resets : 0);
}

void fast_open_reset(struct tcp_listener *listener)
{
    uint64_t now = listener->stack->now_ns;
    if (now >= listener->fast_open_resets_until_ns)
        listener->fast_open_resets = 0;
    listener->fast_open_resets++;
    listener->fast_open_resets_until_ns = now + RESET_COUNTS;
}

enum fast_open_answer fast_open_judge(const struct tcp_listener *listener,
                                      const struct endpoint *local, const struct endpoint *remote,
                                      const struct tcp_options *options)
{
    int64_t bits = listener->stack->settings.tcp_fastopen;
    bool enabled = bits & FAST_OPEN_SERVER &&
                   (listener->preferences.fast_open_queue || bits & FAST_OPEN_ALL_LISTENERS);
    if (!enabled)
        return FAST_OPEN_IGNORE;
    uint32_t most = listener->preferences.fast_open_queue ? listener->preferences.fast_open_queue
                                                          : listener->backlog;
    bool room = pending(listener) < most;
    if (bits & FAST_OPEN_SERVER_NO_COOKIE || listener->preferences.fast_open_no_cookie)
        return room ? FAST_OPEN_ACCEPT : FAST_OPEN_IGNORE;
    if (!options->has_fast_open)
        return FAST_OPEN_IGNORE;
    if (!valid_cookie(listener, local, remote, options)) {
        stack_count(listener->stack, options->cookie_length ? COUNTER_TcpExtTCPFastOpenPassiveFail
                                                            : COUNTER_TcpExtTCPFastOpenCookieReqd);
        return FAST_OPEN_OFFER;
    }
    if (!room) {
        stack_count(listener->stack, COUNTER_TcpExtTCPFastOpenListenOverflow);
        return FAST_OPEN_IGNORE;
    }
    return FAST_OPEN_ACCEPT;
}

void fast_open_offer(const struct tcp_listener *listener, const struct endpoint *local,
                     const struct endpoint *remote, const struct tcp_options *asked,
                     struct tcp_options *answer)
{
    answer->has_fast_open = true;
    answer->fast_open_experimental = asked->fast_open_experimental;
    answer->cookie_length = FAST_OPEN_COOKIE;
    struct fast_open_keys keys = keys_of(listener);
    make_cookie(&keys.key[0], local, remote, answer->cookie);
}
