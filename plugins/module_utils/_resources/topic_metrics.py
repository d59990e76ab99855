# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topics whose messages a deployment counts."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Set

from .._converge import WRITE_ONLY, Outcomes, Plan, Record
from .._errors import ApiError, EmqxError, InputError, Missing
from .._times import normal
from .._topics import name_problem
from .._urls import checked_name, path_of
from ._api import Api, Store

MODULE = "emqx_mod_topic_metrics"
NOT_LOADED = "module_not_loaded"
OFF = f"This deployment counts no messages of topics, since its module {MODULE} is not loaded"

MOST = 512
"""How many topics can be registered. Past that EMQX 5.8 answers 409, and EMQX 4.4 ``code: 0`` all the same."""


@dataclass(frozen=True)
class Topic(Record):
    """One registered topic name; ``reset`` sets its counters to zero, which is always a change."""

    topic: str
    reset: Optional[bool] = field(default=None, compare=False, metadata=WRITE_ONLY)

    @property
    def key(self) -> str:
        return self.topic

    def shown(self) -> Dict[str, Any]:
        return {"topic": self.topic, **({"reset": True} if self.reset else {})}


def checked_topic(option: str, topic: str) -> str:
    """Return the topic name that an option holds.

    :raises InputError: it is none, or none that can be put into a path.
    """
    problem = name_problem(topic)
    if problem:
        raise InputError(f"{option} is {topic!r}, which is no topic name: {problem}.")
    return checked_name(topic, option)


def topics_from(names: Sequence[str], reset: bool = False) -> List[Topic]:
    """Return the topics that an option names.

    :param reset: their counters are to be set to zero.
    :raises InputError: a name is no topic name.
    """
    return [Topic(checked_topic(f"topics[{place}]", name), reset or None) for place, name in enumerate(names)]


class TopicMetrics(Store[Topic]):
    """The registered topics of a deployment; there are few, so that they are always listed."""

    many = "topics"
    path = ""

    def __init__(self, api: Api, enable: bool = False) -> None:
        """:param enable: load the module that counts, where the deployment has it and it isn't loaded (v4)."""
        super().__init__(api)
        self.enable = enable

    def find(self, topic: Optional[str] = None) -> Iterator[Dict[str, Any]]:
        """Yield ``{topic, metrics, created_at}`` of all registered topics in their order, or of one.

        :raises ApiError: an answer can't be used.
        """
        rows = self._all() if topic is None else self._one(topic)
        found = [self._row(row) for row in rows]
        return iter(sorted(found, key=lambda row: str(row["topic"])))

    def list(self) -> Iterator[Topic]:
        yield from (Topic(row["topic"]) for row in self.find())

    def current(self, wanted: Sequence[Topic], everything: bool) -> Iterator[Topic]:
        return self.list()

    def check(self, plan: Plan[Topic]) -> None:
        missing = next((wanted.topic for wanted in plan.create if wanted.reset), None)
        if missing is not None:
            raise InputError(
                f"The topic {missing!r} is not registered, so its counters can't be reset: register it with "
                "state: present."
            )
        if plan.create and plan.existing + len(plan.create) - len(plan.delete) > MOST:
            raise InputError(
                f"A deployment counts at most {MOST} topics: {plan.existing} are registered, and "
                f"{len(plan.create)} more are wanted."
            )

    def needs_room(self, plan: Plan[Topic]) -> bool:
        return plan.existing + len(plan.create) > MOST

    def create(self, wanted: Iterable[Topic]) -> Outcomes[Topic]:
        return self.one_by_one(self._register, wanted)

    def delete(self, unwanted: Iterable[Topic]) -> Outcomes[Topic]:
        return self.one_by_one(self._remove, unwanted)

    def _register(self, wanted: Topic) -> None:
        self.api.call("POST", self.path, body={"topic": wanted.topic})

    def _remove(self, unwanted: Topic) -> None:
        with contextlib.suppress(Missing):  # it went by itself meanwhile
            self.api.call("DELETE", self._path_of(unwanted.topic))

    def _path_of(self, topic: str) -> str:
        # Never without a topic: that would remove all of them.
        return path_of(self.path + "/{}", topic)

    def _all(self) -> List[Dict[str, Any]]:
        raise TypeError(f"{type(self).__name__} can't list")

    def _one(self, topic: str) -> List[Any]:
        raise TypeError(f"{type(self).__name__} can't look up")

    def _row(self, row: Any) -> Dict[str, Any]:
        metrics = row.get("metrics") if isinstance(row, dict) else None
        if not isinstance(metrics, dict) or not isinstance(row.get("topic"), str):
            raise self.api.odd("GET", self.path, "a topic has no name or no metrics")
        return {"topic": row["topic"], "metrics": metrics, "created_at": normal(row.get("create_time"))}


