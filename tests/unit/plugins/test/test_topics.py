# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests of topics under their names, with what a template may give them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.emqx.cloud.plugins.test import topic_filter, topic_match, topic_name

TESTS = {
    name: each
    for module in (topic_filter, topic_match, topic_name)
    for name, each in module.TestModule().tests().items()
}


@pytest.mark.parametrize(
    ("topic", "pattern", "matched"),
    [
        ("a/b", "a/+/#", True),
        ("a", "a/+/#", False),
        ("a", "a/#", True),
        ("a/b", "$share/g/a/#", True),
        ("a/b", "$queue/a/+", True),
        ("$SYS/a", "#", False),
        ("$SYS/a", "+/a", False),
        ("$SYS/a", "$SYS/+", True),
    ],
)
def test_a_topic_and_a_filter(topic: str, pattern: str, matched: bool) -> None:
    assert TESTS["topic_match"](topic, pattern) is matched


def test_names_and_filters() -> None:
    for topic, is_name, is_filter in (
        ("a/b", True, True), ("a/+", False, True), ("a/#/b", False, False), ("a+", False, False), ("", False, False),
        ("$share/g/#", False, True), ("$share//a", True, False), ("a\0", False, False), ("/", True, True),
    ):  # fmt: skip
        assert (TESTS["topic_name"](topic), TESTS["topic_filter"](topic)) == (is_name, is_filter), topic


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("topic_name", (7,), "The topic is 7: it has to be a text."),
        ("topic_filter", (["a"],), "The topic filter is ['a']: it has to be a text."),
        ("topic_match", (None, "a"), "The topic is None: it has to be a text."),
        ("topic_match", ("a", {}), "The topic filter is {}: it has to be a text."),
        ("topic_match", ("a/+", "a/+"), "'a/+' is no topic name: a topic name has no wildcards ('+' and '#')."),
        ("topic_match", ("a", "#/a"), "'#/a' is no topic filter: '#' stands alone as the last level."),
    ],
)
def test_what_is_no_topic_is_said_in_a_sentence(name: str, arguments: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError) as failed:
        TESTS[name](*arguments)
    assert str(failed.value) == message
