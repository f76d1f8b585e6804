#!/usr/bin/env python3
"""scripts/man leaves nothing out: a page under the name of each function that the header declares, with
its errors and types, a page for each subcommand with all of its options, and no page is ill-formed."""

import os
import re
import shutil
import subprocess
import tempfile

from tooling import SCRIPTS, run_cases

HEADER = os.path.join(SCRIPTS, "..", "include", "tern", "tern.h")
TERN = os.path.join(os.environ["BUILD_ROOT"], "tern")
FOLDER = tempfile.mkdtemp()


def make(header, folder, *command):
    environment = {**os.environ, "DESTDIR": ""}
    subprocess.run([os.path.join(SCRIPTS, "man"), header, folder, *command], check=True,
                   env=environment)


def page(name, folder=FOLDER):
    section = name.rsplit(".", 1)[1]
    with open(os.path.join(folder, f"man{section}", name), encoding="utf-8") as file:
        text = file.read()
    alias = re.match(r"\.so man3/(.*)\n$", text)
    return page(alias[1], folder) if alias else text.replace("\\-", "-")


def said_by(*words):
    return subprocess.run([TERN, *words], check=True, capture_output=True, text=True).stdout


def every_function_has_its_page():
    with open(HEADER, encoding="utf-8") as file:
        names = re.findall(r"^TERN_API [^;(]*?(\w+)\(", file.read(), re.M)
    assert len(names) > 40, names
    for name in names:
        text = page(f"{name}.3")
        head, synopsis = text.split(".SH SYNOPSIS")
        assert name in head and f"{name}(" in synopsis.split(".SH")[0], name
        assert name in page("libtern.3"), name


def errors_stand_in_a_section_of_their_own():
    assert "ESOCKTNOSUPPORT" in page("tern_socket.3").split(".SH ERRORS")[1]
    for name, text in pages():
        assert not re.search(r"\bErrors(\s+of\s+\w+)?:", text), f"{name}: errors in its prose"
    assert "EBUSY" in page("libtern.3").split(".SH ERRORS")[1]


def pages():
    """Every page but aliases: its name and its text."""
    for section in ("man1", "man3"):
        for name in sorted(os.listdir(os.path.join(FOLDER, section))):
            with open(os.path.join(FOLDER, section, name), encoding="utf-8") as file:
                text = file.read().replace("\\-", "-")
            if not text.startswith(".so "):
                yield name, text


def part(text, heading):
    """What stands under a heading, up to the next."""
    return text.split(f".SH {heading}\n")[1].split("\n.SH ")[0]


def every_page_says_at_its_head_what_it_is_about():
    seen = {}
    for name, text in pages():
        names, said = part(text, "NAME").split(" - ", 1)
        assert "\n" not in said.rstrip() and 5 < len(said) < 90, f"{name}: {said}"
        assert "(2)" not in said and "\\f" not in said and "`" not in said, f"{name}: {said}"
        assert said not in seen, f"{name}, {seen[said]}"
        seen[said] = name
        assert part(text, "DESCRIPTION").strip(), f"{name}: nothing is described"


def no_page_names_a_place_in_the_sources():
    for name, text in pages():
        wrong = re.search(r"\btests/|\bdocs/|\bsrc/|\bsection \d\b|\b(calls?|declared) below\b", text)
        assert not wrong, f"{name}: {wrong[0]}"


def the_sections_of_the_header_are_a_list():
    rows = [line for line in part(page("libtern.3"), "DESCRIPTION").split("\n")
            if re.match(r" +\d\. ", line)]
    assert len(rows) == 5 and all(re.search(r"\w {2,}\w", row) for row in rows), rows


def what_a_synopsis_goes_on_with_stands_under_it():
    lines = part(page("tern_connect.3"), "SYNOPSIS").split("\n")
    plain = [re.sub(r"\\f.", "", line) for line in lines]
    first = next(i for i, line in enumerate(plain) if line.startswith("int tern_connect("))
    assert plain[first + 1].startswith(" " * len("int tern_connect(") + "socklen_t"), plain
    assert "\\fIaddress\\fP" in lines[first], lines


def types_stand_with_the_calls_that_need_them():
    assert "const char *device;" in page("tern_open.3")
    assert ".SS" not in page("tern_set.3") and "tern_config {" not in page("tern_engine_new.3")
    for name, text in pages():
        headings = re.findall(r"^\.S[HS] (.*)", text, re.M)
        assert len(headings) == len(set(headings)), f"{name}: {headings}"
    assert "typedef void tern_watch_function(" in page("tern_watch.3")
    assert "tcpi_rtt" in page("tern_getsockopt.3")
    assert "tcpi_rtt" not in page("tern_fcntl.3")
    assert "TERN_OFFLOAD_CHECKSUM = 1" in page("tern_input.3")


