# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network, a gateway or an overloaded broker does to a request, by script."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

KINDS = ("status", "reset", "slow", "truncated", "not_json", "empty", "body")


@dataclass
class Fault:
    """One kind of trouble and the calls it befalls.

    kind: `status` (any, with `retry_after` and `location` if given), `reset` (TCP RST), `slow` (waits `seconds`, then
        carries out and answers), `truncated` (the right answer, cut in half under its full Content-Length),
        `not_json` (a 200 that is an HTML page), `empty` (a 200 without a body),
        `body` (`body` in place of the answer; JSON but for a string).
    method, path: the calls it matches; `path` is the beginning of the raw path below the API's base path.
    nth: only from the Nth matching call on, and then `times` times (once, unless said).
    times: at most so many times.
    share: a random share of the matching calls, 0 to 1; `seed` makes it the same each run.
    carried_out: whether the call takes effect all the same. `slow` and `truncated` always do.
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
    carried_out: bool = False
    seed: int = 0
    seen: int = field(default=0, init=False)
    struck: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind is {self.kind!r}, not one of {', '.join(KINDS)}")
        if self.kind == "status" and self.status is None:
            raise ValueError("a fault of kind 'status' needs a status")
        if self.kind in ("slow", "truncated"):
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
