# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much is tried, and the figures of it in docs/reliability.md.

`make test` tries a part of what `make test-long` tries, which also keeps the figures.
"""

from __future__ import annotations

import json
import os

_FILE = os.environ.get("RELIABILITY_FIGURES")

LONG = _FILE is not None
"""Whether `make test-long` runs."""


def count(name: str, number: int = 1) -> None:
    """Add to a figure, once what it counts has passed; `tooling.reliability.FIGURES` names them."""
    if _FILE:
        line = json.dumps({name: number}) + "\n"
        with open(_FILE, "a", encoding="utf-8") as file:  # a line is written at once, whichever worker writes
            file.write(line)
