# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Long lists: read from a file, validated as Ansible would, and masked as Ansible would."""

from __future__ import annotations

import copy

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible_collections.emqx.cloud.plugins.module_utils import _rows
from ansible_collections.emqx.cloud.plugins.module_utils._errors import InputError
from ansible_collections.emqx.cloud.plugins.module_utils._task import POLICY
from hypothesis import given
from hypothesis import strategies as st

USER = {
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "is_superuser": {"type": "raw"},
    "kind": {"type": "str", "choices": ["one", "two"], "default": "one"},
    "age": {"type": "int"},
    "everyone": {"type": "bool", "default": False},
    "tags": {"type": "list", "elements": "str"},
}
SPECS = {
    "users": {"type": "list", "elements": "dict", "options": USER},
    "subjects": {"type": "list", "elements": "dict", "options": POLICY},
}

values = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=3), st.sampled_from(["one", "publish", "yes"]),
    st.lists(st.one_of(st.text(max_size=2), st.integers(0, 2)), max_size=2),
)


def rows_of(options):
    return st.dictionaries(st.sampled_from([*options, "unknown"]), values, max_size=5)


users = st.lists(rows_of(USER), max_size=4)
short = st.builds(lambda: {"topic": "t", "action": "all"})
rules = st.lists(st.one_of(rows_of(POLICY["rules"]["options"]), short), max_size=2)
subjects = st.lists(st.builds(lambda row, found: {**row, "rules": found}, rows_of(POLICY), rules), max_size=3)


@given(users, subjects)
def test_what_is_set_aside_and_put_back_is_what_the_validator_returns(users, subjects):
    params = {"users": users, "subjects": subjects}
    expected = ArgumentSpecValidator(SPECS).validate(copy.deepcopy(params))
    rest = copy.deepcopy(params)
    aside, secrets = _rows.set_aside(SPECS, rest)
    found = ArgumentSpecValidator(SPECS).validate(rest)
    assert bool(found.error_messages) == bool(expected.error_messages)
    if not expected.error_messages:
        _rows.put_back(aside, found.validated_parameters)
        assert found.validated_parameters == expected.validated_parameters
        assert secrets | found._no_log_values == expected._no_log_values


def test_what_needs_nothing_is_not_seen_by_the_validator():
    rows = [{"username": "a", "password": "secret"}, {"username": "b", "age": "5"}, {"username": "c", "kind": "two"}]
    subject = {"username": "a", "rules": [{"topic": "t", "action": "all", "qos": [0]}]}
    params = {"users": list(rows), "subjects": [subject]}
    aside, secrets = _rows.set_aside(SPECS, params)
    assert params == {"users": [rows[1]], "subjects": []}
    assert [row and row["username"] for row in aside["users"]] == ["a", None, "c"]
    assert secrets == {"secret"}


@pytest.mark.parametrize(
    "option",
    [
        {"type": "str", "aliases": ["user"]}, {"type": "str", "fallback": (str, ["X"])},
        {"type": "str", "removed_in_version": "3.0.0", "removed_from_collection": "emqx.cloud"},
    ],
)
def test_options_that_mean_more_are_left_to_the_validator(option):
    params = {"users": [{"username": "a"}]}
    spec = {"type": "list", "elements": "dict", "options": {"username": option}}
    aside, unused = _rows.set_aside({"users": spec}, params)
    assert aside == {"users": [None]} and params == {"users": [{"username": "a"}]}
    params = {"users": [{"username": "a"}]}
    spec = {**SPECS["users"], "mutually_exclusive": [("username", "age")]}
    assert _rows.set_aside({"users": spec}, params)[0] == {} and params["users"]


secret_texts = st.sets(st.text("ab*1", min_size=1, max_size=3), max_size=8)
results = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text("ab1c", max_size=9)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text("ab", max_size=2), inner, max_size=3)),
    max_leaves=8,
)


@given(secret_texts.map(lambda found: {each for each in found if "*" not in each}), results)
def test_those_that_occur_are_all_that_masking_needs(secrets, result):
    found = _rows.occurring(secrets, result)
    assert found <= secrets
    assert remove_values(result, found) == remove_values(result, secrets)


def file_with(folder, text, encoding="utf-8"):
    path = folder / "rows"
    path.write_bytes(text.encode(encoding))
    return str(path)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('[{"username": "a", "is_superuser": true}, {}]', [{"username": "a", "is_superuser": True}, {}]),
        (" \n[]", []),
        ("username,password\na,x\n", [{"username": "a", "password": "x"}]),
        ('\ufeffusername,password\r\n"a, b","x ""y"""\r\n\r\nc,\r\n',
         [{"username": "a, b", "password": 'x "y"'}, {"username": "c"}]),
        ('username\n"two\nlines"\n', [{"username": "two\nlines"}]),
        ("username\n", []),
    ],
)
def test_a_file_is_json_or_csv(tmp_path, text, rows):
    assert _rows.read_rows(file_with(tmp_path, text)) == rows


NO_COLUMNS = "src should begin with a line that names its columns, each once (or be a JSON list)."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", NO_COLUMNS),
        ("username,\ns3cret,b\n", NO_COLUMNS),
        ("a,a\ns3cret,b\n", NO_COLUMNS),
        ("username,password\na,b\na,s3cret,more\n", "src has 3 fields in line 3, and 2 columns."),
        ('username\n"s3cret', "src is no valid CSV in line 2."),
        ('{"users": ["s3cret"]}', "src is a JSON object: it should be a list of objects."),
        ('[{"password": "s3cret"}, "s3cret"]', "src should be a list of objects, and item 1 of it is none."),
        ('[{"password": "s3cret"},\n s3cret]', "src begins as JSON does and is no valid JSON (line 2, column 2)."),
    ],
)
def test_what_is_wrong_with_a_file_is_said_without_what_stands_in_it(tmp_path, text, sentence):
    with pytest.raises(InputError) as problem:
        _rows.read_rows(file_with(tmp_path, text))
    assert str(problem.value) == sentence


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"^src can't be read: No such file or directory\.$"):
        _rows.read_rows(str(tmp_path / "missing"))
    with pytest.raises(InputError, match=r"^src can't be read: it is not UTF-8\.$"):
        _rows.read_rows(file_with(tmp_path, "username\n\u00e9\n", "latin-1"))
