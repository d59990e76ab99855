# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources, what the actions of rules connect to, and their types."""

from __future__ import annotations

import json
import secrets
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..answers import Answer, Call
from ..routing import Routes
from ..state import State
from .protocol import NODE, failure, object_of, success

routes = Routes()

REFUSED, MISSING = 400, 404
_DATA = json.loads((Path(__file__).parent / "rule_engine.json").read_text(encoding="utf-8"))
ACTIONS: dict[str, dict[str, Any]] = {action["name"]: action for action in _DATA["actions"]}
TYPES: dict[str, dict[str, Any]] = {kind["name"]: kind for kind in _DATA["resource_types"]}


def completed(given: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    """Parameters with the defaults of their specification."""
    return {**{name: field["default"] for name, field in spec.items() if "default" in field}, **given}


def is_alive(resource: dict[str, Any]) -> bool:
    """Whether its URL answers: tried on this machine, taken for granted elsewhere."""
    url = urlsplit(resource["config"]["url"])
    if url.hostname not in ("127.0.0.1", "localhost"):
        return True
    try:
        socket.create_connection((url.hostname, url.port or 80), timeout=1).close()
    except OSError:
        return False
    return True


def _problem(data: Any) -> Answer | None:
    """What is wrong with a type and its configuration."""
    kind, config = data.get("type"), data.get("config", {})
    if kind not in TYPES:
        return failure(REFUSED, f'Bad Arguments: {{resource_type_not_found,<<"{kind}">>}}')
    missing = [name for name, field in TYPES[kind]["params"].items() if field.get("required") and name not in config]
    return failure(REFUSED, f"Bad Arguments: {{required_field_missing,{missing[0]}}}") if missing else None


def _users(state: State, name: str) -> Answer | None:
    """The refusal where enabled rules depend on a resource; EMQX 4.4 doesn't look into fallbacks."""
    users = [
        f'<<"{rule["id"]}">>'
        for rule in state.rules.values()
        if rule["enabled"] and any(action["params"].get("$resource") == name for action in rule["actions"])
    ]
    if not users:
        return None
    return failure(REFUSED, f"Found rules [{','.join(users)}] depends on this resource, disable them first")


@routes("GET", "/resources")
def list_resources(state: State, call: Call) -> Answer:
    return success([{**resource, "status": is_alive(resource)} for resource in state.resources.values()])


@routes("POST", "/resources")
def create_resource(state: State, call: Call) -> Answer:
    """Also where there is no connection."""
    data = object_of(call)
    name = data.get("id", f"resource:{secrets.token_hex(4)}")
    if name in state.resources:
        return failure(REFUSED, "Already Exists")
    problem = _problem(data)
    if problem is not None:
        return problem
    state.resources[name] = {
        "id": name,
        "type": data["type"],
        "config": completed(data["config"], TYPES[data["type"]]["params"]),
        "description": data.get("description", ""),
    }
    return success(state.resources[name])


@routes("GET", "/resources/{name}")
def show_resource(state: State, call: Call, name: str) -> Answer:
    if name not in state.resources:
        return failure(MISSING, "Not Found")
    resource = state.resources[name]
    return success({**resource, "status": [{"node": NODE, "is_alive": is_alive(resource)}]})


@routes("PUT", "/resources/{name}")
def update_resource(state: State, call: Call, name: str) -> Answer:
    """The configuration is replaced as a whole, if no enabled rule uses it and it connects."""
    data = object_of(call)
    users = _users(state, name)
    if users is not None:
        return users
    if name not in state.resources:
        return failure(REFUSED, f"Resource not found:{name}")
    resource = state.resources[name]
    changed = {**resource, "description": data.get("description", resource["description"])}
    if data.get("config"):
        problem = _problem({**resource, "config": data["config"]})
        if problem is not None:
            return problem
        changed["config"] = completed(data["config"], TYPES[resource["type"]]["params"])
    if not is_alive(changed):
        return failure(REFUSED, f'Bad Arguments: {{error,{{resource_down,<<"probe:{secrets.token_hex(4)}">>}}}}')
    state.resources[name] = changed
    return success()


@routes("DELETE", "/resources/{name}")
def delete_resource(state: State, call: Call, name: str) -> Answer:
    """A success also where there is none."""
    users = _users(state, name)
    if users is not None:
        return users
    state.resources.pop(name, None)
    return success()


@routes("GET", "/resource_types")
def list_types(state: State, call: Call) -> Answer:
    return success(list(TYPES.values()))


@routes("GET", "/resource_types/{name}")
def show_type(state: State, call: Call, name: str) -> Answer:
    return success(TYPES[name]) if name in TYPES else failure(MISSING, "Not Found")
