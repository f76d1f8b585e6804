/* How memory comes to the processor: in lines. */
#ifndef TERN_BASE_CACHE_H
#define TERN_BASE_CACHE_H

enum { CACHE_LINE = 64 }; /* bytes; of x86-64, and of arm64 but for a few */

#endif
