# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test on the newest ansible-core and on 2.16, and on the oldest Python that modules run on.

pylint reads what ships and leaves the tests to ruff. It runs on the newest ansible-core alone, as do the tests that
hardly depend on ansible-core; what plugins import from 2.16 their units import as well. The units of modules run on
Python 3.8, and on the newest Python without ansible-test, as pytest runs tests/unit there. `make release-check` does
everything for each ansible-core.

Each ansible-core has one xdist group, since its runs share a copy of the collection: the two go side by side.
"""

from __future__ import annotations

import pytest

from tooling import ansible_test, environments
from tooling.paths import COPY

MODULES = ("modules", "module_utils")

MAIN = pytest.mark.xdist_group("ansible-test-main")
CORE216 = pytest.mark.xdist_group("ansible-test-core216")

UNITS = COPY / "tests/unit/plugins"
CONTROLLER = [f"tests/unit/plugins/{path.name}/" for path in sorted(UNITS.iterdir()) if path.name not in MODULES]
"""The units of what runs on the controller only."""

NEWEST_ONLY = ["changelog", "import", "pep8", "pylint", "runtime-metadata", "yamllint"]
"""What sanity looks at on the newest ansible-core alone."""


def skipped(names: list[str]) -> list[str]:
    """The options that leave these tests of sanity out."""
    return [word for name in names for word in ("--skip-test", name)]


@pytest.mark.parametrize(
    ("core", "python", "words"),
    [
        pytest.param("main", None, ["sanity", *skipped(["pylint"])], id="newest-sanity", marks=MAIN),
        pytest.param("main", None, ["sanity", "--test", "pylint", "plugins/"], id="newest-pylint", marks=MAIN),
        pytest.param("main", None, ["units", "--num-workers", "1", *CONTROLLER], id="newest-units", marks=MAIN),
        pytest.param("core216", None, ["sanity", *skipped(NEWEST_ONLY)], id="2.16-sanity", marks=CORE216),
        pytest.param("core216", None, ["units", "--num-workers", "1", *CONTROLLER], id="2.16-units", marks=CORE216),
        pytest.param(
            "core216", "3.8", ["sanity", "--test", "compile", "--test", "import"], id="2.16-sanity-3.8", marks=CORE216
        ),
        pytest.param("core216", "3.8", ["units", "--num-workers", "1"], id="2.16-units-3.8", marks=CORE216),
    ],
)
def test_ansible_test(core: str, python: str | None, words: list[str]) -> None:
    """It finds nothing to complain about."""
    needed = "python38" if python else core
    for name in dict.fromkeys([core, needed]):
        if environments.python_of(name) is None:
            versions = " or ".join(environments.ENVIRONMENTS[name].pythons)
            pytest.skip(f"Python {versions} is not on this machine, so {words[0]} was not run on it here")
    done = ansible_test.run(core, *words, python=python)
    assert done.returncode == 0, done.stdout


def test_no_ignores() -> None:
    """No finding of ansible-test is ignored."""
    assert not list(COPY.glob("tests/sanity/ignore*"))
