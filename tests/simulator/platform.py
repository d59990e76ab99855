# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Platform API: deployments and projects of an account; for their certificates see `platform_tls`.

Nothing of it was recorded: paths, fields, states, limits and status codes are those of EMQX Cloud's documentation, and
the bodies of errors are a guess. So is `stopping`, and that what isn't stopped can't be started (422).
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from .answers import Answer, Call, Refused, error
from .platform_tls import READS_AN_HOUR, Certificates, Slot
from .routing import Routes

HOUR = 3600.0
OPERATIONS_AN_HOUR = 1
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
    tls: Slot = field(default_factory=Slot, repr=False)
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
            ("GET", "/projects", self._projects),
        ):
            self.routes.add(method, pattern, handler)
        self.certificates = Certificates(self.routes, self._find_tls, self._count)

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
                raise error(403, "FORBIDDEN", "the key has no permission for this")
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
            raise error(429, "TOO_MANY_REQUESTS", f"more than {limit} in 60 minutes", **left)
        calls.append(now)

    def _find(self, id: str) -> Listed:
        found = self.deployments.get(id)
        if found is None:
            raise error(404, "DEPLOYMENT_NOT_FOUND", f"no deployment {id}")
        return found

    def _find_tls(self, id: str) -> Slot:
        return self._find(id).tls

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
            raise error(422, "INVALID_STATUS", f"{operation.name} in status {listed.shown_status}")
        listed.status, listed.via = operation.status, operation.via
        listed.until = time.monotonic() + self.operation_seconds
        return Answer.json(201, {"deploymentID": id, "deploymentName": listed.name, "operation": operation.name})
