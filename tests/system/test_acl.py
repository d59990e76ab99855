# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access rules: ordered lists that both generations keep differently, and what they then decide."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from contract.mqtt_client import MqttClient
from simulator import Deployment, Fault, Simulator
from system.harness import PLUGINS, connection, done, one_sentence, refused, run

GENERATIONS = pytest.mark.parametrize("generation", ["v4", "v5"])


@pytest.fixture
def v4() -> Iterator[Deployment]:
    with Simulator.start(generation="v4") as simulator:
        yield simulator.deployments[0]


@pytest.fixture
def v5() -> Iterator[Deployment]:
    with Simulator.start(generation="v5") as simulator:
        yield simulator.deployments[0]


@pytest.fixture
def deployment(generation: str) -> Iterator[Deployment]:
    with Simulator.start(generation=generation) as simulator:
        yield simulator.deployments[0]


def rule(text: str, **more: Any) -> dict[str, Any]:
    """`deny publish t/#` as a rule."""
    permission, action, topic = text.split(" ", 2)
    return {"topic": topic, "action": action, "permission": permission, **more}


def texts(rules: list[dict[str, Any]]) -> list[str]:
    return [f"{row['permission']} {row['action']} {row['topic']}" for row in rules]


def converge(deployment: Deployment, rules: list[str] | None, check: bool = True, **options: Any) -> list[str]:
    """Predict, do and repeat; return the rules afterwards, which is what acl_info reads, too."""
    subject = {name: options.pop(name) for name in ("clientid", "everyone", "username") if name in options}
    subject = subject or {"username": "al"}
    options = {**subject, **options, **({} if rules is None else {"rules": [rule(text) for text in rules]})}
    predicted = done("acl", deployment, check=True, **options)
    happened = done("acl", deployment, **options)
    for name in ("changed", "counts", "diff", "rules"):
        assert predicted[name] == happened[name], name
    again = done("acl", deployment, **options)
    assert not again["changed"] and again["rules"] == happened["rules"]
    read = done("acl_info", deployment, **subject)["acls"]
    assert [row["rules"] for row in read] == ([happened["rules"]] if happened["rules"] else [])
    return texts(happened["rules"])


# The states


@GENERATIONS
def test_rules_come_change_and_go(deployment: Deployment) -> None:
    assert converge(deployment, ["allow publish a/#", "deny all #"]) == ["allow publish a/#", "deny all #"]
    assert converge(deployment, ["deny publish a/#"]) == ["deny publish a/#", "deny all #"]
    front = converge(deployment, ["allow all b", "allow subscribe c"], position="front")
    assert front == ["allow all b", "allow subscribe c", "deny publish a/#", "deny all #"]
    assert converge(deployment, ["deny subscribe c"], state="absent") == front
    assert converge(deployment, ["allow subscribe c"], state="absent") == [front[0], *front[2:]]
    assert converge(deployment, ["allow all x", "allow publish y"], state="exact") == ["allow all x", "allow publish y"]
    assert converge(deployment, ["allow all x", "allow publish y"], state="absent") == []
    assert converge(deployment, [], state="present") == []
    converge(deployment, ["allow all x"])
    assert converge(deployment, [], state="absent") == ["allow all x"]
    assert converge(deployment, None, state="absent") == []
    assert [call.status for call in deployment.requests if call.status >= 500] == []


@GENERATIONS
@pytest.mark.parametrize("subject", [{"username": "a/b ü%2F+?#"}, {"clientid": "a/b ü%2F+?#"}, {"everyone": True}])
def test_whoever_they_are_for(deployment: Deployment, subject: dict[str, Any]) -> None:
    assert converge(deployment, ["allow publish ü/+/#", "deny all #"], **subject) == [
        "allow publish ü/+/#", "deny all #",
    ]
    assert converge(deployment, ["allow publish ü/+/#"], state="absent", **subject) == ["deny all #"]
    assert converge(deployment, [], state="exact", purge_all=True, **subject) == []


@GENERATIONS
def test_one_field_of_one_rule_is_all_that_the_diff_shows(deployment: Deployment) -> None:
    converge(deployment, ["allow publish a", "allow publish b", "deny all #"])
    result = done("acl", deployment, username="al", rules=[rule("deny publish b")])
    before, after = (result["diff"][side]["acls"][0] for side in ("before", "after"))
    assert before["rules"][1].pop("permission") == "allow" and after["rules"][1].pop("permission") == "deny"
    assert before == after


