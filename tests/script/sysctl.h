/* Linux's settings, as far as they mean something here. */
#ifndef SCRIPT_SYSCTL_H
#define SCRIPT_SYSCTL_H

#include "script/run.h"

/* Sets what in tern is `name` in Linux; sets the problem when there is no such thing. */
void sysctl_set(struct run *run, const char *name, const char *value, int line);

#endif
