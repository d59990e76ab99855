# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a user writes for a name, a request touches the thing of that name and nothing else.

Which options reach a path is seen from the simulator's log: a mark is put into every option of every module, so that no
option can be forgotten.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from faults.cases import PEM, modules_of
from faults.figures import LONG, count
from simulator import Deployment, Platform, Simulator
from system.harness import PLUGINS, connection, done, one_sentence, run
from system.test_documentation import MODULES, OF_THE_PLATFORM
from tooling import api_calls

MARK, ONLINE, ADDRESSES = "canary7canary", "online7canary", ("192.0.2.77", "192.0.2.0/24")
"""What an option may be given to see whether it reaches a path; addresses where nothing else is taken."""

NAMES = [
    "..", ".", "", "../sentinel", "a/../../sentinel", "%2e%2e", "%2E", "..%2fsentinel", "..;", "..;/sentinel",
    "\\..\\", "..\\", "\0", "..\0", "..\n", "\n..", " ..", ".. ", "x?y=1", "..?y=1", "..#", "#", "+", "a/#", "//", "/",
    "/..", "../", "./", "..//..", "%", "%%", "%252e%252e", "\u2024\u2024", "\uff0e\uff0e", "..\u2215", "x&y=1", "{}",
    "{0}", "$all", "all", "*", "http:..", "users/..", "x" * 3000,
]  # fmt: skip
WORST = [
    "..", ".", "", "../sentinel", "a/../../sentinel", "%2e%2e", "..%2fsentinel", "..;", "\\..\\", "..\0", "..\n",
    "..?y=1", "..#", "+", "#", "//",
]  # fmt: skip

RULE = {"topic": "t", "action": "publish", "permission": "deny"}
HTTP = {"type": "http", "config": {"url": "http://127.0.0.1:9/"}}
CALL = {"type": "http", "connector": "c", "config": {"parameters": {"method": "post", "path": "/", "body": "b"}}}
SOURCE = {"type": "mqtt", "connector": "c", "config": {"parameters": {"topic": "t", "qos": 0}}}
JWT = {"config": {"algorithm": "hmac-based", "use_jwks": False}, "secret_config": {"secret": "s"}}

