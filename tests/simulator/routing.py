# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""A table of paths. It takes segments that are split already: how a path is split is what v4 and v5 disagree about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .answers import Answer

Handler = Callable[..., Answer]
Segment = tuple[str, str]  # (as on the wire, decoded)


class Routes:
    """Handlers by path pattern and method; `{name}` in a pattern takes one segment and becomes an argument."""

    def __init__(self) -> None:
        self._table: dict[tuple[str, ...], dict[str, Handler]] = {}

    def add(self, method: str, pattern: str, handler: Handler) -> None:
        self._table.setdefault(tuple(pattern.strip("/").split("/")), {})[method] = handler

    def __call__(self, method: str, pattern: str) -> Callable[[Handler], Handler]:
        """As a decorator: `@routes("GET", "/clients/{clientid}")`."""

        def register(handler: Handler) -> Handler:
            self.add(method, pattern, handler)
            return handler

        return register

    def include(self, other: Routes) -> None:
        for pattern, methods in other._table.items():
            self._table.setdefault(pattern, {}).update(methods)

    def table(self) -> list[tuple[tuple[str, ...], set[str]]]:
        """All path patterns, each with its methods."""
        return [(pattern, set(methods)) for pattern, methods in self._table.items()]

    def find(self, segments: Sequence[Segment]) -> tuple[dict[str, Handler], dict[str, Any]] | None:
        """The methods of a path and its arguments, or None. A literal wins over a placeholder."""
        found: tuple[dict[str, Handler], dict[str, Any]] | None = None
        for pattern, methods in self._table.items():
            arguments = _match(pattern, segments)
            if arguments is not None and (found is None or len(arguments) < len(found[1])):
                found = methods, arguments
        return found


def _match(pattern: tuple[str, ...], segments: Sequence[Segment]) -> dict[str, Any] | None:
    if len(pattern) != len(segments):
        return None
    arguments = {}
    for part, (literal, decoded) in zip(pattern, segments):
        if part.startswith("{"):
            arguments[part[1:-1]] = decoded
        elif part != literal:
            return None
    return arguments
