# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one deployment holds. HTTP (v4 or v5) and MQTT are two doors to the same state; it knows neither."""

from __future__ import annotations

import copy
import hashlib
import hmac
import itertools
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from . import rules, topics
from .acl import Acl, Attempt
from .bans import Bans
from .monitoring import Monitor

USERNAME, CLIENTID = "username", "clientid"


def default_settings() -> dict[str, Any]:
    """How authorization is set up at the start; on v4 nobody can change it."""
    cache = {"enable": True, "excludes": [], "max_size": 32, "ttl": "1m"}
    return {"cache": cache, "deny_action": "ignore", "no_match": "allow"}


def seconds_of(duration: str) -> float:
    """A duration such as `1m` or `1m30s`."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"(\d+)(ms|s|m|h|d)", duration))


class QuotaExceeded(Exception):
    """A Serverless deployment takes no more of these."""


@dataclass(frozen=True)
class Quotas:
    """What a deployment holds at most; None is no limit."""

    users: int | None = None
    rules: int | None = None
    subscriptions: int | None = None
    requests_per_second: int | None = None


# As EMQX Cloud documents it.
SERVERLESS = Quotas(users=2000, rules=2000, subscriptions=10, requests_per_second=10)


@dataclass(frozen=True)
class HashedPassword:
    """A password that was imported as a hash, which is all that is known of it."""

    digest: str = field(repr=False)
    salt: str = field(repr=False)
    algorithm: str = "sha256"
    salt_position: str = "suffix"

    def accepts(self, password: str) -> bool:
        parts = {"prefix": self.salt + password, "suffix": password + self.salt}
        text = parts.get(self.salt_position, password)
        return hmac.compare_digest(hashlib.new(self.algorithm, text.encode()).hexdigest(), self.digest.lower())


@dataclass
class User:
    """A credential, by user name or by client id. The name is a string but for what import_users of v5 lets through."""

    name: Any
    password: str | HashedPassword = field(repr=False)
    is_superuser: bool = False
    created_at: float = field(default_factory=time.time)

    def accepts(self, password: str) -> bool:
        if isinstance(self.password, HashedPassword):
            return self.password.accepts(password)
        return hmac.compare_digest(self.password.encode(), password.encode())


@dataclass(frozen=True)
class Message:
    """A published message."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    from_clientid: str = "http_api"
    from_username: str = ""
    id: str = ""
    at: float = field(default_factory=time.time)


class Connection(Protocol):
    """A client's way out; virtual clients and kept sessions have none."""

    def send(self, message: Message, qos: int, retained: bool) -> None:
        """Start to send a message."""

    def close(self) -> None:
        """Hang up."""


@dataclass
class Subscription:
    """A filter and its options (nl: no local, rap: retain as published, rh: retain handling)."""

    topic: str
    qos: int = 0
    nl: int = 0
    rap: int = 0
    rh: int = 0


@dataclass
class Decision:
    """A cached answer of authorization."""

    action: str
    topic: str
    qos: int
    retain: bool
    allow: bool
    at: float

    @property
    def result(self) -> str:
        return "allow" if self.allow else "deny"

    def is_about(self, action: str, topic: str, qos: int, retain: bool) -> bool:
        return (self.action, self.topic, self.qos, self.retain) == (action, topic, qos, retain)


@dataclass
class Client:
    """A session, online (`connected`) or kept. `fields` overrides what listings show of it."""

    clientid: str
    username: str | None = None
    ip: str = "127.0.0.1"
    port: int = 0
    proto_ver: int = 4
    clean_start: bool = True
    keepalive: int = 60
    connected: bool = True
    is_superuser: bool = False
    connected_at: float = field(default_factory=time.time)
    created_at: float = field(default_factory=time.time)
    disconnected_at: float | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    cache: list[Decision] = field(default_factory=list)
    queue: list[tuple[Message, int, bool]] = field(default_factory=list)
    connection: Connection | None = None
    serial: int = field(default_factory=itertools.count(1).__next__)  # counts up with every connection

    def receive(self, message: Message, qos: int, retained: bool = False) -> None:
        """Send it, or keep it for the day the client comes back."""
        if self.connection is not None:
            self.connection.send(message, qos, retained)
        elif not self.connected and qos > 0:
            self.queue.append((message, qos, retained))


