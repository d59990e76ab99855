# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is JSON, also for what comes after Python's reader."""

from __future__ import annotations

import json

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils._errors import InputError
from ansible_collections.emqx.cloud.plugins.module_utils._json import DEEPEST, checked_text, from_json


@pytest.mark.parametrize(
    "value", [None, True, 0, -1, 1.5, 10**30, "", "\u00e9\U0001f600\0", [], {}, [{"a": [{}]}], "]]}}[[{{"]
)
def test_what_is_json_is_read(value):
    assert from_json(json.dumps(value)) == value == from_json(json.dumps(value, ensure_ascii=False))


@pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", '{"a": -Infinity}', "1e999", "[-1e400]", "\ufeff{}"])
def test_what_only_python_takes_for_json_is_none(text):
    with pytest.raises(ValueError):
        from_json(text)


@pytest.mark.parametrize(("left", "right"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]"), ('["}", ', ', "]"]')])
def test_what_is_nested_too_deeply_is_none(left, right):
    levels = DEEPEST // (2 if left.startswith("[{") else 1)
    assert from_json(left * levels + "1" + right * levels)
    for more in (levels + 1, 900, 100_000):
        with pytest.raises(ValueError):
            from_json(left * more + "1" + right * more)


def test_many_brackets_in_a_text_are_no_nesting():
    text = "[" * 500 + "{" * 500
    assert from_json(json.dumps([text] * 3)) == [text] * 3


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"\\ud800"', "?"), ('{"\\udfff": "a\\uD83D"}', {"?": "a?"}), ('"\\ud83d\\ude00"', "\U0001f600"),
        ('"\\\\ud800"', "\\ud800"),
    ],
)
def test_half_a_pair_becomes_a_question_mark(text, value):
    assert from_json(text) == value


def test_texts_that_can_not_be_sent_are_refused():
    tree = {"a": ["\u00e9", {"b": None}]}
    assert checked_text(tree, "config") is tree
    for value in ("\ud800", {"a": ["\udfff"]}, {"\ud800": 1}):
        with pytest.raises(InputError) as refusal:
            checked_text(value, "config")
        assert str(refusal.value) == "config is not valid Unicode text, or holds a text that is not."
