# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The platform above the deployments, and its limits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from simulator import Platform, Simulator


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator.start("v5", count=2) as one:
        yield one


class Client:
    def __init__(self, platform: Platform, session: requests.Session) -> None:
        self._platform = platform
        self._session = session

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        auth = (self._platform.platform_key, self._platform.platform_secret)
        return self._session.request(method, self._platform.platform_url + path, auth=auth, timeout=10, **options)


@pytest.fixture
def platform(simulator: Simulator, session: requests.Session) -> Client:
    return Client(simulator.platform, session)


def test_deployments_are_listed(simulator: Simulator, platform: Client) -> None:
    simulator.deployments[1].add_client("a")
    rows = platform("GET", "/deployments").json()
    assert [row["deploymentID"] for row in rows] == [one.id for one in simulator.deployments]
    assert [row["connections"] for row in rows] == [0, 1]
    assert rows == simulator.platform.deployments
    assert platform("GET", f"/deployments/{rows[0]['deploymentID']}").json() == rows[0]
    assert platform("GET", "/projects").json()[0]["projectName"] == rows[0]["projectName"]


def test_what_is_listed_can_be_said(session: requests.Session) -> None:
    listed = [{"name": "eu", "project": "Fleet", "region": "eu-west-1", "type": "serverless"}]
    with Simulator.start("v5", count=2, listed=listed) as simulator:
        platform = Client(simulator.platform, session)
        simulator.platform.add_project("Fleet", "vans")
        id = simulator.platform.add_deployment("lab", region="us-east-1", type="dedicatedFlex", status="stopped")
        rows = platform("GET", "/deployments").json()
        assert [(row["deploymentName"], row["projectName"], row["region"], row["status"]) for row in rows] == [
            ("eu", "Fleet", "eu-west-1", "running"),
            ("deployment-2", "Default Project", "eu-central-1", "running"),
            ("lab", "Default Project", "us-east-1", "stopped"),
        ]
        assert platform("GET", f"/deployments/{id}").json() == rows[2]
        projects = platform("GET", "/projects").json()
        assert [(one["projectName"], one["description"]) for one in projects] == [
            ("Default Project", ""),
            ("Fleet", "vans"),
        ]
        assert len({one["projectID"] for one in projects}) == 2


def test_the_errors(simulator: Simulator, platform: Client, session: requests.Session) -> None:
    assert platform("GET", "/deployments/nonsense").status_code == 404
    assert platform("GET", "/nonsense").status_code == 404
    assert session.get(simulator.platform.platform_url + "/deployments", timeout=10).status_code == 401


def test_a_key_may_be_one_for_reading(simulator: Simulator, platform: Client) -> None:
    simulator.platform.set(read_only=True)
    id = simulator.deployments[0].id
    assert platform("POST", f"/deployments/{id}/stop").status_code == 403
    assert platform("GET", f"/deployments/{id}").json()["status"] == "running"


def test_reading_is_limited(simulator: Simulator, platform: Client) -> None:
    id = simulator.deployments[0].id
    for path in ("/deployments", f"/deployments/{id}", "/projects"):
        statuses = [platform("GET", path).status_code for _number in range(61)]
        assert statuses == [200] * 60 + [429]
    simulator.platform.set(retry_after=True)
    # Of all deployments together, since the account is counted.
    answer = platform("GET", f"/deployments/{simulator.deployments[1].id}")
    assert (answer.status_code, 3500 < int(answer.headers["Retry-After"]) <= 3600) == (429, True)
    simulator.platform.forget_limits()
    assert platform("GET", "/deployments").ok


def status_after(platform: Client, id: str) -> str:
    """Where it ends when it is no longer on the way."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        status = str(platform("GET", f"/deployments/{id}").json()["status"])
        if not status.endswith("ing") or status == "running":
            return status
        time.sleep(0.5)
    raise AssertionError("it takes too long")


def test_stop_and_start_are_limited_for_each_deployment(simulator: Simulator, platform: Client) -> None:
    first, second = (one.id for one in simulator.deployments)
    simulator.platform.set(operation_seconds=0.4)
    answer = platform("POST", f"/deployments/{first}/stop")
    assert (answer.status_code, answer.json()["operation"]) == (201, "stop")
    assert platform("GET", f"/deployments/{first}").json()["status"] == "stopping"
    refused = platform("POST", f"/deployments/{first}/stop")
    assert (refused.status_code, "Retry-After" in refused.headers) == (429, False)
    assert platform("POST", f"/deployments/{second}/stop").status_code == 201
    assert status_after(platform, first) == "stopped"
    simulator.platform.set(operation_seconds=3600)
    assert platform("POST", f"/deployments/{first}/start").status_code == 201
    assert platform("GET", f"/deployments/{first}").json()["status"] == "starting"
    simulator.platform.forget_limits()
    assert platform("POST", f"/deployments/{first}/stop").status_code == 422
    assert platform("POST", "/deployments/nonsense/stop").status_code == 404


def test_certificates(simulator: Simulator, platform: Client) -> None:
    path = f"/deployments/{simulator.deployments[0].id}/tls"
    certificate = {"tlsType": "one-way", "cert": "c", "key": "k"}
    assert platform("GET", path).status_code == 404
    assert platform("POST", path, json={"tlsType": "one-way"}).status_code == 422
    assert platform("POST", path, json=certificate).ok
    shown = platform("GET", path).json()
    assert (shown["tlsType"], "key" in shown) == ("one-way", False)
    assert platform("PUT", path, json={**certificate, "tlsType": "two-way", "cacert": "a"}).ok
    assert platform("DELETE", path).status_code == 204
    statuses = [platform("POST", path, json=certificate).status_code for _number in range(4)]
    assert statuses[-1] == 429
