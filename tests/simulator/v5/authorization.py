# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authorization sources and settings: /authorization.

Moves, PUT of the settings and all sources but the built-in database and the file are not recorded; they follow EMQX's
sources.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..answers import NO_CONTENT, Answer, Call
from ..routing import Routes
from ..state import State
from . import backends
from .protocol import Field, anything, bad_request, between, flag, json_of, not_found, one_of, text, validated

routes = Routes()

BUILT_IN = "built_in_database"
MAX_RULES = 100

# What 5.8.9 carries in its etc/acl.conf, and shows as the rules of the source of type `file`.
_DEFAULT_FILE = (Path(__file__).parent / "acl.conf").read_text(encoding="utf-8")

_CACHE = {
    "enable": Field(flag, default=True),
    "excludes": Field(anything, default=[]),
    "max_size": Field(between(1, 1_048_576), default=32),
    "ttl": Field(text, default="1m"),
}
_SETTINGS = {
    "cache": Field(lambda value, path: validated(value, _CACHE, path), required=True),
    "deny_action": Field(one_of("ignore", "disconnect"), required=True),
    "no_match": Field(one_of("allow", "deny"), required=True),
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


def _checked(data: Any) -> dict[str, Any]:
    kind = data.get("type") if isinstance(data, dict) else None
    kinds = one_of(BUILT_IN, "file", "http", "mysql")
    schema = {"type": Field(kinds, required=True), "enable": Field(flag, default=True)}
    if kind == BUILT_IN:
        schema["max_rules"] = Field(between(1, 10_000), default=MAX_RULES)
    elif kind == "file":
        schema["rules"] = Field(text, required=True)
    elif kind == "http":
        schema.update(backends.http(data.get("method")))
    elif kind == "mysql":
        schema.update(backends.sql())
    return validated(data, schema)


@routes("GET", "/authorization/sources")
def list_sources(state: State, call: Call) -> Answer:
    return Answer.json(200, {"sources": backends.masked(state.sources)})


@routes("POST", "/authorization/sources")
def create(state: State, call: Call) -> Answer:
    """In front of all others."""
    source = _checked(json_of(call))
    if any(known["type"] == source["type"] for known in state.sources):
        raise bad_request(f"{{duplicated_authz_source_type,{source['type']}}}")
    state.sources.insert(0, source)
    state.clean_caches()
    return NO_CONTENT


@routes("GET", "/authorization/sources/{kind}")
def show(state: State, call: Call, kind: str) -> Answer:
    return Answer.json(200, backends.masked(find(state, kind)))


@routes("DELETE", "/authorization/sources/{kind}")
def delete(state: State, call: Call, kind: str) -> Answer:
    """Deleting the built-in database while it is enabled deletes its rules."""
    source = find(state, kind)
    state.sources.remove(source)
    if kind == BUILT_IN and source["enable"]:
        state.acl.clear()
    state.clean_caches()
    return NO_CONTENT


@routes("PUT", "/authorization/sources/{kind}")
def replace(state: State, call: Call, kind: str) -> Answer:
    """What is left out goes back to its default."""
    held = find(state, kind)
    source = _checked(backends.unmasked(json_of(call), held))
    if source["type"] != kind:
        raise bad_request("Type mismatch")
    state.sources[state.sources.index(held)] = source
    state.clean_caches()
    return NO_CONTENT


@routes("POST", "/authorization/sources/{kind}/move")
def move(state: State, call: Call, kind: str) -> Answer:
    find(state, kind)
    position = validated(json_of(call), {"position": Field(text, required=True)})["position"]
    sources = {source["type"]: source for source in state.sources}
    try:
        order = backends.moved(list(sources), kind, position)
    except KeyError as missing:
        raise bad_request(f"{{type_not_found,{missing.args[0]}}}") from missing
    if order is None:
        raise bad_request("Invalid parameter. Unknow position")
    state.sources = [sources[name] for name in order]
    state.clean_caches()
    return NO_CONTENT


@routes("DELETE", "/authorization/cache")
def clean_cache(state: State, call: Call) -> Answer:
    state.clean_caches()
    return NO_CONTENT


@routes("GET", "/authorization/settings")
def show_settings(state: State, call: Call) -> Answer:
    return Answer.json(200, state.settings)


@routes("PUT", "/authorization/settings")
def change_settings(state: State, call: Call) -> Answer:
    """All of it has to be given."""
    state.settings = validated(json_of(call), _SETTINGS)
    return Answer.json(200, state.settings)
