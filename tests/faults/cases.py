# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each module is asked to do while something goes wrong, and a world in which it is something to do."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import trustme

from simulator import Simulator
from system.harness import done
from system.test_documentation import MODULES, OF_THE_PLATFORM, ONE_GENERATION, ONLY_ACTIONS

GENERATIONS = ("v4", "v5", "platform")

LEAF = trustme.CA().issue_cert("mqtt.example.com")
PEM = {"cert": LEAF.cert_chain_pems[0].bytes().decode(), "key": LEAF.private_key_pem.bytes().decode()}
TOPICS = ["plant/7/commands", "plant/7/alarms", "plant/7/orders"]
DENY = {"topic": "secret/#", "action": "publish", "permission": "deny"}
USERS = "authentication/password_based%3Abuilt_in_database/users"


@dataclass(frozen=True)
class Case:
    """The options of a task.

    undo: options that undo what the task does; None where nothing does.
    look: other options for a task that only reads, where the task itself reads nothing.
    repeats: the task changes something each time, and says so.
    caches: it is about decisions that are cached, which other changes empty on the way.
    """

    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    undo: Mapping[str, Any] | None = None
    look: Mapping[str, Any] | None = None
    repeats: bool = False
    caches: bool = False

    @classmethod
    def of(cls, **options: Any) -> Case:
        """A task that makes something, which `state: absent` undoes."""
        return cls(options, {**options, "state": "absent"})


PUT_USER = {
    "v4": {"method": "PUT", "path": "auth_username/ops", "body": {"password": "new-7c1d"}},
    "v5": {"method": "PUT", "path": USERS + "/ops", "body": {"password": "new-7c1d"}},
}


def case_of(module: str, generation: str) -> Case:
    """The case of a module on a generation."""
    if module == "api":
        return Case(PUT_USER[generation], look={"path": "banned", "paginate": True}, repeats=True)
    return CASES[module]


CASES: dict[str, Case] = {
    "acl": Case.of(username="gateway", rules=[DENY]),
    "acl_info": Case(),
    "acls": Case.of(subjects=[{"username": f"u{number}", "rules": [DENY]} for number in range(3)]),
    "action": Case.of(type="mqtt", name="out", connector="hq", config={"parameters": {"topic": "t"}}),
    "auth_user": Case.of(username="gateway-7", password="secret-7c1d"),
    "auth_user_info": Case(),
    "auth_users": Case.of(users=[{"username": f"new-{number}", "password": "secret-7c1d"} for number in range(3)]),
    "authenticator": Case.of(
        mechanism="jwt", config={"algorithm": "hmac-based", "use_jwks": False},
        secret_config={"secret": "secret-7c1d"},
    ),
    "authorization_cache": Case({"clientid": "gateway-7", "state": "absent"}, repeats=True, caches=True),
    "authorization_settings": Case({"no_match": "deny"}, {"no_match": "allow"}),
    "authorization_source": Case.of(
        type="http", config={"method": "get", "url": "http://127.0.0.1:1/acl", "body": {"u": "${username}"}}
    ),
    "banned": Case.of(entries=[{"clientid": f"stolen-{number}"} for number in range(3)]),
    "banned_info": Case(),
    "broker_info": Case(),
    "client": Case({"clientids": ["gateway-7", "gateway-8", "gateway-9"], "state": "absent"}),
    "client_info": Case({"fields": ["clientid", "username"]}),
    "config_info": Case(),
    "connector": Case.of(type="mqtt", name="plant", config={"server": "127.0.0.1:1"}),
    "deployment": Case({"name": "bench", "state": "started"}, {"name": "bench", "state": "stopped"}),
    "deployment_info": Case(),
    "project_info": Case(),
    "publish": Case(
        {"messages": [{"topic": topic, "payload": "x", "retain": True} for topic in TOPICS]}, repeats=True
    ),
    "resource": Case.of(name="resource:plant", type="web_hook", config={"url": "http://127.0.0.1:1"}),
    "retained_message": Case.of(topic="plant/7/settings", payload="x"),
    "retained_message_info": Case(),
    "rule": Case.of(id="alarms", sql='SELECT * FROM "t"', actions=[{"function": "console"}]),
    "rule_info": Case(),
    "shadow": Case.of(shadow_id="gateway-7", name="gateway", document={"interval": 5}),
    "shadow_info": Case(),
    "source": Case.of(type="mqtt", name="in", connector="hq", config={"parameters": {"topic": "t"}}),
    "subscription": Case.of(clientid="gateway-7", topics=[{"topic": topic} for topic in TOPICS]),
    "subscription_info": Case(),
    "tls_certificate": Case(
        {"deployment_name": "bench", **PEM}, {"deployment_name": "bench", "state": "absent"}
    ),
    "topic_info": Case(),
    "topic_metrics": Case.of(topics=TOPICS),
    "topic_metrics_info": Case(),
    "wait_for": Case({"condition": "count >= `2`", "clients": {}, "wait_timeout": 0.2, "interval": 0.1}),
}


def modules_of(generation: str) -> list[str]:
    """The modules that there are on a generation, or for the Platform API."""
    if generation == "platform":
        return list(OF_THE_PLATFORM)
    others = {*OF_THE_PLATFORM, *ONLY_ACTIONS}
    return [name for name in MODULES if name not in others and ONE_GENERATION.get(name, generation) == generation]


def furnish(simulator: Simulator) -> None:
    """Two of each kind of thing, so that a list has two pages if a page has one row."""
    deployment, platform = simulator.deployments[0], simulator.platform
    deployment.add_users(["ops", "other"])
    for number in (7, 8, 9):
        deployment.add_client(f"gateway-{number}", "gateway", subscriptions=["own/1", f"own/{number}"])
        deployment.allows(f"gateway-{number}", "publish", "t")  # a decision that is cached
    deployment.add_rules("username", "ops", [("t", "publish", True)])
    deployment.add_rules("username", "other", [("t", "publish", True)])
    deployment.load_module("emqx_mod_topic_metrics")
    deployment.count_topics(["t/1", "t/2"])
    done("banned", deployment, entries=[{"clientid": "banned-1"}, {"clientid": "banned-2"}])
    for name in ("r1", "r2"):
        done("rule", deployment, id=name, sql='SELECT * FROM "t"', actions=[{"function": "console"}])
    if deployment.generation == "v5":
        done("connector", deployment, type="mqtt", name="hq", config={"server": "127.0.0.1:1"})
        for topic in ("kept/1", "kept/2"):
            done("retained_message", deployment, topic=topic, payload="x")
    else:
        for name in ("shadow-1", "shadow-2"):
            done("shadow", deployment, shadow_id=name, name=name, document={"a": 1})
            done("resource", deployment, name=f"resource:{name}", type="web_hook", config={"url": "http://127.0.0.1:1"})
    platform.set(operation_seconds=0, certificate_seconds=0)
    platform.add_deployment("bench", status="stopped")
    platform.forget_limits()
