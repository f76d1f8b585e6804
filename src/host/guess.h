/* A guess whether something will be so, from whether it was so before: yes after one time that it
 * was, no after a few in a row that it was not. */
#ifndef TERN_HOST_GUESS_H
#define TERN_HOST_GUESS_H

#include <stdbool.h>

enum { GUESS_DOUBTS = 3 };

struct guess {
    unsigned left; /* times that it may prove wrong, until it is no; 0: it is no */
};

static inline bool guess_is(const struct guess *guess)
{
    return guess->left > 0;
}

static inline void guess_learn(struct guess *guess, bool was)
{
    if (was)
        guess->left = GUESS_DOUBTS;
    else if (guess->left > 0)
        guess->left--;
}

#endif
