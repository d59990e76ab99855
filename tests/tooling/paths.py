# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things are, and how commands are started."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

NAMESPACE, NAME = "emqx", "cloud"
INSIDE = Path("ansible_collections") / NAMESPACE / NAME


def _places() -> tuple[Path, Path]:
    """The checkout, and the folder of collections: the one that this file is in, if it is in a copy below `.build`."""
    here = Path(__file__).resolve().parents[2]
    above = here.parents
    if len(above) > 4 and above[3].name == ".build":
        return above[4], above[2]
    return here, here / ".build" / "collections"


ROOT, COLLECTIONS = _places()
"""COLLECTIONS is what to put on PYTHONPATH and ANSIBLE_COLLECTIONS_PATH: it contains `ansible_collections`."""
BUILD = ROOT / ".build"
COPY = COLLECTIONS / INSIDE
"""The copy of the collection that pytest and the playbooks run in."""


class ToolError(Exception):
    """A failure that one sentence explains."""


def say(text: str) -> None:
    """Tell what is being done, before the command that does it prints anything."""
    print(f"-- {text}", flush=True)


def output_of(command: list[str | Path], cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """Run a command quietly; return what it printed, or show that when it failed."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ToolError(f"{done.stdout}\nfailed ({done.returncode}): {' '.join(map(str, command))}")
    return done.stdout


def is_root() -> bool:
    """Whether system packages can be installed without asking anybody."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
