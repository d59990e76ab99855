# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment knows of itself: how much it has counted, by topic as well, and what it is alarmed about."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

MAX_TOPICS = 512

_TOPIC_METRICS = [
    "messages.dropped",
    *(f"messages.{part}{way}" for part in ("", "qos0.", "qos1.", "qos2.") for way in ("in", "out")),
]


@dataclass
class Counted:
    """A registered topic. Rates are not kept: they are 0."""

    created_at: float = field(default_factory=time.time)
    counts: Counter[str] = field(default_factory=Counter)

    def metrics(self) -> dict[str, float]:
        rates = {f"{name}.rate": 0.0 for name in _TOPIC_METRICS}
        return {**rates, **{f"{name}.count": self.counts[name] for name in _TOPIC_METRICS}}


class TopicMetrics:
    """The topics whose messages are counted."""

    def __init__(self) -> None:
        self.topics: dict[str, Counted] = {}

    def register(self, topic: str) -> str | None:
        """Why it isn't registered, or None."""
        if topic in self.topics:
            return "already_existed"
        if len(self.topics) >= MAX_TOPICS:
            return "quota_exceeded"
        self.topics[topic] = Counted()
        return None

    def count(self, topic: str, way: str, qos: int) -> None:
        """One message came `in` or went `out`."""
        if topic in self.topics:
            self.topics[topic].counts.update((f"messages.{way}", f"messages.qos{qos}.{way}"))

    def count_dropped(self, topic: str) -> None:
        if topic in self.topics:
            self.topics[topic].counts["messages.dropped"] += 1


@dataclass
class Alarm:
    """One alarm; it is active until it has an end."""

    name: str
    message: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    activated_at: float = field(default_factory=time.time)
    deactivated_at: float | None = None

    @property
    def active(self) -> bool:
        return self.deactivated_at is None

    @property
    def seconds(self) -> float:
        return (self.deactivated_at or time.time()) - self.activated_at


class Alarms:
    """Active alarms and their history, the latest first."""

    def __init__(self) -> None:
        self._alarms: list[Alarm] = []

    def activate(self, name: str, message: str = "", details: dict[str, Any] | None = None) -> None:
        """Raise it, unless one of that name is active."""
        if not any(alarm.active and alarm.name == name for alarm in self._alarms):
            self._alarms.insert(0, Alarm(name, message, details or {}))

    def deactivate(self, name: str) -> None:
        for alarm in self._alarms:
            if alarm.name == name and alarm.active:
                alarm.deactivated_at = time.time()

    def listed(self, active: bool) -> list[Alarm]:
        return [alarm for alarm in self._alarms if alarm.active == active]


# What each event counts up, as 4.4 and 5.8 call it.
EVENTS = {
    "v4": {
        "connected": "client.connect client.connack client.connected client.authenticate client.auth.success "
        "session.created",
        "anonymous": "client.auth.success.anonymous",
        "disconnected": "client.disconnected",
        "forgotten": "session.terminated",
        "subscribed": "client.subscribe",
        "unsubscribed": "client.unsubscribe",
        "received": "messages.received messages.publish",
        "sent": "messages.sent messages.delivered",
        "acknowledged": "messages.acked",
        "retained": "messages.retained",
        "dropped": "messages.dropped messages.dropped.no_subscribers",
        "asked": "client.check_acl",
        "cached": "client.acl.cache_hit",
        "allowed": "client.acl.allow",
        "denied": "client.acl.deny",
        "kicked": "kicked",
    },
    "v5": {
        "connected": "client.connect client.connack client.connected client.authenticate authentication.success "
        "session.created",
        "anonymous": "client.auth.anonymous authentication.success.anonymous",
        "disconnected": "client.disconnected",
        "forgotten": "session.terminated",
        "subscribed": "client.subscribe",
        "unsubscribed": "client.unsubscribe",
        "received": "messages.received messages.publish",
        "sent": "messages.sent messages.delivered",
        "acknowledged": "messages.acked",
        "retained": "",
        "dropped": "messages.dropped messages.dropped.no_subscribers",
        "asked": "client.authorize",
        "cached": "authorization.cache_hit",
        "allowed": "authorization.allow authorization.matched.allow authorization.cache_miss",
        "denied": "authorization.deny authorization.matched.deny authorization.cache_miss",
        "kicked": "kicked",
    },
}


class Monitor:
    """The counters of a deployment since it started, its topic metrics and its alarms."""

    def __init__(self, generation: str) -> None:
        self._events = {event: names.split() for event, names in EVENTS[generation].items()}
        self.counts: Counter[str] = Counter()
        self.topics = TopicMetrics()
        self.alarms = Alarms()

    def count(self, *events: str) -> None:
        for event in events:
            self.counts.update(self._events[event])

    def received(self, topic: str, qos: int) -> None:
        self.count("received")
        self.counts[f"messages.qos{qos}.received"] += 1
        self.topics.count(topic, "in", qos)

    def sent(self, topic: str, qos: int) -> None:
        self.count("sent", *(["acknowledged"] if qos else []))
        self.counts[f"messages.qos{qos}.sent"] += 1
        self.topics.count(topic, "out", qos)

    def dropped(self, topic: str) -> None:
        self.count("dropped")
        self.topics.count_dropped(topic)
