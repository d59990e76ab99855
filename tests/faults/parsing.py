# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules make of any answer: tasks run in this process, and the answer to one of their requests is another one.

A target is a task with the answers that it got from the simulator. All of the collection is at work but the network.
"""

from __future__ import annotations

import importlib
import io
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import requests
import urllib3
from requests.adapters import HTTPAdapter

from contract.recordings import FILES, exchanges
from simulator import Deployment, Simulator
from system.harness import PLUGINS, connection, done

_http = importlib.import_module(PLUGINS + "module_utils._http")
_messages = importlib.import_module(PLUGINS + "module_utils._resources.messages")
_task = importlib.import_module(PLUGINS + "module_utils._task")

MOST_REQUESTS = 500
"""More than any target needs, whatever comes."""

LONGEST = 4200
"""How many characters a sentence has at the most."""

QUICK = {"retries": 0, "timeout": 5, "retry_wait_max": 0}


@dataclass(frozen=True)
class Reply:
    """What comes back."""

    status: int
    body: bytes


@dataclass(frozen=True)
class Exchange:
    """A request, and the reply to it."""

    method: str
    path: str
    reply: Reply

    @property
    def kind(self) -> tuple[str, ...]:
        """What tells which requests are of one kind: the method and the beginning of the path."""
        return self.method, *self.path.split("/")[:2]


class TooManyRequests(Exception):
    """A task doesn't end."""


class _Recorder(HTTPAdapter):
    """Notes what is exchanged."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base
        self.exchanges: list[Exchange] = []

    def send(self, request: requests.PreparedRequest, *arguments: Any, **more: Any) -> requests.Response:
        response = super().send(request, *arguments, **more)
        path = str(request.url).partition("?")[0].removeprefix(self._base + "/")
        self.exchanges.append(Exchange(str(request.method), path, Reply(response.status_code, response.content)))
        return response


class _Script(HTTPAdapter):
    """Gives replies in their order, and the last one for ever."""

    def __init__(self, replies: list[Reply]) -> None:
        super().__init__()
        self._replies = replies
        self._sent = 0

    def send(self, request: requests.PreparedRequest, *arguments: Any, **more: Any) -> requests.Response:
        place, self._sent = self._sent, self._sent + 1
        if place > MOST_REQUESTS:
            raise TooManyRequests(f"{request.method} {request.url}")
        reply = self._replies[min(place, len(self._replies) - 1)]
        raw = urllib3.HTTPResponse(io.BytesIO(reply.body), status=reply.status, preload_content=False)
        return self.build_response(request, raw)


def _over(adapter: HTTPAdapter) -> Callable[[Any], Any]:
    """What opens connections that go through an adapter."""

    def opened(settings: Any) -> Any:
        http = _http.Http(settings)
        http._session.mount("http://", adapter)
        return http

    return opened


@dataclass(frozen=True)
class Target:
    """A task, and what it exchanges with a deployment where all goes well."""

    generation: str
    module: str
    options: dict[str, Any]
    exchanges: list[Exchange] = field(default_factory=list, repr=False, compare=False)

    def run(self, adapter: HTTPAdapter) -> dict[str, Any]:
        """Run the task in the controller's way; one request at a time, so that their order is always the same."""
        code = importlib.import_module(PLUGINS + "modules." + self.module)
        options = {**self.options, **QUICK, "max_connections": 1}
        with mock.patch.object(_messages, "PATIENCE", (0, 0)):  # nobody is waited for
            return _task.run_directly(self.module, code.SPEC, code.run, options, False, True, _over(adapter))

    def given(self, place: int, reply: Reply) -> dict[str, Any]:
        """Run it with another reply in one place, and in all places after the last that is known."""
        replies = [exchange.reply for exchange in self.exchanges]
        replies[place] = reply
        return self.run(_Script([*replies, reply]))


