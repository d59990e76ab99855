# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""MQTT clients: who is online, who has a kept session, and kicking them."""

from __future__ import annotations

import contextlib
import itertools
import re
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import quote

from .._addresses import checked_address
from .._converge import Outcomes, Record
from .._errors import EmqxError, InputError, Missing
from .._times import normal, parse, past
from .._urls import checked_name, path_of
from ._api import Api, Store, not_empty

TIMES = ("connected_at", "created_at", "disconnected_at")
QUERY_BYTES = 4000
"""How long a query string gets: a broker refuses a request line of 8,000 bytes and more."""

V4_NAMES = {
    "awaiting_rel": "awaiting_rel_cnt",
    "inflight": "inflight_cnt",
    "max_awaiting_rel": "awaiting_rel_max",
    "max_inflight": "inflight_max",
    "max_mqueue": "mqueue_max",
    "max_subscriptions": "subscriptions_max",
}
"""Fields that v4 names otherwise than v5."""


@dataclass(frozen=True)
class Client(Record):
    """One MQTT client. ``online`` is None for a client that has neither a connection nor a kept session.

    ``connection`` tells one connection of the client from the next: when and from which port it was made.
    """

    clientid: str
    online: Optional[bool] = None
    connection: Optional[Tuple[Any, ...]] = None

    @property
    def key(self) -> str:
        return self.clientid

    def shown(self) -> Dict[str, Any]:
        return {"clientid": self.clientid, "connected": bool(self.online)}


@dataclass(frozen=True)
class Filters:
    """Which clients are asked for. Times are RFC 3339, epoch seconds, or how long ago; None is no filter."""

    clientid: Optional[str] = None
    username: Optional[str] = None
    ip_address: Optional[str] = None
    conn_state: Optional[str] = None
    clean_start: Optional[bool] = None
    proto_name: Optional[str] = None
    proto_ver: Optional[int] = None
    zone: Optional[str] = None
    node: Optional[str] = None
    like_clientid: Optional[str] = None
    like_username: Optional[str] = None
    connected_after: Any = None
    connected_before: Any = None
    created_after: Any = None
    created_before: Any = None

    EQUAL = ("clientid", "username", "ip_address", "clean_start", "proto_name", "proto_ver", "zone", "node")
    LIKE = ("like_clientid", "like_username")
    SPANS = {
        "connected_after": "gte_connected_at",
        "connected_before": "lte_connected_at",
        "created_after": "gte_created_at",
        "created_before": "lte_created_at",
    }

    def fields(self) -> List[str]:
        """Return the fields of a row that the filters look at."""
        names = [name for name in self.EQUAL if getattr(self, name) is not None]
        names += [name[len("like_"):] for name in self.LIKE if getattr(self, name) is not None]
        names += [call[len("gte_"):] for option, call in self.SPANS.items() if getattr(self, option) is not None]
        return names + (["connected"] if self.conn_state else [])

    def query(self) -> List[Tuple[str, Any]]:
        """Return the filters as v5 takes them; v4 wants an underscore before ``like_``, ``gte_`` and ``lte_``."""
        pairs: List[Tuple[str, Any]] = []
        for name in (*self.EQUAL, "conn_state", *self.LIKE):
            value = getattr(self, name)
            if value is not None:
                pairs.append((name, str(value).lower() if isinstance(value, bool) else value))
        for option, call in self.SPANS.items():
            if getattr(self, option) is not None:
                pairs.append((call, past(option, getattr(self, option))))
        return pairs

    def accept(self, row: Mapping[str, Any]) -> bool:
        """Say whether a row is asked for: a broker ignores filters it doesn't know, so they are checked here too."""
        if any(getattr(self, name) not in (None, row.get(name)) for name in self.EQUAL if name in row):
            return False
        if any((getattr(self, name) or "") not in str(row.get(name[len("like_"):]) or "") for name in self.LIKE):
            return False
        if self.conn_state and row.get("connected") is not (self.conn_state == "connected"):
            return False
        return all(self._in_span(option, row) for option in self.SPANS)

    def _in_span(self, option: str, row: Mapping[str, Any]) -> bool:
        limit, value = getattr(self, option), row.get(self.SPANS[option][len("gte_"):])
        if limit is None or not isinstance(value, str):
            return True
        try:
            moment, limit = parse(value), past(option, limit)
        except ValueError:
            return True
        # v4 gives whole seconds.
        moment, limit = moment.replace(microsecond=0), limit.replace(microsecond=0)
        return moment >= limit if option.endswith("_after") else moment <= limit


