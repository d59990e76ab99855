# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a broker would decide: the order of rules, what they match, and what is wrong with them.

That brokers decide the same is what a test of the system plays.
"""

from __future__ import annotations

from typing import Any, Dict, List

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._errors import InputError
from ansible_collections.emqx.cloud.plugins.module_utils._resources.acl_decision import Attempt, decision


def rule(topic: str, permission: str = "allow", action: str = "all", **more: Any) -> Dict[str, Any]:
    return {"topic": topic, "action": action, "permission": permission, **more}


def decided(rules: List[Dict[str, Any]], action: str, topic: str, no_match: str = "deny", **who: Any) -> str:
    """The decision by rules for everyone."""
    return decision([{"everyone": True, "rules": rules}], Attempt(action, topic, **who), no_match)


def test_the_order_of_subjects() -> None:
    """Client id, user name, everyone; within each the first that matches; then the default."""
    policy = [
        {"everyone": True, "rules": [rule("a", "deny"), rule("b"), rule("c", "deny"), rule("c")]},
        {"username": "u", "clientid": None, "everyone": False, "rules": [rule("a"), rule("b", "deny")]},
        {"clientid": "c", "rules": [rule("b", action="publish")]},
        {"clientid": "other", "rules": [rule("#")]},
    ]
    for who, topic, wanted in (
        ({"clientid": "c", "username": "u"}, "a", "allow"),
        ({"clientid": "c", "username": "u"}, "b", "allow"),
        ({"username": "u"}, "b", "deny"),
        ({}, "a", "deny"),
        ({}, "b", "allow"),
        ({"clientid": "c"}, "c", "deny"),
        ({"username": "other"}, "b", "allow"),
    ):
        assert decision(policy, Attempt("publish", topic, **who)) == wanted, (who, topic)
    attempt = Attempt("subscribe", "x", "c", "u")
    assert [decision(policy, attempt), decision(policy, attempt, "deny")] == ["allow", "deny"]
    assert decision([], attempt) == "allow"


def test_forms_of_a_policy() -> None:
    rules = [rule("a", "deny")]
    subjects = [{"username": "u", "rules": rules}]
    for policy in (rules, subjects, {"acls": subjects, "count": 1}, {"subjects": subjects}, subjects * 2):
        assert decision(policy, Attempt("publish", "a", username="u")) == "deny"
    assert decision([{"username": 4711, "rules": rules}], Attempt("publish", "a", username="4711")) == "deny"


@pytest.mark.parametrize(
    ("topic", "taken", "others"),
    [
        ("a/+", ["a/b", "a/#", "a/+", "a/"], ["a", "a/b/c", "a/+/#"]),
        ("a/#", ["a", "a/b", "a/#", "a/+/c", "$share/g/a/b", "$queue/a/#"], ["b", "#", "+/b"]),
        ("a/b", ["a/b"], ["a/#", "a/+", "#"]),
        ("#", ["a", "#", "+/a", "/"], ["$SYS/a", "$share/g/$SYS/a"]),
        ("+/a", ["b/a", "+/a"], ["$SYS/a"]),
        ("$SYS/#", ["$SYS/a", "$SYS/#"], ["#"]),
        ("eq a/#", ["a/#"], ["a/b", "a"]),
        ("eq t/${clientid}", ["t/${clientid}"], ["t/c"]),
        ("$share/g/a", [], ["a", "$share/g/a"]),
    ],
)
def test_filters_against_filters(topic: str, taken: List[str], others: List[str]) -> None:
    for asked in taken + others:
        found = decided([rule(topic)], "subscribe", asked, clientid="c")
        assert found == ("allow" if asked in taken else "deny"), asked


@pytest.mark.parametrize(
    ("topic", "who", "taken", "other"),
    [
        ("t/${clientid}/x", {"clientid": "c"}, "t/c/x", "t/${clientid}/x"),
        ("t/a${clientid}b${username}", {"clientid": "c", "username": "u"}, "t/acbu", "t/acb"),
        ("t/${username}", {}, "t/undefined", "t/"),
        ("t/${username}", {"username": "a/b"}, "t/a/b", "t/a"),
        ("t/${username}/x", {"username": "+"}, "t/any/x", "t/x"),
        ("t/${username}", {"username": "#"}, "t/any/x", "s"),
        ("t/${other}", {"clientid": "c"}, "t/${other}", "t/c"),
        ("t/%c/x", {"clientid": "c"}, "t/c/x", "t/%c/x"),
        ("t/%u", {"username": "u"}, "t/u", "t/%u"),
        ("t/%u", {}, "t/%u", "t/undefined"),
        ("t/${clientid}", {"clientid": "${username}", "username": "u"}, "t/${username}", "t/u"),
    ],
)
def test_placeholders(topic: str, who: Dict[str, str], taken: str, other: str) -> None:
    assert decided([rule(topic)], "publish", taken, **who) == "allow"
    assert decided([rule(topic)], "publish", other, **who) == "deny"


@pytest.mark.parametrize("topic", ["t/${clientid}", "t/%c"])
def test_a_client_that_is_not_known_has_no_placeholder(topic: str) -> None:
    for asked in ("t/", "t/undefined", "t/%c", "t/${clientid}"):
        assert decided([rule(topic)], "publish", asked) == "deny"


def test_actions_qos_and_retain() -> None:
    assert decided([rule("a", action="publish")], "subscribe", "a") == "deny"
    some = [rule("a", qos=[1, 2])]
    assert [decided(some, "subscribe", "a", qos=qos) for qos in (0, 1, 2)] == ["deny", "allow", "allow"]
    for retain, kept, others in ((True, "allow", "deny"), (False, "deny", "allow"), ("all", "allow", "allow")):
        some = [rule("a", retain=retain)]
        assert [decided(some, "publish", "a", retain=each) for each in (True, False)] == [kept, others]
    assert decided([rule("a", action="subscribe", retain=True)], "subscribe", "a") == "allow"
    assert decided([rule("a", retain=True)], "subscribe", "a") == "allow"


@pytest.mark.parametrize(
    ("some", "topic", "named"),
    [
        (rule("b", ipaddr="10.0.0.0/8", zone="x"), "b", "ipaddr and zone"),
        (rule("b/${zone}/x"), "b/y/z/x", "${zone}"),
        (rule("${client_attrs.site}/x", ipaddr="::1"), "b", "ipaddr and ${client_attrs.site}"),
    ],
)
def test_what_only_a_broker_knows(some: Dict[str, Any], topic: str, named: str) -> None:
    """It is a mistake only where it would count."""
    rules = [rule("a", "deny"), some, rule("c/#")]
    assert decided(rules, "publish", "a") == "deny"
    with pytest.raises(InputError) as found:
        decided(rules, "publish", topic)
    assert str(found.value) == f"subjects[0].rules[1] has {named}, so that only a broker can decide."
    assert decided([rule("eq b/${zone}")], "subscribe", "b/${zone}") == "allow"


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("a", "The policy has to be a list"),
        ({}, "The policy is a dictionary without acls or subjects"),
        ({"acls": None}, "The policy has to be a list"),
        (["a"], r"subjects\[0\] has to be a dictionary"),
        ([{"rules": []}], r"subjects\[0\] has to name one subject .* none is given"),
        ([{"username": "u", "everyone": True, "rules": []}], "username and everyone are given"),
        ([{"username": "u"}], r"subjects\[0\]\.rules has to be a list"),
        ([{"username": "u", "rules": [1]}], r"subjects\[0\]\.rules\[0\] has to be a dictionary"),
        ([{"username": "u", "rules": []}, {"username": "u", "rules": [rule("a")]}], r"subjects\[1\] is username u"),
        ([rule("a"), 3], r"^rules\[1\] has to be a dictionary"),
        ([{"topic": "a", "permission": "allow"}], r"rules\[0\]\.action is missing: it is publish, subscribe or all"),
        ([{"topic": "a", "action": "all"}], r"rules\[0\]\.permission is missing: it is allow or deny"),
        ([{**rule("a"), "topic": 7}], r"rules\[0\]\.topic is 7: it is a text"),
        ([rule("a", action="pub")], r"rules\[0\]\.action is 'pub'"),
        ([rule("a", action=["all"])], r"rules\[0\]\.action is \['all'\]"),
        ([rule("a/#/b")], r"rules\[0\]\.topic is 'a/#/b', which is no topic filter"),
        ([rule("a", qos=1)], r"rules\[0\]\.qos is 1"),
        ([rule("a", qos=[])], r"rules\[0\]\.qos is \[\]"),
        ([rule("a", qos=[True])], r"rules\[0\]\.qos is \[True\]"),
        ([rule("a", retain="some")], r"rules\[0\]\.retain is 'some'"),
        ([rule("t/%c", qos=[1])], r"rules\[0\]\.qos needs a v5 deployment"),
        ([rule("t/%c/${username}")], r"is no placeholder on v4"),
    ],
)
def test_what_is_wrong_with_a_policy(policy: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as found:
        decision(policy, Attempt("publish", "a"))
    assert str(found.value).endswith(".")


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (Attempt("all", "a"), "action is 'all'"),
        (Attempt("publish", "a/#"), "topic is 'a/#', which nobody can publish to"),
        (Attempt("subscribe", "a/#/b"), "which nobody can subscribe to"),
        (Attempt("publish", None), "topic is None"),  # type: ignore[arg-type]
        (Attempt("publish", "a", qos=3), "qos is 3"),
        (Attempt("publish", "a", qos=True), "qos is True"),
        (Attempt("publish", "a", retain="no"), "retain is 'no'"),  # type: ignore[arg-type]
        (Attempt("publish", "a", clientid=""), "clientid is ''"),
        (Attempt("publish", "a", username=7), "username is 7"),  # type: ignore[arg-type]
    ],
)
def test_what_nobody_can_attempt(attempt: Attempt, words: str) -> None:
    with pytest.raises(InputError, match=words):
        decision([], attempt)
    with pytest.raises(InputError, match="no_match is 'ignore'"):
        decision([], Attempt("publish", "a"), "ignore")
