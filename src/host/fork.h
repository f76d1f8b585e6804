/* Which process this is. The child of a fork has a copy of a stack's memory, caught in the middle
 * of whatever other threads were doing, and shares its device; it must not touch either. */
#ifndef TERN_HOST_FORK_H
#define TERN_HOST_FORK_H

/* A number that is another one in each child of a fork. 0, or -ENOMEM when that cannot be had. */
int fork_generation(unsigned *out);
/* The same number, once that has worked, and cheap. */
unsigned fork_generation_now(void);

#endif
