/* Options that are a number with bounds and a place in the preferences. */
#ifndef TERN_TCP_SOCKOPT_NUMBER_H
#define TERN_TCP_SOCKOPT_NUMBER_H

#include "tcp/tcb.h"

struct number_option;

/* NULL: it is none of them. */
const struct number_option *number_option_find(int level, int option);
/* 0, or -EINVAL out of its bounds. */
int number_option_set(struct tcp_preferences *p, const struct number_option *number, int value);
int number_option_get(const struct tcp_preferences *p, const struct number_option *number);

#endif
