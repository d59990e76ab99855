# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users of the built-in database: /authentication/{authenticator}/users and import_users."""

from __future__ import annotations

from typing import Any

from ..answers import NO_CONTENT, Answer, Call, Refused
from ..routing import Routes
from ..state import HashedPassword, State, User
from . import authentication
from .protocol import Field, bad_request, error, flag, json_of, listing, not_found, page, text, validated

routes = Routes()

USERS = "/authentication/{authenticator}/users"
USER = USERS + "/{name}"

_CREATE = {"user_id": Field(text, required=True), "password": Field(text, required=True), "is_superuser": Field(flag)}
_CHANGE = {"password": Field(text, required=True), "is_superuser": Field(flag)}
_SECRETS = {"plain": ("password",), "hash": ("password_hash", "salt")}


def _users(state: State, authenticator: str) -> dict[Any, User]:
    return state.users[authentication.find(state, authenticator)["user_id_type"]]


def _row(user: User) -> dict[str, Any]:
    return {"user_id": user.name, "is_superuser": user.is_superuser}


def _term_order(name: Any) -> tuple[int, Any]:
    """Erlang's order of terms: numbers, then atoms (null), then strings."""
    if isinstance(name, str):
        return 2, name
    return (1, "") if name is None else (0, name)


@routes("GET", USERS)
def list_users(state: State, call: Call, authenticator: str) -> Answer:
    """In descending order of name."""
    users: Any = _users(state, authenticator)
    superusers, like = call.query.get("is_superuser"), call.query.get("like_user_id")
    names = sorted(users, key=_term_order, reverse=True)
    if superusers is not None:
        names = [name for name in names if users[name].is_superuser == (superusers == "true")]
    if like is not None:
        odd = [name for name in names if not isinstance(name, str)]
        if odd:
            # A user that import_users let in under a number or null breaks the search for everybody.
            trace = f"[{{binary,match,[{odd[0]}]}}]"
            raise bad_request(f"User error: {{exception,\n{' ' * 16}{{error,badarg,\n{' ' * 20}{trace}}}}}")
        names = [name for name in names if like in name]
    rows, meta = page(call, names, counted=like is None)
    return listing([_row(users[name]) for name in rows], meta)


@routes("POST", USERS)
def create(state: State, call: Call, authenticator: str) -> Answer:
    """An empty password is accepted."""
    users = _users(state, authenticator)
    data = validated(json_of(call), _CREATE)
    name = data["user_id"]
    if not name:
        raise bad_request("User error: invalid_user_id")
    if name in users:
        raise Refused(error(409, "ALREADY_EXISTS", "User already exists"))
    state.want_room_for_users(1)
    users[name] = User(name, data["password"], bool(data["is_superuser"]))
    return Answer.json(201, _row(users[name]))


def _find(state: State, authenticator: str, name: str) -> User:
    user = _users(state, authenticator).get(name)
    if user is None:
        raise not_found("User not found")
    return user


@routes("GET", USER)
def show(state: State, call: Call, authenticator: str, name: str) -> Answer:
    return Answer.json(200, _row(_find(state, authenticator, name)))


@routes("PUT", USER)
def change(state: State, call: Call, authenticator: str, name: str) -> Answer:
    """Wants a password; without `is_superuser` the flag stays."""
    data = validated(json_of(call), _CHANGE)
    user = _find(state, authenticator, name)
    user.password = data["password"]
    if data["is_superuser"] is not None:
        user.is_superuser = data["is_superuser"]
    return Answer.json(200, _row(user))


@routes("DELETE", USER)
def delete(state: State, call: Call, authenticator: str, name: str) -> Answer:
    _find(state, authenticator, name)
    del _users(state, authenticator)[name]
    return NO_CONTENT


@routes("POST", "/authentication/{authenticator}/import_users")
def import_users(state: State, call: Call, authenticator: str) -> Answer:
    """Creates and overrides; all or nothing, but checks next to nothing. The last of two with one name wins."""
    config = authentication.find(state, authenticator)
    users = state.users[config["user_id_type"]]
    kind = call.query.get("type") or "hash"
    items = json_of(call)
    if kind not in _SECRETS:
        raise bad_request(f'"unknown_import_type: {kind}"')
    if items == []:
        raise bad_request("empty_users")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise bad_request("bad_format")
    wanted = _SECRETS[kind][0]
    if any(wanted not in item for item in items):
        raise bad_request(f'"{kind}_import_requires_{wanted}_field"')
    new = {item.get("user_id") for item in items} - users.keys()
    state.want_room_for_users(len(new))
    algorithm = config["password_hash_algorithm"]
    for item in items:
        name = item.get("user_id")
        password = item[wanted]
        if kind == "hash":
            position = algorithm.get("salt_position", "disable")
            password = HashedPassword(password, item.get("salt", ""), algorithm["name"], position)
        users[name] = User(name, password, item.get("is_superuser") is True)
    counts = {"total": len(items), "success": len(new), "override": len(items) - len(new), "skipped": 0, "failed": 0}
    return Answer.json(200, counts)
