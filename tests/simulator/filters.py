# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of client listings. v4 and v5 have the same; v4 puts an underscore before `like_`, `gte_` and `lte_`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from .answers import Query
from .state import Client

Test = Callable[[Client], bool]


def epoch(text: str) -> float:
    """A time as filters and bans take it: epoch seconds or RFC 3339. ValueError if it is neither."""
    if text.lstrip("-").isdigit():
        return float(text)
    return datetime.fromisoformat(text.replace("Z", "+00:00").replace(" ", "T")).timestamp()


def _is_one_of(name: str, wanted: frozenset[str]) -> Test:
    return lambda client: getattr(client, name) in wanted


def _contains(name: str, part: str) -> Test:
    return lambda client: part in (getattr(client, name) or "")


def _reads(name: str, text: str) -> Test:
    return lambda client: str(getattr(client, name)).lower() == text.lower()


def _shows(name: str, text: str, default: Any) -> Test:
    return lambda client: client.fields.get(name, default) == text


def _is_online(online: bool) -> Test:
    return lambda client: client.connected == online


def _is_between(name: str, earliest: float, latest: float) -> Test:
    return lambda client: earliest <= getattr(client, name) <= latest


class ClientFilters:
    """`of(query)` gives the tests a client must pass."""

    def __init__(self, prefix: str, defaults: Mapping[str, Any]) -> None:
        self._prefix = prefix
        self._defaults = defaults

    def of(self, query: Query) -> list[Test]:
        tests: list[Test] = []
        for name in ("clientid", "username"):
            if name in query:
                tests.append(_is_one_of(name, frozenset(query.all(name))))
            part = query.get(f"{self._prefix}like_{name}")
            if part is not None:
                tests.append(_contains(name, part))
        for name, attribute in (("ip_address", "ip"), ("proto_ver", "proto_ver"), ("clean_start", "clean_start")):
            text = query.get(name)
            if text is not None:
                tests.append(_reads(attribute, text))
        for name in ("zone", "proto_name", "node"):
            text = query.get(name)
            if text is not None:
                tests.append(_shows(name, text, self._defaults.get(name)))
        if "conn_state" in query:
            tests.append(_is_online(query.get("conn_state") == "connected"))
        for name in ("created_at", "connected_at"):
            earliest, latest = (query.get(f"{self._prefix}{bound}_{name}") for bound in ("gte", "lte"))
            if earliest is not None or latest is not None:
                low = -math.inf if earliest is None else epoch(earliest)
                high = math.inf if latest is None else epoch(latest)
                tests.append(_is_between(name, low, high))
        return tests
