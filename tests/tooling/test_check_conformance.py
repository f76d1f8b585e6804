#!/usr/bin/env python3
"""scripts/check-conformance rejects rows that the tree does not bear out, and accepts true ones."""

from tooling import run_cases, run_on_tree

TREE = {
    "src/tcp/ack.c": """
/* int in_comment(void) { } */
static const int transitions[2] = {1, 2};
static void declared(int a);
int process_ack(int a,
                int b)
{
    called(a);
    return b;
}
""",
    "src/base/limits.h": "#define LIMIT_SEGMENTS 4\nenum limits { LIMIT_ROUTES = 3, LIMIT_LAST };\n",
    "tests/unit/tcp/test_ack.c": """
static void is_run(void **state) { }
static void is_not_run(void **state) { }
int main(void) { return run(cmocka_unit_test(is_run)); }
""",
    "tests/interop/ping.sh": "echo ok ping_is_answered\n",
    "tests/script/x.pkt": "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n",
    "tests/script/empty.pkt": "\n",
}
PAGE = "# Conformance\n\n## RFC 1: Test\n\n| id | what it says | where | test |\n|---|---|---|---|\n"

ACCEPTED = [
    "| A | x | `src/tcp/ack.c: process_ack` | `tests/unit/tcp/test_ack.c: is_run` |",
    "| B | x | src/tcp/ack.c: transitions; src/base/limits.h: LIMIT_ROUTES, LIMIT_LAST | tests/script/x.pkt |",
    "| C | x | src/base/limits.h: LIMIT_SEGMENTS | tests/interop/ping.sh: ping_is_answered |",
    "| D | x | planned | planned |",
    "| E | x | n/a: for reasons | |",
    "| F | x | src/tcp/ack.c: process_ack | planned |",
]

REJECTED = {
    "a_file_that_is_not_there": ("src/tcp/none.c: f | planned", "there is no file src/tcp/none.c"),
    "a_function_only_declared": ("src/tcp/ack.c: declared | planned", "does not define declared"),
    "a_function_only_called": ("src/tcp/ack.c: called | planned", "does not define called"),
    "a_function_in_a_comment": ("src/tcp/ack.c: in_comment | planned", "does not define in_comment"),
    "a_second_name_that_is_wrong":
        ("src/tcp/ack.c: process_ack, lost | planned", "does not define lost"),
    "a_file_without_function": ("src/tcp/ack.c | planned", "name the function"),
    "a_test_file_that_is_not_there":
        ("src/tcp/ack.c: process_ack | tests/unit/x.c: y", "there is no test tests/unit/x.c"),
    "a_test_that_is_not_there":
        ("src/tcp/ack.c: process_ack | tests/unit/tcp/test_ack.c: y", "has no test y"),
    "a_test_that_is_never_run":
        ("src/tcp/ack.c: process_ack | tests/unit/tcp/test_ack.c: is_not_run", "never runs it"),
    "a_script_that_is_empty": ("src/tcp/ack.c: process_ack | tests/script/empty.pkt", "is empty"),
    "a_test_outside_tests":
        ("src/tcp/ack.c: process_ack | src/tcp/ack.c: process_ack", "is not below tests/"),
    "na_without_reason": ("n/a: | ", "needs its reason"),
    "an_empty_cell": ("src/tcp/ack.c: process_ack | ", "`test` is empty"),
    "a_missing_cell": ("planned", "a row has 4 cells"),
}


def run(rows, page=PAGE):
    return run_on_tree("check-conformance", TREE | {"docs/conformance.md": page + "\n".join(rows) + "\n"})


def rejects(cells, answer):
    def case():
        status, output = run([f"| A | x | {cells} |"])
        assert status == 1, f"status {status}: {output}"
        assert "docs/conformance.md:7: " in output and answer in output, output

    return case


def accepts_true_rows_and_counts_them():
    status, output = run(ACCEPTED)
    assert status == 0, output
    assert "RFC 1: 6 rows: 3 shown, 2 planned, 1 not applicable" in output, output


def rejects_an_id_twice():
    status, output = run(["| A | x | planned | planned |"] * 2)
    assert status == 1 and "A stands already on line 7" in output, output


def rejects_a_label_without_row():
    status, output = run(["| MUST-1 | x | planned | planned |"], PAGE.replace("RFC 1:", "RFC 9293:"))
    assert status == 1 and "MUST-2 has no row" in output and "MUST-1 has" not in output, output


def rejects_a_page_without_rows():
    status, output = run([])
    assert status == 1 and "no rows" in output, output


run_cases({f"rejects_{name}": rejects(*row) for name, row in REJECTED.items()}
          | {case.__name__: case for case in (
              accepts_true_rows_and_counts_them, rejects_an_id_twice,
              rejects_a_label_without_row, rejects_a_page_without_rows)})
