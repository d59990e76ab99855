# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of a model under their names, with the arguments that the role gives them."""

from __future__ import annotations

from ansible_collections.emqx.cloud.plugins.filter import (
    all_new,
    converge_plan,
    converge_result,
    failure_reason,
    item_secrets,
    text_table,
    with_secrets,
)

FILTERS = {
    name: each
    for module in (all_new, converge_plan, converge_result, failure_reason, item_secrets, text_table, with_secrets)
    for name, each in module.FilterModule().filters().items()
}


def test_with_secrets() -> None:
    users = FILTERS["with_secrets"]([{"username": "a"}], "users", {"usernames": {"a": "p"}})
    assert users == [{"username": "a", "password": "p"}]


def test_the_secrets_of_single_items() -> None:
    few = {"connectors": {"http:a": {"password": "{{ p }}"}}, "authenticators": {}}
    assert FILTERS["item_secrets"]({"usernames": {"a": "p"}, "clientids": {"a": "p"}, **few}) == few
    assert FILTERS["item_secrets"](None) == FILTERS["item_secrets"]("text") == {}


def test_a_plan_takes_the_limit_as_a_number_and_nothing_for_what_is_not_given() -> None:
    model, live = {"rules": [{"id": "a"}]}, {"rules": [{"id": "a"}, {"id": "b"}, {"id": "c"}]}
    assert FILTERS["converge_plan"](model, live, ["rules"], 1)["problems"]
    assert not FILTERS["converge_plan"](model, live, ["rules"], 2)["problems"]
    assert FILTERS["converge_plan"](model, live, None) == {
        "problems": [], "apply": {"rules": [{"place": 0, "name": "a"}]}, "remove": {},
    }  # fmt: skip


def test_a_result_and_its_table() -> None:
    done = FILTERS["converge_result"](["users"], {"users": [FILTERS["all_new"]([{"username": "a"}], "users")]})
    assert FILTERS["text_table"](done["sections"], ["section", "created"]) == ["section  created", "users          1"]


def test_a_reason() -> None:
    assert FILTERS["failure_reason"]({"msg": "No."}) == "No."
