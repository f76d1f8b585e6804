/* Pages for what comes in great numbers (base/slab.h): the machine asks nothing of the system, and
 * so is handed where they come from. */
#ifndef TERN_SOCK_PAGES_H
#define TERN_SOCK_PAGES_H

#include "base/slab.h"

/* The system; NULL under a sanitizer, which is to see each object by itself. */
const struct slab_source *pages_source(void);

#endif
