# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML that is read back exactly as it was, by Ansible's loader and by one of plain Python, and holds no template."""

from __future__ import annotations

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible_collections.emqx.cloud.plugins.plugin_utils._yaml import Flow, Template, dumped
from hypothesis import given, settings
from hypothesis import strategies as st


class PythonLoader(yaml.SafeLoader):
    """Reads without libyaml, which Ansible uses where it is there, and remembers what was tagged."""


class Unsafe(str):
    """A text with the tag."""


PythonLoader.add_constructor("!unsafe", lambda loader, node: Unsafe(loader.construct_scalar(node)))


def read(text):
    return DataLoader().load(text, file_name="/model.yml")


def plain(value):
    if isinstance(value, dict):
        return {plain(name): plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return str.__str__(value) if isinstance(value, str) else value


def comes_back(tree):
    text = dumped({"model": [tree, Flow(flow=tree)]})
    expected = repr([plain(tree), {"flow": plain(tree)}])
    assert repr(plain(read(text))["model"]) == expected, text
    assert repr(plain(yaml.load(text, PythonLoader))["model"]) == expected, text
    return text


ODD = [
    "", " ", "a ", " a", "\n", "\na", " \na", "a\n", "a\n\n", "a\n\nb\n", "a \nb", "a\n b", "\ta", "a\tb", "yes", "No",
    "null", "~", "=", "<<", "-", "?", "- a", "a: b", "a #b", "#a", "!a", "&a", "*a", "%a", "@a", "`a", "---", "...",
    "|", "0x1", "0o7", "017", "1e3", "1_000", "1:30", "2024-01-01", "2024-01-01T00:00:00Z", ".5", ".inf", "-.inf",
    ".nan", "12345678901234567890", "true", "a\r\nb", "a\x85b", "a\u2028b", "a\u2029b", "\ufeffa", "a\x00b", "\x7f",
    "\x1b[1m",
    "\xa0a\xa0", "ü", "\U0001f600", "\uffff", "'", '"', "\\", "\\n", "a'b\"c\\d", "{a: b}", "[a]", "a, b", "x" * 300,
    'SELECT *\n  FROM "t/#"\nWHERE x = 1', "plant/7/${clientid}/#",
]


@pytest.mark.parametrize("text", ODD)
def test_an_odd_text_comes_back(text):
    comes_back(text)
    comes_back({text: text})


@pytest.mark.parametrize("value", [None, True, False, 0, -1, 10**30, 0.1, 1e300, [], {}, [[]], [{}], {"a": []}, [1, 2]])
def test_other_values_come_back(value):
    comes_back(value)


_TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text("{}%# \n\t\r\x85\u2028\ufeff\x00\xa0:-?!&*|>'\"\\=~,[]0123eExXon._", max_size=10),
    st.sampled_from(ODD),
)
_TREES = st.recursive(
    st.one_of(_TEXTS, st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_TEXTS, inner, max_size=4)), max_leaves=10,
)


@settings(max_examples=300, deadline=None)
@given(_TREES)
def test_anything_comes_back(tree):
    comes_back(tree)


@pytest.mark.parametrize("text", ["{{ a }}", "{% a %}", "{# a #}", "x {{", "a\n{{ b }}\n", "#jinja2: x\n[[ y ]]"])
def test_a_template_is_tagged_as_a_value_and_as_a_key(text):
    written = comes_back({text: [text]})
    found = yaml.load(written, PythonLoader)["model"][0]
    assert [type(each) for each in (*found, *found[text])] == [Unsafe, Unsafe]


@pytest.mark.parametrize("text", ["{ {a} }", "${payload}", "{a}", "%{"])
def test_what_is_no_template_is_not_tagged(text):
    assert "!unsafe" not in comes_back(text)


def test_a_template_that_is_meant_is_not_tagged():
    assert dumped({"a": Template("{{ b | default({}) }}")}) == 'a: "{{ b | default({}) }}"\n'


def test_how_it_looks():
    rows = [Flow(username="a", is_superuser=False), Flow(username="0x1"), Flow(topic="x\ny")]
    assert dumped({"users": rows, "sql": "SELECT *\nFROM t", "none": [], "name": "it's {{", "ttl": "1m"}) == (
        "users:\n  - {username: a, is_superuser: false}\n  - {username: '0x1'}\n  - topic: |-\n      x\n      y\n"
        "sql: |-\n  SELECT *\n  FROM t\nnone: []\nname: !unsafe \"it's {{\"\nttl: 1m\n"
    )
