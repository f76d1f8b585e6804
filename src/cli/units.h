/* Figures for people: decimal units, as networks count. */
#ifndef TERN_CLI_UNITS_H
#define TERN_CLI_UNITS_H

#include <stddef.h>
#include <stdint.h>

enum { UNITS_TEXT_MAX = 32 };

/* "512 B", "5.2 MB". */
char *units_bytes(uint64_t bytes, char text[UNITS_TEXT_MAX]);
/* "12.7 MB/s"; "-" when no time has passed. */
char *units_rate(uint64_t bytes, uint64_t elapsed_ns, char text[UNITS_TEXT_MAX]);
/* "35.20 Gbit/s", from kbit/s up. */
char *units_bit_rate(uint64_t bytes, uint64_t elapsed_ns, char text[UNITS_TEXT_MAX]);
/* "0.412" seconds, three places. */
char *units_seconds(uint64_t ns, char text[UNITS_TEXT_MAX]);

/* Nanoseconds since some moment, for telling how long things take. */
uint64_t stopwatch_ns(void);

#endif
