# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authenticators: /authentication.

Positions and all backends but the built-in database are not recorded; they follow EMQX's sources.
"""

from __future__ import annotations

from typing import Any

from ..answers import NO_CONTENT, Answer, Call, Refused
from ..routing import Routes
from ..state import CLIENTID, USERNAME, HashedPassword, State
from . import backends
from .protocol import (
    Field,
    anything,
    bad_request,
    error,
    flag,
    invalid,
    json_of,
    not_found,
    one_of,
    text,
    validated,
)

routes = Routes()

BUILT_IN = "password_based:built_in_database"
_HASH = {"name": "sha256", "salt_position": "suffix"}

_BUILT_IN = {
    "user_id_type": Field(one_of(USERNAME, CLIENTID), default=USERNAME),
    "password_hash_algorithm": Field(anything, default={}),
    "bootstrap_file": Field(text, default="${EMQX_ETC_DIR}/auth-built-in-db-bootstrap.csv"),
    "bootstrap_type": Field(one_of("plain", "hash"), default="plain"),
}


def prepare(state: State) -> None:
    """How EMQX Cloud sets it up."""
    body = {"mechanism": "password_based", "backend": "built_in_database", "password_hash_algorithm": _HASH}
    state.authenticators[BUILT_IN] = _checked(body)


def find(state: State, authenticator: str) -> dict[str, Any]:
    found = state.authenticators.get(authenticator)
    if found is None:
        raise not_found("Authenticator not found in the 'global' scope")
    return found


def _schema(data: dict[str, Any]) -> dict[str, Field]:
    mechanism, backend = data.get("mechanism"), data.get("backend")
    named = {"mechanism": Field(text, required=True), "enable": Field(flag, default=True)}
    if mechanism == "jwt":
        return {**named, **backends.jwt(data)}
    named["backend"] = Field(text, required=True)
    hashed = {"password_hash_algorithm": Field(anything, default={"name": "sha256", "salt_position": "prefix"})}
    if mechanism == "password_based" and backend == "built_in_database":
        return {**named, **_BUILT_IN}
    if mechanism == "password_based" and backend == "http":
        return {**named, **backends.http(data.get("method"))}
    if mechanism == "password_based" and backend == "mysql":
        return {**named, **backends.sql(), **hashed}
    raise bad_request("Unsupported authentication type")


def _checked(data: Any) -> dict[str, Any]:
    config = validated(data, _schema(data) if isinstance(data, dict) else {})
    algorithm = config.get("password_hash_algorithm", _HASH)
    if not isinstance(algorithm, dict) or "name" not in algorithm:
        # 5.8.9 names the first schema it tried.
        raise invalid(
            reason="required_field",
            path="root.password_hash_algorithm.name",
            matched_type="authn:builtin_db_api/authn_hash:bcrypt_rw_api",
        )
    if algorithm["name"] == "bcrypt" and "salt_position" in algorithm:
        path = "root.password_hash_algorithm"
        raise invalid(unmatched="salt_rounds", unknown="salt_position", reason="unknown_fields", path=path)
    name = ":".join(config[part] for part in ("mechanism", "backend") if part in config)
    return {"id": name, **config}


@routes("GET", "/authentication")
def list_all(state: State, call: Call) -> Answer:
    return Answer.json(200, [backends.masked(config) for config in state.authenticators.values()])


@routes("POST", "/authentication")
def create(state: State, call: Call) -> Answer:
    """At the end of the chain. The answer is not masked."""
    config = _checked(json_of(call))
    if config["id"] in state.authenticators:
        raise Refused(error(409, "ALREADY_EXISTS", f"Authenticator '{config['id']}' already exist"))
    state.authenticators[config["id"]] = config
    return Answer.json(200, config)


@routes("GET", "/authentication/{authenticator}")
def show(state: State, call: Call, authenticator: str) -> Answer:
    return Answer.json(200, backends.masked(find(state, authenticator)))


@routes("PUT", "/authentication/{authenticator}")
def replace(state: State, call: Call, authenticator: str) -> Answer:
    """What is left out goes back to its default."""
    held = find(state, authenticator)
    config = _checked(backends.unmasked(json_of(call), held))
    if config["id"] != authenticator:
        raise bad_request("Change of authentication type is not allowed")
    state.authenticators[authenticator] = config
    if authenticator == BUILT_IN:
        _keep_users(state, held, config)
    return NO_CONTENT


def _keep_users(state: State, held: dict[str, Any], config: dict[str, Any]) -> None:
    """Users stay under their names, as the other kind if that has changed; old hashes fit no new algorithm."""
    if held["user_id_type"] != config["user_id_type"]:
        state.users[USERNAME], state.users[CLIENTID] = state.users[CLIENTID], state.users[USERNAME]
    algorithms = [{**each["password_hash_algorithm"], "salt_rounds": 0} for each in (held, config)]
    if algorithms[0] != algorithms[1]:
        for user in state.users[config["user_id_type"]].values():
            user.password = HashedPassword("made with the algorithm before", "")


@routes("DELETE", "/authentication/{authenticator}")
def delete(state: State, call: Call, authenticator: str) -> Answer:
    """Its users go with it."""
    kind = find(state, authenticator).get("user_id_type")
    del state.authenticators[authenticator]
    if kind is not None:
        state.users[kind].clear()
    return NO_CONTENT


@routes("PUT", "/authentication/{authenticator}/position/{position}")
def move(state: State, call: Call, authenticator: str, position: str) -> Answer:
    find(state, authenticator)
    try:
        order = backends.moved(list(state.authenticators), authenticator, position)
    except KeyError as missing:
        raise not_found(f"Authenticator '{missing.args[0]}' does not exist") from missing
    if order is None:
        raise bad_request("Invalid value for 'position'")
    state.authenticators = {name: state.authenticators[name] for name in order}
    return NO_CONTENT
