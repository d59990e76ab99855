# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subscriptions of MQTT clients, looked at and made on their behalf."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from .._converge import Outcomes, Plan, Record
from .._errors import V4_CODES, ApiError, EmqxError, InputError, Missing
from .._http import doubt
from .._topics import canonical, filter_problem, matches, name_problem, split_share
from .._urls import checked_name, path_of
from . import _guards
from ._api import Api, Query, Store, is_success, not_empty

V5_NAMES = {"no_local": "nl", "retain_as_published": "rap", "retain_handling": "rh"}
MQTT5 = tuple(V5_NAMES)
"""Options of a subscription that MQTT 5 brought; v4 brokers have none of them."""


@dataclass(frozen=True)
class Subscription(Record):
    """One client's subscription to one topic filter; the booleans and ``retain_handling`` (0, 1, 2) are v5 only."""

    clientid: str
    topic: str
    qos: Optional[int] = None
    no_local: Optional[bool] = None
    retain_as_published: Optional[bool] = None
    retain_handling: Optional[int] = None
    node: Optional[str] = None

    @property
    def key(self) -> str:
        return canonical(self.topic)

    @classmethod
    def compared(cls) -> Tuple[str, ...]:
        return tuple(name for name in super().compared() if name != "topic")

    def shown(self) -> Dict[str, Any]:
        shown = super().shown()
        return {"clientid": shown.pop("clientid"), "topic": self.topic, **shown}

    def completed(self, current: Any) -> Subscription:
        """Keep the topic as the broker spells it: ``$queue/t`` and ``$share/$queue/t`` are one."""
        return replace(super().completed(current), topic=current.topic)


def subscriptions_from(
    clientid: str, topics: Sequence[Mapping[str, Any]], unwanted: bool = False
) -> List[Subscription]:
    """Return the subscriptions that a module's options describe.

    :param unwanted: they are to be removed, so that a filter may be one that should never have been accepted.
    :raises InputError: a client id or a topic filter that a broker would choke on.
    """
    checked_name(clientid, "clientid")
    for position, topic in enumerate(topics):
        problem = filter_problem(topic["topic"])
        if problem and not unwanted:
            raise InputError(f"topics[{position}].topic is {topic['topic']!r}, which is no topic filter: {problem}.")
        if topic.get("no_local") and split_share(topic["topic"])[0] is not None:
            raise InputError(f"topics[{position}].no_local can't be set for a shared subscription (MQTT 5 forbids it).")
    names = ("qos", *MQTT5)
    return [Subscription(clientid, topic["topic"], **{name: topic.get(name) for name in names}) for topic in topics]


@dataclass(frozen=True)
class Filters:
    """Which subscriptions are asked for; ``match_topic`` is a topic name that their filters have to match."""

    clientid: Optional[str] = None
    topic: Optional[str] = None
    match_topic: Optional[str] = None
    qos: Optional[int] = None
    share_group: Optional[str] = None

    def accept(self, found: Subscription) -> bool:
        """Say whether a subscription is asked for; the broker filters too, and this is what it is held to."""
        group, plain = split_share(found.topic)
        return (
            self.clientid in (None, found.clientid)
            and self.qos in (None, found.qos)
            and self.share_group in (None, group)
            and (self.topic is None or canonical(self.topic) == found.key or self.topic == plain)
            and (self.match_topic is None or matches(self.match_topic, found.topic))
        )


def filters_from(options: Mapping[str, Any]) -> Filters:
    """Return the filters that the options of an info module describe.

    :raises InputError: ``match_topic`` is no topic name, or another filter is empty.
    """
    for name in ("clientid", "topic", "share_group"):
        not_empty(name, options[name])
    problem = name_problem(options["match_topic"]) if options["match_topic"] is not None else None
    if problem:
        raise InputError(f"match_topic is {options['match_topic']!r}, which is no topic name: {problem}.")
    return Filters(**options)


