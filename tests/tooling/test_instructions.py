#!/usr/bin/env python3
"""scripts/instructions fails for what has grown, and for nothing else."""

import importlib.machinery
import importlib.util
import os

from tooling import SCRIPTS, run_cases

LOADER = importlib.machinery.SourceFileLoader("instructions", os.path.join(SCRIPTS, "instructions"))
INSTRUCTIONS = importlib.util.module_from_spec(importlib.util.spec_from_loader("instructions", LOADER))
LOADER.exec_module(INSTRUCTIONS)


def counts(ask=1000, beside=1000):
    return {("ask", "near"): ask, ("ask_beside_5000", "near"): beside}


def the_same_passes():
    assert INSTRUCTIONS.judge(counts(), counts()) == []


def fewer_pass():
    assert INSTRUCTIONS.judge(counts(), counts(900, 900)) == []


def what_has_grown_fails():
    wrong = INSTRUCTIONS.judge(counts(), counts(1030))
    assert len(wrong) == 1 and wrong[0].startswith("ask near: 1030"), wrong


def two_cache_lines_more_fail():
    before, one, two = [{("ask_in_turn_lines", "near"): n} for n in (30, 31, 32)]
    assert INSTRUCTIONS.judge(before, one) == []
    wrong = INSTRUCTIONS.judge(before, two)
    assert len(wrong) == 1 and wrong[0].startswith("ask_in_turn_lines near: 32 cache lines"), wrong


def what_idle_connections_make_dearer_fails():
    wrong = INSTRUCTIONS.judge(counts(1000, 1100), counts(1000, 1100))
    assert len(wrong) == 1 and "only open" in wrong[0], wrong


def any_number_of_idle_connections_counts():
    wrong = INSTRUCTIONS.judge(*[{("call", "far"): 1000, ("call_beside_100000", "far"): 1100}] * 2)
    assert len(wrong) == 1 and "only open" in wrong[0], wrong


def what_more_in_flight_makes_dearer_fails():
    same = {("holes_1m", "near"): 1000, ("holes_16m", "near"): 1090}
    assert INSTRUCTIONS.judge(same, same) == []
    dearer = {("holes_1m", "near"): 1000, ("holes_16m", "near"): 1110}
    wrong = INSTRUCTIONS.judge(dearer, dearer)
    assert len(wrong) == 1 and "in flight" in wrong[0], wrong


def what_only_one_of_them_has_fails():
    assert len(INSTRUCTIONS.judge({}, counts())) == 2
    assert len(INSTRUCTIONS.judge(counts(), {})) == 2


def a_table_is_read_as_it_was_written():
    assert INSTRUCTIONS.parse(INSTRUCTIONS.write(counts(), "cc 1")) == ("cc 1", counts())


run_cases({case.__name__.replace("_", " "): case for case in (
    the_same_passes, fewer_pass, what_has_grown_fails, two_cache_lines_more_fail,
    what_idle_connections_make_dearer_fails, any_number_of_idle_connections_counts,
    what_more_in_flight_makes_dearer_fails, what_only_one_of_them_has_fails,
    a_table_is_read_as_it_was_written)})
