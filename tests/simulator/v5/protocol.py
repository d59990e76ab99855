# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""How v5 says things: errors with a name, schema validation, pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ..answers import Answer, Call, Refused

NODE = "emqx@127.0.0.1"
DEFAULT_LIMIT = 100
MAX_LIMIT = 10_000


def error(status: int, code: str, message: str, **headers: str) -> Answer:
    return Answer.json(status, {"code": code, "message": message}, **headers)


def bad_request(message: str) -> Refused:
    return Refused(error(400, "BAD_REQUEST", message))


def not_found(message: str) -> Refused:
    return Refused(error(404, "NOT_FOUND", message))


def crash(reason: str) -> Refused:
    """A crash of 5.8.9: after the reason comes an Erlang stack trace, of which there is one line here."""
    return Refused(error(500, "INTERNAL_ERROR", f"error, {reason}, [{{minirest_handler,apply_callback,4,[]}}]"))


def invalid(**details: Any) -> Refused:
    """A validation error; the message is JSON in a string."""
    return bad_request(_compact({**details, "kind": "validation_error"}))


def _compact(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)


# Bodies


def json_of(call: Call) -> Any:
    """The JSON body, which must say that it is."""
    if call.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
        raise Refused(error(415, "UNSUPPORTED_MEDIA_TYPE", "content-type:application/json Required"))
    try:
        return json.loads(call.body.decode())
    except ValueError as trouble:
        raise bad_request("Invalid json message received") from trouble


Check = Callable[[Any, str], Any]  # (value, path) -> value, or raises


@dataclass(frozen=True)
class Field:
    """A field of a schema: how its value is checked, and its default."""

    check: Check
    required: bool = False
    default: Any = None


def validated(data: Any, schema: Mapping[str, Field], path: str = "root") -> dict[str, Any]:
    """An object with all fields of its schema. Required fields are missed first, then unknown ones are named."""
    if not isinstance(data, dict):
        raise invalid(value=data, reason="not_map", path=path)
    for name, spec in schema.items():
        if spec.required and name not in data:
            raise invalid(reason="required_field", path=f"{path}.{name}")
    unknown = [name for name in data if name not in schema]
    if unknown:
        unmatched = sorted(name for name in schema if name not in data)
        if len(unmatched) > 2:
            unmatched[2:] = ["..."]
        raise invalid(unmatched=",".join(unmatched), unknown=",".join(unknown), reason="unknown_fields", path=path)
    return {
        name: spec.check(data[name], f"{path}.{name}") if name in data else spec.default
        for name, spec in schema.items()
    }


def text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise invalid(value=value, reason="invalid_type", path=path)
    return value


def flag(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise invalid(value=value, reason="not_boolean", path=path)
    return value


def anything(value: Any, path: str) -> Any:
    return value


def qos(value: Any, path: str) -> int:
    if isinstance(value, bool) or value not in (0, 1, 2):
        raise invalid(value=value, reason="Unable to parse string", path=path)
    return value


def one_of(*symbols: Any) -> Check:
    def check(value: Any, path: str) -> Any:
        if value not in symbols:
            raise invalid(value=value, reason="unable_to_convert_to_enum_symbol", path=path)
        return value

    return check


def between(low: int, high: int) -> Check:
    def check(value: Any, path: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise invalid(value=value, reason={"expected": f"{low}..{high}"}, path=path)
        return value

    return check


# Pages


def whole_number(call: Call, name: str, default: int, maximum: int | None) -> int:
    raw = call.query.get(name)
    if raw is None:
        return default
    try:
        number = int(raw)
    except ValueError as trouble:
        raise invalid(value=raw, reason="Unable to parse integer", path=name) from trouble
    if number < 1 or (maximum is not None and number > maximum):
        raise invalid(value=number, reason={"expected": f"1..{maximum or 'inf'}"}, path=name)
    return number


def limit_of(call: Call) -> int:
    return whole_number(call, "limit", DEFAULT_LIMIT, MAX_LIMIT)


def page(
    call: Call, rows: Sequence[Any], *, counted: bool = True, exact: bool = False
) -> tuple[list[Any], dict[str, Any]]:
    """The rows of the page that was asked for, and its meta.

    `hasnext` is true on any full page, also the last one, unless `exact`. `count` is missing where the broker would
    have to run a fuzzy filter over everything to know it (not `counted`).
    """
    number, limit = whole_number(call, "page", 1, None), limit_of(call)
    start = (number - 1) * limit
    found = list(rows[start : start + limit])
    meta: dict[str, Any] = {"page": number, "limit": limit}
    meta["hasnext"] = start + limit < len(rows) if exact else len(found) == limit
    if counted:
        meta["count"] = len(rows)
    return found, meta


def listing(rows: list[Any], meta: dict[str, Any]) -> Answer:
    return Answer.json(200, {"data": rows, "meta": meta})


# Times


def rfc3339(at: float, *, milliseconds: bool = True) -> str:
    moment = datetime.fromtimestamp(at, timezone.utc)
    return moment.isoformat(timespec="milliseconds" if milliseconds else "seconds")
