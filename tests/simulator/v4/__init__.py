# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Deployment API of EMQX 4.4, as 4.4.19 answers it."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from urllib.parse import unquote

from ..answers import Answer, Call, Refused
from ..routing import Routes
from ..state import State
from . import shadows
from .protocol import BAD_REQUEST, INTERNAL_ERROR, Crash

MAX_BODY = 8_000_000

# Every file here that has routes is a part of the API.
_FILES = [import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
PARTS = [file for file in _FILES if hasattr(file, "routes")]


class Api:
    """EMQX Cloud has it under /api, with its shadow service, a broker of one's own under /api/v4."""

    bases: tuple[str, ...] = ("/api/v4", "/api")

    def __init__(self, state: State) -> None:
        self._state = state
        self._routes, self._cloud = Routes(), Routes()
        for module in PARTS:
            self._routes.include(module.routes)
        self._cloud.include(self._routes)
        self._cloud.include(shadows.cloud_routes)

    def refuse_credentials(self, given: bool) -> Answer:
        return Answer.text(401, "UNAUTHORIZED", **{"WWW-Authenticate": 'Basic Realm="minirest-server"'})

    def answer(self, call: Call) -> Answer:
        base = next((base for base in self.bases if call.path.startswith(base + "/")), None)
        if base is None:
            return Answer.text(404, "Not found.")
        # 4.4 splits the raw path and decodes names only: `%2E%2E` is a name, and `/acl/%24all` is not `/acl/$all`.
        segments = [(raw, unquote(raw)) for raw in call.path[len(base) + 1 :].split("/")]
        routes = self._cloud if base == "/api" else self._routes
        methods, arguments = routes.find(segments) or ({}, {})
        handler = methods.get(call.method)
        if handler is None:
            return Answer.text(404, "Not found.")  # there is no 405
        if len(call.body) > MAX_BODY:
            return BAD_REQUEST
        try:
            return handler(self._state, call, **arguments)
        except Refused as refused:
            return refused.answer
        except Crash:
            return INTERNAL_ERROR