# Tasks that bring each module to its calls, in an order in which what is made is then found and taken away again.
TASKS: dict[str, list[dict[str, Any]]] = {
    "acl": [
        {who: "x", "rules": [RULE], "state": state}
        for who in ("username", "clientid") for state in ("present", "absent")
    ] + [{"username": "x", "state": "absent"}, {"clientid": "x", "state": "absent", "drop_cache": True}]
    + [{"everyone": True, "rules": [RULE], "state": state} for state in ("present", "absent")]
    + [{"clientid": "x", "rules": [RULE], "drop_cache": True}],
    "acl_info": [{"username": "x"}, {"clientid": "x"}, {}],
    "acls": [
        {"subjects": [{who: "x", "rules": [RULE]}], "state": state, "drop_cache": True}
        for who in ("username", "clientid") for state in ("present", "absent")
    ] + [{"subjects": [{"everyone": True, "rules": [RULE]}], "state": state} for state in ("present", "absent")],
    "action": [{"name": "x", **CALL, "state": state} for state in ("present", "absent")],
    "api": [{"path": "clients/x", "method": method} for method in ("GET", "PUT", "POST", "DELETE")],
    "auth_user": [
        {who: "x", "password": "p", "update_password": "always", "state": state}
        for who in ("username", "clientid") for state in ("present", "present", "absent")
    ],
    "auth_user_info": [{"username": "x"}, {"clientid": "x"}, {}],
    "auth_users": [
        {"users": [{who: "x", "password": "p"}], "update_password": "always", "state": state}
        for who in ("username", "clientid") for state in ("present", "present", "absent")
    ],
    "authenticator": [
        {"mechanism": "jwt", **JWT, "position": "front"}, {"mechanism": "jwt", **JWT, "enabled": False},
        {"mechanism": "jwt", "state": "absent"}, {"mechanism": "password_based", "backend": "built_in_database"},
    ],
    "authorization_cache": [{"clientid": "x", "state": "absent"}, {"state": "absent"}],
    "authorization_settings": [{"no_match": "allow"}, {"cache": {"excludes": ["t"]}}],
    "authorization_source": [
        {"type": "file", "config": {"rules": "{allow, all}."}, "position": "front"},
        {"type": "file", "enabled": False},
    ],
    "banned": [
        task for who in ("clientid", "username", "peerhost", "peerhost_net", "clientid_re", "username_re")
        for state in ("present", "absent")
        for task in ({who: "x", "state": state}, {"entries": [{who: "x"}], "state": state})
    ],
    "banned_info": [{"clientid": "x"}, {"username": "x"}, {"peerhost": "192.0.2.1"}, {}],
    "broker_info": [{"gather": ["nodes", "stats", "metrics", "alarms", "listeners"]}],
    "client": [
        {"clientid": "x", "state": "absent", "sessions": True}, {"clientids": ["x"], "state": "absent"},
        {"clientids": ["x"], "state": "absent", "sessions": True, "wait": True, "wait_timeout": 0},
    ],
    "client_info": [{"clientid": "x"}, {"username": "x"}, {}],
    "config_info": [{}],
    "connector": [{"name": "x", **HTTP, "state": state} for state in ("present", "absent")],
    "deployment": [{"id": "x", "state": "stopped"}, {"name": "x", "state": "started"}],
    "deployment_info": [{"id": "x"}, {}],
    "project_info": [{"id": "x"}, {}],
    "publish": [{"topic": "x", "payload": "p"}, {"messages": [{"topic": "x", "payload": "p"}] * 2}],
    "resource": [
        {"name": "x", "type": "web_hook", "config": {"url": "http://127.0.0.1:9/"}, "state": state}
        for state in ("present", "absent")
    ],
    "retained_message": [
        {"topic": "x", "payload": "p"}, {"topic": "x", "state": "absent"}, {"topic": "x", "payload": "kept"},
    ],
    "retained_message_info": [{"topic": "x", "with_payload": True}, {"match": "x", "with_payload": True}],
    "rule": [
        {"id": "x", "sql": 'SELECT * FROM "t"', "actions": [], "description": "d", "state": state}
        for state in ("present", "absent")
    ],
    "rule_info": [{"id": "x", "with_metrics": True}, {}],
    "shadow": [
        {"shadow_id": "x", "document": {"a": 1}}, {"shadow_id": "x", "name": "another-name", "document": {"a": 2}},
        {"shadow_id": "x", "state": "absent"},
    ],
    "shadow_info": [{"shadow_id": "x", "with_document": True}, {}],
    "source": [{"name": "x", **SOURCE, "state": state} for state in ("present", "absent")],
    "subscription": [
        {"clientid": "sentinel", "topics": [{"topic": "x"}], "state": state} for state in ("present", "absent")
    ],
    "subscription_info": [{"clientid": "x"}, {"topic": "x"}, {}],
    "tls_certificate": [
        {"deployment": "x", **PEM, "force": True}, {"deployment": "x", "state": "absent"},
        {"deployment_name": "x", **PEM},
    ],
    "topic_info": [{"topic": "x"}, {"match": "x"}, {}],
    "topic_metrics": [
        {"topics": ["x"], "enable": True}, {"topics": ["x"], "state": "reset"}, {"topics": ["x"], "state": "absent"},
    ],
    "topic_metrics_info": [{"topic": "x"}, {}],
    "wait_for": [
        {"condition": "@", "clients": {"clientid": "x"}, "wait_timeout": 0},
        {"condition": "@", "gather": ["nodes"], "wait_timeout": 0},
    ],
}  # fmt: skip

WITHOUT_NAMES = {
    f"{row.method} {row.path}" for row in api_calls.rows() if "{" not in row.path and row.method != "DELETE"
}
"""Calls that have no name in their path; a DELETE among them would delete everything of its kind."""

