# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authenticators: /authentication."""

from __future__ import annotations

from typing import Any

from ..answers import NO_CONTENT, Answer, Call, Refused
from ..routing import Routes
from ..state import CLIENTID, USERNAME, State
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

_SCHEMA = {
    "mechanism": Field(one_of("password_based"), required=True),
    "backend": Field(one_of("built_in_database"), required=True),
    "user_id_type": Field(one_of(USERNAME, CLIENTID), default=USERNAME),
    "password_hash_algorithm": Field(anything, default={}),
    "enable": Field(flag, default=True),
    "bootstrap_file": Field(text, default="${EMQX_ETC_DIR}/auth-built-in-db-bootstrap.csv"),
    "bootstrap_type": Field(one_of("plain", "hash"), default="plain"),
}


def prepare(state: State) -> None:
    """How EMQX Cloud sets it up."""
    state.authenticators[BUILT_IN] = {
        "id": BUILT_IN,
        **{name: spec.default for name, spec in _SCHEMA.items()},
        "mechanism": "password_based",
        "backend": "built_in_database",
        "password_hash_algorithm": {"name": "sha256", "salt_position": "suffix"},
    }


def find(state: State, authenticator: str) -> dict[str, Any]:
    found = state.authenticators.get(authenticator)
    if found is None:
        raise not_found("Authenticator not found in the 'global' scope")
    return found


def _checked(call: Call) -> dict[str, Any]:
    config = validated(json_of(call), _SCHEMA)
    algorithm = config["password_hash_algorithm"]
    if not isinstance(algorithm, dict) or "name" not in algorithm:
        # 5.8.9 names the first schema it tried.
        raise invalid(
            reason="required_field",
            path="root.password_hash_algorithm.name",
            matched_type="authn:builtin_db_api/authn_hash:bcrypt_rw_api",
        )
    return {"id": f"{config['mechanism']}:{config['backend']}", **config}


@routes("GET", "/authentication")
def list_all(state: State, call: Call) -> Answer:
    return Answer.json(200, list(state.authenticators.values()))


@routes("POST", "/authentication")
def create(state: State, call: Call) -> Answer:
    config = _checked(call)
    if config["id"] in state.authenticators:
        raise Refused(error(409, "ALREADY_EXISTS", "Authenticator already exists"))
    state.authenticators[config["id"]] = config
    return Answer.json(200, config)


@routes("GET", "/authentication/{authenticator}")
def show(state: State, call: Call, authenticator: str) -> Answer:
    return Answer.json(200, find(state, authenticator))


@routes("PUT", "/authentication/{authenticator}")
def replace(state: State, call: Call, authenticator: str) -> Answer:
    find(state, authenticator)
    config = _checked(call)
    if config["id"] != authenticator:
        raise bad_request("Authenticator type can't be changed")
    state.authenticators[authenticator] = config
    return NO_CONTENT


@routes("DELETE", "/authentication/{authenticator}")
def delete(state: State, call: Call, authenticator: str) -> Answer:
    """Its users go with it."""
    kind = find(state, authenticator)["user_id_type"]
    del state.authenticators[authenticator]
    state.users[kind].clear()
    return NO_CONTENT