def test_v4_two_rows_of_a_topic_read_as_one_rule_only_where_the_order_allows_it(v4: Deployment) -> None:
    assert converge(v4, ["allow publish a", "allow subscribe a"]) == ["allow all a"]
    assert not done("acl", v4, username="al", rules=[rule("allow all a")], state="exact")["changed"]
    crossed = ["allow publish a", "deny all b", "allow subscribe a"]
    # Rules to publish and rules to subscribe never meet: this says the same as `publish a` in front of both.
    assert converge(v4, crossed, state="exact") == crossed
    assert not done("acl", v4, username="al", rules=[rule(text) for text in crossed], state="exact")["changed"]
    other = ["allow publish a", "deny publish b", "deny subscribe b", "allow subscribe a"]
    assert not done("acl", v4, username="al", rules=[rule(text) for text in other], state="exact")["changed"]


def test_v4_only_rows_that_are_wrong_or_wrongly_placed_are_sent(v4: Deployment) -> None:
    base = [f"allow publish t/{number}" for number in range(6)]
    converge(v4, base)

    def posts(rules: list[str], **options: Any) -> int:
        v4.forget_requests()
        done("acl", v4, username="al", rules=[rule(text) for text in rules], **options)
        return len([call for call in v4.requests if call.method == "POST"])

    assert posts(["deny publish t/2"]) == 3  # it moves to the top, and so must those above it
    assert posts(["allow publish new"], position="front") == 1
    assert posts(["allow publish rear"]) == 8  # all of the others have to be above it
    # Rules to subscribe have an order of their own, and a DELETE of the lowest row moves nothing.
    assert posts(["allow subscribe t/0"], position="front") == 1
    assert posts(["allow publish rear"], state="absent") == 0
    assert posts(["allow publish t/0"], state="absent") == 1  # the DELETE has taken the rule to subscribe, too
    read = texts(done("acl_info", v4, username="al")["acls"][0]["rules"])
    assert sorted(read[:2]) == ["allow publish new", "allow subscribe t/0"]
    assert read[2:] == ["allow publish t/1", "deny publish t/2", *base[3:]]


def test_v4_what_a_delete_takes_with_it_comes_back_in_its_place(v4: Deployment) -> None:
    converge(v4, ["allow subscribe z", "allow all t", "deny all #"])
    assert converge(v4, ["allow publish t"], state="absent") == ["allow subscribe z", "allow subscribe t", "deny all #"]


def test_v4_the_stricter_state_comes_first(v4: Deployment) -> None:
    v4.add_rules("username", "al", [("a", "publish", True), ("b", "publish", False), ("c", "publish", True)])
    # `a` is denied by what comes: its allow goes first; the deny of `b` goes last, after what replaces it.
    done("acl", v4, username="al", rules=[rule("deny publish #")], state="exact")
    changes = [(call.method, call.path) for call in v4.requests if call.method != "GET"]
    kinds = [f"{method} {path.rpartition('/')[2]}" for method, path in changes]
    assert sorted(kinds[:2]) == ["DELETE a", "DELETE c"] and kinds[2:] == ["POST acl", "DELETE b"]


def test_v4_a_subject_that_denies_goes_after_others_have_come(v4: Deployment) -> None:
    v4.add_rules("clientid", "strict", [("#", "publish", False)])
    v4.add_rules("clientid", "lenient", [("#", "publish", True)])
    subjects = [{"clientid": "new", "rules": [rule("deny publish #")]}]
    done("acls", v4, subjects=subjects, purge=True)
    changes = [call.path for call in v4.requests if call.method != "GET"]
    assert [path.split("/")[-3:-2] or path for path in changes][0] == ["lenient"]
    assert [path.split("/")[-3:-2] for path in changes][-1] == ["strict"]


def test_v4_a_failure_half_way_says_what_was_left(v4: Deployment) -> None:
    v4.faults.add(Fault("body", status=200, body={"code": 101}, method="POST", nth=2))
    rules = [rule("allow publish a"), rule("allow publish b"), rule("deny all #")]
    result = run("acl", v4, username="al", rules=rules, state="exact")
    assert result["failed"] and result["changed"]
    assert "RPC error" in one_sentence(result["msg"])
    assert result["msg"].endswith("the username 'al' was left with deny all '#'.")
    assert v4.rules("username", "al") == [("#", "subscribe", False), ("#", "publish", False)]
    assert texts(done("acl", v4, username="al", rules=rules, state="exact")["rules"])[0] == "allow publish a"


