# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures as a table, as JSON and as a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    """One line: what ran, how long it took, beside what, and what the ratio of the two should be at most."""

    what: str
    seconds: float
    beside: str = ""
    beside_seconds: float = 0
    ratio: float = 0
    target: float = 0
    megabytes: float = 0
    simulator: float = 0
    """Seconds of the simulator's processor in one run."""

    @property
    def met(self) -> bool:
        return not self.target or self.ratio <= self.target

    @property
    def bound(self) -> bool:
        """Whether the simulator took more than half of the time."""
        return self.simulator > self.seconds / 2


HEAD = ("what", "time", "beside", "its time", "ratio", "at most", "memory", "simulator")


def table(rows: Sequence[Row]) -> str:
    """The figures as a Markdown table."""
    lines = [HEAD, tuple("---" for _name in HEAD)]
    for row in rows:
        lines.append((
            row.what, _time(row.seconds), row.beside, _time(row.beside_seconds) if row.beside else "",
            f"{row.ratio:.3g}" if row.beside else "",
            (f"{row.target:.3g}" + ("" if row.met else " (missed)")) if row.target else "",
            f"{row.megabytes:.0f} MB" if row.megabytes else "",
            (_time(row.simulator) + (" (the limit)" if row.bound else "")) if row.simulator else "",
        ))
    widths = [max(len(line[place]) for line in lines) for place in range(len(HEAD))]
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in lines)


def _time(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms" if seconds < 0.5 else f"{seconds:.2f} s"


def write(folder: Path, about: dict[str, object], rows: Sequence[Row]) -> None:
    """Write benchmark.json, and benchmark.svg if anything was measured that has a target."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {"about": about, "rows": [{**row._asdict(), "met": row.met} for row in rows]}
    (folder / "benchmark.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    drawn = [row for row in rows if row.beside and row.target]
    if drawn:
        _draw(folder / "benchmark.svg", about, drawn)


def _draw(file: Path, about: dict[str, object], rows: Sequence[Row]) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "emqx.cloud", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 0.62 * len(rows) + 1.2), layout="constrained")
    for place, row in enumerate(rows):
        for offset, seconds, name, colour in (
            (-0.2, row.seconds, row.what, "#00875a"), (0.2, row.beside_seconds, row.beside, "#b8c0cc"),
        ):
            axes.barh(place + offset, seconds, height=0.36, color=colour)
            axes.text(seconds * 1.05, place + offset, f"{name}: {_time(seconds)}", va="center")
    axes.set_xscale("log")
    axes.set_xlim(right=max(max(row.seconds, row.beside_seconds) for row in rows) * 40)
    axes.set_yticks([])
    axes.invert_yaxis()
    axes.set_xlabel("seconds, on a logarithmic scale")
    axes.set_title(f"emqx.cloud (green) beside what it is measured by · {about['machine']}", loc="left")
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": "make bench"})