def filters_from(options: Mapping[str, Any]) -> Filters:
    """Return the filters among the options of a module.

    :raises InputError: ``ip_address`` is no address, or another filter is empty.
    """
    given = {name: options.get(name) for name in Filters.__dataclass_fields__}
    for name in Filters.EQUAL:
        not_empty(name, given[name])
    if given["ip_address"] is not None:
        given["ip_address"] = checked_address(given["ip_address"], "ip_address")
    return Filters(**given)


class Clients(Store[Client]):
    """The clients of a deployment; what can be changed is that they are there."""

    many = "clients"
    filtered_here: Sequence[str] = ()
    """Filters that this generation ignores: a small page would be asked for again and again."""
    counted_here: Sequence[str] = ()
    """Filters with which this generation lists clients and doesn't count them."""

    def __init__(self, api: Api, sessions: bool = False) -> None:
        """:param sessions: kept sessions of clients that are not connected count, too."""
        super().__init__(api)
        self.sessions = sessions

    def rows(
        self, filters: Filters, fields: Sequence[str] = (), limit: Optional[int] = None
    ) -> Iterator[Dict[str, Any]]:
        """Yield the rows of the clients that ``filters`` ask for, with v5's names and times in RFC 3339.

        :param fields: narrows the rows; all fields if empty.
        :param limit: how many rows are wanted, so that a small page can be asked for.
        """
        # With the id, since pages of rows that are all alike would be taken for one page that comes again.
        needed = sorted({"clientid", *fields, *filters.fields()}) if fields else []
        local = [name for name in self.filtered_here if getattr(filters, name) is not None]
        for raw in self._pages(filters, needed, None if local else limit):
            row = self._row(raw)
            for name in local:
                if name not in row:  # as EMQX 5.8 tells no zone
                    raise InputError(f"{name} can't be filtered: this deployment doesn't tell it of its clients.")
            if filters.accept(row):
                yield {name: row[name] for name in fields if name in row} if fields else row

    def count(self, filters: Filters) -> int:
        """Return how many clients ``filters`` ask for: from the broker's own count, where it has one, in one request.

        :raises ApiError: an answer can't be used.
        """
        local = (*self.filtered_here, *self.counted_here)
        if all(getattr(filters, name) is None for name in local):
            query = [*self._query(filters), (self.api.page_option, 1), (self.api.limit_option, 1)]
            body = self.api.call("GET", "clients", query)
            meta = body.get("meta") if isinstance(body, dict) else None
            count = meta.get("count") if isinstance(meta, dict) else None
            if isinstance(count, int) and not isinstance(count, bool) and count >= 0:
                return count
        return sum(1 for _row in self.rows(filters, ["clientid"]))

    def current(self, wanted: Sequence[Client], everything: bool) -> Iterator[Client]:
        """Yield those of the wanted clients that are online, and with ``sessions`` those with a kept session."""
        names = [client.clientid for client in wanted]
        known = set(names)
        for row in self._lookup(names):
            client = Client(str(row.get("clientid")), row.get("connected") is True, _connection(row))
            if client.clientid in known and (client.online or self.sessions):
                yield client

    def _pages(self, filters: Filters, fields: Sequence[str], limit: Optional[int]) -> Iterator[Dict[str, Any]]:
        raise TypeError(f"{type(self).__name__} can't list")

    def _query(self, filters: Filters) -> List[Tuple[str, Any]]:
        """Return the filters that the broker takes, in its own words."""
        raise TypeError(f"{type(self).__name__} has no filters")

    def _lookup(self, names: Sequence[str]) -> Iterable[Dict[str, Any]]:
        raise TypeError(f"{type(self).__name__} can't look up")

    @staticmethod
    def _row(raw: Mapping[str, Any]) -> Dict[str, Any]:
        return {name: normal(value) if name in TIMES else value for name, value in raw.items()}


class V4Clients(Clients):
    """``GET /clients/{id}`` answers a list; kicking is one DELETE a client, there is no bulk call."""

    filtered_here = ("node",)
    counted_here = (*Filters.EQUAL, "conn_state", *Filters.LIKE, *Filters.SPANS)  # EMQX 4.4 says -1

    def _pages(self, filters: Filters, fields: Sequence[str], limit: Optional[int]) -> Iterator[Dict[str, Any]]:
        if filters.clientid is not None:
            return iter(self._one(filters.clientid))
        return self.api.rows("clients", self._query(filters), limit)

    def _query(self, filters: Filters) -> List[Tuple[str, Any]]:
        return [
            ("_" + name if name.startswith(("like_", "gte_", "lte_")) else name,
             int(value.timestamp()) if name.startswith(("gte_", "lte_")) else value)
            for name, value in filters.query() if name not in self.filtered_here
        ]

    def _one(self, clientid: str) -> List[Dict[str, Any]]:
        path = path_of("clients/{}", checked_name(clientid, "clientid"))
        return self.api.dicts(self.api.call("GET", path).get("data"), path)

    def _lookup(self, names: Sequence[str]) -> Iterable[Dict[str, Any]]:
        return itertools.chain.from_iterable(self.api.http.results(self._one, names))

    def delete(self, clients: Iterable[Client]) -> Outcomes[Client]:
        return self.one_by_one(lambda client: self.api.call("DELETE", path_of("clients/{}", client.clientid)), clients)

    @staticmethod
    def _row(raw: Mapping[str, Any]) -> Dict[str, Any]:
        row = Clients._row({V4_NAMES.get(name, name): value for name, value in raw.items()})
        # EMQX 4.4 writes Erlang's undefined as a string.
        return {name: None if name in ("username", "mountpoint") and value == "undefined" else value
                for name, value in row.items()}