CONSTANT = ("/modules/{name}/load",)
"""Paths with a name that no user writes."""
FILTERS = {("retained_message_info", "match")}
"""Options that stand for many names; what they find is read one by one."""

Place = tuple[str | int, ...]
"""Where a text stands in a task, such as ("users", 0, "username")."""


def places(spec: Mapping[str, Any], task: Mapping[str, Any]) -> Iterator[Place]:
    """Every place of a task where a user may write a text, whether or not the task has something there."""
    for name, option in spec.items():
        kind, value = option.get("type", "str"), task.get(name)
        if option.get("choices") or kind in ("bool", "int", "float"):
            continue
        if kind == "list" and option.get("options"):
            for index in range(len(value or ())):
                yield from ((name, index, *inner) for inner in places(option["options"], value[index]))
        elif kind == "dict" and option.get("options"):
            yield from ((name, *inner) for inner in places(option["options"], value or {}))
        elif kind == "list" or isinstance(value, list):
            yield (name, 0)
        else:
            yield (name,)


def put(at: Any, place: Place, text: str) -> Any:
    """A task, or what stands at a place of it, with a text in a place within."""
    if not place:
        return text
    step, *inner = place
    if isinstance(step, str):
        return {**(at or {}), step: put((at or {}).get(step), tuple(inner), text)}
    items = list(at or [None])
    return [*items[:step], put(items[step], tuple(inner), text), *items[step + 1 :]]


def named(place: Place) -> str:
    """A place as the name of its option."""
    return ".".join(step for step in place if isinstance(step, str))


@dataclass
class World:
    """A simulator, what has to stay as it is in it, and which paths options were seen to reach."""

    simulator: Simulator
    reached: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    calls: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sentinels = self._state()

    @property
    def deployment(self) -> Deployment:
        return self.simulator.deployments[0]

    def endpoint(self, module: str) -> Deployment | Platform:
        return self.simulator.platform if module in OF_THE_PLATFORM else self.deployment

    def _state(self) -> set[tuple[str, Any]]:
        listed = [(row["deploymentID"], row["status"]) for row in self.simulator.platform.deployments]
        return self.deployment.inventory() | {("deployments", one) for one in listed}

    def check(self) -> None:
        assert self.sentinels <= self._state(), self.sentinels - self._state()

    def tried(self, module: str, task: Mapping[str, Any]) -> tuple[list[str], dict[str, Any] | None]:
        """Run a task; return the calls that it made and its result, none if Ansible refuses an option."""
        endpoint = self.endpoint(module)
        options = {**task, "retries": 0, "timeout": 5}
        arguments = importlib.import_module(PLUGINS + "modules." + module).SPEC.arguments()
        spec = arguments.pop("argument_spec")
        validated = ArgumentSpecValidator(spec, **arguments).validate({**connection(endpoint), **options})
        if validated.error_messages:
            return [], None
        endpoint.forget_requests()
        self.simulator.platform.forget_limits()
        result = run(module, endpoint, **options)
        calls = [f"{call.method} {call.path}" for call in endpoint.requests]
        self.calls.setdefault(module, set()).update(calls)
        return calls, result

    def marked(self, module: str, task: Mapping[str, Any], option: str, mark: str) -> bool:
        """Run a task with a mark in an option, remember the calls if it reaches a path; say whether there were any."""
        calls, _result = self.tried(module, task)
        encoded = quote(mark, safe="")
        if any(encoded in call for call in calls):
            self.reached.setdefault((module, option), set()).update(call.replace(encoded, "{}") for call in calls)
        return bool(calls)


def modules(generation: str) -> list[str]:
    """The modules that a generation offers; those of the platform, which has none, with v5."""
    offered = {*modules_of(generation), *(modules_of("platform") if generation == "v5" else ())}
    return [name for name in MODULES if name in offered]


