# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""JMESPath over rows."""

from __future__ import annotations

import importlib.util
import sys

import pytest
from ansible_collections.emqx.cloud.plugins.module_utils import _query
from ansible_collections.emqx.cloud.plugins.module_utils._errors import InputError

ROWS = [{"name": "a", "size": 2}, {"name": "b", "size": 1}]


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        (None, ROWS),
        ("[].name", ["a", "b"]),
        ("[?size > `1`].name | [0]", "a"),
        ("sort_by(@, &size)[0].name", "b"),
        ("length(@)", 2),
        ("[5]", None),
    ],
)
def test_a_query_picks_what_it_says(expression, found):
    assert _query.compiled(expression)(ROWS) == found


@pytest.mark.parametrize("expression", ["[?", "", "a b", "[?size > 1]", "nosuch("])
def test_a_query_that_is_no_jmespath_is_refused_at_once_in_one_line(expression):
    with pytest.raises(InputError, match="^query is no JMESPath expression: .*[^.]\\.$") as caught:
        _query.compiled(expression)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("expression", ["nosuch(@)", "sort_by(@, &nosuch)", "length(`5`)", "abs(name, @)"])
def test_a_query_that_does_not_fit_the_rows_is_one_sentence_that_names_the_option(expression):
    search = _query.compiled(expression, "condition")
    with pytest.raises(InputError, match="^condition can't be applied: ") as caught:
        search([{}, {}])
    assert "\n" not in str(caught.value)


def test_without_the_library_everything_can_still_be_imported(monkeypatch):
    name = _query.__name__ + "_without_jmespath"
    found = importlib.util.spec_from_file_location(name, _query.__file__)
    bare = importlib.util.module_from_spec(found)
    monkeypatch.setitem(sys.modules, "jmespath", None)
    found.loader.exec_module(bare)
    assert (bare.HAS_JMESPATH, _query.HAS_JMESPATH) == (False, True)


def test_without_the_library_the_message_says_what_to_install_and_where(monkeypatch):
    monkeypatch.setattr(_query, "HAS_JMESPATH", False)
    with pytest.raises(InputError, match="pip install jmespath") as caught:
        _query.compiled("a")
    assert sys.executable in str(caught.value)
    assert _query.compiled(None)(ROWS) is ROWS
