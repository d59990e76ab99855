# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/api-calls.md says: each call of the APIs, with the modules that make it."""

from __future__ import annotations

import re
from typing import NamedTuple

from .paths import COPY

PAGE = (COPY / "docs/api-calls.md").read_text(encoding="utf-8")


class Row(NamedTuple):
    """One line of a table."""

    generation: str
    method: str
    path: str
    modules: list[str]
    note: str


def rows() -> list[Row]:
    """The lines of all tables."""
    found = []
    generation = ""
    for line in PAGE.splitlines():
        heading = re.match(r"## (\w+)", line)
        generation = heading.group(1) if heading else generation
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        call = re.fullmatch(r"`([A-Z]+) (/\S+)`", cells[0])
        if call:
            found.append(Row(generation, call[1], call[2], re.findall(r"`(\w+)`", cells[1]), cells[2]))
    return found


def shape(path: str) -> str:
    """A path without the names of its placeholders."""
    return re.sub(r"\{[^}]*\}(:\{[^}]*\})?", "{}", path)
