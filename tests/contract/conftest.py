# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""One simulator of each generation for the tests of the simulator, reset after every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from contract.api_client import ApiClient
from simulator import Deployment, Simulator


@pytest.fixture(scope="session")
def _simulators() -> Iterator[dict[str, Simulator]]:
    with Simulator.start("v4") as v4, Simulator.start("v5") as v5:
        yield {"v4": v4, "v5": v5}


def _fresh(simulator: Simulator) -> Iterator[Deployment]:
    deployment = simulator.deployments[0]
    yield deployment
    deployment.reset()


@pytest.fixture
def v4(_simulators: dict[str, Simulator]) -> Iterator[Deployment]:
    yield from _fresh(_simulators["v4"])


@pytest.fixture
def v5(_simulators: dict[str, Simulator]) -> Iterator[Deployment]:
    yield from _fresh(_simulators["v5"])


@pytest.fixture(params=["v4", "v5"])
def both(request: pytest.FixtureRequest, _simulators: dict[str, Simulator]) -> Iterator[Deployment]:
    yield from _fresh(_simulators[request.param])


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """Without what the environment says about proxies and certificates."""
    with requests.Session() as one:
        one.trust_env = False
        yield one


@pytest.fixture
def api(session: requests.Session) -> ApiClient:
    return ApiClient(session)
