# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules, and the actions that they may have."""

from __future__ import annotations

import secrets
import time
from typing import Any

from ..answers import Answer, Call, Refused
from ..routing import Routes
from ..rules import Counters, ParseError, has_match, has_part, topics_of
from ..state import State
from .protocol import NODE, Crash, failure, object_of, page, success
from .resources import ACTIONS, completed, is_alive

routes = Routes()

REFUSED, MISSING = 400, 404
_SETTINGS = {"rawsql": str, "enabled": bool, "on_action_failed": str, "description": str}
_FILTERS = ("enabled", "for", "_like_id", "_like_for", "_match_for", "_like_description")


def _action(data: Any) -> dict[str, Any]:
    """An action as it is kept. EMQX 4.4 has no clause for a name that it has never heard."""
    if not isinstance(data, dict) or data.get("name") not in ACTIONS:
        raise Crash
    kept = {
        "name": data["name"],
        "id": f"{data['name']}_{time.time_ns()}",
        "params": completed(data.get("params", {}), ACTIONS[data["name"]]["params"]),
    }
    return {**kept, "fallbacks": [_action(item) for item in data.get("fallbacks", [])]}


def _is_connected(state: State, rule: dict[str, Any]) -> bool:
    """Whether all resources that the actions of a rule use have ever been connected."""
    used = [action["params"]["$resource"] for action in rule["actions"] if "$resource" in action["params"]]
    return all(name in state.resources and is_alive(state.resources[name]) for name in used)


def _changed(rule: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """A rule with what a body says; unknown fields are ignored."""
    changed = {**rule, **{name: data[name] for name, kind in _SETTINGS.items() if isinstance(data.get(name), kind)}}
    if "rawsql" in data or not rule:
        try:
            changed["for"] = topics_of(data.get("rawsql"))
        except ParseError as trouble:
            raise Refused(failure(REFUSED, f"Bad Arguments: {trouble}")) from trouble
    if "actions" in data:
        changed["actions"] = [_action(item) for item in data["actions"]]
    return changed


def _row(state: State, rule: dict[str, Any]) -> dict[str, Any]:
    """A rule as it is listed, with its counters."""
    counters = state.rule_counters.get(rule["id"], Counters())
    metrics = {"matched": counters.matched, "passed": counters.passed, "failed": 0, "exception": 0, "no_result": 0}
    speeds = {"speed": 0.0, "speed_max": 0.0, "speed_last5m": 0.0}
    actions = []
    for position, action in enumerate(rule["actions"]):
        done = {outcome: counters.actions[position, outcome] for outcome in ("success", "failed")}
        actions.append({**action, "metrics": [{"node": NODE, "taken": sum(done.values()), **done}]})
    return {**rule, "metrics": [{"node": NODE, **metrics, **speeds}], "actions": actions}


@routes("GET", "/rules")
def list_rules(state: State, call: Call) -> Answer:
    """The newest first."""
    query = call.query

    def wanted(rule: dict[str, Any]) -> bool:
        return (
            query.get("enabled") in (None, str(rule["enabled"]).lower())
            and query.get("for") is None  # it is compared with the whole list
            and has_part(query, "_like_id", [rule["id"]])
            and has_part(query, "_like_for", rule["for"])
            and has_part(query, "_like_description", [rule["description"]])
            and has_match(query, "_match_for", rule["for"])
        )

    found = [_row(state, rule) for rule in reversed(state.rules.values()) if wanted(rule)]
    rows, meta = page(call, found, filtered=any(name in query for name in _FILTERS))
    return success(rows, meta)


@routes("POST", "/rules")
def create_rule(state: State, call: Call) -> Answer:
    data = object_of(call)
    name = data.get("id", f"rule:{secrets.token_hex(4)}")
    if name in state.rules:
        return failure(REFUSED, "Already Exists")
    if not name:
        return failure(REFUSED, "Bad Arguments: {empty_string_not_allowed,id}")
    if "actions" not in data:
        raise Crash
    rule = {"description": "", "enabled": True, "on_action_failed": "continue", **_changed({}, data)}
    rule.update(id=name, created_at=time.time_ns() // 1_000_000)
    if not _is_connected(state, rule):
        rule["enabled"] = False
    state.rules[name] = rule
    return success(_row(state, rule))


@routes("GET", "/rules/{name}")
def show_rule(state: State, call: Call, name: str) -> Answer:
    return success(_row(state, state.rules[name])) if name in state.rules else failure(MISSING, "Not Found")


@routes("PUT", "/rules/{name}")
def update_rule(state: State, call: Call, name: str) -> Answer:
    if name not in state.rules:
        return failure(REFUSED, f"Rule {name} Not Found")
    changed = _changed(state.rules[name], object_of(call))
    if changed["enabled"] and not _is_connected(state, changed):
        return failure(REFUSED, "Bad Arguments: {resource_not_initialized,<<>>}")
    state.rules[name] = changed
    return success(_row(state, changed))


@routes("DELETE", "/rules/{name}")
def delete_rule(state: State, call: Call, name: str) -> Answer:
    """A success also where there is none."""
    state.rules.pop(name, None)
    state.rule_counters.pop(name, None)
    return success()


@routes("GET", "/actions")
def list_actions(state: State, call: Call) -> Answer:
    return success(list(ACTIONS.values()))


@routes("GET", "/actions/{name}")
def show_action(state: State, call: Call, name: str) -> Answer:
    return success(ACTIONS[name]) if name in ACTIONS else failure(MISSING, "Not Found")
