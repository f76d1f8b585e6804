#include "tcp/icmp.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/seq.h"
#include "tcp/connection.h"
#include "tcp/demux.h"
#include "tcp/fastopen.h"
#include "tcp/mtu.h"
#include "tcp/records.h"
#include "tcp/synreceived.h"

static int error_of(const struct path_error *error)
{
    switch (error->kind) {
    case PATH_ERROR_NETWORK:
        return ENETUNREACH;
    case PATH_ERROR_PROTOCOL:
        return ENOPROTOOPT;
    case PATH_ERROR_PORT:
        return ECONNREFUSED;
    case PATH_ERROR_PARAMETER:
        return EPROTO;
    default:
        return EHOSTUNREACH;
    }
}

/* Only an attempt to open is told of in the error queue, IP_RECVERR or not: as Linux does for
 * traceroute's sake. */
static void note(struct tcb *tcb, const struct path_error *error)
{
    struct error_note note = error_note_of_path(error, error_of(error), &tcb->connection->remote);
    if (tcb->connection->owner)
        error_queue_add(tcb->stack, &tcb->errors, &note, error->payload, error->payload_length);
}

static void tcb_path_error(struct tcb *tcb, const struct path_error *error)
{
    if (error->kind == PATH_ERROR_TOO_BIG) {
        mtu_too_big(tcb, error->mtu);
        return;
    }
    /* While opening an error ends the attempt; once open, all are soft: a forged one must not close
     * a connection (RFC 5927 §5.2), and the timeout will tell (MUST-56, SHLD-25), or the next call
     * of who wants to know at once. */
    if (tcb->state == TCP_SYN_SENT || tcb->state == TCP_SYN_RECEIVED) {
        stack_count(tcb->stack, COUNTER_TcpAttemptFails);
        note(tcb, error);
        if (tcb->state == TCP_SYN_SENT)
            fast_open_failed(tcb);
        tcp_connection_end(tcb, error_of(error));
    } else if (tcb->preferences.receive_errors) {
        tcb->error = error_of(error);
        tcp_notify(tcb, POLLERR);
    } else {
        tcb->soft_error = error_of(error);
    }
}

/* RFC 5927 §7.2: a packet no larger than what the message says is taken was not too big, and the
 * message is forged. What it quotes of the length is the sender's to choose; the record is ours. */
static bool was_larger(const struct tcb *tcb, uint32_t seq, uint32_t mtu)
{
    const struct sent_record *record = records_find(tcb, seq);
    if (!record || tcb->state == TCP_SYN_SENT) /* whose text has a record of its own */
        return true;
    uint32_t text = record->end - seq;
    if (text > record->mss)
        text = record->mss;
    return tcb->path.header_bytes + TCP_HEADER_MAX + text >= mtu;
}

enum drop_reason tcp_path_error(struct stack *stack, const struct path_error *error)
{
    struct cursor c = cursor_over(error->payload, error->payload_length);
    struct endpoint local = {error->source, cursor_u16(&c)};
    struct endpoint remote = {error->destination, cursor_u16(&c)};
    uint32_t seq = cursor_u32(&c);
    if (c.short_read)
        return DROP_ICMP_TRUNCATED;
    const struct tcp_connection *connection = demux_find(tcp_of(stack), &local, &remote);
    struct tcb *tcb = connection ? connection->tcb : NULL; /* one at rest has nothing in flight */
    struct half_open *half =
        connection ? NULL : demux_find_half_open(tcp_of(stack), &local, &remote);
    if (half)
        return tcp_half_open_path_error(half, error, seq);
    if (!tcb || tcb->state == TCP_TIME_WAIT)
        return DROP_ICMP_NO_MATCH;
    /* RFC 5927 §4.1: only about what is in flight. */
    if (seq_lt(seq, tcb->snd.una) || seq_geq(seq, tcb->snd.nxt)) {
        stack_count(stack, COUNTER_TcpExtOutOfWindowIcmps);
        return DROP_ICMP_NO_MATCH;
    }
    if (error->kind == PATH_ERROR_TOO_BIG && !was_larger(tcb, seq, error->mtu))
        return DROP_ICMP_NO_MATCH;
    tcb_path_error(tcb, error);
    return DROP_NONE;
}
