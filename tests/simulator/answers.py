# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes in (a call) and what goes out (an answer), whatever the API behind it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Answer:
    """A whole HTTP response."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, status: int, data: Any, **headers: str) -> Answer:
        body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(status, body, {"Content-Type": "application/json", **headers})

    @classmethod
    def text(cls, status: int, text: str, kind: str = "text/plain", **headers: str) -> Answer:
        return cls(status, text.encode(), {"Content-Type": kind, **headers})


NO_CONTENT = Answer(204)


class Refused(Exception):
    """Ends a call with an answer, from however deep."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def error(status: int, code: str, message: str, **headers: str) -> Refused:
    """An error of the Platform API."""
    return Refused(Answer.json(status, {"code": code, "message": message}, **headers))


class Query:
    """The query string, decoded; a name may come more than once."""

    def __init__(self, raw: str) -> None:
        self.pairs = parse_qsl(raw, keep_blank_values=True)

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _value in self.pairs)

    def get(self, name: str) -> str | None:
        return next((value for key, value in self.pairs if key == name), None)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]

    def names(self) -> set[str]:
        return {key for key, _value in self.pairs}


@dataclass(frozen=True)
class Call:
    """One HTTP request; `path` is raw, as it came over the wire."""

    method: str
    path: str
    query: Query
    headers: Mapping[str, str]
    body: bytes