RULE = {"topic": "t/#", "action": "all", "permission": "allow"}
MANY = [f"fuzz-{number}" for number in range(3)]
USERS = [{"username": name, "password": "pw-fuzz"} for name in MANY]
BUILT_IN = {"mechanism": "password_based", "backend": "built_in_database"}
BOTH: list[tuple[str, dict[str, Any]]] = [
    ("auth_user_info", {}),
    ("auth_user_info", {"username": "alice"}),
    ("auth_user", {"username": "alice", "password": "pw-other", "update_password": "always"}),
    ("auth_user", {"username": "fuzz", "password": "pw-fuzz"}),
    ("auth_users", {"users": USERS, "purge": True}),
    ("acl_info", {}),
    ("acl_info", {"username": "alice"}),
    ("acl", {"username": "alice", "rules": [{**RULE, "permission": "deny"}], "position": "front", "drop_cache": True}),
    ("acls", {"subjects": [{"username": name, "rules": [RULE]} for name in MANY], "purge": True}),
    ("acl", {"everyone": True, "state": "absent"}),
    ("banned_info", {}),
    ("banned", {"clientid": "banned", "reason": "other"}),
    ("banned", {"entries": [{"clientid": name} for name in MANY], "purge": True}),
    ("client_info", {}),
    ("client_info", {"like_clientid": "dev", "fields": ["username"], "connected_after": "1h"}),
    ("client", {"clientids": ["device", "other"], "state": "absent"}),
    ("subscription_info", {}),
    ("subscription", {"clientid": "device", "topics": [{"topic": "new/#", "qos": 1}], "state": "exact"}),
    ("topic_info", {"match": "t/#"}),
    ("publish", {"topic": "t/1", "payload": "x"}),
    ("publish", {"messages": [{"topic": f"t/{name}", "payload": "x"} for name in MANY]}),
    ("topic_metrics_info", {}),
    ("topic_metrics", {"topics": ["t/1", "t/new"], "state": "exact"}),
    ("topic_metrics", {"topics": ["t/1", "t/2"], "state": "reset"}),
    ("rule_info", {"with_metrics": True}),
    ("config_info", {}),
    ("broker_info", {"gather": ["nodes", "stats", "metrics", "alarms", "listeners"]}),
    ("wait_for", {"clients": {}, "condition": "length(clients) > `0`", "wait_timeout": 0}),
    ("authorization_cache", {"clientid": "device", "state": "absent"}),
    ("api", {"path": "clients", "paginate": True}),
    ("api", {"path": "nodes"}),
]
ONLY = {
    "v4": [
        ("rule", {"id": "rule:r", "sql": 'SELECT * FROM "t/2"', "actions": [{"function": "console"}]}),
        ("rule", {"id": "rule:new", "sql": 'SELECT * FROM "t/2"', "actions": [{"function": "console"}]}),
        ("resource", {"name": "hook", "state": "absent"}),
        ("resource", {"name": "new", "type": "web_hook", "config": {"url": "http://127.0.0.1:9/"}}),
        ("shadow_info", {"with_document": True}),
        ("shadow", {"shadow_id": "shadow-1", "document": {"b": {"c": 1}}}),
        ("shadow", {"shadow_id": "shadow-2", "document": {"b": {"c": 1}}}),
    ],
    "v5": [
        ("rule", {"id": "r", "sql": 'SELECT * FROM "t/2"', "actions": ["http:post"]}),
        ("rule", {"id": "new", "sql": 'SELECT * FROM "t/2"', "actions": [{"function": "console"}]}),
        ("connector", {"type": "http", "name": "hook", "config": {"url": "http://127.0.0.1:9/new"}}),
        ("connector", {"type": "http", "name": "hook", "state": "absent"}),
        ("action", {"type": "http", "name": "post", "connector": "hook", "config": {"parameters": {"path": "/new"}}}),
        ("retained_message_info", {"with_payload": True}),
        ("retained_message", {"topic": "t/new", "payload": "x"}),
        ("retained_message", {"topic": "t/kept", "state": "absent"}),
        ("authenticator", {"mechanism": "jwt", "config": {"use_jwks": True, "endpoint": "http://127.0.0.1:9/"}}),
        ("authenticator", {**BUILT_IN, "state": "absent"}),
        ("authenticator", {**BUILT_IN, "state": "absent", "lose_users": True}),
        ("authorization_source", {"type": "built_in_database", "state": "absent"}),
        ("authorization_source", {"type": "built_in_database", "state": "absent", "lose_rules": True}),
        ("authorization_settings", {"no_match": "deny", "cache": {"ttl": "2m"}}),
    ],
    "platform": [
        ("deployment_info", {}),
        ("deployment_info", {"id": "d0000001"}),
        ("project_info", {}),
        ("deployment", {"name": "deployment-1", "state": "started"}),
        ("deployment", {"id": "d0000001", "state": "stopped"}),
        ("tls_certificate", {"deployment": "d0000001", "state": "absent"}),
    ],
}