class V5Clients(Clients):
    """Several clients are asked for and kicked in one call, with the ids in the query and in the body."""

    filtered_here = ("zone", "proto_name")
    counted_here = Filters.LIKE

    def _pages(self, filters: Filters, fields: Sequence[str], limit: Optional[int]) -> Iterator[Dict[str, Any]]:
        narrow = [("fields", ",".join(fields))] if fields else []
        return self.api.rows("clients", [*self._query(filters), *narrow], limit)

    def _query(self, filters: Filters) -> List[Tuple[str, Any]]:
        return [
            (name, value.isoformat(timespec="milliseconds") if name.startswith(("gte_", "lte_")) else value)
            for name, value in filters.query() if name not in self.filtered_here
        ]

    def _lookup(self, names: Sequence[str]) -> Iterable[Dict[str, Any]]:
        fields = [("fields", "clientid,connected,connected_at,node,port")]
        state = [] if self.sessions else [("conn_state", "connected")]
        return itertools.chain.from_iterable(self.api.http.results(
            lambda part: list(self.api.rows("clients", [*(("clientid", name) for name in part), *state, *fields])),
            _parts(names),
        ))

    def delete(self, clients: Iterable[Client]) -> Outcomes[Client]:
        clients = list(clients)
        if len(clients) == 1 and clients[0].clientid not in (".", ".."):
            yield from self.one_by_one(self._kick, clients)
            return
        try:
            self.api.call("POST", "clients/kickout/bulk", body=[client.clientid for client in clients])
        except EmqxError as error:
            yield from ((client, error) for client in clients)
            return
        yield from ((client, None) for client in clients)

    def _kick(self, client: Client) -> None:
        with contextlib.suppress(Missing):  # it went by itself meanwhile
            self.api.call("DELETE", path_of("clients/{}", client.clientid))


def clients(api: Api, sessions: bool = False) -> Clients:
    """Return the clients of this deployment; with ``sessions`` those that only have a kept session count, too."""
    return (V5Clients if api.generation == "v5" else V4Clients)(api, sessions)


def seen(api: Api, options: Mapping[str, Any], condition: str) -> Dict[str, Any]:
    """Return what a condition is about: how many clients there are (``count``), and if it means them, ``clients``.

    :param options: filters, and the ``fields`` of the rows.
    """
    filters = filters_from(options)
    store = clients(api)
    # What else could mean the clients: @ is everything, and so is *.
    if not re.search("clients|[@*]", condition):
        return {"count": store.count(filters)}
    rows = list(store.rows(filters, options["fields"] or ()))
    return {"count": len(rows), "clients": rows}


def clients_from(option: str, names: Sequence[str], generation: str) -> List[Client]:
    """Return the clients that an option names.

    :raises InputError: a name is empty or can't be sent to this generation.
    """
    for name in names:
        if generation == "v4" or name not in (".", ".."):  # v5 takes them in the query and in the body
            checked_name(name, option)
    return [Client(name) for name in dict.fromkeys(names)]


def returned(store: Clients, kicked: Sequence[Client]) -> Tuple[List[str], List[str]]:
    """Return which kicked clients are still there, and which have come back with a new connection."""
    connections = {client.clientid: client.connection for client in store.current(kicked, False)}
    there = [client for client in kicked if client.clientid in connections]
    still = [client.clientid for client in there if connections[client.clientid] == client.connection]
    return sorted(still), sorted({client.clientid for client in there} - set(still))


def _connection(row: Mapping[str, Any]) -> Tuple[Any, ...]:
    return tuple(row.get(name) for name in ("connected", "connected_at", "node", "port"))


def _parts(names: Sequence[str]) -> Iterator[List[str]]:
    """Yield the names in parts that fit a query string each."""
    part: List[str] = []
    size = 0
    for name in names:
        more = len(quote(name, safe="")) + len("&clientid=")
        if part and size + more > QUERY_BYTES:
            yield part
            part, size = [], 0
        part.append(name)
        size += more
    if part:
        yield part
