# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards: how much a purge may delete, what a Serverless deployment holds, and whom a plan would lock out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from faults.figures import count
from simulator import Deployment, Fault, Simulator
from system.harness import done, environment, one_sentence, play, refused, run

ALL = {"topic": "#", "action": "all"}
SERVERLESS = {"deployment_type": "serverless"}
GENERATIONS = pytest.mark.parametrize("generation", ["v4", "v5"])


@pytest.fixture(scope="module")
def deployments() -> Iterator[dict[str, Deployment]]:
    """One of each generation, and one with the quotas of Serverless."""
    with Simulator.start("v4") as v4, Simulator.start("v5") as v5, Simulator.start("v5", serverless=True) as serverless:
        yield {
            "v4": v4.deployments[0], "v5": v5.deployments[0], "serverless": serverless.deployments[0]
        }


@pytest.fixture
def named(deployments: dict[str, Deployment]) -> dict[str, Deployment]:
    for deployment in deployments.values():
        deployment.reset()
        deployment.forget_requests()
    return deployments


def rules(number: int, permission: str = "allow") -> list[dict[str, str]]:
    return [{"topic": f"t/{each}", "action": "publish", "permission": permission} for each in range(number)]


def both_ways(module: str, deployment: Deployment, **options: Any) -> list[str]:
    """The warnings of check mode and of the real run, which have to be the same: one sentence each."""
    foreseen = done(module, deployment, check=True, **options).get("warnings", [])
    assert done(module, deployment, **options).get("warnings", []) == foreseen
    assert done(module, deployment, **options).get("warnings", []) == []  # nothing is left to do
    return [one_sentence(sentence) for sentence in foreseen]


# How much a purge may delete

# What is there, and what deletes three of four.
PURGES: dict[str, dict[str, Any]] = {
    "auth_users": {"users": [{"username": "user-1"}], "purge": True},
    "acls": {"subjects": [{"username": "user-1", "rules": rules(1)}], "purge": True},
    "acl": {"username": "user-1", "rules": rules(1), "state": "exact"},
    "banned": {"entries": [{"clientid": "user-1"}], "purge": True},
    "subscription": {"clientid": "gate", "topics": [{"topic": "t/0"}], "state": "exact"},
    "topic_metrics": {"topics": ["t/0"], "state": "exact"},
}


def furnish(deployment: Deployment) -> None:
    """Four of each."""
    deployment.add_users(f"user-{number}" for number in range(1, 5))
    for number in range(1, 5):
        done("banned", deployment, clientid=f"user-{number}")
        topics = [("t/0", "publish", True)]
        deployment.add_rules("username", f"user-{number}", topics)
    deployment.add_rules("username", "user-1", [(f"t/{each}", "publish", True) for each in range(4)])
    deployment.add_client("gate")
    done("subscription", deployment, clientid="gate", topics=[{"topic": f"t/{each}"} for each in range(4)])
    done("topic_metrics", deployment, topics=[f"t/{each}" for each in range(4)], enable=True)


@GENERATIONS
def test_whatever_deletes_what_is_not_listed_can_be_limited(named: dict[str, Deployment], generation: str) -> None:
    deployment = named[generation]
    furnish(deployment)
    for module, options in PURGES.items():
        for limit in (0, "0%", "2", "74%"):
            for check in (False, True):
                sentence = refused(module, deployment, purge_limit=limit, check=check, **options)
                assert sentence == (
                    f"3 of 4 would be deleted, which is more than purge_limit allows ({limit}): nothing was changed."
                )
                count("guards")
        for limit in ("-1", "1.5", "10 %", "", "1e3", "9" * 5000, "٣"):
            sentence = refused(module, deployment, purge_limit=limit, **options)
            assert sentence.startswith(f"purge_limit is {limit!r}"[:1000]) and len(sentence) < 5000  # a long one is cut
            count("guards")
        assert "at most '100%'" in refused(module, deployment, purge_limit="150%", **options)
        for limit in (3, "75%", "100%"):
            assert done(module, deployment, check=True, purge_limit=limit, **options)["changed"]
            count("guards")
        result = done(module, deployment, purge_limit="75%", **options)
        assert result["counts"]["updated" if module == "acl" else "deleted"] == (1 if module == "acl" else 3)
        assert done(module, deployment, purge_limit=0, **options)["changed"] is False


