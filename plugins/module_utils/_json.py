# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON, without what Python takes for it and nothing behind it can handle."""

from __future__ import annotations

import json
import math
import re
from typing import Any, TypeVar

from ._errors import InputError

T = TypeVar("T")

DEEPEST = 100
"""How many lists and objects may be in each other. Brokers need ten; Ansible and jinja fail at some hundreds."""

_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def from_json(text: str) -> Any:
    """Return the value that a text is as JSON.

    A surrogate without its other half, which no UTF-8 can carry, becomes a question mark.

    :raises ValueError: it is no JSON, nested too deeply, or has a number that is none in JSON (NaN) or no finite one.
    """
    try:
        value = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if _may_be_deep(text) and _is_deep(value):
        raise ValueError("nested too deeply")
    if _SURROGATE.search(text):
        value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return value


def _may_be_deep(text: str) -> bool:
    """Say whether brackets don't cancel each other out in a few rounds, which takes no time; texts may hold some."""
    brackets = text.encode("utf-8", "replace").translate(None, _NO_BRACKETS)
    for _round in range(DEEPEST // 2):  # each takes two levels at the most
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return bool(brackets)


def _is_deep(value: Any) -> bool:
    level = [value]
    for _level in range(DEEPEST):
        level = [each for each in level if isinstance(each, (dict, list))]
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
    return any(isinstance(each, (dict, list)) for each in level)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is Python's and not JSON's")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def checked_text(value: T, option: str) -> T:
    """Return a text, or a tree with texts in it, that an option holds.

    :raises InputError: a text is none that UTF-8 can carry.
    """
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except UnicodeEncodeError:
        raise InputError(f"{option} is not valid Unicode text, or holds a text that is not.") from None
    return value
