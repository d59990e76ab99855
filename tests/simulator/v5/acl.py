# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access rules of the built-in database: /authorization/sources/built_in_database/rules."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..acl import ALL, CLIENTS, EVERYBODY, USERS, Rule
from ..answers import NO_CONTENT, Answer, Call, Refused
from ..routing import Routes
from ..state import State
from . import authorization
from .protocol import (
    Field,
    bad_request,
    crash,
    error,
    invalid,
    json_of,
    listing,
    not_found,
    page,
    text,
    validated,
)

routes = Routes()

RULES = "/authorization/sources/built_in_database/rules"
_PATHS = {USERS: "users", CLIENTS: "clients"}
_NAMES = {USERS: "User", CLIENTS: "Client"}
_NOT_FOUND = {USERS: "Username Not Found", CLIENTS: "ClientID Not Found"}


def _symbol(*symbols: Any) -> Callable[[Any, str], Any]:
    """Like one_of, in the words that the rules' schema has for it."""

    def check(value: Any, path: str) -> Any:
        if value not in symbols:
            raise invalid(value=value, reason="not_a_enum_symbol", path=path)
        return value

    return check


def _qos_list(value: Any, path: str) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise invalid(path=path, got=value, expected_data_type="array")
    for position, one in enumerate(value, start=1):
        _symbol(0, 1, 2)(one, f"{path}.{position}")
    return tuple(value)


_RULE = {
    "topic": Field(text, required=True),
    "permission": Field(_symbol("allow", "deny"), required=True),
    "action": Field(_symbol("publish", "subscribe", "all"), required=True),
    "qos": Field(_qos_list, default=(0, 1, 2)),
    "retain": Field(_symbol("all", True, False), default="all"),
}


def _rules(state: State, value: Any, path: str) -> list[Rule]:
    if not isinstance(value, list):
        raise invalid(path=path, got=value, expected_data_type="array")
    rules = []
    for position, item in enumerate(value, start=1):
        data = validated(item, _RULE, f"{path}.{position}")
        retain = "all" if data["action"] == "subscribe" else data["retain"]  # it means nothing there, and reads `all`
        rules.append(Rule(data["topic"], data["action"], data["permission"] == "allow", data["qos"], retain))
    if len(rules) > authorization.find(state, authorization.BUILT_IN)["max_rules"]:
        raise bad_request("The rules length exceeds the maximum limit.")
    return rules


def _shown(rules: list[Rule]) -> list[dict[str, Any]]:
    return [
        {
            "topic": rule.topic,
            "action": rule.action,
            "permission": "allow" if rule.allow else "deny",
            "qos": list(rule.qos),
            "retain": rule.retain,
        }
        for rule in rules
    ]


def _subjects(state: State, kind: str) -> dict[str, list[Rule]]:
    authorization.find(state, authorization.BUILT_IN)
    return state.acl.rules[kind]


def _record(state: State, data: Any, kind: str) -> tuple[str, list[Rule]]:
    """The subject of a body and its rules."""
    schema = {
        kind: Field(text, required=True),
        "rules": Field(lambda value, path: _rules(state, value, path), required=True),
    }
    item = validated(data, schema)
    return item[kind], item["rules"]


def _list(state: State, call: Call, kind: str) -> Answer:
    """In descending order of name, as 5.8.9 has it in the recordings."""
    subjects = _subjects(state, kind)
    like = call.query.get(f"like_{kind}")
    names = sorted((name for name in subjects if like is None or like in name), reverse=True)
    found, meta = page(call, names, counted=like is None)
    return listing([{kind: name, "rules": _shown(subjects[name])} for name in found], meta)


def _create(state: State, call: Call, kind: str) -> Answer:
    """All or nothing, but the same subject twice is no conflict: the last wins."""
    subjects = _subjects(state, kind)
    items = json_of(call)
    if not isinstance(items, list):
        raise bad_request("Invalid json message received")
    records = [_record(state, item, kind) for item in items]
    for name, _found in records:
        if name in subjects:
            raise Refused(error(409, "ALREADY_EXISTS", f"{_NAMES[kind]} '{name}' already exist"))
    state.want_room_for_rules(sum(len(rules) for rules in dict(records).values()))
    subjects.update(records)
    return NO_CONTENT


def _show(state: State, call: Call, kind: str, name: str) -> Answer:
    subjects = _subjects(state, kind)
    if name not in subjects:
        raise not_found("Not Found")
    return Answer.json(200, {kind: name, "rules": _shown(subjects[name])})


def _put(state: State, call: Call, kind: str, name: str) -> Answer:
    """Makes or replaces; an empty list leaves an empty record."""
    subjects = _subjects(state, kind)
    named, rules = _record(state, json_of(call), kind)
    if named != name:
        raise crash("function_clause")
    state.want_room_for_rules(len(rules) - len(subjects.get(name, ())))
    subjects[name] = rules
    return NO_CONTENT


def _delete(state: State, call: Call, kind: str, name: str) -> Answer:
    if _subjects(state, kind).pop(name, None) is None:
        raise not_found(_NOT_FOUND[kind])
    return NO_CONTENT


for _kind, _path in _PATHS.items():
    routes.add("GET", f"{RULES}/{_path}", partial(_list, kind=_kind))
    routes.add("POST", f"{RULES}/{_path}", partial(_create, kind=_kind))
    routes.add("GET", f"{RULES}/{_path}/{{name}}", partial(_show, kind=_kind))
    routes.add("PUT", f"{RULES}/{_path}/{{name}}", partial(_put, kind=_kind))
    routes.add("DELETE", f"{RULES}/{_path}/{{name}}", partial(_delete, kind=_kind))


@routes("GET", RULES + "/all")
def show_all(state: State, call: Call) -> Answer:
    return Answer.json(200, {"rules": _shown(_subjects(state, ALL).get(EVERYBODY, []))})


@routes("POST", RULES + "/all")
def replace_all(state: State, call: Call) -> Answer:
    """One list for everybody: posting replaces it whole."""
    subjects = _subjects(state, ALL)
    schema = {"rules": Field(lambda value, path: _rules(state, value, path), required=True)}
    rules = validated(json_of(call), schema)["rules"]
    state.want_room_for_rules(len(rules) - len(subjects.get(EVERYBODY, ())))
    subjects[EVERYBODY] = rules
    return NO_CONTENT


@routes("DELETE", RULES + "/all")
def delete_all(state: State, call: Call) -> Answer:
    _subjects(state, ALL).clear()
    return NO_CONTENT


@routes("DELETE", RULES)
def purge(state: State, call: Call) -> Answer:
    if authorization.find(state, authorization.BUILT_IN)["enable"]:
        raise bad_request("'built_in_database' type source must be disabled before purge.")
    state.acl.clear()
    return NO_CONTENT