@GENERATIONS
def test_a_limit_of_an_exact_list_counts_the_rules_that_go(named: dict[str, Deployment], generation: str) -> None:
    deployment = named[generation]
    deployment.add_rules("username", "a", [("t/0", "publish", True), ("t/1", "publish", True)])
    exact: dict[str, Any] = {"username": "a", "state": "exact", "purge_limit": 0}
    done("acl", deployment, rules=rules(5)[::-1], **exact)
    done("acl", deployment, rules=rules(5, "deny"), **exact)
    assert "5 of 5 would be" in refused("acl", deployment, rules=[], purge_all=True, **exact)
    assert done("acl", deployment, username="a", state="absent", purge_limit=0)["changed"]  # it is named
    count("guards", 4)


def test_every_module_with_a_limit_is_in_its_group(tmp_path: Path, named: dict[str, Deployment]) -> None:
    """`module_defaults` for the group set the limit once for a play, and no module refuses it."""
    furnish(named["v5"])
    tasks = [{f"emqx.cloud.{module}": options, "ignore_errors": True} for module, options in PURGES.items()]
    tasks.append({"emqx.cloud.broker_info": {"gather": ["stats"]}})
    defaults = {"group/emqx.cloud.purge": {"purge_limit": "50%"}}
    printed = play(tmp_path, tasks, environment(named["v5"]), module_defaults=defaults).stdout
    failures = [line for line in printed.splitlines() if line.startswith("fatal:")]
    assert all("3 of 4 would be deleted, which is more than purge_limit allows (50%)" in line for line in failures)
    assert "failed=0" in printed and f"ignored={len(PURGES)}" in printed
    count("guards")


# What a Serverless deployment holds


def users(number: int, start: int = 1) -> list[dict[str, Any]]:
    return [{"username": f"user-{each:06}", "password": "x"} for each in range(start, start + number)]


def test_users_that_do_not_fit_are_refused_before_anything_is_sent(named: dict[str, Deployment]) -> None:
    deployment = named["v5"]
    for module, key, long, what in (
        ("auth_users", "users", users(2400), "2400 users"),
        ("acls", "subjects", [{"username": f"user-{each}", "rules": rules(100)} for each in range(24)],
         "2400 access rules"),
    ):
        for check in (False, True):
            result = run(module, deployment, check, **{key: long}, **SERVERLESS)
            assert (result["failed"], result["changed"], result["requests"]) == (True, False, 0)
            assert result["msg"] == (
                f"{what} don't fit: a Serverless deployment holds 2000; leave 400 out, or set deployment_type if it is "
                "no Serverless deployment."
            )
            count("guards")
    assert run("auth_users", deployment, users=users(2400), state="absent", **SERVERLESS)["changed"] is False
    deployment.add_users(1600)
    for check in (True, False):
        assert done("auth_users", deployment, check, users=users(500, start=1500), **SERVERLESS)["changed"]
    deployment.add_users(2000)
    fresh = users(400, start=3000)
    for check in (False, True):
        result = run("auth_users", deployment, check, users=fresh, **SERVERLESS)
        assert result["changed"] is False and result["msg"] == (
            "2400 users don't fit: a Serverless deployment holds 2000, and 2000 are there; leave 400 out, or set "
            "deployment_type if it is no Serverless deployment."
        )
        count("guards")
    deployment.forget_requests()
    one = {"username": "one-more", "password": "x", **SERVERLESS}
    assert refused("auth_user", deployment, **one).startswith("2001 users don't fit: ")
    counted = [call for call in deployment.requests if "limit=1" in call.query.split("&")]
    assert len(counted) == 1 and len(deployment.requests) == 3  # of which kind, whether it is there, how many there are
    assert done("auth_user", deployment, username="user-000001", **SERVERLESS)["changed"] is False
    assert done("auth_user", deployment, **{**one, "deployment_type": "dedicatedFlex"})["changed"]
    assert done("auth_user", deployment, **{**one, "username": "another"})["changed"]  # evidently another quota
    count("guards", 4)


def test_a_full_deployment_takes_others_once_those_that_go_are_gone(named: dict[str, Deployment]) -> None:
    deployment = named["serverless"]
    deployment.add_users(2000)
    kept = {"users": users(2000, start=3), "purge": True, "purge_limit": 2}
    result = done("auth_users", deployment, **kept, **SERVERLESS)
    assert result["counts"] == {"created": 2, "updated": 0, "deleted": 2, "unchanged": 1998, "failed": 0}
    assert [call.method for call in deployment.requests if call.method != "GET"] == ["DELETE", "DELETE", "POST"]
    count("guards")