def spread(module: str) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Each place where a user may write a text in a task of a module, with the task."""
    spec = importlib.import_module(PLUGINS + "modules." + module).SPEC
    for task in TASKS[module]:
        yield from ((place, task) for place in places(spec.options, task))


@pytest.fixture(scope="module", params=["v4", "v5"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    generation = request.param
    with Simulator.start(generation) as simulator:
        deployment, platform = simulator.deployments[0], simulator.platform
        platform.set(operation_seconds=0, certificate_seconds=0)
        platform.add_deployment("sentinel")
        deployment.add_client("sentinel", username="sentinel", subscriptions=["sentinel/#"])
        who: tuple[str, ...] = ("username", "clientid") if generation == "v4" else ("username",)
        done("auth_users", deployment, users=[{kind: "sentinel", "password": "p"} for kind in who])
        done("acls", deployment, subjects=[{kind: "sentinel", "rules": [RULE]} for kind in ("username", "clientid")])
        done("acl", deployment, everyone=True, rules=[{**RULE, "topic": "sentinel"}])
        done("banned", deployment, entries=[{kind: "sentinel"} for kind in ("username", "clientid")])
        done("rule", deployment, id="sentinel", sql='SELECT * FROM "sentinel"', actions=[])
        done("topic_metrics", deployment, topics=["sentinel"], enable=True)
        if generation == "v5":
            done("publish", deployment, topic="sentinel", payload="kept", retain=True)
            done("connector", deployment, name="sentinel", **HTTP)
            done("connector", deployment, name="c", **HTTP)
            mqtt = {"server": "127.0.0.1:9", "pool_size": 1}
            done("connector", deployment, name="c", type="mqtt", config=mqtt)
            done("action", deployment, name="sentinel", **CALL)
        else:
            done("shadow", deployment, shadow_id="sentinel", document={"kept": True})
            done("resource", deployment, name="sentinel", type="web_hook", config={"url": "http://127.0.0.1:9/"})
        found = World(simulator)
        for module in modules(generation):
            for task in TASKS[module]:
                found.tried(module, task)
            for place, task in spread(module):
                for mark in (MARK, *ADDRESSES):
                    if found.marked(module, put(task, place, mark), named(place), mark):
                        break
                if module in ("client", "subscription"):
                    deployment.add_client(ONLINE, subscriptions=["t"])
                    found.marked(module, put(task, place, ONLINE), named(place), ONLINE)
        yield found


def test_the_tasks_bring_modules_to_every_kind_of_path_with_a_name_in_it(world: World) -> None:
    """Otherwise an option that only leads to a path in a call that no task makes would be forgotten."""
    generations = (world.deployment.generation, "Platform") if world.deployment.generation == "v5" else ("v4",)
    missing = []
    for row in api_calls.rows():
        if row.generation in generations and "{" in row.path and row.modules != ["api"]:
            before = api_calls.shape(row.path).partition("{}")[0]
            missing += [(module, row.path) for module in row.modules if row.path not in CONSTANT and not any(
                re.match("[A-Z]+ " + re.escape(before) + "[^/]", call) for call in world.calls.get(module, ())
            )]
    assert not missing, "\n".join(map(str, missing))


def test_nothing_is_touched_but_what_has_the_name(world: World) -> None:
    tried, seen = 0, {module: frozenset(calls) for module, calls in world.calls.items()}
    for module in modules(world.deployment.generation):
        for place, task in spread(module):
            templates = world.reached.get((module, named(place)))
            for name in (NAMES if LONG else WORST) if templates else ():
                text = f"banned/clientid/{name}" if module == "api" else name
                calls, result = world.tried(module, put(task, place, text))
                where = (module, place, text, calls)
                if result is not None and result.get("failed"):
                    one_sentence(result["msg"])
                if module != "api" and (module, *place) not in FILTERS:
                    may_be = {template.replace("{}", quote(name, safe="")) for template in templates or ()}
                    assert set(calls) <= may_be | WITHOUT_NAMES | seen[module], where
                for segment in [segment for call in calls for segment in call.split("/")[1:]]:
                    assert unquote(segment) not in ("", ".", ".."), where
                world.check()
                tried += 1
    count("paths tried", tried)
