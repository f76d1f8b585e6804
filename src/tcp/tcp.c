#include "tcp/tcp.h"

#include <errno.h>
#include <stdlib.h>

#include "tcp/block.h"
#include "tcp/connection.h"
#include "tcp/cookie.h"
#include "tcp/fastopen.h"
#include "tcp/icmp.h"
#include "tcp/input.h"
#include "tcp/port.h"
#include "tcp/receive.h"
#include "tcp/records.h"

enum {
    TABLE_START = 256,
    CONNECTION_SPAN = 1 << 16,
};

static struct hash_key random_key(struct stack *stack)
{
    struct hash_key key = {{random_u64(&stack->random), random_u64(&stack->random)}};
    return key;
}

static void end_one(struct tcb *tcb)
{
    tcb->listener = NULL;
    list_remove(&tcb->queue);
    tcp_connection_free(tcb);
}

/* By now the sockets are closed: what is left are connections without owner. Those that rest are
 * all to be found by their endpoints. */
static void end_all(struct tcp *tcp)
{
    for (uint32_t i = 0; i < tcp->connections.size; i++) {
        struct table_node *node;
        while ((node = tcp->connections.buckets[i]))
            end_one(tcp_connection_wake_to_end(container_of(node, struct tcp_connection, node)));
    }
    while (!list_empty(&tcp->all))
        end_one(container_of(tcp->all.next, struct tcb, all));
}

static void release_tables(struct tcp *tcp)
{
    table_release(&tcp->connections);
    table_release(&tcp->half_open);
    table_release(&tcp->ports);
    table_release(&tcp->lone_ports);
    table_release(&tcp->preferences);
}

static void tcp_release(struct stack *stack)
{
    struct tcp *tcp = tcp_of(stack);
    if (!tcp)
        return;
    end_all(tcp);
    release_tables(tcp);
    ring_spares_release(&tcp->spares);
    records_release_spares(tcp);
    block_release(tcp);
    slab_release(&tcp->connection_slab);
    peers_release(&tcp->fast_open_peers);
    peers_release(&tcp->accecn_peers);
    free(tcp);
    stack->batch_over = NULL;
    stack->protocols[IP_PROTOCOL_TCP] = (struct protocol){0};
}

static void tcp_configure(struct stack *stack)
{
    peers_keep_at_most(&tcp_of(stack)->fast_open_peers, stack->settings.tcp_fastopen_peers);
}

/* A late end comes in the middle of a call that goes on, which may be the very write. */
static void batch_over(struct stack *stack, bool late)
{
    receive_batch_over(stack, late);
    if (!late)
        tcp_let_go(stack);
}

int tcp_attach(struct stack *stack)
{
    struct tcp *tcp = calloc(1, sizeof *tcp);
    if (!tcp)
        return -ENOMEM;
    tcp->stack = stack;
    list_init(&tcp->all);
    list_init(&tcp->time_wait);
    list_init(&tcp->orphans);
    list_init(&tcp->batch);
    list_init(&tcp->late_batch);
    list_init(&tcp->record_spares);
    slab_init(&tcp->connection_slab, sizeof(struct tcp_connection), CONNECTION_SPAN, stack->pages);
    stack->batch_over = batch_over;
    tcp->isn_key = random_key(stack);
    tcp->timestamp_key = random_key(stack);
    tcp->port_key = random_key(stack);
    cookie_secret_init(tcp);
    fast_open_draw_key(stack);
    if (table_init(&tcp->connections, TABLE_START) < 0 ||
        table_init(&tcp->half_open, TABLE_START) < 0 || table_init(&tcp->ports, TABLE_START) < 0 ||
        table_init(&tcp->lone_ports, TABLE_START) < 0 || table_init(&tcp->preferences, 16) < 0 ||
        peers_init(&tcp->fast_open_peers) < 0 || peers_init(&tcp->accecn_peers) < 0 ||
        block_init(tcp) < 0) {
        release_tables(tcp);
        table_release(&tcp->fast_open_peers.table);
        table_release(&tcp->accecn_peers.table);
        free(tcp);
        return -ENOMEM;
    }
    stack->protocols[IP_PROTOCOL_TCP] = (struct protocol){
        .input = tcp_input,
        .error = tcp_path_error,
        .configure = tcp_configure,
        .release = tcp_release,
        .state = tcp,
    };
    return 0;
}