def test_v4_a_subject_that_was_left_half_way_is_decided_anew(v4: Deployment) -> None:
    v4.add_client("d1", username="al")
    assert v4.allows("d1", "publish", "t")
    v4.faults.add(Fault("body", status=200, body={"code": 101}, method="POST", nth=2))
    rules = [rule("allow publish a"), rule("deny all #")]
    assert run("acl", v4, username="al", rules=rules, drop_cache=True)["failed"]
    assert not v4.allows("d1", "publish", "t")


def test_v4_a_row_that_a_batch_refuses_fails_its_subject_and_no_other(v4: Deployment) -> None:
    data = [{"username": "b", "result": "{error,action}"}, {"username": "a", "result": "ok"}]
    v4.faults.add(Fault("body", status=200, body={"code": 0, "data": data}, method="POST"))
    subjects = [{"username": name, "rules": [rule("allow publish t")]} for name in ("a", "b")]
    result = run("acls", v4, subjects=subjects)
    assert result["failed"] and result["counts"]["created"] == 1
    assert [failure["item"]["username"] for failure in result["failures"]] == ["b"]
    assert "{error,action}" in one_sentence(result["msg"].replace("changes failed. The first: ", ""))


def test_v4_after_a_fatal_error_nothing_more_is_sent(v4: Deployment) -> None:
    v4.faults.add(Fault("status", status=401, method="POST", nth=2, times=99))
    subjects = [{"username": name, "rules": [rule("allow publish t"), rule("deny all #")]} for name in ("a", "b")]
    result = run("acls", v4, subjects=subjects, batch_bytes=1)
    assert result["failed"] and result["changed"] and result["counts"]["failed"] == 2
    assert len([call for call in v4.requests if call.method == "POST"]) == 2


# v5


def test_v5_qos_and_retain_tell_rules_apart_and_defaults_are_filled_in(v5: Deployment) -> None:
    rules = [
        rule("deny publish t", qos=[2, 1], retain=True), rule("allow subscribe t", retain="yes"), rule("allow all t"),
    ]
    result = done("acl", v5, username="al", rules=rules)
    assert [(row["qos"], row["retain"]) for row in result["rules"]] == [
        ([1, 2], True), ([0, 1, 2], "all"), ([0, 1, 2], "all"),
    ]
    assert not done("acl", v5, username="al", rules=rules, state="exact")["changed"]
    gone = done("acl", v5, username="al", rules=[rule("deny publish t", qos=[1, 2])], state="absent")
    assert not gone["changed"]


def test_v5_an_unknown_field_of_a_newer_broker_is_kept(v5: Deployment) -> None:
    listed = {"topic": "a", "action": "all", "permission": "allow", "qos": [0, 1, 2], "retain": "all"}
    row = {"username": "al", "rules": [{**listed, "ipaddr": "10.0.0.0/8"}]}
    v5.faults.add(Fault("body", status=200, body=row, method="GET", times=99))
    assert not done("acl", v5, username="al", rules=[rule("allow all a")], state="exact")["changed"]
    result = done("acl", v5, check=True, username="al", rules=[rule("deny all a")])
    assert result["rules"] == [{**listed, "permission": "deny", "ipaddr": "10.0.0.0/8"}]


def test_v5_an_empty_record_is_none_to_be_exact_about(v5: Deployment) -> None:
    v5.add_rules("username", "al", [])
    assert done("acl_info", v5)["acls"] == [{"username": "al", "rules": []}]
    assert converge(v5, ["allow all t"]) == ["allow all t"]
    assert converge(v5, [], state="exact", purge_all=True) == []
    assert done("acl_info", v5)["acls"] == []


def test_v5_more_rules_than_a_subject_may_have_are_refused(v5: Deployment) -> None:
    rules = [rule(f"allow publish t/{number}") for number in range(101)]
    for subject, name in (({"username": "al"}, "the username 'al'"), ({"everyone": True}, "everyone")):
        said = refused("acl", v5, **subject, rules=rules)
        assert said.startswith(f"{name} would have 101 rules, and a subject has at most 100 here")
    assert len(done("acl", v5, username="al", rules=rules[:100])["rules"]) == 100
    assert "101 rules" in refused("acl", v5, username="al", rules=rules[100:])


