# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws what a terminal shows of the demo: the file that the README begins with.

It is a real run, of which the long middle is left out. How many lines that are is said in the picture.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

FIRST, LAST, WIDTH = 24, 20, 118


def main() -> int:
    """Run the demo and write the picture to the file that is named on the command line."""
    done = subprocess.run(
        [sys.executable, "tests/demo.py"],
        env={**os.environ, "ANSIBLE_FORCE_COLOR": "1", "COLUMNS": "80"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    Path(sys.argv[1]).write_text(drawn(done.stdout), encoding="utf-8")
    return 0


def drawn(printed: str) -> str:
    """What was printed, with its colours, as SVG: the first and the last lines of the first run."""
    first_run = printed.partition("\n== Second run")[0].strip("\n").splitlines()
    left_out = len(first_run) - FIRST - LAST
    lines = ["$ make demo", *first_run[:FIRST], f"… {left_out} more lines …", *first_run[-LAST:]]
    with open(os.devnull, "w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True, color_system="standard")
        console.print(Text.from_ansi("\n".join(lines)), no_wrap=True, overflow="ellipsis", crop=True)
    drawing = console.export_svg(title="emqx.cloud", theme=MONOKAI, unique_id="demo")
    # Fonts from elsewhere are never loaded where a picture is shown; every machine has a monospaced one.
    return re.sub(r" *@font-face \{.*?\}\n", "", drawing, flags=re.DOTALL) + "\n"


if __name__ == "__main__":
    sys.exit(main())
