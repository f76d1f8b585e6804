#!/usr/bin/env python3
"""scripts/bench-profile: each of perf's samples is told by its stack, and counts once."""

import importlib.machinery
import importlib.util
import os
import subprocess
import sys

from tooling import SCRIPTS, run_cases

sys.path.insert(0, os.path.join(SCRIPTS, "..", "bench", "run"))
import profile_of  # noqa: E402

LOADER = importlib.machinery.SourceFileLoader("bench_profile", os.path.join(SCRIPTS, "bench-profile"))
PROFILE = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_profile", LOADER))
LOADER.exec_module(PROFILE)

# As perf script prints them, one in the kernel and one in a program.
SAID = """\
\tffffffff81a2b3c4 _copy_from_iter+0x54 ([kernel.kallsyms])
\tffffffff81a2b3c0 tun_chr_write_iter+0x8 ([kernel.kallsyms])
\t    7f0011223344 __write+0x14 (/usr/lib/x86_64-linux-gnu/libc.so.6)

\t    55d012345678 tcp_output (/somewhere/bench_tern)
\t    55d012345670 [unknown] (/somewhere/bench_tern)

"""


def kernel(*functions):
    return [(function, "[kernel.kallsyms]") for function in functions]


def stacks_are_read_innermost_first():
    assert list(profile_of.stacks(SAID)) == [
        [("_copy_from_iter", "[kernel.kallsyms]"), ("tun_chr_write_iter", "[kernel.kallsyms]"),
         ("__write", "/usr/lib/x86_64-linux-gnu/libc.so.6")],
        [("tcp_output", "/somewhere/bench_tern"), ("[unknown]", "/somewhere/bench_tern")]]
    assert not list(profile_of.stacks("\n\n"))


def a_sample_outside_of_the_kernel_is_told_by_where_it_is():
    behind = kernel("tun_chr_write_iter")
    assert profile_of.class_of([("tcp_output", "/somewhere/bench_tern"), *behind]) == profile_of.OURS
    assert profile_of.class_of([("memcpy", "/usr/lib/libc.so.6")]) == profile_of.LIBRARY
    assert profile_of.class_of([("__vdso_clock_gettime", "[vdso]")]) == profile_of.CLOCK


def a_sample_in_the_kernel_is_told_by_all_of_its_stack():
    assert profile_of.class_of(kernel("tun_get_user", "tun_chr_write_iter")) == "the device: writing"
    # What a write into the device runs is not the device's; whom that wakes is not TCP's.
    received = ("tcp_v4_rcv", "ip_rcv", "tun_get_user", "tun_chr_write_iter")
    assert profile_of.class_of(kernel(*received)) == "the kernel's TCP/IP, behind our write"
    assert profile_of.class_of(kernel("try_to_wake_up", *received)) == "waking the other end"
    # A copy is one wherever it is, but only while it is being made.
    assert profile_of.class_of(kernel("_copy_to_iter", *received)) == profile_of.COPY
    assert profile_of.class_of(kernel("tun_do_read", "_copy_to_iter")) == profile_of.REST


def what_a_run_lacks_costs_it_nothing():
    work = next(work for work in PROFILE.WORKS if work.name == "receive")
    runs = [{"its own code": 2.0, "reading the clock": 1.0}, {"its own code": 4.0}, {"its own code": 3.0}]
    lines = PROFILE.table(work, {("receive", "tern"): runs, ("receive", "floor"): runs[1:]}).split("\n")
    assert lines[0].endswith("| tern | The floor |"), lines
    assert lines[2:5] == ["| its own code | 3.00 | 3.50 |", "| reading the clock | 0.00 | 0.00 |",
                          "| all of it | 3.00 | 3.50 |"], lines


def a_wrong_word_ends_it_before_anything_is_made():
    for name, words, status, said in (("WHAT", ["--help"], 0, "scripts/bench-profile BUILD"),
                                      ("WHAT", [], 2, "scripts/bench-profile BUILD"),
                                      ("WHAT", ["/nowhere"], 1, "there is no 'sned'"),
                                      ("RUNS", ["/nowhere"], 1, "'sned' is no number of runs")):
        done = subprocess.run([os.path.join(SCRIPTS, "bench-profile"), *words], env={**os.environ, name: "sned"},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        assert done.returncode == status and said in done.stdout, (words, done)


run_cases({case.__name__: case for case in (
    stacks_are_read_innermost_first, a_sample_outside_of_the_kernel_is_told_by_where_it_is,
    a_sample_in_the_kernel_is_told_by_all_of_its_stack, what_a_run_lacks_costs_it_nothing,
    a_wrong_word_ends_it_before_anything_is_made)})
