# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real copies of the collection, at a path that ends in `ansible_collections/emqx/cloud`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from .paths import COPY, ROOT, output_of

# What tests leave behind in a copy, and git's own folder: neither belongs to the collection.
_SKIPPED = {".git", ".build", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", "__pycache__", "output"}


def sync(target: Path = COPY) -> Path:
    """Make the folder hold the files of this checkout and no others; only what differs is written."""
    files = set(_tracked())
    for name in files:
        source, copy = ROOT / name, target / name
        if not copy.exists() or _signature(source) != _signature(copy):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)
    for name in set(_walk(target)) - files:
        (target / name).unlink()
    return target


def sync_as_repository(target: Path) -> Path:
    """A copy that is a git repository too: ansible-test and others ask git which files there are."""
    sync(target)
    if shutil.which("git") and not (target / ".git").exists():
        output_of(["git", "init", "-q", target])
    return target


def _tracked() -> Iterator[Path]:
    """The files that git tracks or would track; everything, where this is no git checkout."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        yield from _walk(ROOT)
        return
    for name in output_of(["git", "ls-files", "-z", "-co", "--exclude-standard"]).split("\0"):
        if name and (ROOT / name).is_file():
            yield Path(name)


def _walk(top: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if name not in _SKIPPED]
        yield from (Path(folder, name).relative_to(top) for name in files)


def _signature(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_mode
