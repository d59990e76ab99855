# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The linters run with the tests, so that one command tells whether a change is good."""

from __future__ import annotations

import pytest

from tooling import documentation, environments, linters


@pytest.mark.xdist_group("linters")  # they share a copy
@pytest.mark.parametrize("name", linters.LINTERS)
def test_linter(name: str) -> None:
    """It finds nothing to complain about."""
    if environments.python_of("lint") is None:
        pytest.skip("no environment for linters here: run `make venv`")
    done = linters.run(name)
    if name == "pip-audit" and linters.unaudited(done):
        pytest.skip("not run here: no service that knows of vulnerabilities is reachable")
    assert done.returncode == 0, done.stdout


def test_the_site_is_built_without_a_warning() -> None:
    """Each page is there, and each reference leads somewhere."""
    if environments.python_of("docs") is None:
        pytest.skip("no environment for the documentation here: run `make venv`")
    assert documentation.build().is_file()
