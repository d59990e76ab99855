# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment tells of itself: nodes, counters, alarms and listeners, in one shape for both generations."""

from __future__ import annotations

import math
import re
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Union

from .._errors import InputError
from .._times import normal
from ._api import Api

PARTS = ("nodes", "stats", "metrics", "alarms", "listeners")

Number = Union[int, float]

_COUNTS = ("connections", "live_connections", "process_used", "process_available", "max_fds")
_SIZES = ("memory_used", "memory_total")
_LOADS = ("load1", "load5", "load15")
_TEXTS = ("version", "edition", "role", "otp_release")

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}

SHARED = ("retained", "topics", "routes", "subscriptions.shared")
"""Statistics of tables that every node holds a copy of: over nodes they are not summed (nor does EMQX 5)."""


class Broker:
    """Reads one part each; a generation has its own paths and names."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def nodes(self) -> List[Dict[str, Any]]:
        """Return the nodes; what a node doesn't tell (a stopped one tells little) is None. Sizes are in bytes."""
        return [self._node(row) for row in self._rows("nodes")]

    def stats(self) -> Dict[str, Number]:
        """Return the statistics of the whole cluster: what there is now (``.count``) and was at most (``.max``)."""
        return self._totals("stats")

    def metrics(self) -> Dict[str, Number]:
        """Return the counters of the whole cluster, which count up since its nodes have started."""
        return self._totals("metrics")

    def alarms(self) -> List[Dict[str, Any]]:
        """Return the alarms, those that are over (``active`` is false) last."""
        return [_alarm(row, active) for active in (True, False) for row in self._alarms(active)]

    def listeners(self) -> List[Dict[str, Any]]:
        """Return a row for each listener on each node; ``max_connections`` is None where there is no limit."""
        raise TypeError(f"{type(self).__name__} has no listeners")

    def _rows(self, path: str) -> List[Dict[str, Any]]:
        raise TypeError(f"{type(self).__name__} has no lists")

    def _totals(self, path: str) -> Dict[str, Number]:
        raise TypeError(f"{type(self).__name__} has no totals")

    def _alarms(self, active: bool) -> Iterable[Dict[str, Any]]:
        raise TypeError(f"{type(self).__name__} has no alarms")

    @staticmethod
    def _uptime(value: Any) -> Optional[int]:
        raise TypeError("an uptime has no form of its own")

    def _node(self, row: Mapping[str, Any]) -> Dict[str, Any]:
        name, status = row.get("node"), row.get("node_status")
        if not isinstance(name, str) or not isinstance(status, str):
            raise self.api.odd("GET", "nodes", "a node has no name or status")
        node: Dict[str, Any] = {"node": name, "status": status.lower(), "uptime": self._uptime(row.get("uptime"))}
        node.update((field, row[field] if isinstance(row.get(field), str) else None) for field in _TEXTS)
        node.update((field, _number(row.get(field))) for field in _COUNTS)
        node.update((field, _size(row.get(field))) for field in _SIZES)
        # EMQX 4.4 sends loads as text.
        node.update((field, _number(row.get(field), float)) for field in _LOADS)
        return node


class V4Broker(Broker):
    """Everything comes node by node: ``[{"node": …, "stats": {…}}]``."""

    def _rows(self, path: str) -> List[Dict[str, Any]]:
        return self.api.dicts(self.api.call("GET", path).get("data"), path)

    def _by_node(self, path: str, key: str) -> Iterator[Dict[str, Any]]:
        """Yield the rows that nodes list under ``key``, each with its node."""
        for row in self._rows(path):
            yield from ({**inner, "node": row.get("node")} for inner in self.api.dicts(row.get(key), path))

    def _totals(self, path: str) -> Dict[str, Number]:
        totals: Dict[str, Number] = {}
        for row in self._rows(path):
            if not isinstance(row.get(path), dict):
                raise self.api.odd("GET", path, "a node has none of them")
            for name, value in _numbers(row[path]).items():
                shared = path == "stats" and name.rpartition(".")[0] in SHARED
                totals[name] = max(totals.get(name, 0), value) if shared else totals.get(name, 0) + value
        return totals

    def _alarms(self, active: bool) -> Iterable[Dict[str, Any]]:
        return self._by_node("alarms/activated" if active else "alarms/deactivated", "alarms")

    @staticmethod
    def _uptime(value: Any) -> Optional[int]:
        """Read ``1 days, 2 hours, 3 minutes, 4 seconds``."""
        parts = re.findall(r"(\d{1,9}) (second|minute|hour|day)s?", value) if isinstance(value, str) else []
        return sum(int(number) * _SECONDS[unit] for number, unit in parts) if parts else None

    def listeners(self) -> List[Dict[str, Any]]:
        return [self._listener(row) for row in self._by_node("listeners", "listeners")]

    @staticmethod
    def _listener(row: Mapping[str, Any]) -> Dict[str, Any]:
        # mqtt:tcp, mqtt:wss:8094, http:management; EMQX 4.4 lists what runs.
        protocol = str(row.get("protocol", ""))
        kind, _colon, rest = protocol.partition(":")
        return {
            "id": row.get("identifier") or protocol,
            "type": rest.partition(":")[0] if kind == "mqtt" else kind,
            "bind": _text(row.get("listen_on")),
            "node": row.get("node"),
            "enabled": True,
            "running": True,
            "current_connections": _number(row.get("current_conns")),
            "max_connections": _number(row.get("max_conns")),
        }


