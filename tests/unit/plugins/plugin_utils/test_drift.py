# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of differences: clean, drift and error, and each difference once."""

from __future__ import annotations

import pytest
from ansible_collections.emqx.cloud.plugins.filter.drift_lines import drift_lines
from ansible_collections.emqx.cloud.plugins.filter.drift_report import drift_report

USER = {"username": "a", "is_superuser": False}
RULE = {"id": "r", "enabled": True, "sql": "S"}


def section(name, *differences, **counts):
    told = [{"action": action, "before": before, "after": after} for action, before, after in differences]
    actions = [each["action"] for each in told]
    numbers = {f"{action}d": actions.count(action) for action in ("create", "update", "delete")}
    return {"section": name, **numbers, **counts, "differences": told}


def found(*sections):
    return {"converge_result": {"changed": True, "sections": list(sections)}}


CLEAN = found(section("users"))
DRIFT = found(
    section("users", ("create", None, USER), ("delete", {"username": "b"}, None)),
    section("rules", ("update", RULE, {**RULE, "enabled": False, "sql": "T"})),
)


@pytest.mark.parametrize(
    ("variables", "status"),
    [
        ({"a": CLEAN}, "clean"), ({"a": CLEAN, "b": DRIFT}, "drift"), ({"a": {}}, "error"), ({}, "clean"),
        ({"a": DRIFT, "b": {"drift_reason": "No answer."}}, "error"), ({"a": {**DRIFT, "drift_reason": "x"}}, "error"),
        ({"a": found(section("users", created=1))}, "drift"), ({"a": CLEAN, "b": found()}, "error"),
    ],
)
def test_the_worst_status_counts(variables, status):
    report = drift_report(list(variables), variables)
    assert report["status"] == status
    assert [each["name"] for each in report["deployments"]] == sorted(variables)


def test_what_failed_is_told_with_what_was_found_before():
    report = drift_report(["a", "b", "c"], {"a": {**DRIFT, "drift_reason": "It broke."}, "b": {}, "c": found()})
    assert [each["reason"] for each in report["deployments"]] == [
        "It broke.", "It was not compared.", "It has no model, so that nothing was compared.",
    ]
    assert len(report["deployments"][0]["differences"]) == 3


def test_each_difference_is_named_once():
    twice = found(*DRIFT["converge_result"]["sections"], *DRIFT["converge_result"]["sections"][1:])
    report = drift_report(["plant-7"], {"plant-7": twice})
    assert [(each["section"], each["name"], each["action"]) for each in report["deployments"][0]["differences"]] == [
        ("users", "username a", "create"), ("users", "username b", "delete"), ("rules", "r", "update"),
    ]
    assert drift_lines(report)[:7] == [
        "status: drift",
        "plant-7: drift",
        "  users username a: missing on the deployment",
        "  users username b: not in the model",
        "  rules r differs:",
        "    enabled is true, and false in the model",
        '    sql is "S", and "T" in the model',
    ]


def test_lists_are_compared_by_their_members():
    one, two = {"topic": "a"}, {"topic": "b"}
    lists = [([one], [two]), ([one, two], [two, one]), ([one, two], [two])]
    differences = [
        ("update", {"everyone": True, "rules": before}, {"everyone": True, "rules": after}) for before, after in lists
    ]
    report = drift_report(["p"], {"p": found(section("acl", *differences))})
    assert drift_lines(report)[2:] == [
        "  acl everyone differs:",
        '    rules: not in the model: {"topic": "a"}',
        '    rules: missing on the deployment: {"topic": "b"}',
        "  acl everyone differs:",
        "    rules: is in another order",
        "  acl everyone differs:",
        '    rules: not in the model: {"topic": "a"}',
    ]


def test_settings_topics_and_deep_changes():
    cache = {"ttl": "1m", "enable": True}
    settings = ("update", {"cache": cache}, {"cache": {**cache, "ttl": "2m"}})
    topics = ("create", None, {"topic": "t"})
    both = found(section("authorization_settings", settings), section("topic_metrics", topics))
    report = drift_report(["p"], {"p": both})
    assert drift_lines(report)[2:] == [
        "  authorization_settings differs:",
        '    cache.ttl is "1m", and "2m" in the model',
        "  topic_metrics t: missing on the deployment",
    ]


def test_what_the_modules_left_out_is_counted():
    report = drift_report(["p"], {"p": found(section("users", ("create", None, USER), created=12))})
    assert report["deployments"][0]["left_out"] == 11
    assert drift_lines(report)[-1] == "  and 11 more"


def test_a_name_stays_in_its_line_and_a_long_value_is_cut():
    long = {"id": "r\n\x1b[1m", "sql": "x" * 1000}
    report = drift_report(["p"], {"p": found(section("rules", ("update", long, {**long, "sql": "y"})))})
    shown = drift_lines(report)
    assert shown[2] == r"  rules r\n\u001b[1m differs:"
    assert len(shown[3]) < 260 and "…" in shown[3]
