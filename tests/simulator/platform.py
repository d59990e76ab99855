# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Platform API: deployments, TLS certificates and projects of an account.

Nothing of it was recorded: paths, fields, states, limits and status codes are those of EMQX Cloud's documentation, and
the bodies of errors are a guess. So is `stopping`, and that what isn't stopped can't be started (422).
"""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from .answers import NO_CONTENT, Answer, Call, Refused
from .routing import Routes

HOUR = 3600.0
READS_AN_HOUR = 60
TLS_CHANGES_AN_HOUR = 6
OPERATIONS_AN_HOUR = 1
TLS_TYPES = ("one-way", "two-way")
DEFAULT_PROJECT = "Default Project"


@dataclass(frozen=True)
class Operation:
    """Starting or stopping: what it is asked for in, what it says on the way, and where it ends."""

    name: str
    before: str
    via: str
    status: str


START = Operation("start", "stopped", "starting", "running")
STOP = Operation("stop", "running", "stopping", "stopped")


@dataclass
class Listed:
    """A deployment as the platform sees it. It reaches its status at `until` (monotonic); before that it says `via`."""

    id: str
    name: str
    type: str = "dedicated"
    version: str = "5.8.9"
    connections: Callable[[], int] = int
    project: str = DEFAULT_PROJECT
    region: str = "eu-central-1"
    platform: str = "aws"
    status: str = "running"
    created_at: str = "2026-01-02T03:04:05Z"
    tls: dict[str, Any] | None = field(default=None, repr=False)
    via: str = ""
    until: float = 0.0

    @property
    def shown_status(self) -> str:
        return self.via if time.monotonic() < self.until else self.status

    def row(self) -> dict[str, Any]:
        return {
            "deploymentID": self.id,
            "deploymentName": self.name,
            "deploymentType": self.type,
            "platform": self.platform,
            "projectName": self.project,
            "region": self.region,
            "status": self.shown_status,
            "version": self.version,
            "connections": self.connections(),
            "tps": 0,
            "createAt": self.created_at,
        }


def _error(status: int, code: str, message: str, **headers: str) -> Refused:
    return Refused(Answer.json(status, {"code": code, "message": message}, **headers))


class Api:
    """One account; its limits count all calls of the account.

    operation_seconds: how long it takes to start and to stop.
    retry_after: whether a 429 says with `Retry-After` when the call may be made again; EMQX documents no such header.
    read_only: the key may read and change nothing (403).
    """

    bases: tuple[str, ...] = ("/public_api/v1",)

    def __init__(self) -> None:
        self.operation_seconds = 0.02
        self.retry_after = False
        self.read_only = False
        self.deployments: dict[str, Listed] = {}
        self.projects: dict[str, str] = {DEFAULT_PROJECT: ""}
        self._calls: dict[tuple[str, ...], deque[float]] = {}
        self.routes = Routes()
        for method, pattern, handler in (
            ("GET", "/deployments", self._list),
            ("GET", "/deployments/{id}", self._show),
            ("POST", "/deployments/{id}/start", self._start),
            ("POST", "/deployments/{id}/stop", self._stop),
            ("GET", "/deployments/{id}/tls", self._show_tls),
            ("POST", "/deployments/{id}/tls", self._create_tls),
            ("PUT", "/deployments/{id}/tls", self._change_tls),
            ("DELETE", "/deployments/{id}/tls", self._delete_tls),
            ("GET", "/projects", self._projects),
        ):
            self.routes.add(method, pattern, handler)

    def add(self, listed: Listed) -> None:
        """List a deployment, and the project that it is in."""
        self.deployments[listed.id] = listed
        self.projects.setdefault(listed.project, "")

    def forget_limits(self) -> None:
        """As if an hour had gone by."""
        self._calls.clear()

    def refuse_credentials(self, given: bool) -> Answer:
        return Answer.json(401, {"code": "UNAUTHORIZED", "message": "Invalid key or secret"})

    def answer(self, call: Call) -> Answer:
        base = self.bases[0]
        below = call.path[len(base) :] if call.path.startswith(base + "/") else ""
        segments = [(unquote(raw), unquote(raw)) for raw in below.strip("/").split("/")]
        methods, arguments = self.routes.find(segments) or ({}, {})
        handler = methods.get(call.method)
        if handler is None:
            return Answer.json(404, {"code": "NOT_FOUND", "message": "Not found"})
        try:
            if self.read_only and call.method != "GET":
                raise _error(403, "FORBIDDEN", "the key has no permission for this")
            return handler(call, **arguments)
        except Refused as refused:
            return refused.answer

    def _count(self, limit: int, *what: str) -> None:
        """One more of these calls; 429 past the limit of an hour."""
        now = time.monotonic()
        calls = self._calls.setdefault(what, deque())
        while calls and now - calls[0] >= HOUR:
            calls.popleft()
        if len(calls) >= limit:
            left = {"Retry-After": str(math.ceil(calls[0] + HOUR - now))} if self.retry_after else {}
            raise _error(429, "TOO_MANY_REQUESTS", f"more than {limit} in 60 minutes", **left)
        calls.append(now)

    def _find(self, id: str) -> Listed:
        found = self.deployments.get(id)
        if found is None:
            raise _error(404, "DEPLOYMENT_NOT_FOUND", f"no deployment {id}")
        return found

    def _list(self, call: Call) -> Answer:
        self._count(READS_AN_HOUR, "deployments")
        return Answer.json(200, [listed.row() for listed in self.deployments.values()])

    def _show(self, call: Call, id: str) -> Answer:
        self._count(READS_AN_HOUR, "deployment")
        return Answer.json(200, self._find(id).row())

    def _projects(self, call: Call) -> Answer:
        self._count(READS_AN_HOUR, "projects")
        rows = [
            {"projectID": f"p{number:07}", "projectName": name, "description": description}
            for number, (name, description) in enumerate(self.projects.items(), 1)
        ]
        return Answer.json(200, rows)

    def _start(self, call: Call, id: str) -> Answer:
        return self._operate(id, START)

    def _stop(self, call: Call, id: str) -> Answer:
        return self._operate(id, STOP)

    def _operate(self, id: str, operation: Operation) -> Answer:
        listed = self._find(id)
        self._count(OPERATIONS_AN_HOUR, operation.name, id)
        if listed.shown_status != operation.before:
            raise _error(422, "INVALID_STATUS", f"{operation.name} in status {listed.shown_status}")
        listed.status, listed.via = operation.status, operation.via
        listed.until = time.monotonic() + self.operation_seconds
        return Answer.json(201, {"deploymentID": id, "deploymentName": listed.name, "operation": operation.name})

    def _show_tls(self, call: Call, id: str) -> Answer:
        listed = self._find(id)
        self._count(READS_AN_HOUR, "tls", id)
        if listed.tls is None:
            raise _error(404, "TLS_NOT_FOUND", "no certificate")
        return Answer.json(200, {name: listed.tls[name] for name in ("tlsType", "expire", "status")})

    def _create_tls(self, call: Call, id: str) -> Answer:
        return self._put_tls(call, id, 201)

    def _change_tls(self, call: Call, id: str) -> Answer:
        if self._find(id).tls is None:
            raise _error(404, "TLS_NOT_FOUND", "no certificate")
        return self._put_tls(call, id, 200)

    def _put_tls(self, call: Call, id: str, status: int) -> Answer:
        listed = self._find(id)
        try:
            item = json.loads(call.body)
        except ValueError as trouble:
            raise _error(400, "BAD_REQUEST", "no JSON") from trouble
        texts = isinstance(item, dict) and all(isinstance(item.get(name), str) for name in ("cert", "key"))
        if (
            not texts
            or item.get("tlsType") not in TLS_TYPES
            or (item["tlsType"] == "two-way" and not item.get("cacert"))
        ):
            raise _error(422, "INVALID_PROPERTIES", "wrong tlsType, cert, key or cacert")
        self._count(TLS_CHANGES_AN_HOUR, "tls changes", id)
        listed.tls = {"tlsType": item["tlsType"], "expire": "2036-01-01T00:00:00Z", "status": "running"}
        return Answer.json(status, listed.tls)

    def _delete_tls(self, call: Call, id: str) -> Answer:
        listed = self._find(id)
        if listed.tls is None:
            raise _error(404, "TLS_NOT_FOUND", "no certificate")
        self._count(TLS_CHANGES_AN_HOUR, "tls changes", id)
        listed.tls = None
        return NO_CONTENT
