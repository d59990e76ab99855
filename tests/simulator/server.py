# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulator: one or more deployments and the platform above them, on loopback, in a thread of its own."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from . import certificates, control, platform, platform_tls, v4, v5
from .acl import EVERYBODY, Rule
from .bans import Ban
from .faults import Faults
from .http import Front, Request
from .mqtt import Listener
from .state import CLIENTID, SERVERLESS, USERNAME, Client, Quotas, State, Subscription, User

HOST = "127.0.0.1"
VERSIONS = {"v4": "4.4.19", "v5": "5.8.9"}
KINDS = ("actions", "authenticators", "connectors", "data_sources", "resources", "retained", "rules", "shadows")
BASES = {"v4": "/api", "v5": "/api/v5"}

T = TypeVar("T")
InLoop = Callable[[Callable[[], T]], T]


class Deployment:
    """One deployment: its addresses, its credentials, and accessors that are safe from any thread."""

    def __init__(self, number: int, generation: str, state: State, in_loop: InLoop[Any]) -> None:
        self.generation = generation
        self.name = f"deployment-{number}"
        self.id = f"d{number:07}"
        self.app_id = f"app-id-{number}"
        self.app_secret = f"app-secret-{number}-6f1f0c0c5e9d4c3a"
        self.mqtt_host = HOST
        self.ca_path: Path | None = None
        self.api_url = ""
        self._state = state
        self._in_loop = in_loop
        self._api = v4.Api(state) if generation == "v4" else v5.Api(state)
        self._front = Front(
            self._api,
            self.app_id,
            self.app_secret,
            control=lambda call: control.answer(self, call),
            requests_per_second=state.quotas.requests_per_second,
        )
        self._listener = Listener(state)
        self.tls = platform_tls.Slot()
        self._tls_port = platform_tls.Port(self.tls, self._listener.serve)

    async def open(self, port: int, mqtt_port: int, tls: ssl.SSLContext | None, closing: AsyncExitStack) -> None:
        await self._front.start(HOST, port, tls)
        closing.push_async_callback(self._front.stop)
        await self._listener.start(HOST, mqtt_port)
        closing.push_async_callback(self._listener.stop)
        await self._tls_port.start(HOST)
        closing.push_async_callback(self._tls_port.stop)
        self.api_url = url(tls, self._front.port) + BASES[self.generation]

    @property
    def mqtt_port(self) -> int:
        return self._listener.port

    @property
    def mqtts_port(self) -> int:
        """MQTT over TLS, with the certificate that the platform keeps; until there is one it hangs up."""
        return self._tls_port.port

    @property
    def control_url(self) -> str:
        """The control endpoint; it wants no credentials."""
        return self.api_url.removesuffix(BASES[self.generation]) + "/_simulator"

    # What came in, and what is to go wrong

    @property
    def requests(self) -> list[Request]:
        """Every request so far, faulted ones too."""
        return list(self._front.requests)

    def forget_requests(self) -> None:
        self._in_loop(self._front.requests.clear)

    @property
    def faults(self) -> Faults:
        return self._front.faults

    @property
    def callbacks(self) -> list[Callable[[Request], None]]:
        """What is called with each request, as `on_request` says."""
        return self._front.callbacks

    def on_request(self, callback: Callable[[Request], None]) -> None:
        """Call it with each request from now on, once it is carried out and before its answer goes out."""
        self._front.callbacks.append(callback)

    def reset(self) -> None:
        """Back to the start: no users, clients, messages, bans, faults, callbacks or log. MQTT clients are cut off."""

        def run() -> None:
            self._state.reset()
            if isinstance(self._api, v5.Api):
                self._api.prepare()
            self._front.forget()
            self._front.callbacks.clear()

        self._in_loop(run)

    def kept(self) -> dict[str, Any]:
        """A copy of what it holds, by name; only virtual clients may be there."""
        return self._in_loop(self._state.kept)

    def put_back(self, kept: dict[str, Any]) -> None:
        """Make it what it was when the copy was taken."""
        self._in_loop(lambda: self._state.put_back(kept))

    def at_once(self, work: Callable[[], T]) -> T:
        """Do what uses these accessors thousands of times, without a change of threads for each."""
        return self._in_loop(work)

    # Users

    def add_user(self, name: Any, password: str, is_superuser: bool = False, kind: str = USERNAME) -> None:
        self._in_loop(lambda: self._state.add_user(User(name, password, is_superuser), kind))

    def add_users(self, users: int | Iterable[str], kind: str = USERNAME) -> None:
        """Many at once: names, or how many (`user-000001`…). The password of each is `pw-` and its name."""
        names = [f"user-{number:06}" for number in range(1, users + 1)] if isinstance(users, int) else users
        self._in_loop(lambda: self._state.users[kind].update((name, User(name, f"pw-{name}")) for name in names))

    def user_names(self, kind: str = USERNAME) -> list[Any]:
        return self._in_loop(lambda: list(self._state.users[kind]))

    def remove_user(self, name: Any, kind: str = USERNAME) -> None:
        self._in_loop(lambda: self._state.users[kind].pop(name, None))

    def is_superuser(self, name: Any, kind: str = USERNAME) -> bool:
        return self._in_loop(lambda: self._state.users[kind][name].is_superuser)

    def check_password(self, name: Any, password: str, kind: str = USERNAME) -> bool:
        """Whether there is such a user and this is the password."""

        def check() -> bool:
            user = self._state.users[kind].get(name)
            return user is not None and user.accepts(password)

        return self._in_loop(check)

    # Clients

    def add_client(
        self,
        clientid: str,
        username: str | None = None,
        proto_ver: int = 4,
        connected: bool = True,
        subscriptions: Iterable[str | dict[str, Any]] = (),
        **fields: Any,
    ) -> None:
        """A client without an MQTT connection. `fields` are shown in listings in place of what would stand there.

        Not connected, it is a kept session. Subscriptions are filters, or objects with `topic qos nl rap rh`.
        """

        def add() -> None:
            gone = None if connected else time.time()
            client = Client(
                clientid,
                username,
                proto_ver=proto_ver,
                connected=connected,
                clean_start=connected,
                disconnected_at=gone,
                fields=fields,
            )
            self._state.connect(client)
            for item in subscriptions:
                self._state.subscribe(client, Subscription(**({"topic": item} if isinstance(item, str) else item)))

        self._in_loop(add)

    def add_clients(self, clients: int | Iterable[str]) -> None:
        """Many virtual clients at once: ids, or how many (`client-000001`…)."""
        ids = [f"client-{number:06}" for number in range(1, clients + 1)] if isinstance(clients, int) else clients
        self._in_loop(lambda: self._state.clients.update((clientid, Client(clientid)) for clientid in ids))

    def count_clients(self) -> int:
        return self._in_loop(lambda: len(self._state.clients))

    def client_ids(self) -> list[str]:
        """Everybody who has a session, online or kept."""
        return self._in_loop(lambda: list(self._state.clients))

    def connected(self, clientid: str) -> bool:
        return self._in_loop(lambda: clientid in self._state.clients and self._state.clients[clientid].connected)

    def wait_until_gone(self, clientid: str, seconds: float = 10) -> None:
        """Until a client that hung up is no longer online: its DISCONNECT may still be on the way."""
        end = time.monotonic() + seconds
        while self.connected(clientid):
            if time.monotonic() > end:
                raise TimeoutError(f"{clientid} is still online")
            time.sleep(0.01)

    def remove_client(self, clientid: str) -> None:
        self._in_loop(lambda: self._state.kick(clientid))

    def subscriptions(self, clientid: str) -> dict[str, int]:
        """QoS by topic filter."""
        held = self._in_loop(lambda: list(self._state.clients[clientid].subscriptions.values()))
        return {subscription.topic: subscription.qos for subscription in held}

    # Data integration

    def integrations(self, kind: str) -> dict[str, dict[str, Any]]:
        """What is stored of `connectors`, `actions` or `data_sources`, by `type:name`, with secrets in clear."""
        held: dict[str, dict[str, Any]] = getattr(self._state, kind)
        return held

    def inventory(self) -> set[tuple[str, Any]]:
        """Everything that it keeps, as (kind, name)."""

        def names() -> set[tuple[str, Any]]:
            state = self._state
            kinds: dict[str, Iterable[Any]] = {
                **{f"users by {kind}": users for kind, users in state.users.items()},
                **{f"rules of {kind}": subjects for kind, subjects in state.acl.rules.items()},
                "bans": [(ban.kind, ban.who) for ban in state.bans],
                "clients": [client.clientid for client in state.clients.values() if client.connected],
                "subscriptions": [(c.clientid, topic) for c in state.clients.values() for topic in c.subscriptions],
                "sources": [source["type"] for source in state.sources],
                "counted topics": state.monitor.topics.topics,
                **{kind: getattr(state, kind) for kind in KINDS},
            }
            return {(kind, name) for kind, found in kinds.items() for name in found}

        return self._in_loop(names)

    # Access rules

    def add_rules(self, kind: str, subject: str, rules: Iterable[tuple[str, str, bool]]) -> None:
        """Rules of topic, action and permission in the order of evaluation; kind is clientid, username or all."""
        kept = [Rule(topic, action, allow) for topic, action, allow in rules]
        self._in_loop(lambda: self._state.acl.rules[kind].update({subject: kept}))

    def remove_rules(self, kind: str, subject: str) -> None:
        self._in_loop(lambda: self._state.acl.rules[kind].pop(subject, None))

    def rules(self, kind: str, subject: str = EVERYBODY) -> list[tuple[str, str, bool]]:
        """Topic, action and permission of the rules of a subject, in the order of evaluation."""
        kept = self._in_loop(lambda: list(self._state.acl.of(kind, subject)))
        return [(rule.topic, rule.action, rule.allow) for rule in kept]

    def allows(self, clientid: str, action: str, topic: str, qos: int = 0, retain: bool = False) -> bool:
        """What a client that is there may do, as it is told: with its cache."""
        return self._in_loop(
            lambda: self._state.authorize(self._state.clients[clientid], action, topic, qos, retain)
        )

    # Authenticators and sources (v5), shadows (v4)

    def authenticator(self, name: str) -> dict[str, Any]:
        """As it is held, secrets in clear."""
        return self._in_loop(lambda: dict(self._state.authenticators[name]))

    def source(self, kind: str) -> dict[str, Any]:
        """As it is held, secrets in clear."""
        return self._in_loop(lambda: next(dict(one) for one in self._state.sources if one["type"] == kind))

    def document(self, shadow_id: str) -> dict[str, Any]:
        """The document of a shadow."""
        return self._in_loop(lambda: copy.deepcopy(self._state.shadows[shadow_id].data))

    def report(self, shadow_id: str, document: dict[str, Any]) -> None:
        """Replace the document of a shadow, as its device may at any time."""
        self._in_loop(lambda: setattr(self._state.shadows[shadow_id], "data", document))

    # Messages and bans

    def retained(self) -> dict[str, bytes]:
        """Payload by topic."""
        return self._in_loop(lambda: {topic: kept.payload for topic, kept in self._state.retained.items()})

    def add_bans(self, clientids: Iterable[str], reason: str = "") -> None:
        """Bans of client ids, for ever."""
        new = [Ban(CLIENTID, clientid, "ansible", reason, int(time.time()), "infinity") for clientid in clientids]
        self._in_loop(lambda: [self._state.bans.put(ban) for ban in new])

    def lift_ban(self, kind: str, who: str) -> None:
        self._in_loop(lambda: self._state.bans.lift(kind, who))

    def bans(self) -> list[tuple[str, str]]:
        """(kind, who) of each."""
        return self._in_loop(lambda: [(ban.kind, ban.who) for ban in self._state.bans])

    # What it knows of itself

    def add_alarm(
        self, name: str, message: str = "", details: dict[str, Any] | None = None, over: bool = False
    ) -> None:
        """An alarm, active unless it is `over`."""

        def add() -> None:
            self._state.monitor.alarms.activate(name, message, details)
            if over:
                self._state.monitor.alarms.deactivate(name)

        self._in_loop(add)

    def end_alarm(self, name: str) -> None:
        self._in_loop(lambda: self._state.monitor.alarms.deactivate(name))

    def counted_topics(self) -> list[str]:
        """The topics that topic metrics are kept of."""
        return self._in_loop(lambda: list(self._state.monitor.topics.topics))

    def count_topics(self, topics: Iterable[str]) -> None:
        """Register many topics at once."""
        self._in_loop(lambda: [self._state.monitor.topics.register(topic) for topic in topics])

    def uncount_topic(self, topic: str) -> None:
        self._in_loop(lambda: self._state.monitor.topics.topics.pop(topic, None))

    def load_module(self, name: str) -> None:
        """A module of v4, such as emqx_mod_topic_metrics."""
        self._in_loop(lambda: self._state.modules.add(name))


