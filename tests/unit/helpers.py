# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What unit tests share: an endpoint that replays scripted answers, and a store that lives in a dictionary."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.emqx.cloud.plugins.module_utils._converge import WRITE_ONLY, Record
from ansible_collections.emqx.cloud.plugins.module_utils._errors import EmqxError
from ansible_collections.emqx.cloud.plugins.module_utils._http import NO_JSON, Answer, Http, Settings
from ansible_collections.emqx.cloud.plugins.module_utils._resources._api import Api, Store, V4Api, V5Api

ANY = object()
"""Stands for a query or a body that a test doesn't look at."""

SECRET = "scripted-secret"


class Call:
    """One request that has to come, and what it gets: a status with a body, or an exception."""

    def __init__(
        self, method: str, path: str, query: Any = (), body: Any = None, *, status: int = 200, gives: Any = None,
        retry_after: Optional[str] = None, sent: Optional[int] = None,
    ) -> None:
        self.method, self.path = method, path
        self.query = query if query is ANY else list(query)
        self.body = body
        self.status, self.gives, self.retry_after, self.sent = status, gives, retry_after, sent

    def compare(self, method: str, path: str, query: List[Tuple[str, Any]], body: Any) -> None:
        assert (method, path) == (self.method, self.path)
        assert self.query is ANY or query == self.query
        body = json.loads(body) if isinstance(body, bytes) else body
        assert self.body is ANY or body == self.body

    def answer(self, body: Any) -> Answer:
        """What came: a text as it is, None as an empty body, anything else as JSON."""
        if isinstance(self.gives, EmqxError):
            raise self.gives
        text = "" if self.gives is None else self.gives if isinstance(self.gives, str) else json.dumps(self.gives)
        try:
            parsed = json.loads(text)
        except ValueError:
            parsed = NO_JSON
        size = 0 if body is None else len(body if isinstance(body, bytes) else json.dumps(body))
        sent = size if self.sent is None else self.sent
        return Answer(self.method, self.path, self.status, text, parsed, False, sent, self.retry_after)


class ScriptedHttp(Http):
    """Plays a script, in its order and one request at a time, instead of sending anything."""

    def __init__(self, script: Iterable[Call]) -> None:
        super().__init__(Settings("http://127.0.0.1:1/api/v5", "scripted-id", SECRET, max_connections=1))
        self.script = list(script)

    def request(
        self, method: str, path: str, query: Optional[Iterable[Tuple[str, Any]]] = None, body: Any = None
    ) -> Answer:
        found = list(query or ())
        assert self.script, f"one request too many: {method} {path} {found} {body}"
        expected = self.script.pop(0)
        expected.compare(method, path, found, body)
        self._count.add()
        return expected.answer(body)


@contextlib.contextmanager
def scripted(kind: Any, *script: Call) -> Iterator[Any]:
    """Give an API (of class ``kind``) that expects exactly these requests."""
    http = ScriptedHttp(script)
    yield kind(http)
    assert not http.script, f"requests that never came: {[(call.method, call.path) for call in http.script]}"


def v4(*script: Call) -> Any:
    return scripted(V4Api, *script)


def v5(*script: Call) -> Any:
    return scripted(V5Api, *script)


def page(rows: Sequence[Mapping[str, Any]], **meta: Any) -> Dict[str, Any]:
    """A page of a list, as both generations send it."""
    return {"code": 0, "data": list(rows), "meta": meta}


@dataclass(frozen=True)
class Thing(Record):
    """A record for tests of what knows no kind of thing."""

    name: str
    size: Optional[int] = None
    colour: Optional[str] = None
    secret: Optional[str] = field(default=None, repr=False, compare=False, metadata=WRITE_ONLY)

    @property
    def key(self) -> str:
        return self.name


class DictStore(Store[Thing]):
    """Keeps things in a dictionary, remembers what was asked of it, and fails where it is told to."""

    many = "things"

    def __init__(self, things: Iterable[Thing] = (), failing: Optional[Mapping[str, EmqxError]] = None) -> None:
        super().__init__(Api(ScriptedHttp([])))
        self.things = {thing.key: thing for thing in things}
        self.failing = dict(failing or {})
        self.calls: List[Tuple[str, List[str]]] = []
        self.read: List[bool] = []

    def current(self, wanted: Sequence[Thing], everything: bool) -> Iterator[Thing]:
        self.read.append(everything)
        return iter(list(self.things.values()))

    def fresh(self, record: Thing) -> Thing:
        return record.completed(Thing(record.name, size=1, colour="grey"))

    def _change(self, action: str, things: Iterable[Thing]) -> Iterator[Tuple[Thing, Optional[EmqxError]]]:
        things = list(things)
        self.calls.append((action, [thing.name for thing in things]))
        for thing in things:
            error = self.failing.get(thing.name)
            if error is None and action == "delete":
                del self.things[thing.key]
            elif error is None:
                assert (thing.key in self.things) == (action == "update")
                self.things[thing.key] = thing
            yield thing, error

    def create(self, things: Iterable[Thing]) -> Iterator[Tuple[Thing, Optional[EmqxError]]]:
        return self._change("create", things)

    def update(self, things: Iterable[Thing]) -> Iterator[Tuple[Thing, Optional[EmqxError]]]:
        return self._change("update", things)

    def delete(self, things: Iterable[Thing]) -> Iterator[Tuple[Thing, Optional[EmqxError]]]:
        return self._change("delete", things)
