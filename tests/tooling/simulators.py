# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulator in a process of its own, for what doesn't run in the environment of the tests or measures it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .paths import ToolError


class Started(NamedTuple):
    """What a simulator says about itself, and its process."""

    facts: dict[str, Any]
    process: int


@contextlib.contextmanager
def started(python: Path, tests: Path, ready: Path, variables: Mapping[str, str], *words: str) -> Iterator[Started]:
    """Start a simulator and end it.

    :param python: of an environment with its requirements.
    :param tests: the folder that it is in.
    :param ready: the file that it writes once it listens.
    :param words: its arguments.
    :raises ToolError: it doesn't start within a minute.
    """
    ready.parent.mkdir(parents=True, exist_ok=True)
    ready.unlink(missing_ok=True)
    places = [str(tests), *filter(None, [variables.get("PYTHONPATH")])]
    environment = {**variables, "PYTHONPATH": os.pathsep.join(places)}
    command = [str(python), "-m", "simulator", *words, "--ready-file", str(ready)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + 60
            while not ready.exists():
                if process.poll() is not None or time.monotonic() > end:
                    raise ToolError(f"the simulator doesn't start: {' '.join(words)}")
                time.sleep(0.1)
            yield Started(json.loads(ready.read_text(encoding="utf-8")), process.pid)
        finally:
            process.terminate()
