# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules: /rules. The actions that they name need not exist."""

from __future__ import annotations

import re
import secrets
import time
from typing import Any

from ..answers import NO_CONTENT, Answer, Call, Refused
from ..routing import Routes
from ..rules import Counters, ParseError, has_match, has_part, topics_of
from ..state import State
from .protocol import NODE, bad_request, json_of, listing, not_found, page, rfc3339

routes = Routes()

_ID = "^[A-Za-z0-9]+[A-Za-z0-9-_]*$"
_FIELDS = {"name": "", "sql": None, "actions": [], "enable": True, "description": "", "metadata": {}}
_DROPPED = {"id", "status", "node_status", "node_metrics", "metrics", "node"}
_REPUBLISH = {
    "direct_dispatch": False,
    "mqtt_properties": {},
    "payload": "${payload}",
    "qos": "${qos}",
    "retain": "${retain}",
    "user_properties": "${user_properties}",
}
_FILTERS = ("like_id", "like_from", "match_from", "like_description", "from", "action")


def _refused(path: str, **details: str) -> Refused:
    """Erlang, in the order of the names."""
    fields = {"kind": "validation_error", "path": f'"{path}"', **details}
    return bad_request("Bad Arguments: #{" + ",".join(f"{name} => {fields[name]}" for name in sorted(fields)) + "}")


def _find(state: State, name: str) -> dict[str, Any]:
    if name not in state.rules:
        raise not_found("Rule Id Not Found")
    return state.rules[name]


def _action(path: str, action: Any) -> Any:
    """An action as it is listed: the arguments of a republish are completed."""
    if isinstance(action, dict) and action.get("function") == "republish":
        args = action.get("args", {})
        unknown = [name for name in args if name not in _REPUBLISH and name != "topic"]
        if unknown or "topic" not in args:
            if unknown:
                raise _refused(f"{path}.actions.1.args", reason="unknown_fields", unknown=f'"{unknown[0]}"')
            raise _refused(f"{path}.actions.1.args.topic", reason="required_field")
        return {"function": "republish", "args": {**_REPUBLISH, **args}}
    return action


def _stored(state: State, name: str, data: Any) -> dict[str, Any]:
    """A rule that is new or was there, with what a body says put over it."""
    path = f"rule_engine.rules.{name}"
    if not re.match(_ID, name):
        raise _refused(
            "rule_engine.rules",
            expected_data_type=f'<<"{_ID}">>',
            got=f'"{name}"',
            reason="invalid_map_key",
        )
    given = {key: value for key, value in data.items() if key not in _DROPPED}
    unknown = [key for key in given if key not in _FIELDS]
    if unknown:
        raise _refused(path, reason="unknown_fields", unknown=f'"{unknown[0]}"', unmatched='"name"')
    now = rfc3339(time.time())
    rule = {**_FIELDS, "id": name, "created_at": now, **state.rules.get(name, {}), **given, "last_modified_at": now}
    rule.pop("metadata")
    if rule["sql"] is None:
        raise _refused(path + ".sql", reason="required_field")
    try:
        rule["from"] = topics_of(rule["sql"])
    except ParseError as trouble:
        raise _refused(path + ".sql", reason=str(trouble), value=f'<<"{rule["sql"]}">>') from trouble
    rule["actions"] = [_action(path, action) for action in rule["actions"]]
    state.rules[name] = rule
    return rule


@routes("GET", "/rules")
def list_rules(state: State, call: Call) -> Answer:
    query = call.query

    def wanted(rule: dict[str, Any]) -> bool:
        return (
            query.get("enable") in (None, str(rule["enable"]).lower())
            and query.get("from") in (None, *rule["from"])
            and ("action" not in query or any(action in query.all("action") for action in rule["actions"]))
            and has_part(query, "like_id", [rule["id"]])
            and has_part(query, "like_from", rule["from"])
            and has_part(query, "like_description", [rule["description"]])
            and has_match(query, "match_from", rule["from"])
        )

    found = [rule for rule in state.rules.values() if wanted(rule)]
    rows, meta = page(call, found, counted=not any(name in query for name in _FILTERS), exact=True)
    return listing(rows, meta)


@routes("POST", "/rules")
def create_rule(state: State, call: Call) -> Answer:
    data = json_of(call)
    name = data.get("id", secrets.token_hex(4))
    if name in state.rules:
        raise bad_request("rule id already exists")
    return Answer.json(201, _stored(state, name, data))


@routes("GET", "/rules/{name}")
def show_rule(state: State, call: Call, name: str) -> Answer:
    return Answer.json(200, _find(state, name))


@routes("PUT", "/rules/{name}")
def put_rule(state: State, call: Call, name: str) -> Answer:
    """Merges, and makes what isn't there."""
    return Answer.json(200, _stored(state, name, json_of(call)))


@routes("DELETE", "/rules/{name}")
def delete_rule(state: State, call: Call, name: str) -> Answer:
    _find(state, name)
    del state.rules[name]
    state.rule_counters.pop(name, None)
    return NO_CONTENT


@routes("GET", "/rules/{name}/metrics")
def show_metrics(state: State, call: Call, name: str) -> Answer:
    _find(state, name)
    counters = state.rule_counters.get(name, Counters())
    done, failed = counters.outcome("success"), counters.outcome("failed")
    metrics = {
        "matched": counters.matched,
        "passed": counters.passed,
        "failed": 0,
        "failed.exception": 0,
        "failed.no_result": 0,
        "actions.total": done + failed,
        "actions.failed": failed,
        "actions.failed.out_of_service": 0,
        "actions.failed.unknown": failed,
        "actions.success": done,
        "actions.discarded": 0,
        "matched.rate": 0.0,
        "matched.rate.max": 0.0,
        "matched.rate.last5m": 0.0,
    }
    return Answer.json(200, {"id": name, "metrics": metrics, "node_metrics": [{"node": NODE, "metrics": metrics}]})