def test_access_rules_that_do_not_fit_are_refused(named: dict[str, Deployment]) -> None:
    deployment = named["v5"]
    deployment.add_rules("username", "there", [(f"t/{each}", "publish", True) for each in range(100)])
    subjects = [{"username": f"user-{each}", "rules": rules(100)} for each in range(20)]
    sentence = refused("acls", deployment, subjects=subjects, **SERVERLESS)
    assert sentence.startswith("2100 access rules don't fit: a Serverless deployment holds 2000, and 100 are there;")
    deployment.reset()
    for number in range(1990):
        deployment.add_rules("clientid", f"client-{number}", [("t", "publish", True)])
    deployment.forget_requests()
    one = {"clientid": "one-more", **SERVERLESS}
    assert refused("acl", deployment, rules=rules(11), **one).startswith("2001 access rules don't fit: ")
    assert len(deployment.requests) == 2
    assert done("acl", deployment, rules=rules(10), **one)["changed"]
    count("guards", 3)


def test_a_full_list_of_access_rules_is_changed_in_an_order_that_fits(named: dict[str, Deployment]) -> None:
    deployment = named["serverless"]
    for number in range(20):
        deployment.add_rules("username", f"user-{number}", [(f"t/{each}", "publish", True) for each in range(100)])
    subjects = [{"username": f"user-{number}", "rules": rules(100)} for number in range(17)]
    subjects += [
        {"username": "user-17", "rules": rules(50)}, {"username": "new-1", "rules": rules(100)},
        {"username": "new-2", "rules": rules(100)}, {"username": "user-18", "rules": rules(50)},
    ]
    result = done("acls", deployment, subjects=subjects, state="exact", purge=True, **SERVERLESS)
    assert result["counts"] == {"created": 2, "updated": 2, "deleted": 1, "unchanged": 17, "failed": 0}
    count("guards")


def test_subscriptions_that_do_not_fit_are_refused(named: dict[str, Deployment]) -> None:
    deployment = named["serverless"]
    deployment.add_client("gate")
    topics = [{"topic": f"t/{each}"} for each in range(11)]
    sentence = refused("subscription", deployment, clientid="gate", topics=topics, **SERVERLESS)
    assert sentence.startswith("11 subscriptions of a client don't fit: a Serverless deployment holds 10, and 0 are")
    done("subscription", deployment, clientid="gate", topics=topics[:10], **SERVERLESS)
    done("subscription", deployment, clientid="gate", topics=topics[1:], state="exact", **SERVERLESS)
    assert set(deployment.subscriptions("gate")) == {each["topic"] for each in topics[1:]}
    count("guards", 2)


# Whom a plan would lock out


@GENERATIONS
def test_deleting_the_user_of_the_credentials_is_worth_a_warning(named: dict[str, Deployment], generation: str) -> None:
    deployment = named[generation]
    deployment.add_users(["somebody", "another", deployment.app_id])
    assert both_ways("auth_user", deployment, username="another", state="absent") == []
    sentence = (
        f"app_id is {deployment.app_id!r}, and the username of the same name goes: MQTT clients that connect with it "
        "are refused from then on."
    )
    assert both_ways("auth_users", deployment, users=[{"username": "somebody"}], purge=True) == [sentence]
    deployment.add_users([deployment.app_id])
    assert both_ways("auth_user", deployment, username=deployment.app_id, state="absent") == [sentence]
    count("guards", 3)


@GENERATIONS
def test_banning_the_name_of_the_credentials_is_worth_a_warning(named: dict[str, Deployment], generation: str) -> None:
    deployment = named[generation]
    own = deployment.app_id
    bans = [("username", own, True), ("clientid", own, True), ("clientid", own + "-", False), ("username", "x", False)]
    if generation == "v5":
        bans += [
            ("username_re", "^" + own[:3], True), ("clientid_re", own[1:], True), ("clientid_re", "^no$", False),
        ]
    for kind, who, warns in bans:
        sentence = (
            f"app_id is {own!r}, which the ban of the {kind} {who!r} matches: MQTT clients that connect with this name "
            "are refused from then on."
        )
        assert both_ways("banned", deployment, **{kind: who}) == ([sentence] if warns else [])
        count("guards")


