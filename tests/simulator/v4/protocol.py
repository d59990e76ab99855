# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""How v4 says things: result codes in a 200, plain-text errors, pages."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from itertools import islice
from typing import Any

from ..answers import Answer, Call, Refused

NODE = "emqx4@127.0.0.1"
DEFAULT_LIMIT = 10_000

MISSING_PARAMETER = 107
BAD_PARAMETER = 108
CLIENT_OFFLINE = 112
BAD_TOPIC = 115
BAD_QOS = 116

BAD_REQUEST = Answer.text(400, "Bad Request")
INTERNAL_ERROR = Answer.text(500, "Internal Error")


class Crash(Exception):
    """EMQX 4.4 has no clause for this: 500 `Internal Error`."""


def success(data: Any = None, meta: dict[str, Any] | None = None) -> Answer:
    body: dict[str, Any] = {"code": 0}
    if meta is not None:
        body["meta"] = meta
    if data is not None:
        body["data"] = data
    return Answer.json(200, body)


def failure(code: int, message: str) -> Answer:
    return Answer.json(200, {"code": code, "message": message})


def failure_without_code(message: str) -> Answer:
    """EMQX 4.4 answers 200 without `code` here."""
    return Answer.json(200, {"message": message})


def body_of(call: Call) -> Any:
    """The JSON body; an empty one is the empty list. No content type is needed."""
    if not call.body:
        return []
    try:
        return json.loads(call.body.decode())
    except ValueError as error:  # no UTF-8 or no JSON: a gzipped body and a byte-order mark end here, too
        raise Refused(BAD_REQUEST) from error


def object_of(call: Call) -> dict[str, Any]:
    """The JSON body where one object is expected; the empty list counts as one."""
    body = body_of(call)
    if body == []:
        return {}
    if not isinstance(body, dict):
        raise Crash
    return body


def objects_of(call: Call) -> list[dict[str, Any]]:
    """The JSON body where a list of objects is expected."""
    body = body_of(call)
    if not isinstance(body, list) or not all(isinstance(item, dict) for item in body):
        raise Crash
    return body


def whole_number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError as error:
        raise Crash from error


def page(
    call: Call, rows: Iterable[Any], *, filtered: bool, hasnext: bool = True, default_limit: int = DEFAULT_LIMIT
) -> tuple[list[Any], dict[str, Any]]:
    """The rows of the page that was asked for, and its meta.

    There is no cap on `_limit`; `count` of a filtered list is -1.
    """
    number, limit = whole_number(call, "_page", 1), whole_number(call, "_limit", default_limit)
    if number < 1 or limit < 0:
        raise Crash
    rows = list(rows)
    start = (number - 1) * limit
    meta = {"page": number, "limit": limit, "count": -1 if filtered else len(rows)}
    if hasnext:
        meta["hasnext"] = start + limit < len(rows)
    return list(islice(rows, start, start + limit)), meta


def local_time(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
