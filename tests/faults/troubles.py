# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of trouble that a request can meet, each with the words of docs/faults.md."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator import Fault
from simulator.answers import Call

HUGE = 200 << 20
TIMEOUT = 0.3

Edit = Callable[[Any, Call], Any]


@dataclass(frozen=True)
class Trouble:
    """A fault that strikes all the calls of one position, a reading or a changing one; or `happens`, another thing.

    options: of the connection, for the task that meets it.
    edit: makes of an answer's JSON what is sent; what it leaves as it is, is not struck.
    """

    group: str
    name: str
    meaning: str
    fault: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    edit: Edit | None = None
    happens: str = ""

    def faults(self, changing: bool) -> list[Fault]:
        """New faults for the simulator."""
        methods = ("POST", "PUT", "PATCH", "DELETE") if changing else ("GET",)
        fields = dict(self.fault)
        if fields.pop("dated", False):
            fields["retry_after"] = email.utils.formatdate(time.time(), usegmt=True)
        if self.edit is not None:
            fields = {"kind": "edited", "edit": self.edit}
        return [Fault(method=method, **fields) for method in methods] if fields else []


def _with(**members: Any) -> Edit:
    """Replace members that an object has; None takes them away. Shadows come as `items`, not as `data`."""

    def edit(body: Any, _call: Call) -> Any:
        if not isinstance(body, dict):
            return body
        changed = {name: members.get("data" if name == "items" else name, value) for name, value in body.items()}
        return {name: value for name, value in changed.items() if value is not None}

    return edit


def _pages(page: Callable[[list[Any], int], list[Any]]) -> Edit:
    """Give a list that has rows other pages: `page` gets the rows of the right first one, and which one is asked for.

    A page says that there is a next one unless it is empty.
    """
    firsts: dict[Any, list[Any]] = {}

    def edit(body: Any, call: Call) -> Any:
        query = dict(call.query.pairs)
        number = int(query.pop("page", query.pop("_page", 0)))
        key = next((key for key in ("data", "items") if isinstance(body, dict) and isinstance(body.get(key), list)), "")
        place = call.path, frozenset(query.items())
        if number == 1:
            firsts[place] = body[key] if key else []
        if not number or not firsts[place]:
            return body
        rows = page(firsts[place], number)
        return {**body, key: rows, "meta": {**body.get("meta", {}), "limit": max(len(rows), 1), "hasnext": bool(rows)}}

    return edit


def _endless(first: list[Any], number: int) -> list[Any]:
    """New rows on every page."""
    return [{**row, "nth": f"of page {number}"} for row in first]


def _twice(first: list[Any], number: int) -> list[Any]:
    """The last row but one, which shifts while pages are read, on both pages."""
    return {1: first[:-1], 2: first[-2:]}.get(number, []) if len(first) > 1 else first[: number == 1]


def _body(body: Any) -> Edit:
    return lambda _right, _call: body


SLOW = {"timeout": TIMEOUT, "retries": 0}

