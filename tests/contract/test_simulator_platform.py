# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The platform above the deployments, and its limits."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import requests
import trustme

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


def certificate(end: datetime = datetime.now(timezone.utc) + timedelta(days=9)) -> dict[str, str]:
    """A body that is accepted."""
    made = trustme.CA().issue_cert("localhost", not_before=end - timedelta(days=9), not_after=end)
    chain = "".join(blob.bytes().decode() for blob in made.cert_chain_pems)
    return {"tlsType": "one-way", "cert": chain, "key": made.private_key_pem.bytes().decode()}


def served(port: int) -> str:
    """The certificate that a client meets, in PEM; empty if it is hung up on."""
    try:
        return ssl.get_server_certificate(("127.0.0.1", port), timeout=10)
    except OSError:
        return ""


def test_certificates(simulator: Simulator, platform: Client) -> None:
    one = simulator.deployments[0]
    path = f"/deployments/{one.id}/tls"
    first, second = certificate(), certificate()
    assert (platform("GET", path).status_code, served(one.mqtts_port)) == (404, "")
    assert platform("PUT", path, json=first).status_code == 404
    answer = platform("POST", path, json=first)
    assert (answer.status_code, answer.json()["tlsType"]) == (201, "one-way")
    assert platform("POST", path, json=first).status_code == 409
    shown = platform("GET", path).json()
    assert sorted(shown) == ["expire", "status", "tlsType"] and shown["expire"].endswith("Z")
    wait_until(lambda: platform("GET", path).json()["status"] == "running")
    assert served(one.mqtts_port) == first["cert"]
    # Until the next one is no longer pending, clients meet the one before.
    simulator.platform.set(certificate_seconds=3600)
    ca = trustme.CA().cert_pem.bytes().decode()
    assert platform("PUT", path, json={**second, "tlsType": "two-way", "cacert": ca}).json()["status"] == "pending"
    assert served(one.mqtts_port) == first["cert"]
    assert (platform("DELETE", path).status_code, served(one.mqtts_port)) == (204, "")
    statuses = [platform(method, path, json=first).status_code for method in ("POST", "PUT", "PUT", "PUT")]
    assert statuses == [201, 200, 200, 429]


def test_certificates_that_cant_be_used(simulator: Simulator, platform: Client) -> None:
    path = f"/deployments/{simulator.deployments[0].id}/tls"
    good = certificate()
    expired = certificate(datetime.now(timezone.utc) - timedelta(days=1))
    for body in (
        [], {}, {**good, "tlsType": "three-way"}, {**good, "key": None}, {**good, "key": "k"}, {**good, "cert": "c"},
        {**good, "key": expired["key"]}, expired, {**good, "tlsType": "two-way"}, {**good, "cacert": good["cert"]},
        {**good, "tlsType": "two-way", "cacert": "a"},
    ):
        assert platform("POST", path, json=body).status_code == 422, body
        simulator.platform.forget_limits()
    assert platform("POST", path, data="{").status_code == 400
    assert platform("GET", path).status_code == 404


def wait_until(met: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not met():
        assert time.monotonic() < end
        time.sleep(0.02)
