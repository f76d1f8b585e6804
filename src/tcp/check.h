/* The checks that an arriving segment must pass before anything in it is believed. */
#ifndef TERN_TCP_CHECK_H
#define TERN_TCP_CHECK_H

#include "tcp/step.h"
#include "tcp/tcb.h"

enum tcp_step tcp_check_paws(struct tcb *tcb, const struct segment *segment); /* RFC 7323 §5.3 */
enum tcp_step tcp_check_sequence(struct tcb *tcb, const struct segment *segment); /* first */
enum tcp_step tcp_check_reset(struct tcb *tcb, const struct segment *segment);    /* second */
enum tcp_step tcp_check_syn(struct tcb *tcb, const struct segment *segment);      /* fourth */

#endif