class Platform:
    """The account above the deployments."""

    def __init__(self, deployments: Iterable[Deployment], deployment_type: str, in_loop: InLoop[Any]) -> None:
        self.platform_url = ""
        self.ca_path: Path | None = None
        self.platform_key = "platform-key"
        self.platform_secret = "platform-secret-a3b1b4d0e0c94f7f"
        self._in_loop = in_loop
        self._api = platform.Api()
        for one in deployments:
            version = VERSIONS[one.generation]
            self._api.add(platform.Listed(one.id, one.name, deployment_type, version, one.count_clients, tls=one.tls))
        self._front = Front(self._api, self.platform_key, self.platform_secret)

    async def open(self, port: int, tls: ssl.SSLContext | None, closing: AsyncExitStack) -> None:
        await self._front.start(HOST, port, tls)
        closing.push_async_callback(self._front.stop)
        self.platform_url = url(tls, self._front.port) + self._api.bases[0]

    @property
    def requests(self) -> list[Request]:
        return list(self._front.requests)

    def forget_requests(self) -> None:
        self._in_loop(self._front.requests.clear)

    @property
    def faults(self) -> Faults:
        return self._front.faults

    @property
    def callbacks(self) -> list[Callable[[Request], None]]:
        """What is called with each request, once it is carried out and before its answer goes out."""
        return self._front.callbacks

    def kept(self) -> dict[str, Any]:
        """A copy of what is listed, by id."""
        return self._in_loop(lambda: _copies(self._api.deployments))

    def put_back(self, kept: dict[str, Any]) -> None:
        """Make the list what it was when the copy was taken."""
        self._in_loop(lambda: setattr(self._api, "deployments", _copies(kept)))

    def forget_limits(self) -> None:
        """As if an hour had gone by."""
        self._in_loop(self._api.forget_limits)

    def set(
        self,
        *,
        operation_seconds: float = 0.02,
        certificate_seconds: float = 0.02,
        retry_after: bool = False,
        read_only: bool = False,
    ) -> None:
        """How it behaves.

        operation_seconds: how long a deployment says `starting` or `stopping`.
        certificate_seconds: how long a certificate says `pending`.
        retry_after: whether a 429 says how many seconds it holds.
        read_only: whether the key is refused (403) whatever is no GET.
        """

        def change() -> None:
            self._api.operation_seconds = operation_seconds
            self._api.certificates.seconds = certificate_seconds
            self._api.retry_after = retry_after
            self._api.read_only = read_only

        self._in_loop(change)

    def add_deployment(self, name: str, **fields: Any) -> str:
        """List a deployment that has no broker behind it; return its id.

        fields: `project region type status version platform created_at`; a project comes to be with its deployment.
        """

        def add() -> str:
            id = f"d{len(self._api.deployments) + 1:07}"
            self._api.add(platform.Listed(id, name, **fields))
            return id

        return self._in_loop(add)

    def change_deployment(self, id: str, **fields: Any) -> None:
        """List a deployment with other fields: `name` and those of `add_deployment`."""
        self._in_loop(lambda: self._api.add(dataclasses.replace(self._api.deployments[id], **fields, until=0.0)))

    def tell_expiry(self, form: Callable[[datetime], Any]) -> None:
        """Of certificates from now on, tell `expire` as `form` makes it of the moment."""
        self._in_loop(lambda: setattr(self._api.certificates, "expire", form))

    def certificate(self, id: str) -> platform_tls.Installed | None:
        """The certificate that was installed last, be it in use or not yet."""
        return self._in_loop(lambda: self._api.deployments[id].tls.last)

    def add_project(self, name: str, description: str = "") -> None:
        """List a project, or describe one that is listed."""
        self._in_loop(lambda: self._api.projects.update({name: description}))

    @property
    def deployments(self) -> list[dict[str, Any]]:
        """As the platform lists them."""
        return self._in_loop(lambda: [listed.row() for listed in self._api.deployments.values()])


