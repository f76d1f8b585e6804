#!/usr/bin/env python3
"""scripts/bench: its figures are of the runs that it says, and who is missing does not count."""

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import subprocess
import sys
import tempfile

from tooling import SCRIPTS, run_cases

sys.path.insert(0, os.path.join(SCRIPTS, "..", "bench", "run"))
import peers  # noqa: E402
import report  # noqa: E402
import works  # noqa: E402

LOADER = importlib.machinery.SourceFileLoader("bench", os.path.join(SCRIPTS, "bench"))
BENCH = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench", LOADER))
LOADER.exec_module(BENCH)

SEND = next(work for work in works.ALL if work.name == "send")


def runs(*gbit):
    return [value and {"gbit": float(value), "cpu": 0.5} for value in gbit]


def the_middle_is_the_median_and_the_spread_all():
    assert report.spread([3.0, 1.0, 50.0]) == "3.00 (1.00 to 50.0)", report.spread([3.0, 1.0, 50.0])
    assert report.spread([1200.0, 1.0], "us") == "600 us (1.00 to 1,200)"


def ratios_are_of_the_same_run():
    results = {"send": {"tern": runs(10, 20, 30), "veth": runs(5, 20, 10)}}
    assert report.ratios(results, "send", "veth", "gbit") == [2.0, 1.0, 3.0]


def a_run_that_failed_has_no_ratio():
    results = {"send": {"tern": runs(10, 20, 30), "veth": runs(5, None, 10)}}
    assert report.ratios(results, "send", "veth", "gbit") == [2.0, 3.0]
    assert report.ratios(results, "send", "lwip", "gbit") == []


def a_peer_without_figures_has_no_line():
    results = {"send": {"tern": runs(10), "veth": runs(None)}}
    text = report.text(results, [SEND], peers.ALL)
    assert "tern" in text and "veth" not in text, text


def targets_are_judged_by_the_median():
    results = {"send": {"tern": runs(10, 10, 10), "veth": runs(5, 6, 100)}}
    said = {what: good for what, _, _, good in report.verdicts(results)}
    assert said == {"send, gbit, tern by veth": True, "send, cpu": False}, said


def other_configurations_are_held_to_their_own_targets():
    results = {"send": {"tern": runs(80), "tern_plain": runs(4), "lwip": runs(4)}}
    said = {what: (measured, good) for what, measured, _, good in report.verdicts(results)}
    assert said["send, gbit, tern by lwip"] == ("20.0 (20.0 to 20.0)", True), said
    assert said["send, gbit, tern_plain by lwip"] == ("1.00 (1.00 to 1.00)", False), said


def who_is_in_a_target_is_somebody():
    names, fields = {peer.name for peer in peers.ALL}, {work.name for work in works.ALL}
    for work, _, ours, other, _, _ in report.TARGETS:
        assert work in fields and {ours, other} <= names, (work, ours, other)
        assert all(work in peer.works for peer in peers.ALL if peer.name in (ours, other)), (work, ours, other)


def who_is_missing_is_told_why():
    results = {"send": {"tern": runs(10), "lwip": runs(1)}}
    notes = report.notes(peers.ALL, results, {"smoltcp": "not to be had"})
    assert "smoltcp: not measured: not to be had" in notes, notes
    assert any(note.startswith("lwIP: ") for note in notes), notes
    assert not any(note.startswith("gVisor") for note in notes), notes


def why_a_source_could_not_be_had_is_told():
    """lwIP is built from a source that scripts/lwip-source brings, or says in FOLDER.why why it does not."""
    with tempfile.TemporaryDirectory() as build:
        os.mkdir(os.path.join(build, "bench"))
        peer = peers.LwipLarge(build)
        assert peer.missing() == "not built: liblwip-dev is not installed", peer.missing()
        with open(os.path.join(build, "bench", "lwip.why"), "w", encoding="utf-8") as file:
            file.write("no network\n")
        assert peer.missing() == "not built: no network", peer.missing()


def lwip_source(place, apt_cache, apt_get):
    """What scripts/lwip-source leaves beside its folder, with these in apt's place, and why not, if it says so."""
    folder, programs = os.path.join(place, "bench", "lwip"), os.path.join(place, "programs")
    os.makedirs(programs, exist_ok=True)
    for name, does in (("dpkg-query", "echo 1-1"), ("dpkg-source", ":"), ("apt-cache", apt_cache),
                       ("apt-get", apt_get)):
        with open(os.path.join(programs, name), "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\n{does}\n")
        os.chmod(os.path.join(programs, name), 0o755)
    env = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    subprocess.run([os.path.join(SCRIPTS, "lwip-source"), folder], env=env, check=True)
    why = ""
    if os.path.exists(f"{folder}.why"):
        with open(f"{folder}.why", encoding="utf-8") as file:
            why = file.read().strip()
    return sorted(os.listdir(os.path.dirname(folder))), why


