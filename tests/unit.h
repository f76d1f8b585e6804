#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

/* cmocka wants these headers before its own, and an alphabetical include list would undo that. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