class Simulator:
    """All of it. `Simulator.start(…)` returns when everything listens; use it as a context manager or `stop()` it."""

    def __init__(self, generation: str, tls: bool | str, count: int, serverless: bool, state: dict[str, Any]) -> None:
        if generation not in BASES:
            raise ValueError(f"generation is {generation!r}, not v4 or v5")
        if serverless and generation == "v4":
            raise ValueError("Serverless deployments are v5")
        quotas = SERVERLESS if serverless else Quotas()
        self._folder = tempfile.TemporaryDirectory(prefix="emqx-simulator-")
        self._tls: ssl.SSLContext | None = None
        self.ca_path: Path | None = None
        if tls:
            self._tls, self.ca_path = certificates.make("valid" if tls is True else tls, Path(self._folder.name))
        self._closing = AsyncExitStack()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="simulator", daemon=True)
        self.deployments = [
            Deployment(number, generation, State(generation, quotas=quotas, **state), self._in_loop)
            for number in range(1, count + 1)
        ]
        self.platform = Platform(self.deployments, "serverless" if serverless else "dedicated", self._in_loop)

    @classmethod
    def start(
        cls,
        generation: str = "v5",
        *,
        tls: bool | str = False,
        count: int = 1,
        serverless: bool = False,
        bare: bool = False,
        allow_anonymous: bool = False,
        port: int = 0,
        mqtt_port: int = 0,
        listed: Iterable[Mapping[str, Any]] = (),
    ) -> Simulator:
        """Start it.

        tls: True, or one of `certificates.KINDS`: what a client should refuse, or `mutual` TLS.
        count: how many deployments; each has its own ports.
        serverless: 2,000 users, 2,000 access rules, 10 subscriptions a client, 10 requests a second.
        bare: a v5 broker as it comes from its package, without an authenticator and without the built-in source.
        allow_anonymous: MQTT clients of unknown users may come in.
        port, mqtt_port: of the first deployment, the others count on from there; 0 is any free port.
        listed: as what the platform lists the deployments, one after the other: `name` and the fields of
            `Platform.add_deployment`.
        """
        simulator = cls(generation, tls, count, serverless, {"bare": bare, "allow_anonymous": allow_anonymous})
        simulator._thread.start()
        for one, fields in zip(simulator.deployments, listed):
            simulator.platform.change_deployment(one.id, **fields)
        try:
            simulator._await(simulator._open(port, mqtt_port))
        except OSError:
            simulator.stop()
            raise
        return simulator

    def stop(self) -> None:
        """Hang up, close the ports, end the thread. Once is enough."""
        if self._loop.is_closed():
            return
        self._await(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._folder.cleanup()

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    async def _open(self, port: int, mqtt_port: int) -> None:
        for place, one in enumerate(self.deployments):
            one.ca_path = self.ca_path
            await one.open(port and port + place, mqtt_port and mqtt_port + place, self._tls, self._closing)
        self.platform.ca_path = self.ca_path
        await self.platform.open(port and port + len(self.deployments), self._tls, self._closing)

    async def _close(self) -> None:
        await self._closing.aclose()
        # A slow answer or a message without its acknowledgement may still be waiting.
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _await(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _in_loop(self, work: Callable[[], T]) -> T:
        """Run it where the state lives: callbacks are there already, tests are not."""
        if threading.current_thread() is self._thread:
            return work()

        async def run() -> T:
            return work()

        return self._await(run())


def _copies(deployments: dict[str, platform.Listed]) -> dict[str, platform.Listed]:
    return {id: dataclasses.replace(one, tls=dataclasses.replace(one.tls)) for id, one in deployments.items()}


def url(tls: ssl.SSLContext | None, port: int) -> str:
    """The certificate is for `localhost`."""
    return f"http://{HOST}:{port}" if tls is None else f"https://localhost:{port}"
