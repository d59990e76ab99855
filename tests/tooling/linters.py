# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The linters that ansible-test has not."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

from . import copies
from .environments import VENVS, variables
from .paths import BUILD, INSIDE, say

# A copy of their own: what tests leave behind in theirs is nobody's to lint.
_TOP = BUILD / "lint"
_COPY = _TOP / INSIDE
_PACKAGE = "ansible_collections.emqx.cloud.plugins.module_utils"

LINTERS: Mapping[str, tuple[str, ...]] = {
    "ruff": ("ruff", "check", "--no-cache", "."),
    "yamllint": ("yamllint", "--strict", "."),
    "changelog": ("antsibull-changelog", "lint"),
    "reuse": ("reuse", "lint", "--lines"),
    "ansible-lint": ("ansible-lint", "--nocolor", "-q"),
    "docs": (
        "antsibull-docs",
        "lint-collection-docs",
        "--plugin-docs",
        "--check-extra-docs-refs",
        "--validate-collection-refs=self",
        ".",
    ),
    "mypy": ("mypy", "--cache-dir", str(BUILD / "mypy"), "--package", "tooling", "--package", _PACKAGE),
}


def run(name: str) -> subprocess.CompletedProcess[str]:
    """Run one linter on a fresh copy; output and errors are one text."""
    # antsibull-docs takes the files that git knows, and would find none below a folder that git ignores.
    copies.sync_as_repository(_COPY)
    environment = variables("lint")
    environment["PYTHONDONTWRITEBYTECODE"] = "1"  # for reuse, compiled files are files without a license
    environment["ANSIBLE_COLLECTIONS_PATH"] = str(_TOP)
    environment["MYPYPATH"] = os.pathsep.join([str(_TOP), str(_COPY / "tests")])
    return subprocess.run(
        [str(VENVS / "lint" / "bin" / LINTERS[name][0]), *LINTERS[name][1:]],
        cwd=_COPY,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def run_all() -> int:
    """Run every linter, whatever the others find."""
    failed = []
    for name in LINTERS:
        done = run(name)
        if done.returncode:
            failed.append(name)
            print(done.stdout)
    say(f"failed: {', '.join(failed)}" if failed else f"clean: {', '.join(LINTERS)}")
    return int(bool(failed))
