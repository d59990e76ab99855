# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests a task makes: a handful, however long the list is."""

from __future__ import annotations

import pytest

from simulator import Simulator
from system.harness import done

GENERATIONS = pytest.mark.parametrize("generation", ["v4", "v5"])


def users(number: int) -> list[dict[str, str]]:
    return [{"username": f"device-{index:06}", "password": f"secret-{index:06}"} for index in range(number)]


@GENERATIONS
def test_a_thousand_users(generation: str) -> None:
    with Simulator.start(generation=generation) as simulator:
        deployment = simulator.deployments[0]
        first = done("auth_users", deployment, users=users(1000))
        assert first["counts"]["created"] == 1000
        assert first["requests"] == len(deployment.requests) <= 3
        deployment.forget_requests()
        again = done("auth_users", deployment, users=users(1000))
        assert (again["changed"], again["counts"]["unchanged"]) == (False, 1000)
        assert {call.method for call in deployment.requests} == {"GET"}
        assert again["requests"] == len(deployment.requests) <= 2


@GENERATIONS
def test_ten_thousand_users_one_of_them_new(generation: str) -> None:
    with Simulator.start(generation=generation) as simulator:
        deployment = simulator.deployments[0]
        deployment.add_users(user["username"] for user in users(9_999))
        result = done("auth_users", deployment, users=users(10_000))
        assert result["counts"] == {"created": 1, "updated": 0, "deleted": 0, "unchanged": 9_999, "failed": 0}
        assert result["requests"] == len(deployment.requests) <= 4
        assert sum(call.size for call in deployment.requests) < 200


@GENERATIONS
def test_one_user_is_looked_up_and_not_listed(generation: str) -> None:
    with Simulator.start(generation=generation) as simulator:
        deployment = simulator.deployments[0]
        deployment.add_users(100)
        assert done("auth_user", deployment, username="new", password="x")["requests"] <= 3
        assert not [call for call in deployment.requests if "limit" in call.query]


@GENERATIONS
def test_a_hundred_subscriptions_are_two_requests(generation: str) -> None:
    with Simulator.start(generation=generation) as simulator:
        deployment = simulator.deployments[0]
        deployment.add_client("dev", subscriptions=["old"])
        topics = [{"topic": f"t/{index}"} for index in range(100)]
        assert done("subscription", deployment, clientid="dev", topics=topics)["requests"] == 2
        assert done("subscription", deployment, clientid="dev", topics=topics)["requests"] == 1


@GENERATIONS
def test_what_check_mode_predicts_is_what_happens(generation: str) -> None:
    with Simulator.start(generation=generation) as simulator:
        deployment = simulator.deployments[0]
        deployment.add_users(["gone", "stays"])
        options = {"users": [{"username": "stays"}, {"username": "new", "password": "x"}], "purge": True}
        predicted = done("auth_users", deployment, check=True, **options)
        assert {call.method for call in deployment.requests} == {"GET"}
        happened = done("auth_users", deployment, **options)
        for key in ("changed", "counts", "diff"):
            assert predicted[key] == happened[key]
        assert happened["counts"] == {"created": 1, "updated": 0, "deleted": 1, "unchanged": 1, "failed": 0}
