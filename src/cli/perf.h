/* The two sides of `tern perf`. */
#ifndef TERN_CLI_PERF_H
#define TERN_CLI_PERF_H

#include "cli/perf_trial.h"

/* Measures once, as a client of t->to; `wait_ns` long it waits for somebody to listen there. */
enum status perf_client(struct trial *t, uint64_t wait_ns);

/* Serves one client after the other on a port, until interrupted; or only one. */
enum status perf_server(struct trial *t, uint16_t port, bool once);

/* Says how a measurement failed, on standard error and in whatever form it is shown, and gives back
 * its status. */
enum status perf_failed(const struct trial *t, int error);

#endif
