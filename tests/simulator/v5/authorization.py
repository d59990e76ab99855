# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authorization sources and settings: /authorization."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..answers import NO_CONTENT, Answer, Call
from ..routing import Routes
from ..state import State
from .protocol import Field, bad_request, between, flag, json_of, not_found, one_of, validated

routes = Routes()

BUILT_IN = "built_in_database"
MAX_RULES = 100

# What 5.8.9 carries in its etc/acl.conf, and shows as the rules of the source of type `file`.
_DEFAULT_FILE = (Path(__file__).parent / "acl.conf").read_text(encoding="utf-8")

_SCHEMA = {
    "type": Field(one_of(BUILT_IN), required=True),
    "enable": Field(flag, default=True),
    "max_rules": Field(between(1, 10_000), default=MAX_RULES),
}

SETTINGS = {
    "cache": {"enable": True, "excludes": [], "max_size": 32, "ttl": "1m"},
    "deny_action": "ignore",
    "no_match": "allow",
}


def prepare(state: State) -> None:
    """A broker starts with its file; EMQX Cloud puts the built-in database first."""
    state.sources.append({"type": "file", "enable": True, "rules": _DEFAULT_FILE})
    if not state.bare:
        state.sources.insert(0, {"type": BUILT_IN, "enable": True, "max_rules": MAX_RULES})


def find(state: State, kind: str) -> dict[str, Any]:
    source = next((source for source in state.sources if source["type"] == kind), None)
    if source is None:
        raise not_found(f"Not found: {kind}")
    return source


@routes("GET", "/authorization/sources")
def list_sources(state: State, call: Call) -> Answer:
    return Answer.json(200, {"sources": state.sources})


@routes("POST", "/authorization/sources")
def create(state: State, call: Call) -> Answer:
    source = validated(json_of(call), _SCHEMA)
    if any(known["type"] == source["type"] for known in state.sources):
        raise bad_request(f"{{duplicated_authz_source_type,{source['type']}}}")
    state.sources.insert(0, source)
    return NO_CONTENT


@routes("GET", "/authorization/sources/{kind}")
def show(state: State, call: Call, kind: str) -> Answer:
    return Answer.json(200, find(state, kind))


@routes("DELETE", "/authorization/sources/{kind}")
def delete(state: State, call: Call, kind: str) -> Answer:
    """Deleting the built-in database while it is enabled deletes its rules."""
    source = find(state, kind)
    state.sources.remove(source)
    if kind == BUILT_IN and source["enable"]:
        state.acl.clear()
    return NO_CONTENT


@routes("PUT", "/authorization/sources/{kind}")
def replace(state: State, call: Call, kind: str) -> Answer:
    source = validated(json_of(call), _SCHEMA)
    if source["type"] != kind:
        raise bad_request("Type mismatch")
    state.sources[state.sources.index(find(state, kind))] = source
    return NO_CONTENT


@routes("DELETE", "/authorization/cache")
def clean_cache(state: State, call: Call) -> Answer:
    state.clean_caches()
    return NO_CONTENT


@routes("GET", "/authorization/settings")
def show_settings(state: State, call: Call) -> Answer:
    return Answer.json(200, SETTINGS)
