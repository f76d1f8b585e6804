#!/usr/bin/env python3
"""scripts/check-map finds files that no table names, names without a file, and what stands twice."""

from tooling import run_cases, run_on_tree

SOURCES = {path: "" for path in ("src/base/ring.c", "src/base/ring.h", "src/base/time.h",
                                 "src/tcp/cc_a.c", "src/tcp/cc_b.c", "src/tcp/x.def",
                                 "src/base/meson.build")}
BASE = "### src/base, file by file\n\n| file | owns |\n|---|---|\n| `ring.c` | a ring |\n"
TIME = "| `time.h` | time |\n"
TCP = "### src/tcp, file by file\n\n| file | owns |\n|---|---|\n| `cc_*.c` `x.def` | the rest |\n"


def says(document, *answers, status=1):
    def case():
        found, output = run_on_tree("check-map", SOURCES | {"docs/architecture.md": document})
        assert found == status, output
        for answer in answers:
            assert answer in output, output
    return case


run_cases({
    "a_whole_map_passes": says(BASE + TIME + TCP, "map: 6 files, 0 wrong", status=0),
    "a_file_that_is_not_named_is_found": says(BASE + TCP, "src/base/time.h: ", "1 wrong"),
    "a_floor_without_a_table_is_found": says(BASE + TIME, "src/tcp/cc_a.c: ", "3 wrong"),
    "a_name_elsewhere_is_no_row": says(BASE + "`time.h` is time.\n" + TCP, "src/base/time.h: "),
    "a_file_that_is_not_there_is_found":
        says(BASE + TIME + "| `gone.c` | nothing |\n" + TCP, "no src/base/gone.c", "1 wrong"),
    "a_floor_that_is_not_there_is_found":
        says(BASE + TIME + TCP + "### src/gone, file by file\n", "no src/gone"),
    "what_stands_twice_is_found":
        says(BASE + TIME + "| `ring.h` | a ring |\n" + TCP, "src/base/ring.h: ", "more than once"),
    "a_line_that_is_too_wide_is_found": says(BASE + TIME + TCP + "x" * 111 + "\n", "111 characters"),
    "a_table_may_be_wide": says(BASE + f"| `time.h` | {'x' * 200} |\n" + TCP, status=0),
})
