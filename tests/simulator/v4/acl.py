# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access rules: /acl. Newest first is the order of evaluation, and a rule that is posted again is new."""

from __future__ import annotations

from functools import partial
from typing import Any
from zlib import crc32

from ..acl import ALL, CLIENTS, EVERYBODY, USERS, Rule
from ..answers import Answer, Call
from ..routing import Routes
from ..state import State
from .protocol import Crash, body_of, failure_without_code, page, success

routes = Routes()

LIMIT = 50

# `pubsub` is stored, and listed, as two rows.
_ACTIONS = {"pub": ("publish",), "sub": ("subscribe",), "pubsub": ("publish", "subscribe")}
_NAMES = {"publish": "pub", "subscribe": "sub"}
_ACCESS = {"allow": True, "deny": False}


def _row(kind: str, subject: str, rule: Rule) -> dict[str, Any]:
    access = "allow" if rule.allow else "deny"
    return {kind: subject, "topic": rule.topic, "action": _NAMES[rule.action], "access": access}


def _subject(item: dict[str, Any]) -> tuple[str, str]:
    """Kind and subject; 4.4 has no clause for both a user name and a client id."""
    given = [kind for kind in (USERS, CLIENTS) if kind in item]
    if len(given) > 1:
        raise Crash
    return (given[0], item[given[0]]) if given else (ALL, EVERYBODY)


def _in_order(rule: Rule) -> tuple[int, int, bool]:
    """Newest first. What one request stores has the time of one millisecond, and its order is a toss (of the topic)."""
    return -rule.serial, crc32(rule.topic.encode()), rule.action == "publish"


def _add(state: State, item: dict[str, Any], serial: int) -> dict[str, Any]:
    """The result of one item: what was sent, and `ok` or an error. Invalid filters are stored."""
    kind, subject = _subject(item)
    topic, action, access = item.get("topic"), item.get("action"), item.get("access")
    result = {kind: subject, "topic": topic, "action": action, "access": access, "result": "ok"}
    if not isinstance(topic, str):
        return {**result, "result": "{error,topic}"}
    if action not in _ACTIONS:
        return {**result, "result": "{error,action}"}
    if access not in _ACCESS:
        return {**result, "result": "{error,access}"}
    rules = state.acl.rules[kind].setdefault(subject, [])
    for one in _ACTIONS[action]:
        rules[:] = [rule for rule in rules if (rule.topic, rule.action) != (topic, one)]
        rules.insert(0, Rule(topic, one, _ACCESS[access], serial=serial))
    rules.sort(key=_in_order)
    return result


def _erlang(result: dict[str, Any]) -> str:
    """A map as Erlang prints it."""
    values = {name: "undefined" if value is None else f'<<"{value}">>' for name, value in result.items()}
    return "#{" + ",".join(f"{name} => {values[name]}" for name in sorted(values)) + "}"


@routes("POST", "/acl")
def add(state: State, call: Call) -> Answer:
    """The results of a batch come in reverse order, and its `code` is 0 whatever they are."""
    body, serial = body_of(call), state.next_serial()
    if isinstance(body, dict):
        result = _add(state, body, serial)
        if result["result"] != "ok":
            return failure_without_code(f"{{add,{_erlang(result)}}}")
        return success(result)
    if not body or not isinstance(body, list) or not all(isinstance(item, dict) for item in body):
        raise Crash
    return success([_add(state, item, serial) for item in body][::-1])


def _list(state: State, call: Call, kind: str) -> Answer:
    """Newest first, but within a page only."""
    query = call.query
    found = [
        (subject, rule, _row(kind, subject, rule)) for subject, rules in state.acl.rules[kind].items() for rule in rules
    ]
    for name in ("topic", "action", "access"):
        wanted = query.get(name)
        if wanted is not None:
            found = [entry for entry in found if entry[2][name] == wanted]
    for name in (kind, "topic"):
        part = query.get(f"_like_{name}")
        if part is not None:
            found = [entry for entry in found if part in entry[2][name]]
    # Which rows fall on which page is the order of a hash table.
    found.sort(key=lambda entry: crc32(str(entry[2].values()).encode()))
    entries, meta = page(call, found, filtered=False, hasnext=False, default_limit=LIMIT)
    rows = [row for _subject, _rule, row in sorted(entries, key=lambda entry: _in_order(entry[1]))]
    return success(rows, meta)


def _show(state: State, call: Call, kind: str, subject: str) -> Answer:
    """In the order of evaluation."""
    return success([_row(kind, subject, rule) for rule in state.acl.of(kind, subject)])


def _delete(state: State, call: Call, kind: str, topic: str, subject: str = EVERYBODY) -> Answer:
    """Every action of the topic. Code 0 also where there is nothing to delete."""
    kept = [rule for rule in state.acl.of(kind, subject) if rule.topic != topic]
    if kept:
        state.acl.rules[kind][subject] = kept
    else:
        state.acl.rules[kind].pop(subject, None)
    return success()


routes.add("GET", "/acl/$all", partial(_list, kind=ALL))
routes.add("DELETE", "/acl/$all/topic/{topic}", partial(_delete, kind=ALL))
for _kind in (USERS, CLIENTS):
    routes.add("GET", f"/acl/{_kind}", partial(_list, kind=_kind))
    routes.add("GET", f"/acl/{_kind}/{{subject}}", partial(_show, kind=_kind))
    routes.add("DELETE", f"/acl/{_kind}/{{subject}}/topic/{{topic}}", partial(_delete, kind=_kind))
