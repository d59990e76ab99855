# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The linters that ansible-test has not."""

from __future__ import annotations

import json
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
    "bandit": ("bandit", "--quiet", "--configfile", "pyproject.toml", "--recursive", "plugins"),
    "pip-audit": ("pip-audit", "--requirement", "requirements.txt", "--format", "json", "--progress-spinner", "off"),
    "mypy": ("mypy", "--cache-dir", str(BUILD / "mypy"), "--package", "tooling", "--package", _PACKAGE),
}


def run(name: str) -> subprocess.CompletedProcess[str]:
    """Run one linter on a fresh copy; output and errors are one text."""
    done = _run(name)
    # Where the random name of its own folder ends in an underscore, antsibull-docs takes that for a reference.
    return _run(name) if done.returncode and 'Unknown target name: "antsibull-docs-' in done.stdout else done


def _run(name: str) -> subprocess.CompletedProcess[str]:
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


def unaudited(done: subprocess.CompletedProcess[str]) -> bool:
    """Whether pip-audit had nothing to say for want of a service that knows of vulnerabilities: it calls that clean."""
    report = next((line for line in done.stdout.splitlines() if line.startswith('{"dependencies"')), None)
    if report is None:
        return "requests.exceptions." in done.stdout or "ServiceError" in done.stdout
    return all("skip_reason" in dependency for dependency in json.loads(report)["dependencies"])


def run_all() -> int:
    """Run every linter, whatever the others find."""
    outcomes: dict[str, list[str]] = {"failed": [], "not run, since no service for it is reachable": [], "clean": []}
    failed, not_run, clean = outcomes.values()
    for name in LINTERS:
        done = run(name)
        if name == "pip-audit" and unaudited(done):
            not_run.append(name)
        elif done.returncode:
            failed.append(name)
            print(done.stdout)
        else:
            clean.append(name)
    say("; ".join(f"{outcome}: {', '.join(names)}" for outcome, names in outcomes.items() if names))
    return int(bool(failed))
