# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark runs; what it measures is for `make bench`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from benchmark.report import Row, table, write


def test_everything_that_is_measured_ends_well() -> None:
    bench = Path(__file__).parents[1] / "bench.py"
    small = ["--runs", "1", "--items", "2", "--users", "30", "100", "--subjects", "20", "--deployments", "2"]
    done = subprocess.run([sys.executable, bench, *small], capture_output=True, text=True, check=False)
    # Whether a target is met is not for a test to say.
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr, done.stdout + done.stderr
    parts = ("item", "30 users, first run", "20 ACL subjects, unchanged run", "100 users as a module", "2 deployments,")
    for what in parts:
        assert re.search(rf"^\|.*{what}.* [\d.]+ m?s +\|", done.stdout, re.MULTILINE), done.stdout


def test_a_table_says_which_target_is_missed_and_where_the_simulator_is_the_limit() -> None:
    rows = [
        Row("good", 1.0, "other", 2.0, 0.5, 0.6, 60, 0.1), Row("bad", 0.25, "other", 0.5, 0.5, 0.4),
        Row("waits", 4.0, simulator=3.0),
    ]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table(rows).splitlines()[2:]]
    assert lines == [
        ["good", "1.00 s", "other", "2.00 s", "0.5", "0.6", "60 MB", "100.0 ms"],
        ["bad", "250.0 ms", "other", "0.50 s", "0.5", "0.4 (missed)", "", ""],
        ["waits", "4.00 s", "", "", "", "", "", "3.00 s (the limit)"],
    ]


def test_a_part_without_targets_is_written_without_a_picture(tmp_path: Path) -> None:
    write(tmp_path, {"runs": 1}, [Row("waits", 4.0, "other", 2.0, 2.0)])
    assert [path.name for path in tmp_path.iterdir()] == ["benchmark.json"]
    assert json.loads((tmp_path / "benchmark.json").read_text())["rows"][0]["met"] is True
