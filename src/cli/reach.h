/* Why an address may not answer, as far as the addresses themselves tell. */
#ifndef TERN_CLI_REACH_H
#define TERN_CLI_REACH_H

#include <netinet/in.h>
#include <stddef.h>

/* A sentence in `text` about `to`, which does not answer a stack whose own address and subnet are
 * `cidr` and that faces the kernel's address `kernel` on its device, both as the options have them;
 * "" when it is the kernel's or the stack's own. The prefix has fewer than 32 bits. */
void reach_advice(const char *cidr, const char *kernel, const struct sockaddr_in *to, char *text,
                  size_t size);

#endif
