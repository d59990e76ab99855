# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Typical mistakes in a task are caught before any request, with one clear sentence that names the option."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from simulator import Deployment, Platform, Simulator
from system.harness import PLUGINS, connection
from system.test_documentation import MODULES, OF_THE_PLATFORM, ONE_GENERATION, ONLY_ACTIONS

LEAF = trustme.CA().issue_cert("localhost")
PEM = {"cert": LEAF.cert_chain_pems[0].bytes().decode(), "key": LEAF.private_key_pem.bytes().decode()}
RULE = {"topic": "t", "action": "publish", "permission": "deny"}
USER = {"username": "a", "password": "hunter3"}

# What is wrong with the options of a module, and the option that the sentence has to name.
MISTAKES: dict[str, list[tuple[dict[str, Any], str]]] = {
    "acl": [
        ({"rules": [RULE]}, "username"),
        ({"username": "a", "clientid": "b", "rules": [RULE]}, "username"),
        ({"username": "a", "everyone": True, "rules": [RULE]}, "username"),
        ({"username": "", "rules": [RULE]}, "username"),
        ({"username": ".", "rules": [RULE]}, "username"),
        ({"clientid": "..", "rules": [RULE]}, "clientid"),
        ({"username": "a"}, "rules"),
        ({"username": "a", "rules": "deny all"}, "rules"),
        ({"username": "a", "rules": ["deny"]}, "rules[0]"),
        ({"username": "a", "rules": [{**RULE, "action": "pub"}]}, "action"),
        ({"username": "a", "rules": [{**RULE, "permission": "yes"}]}, "permission"),
        ({"username": "a", "rules": [{**RULE, "topic": "a/#/b"}]}, "rules[0].topic"),
        ({"username": "a", "rules": [{**RULE, "topic": ""}]}, "rules[0].topic"),
        ({"username": "a", "rules": [{**RULE, "qos": [3]}]}, "rules[0].qos"),
        ({"username": "a", "rules": [{**RULE, "retain": "maybe"}]}, "rules[0].retain"),
        ({"username": "a", "rules": [{"topic": "t", "action": "all"}]}, "permission"),
        ({"username": "a", "rules": [], "state": "exact"}, "rules"),
        ({"username": "a", "rules": [RULE, {**RULE, "permission": "allow"}]}, "rules"),
    ],
    "acl_info": [
        ({"username": "a", "clientid": "b"}, "username"),
        ({"username": ".."}, "username"),
        ({"username": ""}, "username"),
        ({"limit": 0}, "limit"),
        ({"query": "["}, "query"),
        ({"kind": ["everybody"]}, "kind"),
    ],
    "acls": [
        ({"subjects": "a"}, "subjects"),
        ({"subjects": [{"username": "a", "rules": "deny all"}]}, "subjects[0].rules"),
        ({"subjects": [{"username": "a", "rules": ["topic=t action=publish"]}]}, "subjects[0].rules[0]"),
        ({"subjects": [{"rules": [RULE]}]}, "subjects[0]"),
        ({"subjects": [{"username": "a", "clientid": "b", "rules": [RULE]}]}, "subjects[0]"),
        ({"subjects": [{"username": "..", "rules": [RULE]}]}, "subjects[0].username"),
        ({"subjects": [{"username": "a", "rules": [{**RULE, "topic": "a/#/b"}]}]}, "subjects[0].rules[0].topic"),
        ({"subjects": [{"username": "a", "rules": [{**RULE, "action": "read"}]}]}, "action"),
        ({"subjects": [], "purge": True}, "subjects"),
        ({"subjects": [], "purge": True, "purge_all": True}, "kind"),
        ({"subjects": [{"username": "a", "rules": [RULE]}], "purge": True, "state": "absent"}, "purge"),
        ({"subjects": [{"username": "a", "rules": [RULE]}], "batch_bytes": 0}, "batch_bytes"),
    ],
    "action": [
        ({"type": "http", "name": ".."}, "name"),
        ({"type": "http", "name": "a", "connector": ""}, "connector"),
    ],
    "api": [
        ({"path": ".."}, "path"),
        ({"path": "users/.."}, "path"),
        ({"path": "nodes", "method": "FETCH"}, "method"),
        ({"path": "nodes", "method": "POST", "paginate": True}, "paginate"),
        ({"path": "nodes", "api": "platform"}, "platform_url"),
        ({"path": ""}, "path"),
    ],
    "auth_user": [
        ({"username": "a", "password": ""}, "password"),
        ({"username": "a", "password": "", "update_password": "always"}, "password"),
        ({"password": "hunter3"}, "username"),
        ({**USER, "clientid": "b"}, "username"),
        ({"username": "", "password": "hunter3"}, "username"),
        ({"username": "..", "password": "hunter3"}, "username"),
        ({"clientid": ".", "state": "absent"}, "clientid"),
        ({**USER, "state": "gone"}, "state"),
        ({**USER, "is_superuser": "maybe"}, "is_superuser"),
    ],
    "auth_user_info": [
        ({"username": "a", "clientid": "b"}, "username"),
        ({"username": ".."}, "username"),
        ({"username": ""}, "username"),
        ({"kind": ["email"]}, "kind"),
        ({"limit": -1}, "limit"),
        ({"query": "["}, "query"),
        ({"username": "a", "kind": ["clientid"]}, "kind"),
    ],
    "auth_users": [
        ({"users": "a"}, "users"),
        ({"users": ["a"]}, "users[0]"),
        ({"users": [{"password": "hunter3"}]}, "users[0]"),
        ({"users": [{**USER, "clientid": "c"}]}, "users[0]"),
        ({"users": [{"username": "..", "password": "hunter3"}]}, "users[0]"),
        ({"users": [{"username": "", "password": "hunter3"}]}, "users[0]"),
        ({"users": [{**USER, "is_superuser": "maybe"}]}, "users[0].is_superuser"),
        ({"users": [USER, {"username": "a", "password": "hunter4"}]}, "users"),
        ({"users": [], "purge": True}, "users"),
        ({"users": [USER], "purge": True, "state": "absent"}, "purge"),
        ({"users": [USER], "batch_bytes": 0}, "batch_bytes"),
    ],
    "authenticator": [
        ({"mechanism": "..", "backend": ".."}, "mechanism"),
        ({"mechanism": ""}, "mechanism"),
        ({"mechanism": "jwt", "position": "middle"}, "position"),
        ({"mechanism": "jwt", "position": "before:"}, "position"),
        ({"backend": "http"}, "mechanism"),
    ],
    "authorization_cache": [
        ({}, "state"),
        ({"state": "absent", "clientid": ".."}, "clientid"),
        ({"state": "absent", "clientid": ""}, "clientid"),
    ],
    "authorization_settings": [
        ({}, "no_match"),
        ({"no_match": "maybe"}, "no_match"),
        ({"cache": {"ttl": "soon"}}, "cache.ttl"),
        ({"cache": {"max_size": 0}}, "cache.max_size"),
        ({"cache": {"excludes": "a,b"}}, "cache.excludes"),
        ({"cache": {"excludes": ["a/#/b"]}}, "cache.excludes"),
        ({"cache": "ttl=10s"}, "cache"),
    ],
    "authorization_source": [
        ({"type": ""}, "type"),
        ({"type": ".."}, "type"),
        ({"type": "file", "position": "middle"}, "position"),
    ],
    "banned": [
        ({}, "entries"),
        ({"entries": "a"}, "entries"),
        ({"entries": ["a"]}, "entries[0]"),
        ({"clientid": "a", "username": "b"}, "clientid"),
        ({"entries": [{"clientid": "a", "username": "b"}]}, "entries[0].clientid"),
        ({"clientid": ""}, "clientid"),
        ({"clientid": "."}, "clientid"),
        ({"entries": [{"username": ".."}]}, "entries[0].username"),
        ({"peerhost": "10.1"}, "peerhost"),
        ({"peerhost": "gateway"}, "peerhost"),
        ({"peerhost": "10.0.0.0/8"}, "peerhost"),
        ({"entries": [{"peerhost": "010.1.2.3"}]}, "entries[0].peerhost"),
        ({"clientid": "a", "until": "2020-01-01T00:00:00Z"}, "until"),
        ({"clientid": "a", "until": "tomorrow"}, "until"),
        ({"clientid": "a", "until": ""}, "until"),
        ({"clientid": "a", "until": "0s"}, "until"),
        ({"entries": [{"clientid": "a", "until": "1600000000"}]}, "entries[0].until"),
        ({"entries": [{"clientid": "a", "reason": "x"}, {"clientid": "a", "reason": "y"}]}, "entries"),
        ({"entries": [], "purge": True}, "entries"),
        ({"entries": [], "purge": True, "purge_all": True}, "kind"),
        ({"clientid": "a", "purge": True, "state": "absent"}, "purge"),
        ({"clientid": "a", "kind": ["ip"]}, "kind"),
        ({"clientid": "a", "purge": True, "purge_limit": "ten"}, "purge_limit"),
        ({"clientid": "a", "result_limit": -1}, "result_limit"),
    ],
    "banned_info": [
        ({"peerhost": "10.1"}, "peerhost"),
        ({"clientid": ""}, "clientid"),
        ({"clientid": ".."}, "clientid"),
        ({"clientid": "a", "username": "b"}, "clientid"),
        ({"clientid": "a", "kind": ["username"]}, "kind"),
        ({"kind": "ip"}, "kind"),
        ({"limit": 0}, "limit"),
        ({"query": "["}, "query"),
    ],
    "broker_info": [
        ({"gather": []}, "gather"),
        ({"gather": ["everything"]}, "gather"),
        ({"query": "["}, "query"),
    ],
    "client": [
        ({"state": "absent"}, "clientid"),
        ({"clientid": "a"}, "state"),
        ({"clientid": "a", "clientids": ["b"], "state": "absent"}, "clientid"),
        ({"clientids": "a,b", "state": "absent"}, "clientids"),
        ({"clientids": [""], "state": "absent"}, "clientids"),
        ({"clientid": "", "state": "absent"}, "clientid"),
        ({"clientids": [{"a": 1}], "state": "absent"}, "clientids"),
        ({"clientids": [True], "state": "absent"}, "clientids"),
        ({"clientid": "a", "state": "absent", "wait_timeout": -1}, "wait_timeout"),
        ({"clientids": ["a", ""], "state": "absent"}, "clientids"),
    ],
    "client_info": [
        ({"ip_address": "10.1"}, "ip_address"),
        ({"ip_address": ""}, "ip_address"),
        ({"clientid": ""}, "clientid"),
        ({"username": ""}, "username"),
        ({"conn_state": "online"}, "conn_state"),
        ({"connected_after": "yesterday"}, "connected_after"),
        ({"created_before": ""}, "created_before"),
        ({"limit": 0}, "limit"),
        ({"proto_ver": "five"}, "proto_ver"),
        ({"query": "["}, "query"),
        ({"node": ""}, "node"),
        ({"ip_address": "2001:db8::/32"}, "ip_address"),
    ],
    "config_info": [
        ({"gather": []}, "gather"),
        ({"gather": ["everything"]}, "gather"),
        ({"query": "["}, "query"),
    ],
    "connector": [
        ({"type": "http", "name": "a b"}, "name"),
        ({"type": "http", "name": ""}, "name"),
        ({"type": "http", "name": ".."}, "name"),
        ({"type": "", "name": "a"}, "type"),
        ({"type": "http", "name": "a", "config": "url"}, "config"),
        ({"type": "http", "name": "a", "wait_timeout": -1}, "wait_timeout"),
    ],
    "deployment": [
        ({"state": "started"}, "id"),
        ({"id": "d1"}, "state"),
        ({"id": "d1", "state": "running"}, "state"),
        ({"id": "d1", "name": "a", "state": "started"}, "id"),
        ({"id": "", "state": "started"}, "id"),
        ({"id": "..", "state": "started"}, "id"),
        ({"name": "", "state": "started"}, "name"),
        ({"id": "d1", "state": "started", "wait_timeout": -1}, "wait_timeout"),
        ({"id": "d1", "state": "started", "platform_url": "https://localhost/api/v5"}, "platform_url"),
        ({"id": "d1", "state": "started", "platform_url": "localhost"}, "https://HOST/public_api/v1"),
    ],
    "deployment_info": [
        ({"id": ""}, "id"),
        ({"id": ".."}, "id"),
        ({"name": ""}, "name"),
        ({"region": ""}, "region"),
        ({"limit": 0}, "limit"),
        ({"query": "["}, "query"),
    ],
    "project_info": [
        ({"id": ""}, "id"),
        ({"name": ""}, "name"),
        ({"limit": 0}, "limit"),
        ({"query": "["}, "query"),
    ],
    "tls_certificate": [
        ({"state": "absent"}, "deployment"),
        ({**PEM}, "deployment"),
        ({"deployment": "d1", "deployment_name": "a", **PEM}, "deployment"),
        ({"deployment": "", **PEM}, "deployment is empty"),
        ({"deployment_name": "", **PEM}, "deployment_name is empty"),
        ({"deployment": "..", "state": "absent"}, "deployment"),
        ({"deployment": "d1"}, "cert"),
        ({"deployment": "d1", "cert": PEM["cert"]}, "key"),
        ({"deployment": "d1", **PEM, "cert_path": "/dev/null"}, "cert_path"),
        ({"deployment": "d1", **PEM, "type": "both"}, "type"),
        ({"deployment": "d1", **PEM, "type": "two-way"}, "cacert"),
        ({"deployment": "d1", **PEM, "cacert": PEM["cert"]}, "cacert"),
        ({"deployment": "d1", **PEM, "type": "two-way", "cacert": PEM["cert"]}, "no CA certificate"),
        ({"deployment": "d1", **PEM, "cert": "x"}, "cert holds no certificate in PEM"),
        ({"deployment": "d1", **PEM, "key": "hunter3"}, "key holds no private key in PEM"),
        ({"deployment": "d1", **PEM, "mqtt_host": ""}, "mqtt_host"),
        ({"deployment": "d1", **PEM, "mqtt_port": 0}, "mqtt_port"),
        ({"deployment": "d1", **PEM, "warn_days": -1}, "warn_days"),
        ({"deployment": "d1", **PEM, "wait_timeout": -1}, "wait_timeout"),
        ({"deployment": "d1", "cert_path": "/nowhere", "key": PEM["key"]}, "cert_path"),
        ({"deployment": "d1", **PEM, "platform_url": "https://localhost/api/v5"}, "platform_url"),
    ],
    "publish": [
        ({}, "topic"),
        ({"topic": "a/#", "payload": "x"}, "topic"),
        ({"topic": "a/+/b", "payload": "x"}, "topic"),
        ({"topic": "", "payload": "x"}, "topic"),
        ({"messages": [{"topic": "t", "payload": "x"}, {"topic": "#", "payload": "x"}]}, "messages[1].topic"),
        ({"messages": "t"}, "messages"),
        ({"messages": ["t"]}, "messages[0]"),
        ({"messages": [{"topic": "t"}]}, "payload"),
        ({"topic": "t"}, "payload"),
        ({"payload": "x"}, "topic"),
        ({"topic": "t", "payload": "x", "qos": 3}, "qos"),
        ({"messages": [{"topic": "t", "payload": "x", "qos": 3}]}, "qos"),
        ({"topic": "t", "payload": "x!", "payload_encoding": "base64"}, "payload"),
        ({"topic": "t", "payload": {"a": 1}, "payload_encoding": "base64"}, "payload"),
        ({"topic": "t", "payload": "x", "payload_encoding": "hex"}, "payload_encoding"),
        ({"topic": "t", "payload": "x", "messages": []}, "messages"),
        ({"topic": "t", "payload": "x", "retain": "maybe"}, "retain"),
        ({"topic": "t", "payload": "x", "properties": {"content_type": 1}}, "properties"),
    ],
    "resource": [
        ({"name": "", "type": "web_hook"}, "name"),
        ({"name": "..", "type": "web_hook"}, "name"),
    ],
    "retained_message": [
        ({"topic": "a/#", "payload": "x"}, "topic"),
        ({"topic": "", "payload": "x"}, "topic"),
        ({"topic": "..", "payload": "x"}, "topic"),
        ({"topic": "+", "state": "absent"}, "topic"),
        ({"topic": "t"}, "payload"),
        ({"topic": "t", "payload": ""}, "payload"),
        ({"topic": "t", "payload": "x", "qos": 3}, "qos"),
    ],
    "retained_message_info": [
        ({"topic": "a/#"}, "topic"),
        ({"match": "a/#/b"}, "match"),
        ({"match": ""}, "match"),
        ({"topic": "t", "match": "t"}, "topic"),
        ({"limit": 0}, "limit"),
    ],
    "rule": [
        ({"id": "", "sql": "SELECT"}, "id"),
        ({"id": "..", "sql": "SELECT"}, "id"),
        ({"id": "a", "sql": ""}, "sql"),
        ({"id": "a", "sql": "SELECT", "actions": "console"}, "actions"),
        ({"id": "a", "sql": "SELECT", "actions": [1]}, "actions[0]"),
        ({"id": "a", "sql": "SELECT", "actions": [{"args": {}}]}, "actions[0]"),
        ({"id": "a", "sql": "SELECT", "enabled": "maybe"}, "enabled"),
    ],
    "rule_info": [
        ({"id": ".."}, "id"),
        ({"id": ""}, "id"),
        ({"match_topic": "a/#"}, "match_topic"),
        ({"limit": 0}, "limit"),
        ({"query": "["}, "query"),
    ],
    "shadow": [
        ({"shadow_id": ""}, "shadow_id"),
        ({"shadow_id": ".."}, "shadow_id"),
        ({"shadow_id": "long-enough-1", "document": "x"}, "document"),
        ({"shadow_id": "long-enough-1", "name": "a"}, "name"),
    ],
    "shadow_info": [
        ({"shadow_id": ".."}, "shadow_id"),
        ({"limit": 0}, "limit"),
    ],
    "source": [
        ({"type": "mqtt", "name": ".."}, "name"),
    ],
    "subscription": [
        ({"clientid": "c", "topics": "t"}, "topics"),
        ({"clientid": "c", "topics": ["t"]}, "topics[0]"),
        ({"clientid": "c", "topics": [{"topic": "a/#/b"}]}, "topics[0].topic"),
        ({"clientid": "c", "topics": [{"topic": "a+"}]}, "topics[0].topic"),
        ({"clientid": "c", "topics": [{"topic": ""}]}, "topics[0].topic"),
        ({"clientid": "c", "topics": [{"topic": "t", "qos": 3}]}, "qos"),
        ({"clientid": "..", "topics": [{"topic": "t"}]}, "clientid"),
        ({"clientid": "", "topics": [{"topic": "t"}]}, "clientid"),
        ({"clientid": "c", "topics": [{"topic": "t", "qos": 0}, {"topic": "t", "qos": 1}]}, "topics"),
        ({"clientid": "c", "topics": [], "state": "exact"}, "topics"),
    ],
    "subscription_info": [
        ({"match_topic": "a/#"}, "match_topic"),
        ({"clientid": ""}, "clientid"),
        ({"qos": 3}, "qos"),
        ({"share_group": ""}, "share_group"),
        ({"limit": 0}, "limit"),
        ({"topic": ""}, "topic"),
    ],
    "topic_info": [
        ({"topic": "a/#/b"}, "topic"),
        ({"topic": ""}, "topic"),
        ({"match": "a/#/b"}, "match"),
        ({"topic": "t", "match": "t"}, "topic"),
        ({"limit": 0}, "limit"),
    ],
    "topic_metrics": [
        ({"topics": "a,b"}, "topics"),
        ({"topics": ["a/#"]}, "topics[0]"),
        ({"topics": ["a", ""]}, "topics[1]"),
        ({"topics": [".."]}, "topics[0]"),
        ({"topics": [{"topic": "t"}]}, "topics"),
        ({"topics": [], "state": "exact"}, "topics"),
        ({"topics": ["a"], "state": "zero"}, "state"),
    ],
    "topic_metrics_info": [
        ({"topic": "a/#"}, "topic"),
        ({"topic": ".."}, "topic"),
        ({"topic": ""}, "topic"),
        ({"limit": 0}, "limit"),
    ],
    "wait_for": [
        ({"condition": "count"}, "gather"),
        ({"condition": "count", "gather": ["nodes"], "clients": {}}, "gather"),
        ({"condition": "count", "gather": []}, "gather"),
        ({"condition": "[", "gather": ["nodes"]}, "condition"),
        ({"condition": "", "gather": ["nodes"]}, "condition"),
        ({"condition": "count", "clients": "all"}, "clients"),
        ({"condition": "count", "clients": {"conn_state": "online"}}, "conn_state"),
        ({"condition": "count", "clients": {"connected_after": "x"}}, "connected_after"),
        ({"condition": "nodes", "gather": ["nodes"], "interval": 0}, "interval"),
        ({"condition": "nodes", "gather": ["nodes"], "wait_timeout": -1}, "wait_timeout"),
        ({"condition": "count", "clients": {"clientid": ""}}, "clientid"),
        ({"condition": "count", "clients": {"ip_address": "10.1"}}, "ip_address"),
    ],
}

