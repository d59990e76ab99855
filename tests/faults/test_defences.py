# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turning off any one defence makes a test fail."""

from __future__ import annotations

import os
import shlex
import subprocess

import pytest

from faults.defences import DEFENCES, Defence
from faults.figures import LONG, count
from tooling import copies
from tooling.environments import variables
from tooling.paths import BUILD, COPY, INSIDE

WHAT = [defence.what for defence in DEFENCES]


@pytest.mark.parametrize("defence", DEFENCES, ids=WHAT)
def test_the_list_fits_the_code(defence: Defence) -> None:
    """Each text stands in its file once, so that it is that defence which is turned off, and its tests are there."""
    assert (COPY / defence.file).read_text(encoding="utf-8").count(defence.text) == 1
    assert (COPY / shlex.split(defence.tests)[0].partition("::")[0]).is_file()


def test_each_is_another_one() -> None:
    assert len(set(WHAT)) == len(WHAT)


if LONG:

    @pytest.mark.parametrize("defence", DEFENCES, ids=WHAT)
    def test_a_test_fails_without_it(defence: Defence) -> None:
        """In a copy of the collection in which the defence is turned off."""
        top = BUILD / f"defences-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
        copy = copies.sync(top / INSIDE)
        source = (copy / defence.file).read_text(encoding="utf-8")
        (copy / defence.file).write_text(source.replace(defence.text, defence.instead), encoding="utf-8")
        environment = {**variables("main"), "PYTHONPATH": str(top), "ANSIBLE_COLLECTIONS_PATH": str(top)}
        environment["PYTHONDONTWRITEBYTECODE"] = "1"  # the next change may be of the same size, in the same second
        del environment["RELIABILITY_FIGURES"]
        done = subprocess.run(
            ["pytest", "-x", "-q", "-p", "no:cacheprovider", *shlex.split(defence.tests)],
            cwd=copy,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
        count("defences")
