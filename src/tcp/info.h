/* What TCP_INFO tells. */
#ifndef TERN_TCP_INFO_H
#define TERN_TCP_INFO_H

#include "tcp/tcb.h"

void tcp_info_fill(const struct tcb *tcb, struct tern_tcp_info *info);

#endif
