# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of a model: counts, differences, tables, reasons."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.emqx.cloud.plugins.plugin_utils._model import SECTIONS
from ansible_collections.emqx.cloud.plugins.plugin_utils._report import all_new, differences, lines, reason, report


def counts(**numbers: int) -> dict[str, int]:
    return {**dict.fromkeys(("created", "updated", "deleted", "unchanged", "failed"), 0), **numbers}


def test_a_report() -> None:
    results = {
        "users": [{"changed": True, "counts": counts(created=2, unchanged=1), "requests": 3}],
        "rules": [
            {"changed": True, "results": [
                {"changed": True, "counts": counts(updated=1), "requests": 2},
                {"changed": False, "failed": True, "msg": "No.", "requests": 1},
                {"changed": False, "failed": True, "counts": counts(created=1, failed=2), "requests": 1},
            ]},
            {},
        ],
        "bans": [{}],
        "sources": [{"changed": False, "skipped": True, "results": []}],
    }  # fmt: skip
    found = report(["users", "sources", "rules", "bans"], results, [{"requests": 4}, {}, {"skipped": True}])
    assert (found["changed"], found["requests"]) == (True, 11)
    told = {row.pop("section"): row for row in found["sections"]}
    assert [row.pop("differences") for row in told.values()] == [[], [], [], []]
    assert told == {
        "users": {"state": "changed", **counts(created=2, unchanged=1), "requests": 3},
        "sources": {"state": "ok", **counts(), "requests": 0},
        "rules": {"state": "failed", **counts(updated=1, created=1, failed=3), "requests": 4},
        "bans": {"state": "not reached", **counts(), "requests": 0},
    }


@pytest.mark.parametrize(
    ("section", "before", "after", "expected"),
    [
        ("users", {"users": [{"username": "gone"}, {"username": "a", "is_superuser": False}]},
         {"users": [{"username": "a", "is_superuser": True}, {"clientid": "gone"}]},
         [("delete", "gone"), ("update", "a"), ("create", "gone")]),
        ("connectors", {"connectors": []}, {"connectors": [{"type": "http", "name": "a", "config": {}}]},
         [("create", "a")]),
        ("authorization_settings", {"settings": [{"no_match": "allow"}]}, {"settings": [{"no_match": "deny"}]},
         [("update", None)]),
        ("acl", {"acls": [{"everyone": True, "rules": [1]}], "left_out": 5}, {"acls": [], "left_out": 5},
         [("delete", None)]),
    ],
)  # fmt: skip
def test_differences(section: str, before: Any, after: Any, expected: list[Any]) -> None:
    found = list(differences(SECTIONS[section], {"before": before, "after": after}))
    whole = [each["after"] or each["before"] for each in found]
    names = [item.get("username") or item.get("clientid") or item.get("name") for item in whole]
    assert [(each["action"], name) for each, name in zip(found, names)] == expected
    assert all((each["before"] is None) == (each["action"] == "create") for each in found)
    assert all((each["after"] is None) == (each["action"] == "delete") for each in found)


def test_no_diff_no_differences() -> None:
    assert list(differences(SECTIONS["users"], None)) == list(differences(SECTIONS["users"], {"before": ""})) == []


def test_a_prediction_without_a_database_has_no_passwords() -> None:
    users = [{"username": "a", "password": "secret"}]
    assert all_new("users", users, True) == {
        "changed": True, "counts": counts(created=1), "requests": 0,
        "diff": {"before": {"users": []}, "after": {"users": [{"username": "a"}]}},
    }  # fmt: skip
    assert all_new("acl", [{"username": "a", "rules": []}], False) == {
        "changed": False, "counts": counts(unchanged=1), "requests": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"msg": "No.\nMore of it."}, "No."),
        ({"msg": "One or more items failed", "results": [{"msg": "fine"}, {"failed": True, "msg": "No."}]}, "No."),
        ({"msg": "The model has 2 problems", "problems": ["First.", "Second."]}, "First. (1 more)"),
        ({"msg": ["No", "way."]}, "No way."),
        ({"msg": "a\x1b[31mb"}, "a [31mb"),
        ({}, "It is not known why."),
        (None, "It is not known why."),
    ],
)
def test_reasons(result: Any, expected: str) -> None:
    assert reason(result) == expected


def test_lines() -> None:
    rows = [{"a": "x", "n": 12, "hidden": 1}, {"a": "two\nlines", "n": "-"}]
    assert lines(rows, ["a", "n", "z"]) == ["a     n  z", "x    12", "two   -"]
    assert lines([], ["a", "b"]) == ["a  b"]
