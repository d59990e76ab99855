# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials: /auth_username and /auth_clientid, which differ in their name only."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..answers import Answer, Call
from ..routing import Routes
from ..state import CLIENTID, USERNAME, State, User
from .protocol import Crash, body_of, failure_without_code, object_of, page, success

routes = Routes()


def _row(user: User, kind: str) -> dict[str, Any]:
    return {kind: user.name, "created_at": int(user.created_at * 1000)}


def _list(state: State, call: Call, kind: str) -> Answer:
    """Newest first. A broker does so within a page only; what falls on which page is the order of its hash table."""
    like = call.query.get(f"_like_{kind}")
    users = [user for user in state.users[kind].values() if like is None or like in user.name]
    rows, meta = page(call, reversed(users), filtered=like is not None)
    return success([_row(user, kind) for user in rows], meta)


def _create(state: State, call: Call, kind: str) -> Answer:
    body = body_of(call)
    if body == [] or not isinstance(body, (dict, list)):
        raise Crash
    if isinstance(body, dict):
        trouble = _create_one(state, body, kind)
        return success() if trouble is None else failure_without_code(trouble)
    results: dict[str, str] = {}
    for item in body:
        if not isinstance(item, dict):
            raise Crash
        name = item.get(kind)
        # The same name twice in a batch has one result, of the first: EMQX 4.4 answers {"d": "ok"} to three of them.
        trouble = _create_one(state, item, kind)
        results.setdefault(str(name), "ok" if trouble is None else f"{{error,{trouble}}}")
    return success(results)


def _create_one(state: State, item: dict[str, Any], kind: str) -> str | None:
    """What is wrong, in the words of EMQX 4.4, or None."""
    name, password = item.get(kind), item.get("password")
    if not isinstance(name, str) or not name:
        return "login"
    if not isinstance(password, str) or not password:
        return "password"
    if name in state.users[kind]:
        return "existed"
    state.add_user(User(name, password), kind)
    return None


def _show(state: State, call: Call, kind: str, name: str) -> Answer:
    user = state.users[kind].get(name)
    return success({} if user is None else _row(user, kind))


def _change(state: State, call: Call, kind: str, name: str) -> Answer:
    password = object_of(call).get("password")
    if not isinstance(password, str) or not password:
        return failure_without_code("password")
    user = state.users[kind].get(name)
    if user is None:
        return failure_without_code("noexisted")
    user.password = password
    return success()


def _delete(state: State, call: Call, kind: str, name: str) -> Answer:
    state.users[kind].pop(name, None)
    return success()


for _kind in (USERNAME, CLIENTID):
    routes.add("GET", f"/auth_{_kind}", partial(_list, kind=_kind))
    routes.add("POST", f"/auth_{_kind}", partial(_create, kind=_kind))
    routes.add("GET", f"/auth_{_kind}/{{name}}", partial(_show, kind=_kind))
    routes.add("PUT", f"/auth_{_kind}/{{name}}", partial(_change, kind=_kind))
    routes.add("DELETE", f"/auth_{_kind}/{{name}}", partial(_delete, kind=_kind))
