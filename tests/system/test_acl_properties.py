# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random changes of access rules against a plain model: an ordered list for each action, the first match decides."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator import Simulator
from system.harness import done

ROW = tuple[str, str]  # topic and permission
TOPICS = ["#", "a/#", "a/+", "a/b", "c", "+/b"]
PROBES = ["a/b", "a/x", "c", "d", "d/b", "a/#", "#"]
NAMES = itertools.count(1)


@st.composite
def changes(draw: st.DrawFn) -> list[dict[str, Any]]:
    found = []
    for _number in range(draw(st.integers(1, 4))):
        topics = draw(st.lists(st.sampled_from(TOPICS), min_size=1, max_size=5, unique=True))
        state = draw(st.sampled_from(["present", "present", "absent", "exact"]))
        rules = []
        for topic in topics:
            action = draw(st.sampled_from(["publish", "subscribe", "all"]))
            rules.append({"topic": topic, "action": action, "permission": draw(st.sampled_from(["allow", "deny"]))})
            if state == "absent" and draw(st.booleans()):
                del rules[-1]["permission"]
        found.append({"rules": rules, "state": state, "position": draw(st.sampled_from(["front", "rear"]))})
    return found


def changed(rows: list[ROW], wanted: list[tuple[str, str | None]], state: str, position: str) -> list[ROW]:
    """What an ordered list becomes."""
    if state == "exact":
        return [(topic, permission or "") for topic, permission in wanted]
    if state == "absent":
        return [row for row in rows if (row[0], None) not in wanted and row not in wanted]
    there = {topic for topic, _permission in rows}
    new = [(topic, permission or "") for topic, permission in wanted if topic not in there]
    told = dict(wanted)
    rows = [(topic, told.get(topic) or permission) for topic, permission in rows]
    return new + rows if position == "front" else rows + new


def decides(rows: list[ROW], probe: str) -> bool:
    return next((permission == "allow" for topic, permission in rows if takes(topic, probe)), True)


def takes(pattern: str, topic: str) -> bool:
    """Whether a filter of a rule takes a topic or a filter that is asked for."""
    if pattern == "#":
        return True
    head, _slash, rest = pattern.partition("/")
    first, slash, more = topic.partition("/")
    if head not in ("+", first):
        return False
    if not rest or not slash:
        return (not rest and not slash) or (not slash and rest == "#")
    return takes(rest, more)


def for_action(rules: list[dict[str, Any]], action: str) -> list[tuple[str, str | None]]:
    return [(row["topic"], row.get("permission")) for row in rules if row["action"] in ("all", action)]


@pytest.fixture(scope="module", params=["v4", "v5"])
def deployment(request: pytest.FixtureRequest) -> Any:
    with Simulator.start(generation=request.param) as simulator:
        yield simulator.deployments[0]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequence=changes())
def test_rules_are_what_the_model_says(deployment: Any, sequence: list[dict[str, Any]]) -> None:
    name = f"user-{next(NAMES)}"
    deployment.add_client(name, username=name)
    v5 = deployment.api_url.endswith("v5")
    # v5 keeps one list, in which a rule for `all` is another one than a rule for `publish`; v4 keeps two lists.
    kept: dict[str, list[ROW]] = {action: [] for action in (["both"] if v5 else ["publish", "subscribe"])}
    for change in sequence:
        options = {"username": name, **change, "drop_cache": True}
        for action in kept:
            rules = change["rules"]
            wanted = (
                [(f"{row['action']} {row['topic']}", row.get("permission")) for row in rules]
                if v5 else for_action(rules, action)
            )
            kept[action] = changed(kept[action], wanted, change["state"], change["position"])
        predicted, happened = (done("acl", deployment, check=check, **options) for check in (True, False))
        for field in ("changed", "counts", "diff", "rules"):
            assert predicted[field] == happened[field]
        read = [
            row for subject in done("acl_info", deployment, username=name)["acls"] for row in subject["rules"]
        ]
        assert read == happened["rules"]
        if v5:
            assert [(f"{row['action']} {row['topic']}", row["permission"]) for row in read] == kept["both"]
        for action in ("publish", "subscribe"):
            rows = for_action(read, action)
            assert v5 or rows == kept[action]
            for probe in PROBES:
                if action == "subscribe" or "#" not in probe:
                    assert deployment.allows(name, action, probe) == decides(rows, probe), (action, probe, rows)
        again = done("acl", deployment, **{**options, "position": "rear"})
        assert not again["changed"] and again["rules"] == read
