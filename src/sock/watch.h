/* Watches: the readiness callbacks of tern_watch(), for who has an event loop of their own.
 *
 * A watch is one function for one socket, told of its changes as any interest (interest.h). It is
 * due from the moment that something it asks for may be there; tern_step() calls those that are due
 * and for whom it is there still, outside of the machine, so that they may make any call. As
 * poll(2) does, a watch tells a state and not a change: one whose socket is as ready after its
 * function as before stays due. While any is, the host's descriptor is readable
 * (host.h, announce). */
#ifndef TERN_SOCK_WATCH_H
#define TERN_SOCK_WATCH_H

struct call;

/* Calls the functions of all that are due, each once, and leaves the machine for each (within
 * `call`). How many it called, or a negative errno from re-entering the machine. */
int watches_call(struct call *call);

#endif
