/* What scenarios have put on the wire, judged by tshark: every checksum right, every packet well
 * formed, and nothing in the conversations that an expert would frown at, but what the scenario
 * explains. */
#ifndef TESTS_INTEROP_CAPTURES_H
#define TESTS_INTEROP_CAPTURES_H

#include <stdbool.h>

enum { CAPTURE_PATH_MAX = 256 };

/* Makes the folder for captures: 0 or -1 with errno. */
int captures_begin(void);
/* Says where the scenario on this device has to put its capture, and remembers what it explains:
 * `explains` are parts of tshark's messages, separated by '|'. With `faults`, segments may be lost,
 * repeated and out of order, and packets broken that the stack has dropped. */
void captures_add(const char *device, const char *explains, bool faults, char *path);
/* A test has failed: the captures stay. */
void captures_keep(void);
/* Removes the captures, or says where they are when a test has failed or tshark has found
 * something. */
void captures_end(void);

/* Has tshark read all captures so far, and prints and counts what is not explained; its status.
 * Skips the test where there is no tshark. */
int captures_judge(unsigned *unexplained);
/* The test that does so and finds nothing; skipped where there is no tshark. It comes last. */
void captures_hold_nothing_unexplained(void **state);
#define scenario_captures_test() cmocka_unit_test(captures_hold_nothing_unexplained)

#endif
