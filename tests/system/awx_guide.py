# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide about AWX, whose examples are run, and the files that are shipped for it."""

from __future__ import annotations

import re
import textwrap

from tooling.paths import COPY

EXTENSIONS = COPY / "extensions" / "awx"
GUIDE = COPY / "docs" / "docsite" / "rst" / "guide_awx.rst"


def blocks(language: str) -> list[str]:
    """The code blocks of the guide that are of a language."""
    pattern = rf"^\.\. code-block:: {re.escape(language)}\n\n((?:    .*\n|\n)+)"
    found = re.findall(pattern, GUIDE.read_text(), re.MULTILINE)
    return [textwrap.dedent(block).strip("\n") + "\n" for block in found]


def plays() -> list[str]:
    """The code blocks that are playbooks."""
    return [block for block in blocks("yaml+jinja") if re.search("^ *hosts:", block, re.MULTILINE)]


def commands() -> list[str]:
    """What is typed in the console blocks."""
    return [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]