def test_v5_without_the_source_one_sentence_says_so() -> None:
    with Simulator.start(generation="v5", bare=True, allow_anonymous=True) as simulator:
        for module, options in (("acl_info", {}), ("acl", {"everyone": True, "rules": [rule("deny all #")]})):
            result = run(module, simulator.deployments[0], **options)
            assert "create it first, with emqx.cloud.authorization_source" in one_sentence(result["msg"])


# What is refused


@GENERATIONS
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"rules": []}, "username, clientid or everyone: true has to name one subject: none is given."),
        ({"username": "a", "clientid": "b", "rules": []}, "username and clientid are given."),
        ({"username": "..", "rules": []}, "'..' can't be used as username"),
        ({"username": "a"}, "rules is missing: state: present needs it."),
        ({"username": "a", "rules": [], "state": "exact"}, "rules is empty, so everything would be deleted"),
        ({"everyone": True, "rules": [{"topic": "t", "action": "all"}]}, "rules[0].permission is missing"),
        ({"everyone": True, "rules": [rule("allow all a/#/b")]}, "rules[0].topic is 'a/#/b', which is no topic filter"),
        ({"everyone": True, "rules": [rule("allow all t"), rule("deny all t")]}, "rules[1] has another permission"),
    ],
)
def test_what_cannot_be_is_refused(deployment: Deployment, options: dict[str, Any], sentence: str) -> None:
    assert sentence in refused("acl", deployment, **options)
    if "rules" in options and "username" not in options:
        subjects = [{"username": "x", "rules": []}, {name: options[name] for name in options if name != "state"}]
        assert "subjects[1]." in refused("acls", deployment, subjects=subjects)
    assert deployment.requests == []


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (rule("allow all eq t/#"), "needs a v5 deployment"), (rule("allow all t", qos=[1]), "rules[0].qos needs a v5"),
        (rule("allow all t", retain=True), "rules[0].retain needs a v5 deployment"),
        (rule("allow all t/${clientid}"), "${clientid} is no placeholder on v4"),
        (rule("allow all dev-%c/t"), "%c and %u are placeholders only as a whole level"),
    ],
)
def test_v4_lacks_what_v5_has(v4: Deployment, row: dict[str, Any], sentence: str) -> None:
    assert sentence in refused("acl", v4, everyone=True, rules=[row])
    assert v4.requests == []


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (rule("allow all t", qos=[]), "rules[0].qos is []"), (rule("allow all t", qos=[3]), "rules[0].qos is [3]"),
        (rule("allow all t", retain="maybe"), "rules[0].retain is 'maybe': it is true, false or all."),
        (rule("allow all t/%c"), "no placeholders on v5"), (rule("allow all eq a/#/b"), "which is no topic filter"),
    ],
)
def test_v5_refuses_too(v5: Deployment, row: dict[str, Any], sentence: str) -> None:
    assert sentence in refused("acl", v5, everyone=True, rules=[row])
    assert v5.requests == []


@GENERATIONS
def test_lists_that_contradict_themselves_are_refused(deployment: Deployment, generation: str) -> None:
    same = {"username": "a", "rules": [rule("allow all t")]}
    other = {"username": "a", "rules": [rule("deny all t")]}
    assert "subjects names username a twice" in refused("acls", deployment, subjects=[same, other])
    assert done("acls", deployment, subjects=[same, same])["counts"]["created"] == 1
    both = [rule("allow all t"), rule("deny publish t")]
    if generation == "v4":
        assert "rules[1] has another permission than rules[0]" in refused("acl", deployment, username="b", rules=both)
    else:
        assert len(done("acl", deployment, username="b", rules=both)["rules"]) == 2
    both_ways = {"subjects": [same], "purge": True, "state": "absent"}
    assert "purge deletes what is not listed" in refused("acls", deployment, **both_ways)
    assert "kind has to name" in refused("acls", deployment, subjects=[], purge=True, purge_all=True)
    assert "exclude each other" in refused("acl_info", deployment, username="a", like="b")


