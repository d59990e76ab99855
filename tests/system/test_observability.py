# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What brokers tell of themselves, and waiting for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from simulator import Deployment, Fault, Simulator
from system.harness import done, one_sentence, refused, run

PARTS = ["nodes", "stats", "metrics", "alarms", "listeners"]
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"


@pytest.fixture(params=["v4", "v5"])
def deployment(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    with Simulator.start(generation=request.param) as simulator:
        yield simulator.deployments[0]


# broker_info


def test_both_generations_have_one_shape(deployment: Deployment) -> None:
    deployment.add_client("dev", subscriptions=["t"])
    deployment.add_alarm("high_cpu", "CPU is high", {"usage": 91})
    deployment.add_alarm("old", "was bad", over=True)
    found = done("broker_info", deployment, gather=PARTS)
    assert found["changed"] is False and "value" not in found
    (node,) = found["nodes"]
    assert node["status"] == "running" and node["live_connections"] == 1 and 0 <= node["uptime"] < 60
    assert node["memory_total"] == int(23.54 * 2**30) > node["memory_used"] > 2**29
    assert all(isinstance(node[name], float) for name in ("load1", "load5", "load15"))
    assert isinstance(node["max_fds"], int) and isinstance(node["process_used"], int)
    assert (node["edition"] is None) == (deployment.generation == "v4")
    assert found["stats"]["live_connections.count"] == found["stats"]["subscriptions.count"] == 1
    assert found["metrics"]["client.connected"] == 1 and "node" not in found["metrics"]
    assert [(alarm["name"], alarm["active"]) for alarm in found["alarms"]] == [("high_cpu", True), ("old", False)]
    active, over = found["alarms"]
    assert active["details"] == {"usage": 91} and active["deactivated_at"] is None
    assert over["deactivated_at"] >= over["activated_at"] and over["deactivated_at"].endswith("Z")
    assert active["node"] == over["node"] == node["node"] and active["message"] == "CPU is high"
    plain = next(row for row in found["listeners"] if row["bind"] == f"127.0.0.1:{deployment.mqtt_port}")
    assert plain["type"] == "tcp" and plain["running"] is plain["enabled"] is True
    assert plain["current_connections"] == 1 and plain["max_connections"] >= 10000 and plain["node"] == node["node"]
    assert set(plain) == set(found["listeners"][-1])
    assert {row["type"] for row in found["listeners"]} >= {"tcp", "ssl", "ws", "wss"}


@pytest.mark.parametrize(
    ("gather", "requests"), [(None, 2), (["nodes"], 1), (["stats", "stats"], 1), (["alarms"], 2), (PARTS, 6)]
)
def test_only_what_is_gathered_is_asked_for(deployment: Deployment, gather: list[str] | None, requests: int) -> None:
    found = done("broker_info", deployment, **({} if gather is None else {"gather": gather}))
    assert found["requests"] == requests
    assert {name for name in PARTS if name in found} == set(gather or ["nodes", "stats"])


def test_a_query_sees_all_of_it_and_gives_a_value(deployment: Deployment) -> None:
    deployment.add_client("dev")
    query = "{up: nodes[].status, online: stats.\"live_connections.count\"}"
    found = done("broker_info", deployment, query=query)
    assert found["value"] == {"up": ["running"], "online": 1} and found["nodes"]
    assert done("broker_info", deployment, gather=["alarms"], query="alarms[?active]")["value"] == []


def test_what_cannot_be_read_is_refused(deployment: Deployment) -> None:
    words = "gather is empty: name at least one of nodes, stats, metrics, alarms, listeners."
    assert refused("broker_info", deployment, gather=[]) == words
    assert "query is no JMESPath expression" in refused("broker_info", deployment, query="[?")
    assert deployment.requests == []
    assert "query can't be applied" in refused("broker_info", deployment, query="length(alarms)")


@pytest.mark.parametrize(
    "body", [[], {}, [1], {"code": 0, "data": [{"node": 1}]}, {"code": 0, "data": None}, "x", None]
)
@pytest.mark.parametrize("part", PARTS)
def test_an_odd_answer_is_one_clear_sentence_or_does_no_harm(deployment: Deployment, part: str, body: Any) -> None:
    deployment.faults.add(Fault("body", path=f"/{part}", status=200, body=body))
    result = run("broker_info", deployment, gather=[part])
    if result.get("failed"):
        one_sentence(result["msg"])
    else:
        kind = int if part in ("stats", "metrics") else dict
        values = result[part].values() if kind is int else result[part]
        assert all(isinstance(value, kind) for value in values)


# wait_for


def later(action: Any, seconds: float = 0.25) -> None:
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()


def test_a_condition_that_is_met_does_not_wait(deployment: Deployment) -> None:
    deployment.add_clients(3)
    found = done("wait_for", deployment, condition="count >= `3`", clients={})
    assert found["value"] is True and found["changed"] is False and found["elapsed"] < 2
    assert found["requests"] == 1
    found = done("wait_for", deployment, condition="nodes[?status=='running'].node", gather=["nodes"])
    assert len(found["value"]) == 1


def test_clients_come_back(deployment: Deployment) -> None:
    later(lambda: deployment.add_client("dev-1"))
    found = done("wait_for", deployment, condition="count == `1`", clients={"like_clientid": "dev"}, interval=0.1)
    assert found["value"] is True and 0.2 <= found["elapsed"] < 5


def test_an_alarm_ends(deployment: Deployment) -> None:
    deployment.add_alarm("high_cpu")
    later(lambda: deployment.end_alarm("high_cpu"))
    options: dict[str, Any] = {"gather": ["alarms"], "interval": 0.1, "wait_timeout": 20}
    found = done("wait_for", deployment, condition="length(alarms[?active]) == `0`", **options)
    assert found["value"] is True and found["requests"] >= 4


def test_the_time_limit_is_one_sentence_with_the_last_value(deployment: Deployment) -> None:
    deployment.add_clients(2)
    options: dict[str, Any] = {"wait_timeout": 0.3, "interval": 0.1, "clients": {"conn_state": "connected"}}
    result = run("wait_for", deployment, condition="count >=\n  `500`", **options)
    assert one_sentence(result["msg"]) == (
        "After 0.3 s (wait_timeout) it is still waited for count >= `500` (its last value is false, count is 2)."
    )
    assert result["failed"] and result["value"] is False and result["changed"] is False
    assert 0.3 <= result["elapsed"] < 2 and result["requests"] >= 2
    result = run("wait_for", deployment, condition="alarms[].name", gather=["alarms"], wait_timeout=0)
    assert "alarms[].name (its last value is [])." in one_sentence(result["msg"])


def test_check_mode_looks_once_and_never_fails_for_the_condition(deployment: Deployment) -> None:
    found = done("wait_for", deployment, check=True, condition="count >= `500`", clients={})
    assert found["value"] is False and found["requests"] == 1
    deployment.faults.add(Fault("status", status=500))
    result = run("wait_for", deployment, check=True, condition="count >= `500`", clients={})
    assert result["failed"] and result["requests"] == 1


@pytest.mark.parametrize(("kind", "status"), [("status", 500), ("status", 503), ("reset", None)])
def test_a_broker_that_restarts_is_waited_for(deployment: Deployment, kind: str, status: int | None) -> None:
    deployment.faults.add(Fault(kind, status=status, times=3))
    found = done("wait_for", deployment, condition="nodes", gather=["nodes"], interval=0.1, retries=0)
    assert found["requests"] == 4 and found["value"]
    deployment.faults.add(Fault("status", status=503))
    options: dict[str, Any] = {"condition": "nodes", "gather": ["nodes"], "interval": 0.1, "retries": 0}
    result = run("wait_for", deployment, wait_timeout=0.2, **options)
    assert one_sentence(result["msg"]).startswith(
        "After 0.2 s (wait_timeout) no look has succeeded. The last look failed: GET nodes failed: the service is not"
    )
    assert result["error"]["status"] == 503 and result["changed"] is False


def test_a_connection_that_is_refused_is_waited_over(deployment: Deployment) -> None:
    options: dict[str, Any] = {"condition": "nodes", "gather": ["nodes"], "interval": 0.1, "retries": 0}
    url = "http://127.0.0.1:9/api/" + deployment.generation
    result = run("wait_for", deployment, wait_timeout=0.3, api_url=url, **options)
    assert "The last look failed: No answer from http://127.0.0.1:9: the connection is refused" in result["msg"]
    assert result["requests"] >= 2


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_will_not_pass_fails_at_once(deployment: Deployment, status: int) -> None:
    deployment.faults.add(Fault("status", status=status))
    result = run("wait_for", deployment, condition="nodes", gather=["nodes"])
    assert result["failed"] and result["error"]["status"] == status and result["requests"] == 1
    assert "wait_timeout" not in one_sentence(result["msg"])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"condition": "count >="}, "condition is no JMESPath expression"),
        ({"condition": ""}, "condition is no JMESPath expression"),
        ({"condition": "count", "wait_timeout": -1}, "wait_timeout is -1: it is a number of seconds between 0 and"),
        ({"condition": "count", "interval": 0}, "interval is 0: it is a number of seconds between 0.1 and 86400."),
        ({"condition": "count", "clients": {"connected_after": "soon"}}, "connected_after is 'soon', which is no time"),
        ({"condition": "count", "clients": None, "gather": []}, "gather is empty: name at least one of nodes"),
    ],
)
def test_what_cannot_be_waited_for_is_refused(deployment: Deployment, options: dict[str, Any], sentence: str) -> None:
    given = {name: value for name, value in {"clients": {}, **options}.items() if value is not None}
    assert sentence in refused("wait_for", deployment, **given)
    assert deployment.requests == []


