/* Socket addresses, as users write them, to endpoints and back. Only here is a struct sockaddr
 * looked into. */
#ifndef TERN_SOCK_ADDRESS_H
#define TERN_SOCK_ADDRESS_H

#include <sys/socket.h>

#include "core/endpoint.h"

/* What Linux looks at before anything else: 0; -EFAULT (NULL with a length), -EINVAL (longer than
 * any address). */
int sockaddr_check(const struct sockaddr *address, socklen_t length);
/* 0; -EINVAL (shorter than its family's, or longer than any), -EAFNOSUPPORT, -EFAULT (NULL). */
int endpoint_from_sockaddr(const struct sockaddr *address, socklen_t length, struct endpoint *out);
/* The same for whom to send or to connect to: the unspecified address means this host, as on Linux,
 * and so becomes its loopback address. */
int remote_from_sockaddr(const struct sockaddr *address, socklen_t length, struct endpoint *out);
/* Whether it is of family AF_UNSPEC, with which connect(2) dissolves an association. */
bool sockaddr_is_unspecified(const struct sockaddr *address, socklen_t length);
/* Writes as much as *length has room for, and puts the whole length there. -EFAULT when `address`
 * or `length` is NULL. */
int endpoint_to_sockaddr(const struct endpoint *endpoint, struct sockaddr *address,
                         socklen_t *length);
/* Parses "host:port", where the host is a dotted decimal address and the port 0 to 65535. With
 * `host_optional`, also ":port" and "port", which mean the unspecified address. 0 or -EINVAL. */
int endpoint_parse(const char *text, bool host_optional, struct endpoint *out);

#endif