class Subscriptions(Store[Subscription]):
    """The subscriptions of one client, or for reading, of all."""

    many = "subscriptions"
    names: Mapping[str, str] = {}
    """What the API calls the filters."""

    def __init__(self, api: Api, clientid: str = "") -> None:
        super().__init__(api)
        self.clientid = clientid

    def find(self, filters: Filters, limit: Optional[int] = None) -> Iterator[Subscription]:
        """Yield the subscriptions that ``filters`` ask for; ``limit`` is how many are wanted."""
        query = [
            (self.names[name], value)
            for name, value in vars(filters).items()
            if value is not None and not (name == "topic" and split_share(value)[0] is not None)
        ]
        small_page = None if filters.topic or filters.match_topic else limit
        for row in self._all(query, small_page):
            found = self._record(row)
            if filters.accept(found):
                yield found

    def _all(self, query: Query, page_size: Optional[int]) -> Iterator[Dict[str, Any]]:
        return self.api.rows("subscriptions", query, page_size)

    def current(self, wanted: Sequence[Subscription], everything: bool) -> Iterator[Subscription]:
        return self.list()

    def _record(self, row: Mapping[str, Any]) -> Subscription:
        clientid, topic = row.get("clientid"), row.get("topic")
        if not isinstance(clientid, str) or not isinstance(topic, str):
            raise self.api.odd("GET", "subscriptions", "a subscription has no client id or topic")
        return Subscription(clientid, topic, row.get("qos"), node=row.get("node"))

    def _offline(self) -> InputError:
        return InputError(
            f"The client {self.clientid!r} is not connected and has no kept session, so it can't be subscribed."
        )


class V4Subscriptions(Subscriptions):
    """Batches answer item by item; a comma in a topic is taken for two topics."""

    names = {name: name for name in ("clientid", "topic", "qos")}
    names.update(match_topic="_match_topic", share_group="share")

    def list(self) -> Iterator[Subscription]:
        path = path_of("subscriptions/{}", self.clientid)
        for row in self.api.dicts(self.api.call("GET", path).get("data"), path):
            yield self._record(row)

    def fresh(self, record: Subscription) -> Subscription:
        return record.completed(Subscription(record.clientid, record.topic, qos=0))

    def check(self, plan: Plan[Subscription]) -> None:
        for wanted in [*plan.create, *(new for unused, new in plan.update), *plan.delete]:
            if "," in wanted.topic:
                raise InputError(f"The topic {wanted.topic!r} has a comma, which a v4 deployment takes for two topics.")
        for wanted in [*plan.create, *(new for unused, new in plan.update)]:
            given = [name for name in MQTT5 if getattr(wanted, name) is not None]
            if given:
                raise InputError(f"{given[0]} of the topic {wanted.topic!r} needs a v5 deployment: v4 lacks it.")
        if plan.create and not plan.existing:
            path = path_of("clients/{}", self.clientid)
            if not self.api.dicts(self.api.call("GET", path).get("data"), path):
                raise self._offline()

    def create(self, wanted: Iterable[Subscription]) -> Outcomes[Subscription]:
        # EMQX 4.4 subscribes again to change the QoS.
        wanted = list(wanted)
        rows = [{"clientid": self.clientid, "topic": each.topic, "qos": each.qos} for each in wanted]
        return self._batch("mqtt/subscribe_batch", wanted, rows)

    update = create

    def delete(self, unwanted: Iterable[Subscription]) -> Outcomes[Subscription]:
        unwanted = list(unwanted)
        rows = [{"clientid": self.clientid, "topic": each.topic} for each in unwanted]
        return self._batch("mqtt/unsubscribe_batch", unwanted, rows)

    def _batch(self, path: str, records: List[Subscription], rows: List[Dict[str, Any]]) -> Outcomes[Subscription]:
        try:
            results = self.api.dicts(self.api.call("POST", path, body=rows).get("data"), path, "POST")
        except EmqxError as error:
            yield from ((record, error) for record in records)
            return
        codes = {str(result.get("topic")): result.get("code") for result in results}
        for record in records:
            code = codes.get(record.topic)
            if is_success(code):
                yield record, None
                continue
            meaning = V4_CODES.get(code, "no result for it") if isinstance(code, int) else "no result for it"
            message = f"The topic {record.topic!r} of the client {self.clientid!r}: {meaning} (code {code})."
            message += "" if isinstance(code, int) else doubt("POST", path)
            yield record, ApiError(message, 200, code, meaning, "POST", path)


