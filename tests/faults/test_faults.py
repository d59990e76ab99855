# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module meets every trouble, and what comes of it is what docs/faults.md says.

`make test` lets a module that there is on both generations meet a trouble on one of them, `make test-long` on both.
"""

from __future__ import annotations

import importlib
import tracemalloc
from collections.abc import Iterator

import pytest

from faults import matrix
from faults.cases import GENERATIONS, modules_of
from faults.figures import LONG, count
from faults.troubles import HUGE, TROUBLES
from simulator import Fault, Simulator
from system.harness import PLUGINS, done, one_sentence, run

PAIRS = [(generation, module) for generation in GENERATIONS for module in modules_of(generation)]


@pytest.fixture(name="worlds", scope="module")
def fixture_worlds() -> Iterator[dict[str, matrix.World]]:
    with matrix.worlds() as found:
        yield found


@pytest.mark.parametrize(("generation", "module"), PAIRS)
def test_what_comes_of_trouble(worlds: dict[str, matrix.World], generation: str, module: str) -> None:
    alone = sum(module == name for _unused, name in PAIRS) == 1
    place = GENERATIONS.index(generation) + modules_of("v5").index(module) if not alone else 0
    chosen = [
        (trouble, position)
        for number, trouble in enumerate(TROUBLES) if LONG or alone or (number + place) % 2 == 0
        for position in matrix.POSITIONS
    ]
    written = matrix.read(matrix.FILE.read_text(encoding="utf-8"))
    found = list(matrix.Meeting(worlds[generation], generation, module).outcomes(chosen))
    assert len(found) == len(chosen)
    for trouble, position, outcome in found:
        known = written[generation, module, trouble.name][position]
        assert (trouble.name, position, outcome) == (trouble.name, position, known)
        if outcome != "–":
            count("faults")


def test_the_matrix_is_as_it_is_generated_and_leaves_nothing_out() -> None:
    text = matrix.FILE.read_text(encoding="utf-8")
    cells = matrix.read(text)
    assert matrix.render(cells) == text
    assert {outcome for outcomes in cells.values() for outcome in outcomes.values()} == set(matrix.OUTCOMES)
    # Nothing is only spared: each module meets most troubles.
    for generation, module in PAIRS:
        met = [name for name in (trouble.name for trouble in TROUBLES) if matrix.met(cells[generation, module, name])]
        assert len(met) > len(TROUBLES) / 2, (generation, module, met)


@pytest.mark.parametrize("generation", ["v4", "v5"])
@pytest.mark.parametrize("way", [{}, {"chunked": True}, {"gzip": True}], ids=["promised", "chunked", "compressed"])
def test_an_answer_of_200_mb_needs_little_memory(generation: str, way: dict[str, bool]) -> None:
    most = importlib.import_module(f"{PLUGINS}module_utils._http").MOST
    with Simulator.start(generation=generation) as simulator:
        deployment = simulator.deployments[0]
        deployment.faults.add(Fault("huge", size=HUGE, times=1, **way))
        tracemalloc.start()
        try:
            result = run("client_info", deployment)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert "gave an answer of more than 64 MiB" in one_sentence(result["msg"])
        assert len(deployment.requests) == 1
        assert peak < (1.6 * most if way else most / 4)  # a growing buffer is copied now and then


@pytest.mark.parametrize("generation", ["v4", "v5"])
def test_a_page_of_10000_long_rows_is_far_below_the_bound(generation: str) -> None:
    most = importlib.import_module(f"{PLUGINS}module_utils._http").MOST
    with Simulator.start(generation=generation) as simulator:
        deployment = simulator.deployments[0]
        deployment.add_clients(f"{number:05}-of-a-device-with-a-long-name" for number in range(10000))
        sizes = []
        code = importlib.import_module(f"{PLUGINS}module_utils._http")
        plain = code._content_of
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(code, "_content_of", lambda response: sizes.append(plain(response)) or sizes[-1])
            assert done("client_info", deployment)["count"] == 10000
        assert max(map(len, sizes)) < most / 4