@GENERATIONS
def test_a_purge_touches_only_the_kinds_that_occur_or_are_named(deployment: Deployment) -> None:
    for kind, name in (("username", "u"), ("clientid", "c"), ("all", "$all")):
        deployment.add_rules(kind, name, [("t", "publish", True)])
    keep = [{"username": "new", "rules": [rule("allow publish t")]}]
    result = done("acls", deployment, subjects=keep, purge=True)
    assert result["counts"] == {"created": 1, "updated": 0, "deleted": 1, "unchanged": 0, "failed": 0}
    rest = done("acl_info", deployment, query="[].[username, clientid, everyone][]")["acls"]
    assert rest == ["new", "c", True]
    result = done("acls", deployment, subjects=[], kind=["clientid", "everyone"], purge=True, purge_all=True)
    assert result["counts"]["deleted"] == 2
    assert done("acl_info", deployment, query="[].username")["acls"] == ["new"]
    limited = run("acls", deployment, subjects=[], kind=["username"], purge=True, purge_all=True, purge_limit="10%")
    assert limited["failed"] and "more than purge_limit allows" in limited["msg"]


@GENERATIONS
def test_acl_info_filters_and_bounds(deployment: Deployment) -> None:
    for name in ("Gate-1", "gate-2", "other"):
        deployment.add_rules("username", name, [("t", "publish", True)])
    deployment.add_rules("clientid", "gate-3", [("t", "publish", True)])
    deployment.add_rules("all", "$all", [("t", "publish", True)])
    found = done("acl_info", deployment, like="gate", query="sort([].[username, clientid][] | [?@])")["acls"]
    assert found == ["gate-2", "gate-3"]
    assert done("acl_info", deployment, like="a", kind=["everyone"])["count"] == 0
    assert done("acl_info", deployment, limit=2)["count"] == 2
    assert done("acl_info", deployment, kind=["clientid"])["count"] == 1
    assert done("acl_info", deployment, everyone=True)["acls"][0]["everyone"] is True
    assert done("acl_info", deployment, username="nobody")["acls"] == []


# Warnings


@GENERATIONS
def test_a_rule_that_does_nothing_is_warned_of(deployment: Deployment, generation: str) -> None:
    code = importlib.import_module(PLUGINS + "modules.acl")
    runner = importlib.import_module(PLUGINS + "module_utils._task")

    def warnings(rules: list[str], **options: Any) -> list[str]:
        spec = code.SPEC.arguments()["argument_spec"]
        given = {**connection(deployment), "username": "al", "rules": [rule(text) for text in rules], **options}
        task = runner.Task(ArgumentSpecValidator(spec).validate(given).validated_parameters)
        assert not runner.execute(task, code.run).get("failed")
        return task.warnings

    assert warnings(["deny all #"]) == []
    assert warnings(["allow publish t"]) == [
        "The rule allow publish 't' of the username 'al' does nothing: it stands behind deny all '#', which decides "
        "all that it matches."
    ]
    assert warnings(["allow publish t"]) == []  # it isn't new any more
    assert warnings(["allow publish u"], position="front") == []
    assert warnings(["allow publish $SYS/#"]) == []  # a wildcard on the first level doesn't match it


# What is decided


@GENERATIONS
def test_rules_count_over_mqtt_and_the_cache_holds_until_it_is_dropped(deployment: Deployment, generation: str) -> None:
    own = "dev/${clientid}/up" if generation == "v5" else "dev/%c/up"
    deployment.add_user("al", "pw")
    done("acl", deployment, everyone=True, rules=[rule(f"allow publish {own}"), rule("deny all #")])
    client = MqttClient(deployment, "d1", "al", "pw")
    try:
        assert client.subscribe("dev/#", 0) is False
        assert deployment.allows("d1", "publish", "dev/d1/up") and not deployment.allows("d1", "publish", "dev/d2/up")
        done("acl", deployment, username="al", rules=[rule("deny publish dev/d1/up")])
        assert deployment.allows("d1", "publish", "dev/d1/up")  # cached
        done("acl", deployment, check=True, username="al", rules=[rule("allow publish x")], drop_cache=True)
        assert deployment.allows("d1", "publish", "dev/d1/up")
        done("acl", deployment, username="al", rules=[rule("allow publish x")], drop_cache=True)
        assert not deployment.allows("d1", "publish", "dev/d1/up")
        done("acl", deployment, clientid="d1", rules=[rule("allow all dev/#")], drop_cache=True)
        assert deployment.allows("d1", "publish", "dev/d1/up")
        assert client.subscribe("dev/#", 0)
    finally:
        client.disconnect()


def dropped(deployment: Deployment) -> list[str]:
    calls = [call for call in deployment.requests if call.method == "DELETE" and "cache" in call.path]
    deployment.forget_requests()
    return sorted(call.path.partition("/clients/")[2] or call.path for call in calls)