@dataclass
class Shadow:
    """A shadow model: what a device last reported. Times are epoch seconds."""

    id: str
    name: str
    description: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    version: int = 0
    created_at: float = field(default_factory=time.time)
    updated_at: float = field(default_factory=time.time)


class State:
    """Users, clients, subscriptions, messages and bans of one deployment, and what they do to each other."""

    def __init__(self, generation: str, *, bare: bool, allow_anonymous: bool, quotas: Quotas) -> None:
        self.generation = generation
        self.bare = bare
        self.allow_anonymous = allow_anonymous
        self.quotas = quotas
        self.clients: dict[str, Client] = {}
        self.subscribers: dict[str, dict[str, Subscription]] = {}  # by filter and client id
        self._serial = itertools.count(1)
        self.mqtt_port = 0
        self.monitor = Monitor(generation)
        self.reset()

    def reset(self) -> None:
        """Back to how a deployment starts. Hangs up on everybody first."""
        for clientid in list(self.clients):
            self.kick(clientid)
        self.users: dict[str, dict[Any, User]] = {USERNAME: {}, CLIENTID: {}}
        self.retained: dict[str, Message] = {}
        self.bans = Bans()
        self.acl = Acl()
        self.monitor = Monitor(self.generation)
        self.modules: set[str] = set()  # v4 only: those that are off unless they are loaded
        self.started_at = time.time()
        self.rules: dict[str, dict[str, Any]] = {}
        self.rule_counters: dict[str, rules.Counters] = {}
        self.resources: dict[str, dict[str, Any]] = {}  # v4 only
        # v5 only. A self-hosted broker starts without either; EMQX Cloud sets up both.
        self.authenticators: dict[str, dict[str, Any]] = {}
        self.sources: list[dict[str, Any]] = []
        # By `type:name`, as they are stored.
        self.connectors: dict[str, dict[str, Any]] = {}
        self.actions: dict[str, dict[str, Any]] = {}
        self.data_sources: dict[str, dict[str, Any]] = {}
        self.settings = default_settings()
        # v4 of EMQX Cloud only.
        self.shadows: dict[str, Shadow] = {}

    def kept(self) -> dict[str, Any]:
        """A copy of all that it holds; nobody may be connected."""
        fixed = ("generation", "bare", "allow_anonymous", "quotas", "mqtt_port", "_serial")
        return copy.deepcopy({name: value for name, value in vars(self).items() if name not in fixed})

    def put_back(self, kept: dict[str, Any]) -> None:
        """Make it what it was when the copy was taken."""
        vars(self).update(copy.deepcopy(kept))

    # Users

    def add_user(self, user: User, kind: str = USERNAME) -> None:
        """Create it or take its place."""
        if user.name not in self.users[kind]:
            self.want_room_for_users(1)
        self.users[kind][user.name] = user

    def want_room_for_users(self, count: int) -> None:
        """QuotaExceeded unless so many more may be created."""
        limit = self.quotas.users
        if limit is not None and sum(map(len, self.users.values())) + count > limit:
            raise QuotaExceeded(f"more than {limit} users")

    def want_room_for_rules(self, more: int) -> None:
        """QuotaExceeded unless there may be so many more access rules."""
        limit = self.quotas.rules
        if limit is not None and more > 0 and self.acl.count() + more > limit:
            raise QuotaExceeded(f"more than {limit} access rules")

    # Who may come in

    def admits(self, clientid: str, username: str | None, password: str | None, ip: str) -> bool:
        """Whether a client may connect."""
        if self.bans.covers(clientid, username, ip, time.time()):
            return False
        user = self._user_of(clientid, username)
        if user is None:
            return self.allow_anonymous or not self._checks_unknown_users()
        return user.accepts(password or "")

    def _user_of(self, clientid: str, username: str | None) -> User | None:
        """EMQX 4.4 asks the client ids first; EMQX 5 has one kind a built-in database."""
        if self.generation == "v4":
            return self.users[CLIENTID].get(clientid) or self.users[USERNAME].get(username)
        for authenticator in self.authenticators.values():
            if authenticator["enable"] and "user_id_type" in authenticator:
                kind = authenticator["user_id_type"]
                return self.users[kind].get(clientid if kind == CLIENTID else username)
        return None

    def _checks_unknown_users(self) -> bool:
        """EMQX 5 lets everybody in who passes no enabled authenticator; on v4 `allow_anonymous` alone decides."""
        return self.generation == "v4" or any(item["enable"] for item in self.authenticators.values())

    def is_superuser(self, clientid: str, username: str | None) -> bool:
        user = self._user_of(clientid, username)
        return user is not None and user.is_superuser

    def connect(self, client: Client) -> None:
        """Let a client in that was admitted: it takes the session of its id over, or begins a new one."""
        old = self.clients.get(client.clientid)
        if old is not None:
            self._hang_up(old)
            if not client.clean_start:
                client.subscriptions, client.queue, client.created_at = old.subscriptions, old.queue, old.created_at
            else:
                self.drop(old)
        client.is_superuser = self.is_superuser(client.clientid, client.username)
        self.monitor.count("connected")
        if self._user_of(client.clientid, client.username) is None:
            self.monitor.count("anonymous")
        self.clients.pop(client.clientid, None)  # so that the order is that of the connections
        self.clients[client.clientid] = client
        queue, client.queue = client.queue, []
        for message, qos, retained in queue:
            client.receive(message, qos, retained)

    def disconnect(self, client: Client) -> None:
        """Its connection is gone: what was not a clean session stays."""
        if client.connection is not None:
            self.monitor.count("disconnected")
        client.connection = None
        if self.clients.get(client.clientid) is not client:
            return  # kicked, or another connection has taken over
        if client.clean_start:
            self.drop(client)
        else:
            client.connected, client.disconnected_at = False, time.time()

    def kick(self, clientid: str) -> bool:
        """Disconnect a client and forget its session; False if there is none."""
        client = self.clients.get(clientid)
        if client is None:
            return False
        self.drop(client)
        if client.connected:
            self.monitor.count("kicked")
        self._hang_up(client)
        return True

    def drop(self, client: Client) -> None:
        """Forget a session and its subscriptions."""
        self.clients.pop(client.clientid, None)
        self.monitor.count("forgotten")
        for topic in list(client.subscriptions):
            self._unindex(client.clientid, topic)

    def _hang_up(self, client: Client) -> None:
        connection, client.connection = client.connection, None
        if connection is not None:
            self.monitor.count("disconnected")
            connection.close()

    # Subscriptions

    def subscribe(self, client: Client, subscription: Subscription) -> None:
        """Subscribe, or change the options; retained messages follow (MQTT 3.1.1, 3.8.4)."""
        limit = self.quotas.subscriptions
        if limit is not None and subscription.topic not in client.subscriptions and len(client.subscriptions) >= limit:
            raise QuotaExceeded(f"more than {limit} subscriptions a client")
        client.subscriptions[subscription.topic] = subscription
        self.subscribers.setdefault(subscription.topic, {})[client.clientid] = subscription
        group, bare = topics.split_share(subscription.topic)
        if group is None:
            for message in self.retained_matching(bare):
                self._deliver(client, message, min(message.qos, subscription.qos), retained=True)

    def unsubscribe(self, client: Client, topic: str) -> None:
        if client.subscriptions.pop(topic, None) is not None:
            self._unindex(client.clientid, topic)

    def _unindex(self, clientid: str, topic: str) -> None:
        holders = self.subscribers[topic]
        del holders[clientid]
        if not holders:
            del self.subscribers[topic]

    def all_subscriptions(self) -> Iterator[tuple[Client, Subscription]]:
        for client in self.clients.values():
            for subscription in client.subscriptions.values():
                yield client, subscription

    def counts(self) -> dict[str, int]:
        """The counters of /stats. Each is its own maximum: what once was is not kept."""
        online = sum(client.connected for client in self.clients.values())
        held = sum(len(client.subscriptions) for client in self.clients.values())
        shared = sum(topic.startswith("$share/") for topic in self.subscribers)
        return {
            "connections": len(self.clients),
            "live_connections": online,
            "channels": len(self.clients),
            "sessions": len(self.clients),
            "topics": len(self.subscribers),
            "subscriptions": held,
            "subscriptions.shared": shared,
            "suboptions": held,
            "subscribers": sum(bool(client.subscriptions) for client in self.clients.values()),
            "retained": len(self.retained),
        }

    # Messages

    def next_serial(self) -> int:
        return next(self._serial)

    def message_id(self) -> str:
        """32 hexadecimal digits, microseconds first, as EMQX makes them."""
        return f"{time.time_ns() // 1000:016X}F443{self.next_serial():08X}0000"

    def publish(self, message: Message) -> int:
        """Deliver, retain if asked to; returns how many subscriptions took it."""
        self.monitor.received(message.topic, message.qos)
        if message.retain:
            if message.payload:
                self.retained[message.topic] = message
                self.monitor.count("retained")
            else:
                self.retained.pop(message.topic, None)
        taken = 0
        for topic_filter, holders in list(self.subscribers.items()):
            group, bare = topics.split_share(topic_filter)
            if bare != message.topic and not (topics.has_wildcard(bare) and topics.matches(message.topic, bare)):
                continue
            # One member of a shared group is enough; which one is the broker's business.
            members = list(holders.items())[: 1 if group else None]
            for clientid, subscription in members:
                taken += 1
                self._deliver(self.clients[clientid], message, min(message.qos, subscription.qos))
        if not taken:
            self.monitor.dropped(message.topic)
        rules.run(self, message)
        return taken

    def _deliver(self, client: Client, message: Message, qos: int, retained: bool = False) -> None:
        self.monitor.sent(message.topic, qos)
        client.receive(message, qos, retained)

    def retained_matching(self, topic_filter: str) -> list[Message]:
        """Nothing for an invalid filter, as EMQX 5.8 answers."""
        if not topics.valid_filter(topic_filter):
            return []
        return [message for topic, message in self.retained.items() if topics.matches(topic, topic_filter)]

    # Authorization

    def authorize(self, client: Client, action: str, topic: str, qos: int, retain: bool) -> bool:
        """Whether a client may publish or subscribe; one that may not is disconnected where `deny_action` says so."""
        if client.is_superuser:
            return True
        allow = self._decided(client, action, topic, qos, retain)
        if not allow and self.settings["deny_action"] == "disconnect":
            self._hang_up(client)
        return allow

    def _decided(self, client: Client, action: str, topic: str, qos: int, retain: bool) -> bool:
        """A cached decision stands for its time, whatever is stored meanwhile."""
        cache, now = self.settings["cache"], time.time()
        if not cache["enable"] or any(topics.matches(topic, excluded) for excluded in cache["excludes"]):
            return self._allows(client, action, topic, qos, retain)
        lifetime = seconds_of(cache["ttl"])
        client.cache[:] = [known for known in client.cache if now - known.at < lifetime]
        known = next((known for known in client.cache if known.is_about(action, topic, qos, retain)), None)
        self.monitor.count("asked")
        if known is None:
            known = Decision(action, topic, qos, retain, self._allows(client, action, topic, qos, retain), now)
            client.cache.append(known)
            del client.cache[: -cache["max_size"]]
            self.monitor.count("allowed" if known.allow else "denied")
        else:
            self.monitor.count("cached")
        return known.allow

    def _allows(self, client: Client, action: str, topic: str, qos: int, retain: bool) -> bool:
        """The first source that knows an answer decides, and where none does, `no_match`."""
        topic = topics.split_share(topic)[1].removeprefix("$queue/") if action == "subscribe" else topic
        attempt = Attempt(action, topic, qos, retain, client.clientid, client.username, self.generation)
        found = self.acl.decide(attempt) if self.generation == "v4" else self._of_sources(attempt)
        return self.settings["no_match"] == "allow" if found is None else found

    def _of_sources(self, attempt: Attempt) -> bool | None:
        """What a v5 broker's enabled sources say, in their order; servers that are asked over the network say nothing.

        Of a file, the rules that are for everybody and everything count.
        """
        for source in self.sources:
            found = None
            if source["enable"] and source["type"] == "built_in_database":
                found = self.acl.decide(attempt)
            elif source["enable"] and source["type"] == "file":
                rule = re.search(r"^\{(allow|deny), *all\}\.", source["rules"], re.MULTILINE)
                found = rule[1] == "allow" if rule else None
            if found is not None:
                return found
        return None

    def clean_caches(self) -> None:
        for client in self.clients.values():
            client.cache.clear()