def a_source_is_fetched_where_its_package_came_from():
    with tempfile.TemporaryDirectory() as place:
        known = "echo 'liblwip-dev | 1-1 | http://archive.example/debian suite/main amd64 Packages'"
        said = lwip_source(place, ":", "exit 1")
        assert said == (["lwip.why"], "apt does not know where liblwip-dev comes from"), said
        said = lwip_source(place, known, "echo 'E: It was not reached.' >&2; exit 100")
        where = "its source could not be fetched from http://archive.example/debian"
        assert said == (["lwip.why"], f"{where}: It was not reached"), said
        assert lwip_source(place, known, "exit 124") == (["lwip.why"], where)
        said = lwip_source(place, known, "grep -q 'archive.example/debian suite main$' sources.list || exit 1\n"
                           "case \"$*\" in *' lwip=1-1') mkdir lwip-1;; esac")
        assert said == (["lwip"], ""), said
        said = lwip_source(place, known, "exit 1")  # it is not asked for again
        assert said == (["lwip"], ""), said


def eight_flows_are_held_to_one():
    results = {"send": {"tern": runs(10, 10)}, "send8": {"tern": runs(8, 10)}}
    said = {what: (measured, good) for what, measured, _, good in report.verdicts(results)}
    assert said["send8 by send, gbit"] == ("0.90 (0.80 to 1.00)", True), said


def tables_have_as_many_cells_as_heads():
    results = {"send": {"tern": runs(10, 11), "lwip": runs(1, 2)}}
    lines = report.markdown({"machine": "a machine", "results": results}, works.ALL, peers.ALL).split("\n")
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 4 + 2 + 2 and len({line.count("|") for line in table}) == 1, lines
    assert any(line.startswith("- lwIP: ") for line in lines), lines


def a_table_replaces_the_one_before():
    with tempfile.TemporaryDirectory() as folder:
        document = os.path.join(folder, "document.md")

        def put(before, mark):
            with open(document, "w", encoding="utf-8") as file:
                file.write(before)
            report.put_between(document, mark, "new")
            with open(document, encoding="utf-8") as file:
                return file.read()

        both = "a\n<!-- one -->\nold\n<!-- end one -->\nb\n<!-- two -->\n<!-- end two -->\nc\n"
        assert put(both, "one") == both.replace("old", "new")
        assert put(both, "two") == both.replace("<!-- two -->\n", "<!-- two -->\nnew\n")
        for lacks in ("three", "two"):
            try:
                put(both.replace("<!-- end two -->\n", ""), lacks)
            except SystemExit as end:  # what was measured is not lost
                assert f"<!-- end {lacks} -->" in str(end) and str(end).endswith("new"), end
            else:
                raise AssertionError("put somewhere")


def a_carriers_time_is_told_in_the_works_unit():
    calls = next(work for work in works.ALL if work.name == "call")
    assert works.spent(SEND, 0.3, 0.5) == 0.6
    assert works.spent(calls, 0.2, 0.5) == 0.2 * 1e6 / 2000


def every_work_has_words_for_both_ends():
    for work in works.ALL:
        ours, theirs = work.ours("10.0.0.2", 1), work.theirs("10.0.0.3", 1)
        callers = {"source", "ask", "call", "idle"}
        assert (ours[0] in callers) == work.calls and (theirs[0] in callers) != work.calls, work.name


def an_unknown_work_is_told():
    os.environ["WHAT"] = "send,sned"
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            BENCH.chosen("WHAT", works.ALL)
    except SystemExit as end:
        assert "there is no 'sned'" in str(end), end
    else:
        raise AssertionError("taken")
    os.environ["WHAT"] = "ask,send"
    assert BENCH.chosen("WHAT", works.ALL) == ["ask", "send"]


def the_host_is_left_alone():
    """A wrong command line, and one outside of a namespace, end before anything is made."""
    env = {**os.environ, "WHAT": "send", "PEERS": "tern"}
    env.pop("TERN_SANDBOX", None)
    with tempfile.TemporaryDirectory() as build:
        os.mkdir(os.path.join(build, "bench"))
        with open(os.path.join(build, "bench", "bench_tern"), "w", encoding="ascii"):
            pass
        for script, argument, status, words in (
                ("bench", "--help", 0, "scripts/bench BUILD"), ("bench", "--help", 0, ", lwip_large, "),
                ("bench", None, 2, "scripts/bench BUILD"),
                ("bench", "/nowhere", 1, "bench_programs"), ("bench", build, 1, "scripts/sandbox"),
                ("bench-idle", "--help", 0, "scripts/bench-idle BUILD"),
                ("bench-idle", build, 1, "scripts/sandbox")):
            done = subprocess.run([os.path.join(SCRIPTS, script), *([argument] if argument else [])], env=env,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            assert done.returncode == status and words in done.stdout, (script, argument, done)


run_cases({case.__name__: case for case in (
    the_middle_is_the_median_and_the_spread_all, ratios_are_of_the_same_run,
    a_run_that_failed_has_no_ratio, a_peer_without_figures_has_no_line,
    targets_are_judged_by_the_median, other_configurations_are_held_to_their_own_targets,
    who_is_in_a_target_is_somebody, who_is_missing_is_told_why,
    why_a_source_could_not_be_had_is_told, a_source_is_fetched_where_its_package_came_from,
    eight_flows_are_held_to_one, tables_have_as_many_cells_as_heads, a_table_replaces_the_one_before,
    a_carriers_time_is_told_in_the_works_unit, every_work_has_words_for_both_ends,
    an_unknown_work_is_told, the_host_is_left_alone)})
