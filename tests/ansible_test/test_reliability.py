# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of docs/reliability.md are those that the tests count."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tooling import reliability
from tooling.paths import COPY

PAGE = (COPY / reliability.PAGE).read_text(encoding="utf-8")


def test_what_is_counted_has_a_line_in_the_table() -> None:
    counted = {
        name
        for path in COPY.glob("tests/faults/*.py")
        for name in re.findall(r'\bcount\("([^"]*)"', path.read_text(encoding="utf-8"))
    }
    assert counted == set(reliability.FIGURES)


def test_the_page_has_every_figure_and_no_other() -> None:
    table = PAGE.partition(reliability.BEGIN)[2].partition(reliability.END)[0]
    assert set(re.findall(r"(?m)^\| (.+) \| [\d,]+ \|$", table)) == set(reliability.FIGURES.values())


def test_figures_take_the_place_of_those_before() -> None:
    page = reliability.with_figures(PAGE, Counter({"kills": 1050, "faults": 3}))
    table = page.partition(reliability.BEGIN)[2].partition(reliability.END)[0].split()
    assert table.index("3") < table.index("1,050")
    assert reliability.with_figures(page, Counter({"kills": 2})).count("1,050") == 0
    with pytest.raises(ValueError):
        reliability.with_figures(page, Counter({"unknown": 1}))