def every_command_has_its_page_with_all_options():
    commands = re.findall(r"^  (\w+) +\S", said_by("--help").split("Commands:")[1].split("\n\n")[0],
                          re.M)
    assert "send" in commands, commands
    for name in commands:
        text = page(f"tern-{name}.1")
        for option in re.findall(r"--[\w-]+", said_by(name, "--help")):
            assert option in text, f"{name}: {option}"


def settings_and_counters_are_on_the_page_of_the_command():
    text = page("tern.1")
    assert ".B ip.ttl=64\ntime to live" in text.split(".SH SETTINGS")[1].split(".SH")[0]
    assert ".B TcpRetransSegs\nsegments sent again" in text.split(".SH COUNTERS")[1].split(".SH")[0]


def no_page_is_ill_formed():
    for section in ("man1", "man3"):
        pages = sorted(os.listdir(os.path.join(FOLDER, section)))
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning",
                               *(os.path.join(section, p) for p in pages)],
                              cwd=FOLDER, capture_output=True, text=True)
        wrong = [line for line in done.stdout.splitlines()
                 if "missing date" not in line and ".so is fragile" not in line]
        assert pages and not wrong, "\n".join(wrong)


MADE_UP = """/* made up
 *
 * Threads. None. */
#define TERN_VERSION_MAJOR 1
#define TERN_VERSION_MINOR 2
#define TERN_VERSION_PATCH 3

struct tern;

/* ── 1. All of it ── */

/* Is about `both` calls; and \\backslash is no macro.
 * .Nor is this.
 *
 *     tern_one(1 - 2);
 *
 *   - One, which
 *     goes on.
 *   - Two.
 *
 * Errors: EINVAL (it is 1), tern_one()'s, tern_two()'s and others'; and, once, what is, or was.
 * Errors of streams: EPIPE, EIO (a, b; c() and d), tern_two()'s; at the end: EBADF. */
TERN_API int tern_one(int number);
TERN_API int tern_two(void);
#ifdef __cplusplus
"""


def what_roff_would_take_for_its_own_is_escaped():
    with tempfile.TemporaryDirectory() as folder:
        header = os.path.join(folder, "made_up.h")
        with open(header, "w", encoding="utf-8") as file:
            file.write(MADE_UP)
        make(header, folder)
        text = page("tern_two.3", folder)
    assert "tern_one, tern_two - is about both calls\n" in text, text
    assert "\\ebackslash" in text and "\n\\&.Nor is this." in text, text
    assert ".nf\n    tern_one(1 - 2);\n.fi" in text, text
    assert '"tern 1.2.3"' in text and "and these:\n.TP\n.B EINVAL\nit is 1\n" in text, text
    assert "\n.IP \\(bu 2\nOne, which goes on.\n.IP \\(bu 2\nTwo.\n" in text, text


def errors_are_a_list_with_their_reasons():
    with tempfile.TemporaryDirectory() as folder:
        header = os.path.join(folder, "made_up.h")
        with open(header, "w", encoding="utf-8") as file:
            file.write(MADE_UP)
        make(header, folder)
        text = page("tern_one.3", folder)
    assert (".PP\n\\fBtern_one\\fP()'s, \\fBtern_two\\fP()'s and others'.\n"
            ".PP\nOnce, what is, or was.\n.SS") in text, text
    said = text.split(".SS Of streams\n")[1].split(".SH")[0]
    assert said == (".TP\n.B EPIPE\nbroken pipe\n.TP\n.B EIO\na, b; c() and d\n"
                    ".PP\n\\fBtern_two\\fP()'s.\n.PP\nAt the end:\n"
                    ".TP\n.B EBADF\nbad file descriptor\n"), said


CASES = [every_function_has_its_page, errors_stand_in_a_section_of_their_own,
         every_page_says_at_its_head_what_it_is_about, no_page_names_a_place_in_the_sources,
         the_sections_of_the_header_are_a_list, what_a_synopsis_goes_on_with_stands_under_it,
         types_stand_with_the_calls_that_need_them, every_command_has_its_page_with_all_options,
         settings_and_counters_are_on_the_page_of_the_command, what_roff_would_take_for_its_own_is_escaped,
         errors_are_a_list_with_their_reasons]
make(HEADER, FOLDER, TERN)
try:
    if shutil.which("mandoc"):
        CASES.append(no_page_is_ill_formed)
    else:
        print("skip no_page_is_ill_formed: mandoc is not installed")
    run_cases({case.__name__: case for case in CASES})
finally:
    shutil.rmtree(FOLDER)
