# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What authenticators and authorization sources besides the built-in database are configured with.

Not recorded: written after the schemas in EMQX's sources, with the fields that matter and a few of the others. Nothing
is connected to: such a backend knows no client and has no opinion on any topic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .protocol import Check, Field, anything, between, flag, invalid, one_of, text

MASK = "******"
_SECRETS = ("password", "secret", "authorization")


def _object(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid(value=value, reason="not_map", path=path)
    return value


def _headers(method: str) -> Check:
    """Names become lower case, and the default headers come with them."""
    default = {"accept": "application/json", "cache-control": "no-cache", "connection": "keep-alive"}

    def check(value: Any, path: str) -> dict[str, Any]:
        given = {name.lower(): content for name, content in _object(value, path).items()}
        if method == "get":
            given.pop("content-type", None)
            return {**default, **given}
        return {**default, "content-type": "application/json", **given}

    return check


def _connection(pool_size: int = 8) -> dict[str, Field]:
    return {"pool_size": Field(between(1, 1024), default=pool_size), "ssl": Field(_object, default={"enable": False})}


def http(method: Any) -> dict[str, Field]:
    """An HTTP server; `method` decides which headers there may be."""
    if method not in ("get", "post"):
        raise invalid(reason="unknown_http_method", expected="get | post", got=method, field_name="method")
    headers = _headers(method)
    return {
        "method": Field(one_of(method), required=True),
        "url": Field(text, required=True),
        "headers": Field(headers, default=headers({}, "")),
        "body": Field(_object, default={}),
        "connect_timeout": Field(text, default="15s"),
        "request_timeout": Field(text, default="5s"),
        "enable_pipelining": Field(between(1, 10_000), default=100),
        **_connection(),
    }


def sql() -> dict[str, Field]:
    """MySQL."""
    return {
        "server": Field(text, required=True),
        "database": Field(text, required=True),
        "username": Field(text, default="root"),
        "password": Field(text, default=""),
        "query": Field(text, required=True),
        "query_timeout": Field(text, default="5s"),
        "auto_reconnect": Field(flag, default=True),
        **_connection(),
    }


def jwt(data: Mapping[str, Any]) -> dict[str, Field]:
    """Three variants; a field of another one is unknown. `use_jwks` has to be given."""
    if not isinstance(data.get("use_jwks"), bool):
        raise invalid(field_name="use_jwks", expected="true | false")
    common = {
        "use_jwks": Field(flag, required=True),
        "from": Field(one_of("password", "username"), default="password"),
        "verify_claims": Field(anything, default=[]),
        "acl_claim_name": Field(text, default="acl"),
    }
    if data["use_jwks"]:
        endpoint = {"endpoint": Field(text, required=True), "refresh_interval": Field(between(1, 10**6), default=300)}
        return {**common, **endpoint, **_connection()}
    if "public_key" in data:
        public = {"public_key": Field(text, required=True)}
        return {**common, "algorithm": Field(one_of("public-key"), required=True), **public}
    secret = {"secret": Field(text, required=True), "secret_base64_encoded": Field(flag, default=False)}
    return {**common, "algorithm": Field(one_of("hmac-based"), required=True), **secret}


def masked(tree: Any) -> Any:
    """As GET shows it: what a name gives away as a secret is six stars. A header `x-api-key` is not one of these."""
    if isinstance(tree, dict):
        return {
            name: MASK if name in _SECRETS and isinstance(value, str) and value else masked(value)
            for name, value in tree.items()
        }
    return [masked(item) for item in tree] if isinstance(tree, list) else tree


def unmasked(tree: Any, held: Any) -> Any:
    """Six stars in a PUT stand for the secret that is held."""
    if isinstance(tree, dict) and isinstance(held, dict):
        return {name: unmasked(value, held.get(name)) for name, value in tree.items()}
    return held if tree == MASK and held is not None else tree


def moved(names: list[str], name: str, position: str) -> list[str] | None:
    """The new order, or None if `position` is none; KeyError names the neighbour that is not there."""
    others = [other for other in names if other != name]
    if position in ("front", "rear"):
        return [name, *others] if position == "front" else [*others, name]
    side, _colon, neighbour = position.partition(":")
    if side not in ("before", "after") or not neighbour:
        return None
    if neighbour not in others:
        raise KeyError(neighbour)
    place = others.index(neighbour) + (side == "after")
    return [*others[:place], name, *others[place:]]