class V5Broker(Broker):
    """Bare lists, and totals with ``aggregate=true``."""

    def _rows(self, path: str) -> List[Dict[str, Any]]:
        return self.api.dicts(self.api.call("GET", path), path)

    def _totals(self, path: str) -> Dict[str, Number]:
        body = self.api.call("GET", path, [("aggregate", "true")])
        if not isinstance(body, dict):
            raise self.api.odd("GET", path, "an object was expected")
        return _numbers(body)

    def _alarms(self, active: bool) -> Iterable[Dict[str, Any]]:
        return self.api.rows("alarms", [("activated", str(active).lower())])

    @staticmethod
    def _uptime(value: Any) -> Optional[int]:
        """Read milliseconds."""
        number = _number(value)
        return None if number is None else int(number) // 1000

    def listeners(self) -> List[Dict[str, Any]]:
        return [self._listener(row, node) for row in self._rows("listeners") for node in self._nodes_of(row)]

    def _nodes_of(self, row: Mapping[str, Any]) -> List[Dict[str, Any]]:
        """Return the node_status of a listener; where there is none, its status as that of no node in particular."""
        if row.get("node_status"):
            return self.api.dicts(row["node_status"], "listeners")
        return [{"status": row.get("status")}]

    @staticmethod
    def _listener(row: Mapping[str, Any], node: Mapping[str, Any]) -> Dict[str, Any]:
        told = node.get("status")
        status: Mapping[str, Any] = told if isinstance(told, dict) else {}
        return {
            "id": row.get("id"),
            "type": row.get("type"),
            "bind": _text(row.get("bind")),
            "node": node.get("node"),
            "enabled": row.get("enable") is True,
            "running": status.get("running") is True,
            "current_connections": _number(status.get("current_connections")),
            "max_connections": _number(status.get("max_connections")),  # "infinity" becomes None
        }


def checked_parts(parts: Sequence[str]) -> List[str]:
    """Return the parts that an option names, each once.

    :raises InputError: there is none.
    """
    if not parts:
        raise InputError(f"gather is empty: name at least one of {', '.join(PARTS)}.")
    return list(dict.fromkeys(parts))


def gathered(api: Api, parts: Sequence[str]) -> Dict[str, Any]:
    """Return the named :data:`PARTS` of a deployment, read concurrently; nothing else is asked for.

    :raises ApiError: an answer can't be used.
    """
    broker = (V5Broker if api.generation == "v5" else V4Broker)(api)
    return dict(zip(parts, api.http.results(lambda part: getattr(broker, part)(), parts)))


def _alarm(row: Mapping[str, Any], active: bool) -> Dict[str, Any]:
    return {
        "name": row.get("name"),
        "node": row.get("node"),
        "message": row.get("message"),
        "details": row.get("details"),
        "active": active,
        "activated_at": _moment(row.get("activate_at")),
        "deactivated_at": None if active else _moment(row.get("deactivate_at")),
    }


def _moment(value: Any) -> Any:
    """Return a time as RFC 3339: EMQX 4.4 sends microseconds, EMQX 5 RFC 3339."""
    return normal(value // 1000 if isinstance(value, int) and not isinstance(value, bool) else value)


def _numbers(row: Mapping[str, Any]) -> Dict[str, Number]:
    """Return the fields that are numbers, in the order of their names."""
    numbers = {name: value for name, value in row.items() if _is_number(value)}
    return {name: numbers[name] for name in sorted(numbers)}


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)  # JSON as Python reads it has NaN and Infinity
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any, kind: Any = None) -> Any:
    """Return a number, also one that comes as text if ``kind`` is given, or None where there is none."""
    if kind is not None and isinstance(value, str):
        try:
            value = kind(value)
        except ValueError:
            return None
    return value if _is_number(value) else None


def _size(value: Any) -> Optional[int]:
    """Return bytes: EMQX writes ``529.41M``, with units of 1024."""
    if _is_number(value):
        return int(value)
    found = re.fullmatch(r"(\d{1,15}(?:\.\d+)?)([KMGT]?)B?", value, re.IGNORECASE) if isinstance(value, str) else None
    return int(float(found.group(1)) * _UNITS[found.group(2).upper()]) if found else None


def _text(value: Any) -> Optional[str]:
    return None if value is None else str(value)