TROUBLES = [
    Trouble("connection", "refused", "nothing listens", happens="refused"),
    Trouble("connection", "reset before", "the connection is reset instead of an answer, and nothing was carried out",
            {"kind": "reset"}),
    Trouble("connection", "reset within", "it was carried out, and the connection is reset in the middle of the answer",
            {"kind": "reset_within"}),
    Trouble("connection", "reset after", "it was carried out, and the connection is reset instead of an answer",
            {"kind": "reset", "carried_out": True}),
    Trouble("connection", "broken off", "it was carried out, and the connection ends in the middle of the answer",
            {"kind": "truncated"}),
    Trouble("connection", "one reset", "as reset before, once only", {"kind": "reset", "times": 1}),
    Trouble("connection", "one reset after", "as reset after, once only",
            {"kind": "reset", "carried_out": True, "times": 1}),
    Trouble("time", "stall before", "the answer doesn't come within `timeout`", {"kind": "silent", "seconds": 1}, SLOW),
    Trouble("time", "stall within", "half of the answer comes, and then nothing", {"kind": "stalled", "seconds": 1},
            SLOW),
    Trouble("time", "drip", "the answer goes on for ever, a byte now and then",
            {"kind": "dripping", "size": HUGE, "seconds": TIMEOUT / 4}, SLOW),
    Trouble("status", "429, 0 s", "HTTP 429 with `Retry-After: 0`",
            {"kind": "status", "status": 429, "retry_after": 0}),
    Trouble("status", "429, once", "the same, once only",
            {"kind": "status", "status": 429, "retry_after": 0, "times": 1}),
    Trouble("status", "429, date", "HTTP 429, `Retry-After` is a date",
            {"kind": "status", "status": 429, "dated": True}),
    Trouble("status", "429", "HTTP 429 without `Retry-After`", {"kind": "status", "status": 429}),
    Trouble("status", "429, a day", "HTTP 429, `Retry-After` is a day, and `retry_wait_max` less",
            {"kind": "status", "status": 429, "retry_after": 86400}),
    Trouble("status", "429, odd", "HTTP 429, `Retry-After` is no time",
            {"kind": "status", "status": 429, "retry_after": "soon"}),
    Trouble("status", "500", "HTTP 500", {"kind": "status", "status": 500}),
    Trouble("status", "502", "HTTP 502", {"kind": "status", "status": 502}),
    Trouble("status", "503", "HTTP 503", {"kind": "status", "status": 503}),
    Trouble("status", "503, once", "HTTP 503 with `Retry-After: 0`, once only",
            {"kind": "status", "status": 503, "retry_after": 0, "times": 1}),
    Trouble("status", "504", "HTTP 504", {"kind": "status", "status": 504}),
    Trouble("status", "504, done", "HTTP 504 from a gateway, and it was carried out",
            {"kind": "status", "status": 504, "carried_out": True}),
    Trouble("status", "401, late", "the credentials are revoked after the first of these calls",
            {"kind": "status", "status": 401, "nth": 2, "times": 1000}),
    Trouble("body", "HTML", "HTTP 200 with an HTML page", {"kind": "not_json"}),
    Trouble("body", "empty", "HTTP 200 without a body, and it was carried out", {"kind": "empty", "carried_out": True}),
    Trouble("body", "cut JSON", "it was carried out, and half of the JSON comes as if it were the whole",
            {"kind": "cut_json"}),
    Trouble("body", "list", "it was carried out, and the answer is a list of numbers", edit=_body([1, 2])),
    Trouble("body", "number", "it was carried out, and the answer is a number", edit=_body(7)),
    Trouble("body", "null", "it was carried out, and the answer is null", edit=_body(None)),
    Trouble("body", "huge", "200 MB with a `Content-Length`", {"kind": "huge", "size": HUGE}),
    Trouble("body", "huge, chunked", "200 MB in chunks", {"kind": "huge", "size": HUGE, "chunked": True}),
    Trouble("body", "bomb", "200 MB, compressed with gzip", {"kind": "huge", "size": HUGE, "gzip": True}),
    Trouble("members", "data text", "`data` of the right answer is a text", edit=_with(data="text")),
    Trouble("members", "data number", "`data` is a number", edit=_with(data=7)),
    Trouble("members", "data texts", "`data` is a list of texts", edit=_with(data=["a", "b"])),
    Trouble("members", "code text", "`code` is the text \"0\"", edit=_with(code="0")),
    Trouble("members", "meta text", "`meta` is a text", edit=_with(meta="text")),
    Trouble("members", "no meta", "`meta` is missing", edit=_with(meta=None)),
    Trouble("lists", "repeats", "every page is the first one", edit=_pages(lambda first, _number: first)),
    Trouble("lists", "endless", "after every page there is another one", edit=_pages(_endless)),
    Trouble("lists", "twice", "a row stands on two pages", edit=_pages(_twice)),
    Trouble("lists", "appears", "somebody else does the same between the look and the change", happens="appears"),
    Trouble("lists", "vanishes", "somebody else undoes it between the look and the undoing of it", happens="vanishes"),
]
"""What docs/faults.md has a column for."""
