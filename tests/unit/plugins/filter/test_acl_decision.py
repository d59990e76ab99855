# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``acl_decision`` with what a template may give it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.emqx.cloud.plugins.filter.acl_decision import FilterModule

DECISION = FilterModule().filters()["acl_decision"]
POLICY = [{"username": "7", "rules": [{"topic": "a", "action": "all", "permission": "deny", "qos": [1]}]}]


def test_values_as_templates_give_them() -> None:
    """Before ansible-core 2.19 what a template makes of a number is a text."""
    assert DECISION(POLICY, action="publish", topic="a", username=7, qos="1") == "deny"
    assert DECISION(POLICY, "publish", "a", username="7", qos=0, no_match="deny", retain="no") == "deny"
    assert DECISION(POLICY, "publish", "a", username="7", qos=1, is_superuser="yes") == "allow"
    assert DECISION({"acls": POLICY}, "publish", "a") == "allow"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "acl_decision: action is None: it is publish or subscribe."),
        ({"action": "publish"}, "acl_decision: topic is None: it is a text."),
        ({"action": "publish", "topic": "a", "qos": "x"}, "acl_decision: qos is 'x': it is 0, 1 or 2."),
        ({"action": "publish", "topic": "a", "retain": "x"}, "acl_decision: .*x"),
        ({"action": "publish", "topic": "a", "no_match": "x"}, "acl_decision: no_match is 'x': it is allow or deny."),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(arguments: Any, words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        DECISION(POLICY, **arguments)
