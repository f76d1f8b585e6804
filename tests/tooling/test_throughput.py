#!/usr/bin/env python3
"""scripts/throughput fails for a cell or a row that has fallen, and for nothing else."""

import contextlib
import importlib.machinery
import importlib.util
import io
import os

from tooling import SCRIPTS, run_cases

LOADER = importlib.machinery.SourceFileLoader("throughput", os.path.join(SCRIPTS, "throughput"))
THROUGHPUT = importlib.util.module_from_spec(importlib.util.spec_from_loader("throughput", LOADER))
LOADER.exec_module(THROUGHPUT)

RTTS = ("1", "10", "50", "100", "200")


def table(mbit=10.0, error=0.2, **changed):
    """Every row, all cells alike; `changed` are those of cubic without reordering, by RTT."""
    cells = {(c, r, "1", rtt): (mbit, error) for c in THROUGHPUT.CONTROLS
             for r in THROUGHPUT.REORDERINGS for rtt in RTTS}
    for rtt, value in changed.items():
        cells["cubic", "none", "1", rtt[1:]] = value
    return cells


def verdict(old, new):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        good = THROUGHPUT.judge(old, new)
    return good, said.getvalue()


def the_same_passes():
    good, said = verdict(table(), table())
    assert good and said.count("ok ") == 9 and "skip" not in said, said


def noise_passes():
    good, said = verdict(table(), table(_1=(9.7, 0.3), _10=(10.4, 0.3), _50=(9.8, 0.2)))
    assert good and "skip" not in said, said


def a_cell_that_falls_fails():
    good, said = verdict(table(), table(_50=(8.0, 0.2)))
    assert not good and "not ok cubic, reordering none" in said and "50 ms" in said, said


def a_row_that_falls_a_little_everywhere_fails():
    good, said = verdict(table(), table(**{"_" + rtt: (9.3, 0.2) for rtt in RTTS}))
    assert not good and "the row has fallen by 7.0 %" in said, said


def a_row_that_rises_asks_to_be_renewed():
    good, said = verdict(table(), table(**{"_" + rtt: (11.0, 0.2) for rtt in RTTS}))
    assert good and "skip cubic, reordering none: has risen by 10.0 %: make throughput-renew" in said


def a_cell_that_is_not_in_the_table_fails():
    old = table()
    del old["bbr", "mild", "1", "200"]
    assert not verdict(old, table())[0]


def page_has_all_cells():
    page = THROUGHPUT.page_tables(table(mbit=9.96, _10=(42.4, 1.0)))
    assert page.count("| 1 % |") == 3 and "| 42 |" in page and "| 10.0 |" in page, page


run_cases({case.__name__: case for case in (
    the_same_passes, noise_passes, a_cell_that_falls_fails,
    a_row_that_falls_a_little_everywhere_fails, a_row_that_rises_asks_to_be_renewed,
    a_cell_that_is_not_in_the_table_fails, page_has_all_cells)})