class V5Subscriptions(Subscriptions):
    """One bulk call for one client; a client that speaks MQTT 3.1.1 keeps none of the MQTT 5 flags."""

    offline = False
    names = {name: name for name in ("clientid", "topic", "match_topic", "qos", "share_group")}

    def _path(self, call: str) -> str:
        return path_of("clients/{}/" + call, self.clientid)

    def list(self) -> Iterator[Subscription]:
        rows = self._unless_offline(self._path("subscriptions"))
        self.offline = rows is None
        for row in self.api.dicts(rows or [], self._path("subscriptions")):
            yield self._record(row)

    def _unless_offline(self, path: str) -> Any:
        """Return the answer of a call about the client, or None where there is no such client."""
        try:
            return self.api.call("GET", path)
        except Missing:
            return None

    def _record(self, row: Mapping[str, Any]) -> Subscription:
        return replace(
            super()._record(row), no_local=row.get("nl") in (1, True), retain_as_published=row.get("rap") in (1, True),
            retain_handling=row.get("rh"),
        )

    def fresh(self, record: Subscription) -> Subscription:
        return record.completed(Subscription(record.clientid, record.topic, 0, False, False, 0))

    def check(self, plan: Plan[Subscription]) -> None:
        wanted = [*plan.create, *(new for unused, new in plan.update)]
        if wanted and self.offline:
            raise self._offline()
        if self.api.serverless:
            more = len(plan.create) - len(plan.delete)
            _guards.check_quota("subscriptions of a client", plan.existing, more, _guards.MOST_SUBSCRIPTIONS)
        flagged = [each for each in wanted if each.no_local or each.retain_as_published]
        if not flagged:
            return
        client = self._unless_offline(path_of("clients/{}", self.clientid))
        version = client.get("proto_ver") if isinstance(client, dict) else None
        if isinstance(version, int) and version < 5:
            # EMQX 5.8 answers that it set them and lists them as 0.
            raise InputError(
                f"no_local and retain_as_published of the topic {flagged[0].topic!r} can't be set: the client "
                f"{self.clientid!r} doesn't speak MQTT 5."
            )

    def needs_room(self, plan: Plan[Subscription]) -> bool:
        return self.api.serverless and plan.existing + len(plan.create) > _guards.MOST_SUBSCRIPTIONS

    def create(self, wanted: Iterable[Subscription]) -> Outcomes[Subscription]:
        wanted = list(wanted)
        return self._bulk("subscribe/bulk", wanted, [self._row(each) for each in wanted])

    update = create

    @staticmethod
    def _row(wanted: Subscription) -> Dict[str, Any]:
        row: Dict[str, Any] = {"topic": wanted.topic, "qos": wanted.qos}
        for name, short in V5_NAMES.items():
            if getattr(wanted, name) is not None:
                row[short] = int(getattr(wanted, name))
        return row

    def delete(self, unwanted: Iterable[Subscription]) -> Outcomes[Subscription]:
        unwanted = list(unwanted)
        return self._bulk("unsubscribe/bulk", unwanted, [{"topic": each.topic} for each in unwanted])

    def _bulk(self, call: str, records: List[Subscription], rows: List[Dict[str, Any]]) -> Outcomes[Subscription]:
        failure: Optional[EmqxError] = None
        try:
            self.api.call("POST", self._path(call), body=rows)
        except EmqxError as error:
            failure = error
        yield from ((record, failure) for record in records)


def subscriptions(api: Api, clientid: str = "") -> Subscriptions:
    """Return the subscriptions of one client of this deployment, or of all for reading."""
    return (V5Subscriptions if api.generation == "v5" else V4Subscriptions)(api, clientid)
