/* ICMP errors about our segments (RFC 9293 §3.9.2.2, RFC 5927, RFC 1191). */
#ifndef TERN_TCP_ICMP_H
#define TERN_TCP_ICMP_H

#include "core/stack.h"

enum drop_reason tcp_path_error(struct stack *stack, const struct path_error *error);

#endif
