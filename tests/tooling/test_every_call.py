#!/usr/bin/env python3
"""tests/common/every_call.h leaves out no call of the header: what is tried of every call, from within a
callback, is tried of those that come later too."""

import os
import re

from tooling import SCRIPTS, run_cases

ROOT = os.path.join(SCRIPTS, "..")
# On a stack, but with an answer of their own instead of -1 and errno, or its end.
OTHERS = {"tern_close_stack", "tern_input", "tern_advance", "tern_deadline", "tern_memory_used"}


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def the_list_has_what_the_header_declares():
    declared = set(re.findall(r"^TERN_API [^;(]*?(\w+)\(struct tern \*t\b",
                              read("include", "tern", "tern.h"), re.M))
    listed = set(re.findall(r"\bX\((tern_\w+),", read("tests", "common", "every_call.h")))
    assert OTHERS < declared and len(listed) > 40, (declared, listed)
    assert listed == declared - OTHERS, listed ^ (declared - OTHERS)


run_cases({case.__name__: case for case in [the_list_has_what_the_header_declares]})
