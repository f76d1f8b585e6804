/* A stack in virtual time, as packetdrill plays on it.
 *
 * Theory of operation. The clock stands still unless somebody moves it: packetdrill by looking at
 * it (it spins on gettimeofday, so a look costs a microsecond) or by sleeping, and a wait for a
 * packet by going from one deadline of the stack to the next. Real time plays no part.
 *
 * Two threads call. The script's thread makes every call but those written with a duration
 * ("+0...0.2 read"), for which packetdrill has a second one: that one may block, and is taken as
 * blocked when it sleeps in the kernel. While it waits, the script's thread goes on, moving the
 * clock and feeding packets. After each change the blocked caller is woken to look again, and the
 * script's thread stands still until it has either gone back to sleep or finished its call and read
 * the clock for the call's end: so the clock has not moved in between.
 *
 * A call of the script's own thread that would block moves the clock itself. */
#ifndef TERN_TESTS_PACKETDRILL_MACHINE_H
#define TERN_TESTS_PACKETDRILL_MACHINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <tern/tern.h>

/* How the call on the second thread is getting on. */
enum caller {
    CALLER_NONE,    /* not blocked, if there is one */
    CALLER_WAITING, /* asleep */
    CALLER_LOOKING, /* woken to look again */
    CALLER_LEAVING, /* its call is done, and the clock is to be read for its end */
};

struct left_packet {
    struct left_packet *next;
    uint64_t time_ns;
    size_t length;
    uint8_t bytes[];
};

/* What the flags string says: "address=192.168.0.1/16,mtu=1500,capture=FILE,refused=FOLDER,
 * unread=fail,trace". */
struct machine_flags {
    char address[64];
    unsigned mtu;
    unsigned segment; /* bytes of text in each packet that a longer one stands for; 0: it is one */
    char capture[256];
    char counters[256]; /* a file that always holds the stack's counters, a name and a
                         * value a line */
    char forget[256];   /* a file that, once it is there, says to forget what was learnt of peers */
    char refused[256];  /* a folder of what the kernel refused of settings, by its names for them */
    bool unread_fails;  /* packets that no line asked for fail the script */
    bool trace;
};

enum { DESCRIPTORS = 1024 };

/* Of the way to the peer; 0: not said. */
struct route_metrics {
    uint32_t mtu;
    uint32_t initial_window;
};

struct machine {
    struct machine_flags flags;
    struct tern *tern;
    pthread_mutex_t lock;
    pthread_cond_t look;    /* the blocked caller is to look again */
    pthread_cond_t settled; /* it has done so */
    pid_t script;           /* the script's thread */
    uint64_t now_ns;
    enum caller caller;
    uint64_t caller_deadline_ns;
    pid_t caller_thread;               /* the judge's second thread, once it has waited */
    bool caller_unsettled;             /* its call has ended since the script's thread last slept */
    struct left_packet *first, **last; /* have left the stack, and nobody has asked for them */
    unsigned left;                     /* how many */
    unsigned unread; /* how many after the script's last event: what packetdrill does then, to clean
                        up, it does without looking at the clock */
    unsigned calls;  /* since it looked at the clock */
    int capture;     /* a descriptor, or -1 */
    int device;      /* the same */
    int others[DESCRIPTORS];  /* by the same: the pair's other end + 1, or 0 */
    int sockets[DESCRIPTORS]; /* by kernel descriptor: the stack's socket + 1, or 0 */
    struct setting_file *settings;
    size_t setting_count;
    struct route_metrics route;
};

/* NULL with a line on standard error. */
struct machine *machine_new(const char *flags);
void machine_free(struct machine *m);

/* Around every call on the stack: takes the lock and brings the stack's clock and settings up to
 * date; lets the blocked caller see what has changed and gives the lock back, errno untouched. */
void machine_enter(struct machine *m);
void machine_leave(struct machine *m);

/* Without the lock: waits until the judge has done with what the call on its second thread gave. */
void machine_await_caller(struct machine *m);
/* With the lock held: lets `ns` pass. */
void machine_sleep(struct machine *m, uint64_t ns);
/* The time, and a microsecond less of it left; or, for the end of the blocked call,
 * just the time. */
uint64_t machine_look_at_clock(struct machine *m);
/* Between enter and leave: the oldest packet that has left the stack, waited for; NULL when none
 * comes for a long time. The caller frees it. */
struct left_packet *machine_packet(struct machine *m);

/* settings.c: the stack's settings follow the namespace's net.ipv4.tcp_*. */
void settings_open(struct machine *m);
void settings_follow(struct machine *m);
/* As after "ip tcp_metrics flush": the Fast Open cookies go. */
void settings_forget_peers(struct machine *m);
void settings_close(struct machine *m);

/* device.c: a socket to ask the kernel about tun0, or -1; whether tun0 takes no packet now. */
int device_open(void);
bool device_is_full(int netlink);

/* Takes over what has been said of the way to the peer (route.c). */
void route_follow(struct machine *m);

/* capture.c: every packet in and out, for tshark. */
int capture_open(const char *path);
void capture_packet(int capture, uint64_t time_ns, const void *packet, size_t length);

/* descriptors.c: out of the way of the small numbers that a script's descriptors are: a copy, or
 * -1. */
int fcntl_high(int fd);
/* Every socket of the stack has a descriptor of the kernel's, which keeps the number
 * from others' use. */
int descriptor_give(struct machine *m, int socket,
                    bool accepted); /* -1 with errno; then the socket is closed */
/* Sends what the kernel was asked to write to descriptors of accepted sockets. */
void descriptors_pump(struct machine *m);
/* Reads from a descriptor of the kernel's into the socket's send buffer: no more than it has room
 * for, so that nothing is lost. How many bytes, or -1. */
ssize_t descriptor_send_from(struct machine *m, int socket, int from, size_t length);
int descriptor_socket(const struct machine *m, int fd); /* -1, no socket of ours */
void descriptor_take_back(struct machine *m, int fd);
/* Makes the kernel's /proc/net/tcp show a listener where the stack has one. */
void descriptor_mirror_listen(int fd, const struct sockaddr *address, socklen_t length);

#endif