class V4TopicMetrics(TopicMetrics):
    """A module counts, which is off by default; there is no reset, so a topic is removed and registered again."""

    path = "topic-metrics"
    loaded = True

    def list(self) -> Iterator[Topic]:
        try:
            yield from super().list()
        except ApiError as error:
            if error.reason != NOT_LOADED:
                raise
            self.loaded = False  # and so nothing is registered

    def check(self, plan: Plan[Topic]) -> None:
        super().check(plan)
        if plan.create and not self.loaded and not self.enable:
            raise InputError(f"{OFF}: set enable: true to load it.")

    def create(self, wanted: Iterable[Topic]) -> Outcomes[Topic]:
        wanted = list(wanted)
        if not self.loaded:
            try:
                self.api.call("PUT", path_of("modules/{}/load", MODULE))
            except EmqxError as error:
                return iter([(each, error) for each in wanted])
        return self._verified(super().create(wanted))

    def update(self, wanted: Iterable[Topic]) -> Outcomes[Topic]:
        return self._verified(self.one_by_one(self._again, wanted))

    def _again(self, wanted: Topic) -> None:
        self._remove(wanted)
        self._register(wanted)

    def _verified(self, outcomes: Outcomes[Topic]) -> Outcomes[Topic]:
        """Yield the outcomes, after a look at what is registered: EMQX 4.4 says ``code: 0`` to what it doesn't do."""
        done = list(outcomes)
        registered: Set[str] = set()
        unseen: Optional[EmqxError] = None
        if any(problem is None for _wanted, problem in done):
            try:
                registered = {row["topic"] for row in self.find()}
            except EmqxError as error:
                unseen = error
                unseen.partly = True  # the deployment said that it registered them
        for wanted, problem in done:
            missing = problem is None and wanted.topic not in registered
            yield wanted, (unseen or self._not_done(wanted)) if missing else problem

    def _not_done(self, wanted: Topic) -> ApiError:
        reason = "the deployment said that it registered it, and does not list it"
        message = f"The topic {wanted.topic!r} is not registered: {reason}; it counts at most {MOST} topics."
        return ApiError(message, 200, 0, reason, "POST", self.path)

    def _all(self) -> List[Dict[str, Any]]:
        return self.api.dicts(self.api.call("GET", self.path).get("data"), self.path)

    def _one(self, topic: str) -> List[Any]:
        metrics = self.api.call("GET", self._path_of(topic)).get("data")
        return [{"topic": topic, "metrics": metrics}] if metrics != {} else []


class V5TopicMetrics(TopicMetrics):
    """One call for each topic, but that all can be reset together."""

    path = "mqtt/topic_metrics"
    all_of_them = False

    def check(self, plan: Plan[Topic]) -> None:
        super().check(plan)
        self.all_of_them = plan.existing == len(plan.update) > 1

    def update(self, wanted: Iterable[Topic]) -> Outcomes[Topic]:
        if not self.all_of_them:
            return self.one_by_one(self._reset, wanted)
        failure: Optional[EmqxError] = None
        try:
            self.api.call("PUT", self.path, body={"action": "reset"})
        except EmqxError as error:
            failure = error
        return iter([(each, failure) for each in wanted])

    def _reset(self, wanted: Topic) -> None:
        self.api.call("PUT", self.path, body={"topic": wanted.topic, "action": "reset"})

    def _all(self) -> List[Dict[str, Any]]:
        return self.api.dicts(self.api.call("GET", self.path), self.path)

    def _one(self, topic: str) -> List[Any]:
        try:
            return [self.api.call("GET", self._path_of(topic))]
        except Missing:
            return []


def topic_metrics(api: Api, enable: bool = False) -> TopicMetrics:
    """Return the topics that this deployment counts messages of."""
    return (V5TopicMetrics if api.generation == "v5" else V4TopicMetrics)(api, enable)


def find(api: Api, topic: Optional[str] = None) -> Iterator[Dict[str, Any]]:
    """Yield ``{topic, metrics, created_at}`` of the registered topics, or of one, for reading.

    :raises InputError: ``topic`` is no topic name, or the deployment's module for it is not loaded.
    """
    if topic is not None:
        checked_topic("topic", topic)
    try:
        yield from topic_metrics(api).find(topic)
    except ApiError as error:
        if error.reason != NOT_LOADED:
            raise
        raise InputError(f"{OFF}: emqx.cloud.topic_metrics loads it with enable: true.") from None
