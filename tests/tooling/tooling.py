"""What the tests of the checkers share: a tree made from a dict, a checker run on it."""

import os
import subprocess
import sys
import tempfile

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts")


def run_on_tree(script, files, arguments=()):
    """Status and output of scripts/SCRIPT ROOT, where ROOT holds the files {path: text}."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)
        done = subprocess.run([os.path.join(SCRIPTS, script), root, *arguments],
                              capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


def run_cases(cases):
    """Runs {name: function}; prints a line for each and ends the program."""
    failed = 0
    for name, case in cases.items():
        try:
            case()
            print(f"ok {name}")
        except AssertionError as error:
            print(f"not ok {name}")
            print(f"    {error}")
            failed += 1
    sys.exit(1 if failed else 0)