# The same, where only one generation takes it for a mistake.
OF_ONE_GENERATION: list[tuple[str, str, dict[str, Any], str]] = [
    ("v4", "acl", {"username": "a", "rules": [{**RULE, "qos": [1]}]}, "qos"),
    ("v4", "acl", {"username": "a", "rules": [{**RULE, "retain": "true"}]}, "retain"),
    ("v4", "auth_user_info", {"is_superuser": True}, "is_superuser"),
    ("v4", "banned", {"peerhost_net": "10.0.0.0/8"}, "peerhost_net"),
    ("v4", "banned", {"entries": [{"clientid_re": "^a"}]}, "entries[0].clientid_re"),
    ("v4", "banned_info", {"kind": ["username_re"]}, "kind"),
    ("v5", "banned", {"peerhost_net": "10.1.2.3/8"}, "peerhost_net"),
    ("v4", "publish", {"topic": "a,b", "payload": "x"}, "topic"),
    ("v4", "publish", {"topic": "t", "payload": "x", "properties": {}}, "properties"),
    ("v4", "client", {"clientid": ".", "state": "absent"}, "clientid"),
    ("v4", "client_info", {"clientid": ".."}, "clientid"),
    ("v4", "client", {"clientids": ["a", ".."], "state": "absent"}, "clientids"),
    ("v5", "rule", {"id": "rule:x", "sql": "SELECT 1"}, "id"),
]