@GENERATIONS
def test_banning_the_address_of_this_host_is_worth_a_warning(named: dict[str, Deployment], generation: str) -> None:
    deployment = named[generation]
    bans = [("peerhost", "127.0.0.1", True), ("peerhost", "10.1.2.3", False), ("peerhost", "2001:db8::1", False)]
    if generation == "v5":
        bans += [("peerhost_net", "127.0.0.0/8", True), ("peerhost_net", "0.0.0.0/0", True)]
        bans += [("peerhost_net", "10.0.0.0/8", False), ("peerhost_net", "::/0", False)]
    for kind, who, warns in bans:
        sentence = (
            f"The ban of the {kind} {who!r} covers 127.0.0.1, from which this task reaches api_url: MQTT clients at "
            "this address are refused from then on."
        )
        assert both_ways("banned", deployment, **{kind: who}) == ([sentence] if warns else [])
        count("guards")


SHUT = (
    "everyone is denied '#', and no username and no clientid has rules of its own: once these rules are asked, no "
    "client may publish or subscribe until one has."
)


@GENERATIONS
def test_denying_everyone_everything_is_worth_a_warning(named: dict[str, Deployment], generation: str) -> None:
    """Where somebody has rules of their own, it is what careful people do, and no warning."""
    deployment = named[generation]
    everyone: dict[str, Any] = {"everyone": True, "rules": [{**ALL, "permission": "deny"}]}
    assert both_ways("acl", deployment, **everyone) == [SHUT]
    assert both_ways("acl", deployment, everyone=True, rules=rules(1), position="front") == []
    assert both_ways("acl", deployment, **everyone, state="exact") == [SHUT]
    deployment.reset()
    halves = [{"topic": "#", "action": action, "permission": "deny"} for action in ("publish", "subscribe")]
    assert both_ways("acl", deployment, everyone=True, rules=halves) == [SHUT]
    deployment.reset()
    assert both_ways("acls", deployment, subjects=[everyone, {"clientid": "a", "rules": rules(1)}]) == []
    purged = {"subjects": [everyone], "kind": ["clientid"], "purge": True}
    assert both_ways("acls", deployment, **purged) == []  # everyone was shut out before
    deployment.reset()
    deployment.add_rules("clientid", "a", [("t/0", "publish", True), ("t/1", "publish", True)])
    assert both_ways("acls", deployment, **purged) == [SHUT]
    deployment.reset()
    deployment.add_rules("username", "a", [("t/0", "publish", True)])
    assert both_ways("acl", deployment, **everyone) == []
    count("guards", 8)


def test_losing_what_decides_is_worth_a_warning(named: dict[str, Deployment]) -> None:
    deployment = named["v5"]
    none_left = "No authorization source is enabled any more, so no_match of the authorization settings decides for"
    assert both_ways("authorization_source", deployment, type="file", state="absent", lose_rules=True) == []
    denied = "no_match becomes deny, and no authorization source that is enabled has any rule: no client may publish or"
    assert both_ways("authorization_settings", deployment, no_match="deny") == [f"{denied} subscribe from then on."]
    done("authorization_settings", deployment, no_match="allow")
    deployment.add_rules("username", "a", [("t", "publish", True)])
    assert both_ways("authorization_settings", deployment, no_match="deny") == []
    built_in = {"type": "built_in_database", "enabled": False}
    assert both_ways("authorization_source", deployment, **built_in) == [f"{none_left} every client."]
    done("authorization_settings", deployment, no_match="allow")
    assert both_ways("authorization_settings", deployment, no_match="deny") == [f"{denied} subscribe from then on."]
    authenticator = {"mechanism": "password_based", "backend": "built_in_database", "state": "absent"}
    assert both_ways("authenticator", deployment, **authenticator) == [
        "No authenticator is enabled any more, so every client may connect."
    ]
    count("guards", 6)


def test_a_look_for_a_warning_never_fails_a_task(named: dict[str, Deployment]) -> None:
    """What can't be read is no reason not to do what was asked for."""
    deployment = named["v5"]
    refuse = Fault("status", status=403, path="/authorization/sources/built_in_database/rules/users", method="GET")
    deployment.faults.add(refuse)
    deny = [{**ALL, "permission": "deny"}]
    assert "warnings" not in done("acl", deployment, everyone=True, rules=deny)
    deployment.faults.add(Fault("status", status=403, path="/authorization/sources", method="GET"))
    assert "warnings" not in done("authorization_settings", deployment, no_match="deny")
    count("guards", 2)
