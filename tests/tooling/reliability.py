# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make test-long`: the whole of what `make test` tries a part of, and its figures in docs/reliability.md."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path

from .environments import variables
from .paths import BUILD, COPY, ROOT, say

PAGE = Path("docs/reliability.md")
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"

FIGURES = {
    "faults": "faults × modules × generations that end as `docs/faults.md` says",
    "kills": "runs of 5,000 items killed at a random point and repaired by the next one",
    "concurrent runs": "pairs of runs side by side that end in one of the two states, or say that they don't",
    "secret searches": "searches of an output for a form of a secret that is not there",
    "paths tried": "names that look like a path, given to an option that reaches one",
    "tls cases": "certificates, proxies and redirects",
    "fuzz cases": "names, topics, payloads and passwords sent round, or refused before any request",
    "bodies": "bodies that the parser of answers was fuzzed with",
    "guards": "guards against a plan that goes too far",
    "defences": "defences that make a test fail when they are turned off",
}
"""What is counted, and what it is in the table."""


def test_long(words: list[str]) -> int:
    """Run the long tests; where all of them ran and passed, write their figures.

    :param words: for pytest; with any, no figures are written, since they may leave tests out.
    :returns: the exit code of pytest.
    """
    kept = BUILD / "reliability.jsonl"
    kept.unlink(missing_ok=True)
    command = ["pytest", "-n", "2", "--dist", "loadgroup", "tests/faults", *words]
    say(" ".join(command))
    environment = {**variables("main"), "RELIABILITY_FIGURES": str(kept)}
    code = subprocess.run(command, cwd=COPY, env=environment, check=False).returncode
    if code == 0 and not words:
        page = ROOT / PAGE
        page.write_text(with_figures(page.read_text(encoding="utf-8"), _summed(kept)), encoding="utf-8")
        say(f"{PAGE} has the figures")
    return code


def _summed(kept: Path) -> Counter[str]:
    figures: Counter[str] = Counter()
    for line in kept.read_text(encoding="utf-8").splitlines():
        figures.update(json.loads(line))
    return figures


def with_figures(page: str, figures: Counter[str]) -> str:
    """The page with the table of the figures in place of the one that it has.

    :raises ValueError: a figure is none of :data:`FIGURES`.
    """
    rows = ["| what | how many |", "| --- | ---: |"]
    rows += [f"| {FIGURES[name]} | {number:,} |" for name, number in sorted(figures.items(), key=_place)]
    before, rest = page.split(BEGIN)
    return before + BEGIN + "\n" + "\n".join(rows) + "\n\n" + END + rest.split(END)[1]


def _place(figure: tuple[str, int]) -> int:
    return list(FIGURES).index(figure[0])