CASES = [
    pytest.param(generation, module, options, word, id=f"{generation}-{module}-{number}")
    for generation in ("v4", "v5")
    for module, mistakes in MISTAKES.items()
    if ONE_GENERATION.get(module, "v5" if module in OF_THE_PLATFORM else generation) == generation
    for number, (options, word) in enumerate(mistakes)
]
CASES += [pytest.param(*case, id=f"{case[0]}-{case[1]}-only-{number}") for number, case in enumerate(OF_ONE_GENERATION)]


@pytest.fixture(name="deployments", scope="module")
def fixture_deployments() -> Iterator[dict[str, Deployment | Platform]]:
    with Simulator.start(generation="v4") as v4, Simulator.start(generation="v5") as v5:
        yield {"v4": v4.deployments[0], "v5": v5.deployments[0], "platform": v5.platform}


@pytest.mark.parametrize(("generation", "module", "options", "word"), CASES)
def test_a_mistake_is_one_sentence_and_no_request(
    deployments: dict[str, Deployment | Platform], generation: str, module: str, options: dict[str, Any], word: str
) -> None:
    deployment = deployments["platform" if module in OF_THE_PLATFORM else generation]
    before = len(deployment.requests)
    code = importlib.import_module(PLUGINS + "modules." + module)
    task = importlib.import_module(PLUGINS + "module_utils._task")
    http = importlib.import_module(PLUGINS + "module_utils._http")
    given = {**connection(deployment), **options}
    result = task.run_directly(f"emqx.cloud.{module}", code.SPEC, code.run, given, False, True, http.Http)
    assert result.get("failed"), result
    assert word in result["msg"]
    assert "\n" not in result["msg"] and "Traceback" not in result["msg"] and "hunter3" not in result["msg"]
    assert len(deployment.requests) == before, result["msg"]
    assert not result.get("changed") and not result.get("requests")


def test_no_module_is_left_out() -> None:
    """What only an action does can be wrong in many ways, a sentence each: see its unit tests."""
    assert sorted([*MISTAKES, *ONLY_ACTIONS]) == MODULES
