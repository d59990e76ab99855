# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever an API answers, a task ends in a value or in a sentence, and doesn't go on for ever."""

from __future__ import annotations

import importlib.util
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from faults.figures import LONG, count
from faults.parsing import STATUSES, Exchange, Place, Reply, mutated, places, recorded

GENERATIONS = ("v4", "v5", "platform")
MUTANTS = 20 if LONG else 1
"""How many bodies are made of each that was recorded."""
LIMIT = ["-max_total_time=120"] if LONG else ["-runs=600"]
"""How long the fuzzer goes on with each generation."""

FUZZER = Path(__file__).with_name("fuzz_parser.py")


@pytest.fixture(scope="module", params=GENERATIONS)
def generation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def known(generation: str) -> list[Place]:
    return places(generation)


def fitting(known: list[Place], exchange: Exchange) -> list[Place]:
    """The requests that this could be the answer to; if there is none, the first of each target."""
    return [place for place in known if place.kind == exchange.kind] or [place for place in known if not place.number]


def test_bodies_with_one_thing_wrong(generation: str, known: list[Place]) -> None:
    own = [place.target.exchanges[place.number] for place in known]
    for number, exchange in enumerate([*recorded(generation), *own]):
        for variant in range(MUTANTS):
            chance = random.Random(f"{generation} {number} {variant}")
            place = chance.choice(fitting(known, exchange))
            status = exchange.reply.status if chance.random() < 0.7 else chance.choice(STATUSES)
            reply = Reply(status, mutated(exchange.reply.body, chance))
            note = f"{place.target.module} {place.target.options} {place.number}: {reply.status} {reply.body[:2000]!r}"
            try:
                place.given(reply)
            except Exception as error:
                raise AssertionError(note) from error
            count("bodies")


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="not run: there is no atheris for this Python"
)
def test_coverage_guided_fuzz(generation: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    arguments = [*LIMIT, "-seed=1", "-timeout=20", "-rss_limit_mb=2048", "-max_len=20000"]
    arguments.append(f"-artifact_prefix={tmp_path}/")
    done = subprocess.run(
        [sys.executable, str(FUZZER), generation, str(tmp_path / "corpus"), *arguments],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    runs = re.search(r"Done (\d+) runs", done.stdout)
    assert runs, done.stdout[-6000:]
    count("bodies", int(runs[1]))
