# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs commands as whole processes: how long each takes, and how much memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """What one run took: seconds, seconds of the simulator's processor, megabytes of its largest process."""

    seconds: float
    simulator: float
    megabytes: float


class Case(NamedTuple):
    """A command that is measured; ``before`` is called ahead of each run and costs nothing."""

    name: str
    command: Sequence[str]
    before: Callable[[], None] = lambda: None


def measure(case: Case, variables: Mapping[str, str], folder: Path, simulator: int | None) -> Cost:
    """Run a command once; the benchmark ends where it fails.

    :param simulator: its process, unless a real broker is asked.
    """
    case.before()
    with tempfile.TemporaryFile("w+") as output:
        cpu, begun = _cpu(simulator), time.perf_counter()
        process = subprocess.Popen(
            case.command, cwd=folder, env=dict(variables), stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT,
        )
        status, usage = os.wait4(process.pid, 0)[1:]
        process.returncode = os.waitstatus_to_exitcode(status)
        cost = Cost(time.perf_counter() - begun, _cpu(simulator) - cpu, usage.ru_maxrss / 1024)
        if process.returncode:
            output.seek(0)
            sys.exit(f"{case.name} failed:\n{output.read()[-4000:]}")
    return cost


def _cpu(process: int | None) -> float:
    """The seconds of processor time that a process has taken so far."""
    if process is None:
        return 0
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def median(costs: Sequence[Cost]) -> Cost:
    """The median of each figure."""
    return Cost(*(statistics.median(values) for values in zip(*costs)))
