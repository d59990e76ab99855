# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data integration: /connectors, /actions and /sources. The types `http` and `mqtt` are known."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from ..answers import NO_CONTENT, Answer, Call, Refused
from ..routing import Routes
from ..state import State
from .protocol import (
    NODE,
    Field,
    anything,
    bad_request,
    between,
    error,
    flag,
    invalid,
    json_of,
    not_found,
    one_of,
    qos,
    text,
    validated,
)

routes = Routes()

MASK = "******"
MASKED = ("password", "authorization", "proxy-authorization")
NAME = re.compile(r"[A-Za-z0-9]+[A-Za-z0-9_-]*")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SECONDS = 0.2
DEFAULT_PORTS = {"https": 443, "mqtt": 1883}

Schema = Mapping[str, Field]


def _complete(schema: Schema, value: Any, path: str) -> dict[str, Any]:
    """An object with its defaults; what has none and isn't given is not there."""
    return {name: found for name, found in validated(value, schema, path).items() if found is not None}


def _nested(schema: Schema, *, required: bool = False) -> Field:
    check = partial(_complete, schema)
    return Field(check, required=required, default=None if required else check({}, "root"))


def _headers(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid(value=value, reason="not_map", path=path)
    return value


_SSL = _nested(
    {
        "cacertfile": Field(text),
        "certfile": Field(text),
        "ciphers": Field(anything, default=[]),
        "depth": Field(between(0, 255), default=10),
        "enable": Field(flag, default=False),
        "hibernate_after": Field(text, default="5s"),
        "keyfile": Field(text),
        "log_level": Field(text, default="notice"),
        "password": Field(text),
        "reuse_sessions": Field(flag, default=True),
        "secure_renegotiate": Field(flag, default=True),
        "server_name_indication": Field(text),
        "verify": Field(one_of("verify_none", "verify_peer"), default="verify_none"),
        "versions": Field(anything, default=["tlsv1.3", "tlsv1.2"]),
    }
)

_COMMON: dict[str, Field] = {
    "description": Field(text, default=""),
    "enable": Field(flag, default=True),
    "tags": Field(anything),
}

_CONNECTOR: dict[str, Field] = {
    **_COMMON,
    "pool_size": Field(between(1, 1_000_000), default=8),
    "resource_opts": _nested(
        {
            "health_check_interval": Field(text, default="15s"),
            "start_after_created": Field(flag, default=True),
            "start_timeout": Field(text, default="5s"),
        }
    ),
    "ssl": _SSL,
}

# What 5.8.9 sends as a client of HTTP where no headers are given.
_DEFAULT_HEADERS = {
    "accept": "application/json",
    "cache-control": "no-cache",
    "connection": "keep-alive",
    "content-type": "application/json",
    "keep-alive": "timeout=5",
}

_CHANNEL: dict[str, Field] = {
    **_COMMON,
    "connector": Field(text, required=True),
    "created_at": Field(anything),
    "last_modified_at": Field(anything),
}

_ACTION: dict[str, Field] = {
    **_CHANNEL,
    "resource_opts": _nested(
        {
            "health_check_interval": Field(text, default="15s"),
            "inflight_window": Field(between(1, 1_000_000), default=100),
            "max_buffer_bytes": Field(text, default="256MB"),
            "query_mode": Field(one_of("async", "sync"), default="async"),
            "request_ttl": Field(text, default="45s"),
            "worker_pool_size": Field(between(1, 1024), default=16),
        }
    ),
}

# The connectors, actions and sources by type. Those of mqtt are as the schema of EMQX has them; they are not recorded.
_SCHEMAS: dict[str, dict[str, Schema]] = {
    "connectors": {
        "http": {
            **_CONNECTOR,
            "url": Field(text, required=True),
            "connect_timeout": Field(text, default="15s"),
            "enable_pipelining": Field(between(1, 1_000_000), default=100),
            "headers": Field(_headers, default=_DEFAULT_HEADERS),
            "max_inactive": Field(text),
            "pool_type": Field(one_of("random", "hash"), default="random"),
        },
        "mqtt": {
            **_CONNECTOR,
            "server": Field(text, required=True),
            "bridge_mode": Field(flag, default=False),
            "clean_start": Field(flag, default=True),
            "clientid_prefix": Field(text),
            "keepalive": Field(text, default="160s"),
            "max_inflight": Field(between(0, 65_535), default=32),
            "password": Field(text),
            "proto_ver": Field(one_of("v3", "v4", "v5"), default="v4"),
            "retry_interval": Field(text, default="15s"),
            "static_clientids": Field(anything, default=[]),
            "username": Field(text),
        },
    },
    "actions": {
        "http": {
            **_ACTION,
            "parameters": _nested(
                {
                    "body": Field(text),
                    "headers": Field(_headers, default={}),
                    "max_retries": Field(between(0, 1000), default=2),
                    "method": Field(one_of("post", "put", "get", "delete"), default="post"),
                    "path": Field(text),
                },
                required=True,
            ),
        },
        "mqtt": {
            **_ACTION,
            "parameters": _nested(
                {
                    "payload": Field(text),
                    "qos": Field(anything, default=1),
                    "retain": Field(anything, default=False),
                    "topic": Field(text, required=True),
                },
                required=True,
            ),
        },
    },
    "sources": {
        "mqtt": {
            **_CHANNEL,
            "parameters": _nested({"qos": Field(qos, default=1), "topic": Field(text, required=True)}, required=True),
            "resource_opts": _nested({"health_check_interval": Field(text, default="15s")}),
        },
    },
}

_LABELS = {"connectors": "connector", "actions": "bridge", "sources": "bridge"}


def _held(state: State, kind: str) -> dict[str, dict[str, Any]]:
    """What is stored of a kind, by `type:name`: with its defaults, and its secrets in clear."""
    return {"connectors": state.connectors, "actions": state.actions, "sources": state.data_sources}[kind]


def _find(state: State, kind: str, key: str) -> dict[str, Any]:
    label = _LABELS[kind]
    parts = key.split(":")
    if len(parts) != 2:
        raise not_found(f"Invalid {label} ID, should be of pattern {{type}}:{{name}}, but got {key}")
    if not any(parts[0] in schemas for schemas in _SCHEMAS.values()):
        raise not_found(f"Invalid {label} ID, unknown {label} type: {parts[0]}")
    found = _held(state, kind).get(key)
    if found is None:
        raise not_found(
            f"{label.capitalize()} lookup failed: {label} named '{parts[1]}' of type {parts[0]} does not exist."
        )
    return found


def _stored(state: State, kind: str, type_: str, name: str, config: Any, old: Mapping[str, Any]) -> dict[str, Any]:
    """What becomes of a body. Everything that is not in it goes back to its default; stars keep what is there."""
    whole = {"type": type_, "name": name, **_complete(_SCHEMAS[kind][type_], _kept(config, old), "root")}
    if kind != "connectors":
        if f"{type_}:{whole['connector']}" not in state.connectors:
            raise _no_connector(kind, whole)
        now = int(time.time() * 1000)
        whole.update(created_at=old.get("created_at", now), last_modified_at=now)
    return whole


def _no_connector(kind: str, whole: Mapping[str, Any]) -> Refused:
    details = {
        "reason": "connector_not_found_or_wrong_type",
        "connector_name": whole["connector"],
        "conf_root_key": kind,
        "bridge_type": whole["type"],
        "bridge_name": whole["name"],
    }
    return bad_request(json.dumps(details, separators=(",", ":")))


def _kept(new: Any, old: Any, name: str = "") -> Any:
    if isinstance(new, dict):
        held = old if isinstance(old, Mapping) else {}
        return {key: _kept(value, held.get(key), key) for key, value in new.items()}
    return old if new == MASK and name.lower() in MASKED and old is not None else new


def _masked(value: Any, name: str = "") -> Any:
    """As it is shown: also in lists, where stars that come back are stored (that follows EMQX's sources)."""
    if isinstance(value, dict):
        return {key: _masked(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    return MASK if name.lower() in MASKED and isinstance(value, str) else value


# What state it is in


def _reach(address: str) -> tuple[str, str | None]:
    """The status of a connector to an address, such as `http://127.0.0.1:9910`. Only this machine is ever asked."""
    url = urlsplit(address if "://" in address else "mqtt://" + address)
    if url.hostname not in LOOPBACK:
        return "disconnected", "nxdomain"
    try:
        socket.create_connection((url.hostname, url.port or DEFAULT_PORTS.get(url.scheme, 80)), SECONDS).close()
    except OSError:
        return "disconnected", "Connection refused"
    return "connected", None


def _status(state: State, kind: str, whole: Mapping[str, Any]) -> tuple[str, str | None]:
    if not whole["enable"]:
        return "stopped", None
    if kind == "connectors":
        return _reach(whole.get("url") or whole.get("server") or "")
    connector = state.connectors[f"{whole['type']}:{whole['connector']}"]
    if not connector["enable"]:
        return "connecting", "Not installed"
    return _status(state, "connectors", connector)


def _watch(state: State, kind: str, whole: Mapping[str, Any], gone: bool = False) -> None:
    """Raise the alarm of what is in use and not connected, or end it."""
    connector = "" if kind == "connectors" else f":connector:{whole['type']}:{whole['connector']}"
    name = f"{kind[:-1]}:{whole['type']}:{whole['name']}{connector}"
    status, reason = ("stopped", None) if gone else _status(state, kind, whole)
    if status in ("connected", "stopped"):
        state.monitor.alarms.deactivate(name)
        return
    why = reason if kind == "connectors" else "#{error => not_added_yet,status => disconnected}"
    state.monitor.alarms.activate(name, f"resource down: {why}", {"reason": "resource_down", "resource_id": name})


def _rules_with(state: State, kind: str, key: str) -> list[str]:
    if kind == "actions":
        return [name for name, rule in state.rules.items() if key in rule.get("actions", ())]
    return [name for name, rule in state.rules.items() if f"$bridges/{key}" in rule.get("from", ())]


def _channels(state: State, kind: str, connector: Mapping[str, Any]) -> list[dict[str, Any]]:
    same = (connector["type"], connector["name"])
    return [found for found in _held(state, kind).values() if (found["type"], found["connector"]) == same]


def _row(state: State, kind: str, whole: Mapping[str, Any]) -> dict[str, Any]:
    status, reason = _status(state, kind, whole)
    told = {"status": status, **({"status_reason": reason} if reason else {})}
    row = {**_masked(dict(whole)), **told, "node_status": [{"node": NODE, **told}]}
    if kind == "connectors":
        row.update({name: [each["name"] for each in _channels(state, name, whole)] for name in ("actions", "sources")})
        return row
    if reason:
        row["error"] = reason
    return {**row, "rules": _rules_with(state, kind, f"{whole['type']}:{whole['name']}")}


# The calls, the same for the three


def _list(kind: str, state: State, call: Call) -> Answer:
    return Answer.json(200, [_row(state, kind, whole) for whole in _held(state, kind).values()])


def _create(kind: str, state: State, call: Call) -> Answer:
    body = json_of(call)
    if not isinstance(body, dict):
        raise invalid(value=body, reason="not_map", path="root")
    type_, name = body.get("type"), body.get("name")
    if type_ not in _SCHEMAS[kind]:
        label = _LABELS[kind]
        raise invalid(value=type_, reason=f"unknown {label} type", path="root", field_name="type")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise invalid(value=name, reason="invalid_map_key", path=f"root.{kind}")
    key = f"{type_}:{name}"
    if key in _held(state, kind):
        raise Refused(error(400, "ALREADY_EXISTS", f"{_LABELS[kind]} already exists"))
    config = {field: value for field, value in body.items() if field not in ("type", "name")}
    whole = _held(state, kind)[key] = _stored(state, kind, type_, name, config, {})
    _watch(state, kind, whole)
    return Answer.json(201, _row(state, kind, whole))


def _show(kind: str, state: State, call: Call, key: str) -> Answer:
    return Answer.json(200, _row(state, kind, _find(state, kind, key)))


def _replace(kind: str, state: State, call: Call, key: str) -> Answer:
    old = _find(state, kind, key)
    whole = _stored(state, kind, old["type"], old["name"], json_of(call), old)
    _held(state, kind)[key] = whole
    _watch(state, kind, whole)
    return Answer.json(200, _row(state, kind, whole))


def _enable(kind: str, state: State, call: Call, key: str, enable: str) -> Answer:
    whole = _find(state, kind, key)
    if enable not in ("true", "false"):
        raise invalid(value=enable, reason="not_boolean", path="enable")
    whole["enable"] = enable == "true"
    _watch(state, kind, whole)
    return NO_CONTENT


def _delete(kind: str, state: State, call: Call, key: str) -> Answer:
    whole = _find(state, kind, key)
    if kind == "connectors":
        users = {
            f"{name[:-1]}:{each['type']}:{each['name']}:connector:{key}": {
                **each,
                "config_root": name,
            }
            for name in ("actions", "sources")
            for each in _channels(state, name, whole)
        }
        if users:
            raise bad_request(_active_channels(users))
    rules = [] if kind == "connectors" else _rules_with(state, kind, key)
    if rules:
        message = "Cannot delete action while active rules are depending on it"
        raise Refused(Answer.json(400, {"code": "BAD_REQUEST", "message": message, "rules": rules}))
    del _held(state, kind)[key]
    _watch(state, kind, whole, gone=True)
    return NO_CONTENT


for _kind in _SCHEMAS:
    routes.add("GET", f"/{_kind}", partial(_list, _kind))
    routes.add("POST", f"/{_kind}", partial(_create, _kind))
    routes.add("GET", f"/{_kind}/{{key}}", partial(_show, _kind))
    routes.add("PUT", f"/{_kind}/{{key}}", partial(_replace, _kind))
    routes.add("DELETE", f"/{_kind}/{{key}}", partial(_delete, _kind))
    routes.add("PUT", f"/{_kind}/{{key}}/enable/{{enable}}", partial(_enable, _kind))


# What 5.8.9 prints when a connector is used: all that hangs on it as Erlang terms, secrets included.

_ATOMS = ("buffer_mode", "config_root", "method", "query_mode")
_DURATION = re.compile(r"(\d+)s")
_SIZE = re.compile(r"(\d+)MB")


def _active_channels(users: Mapping[str, Mapping[str, Any]]) -> str:
    parts = []
    for channel, whole in users.items():
        term = {**whole, "bridge_name": whole["name"], "bridge_type": whole["type"]}
        del term["name"], term["type"]
        if term["config_root"] == "actions":
            term["resource_opts"] = {**term["resource_opts"], "buffer_mode": "memory_only"}
        parts.append(f'{{<<"{channel}">>,{_term(term)}}}')
    said = "Cannot delete connector while there are active channels defined for this connector"
    return f'{{<<"{said}">>,[{",".join(parts)}]}}'


def _term(value: Any, name: str = "") -> str:
    if isinstance(value, dict):
        return "#{" + ",".join(f"{key} => {_term(value[key], key)}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_term, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str) or name in _ATOMS:
        return str(value)
    seconds, size = _DURATION.fullmatch(value), _SIZE.fullmatch(value)
    if seconds:
        return str(int(seconds[1]) * 1000)
    if size:
        return str(int(size[1]) << 20)
    return f'<<"{value}">>' if value else "<<>>"
