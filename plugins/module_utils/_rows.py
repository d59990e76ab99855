# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Long lists of dictionaries: read from a file, and left as they are where Ansible's validator would leave them."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, Callable, Collection, Dict, List, Mapping, Optional, Set, Tuple

from ._errors import InputError

Row = Dict[str, Any]


def rows_from(content: bytes, names: Collection[str]) -> List[Row]:
    """Return the rows of what a file holds: a JSON list of objects, or CSV whose first line names the columns.

    An empty field of a CSV file is no value.

    No message repeats what stands in the file. It may be a password, in the first line as well: one may forget that it
    names columns.

    :param names: what a row may have.
    :raises InputError: it is neither, or has something else.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("src can't be read: it is not UTF-8.") from None
    return _of_json(text, names) if text.lstrip()[:1] in ("[", "{") else _of_csv(text, names)


def _of_json(text: str, names: Collection[str]) -> List[Row]:
    try:
        rows = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        place = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(f"src begins as JSON does and is no valid JSON{place}.") from None
    if not isinstance(rows, list):
        raise InputError("src is a JSON object: it should be a list of objects.")
    known = set(names)
    for position, row in enumerate(rows):
        if not isinstance(row, dict):
            raise InputError(f"src should be a list of objects, and item {position} of it is none.")
        if not row.keys() <= known:
            raise InputError(f"src has, in item {position}, something else than {', '.join(names)}.")
    return rows


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is Python's and not JSON's")


def _of_csv(text: str, names: Collection[str]) -> List[Row]:
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns: List[str] = []
    rows: List[Row] = []
    try:
        columns = next(lines, [])
        if not all(columns) or len(set(columns)) != len(columns) or not columns:
            raise InputError("src should begin with a line that names its columns, each once (or be a JSON list).")
        for place, column in enumerate(columns, 1):
            if column not in names:
                raise InputError(f"src should name {', '.join(names)} in its first line, and column {place} is none.")
        for fields in lines:
            if fields and len(fields) != len(columns):
                raise InputError(f"src has {len(fields)} fields in line {lines.line_num}, and {len(columns)} columns.")
            if fields:
                rows.append({column: field for column, field in zip(columns, fields) if field})
    except csv.Error:
        raise InputError(f"src is no valid CSV in line {max(lines.line_num, 1)}.") from None
    return rows


_KINDS: Mapping[str, Any] = {"str": str, "int": int, "bool": bool}
_KNOWN = {"type", "elements", "options", "choices", "default", "required", "no_log"}


class Shape:
    """What dictionaries of one argument spec look like where Ansible's validator would change nothing but add defaults.

    It takes a tenth of a millisecond for each, and most need nothing of it: their values have the right types already.
    What is wrong, or has to be converted, it sees as ever.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Take the argument spec of the dictionaries."""
        self._defaults = {name: option.get("default") for name, option in options.items()}
        self._required = {name for name, option in options.items() if option.get("required")}
        self._never_null = {
            name for name, option in options.items() if option.keys() & {"required", "choices", "default"}
        }
        self._secret = {name for name, option in options.items() if option.get("no_log")}
        self._checks = {name: self._check(option) for name, option in options.items() if option.keys() <= _KNOWN}
        # Most values are of these, and have to be of one type only.
        self._simple = {
            name: _KINDS[option["type"]]
            for name, option in options.items()
            if option.get("type") in _KINDS and not option.get("choices") and name not in self._secret
        }

    def completed(self, row: Any, secrets: Set[str]) -> Optional[Row]:
        """Return a dictionary as the validator returns it, or None where that has to look at it itself.

        :param secrets: the values of options with ``no_log`` are added to it.
        """
        if row.__class__ is not dict or len(self._checks) < len(self._defaults) or not self._required <= row.keys():
            return None
        done = {**self._defaults, **row}
        for name, value in row.items():
            if value.__class__ is self._simple.get(name):
                continue
            check = self._checks.get(name)
            if check is None or (value is None and name in self._never_null):
                return None
            if value is None:
                continue
            done[name] = value = check(value, secrets)
            if value is None:
                return None
            if value and name in self._secret:
                secrets.add(value)
        return done

    @staticmethod
    def _check(option: Mapping[str, Any]) -> Callable[[Any, Set[str]], Any]:
        """Return what returns a value of this option, completed, or None where it is not obviously right."""
        kind, elements, choices = option.get("type"), str(option.get("elements")), option.get("choices")
        if kind == "list" and elements == "dict" and "options" in option and not choices:
            inner = Shape(option["options"])

            def rows(value: Any, secrets: Set[str]) -> Any:
                found = [inner.completed(each, secrets) for each in value] if value.__class__ is list else [None]
                return None if None in found else found

            return rows
        python = _KINDS.get(elements if kind == "list" else str(kind))
        if option.get("no_log") and kind != "str":
            python = None
        if kind == "list" and not choices:
            return lambda value, _secrets: (
                value if value.__class__ is list and all(each.__class__ is python for each in value) else None
            )
        if kind == "raw" and not option.get("no_log"):
            return lambda value, _secrets: value
        return lambda value, _secrets: (
            value if value.__class__ is python and (not choices or value in choices) else None
        )


def set_aside(arguments: Mapping[str, Any], params: Dict[str, Any]) -> Tuple[Dict[str, List[Any]], Set[str]]:
    """Take the dictionaries out of the lists of ``params`` that are right as they are.

    :returns: for each such list its dictionaries, completed, with None in the place of those that were left in it; and
        the secrets in them.
    """
    aside: Dict[str, List[Any]] = {}
    secrets: Set[str] = set()
    for name, option in arguments.items():
        rows = params.get(name)
        if option.get("elements") != "dict" or not option.get("options") or rows.__class__ is not list:
            continue
        if option.keys() <= _KNOWN:
            shape = Shape(option["options"])
            aside[name] = [shape.completed(row, secrets) for row in rows]
            params[name] = [row for row, done in zip(rows, aside[name]) if done is None]
    return aside, secrets


def put_back(aside: Mapping[str, List[Any]], validated: Dict[str, Any]) -> None:
    """Put what was set aside back into the lists of validated options, each in its place."""
    for name, rows in aside.items():
        others = iter(validated[name])
        validated[name] = [next(others) if row is None else row for row in rows]


def occurring(secrets: Set[str], value: Any) -> Set[str]:
    """Return those of many secrets that stand somewhere in a value of plain JSON types.

    Looking each of ten thousand up in each text of a result would take minutes; so each part of a text that is as long
    as one of them is looked up among them.
    """
    lengths = {len(secret) for secret in secrets}
    found: Set[str] = set()
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Mapping):
            waiting.extend(each.values())
        elif isinstance(each, (list, tuple)):
            waiting.extend(each)
        elif each is not None:
            text = str(each)
            for length in lengths:
                for start in range(len(text) - length + 1):
                    part = text[start:start + length]
                    if part in secrets:
                        found.add(part)
    return found
