/* Values on the command line: text to numbers and addresses, with an error that repeats what was
 * given and says what is wanted.
 *
 * Each takes all of `text` or fails: 0, or -EINVAL with a sentence in `error`. `what` names the
 * value in that sentence: "--mtu", "port". */
#ifndef TERN_CLI_VALUES_H
#define TERN_CLI_VALUES_H

#include <netinet/in.h>
#include <stdint.h>

#include <tern/tern.h>

enum { ENDPOINT_TEXT_MAX = 22 }; /* "255.255.255.255:65535" with its terminating zero */

/* A decimal number from `least` to `most`. */
int value_number(const char *what, const char *text, uint64_t least, uint64_t most, uint64_t *out,
                 struct tern_error *error);
/* Seconds as "2" or "0.25", up to `most` of them, as nanoseconds. */
int value_seconds(const char *what, const char *text, unsigned most, uint64_t *out_ns,
                  struct tern_error *error);
/* A number from `least` to `most` that may end with K, M, G or T in either case: as many powers of
 * `kilo` (1000, 1024). */
int value_scaled(const char *what, const char *text, uint64_t kilo, uint64_t least, uint64_t most,
                 uint64_t *out, struct tern_error *error);
/* 1 to 65535. */
int value_port(const char *text, uint16_t *out, struct tern_error *error);
/* A dotted decimal address. */
int value_host(const char *what, const char *text, struct sockaddr_in *out,
               struct tern_error *error);
/* "10.0.0.2:8000". */
int value_endpoint(const char *text, struct sockaddr_in *out, struct tern_error *error);
/* "10.0.0.3/24": an address of a host and its subnet's prefix. */
int value_cidr(const char *what, const char *text, struct tern_error *error);

/* Writes "host:port" and returns it. */
char *endpoint_format(const struct sockaddr_in *endpoint, char text[ENDPOINT_TEXT_MAX]);

/* Fills in `error` with EINVAL and returns -EINVAL. */
int value_wrong(struct tern_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
