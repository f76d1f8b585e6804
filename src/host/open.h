/* What tern_open() does once it has a link, for those who have one already. */
#ifndef TERN_HOST_OPEN_H
#define TERN_HOST_OPEN_H

#include <tern/tern.h>

#include "link/link.h"

/* Makes a stack and its driver over `link`, which is closed with the stack, or on failure. Of
 * `config`, the address, the settings and the trace count here. 0, or a negative errno with a
 * sentence in `error` (may be NULL). */
int open_over(struct link *link, const struct tern_config *config, struct tern **out,
              struct tern_error *error);
/* The same for `count` links, the queues of one device: as many stacks, which hand over to one
 * another what comes to the wrong one. All, or none. */
int open_over_queues(struct link **links, unsigned count, const struct tern_config *config,
                     struct tern **out, struct tern_error *error);

#endif
