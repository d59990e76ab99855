# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML that Ansible reads back exactly as it was, and in which no text is a template."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import yaml

TEMPLATE = re.compile(r"\{\{|\{%|\{#|^#jinja2:")
"""What makes a text one that Ansible would evaluate."""

_PRINTABLE = re.compile(r"[\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]*")
"""What stands in a file as it is; anything else is escaped, and a text with it stands in double quotes."""
_BLOCK = re.compile(r"(?:[^\s](?:.*\S)?\n)(?:\n|(?:.*\S)\n)*(?:.*\S)?")
"""Several lines of which none ends in white space and the first begins with none."""
_WORDS = frozenset(
    ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "=", "<<", "-", "?", ".inf", ".nan"]
)
_NUMBER_LIKE = re.compile(r"[-+.]?[0-9][0-9a-fA-FxXoO_.,:+-]*")


class Flow(dict):  # type: ignore[type-arg]
    """A dictionary that is written in one line."""


class Template(str):
    """A text that is to be evaluated by whoever reads the file."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Lists are indented, nothing is an alias, and nothing is folded."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _style(text: str) -> str | None:
    """Return how a text is written: quoted where another reader than Ansible might take it for something else."""
    if not _PRINTABLE.fullmatch(text):
        return '"'
    if "\n" in text:
        return "|" if _BLOCK.fullmatch(text) else '"'
    if text.lower() in _WORDS or _NUMBER_LIKE.fullmatch(text) or "\xa0" in text or TEMPLATE.search(text):
        return '"' if "'" in text and not {'"', "\\"} & set(text) else "'"
    return None


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    tag = "!unsafe" if TEMPLATE.search(text) else "tag:yaml.org,2002:str"
    return dumper.represent_scalar(tag, str.__str__(text), _style(text))


def _template(dumper: _Dumper, text: Template) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", str.__str__(text), '"')


def _flow(dumper: _Dumper, data: Flow) -> yaml.MappingNode:
    several = any(isinstance(value, str) and "\n" in value for value in data.values())
    return dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=not several)


def _mapping(dumper: _Dumper, data: Mapping[str, Any]) -> yaml.MappingNode:
    return dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=not data)


def _list(dumper: _Dumper, data: list[Any]) -> yaml.SequenceNode:
    numbers = all(isinstance(item, int) for item in data)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=numbers)


_Dumper.add_representer(Template, _template)
_Dumper.add_representer(Flow, _flow)
_Dumper.add_representer(str, _text)
_Dumper.add_representer(dict, _mapping)
_Dumper.add_representer(list, _list)


def dumped(data: Any) -> str:
    """Return plain data (dictionaries, lists, texts, numbers, booleans, None) as YAML.

    Dictionaries keep their order. A text that Ansible would evaluate gets the tag ``!unsafe``, as a key as well, but
    for a :class:`Template`.
    """
    return yaml.dump(
        data, Dumper=_Dumper, default_flow_style=False, sort_keys=False, allow_unicode=True, width=math.inf
    )
