# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/api-calls.md says of each call which modules make it, and leaves none out."""

from __future__ import annotations

import pytest

from simulator import platform, v4, v5
from tooling.api_calls import PAGE, Row, rows, shape
from tooling.paths import COPY

MODULES = {path.stem for path in COPY.glob("plugins/modules/*.py")} - {"__init__"}
LEFT = PAGE.partition("\n## What is left to `emqx.cloud.api`\n")[2].partition("\n## ")[0]
SOURCES = "".join(path.read_text(encoding="utf-8") for path in COPY.glob("plugins/module_utils/_resources/*.py"))
ROWS = rows()


@pytest.mark.parametrize(
    ("generation", "parts"),
    [("v4", [*v4.PARTS, v4.shadows]), ("v5", v5.PARTS), ("Platform", [platform.Api()])],
)
def test_no_call_is_left_out(generation: str, parts: list[object]) -> None:
    """What the simulator answers was recorded or is documented."""
    listed = {(row.method, shape(row.path)) for row in ROWS if row.generation == generation}
    served = set()
    for part in parts:
        routes = getattr(part, "routes", None) or part.cloud_routes
        served |= {(method, shape("/" + "/".join(path))) for path, methods in routes.table() for method in methods}
    assert served == listed


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.generation}-{row.method}-{row.path}")
def test_a_call_has_modules_or_a_reason(row: Row) -> None:
    assert row.modules and set(row.modules) <= MODULES
    if row.modules == ["api"]:
        assert row.note, "the reason why there is no module is missing"
        return
    # Whatever stands before the first name of a user's has to stand in the code that makes the calls.
    place = row.path[1:].partition("{")[0].strip("/")
    words = [part for part in place.split("/") if part not in ("username", "clientid", "users", "clients")]
    assert all(word in SOURCES or word.replace(":", "%3A") in SOURCES for word in words)


def test_every_module_stands_there() -> None:
    assert {module for row in ROWS for module in row.modules} == MODULES - {"validate_model"}  # it makes none


def test_it_says_at_its_end_what_api_is_needed_for() -> None:
    """Each call without a module of its own, with its reason."""
    for row in ROWS:
        if row.modules == ["api"]:
            assert row.path in LEFT, f"{row.method} {row.path}"
