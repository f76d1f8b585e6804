/* Socket options: those that mean the same for every socket (options_socket.c, and of level
 * IPPROTO_IP options_ip.c), and those of datagrams (options_datagram.c). Those that TCP acts on it
 * keeps itself (tcp/tcp.h). */
#ifndef TERN_SOCK_OPTIONS_H
#define TERN_SOCK_OPTIONS_H

#include <sys/socket.h>

struct socket;

/* Of level SOL_SOCKET, and of IPPROTO_IP. */
int option_set_socket(struct socket *socket, int option, const void *value, socklen_t length);
int option_get_socket(struct socket *socket, int option, void *value, socklen_t *length);
int option_set_ip(struct socket *socket, int option, const void *value, socklen_t length);
int option_get_ip(struct socket *socket, int option, void *value, socklen_t *length);

/* struct socket_kind's, of datagrams. */
int datagram_set_option(struct socket *socket, int level, int option, const void *value,
                        socklen_t length);
int datagram_get_option(struct socket *socket, int level, int option, void *value,
                        socklen_t *length);

#endif
