#!/usr/bin/env python3
"""scripts/test counts cases truly: a crash, a silent failure and a skip are never taken for a pass."""

import importlib.machinery
import importlib.util
import os

from tooling import SCRIPTS, run_cases

LOADER = importlib.machinery.SourceFileLoader("summary", os.path.join(SCRIPTS, "test"))
SUMMARY = importlib.util.module_from_spec(importlib.util.spec_from_loader("summary", LOADER))
LOADER.exec_module(SUMMARY)


def counts(stdout, status, result):
    record = {"name": "tern:unit / x", "stdout": stdout, "returncode": status, "result": result,
              "duration": 0.0}
    cases = SUMMARY.Outcome(record, "unit").cases
    return [len(cases[kind]) for kind in ("passed", "failed", "skipped")], cases


def expect(stdout, status, result, passed, failed, skipped):
    def case():
        got, cases = counts(stdout, status, result)
        assert got == [passed, failed, skipped], f"{got}: {cases}"

    return case


def a_skip_keeps_its_reason():
    cases = counts("opening\nno /dev/net/tun here\n", 77, "SKIP")[1]
    assert cases["skipped"] == [("", "no /dev/net/tun here")], cases
    cases = counts("ok a\nskip b: no tshark\n", 0, "OK")[1]
    assert cases["skipped"] == [("b", "no tshark")], cases
    cases = counts("[ RUN      ] b\nno root\n[  SKIPPED ] b\n", 0, "OK")[1]
    assert cases["skipped"] == [("b", "no root")], cases


CMOCKA = "[ RUN      ] a\n[       OK ] a\n[ RUN      ] b\n"

run_cases({
    "cmocka_cases_are_counted": expect(CMOCKA + "[       OK ] b\n", 0, "OK", 2, 0, 0),
    "a_failed_case_is_counted": expect(CMOCKA + "[  FAILED  ] b\n", 1, "FAIL", 1, 1, 0),
    "a_failed_case_counts_even_with_status_0": expect(CMOCKA + "[  FAILED  ] b\n", 0, "OK", 1, 1, 0),
    "a_crash_is_a_failure": expect(CMOCKA, -11, "FAIL", 1, 1, 0),
    "a_timeout_is_a_failure": expect(CMOCKA, -15, "TIMEOUT", 1, 1, 0),
    "a_status_alone_is_a_failure": expect("ok a\n", 1, "FAIL", 1, 1, 0),
    "script_cases_are_counted": expect("ok a\nnot ok b\nskip c: d\nhello\n", 1, "FAIL", 1, 1, 1),
    "a_silent_program_is_one_case": expect("", 0, "OK", 1, 0, 0),
    "a_skipped_program_is_one_skip": expect("why\n", 77, "SKIP", 0, 0, 1),
    "a_skip_keeps_its_reason": a_skip_keeps_its_reason,
})
