# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Deployment API of EMQX 5, as 5.8.9 answers it."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from urllib.parse import unquote

from ..answers import Answer, Call, Refused
from ..routing import Routes, Segment
from ..state import QuotaExceeded, State
from . import authentication, authorization
from .protocol import error

BASE = ("api", "v5")
MAX_BODY = 8_000_000

# Every file here that has routes is a part of the API.
_FILES = [import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
PARTS = [file for file in _FILES if hasattr(file, "routes")]
CHALLENGE = {"WWW-Authenticate": 'Basic Realm="emqx-dashboard"'}


class Api:
    """`state` begins with the built-in database as authenticator and as source, unless it is bare."""

    bases: tuple[str, ...] = ("/" + "/".join(BASE),)

    def __init__(self, state: State) -> None:
        self._state = state
        self._routes = Routes()
        for module in PARTS:
            self._routes.include(module.routes)
        self.prepare()

    def prepare(self) -> None:
        """What a deployment starts with."""
        authorization.prepare(self._state)
        if not self._state.bare:
            authentication.prepare(self._state)

    def refuse_credentials(self, given: bool) -> Answer:
        if given:
            return error(401, "BAD_API_KEY_OR_SECRET", "Check api_key/api_secret", **CHALLENGE)
        return error(401, "AUTHORIZATION_HEADER_ERROR", "Support authorization: basic/bearer ", **CHALLENGE)

    def answer(self, call: Call) -> Answer:
        path = segments(call.path)
        if tuple(decoded for _raw, decoded in path[: len(BASE)]) != BASE:
            return Answer.text(404, "<html><body><h1>404 Not Found</h1></body></html>", "text/html")
        found = self._routes.find(path[len(BASE) :])
        if found is None:
            return error(404, "NOT_FOUND", "Request Path Not Found")
        methods, arguments = found
        handler = methods.get(call.method)
        if handler is None:
            return Answer(405, headers={"Allow": ", ".join(sorted(methods))})
        if len(call.body) > MAX_BODY:
            return Answer(500)
        try:
            return handler(self._state, call, **arguments)
        except Refused as refused:
            return refused.answer
        except QuotaExceeded as quota:
            # Not recorded: the documentation says 409 for a limit.
            return error(409, "EXCEED_LIMIT", str(quota))


def segments(raw_path: str) -> list[Segment]:
    """Decoded first, then `.` and `..` are resolved, so `%2E%2E` climbs, too; a slash at the end counts for nothing."""
    resolved: list[Segment] = []
    for part in raw_path.strip("/").split("/") if raw_path != "/" else []:
        name = unquote(part)
        if name == "..":
            del resolved[-1:]
        elif name != ".":
            resolved.append((name, name))
    return resolved
