# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two controllers bring the same deployment to different states at once: it ends in one of them, or a run says no."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils import _task

from faults.controllers import Controller
from faults.figures import LONG, count
from simulator import Deployment, Fault, Simulator
from simulator.http import Request
from system.harness import done, one_sentence, run

Options = dict[str, Any]


class Kind:
    """A module with the two states that are wanted, which overlap and contradict each other."""

    def __init__(self, module: str, options: Callable[[Deployment, str], Options], state: Callable[[Deployment], Any]):
        self.module = module
        self.options = options
        self.state = state

    def alone(self, deployment: Deployment, who: str) -> Any:
        """What comes of one of them."""
        prepare(deployment)
        done(self.module, deployment, **self.options(deployment, who))
        return self.state(deployment)


def prepare(deployment: Deployment) -> None:
    """What both of them find."""
    deployment.reset()
    deployment.add_users(["both", "old-1", "old-2"])
    for name in ("both", "old-1", "old-2"):
        deployment.add_rules("username", name, [("old", "publish", True), ("both", "publish", True)])
    deployment.add_bans(["both", "old-1", "old-2"], "old")
    if deployment.generation == "v4":
        deployment.load_module("emqx_mod_topic_metrics")
    deployment.count_topics(["both", "old-1", "old-2"])
    deployment.add_client("dev", subscriptions=["both", "old-1", "old-2"])


def names(who: str) -> list[str]:
    """What is in one of the states; it is read and written in this order."""
    return ["both", *(f"{who}-{number}" for number in range(6)), "common"]


def users(deployment: Deployment, who: str) -> Options:
    flag = {} if deployment.generation == "v4" else {"is_superuser": who == "a"}
    listed = [{"username": name, "password": who, **flag} for name in names(who)]
    return {"users": listed, "update_password": "always", "purge": True}


def rules(who: str) -> list[dict[str, str]]:
    mine, other = ("allow", "deny") if who == "a" else ("deny", "allow")
    return [
        {"topic": f"{who}/1", "action": "publish", "permission": "allow"},
        {"topic": "both", "action": "publish", "permission": mine},
        {"topic": f"{who}/2", "action": "publish", "permission": "allow"},
        {"topic": "both", "action": "subscribe", "permission": other},
    ]


def subjects(_deployment: Deployment, who: str) -> Options:
    return {"subjects": [{"username": name, "rules": rules(who)} for name in names(who)], "state": "exact",
            "purge": True}  # fmt: skip


def subject(_deployment: Deployment, who: str) -> Options:
    return {"username": "both", "rules": rules(who), "state": "exact"}


def bans(_deployment: Deployment, who: str) -> Options:
    return {"entries": [{"clientid": name, "reason": who} for name in names(who)], "purge": True}


def topics(_deployment: Deployment, who: str) -> Options:
    return {"topics": names(who), "state": "exact"}


def subscriptions(_deployment: Deployment, who: str) -> Options:
    return {"clientid": "dev", "topics": [{"topic": name, "qos": "ab".index(who)} for name in names(who)],
            "state": "exact"}  # fmt: skip


def kept_rules(deployment: Deployment) -> dict[str, list[tuple[str, str, bool]]]:
    """The rules by subject; those of one action never meet those of the other."""
    every = {*names("a"), *names("b"), "old-1", "old-2"}
    return {name: sorted(deployment.rules("username", name), key=lambda rule: rule[1]) for name in every}


def superusers(deployment: Deployment) -> dict[str, bool]:
    return {name: deployment.is_superuser(name) for name in deployment.user_names()}


def reasons(deployment: Deployment) -> dict[str, str]:
    return {row["clientid"]: row["reason"] for row in done("banned_info", deployment)["banned"]}


KINDS = {
    "users": Kind("auth_users", users, superusers),
    "subjects": Kind("acls", subjects, kept_rules),
    "one subject": Kind("acl", subject, kept_rules),
    "bans": Kind("banned", bans, reasons),
    "topics": Kind("topic_metrics", topics, lambda deployment: sorted(deployment.counted_topics())),
    "subscriptions": Kind("subscription", subscriptions, lambda deployment: deployment.subscriptions("dev")),
}
MET = "something else changes this deployment at the same time, or its nodes don't agree yet. Run this again later."


