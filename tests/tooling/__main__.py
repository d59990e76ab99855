# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands behind the Makefile: `python3 -m tooling COMMAND …`, with `tests` on PYTHONPATH."""

from __future__ import annotations

import argparse
import os
import shutil
import sys

from . import ansible_test, copies, documentation, environments, linters, release, reliability, stubs
from .paths import BUILD, COPY, ROOT, ToolError, say


def main() -> int:
    """Do one command; the last one it starts takes over this process, so that its last line is ours."""
    parser = argparse.ArgumentParser(prog="tooling", description=__doc__)
    commands = ["venv", "sync", "run", "test", "test-long", "integration", "bench", "lint", "docs", "faults", "picture"]
    commands += ["stubs", "ansible-test", "release-check", "clean"]
    parser.add_argument("command", choices=commands)
    parser.add_argument("words", nargs=argparse.REMAINDER, help="handed on, to pytest for example")
    options = parser.parse_args()
    try:
        return _do(options.command, options.words)
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1


def _do(command: str, words: list[str]) -> int:
    if command == "venv":
        environments.prepare(*environments.ENVIRONMENTS)
    elif command == "sync":
        copies.sync()
    elif command == "run":
        environments.prepare("main")
        _hand_over(words, keep_connection=True)
    elif command == "integration":
        environments.prepare("main")
        _hand_over(["pytest", "tests/system/test_integration_targets.py", *words], keep_connection=True)
    elif command == "bench":
        environments.prepare("bench")
        if "--only" not in words:  # a part of the figures must not take the place of all of them
            words = [*words, "--output", str(ROOT / "docs")]
        _hand_over(["python", "tests/bench.py", *words], keep_connection=True, environment="bench")
    elif command == "test":
        environments.prepare(*environments.ENVIRONMENTS)
        # Two workers for two cores; a group of tests that share something slow stays on one of them.
        _hand_over(["pytest", "-n", "2", "--dist", "loadgroup", *words])
    elif command == "test-long":
        environments.prepare("main", "core216")
        copies.sync()
        return reliability.test_long(words)
    elif command == "lint":
        environments.prepare("lint")
        return linters.run_all()
    elif command == "docs":
        environments.prepare("docs")
        copies.sync()
        say(f"the site: {documentation.build()}")
    elif command == "faults":
        environments.prepare("main")
        _hand_over(["env", "PYTHONPATH=tests", "python", "-m", "faults.matrix", str(ROOT / "docs" / "faults.md")])
    elif command == "picture":
        environments.prepare("main")
        _hand_over(["python", "tests/picture.py", str(ROOT / "docs" / "demo.svg")])
    elif command == "release-check":
        return release.run(*words)
    elif command == "stubs":
        stubs.write()
    elif command == "ansible-test":
        core, *rest = words
        environments.prepare(core, "python38")
        done = ansible_test.run(core, *rest)
        print(done.stdout)
        return done.returncode
    else:
        shutil.rmtree(BUILD, ignore_errors=True)
    return 0


def _hand_over(words: list[str], keep_connection: bool = False, environment: str = "main") -> None:
    """Become a command of an environment, inside a fresh copy."""
    copies.sync()
    os.chdir(COPY)
    say(" ".join(words))
    variables = environments.variables(environment, keep_connection)
    sys.stdout.flush()
    os.execvpe(words[0], words, variables)


if __name__ == "__main__":
    sys.exit(main())