def targets(generation: str) -> Iterator[Target]:
    """Run every task on a simulator as it is at the beginning, and note what it exchanges."""
    with Simulator.start("v5" if generation == "platform" else generation) as simulator:
        deployment = simulator.deployments[0]
        for module, options in [*([] if generation == "platform" else BOTH), *ONLY[generation]]:
            deployment.reset()
            _prepare(deployment)
            endpoint = simulator.platform if generation == "platform" else deployment
            target = Target(generation, module, {**connection(endpoint), **options})
            recorder = _Recorder(target.options.get("platform_url") or target.options["api_url"])
            target.run(recorder)
            target.exchanges.extend(recorder.exchanges)
            assert target.exchanges, target
            yield target


def _prepare(deployment: Deployment) -> None:
    """Put something of everything on a deployment."""
    deployment.add_user("alice", "pw-alice")
    deployment.add_user("bob", "pw-bob")
    deployment.add_client("device", "alice", proto_ver=5, subscriptions=["t/1", "t/#"])
    deployment.add_rules("username", "alice", [("t/1", "publish", True), ("t/2", "subscribe", False)])
    deployment.add_rules("clientid", "device", [("t/1", "publish", True)])
    deployment.add_rules("all", "all", [("t/1", "publish", True)])
    deployment.add_alarm("high", "too high", {"a": 1})
    deployment.add_alarm("low", over=True)
    if deployment.generation == "v4":
        deployment.load_module("emqx_mod_topic_metrics")
    deployment.count_topics(["t/1", "t/2"])
    prepared: list[tuple[str, dict[str, Any]]] = [("banned", {"clientid": "banned", "reason": "old", "until": "never"})]
    hook = {"url": "http://127.0.0.1:9/"}
    if deployment.generation == "v4":
        prepared += [
            ("resource", {"name": "hook", "type": "web_hook", "config": hook}),
            ("rule", {"id": "rule:r", "sql": 'SELECT * FROM "t/1"', "actions": [{"function": "console"}]}),
            ("shadow", {"shadow_id": "shadow-1", "document": {"a": 1}}),
        ]
    else:
        prepared += [
            ("retained_message", {"topic": "t/kept", "payload": "kept"}),
            ("connector", {"type": "http", "name": "hook", "config": hook}),
            ("action", {"type": "http", "name": "post", "connector": "hook", "config": {"parameters": {"path": "/"}}}),
            ("rule", {"id": "r", "sql": 'SELECT * FROM "t/1"', "actions": ["http:post"]}),
        ]
    for module, options in prepared:
        done(module, deployment, **options)


@dataclass(frozen=True)
class Place:
    """One request of a target."""

    target: Target
    number: int

    @property
    def kind(self) -> tuple[str, ...]:
        return self.target.exchanges[self.number].kind

    def given(self, reply: Reply) -> None:
        """Run the target with another reply here, and check what comes of it."""
        judge(self.target.given(self.number, reply))


def places(generation: str) -> list[Place]:
    """Every request of every target."""
    return [Place(target, number) for target in targets(generation) for number in range(len(target.exchanges))]


