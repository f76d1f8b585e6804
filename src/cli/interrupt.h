/* Ctrl-C, kill, a closed terminal and a reader of what is printed that has gone: the command
 * notices, undoes what is half done, and ends.
 *
 * A signal makes a waiting call return EINTR. One that arrives just before the call begins cannot:
 * therefore nothing here waits longer than INTERRUPT_TICK_MS without looking. */
#ifndef TERN_CLI_INTERRUPT_H
#define TERN_CLI_INTERRUPT_H

enum { INTERRUPT_TICK_MS = 200 };

/* From now on SIGINT, SIGTERM, SIGPIPE and (unless it is ignored) SIGHUP are noted. The write that
 * brings SIGPIPE says EPIPE. */
void interrupt_catch(void);

/* As if the signal had arrived; for a thread that takes none. */
void interrupt_note(int number);

/* Threads made in between never take the signals: they are for the thread that looks. */
void interrupt_hold(void);
void interrupt_release(void);

/* The signal that arrived, or 0. */
int interrupt_signal(void);

#endif
