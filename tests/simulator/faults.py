# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network, a gateway or an overloaded broker does to a request, by script."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .answers import Call

KINDS = (
    "status", "reset", "reset_within", "slow", "silent", "stalled", "dripping", "truncated", "cut_json", "not_json",
    "empty", "body", "edited", "huge",
)
PARTIAL = ("reset_within", "stalled", "truncated")
ANSWERED = ("slow", "silent", "cut_json", "edited", *PARTIAL)


@dataclass
class Fault:
    """One kind of trouble and the calls it befalls.

    kind: `status` (any, with `retry_after` and `location` if given), `reset` (TCP RST), `slow` (waits `seconds`, then
        carries out and answers), `not_json` (a 200 that is an HTML page), `empty` (a 200 without a body), `body`
        (`body` in place of the answer; JSON but for a string), `edited` (the right answer, after `edit` has made
        something of its JSON), `silent` (carries out, and for `seconds` says nothing; then TCP RST).
        Half of the right answer under its full Content-Length, and then: the end (`truncated`), a TCP RST
        (`reset_within`) or nothing for `seconds` (`stalled`). Half of it as if it were the whole (`cut_json`).
        A body of `size` bytes: at once (`huge`) or a byte each `seconds` (`dripping`), `chunked`, compressed with
        `gzip`, or else with a Content-Length.
    method, path: the calls it matches; `path` is the beginning of the raw path below the API's base path.
    nth: only from the Nth matching call on, and then `times` times (once, unless said).
    times: at most so many times.
    share: a random share of the matching calls, 0 to 1; `seed` makes it the same each run.
    carried_out: whether the call takes effect all the same; it always does where the right answer is made use of.
    edit: makes of the JSON of the right answer (None if it has none) and of the call what is sent; where it leaves it
        as it is, the fault has not struck. From Python only.
    """

    kind: str
    nth: int | None = None
    share: float | None = None
    times: int | None = None
    method: str | None = None
    path: str | None = None
    status: int | None = None
    retry_after: int | str | None = None
    location: str | None = None
    seconds: float = 0.0
    body: Any = None
    edit: Callable[[Any, Call], Any] | None = None
    size: int = 0
    chunked: bool = False
    gzip: bool = False
    carried_out: bool = False
    seed: int = 0
    seen: int = field(default=0, init=False)
    struck: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind is {self.kind!r}, not one of {', '.join(KINDS)}")
        if self.kind == "status" and self.status is None:
            raise ValueError("a fault of kind 'status' needs a status")
        if self.kind == "edited" and self.edit is None:
            raise ValueError("a fault of kind 'edited' needs what edits")
        if self.kind in ANSWERED:
            self.carried_out = True
        if self.nth is not None and self.times is None:
            self.times = 1
        self._random = random.Random(self.seed)

    def strikes(self, method: str, path: str) -> bool:
        """Whether it befalls this call; counts the calls it was asked about."""
        if self.method not in (None, method) or not path.startswith(self.path or ""):
            return False
        self.seen += 1
        if self.times is not None and self.struck >= self.times:
            return False
        if self.nth is not None and self.seen < self.nth:
            return False
        if self.share is not None and self._random.random() >= self.share:
            return False
        self.struck += 1
        return True


class Faults:
    """The script of one deployment; the first fault that strikes is the one that happens."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        self._faults.extend(faults)

    def clear(self) -> None:
        self._faults.clear()

    def strike(self, method: str, path: str) -> Fault | None:
        return next((fault for fault in self._faults if fault.strikes(method, path)), None)