def recorded(generation: str) -> list[Exchange]:
    """Everything that brokers of a generation were recorded to answer; the Platform API was not recorded."""
    prefix = {"v4": "emqx-4", "v5": "emqx-5"}.get(generation, "none")
    return [
        Exchange(each.request["method"], each.path.lstrip("/"), Reply(each.response["status"], _body(each.response)))
        for file in FILES if file.startswith(prefix) for each in exchanges(file)
    ]


def _body(response: dict[str, Any]) -> bytes:
    text = json.dumps(response["json"]) if "json" in response else response.get("text", "")
    return text.encode()


# What goes wrong in a body

_DEEP = 5000
ODD: list[Any] = [
    None, True, False, 0, -1, 7, 1.5, 2**31, 10**30, 10**400, 1e300, float("nan"), float("inf"), "", "x", "0",
    "two\nlines", "\x1b[2J",
    "\0", "\ud800", "\u202e", "{error,existed}", "x" * 100_000, [], [None], [[]], [1, "x"], {}, {"a": 1}, [{}] * 3,
    {"": None},
]
RAW = [
    b"", b" ", b"null", b"0", b'""', b"[]", b"{}", b"[[]]", b"[{}]", b"\xff\xfe", b"\xef\xbb\xbf{}",
    b"<html>\n<p>no</p></html>",
    b"{" * 50, b"[" * _DEEP + b"]" * _DEEP, b'{"data":' * _DEEP + b"1" + b"}" * _DEEP, b"1" * 5000, b"x" * 200_000,
    b'{"code":0,"data":[],"meta":{"hasnext":true,"limit":-1}}', b'{"code":true}', b'{"code":0.0}', b'{"code":"0"}',
    b'{"code":{"a":[1,2]},"message":{"a":["x\\ny"]}}', b'{"code":"A\\nB","message":"two\\nlines"}',
    b'{"code":"BAD","message":"{\\"reason\\":[[1]],\\"path\\":{}}"}', b'{"message":null,"reason_code":[]}',
]
STATUSES = [200, 200, 200, 200, 201, 204, 400, 404, 409, 500, 503]


def mutated(body: bytes, chance: random.Random) -> bytes:
    """A body with one value of it replaced, left out or repeated; now and then something else altogether."""
    try:
        tree = json.loads(body)
        places = list(_places(tree)) if isinstance(tree, (dict, list)) else []
    except (ValueError, RecursionError):
        places = []
    if not places or chance.random() < 0.1:
        return chance.choice(RAW)
    holder, name = chance.choice(places)
    way = chance.randrange(8)
    if way == 0:
        del holder[name]
    elif way == 1 and isinstance(holder, list):
        holder.extend([holder[name]] * chance.choice((1, 50)))
    elif way == 2:
        holder[name] = json.loads(json.dumps(chance.choice(places)[0]))
    elif way == 3:
        for _level in range(chance.choice((60, 300, 900))):
            holder[name] = {"a": holder[name]} if chance.random() < 0.5 else [holder[name]]
    else:
        holder[name] = chance.choice(ODD)
    try:
        return json.dumps(tree).encode()
    except RecursionError:  # mutants of mutants
        return chance.choice(RAW)


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every value of a tree, as what holds it and its name or position there."""
    for name, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield tree, name
        if isinstance(value, (dict, list)):
            yield from _places(value)


# What has to come of it


def judge(result: dict[str, Any]) -> None:
    """Check that a result is one that a user can read: JSON, and if it is a failure, a sentence."""
    text = json.dumps(result, ensure_ascii=False, allow_nan=False)
    text.encode()
    assert "Traceback" not in text
    if result.get("failed"):
        assert result["changed"] in (True, False)
        for sentence in [result["msg"], *(failure["reason"] for failure in result.get("failures", ()))]:
            assert _is_sentence(sentence), repr(sentence)


def _is_sentence(text: str) -> bool:
    return len(text.splitlines()) == 1 and "\x1b" not in text and len(text) <= LONGEST
