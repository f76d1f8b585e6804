/* What the files of the driver share: its state, and what each does for the others. */
#ifndef TERN_HOST_INTERNAL_H
#define TERN_HOST_INTERNAL_H

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "host/alarm.h"
#include "host/chance.h"
#include "host/driver.h"
#include "host/group.h"
#include "host/guess.h"
#include "sock/tern.h"

/* A thread that drives or may come to drive. */
struct seated {
    struct alarm *alarm;
    sem_t semaphore;  /* of a waiting thread: posted when it is woken or summoned */
    bool asleep;      /* on the semaphore, and nobody has decided to post it yet */
    struct list link; /* in `asleep`, then in `to_post` */
};

/* For a loop of the user's own (loop.c). */
struct loop {
    struct alarm alarm; /* whose descriptor tern_fd() gives out; open once that is asked for */
    bool announced;     /* callbacks are due */
};

/* Super-segments that are left to gather (gather.c). */
struct gather {
    uint64_t streamed_bytes; /* in super-segments, since we last sent more than an acknowledgment */
    unsigned arrived;        /* super-segments, since the last sleep */
    bool slept;              /* the last sleep let them gather */
    struct chance chance;
};

/* What is known or expected of the link without looking (look.c). */
struct look {
    struct guess waiting;   /* that who begins to wait finds a packet */
    struct guess behind;    /* that there is another behind one that wakes someone */
    bool empty;             /* as the last look has shown, or as is expected */
    bool stopped;           /* it is the latter, and nothing was sent since */
    bool woke;              /* someone, while packets were taken in */
    bool super;             /* the last packet was a super-segment */
    unsigned taken;         /* packets, by the last look */
    uint64_t paused_ns;     /* when the turn of those woken began (look_flush); 0: nobody's has */
    uint64_t slept_from_ns; /* the sleep in poll(2) that has told of the link; 0: none has */
};

struct driver {
    struct sock_host host;
    unsigned generation; /* of the process that made it */
    struct link *link;
    struct group_member *member; /* NULL: the device has one queue, and it is ours */
    struct tern *t;

    /* The machine's lock. Taken through `turn`, so that who gives it away for a moment cannot have
     * it back before those who were waiting for it. */
    pthread_mutex_t turn;
    pthread_mutex_t lock;
    atomic_uint wanting;       /* threads that are about to take it */
    _Atomic(pthread_t) holder; /* whose it is; 0, which no thread is: nobody's */
    int cancel_state;          /* what the lock's holder goes back to */

    struct seated *seat;   /* who drives; NULL: nobody */
    struct seated *poller; /* the one in the seat, while in poll(2) */
    uint64_t poll_until_ns;
    struct list asleep;
    struct look look;
    struct chance spins;
    struct gather gather;
    struct list to_post;        /* semaphores to post once the lock is given away */
    struct alarm waiting_alarm; /* of whichever waiting thread has the seat */
    int broken;                 /* the negative errno with which the link has ended */
    struct loop loop;

    struct seated helper; /* its semaphore ends its naps */
    struct alarm helper_alarm;
    pthread_t helper_thread;

    /* What the helper looks at without the lock, so that it is in nobody's way while it has nothing
     * to do. Written with the lock. */
    _Atomic uint64_t served_ns; /* when the link was last polled */
    atomic_uint waiters;
    _Atomic uint64_t waiting_since_ns; /* that there are any */
    atomic_bool helper_parked;         /* until there are none */
    atomic_bool dismissed;             /* for good: the user's own loop drives */
    atomic_bool stopping;
};

static inline struct driver *driver_of(struct sock_host *host)
{
    return container_of(host, struct driver, host);
}

static inline struct stack *stack_of(struct driver *d)
{
    return &d->t->stack;
}

/* lock.c */
void driver_lock(struct driver *d);
bool driver_trylock(struct driver *d);
void driver_unlock(struct driver *d);
bool driver_is_held(struct driver *d);   /* by this very thread, which is then in a callback */
bool driver_is_wanted(struct driver *d); /* whether others wait for the lock */
void driver_yield(struct driver *d);     /* lets them have it for a moment, if there are any */
void kick_poller(struct driver *d);      /* gets who sleeps in poll(2) out of there */

/* drive.c */
/* Takes in what has arrived, then does what is due. Whether there may be more. */
bool driver_serve(struct driver *d);
/* The same for a call that may go on to serve: not much, so that a reader can be given the rest. */
void driver_look(struct driver *d);
/* Sleeps in poll(2), the machine given away, until something arrives, it is kicked, or the time has
 * come. 0 or -EINTR. `mask`: the signals that are held back meanwhile, or NULL: as ever. */
int driver_sleep(struct driver *d, struct seated *self, uint64_t until_ns, const sigset_t *mask);
/* When there is something to do although no packet arrives. */
uint64_t driver_deadline(struct driver *d);

/* look.c */
void look_slept(struct driver *d, uint64_t from_ns); /* in poll(2), for the link among others */
void look_sent(struct driver *d);
/* Whether who begins to wait had better look before it sleeps. */
bool look_pays(struct driver *d);
/* Takes in up to `budget` packets. Whether there may be more. `turn`: a call of the user's is about
 * to go on, whoever is woken. */
bool look_take_in(struct driver *d, uint64_t now_ns, int budget, bool turn);
/* sock_host_operations' look and look_back. */
bool look_behind(struct sock_host *host);
bool look_back(struct sock_host *host);
/* Has leave what could wait for those who were woken to have a turn, who have had it, or for the
 * next write of a user, who does something else. */
void look_flush(struct driver *d);

/* queue.c */
/* A packet has come by our queue. */
enum drop_reason queue_deliver(struct driver *d, const void *packet, size_t length,
                               const struct tern_offload *offload, uint64_t now_ns);
/* Takes in what others have handed over, up to `budget` packets. Whether there may be more. */
bool queue_take_over(struct driver *d, uint64_t now_ns, int budget);

/* gather.c */
bool gather_received(struct driver *d, size_t length); /* whether it was a super-segment */
/* A packet of `spans` pieces, of which the first is its headers. */
void gather_sent(struct driver *d, int spans);
/* Who is about to sleep at `now_ns` shall sleep until then, and not be woken by the link; 0: no
 * such thing. */
uint64_t gather_until(struct driver *d, uint64_t now_ns);

/* wait.c */
int driver_wait(struct sock_host *host, struct sock_waiter *waiter, uint64_t deadline_ns);
void driver_wake(struct sock_host *host, struct sock_waiter *waiter);

/* loop.c */
int driver_descriptor(struct sock_host *host);
void driver_announce(struct sock_host *host, bool on);
/* Sees that the descriptor is readable when the next deadline has come. Cheap when it will be. */
void loop_arm(struct driver *d);

/* helper.c */
void *helper_run(void *argument);
/* When the helper, for whom it is too early to step in, looks again: as soon as it may be due. But
 * a nap's end is an interrupt and two switches of threads, in which a question and its answer take
 * twice as long. So while others go on driving it comes together with the tick, which is there
 * anyway: a little more than a tick after they have last driven, at the latest. */
uint64_t helper_looks_again(const struct driver *d, uint64_t now_ns);

#endif