@pytest.fixture(name="deployment", scope="module", params=["v4", "v5"])
def fixture_deployment(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    with Simulator.start(generation=request.param) as simulator:
        yield simulator.deployments[0]


@pytest.fixture(name="kind", params=list(KINDS))
def fixture_kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


def compete(deployment: Deployment, kind: Kind, number: int, **changes: Any) -> dict[str, Options]:
    """Let both run at once, with pauses at random; return their results."""
    prepare(deployment)
    chance = random.Random(number)
    for seed in range(3):
        pause = chance.uniform(0.001, 0.03)
        deployment.faults.add(Fault("slow", share=0.4, seconds=pause, seed=chance.randrange(1000) + seed))
    options = {who: {**kind.options(deployment, who), **changes} for who in "ab"}
    controllers = {who: Controller(deployment, [(kind.module, options[who])]) for who in "ab"}
    for controller in controllers.values():
        controller.start()
    results = {who: controller.results()[0] for who, controller in controllers.items()}
    deployment.faults.clear()
    return results


def test_two_at_once_end_in_one_of_the_two_or_say_that_they_do_not(deployment: Deployment, kind: Kind) -> None:
    wanted = {who: kind.alone(deployment, who) for who in "ab"}
    for number in range(10) if LONG else range(2):
        results = compete(deployment, kind, number)
        failed = [who for who in "ab" if results[who].get("failed")]
        for who in failed:
            one_sentence(results[who]["msg"])
            assert results[who]["counts"].keys() == {"created", "updated", "deleted", "unchanged", "failed"}
        assert failed or kind.state(deployment) in wanted.values(), f"{number}: both were content: {results}"
        for who in failed:
            done(kind.module, deployment, **kind.options(deployment, who))
            assert kind.state(deployment) == wanted[who]
        count("concurrent runs")


@pytest.mark.parametrize("name", ["users", "subjects", "bans"])
def test_without_a_purge_each_thing_is_as_one_of_them_wants_it(deployment: Deployment, name: str) -> None:
    """Or as it was, where a run has failed."""
    kind = KINDS[name]
    prepare(deployment)
    states = [kind.state(deployment), *(kind.alone(deployment, who) for who in "ab")]
    for number in range(10) if LONG else range(2):
        results = compete(deployment, kind, number, purge=False)
        failed = [one_sentence(result["msg"]) for result in results.values() if result.get("failed")]
        found = kind.state(deployment)
        mixed = [key for key in found if found[key] not in [state.get(key) for state in states]]
        assert not mixed or any(message.endswith(MET) for message in failed), f"{number}: {mixed}"
        assert failed or found.keys() >= states[1].keys() | states[2].keys()
        count("concurrent runs")


# One of them in slow motion


def meddle(deployment: Deployment, method: str, work: Callable[[], Any]) -> None:
    """Do something once the first request with this method was carried out, and before its answer is read."""
    waiting = [work]

    def look(request: Request) -> None:
        if request.method == method and waiting:
            waiting.pop()()

    deployment.on_request(look)


STRANGERS: dict[str, Callable[[Deployment], Any]] = {
    "users": lambda deployment: deployment.add_user("c", "x"),
    "subjects": lambda deployment: deployment.add_rules("username", "c", [("t", "publish", True)]),
    "bans": lambda deployment: deployment.add_bans(["c"]),
    "topics": lambda deployment: deployment.count_topics(["c"]),
}


@pytest.mark.parametrize("name", list(STRANGERS))
def test_a_purge_notices_what_was_created_after_it_had_listed(
    deployment: Deployment, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_task, "LOOKS", (0, 0.01))
    kind = KINDS[name]
    prepare(deployment)
    meddle(deployment, "POST", lambda: STRANGERS[name](deployment))
    result = run(kind.module, deployment, **kind.options(deployment, "a"))
    assert result["failed"] and result["changed"]
    assert one_sentence(result["msg"]).endswith(MET)
    assert (result["counts"]["created"], result["counts"]["deleted"], result["counts"]["failed"]) == (7, 2, 0)
    again = done(kind.module, deployment, **kind.options(deployment, "a"))
    assert again["counts"]["deleted"] == 1
    assert kind.state(deployment) == kind.alone(deployment, "a")


def test_the_rules_of_one_subject_are_looked_at_once_more_where_they_are_sent_one_by_one(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_task, "LOOKS", (0, 0.01))
    kind = KINDS["one subject"]
    prepare(deployment)
    meddle(deployment, "POST", lambda: deployment.add_rules("username", "both", [("c", "publish", True)]))
    result = run(kind.module, deployment, **kind.options(deployment, "a"))
    if deployment.generation == "v4":
        assert (result["changed"], result["counts"]["updated"]) == (True, 1)
        assert one_sentence(result["msg"]).endswith(MET)
        done(kind.module, deployment, **kind.options(deployment, "a"))
    else:  # one call replaces them all
        assert not result.get("failed") and [call.method for call in deployment.requests] == ["GET", "PUT"]
    assert kind.state(deployment) == kind.alone(deployment, "a")


@pytest.mark.parametrize("name", list(STRANGERS))
def test_what_has_vanished_since_it_was_listed_counts_as_deleted(deployment: Deployment, name: str) -> None:
    kind = KINDS[name]
    wanted = kind.alone(deployment, "a")
    prepare(deployment)
    meddle(deployment, "GET" if name == "subjects" else "POST", lambda: vanish(deployment))
    result = done(kind.module, deployment, **kind.options(deployment, "a"))
    assert result["counts"]["deleted"] == 2
    assert kind.state(deployment) == wanted


def vanish(deployment: Deployment) -> None:
    """Let everything old go."""
    for name in ("old-1", "old-2"):
        deployment.remove_user(name)
        deployment.remove_rules("username", name)
        deployment.lift_ban("clientid", name)
        deployment.uncount_topic(name)


@pytest.mark.parametrize("name", list(STRANGERS))
def test_what_somebody_else_has_created_since_it_was_listed_is_met_with_a_clear_sentence(
    deployment: Deployment, name: str
) -> None:
    """The import of v5 and the bans and rules of v4 take its place instead."""
    kind = KINDS[name]
    wanted = kind.alone(deployment, "a")
    prepare(deployment)

    def appear() -> None:
        deployment.add_user("a-0", "x")
        deployment.add_rules("username", "a-0", [("t", "publish", True)])
        deployment.add_bans(["a-0"])
        deployment.count_topics(["a-0"])

    meddle(deployment, "GET", appear)
    result = run(kind.module, deployment, **kind.options(deployment, "a"))
    if result.get("failed"):
        assert "already" in one_sentence(result["msg"]) or result["msg"].endswith(MET), result["msg"]
        assert result["counts"]["failed"] or result["msg"].endswith(MET)
        done(kind.module, deployment, **kind.options(deployment, "a"))
    assert kind.state(deployment) == wanted
    assert name != "users" or deployment.check_password("a-0", "a")