def test_a_condition_that_cannot_be_applied_fails_at_once(deployment: Deployment) -> None:
    assert "condition can't be applied" in refused("wait_for", deployment, condition="length(alarms)", gather=["nodes"])
    assert len(deployment.requests) == 1


# How clients are counted


def test_a_number_is_asked_for_where_the_broker_counts(deployment: Deployment) -> None:
    deployment.add_clients(50)
    deployment.add_client("kept", connected=False)
    for filters, number in (({}, 51), ({"conn_state": "connected"}, 50), ({"like_clientid": "client-"}, 50)):
        deployment.forget_requests()
        assert done("wait_for", deployment, condition=f"count == `{number}`", clients=filters)["value"] is True
        asked = [call.query for call in deployment.requests]
        counted = not filters or (deployment.generation == "v5" and "conn_state" in filters)
        assert len(asked) == 1 and ("limit=1&" in asked[0] + "&") == counted


def test_clients_are_listed_only_if_the_condition_is_about_them(deployment: Deployment) -> None:
    deployment.add_client("a", username="x")
    deployment.add_client("b", username="y")
    options = {"condition": "clients[?username=='y'].clientid", "clients": {"fields": ["username", "clientid"]}}
    assert done("wait_for", deployment, **options)["value"] == ["b"]
    assert done("wait_for", deployment, condition="@", clients={"clientid": "a"})["value"]["count"] == 1
    assert len(done("wait_for", deployment, condition="clients[0]", clients={})["value"]) > 10