@GENERATIONS
def test_only_the_caches_of_those_who_are_affected_are_dropped(deployment: Deployment, generation: str) -> None:
    cache = "/authorization/cache" if generation == "v5" else "/acl_cache"
    for name, user in (("a", "u1"), ("b", "u1"), ("c", "u2")):
        deployment.add_client(name, username=user)
    options: dict[str, Any] = {"rules": [rule("deny all x")], "drop_cache": True}
    done("acl", deployment, username="u1", **options)
    assert dropped(deployment) == [f"a{cache}", f"b{cache}"]
    done("acl", deployment, username="u1", **options)
    assert dropped(deployment) == []
    done("acl", deployment, clientid="offline", **options)
    assert dropped(deployment) == [f"offline{cache}"]
    done("acl", deployment, everyone=True, **options)
    assert dropped(deployment)[0].endswith("/authorization/cache" if generation == "v5" else "/acl-cache")
    subjects = [{"username": f"u{number}", "rules": [rule("deny all y")]} for number in range(2, 20)]
    done("acls", deployment, subjects=subjects, drop_cache=True)
    assert dropped(deployment) == [f"c{cache}"]


@GENERATIONS
def test_the_module_for_the_cache(deployment: Deployment) -> None:
    for name in ("a", "b"):
        deployment.add_client(name)
        assert deployment.allows(name, "publish", "t")
        deployment.add_rules("clientid", name, [("#", "publish", False)])
    assert done("authorization_cache", deployment, check=True, state="absent")["requests"] == 0
    done("authorization_cache", deployment, clientid="a", state="absent")
    done("authorization_cache", deployment, clientid="offline", state="absent")
    assert [deployment.allows(name, "publish", "t") for name in ("a", "b")] == [False, True]
    assert done("authorization_cache", deployment, state="absent")["requests"] == 1
    assert not deployment.allows("b", "publish", "t")
    assert "can't be used as clientid" in refused("authorization_cache", deployment, clientid="..", state="absent")


def test_v4_without_the_call_for_everybody_each_client_online_is_asked_for(v4: Deployment) -> None:
    for name in ("a", "b"):
        v4.add_client(name)
    v4.faults.add(Fault("body", status=404, body="Not found.", path="/acl-cache"))
    done("authorization_cache", v4, state="absent")
    assert dropped(v4)[-2:] == ["a/acl_cache", "b/acl_cache"]


# How many requests


def subjects(number: int, *rules: str) -> list[dict[str, Any]]:
    return [
        {"username": f"device-{index:06}", "rules": [rule(text) for text in rules]} for index in range(number)
    ]


def test_v5_ten_thousand_subjects_are_a_handful_of_requests(v5: Deployment) -> None:
    listed = subjects(10_000, "allow publish t/1", "deny all #")
    first = done("acls", v5, subjects=listed)
    assert first["counts"]["created"] == 10_000
    assert first["requests"] == len(v5.requests) <= 5
    v5.forget_requests()
    again = done("acls", v5, subjects=listed)
    assert (again["changed"], again["counts"]["unchanged"]) == (False, 10_000)
    assert {call.method for call in v5.requests} == {"GET"}


def test_v4_ten_thousand_subjects_are_as_many_requests_as_the_longest_list(v4: Deployment) -> None:
    listed = subjects(10_000, "allow publish t/1", "allow all t/2", "deny all #")
    first = done("acls", v4, subjects=listed)
    assert first["counts"]["created"] == 10_000
    assert first["requests"] == len(v4.requests) <= 8
    v4.forget_requests()
    again = done("acls", v4, subjects=listed)
    assert (again["changed"], again["counts"]["unchanged"]) == (False, 10_000)
    assert [call.method for call in v4.requests] == ["GET"]


@GENERATIONS
def test_a_purge_of_two_thousand_goes_out_concurrently(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(2000):
        deployment.add_rules("username", f"u{index}", [("t", "publish", True)])
    threads: set[int] = set()
    send = requests.Session.send

    def noted(self: requests.Session, *arguments: Any, **options: Any) -> Any:
        threads.add(threading.get_ident())
        return send(self, *arguments, **options)

    monkeypatch.setattr(requests.Session, "send", noted)
    result = done("acls", deployment, subjects=[], kind=["username"], purge=True, purge_all=True)
    assert len(threads) >= 8  # max_connections of them, and the one that lists
    assert result["counts"]["deleted"] == 2000
    assert deployment.rules("username", "u1") == []
    assert len(deployment.requests) == 2002  # the list once more at the end
