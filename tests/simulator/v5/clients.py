# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients: /clients and /clients_v2."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from ..answers import NO_CONTENT, Answer, Call, Refused
from ..filters import ClientFilters
from ..routing import Routes
from ..state import Client, State
from .protocol import (
    NODE,
    Field,
    bad_request,
    between,
    error,
    invalid,
    json_of,
    limit_of,
    listing,
    page,
    rfc3339,
    validated,
)

routes = Routes()

# A client that has done nothing but connect; counters are not kept.
_ROW = {
    "awaiting_rel_max": 100,
    "heap_size": 1598,
    "listener": "tcp:default",
    "send_msg.dropped": 0,
    "send_msg.dropped.queue_full": 0,
    "recv_msg.dropped.await_pubrel_timeout": 0,
    "is_bridge": False,
    "send_msg.qos1": 0,
    "expiry_interval": 0,
    "mountpoint": None,
    "auth_expire_at": None,
    "recv_msg.qos2": 0,
    "mqueue_dropped": 0,
    "client_attrs": {},
    "recv_oct": 21,
    "send_msg": 0,
    "send_msg.dropped.too_large": 0,
    "is_persistent": False,
    "send_pkt": 0,
    "recv_msg.qos0": 0,
    "recv_cnt": 1,
    "node": NODE,
    "mailbox_len": 0,
    "send_msg.qos0": 0,
    "send_msg.qos2": 0,
    "recv_msg.dropped": 0,
    "is_expired": False,
    "peersni": None,
    "subscriptions_max": "infinity",
    "mqueue_len": 0,
    "recv_msg": 0,
    "durable": False,
    "enable_authn": True,
    "inflight_max": 32,
    "awaiting_rel_cnt": 0,
    "inflight_cnt": 0,
    "mqueue_max": 1000,
    "send_msg.dropped.expired": 0,
    "recv_pkt": 1,
    "send_oct": 0,
    "reductions": 2928,
    "proto_name": "MQTT",
    "send_cnt": 0,
    "recv_msg.qos1": 0,
}
_OWN_FIELDS = (
    "clientid",
    "username",
    "ip_address",
    "port",
    "proto_ver",
    "clean_start",
    "keepalive",
    "connected",
    "connected_at",
    "created_at",
    "disconnected_at",
    "subscriptions_cnt",
)
_FIELDS = frozenset((*_ROW, *_OWN_FIELDS))
_FILTERS = ClientFilters(prefix="", defaults=_ROW)
_KEEPALIVE = {"interval": Field(between(0, 65535), required=True)}


def row(client: Client) -> dict[str, Any]:
    shown = {
        **_ROW,
        "clientid": client.clientid,
        "username": client.username,
        "ip_address": client.ip,
        "port": client.port,
        "proto_ver": client.proto_ver,
        "clean_start": client.clean_start,
        "keepalive": client.keepalive,
        "connected": client.connected,
        "connected_at": rfc3339(client.connected_at),
        "created_at": rfc3339(client.created_at),
        "subscriptions_cnt": len(client.subscriptions),
    }
    if not client.clean_start:
        shown["expiry_interval"] = 7200
    if client.disconnected_at is not None:
        shown["disconnected_at"] = rfc3339(client.disconnected_at)
    shown.update(client.fields)
    return shown


def find(state: State, clientid: str) -> Client:
    client = state.clients.get(clientid)
    if client is None:
        raise Refused(error(404, "CLIENTID_NOT_FOUND", "Client ID not found"))
    return client


def _matching(state: State, call: Call) -> Sequence[Client]:
    """Newest first, kept sessions among them."""
    try:
        tests = _FILTERS.of(call.query)
    except ValueError as trouble:
        raise bad_request(str(trouble)) from trouble
    return [client for client in reversed(list(state.clients.values())) if all(test(client) for test in tests)]


def _wanted_fields(call: Call) -> frozenset[str] | None:
    text = call.query.get("fields")
    if text in (None, "all"):
        return None
    names = text.split(",")
    for position, name in enumerate(names, start=1):
        if name not in _FIELDS:
            path = f"fields.{position}"
            value = {
                "value": name,
                "reason": "unable_to_convert_to_enum_symbol",
                "path": path,
                "kind": "validation_error",
            }
            other = {"value": names, "reason": {"expected": "all"}, "path": "fields", "kind": "validation_error"}
            raise invalid(reason="matched_no_union_member", path="fields", mismatches={"array": value, "all": other})
    return frozenset(names)


@routes("GET", "/clients")
def list_clients(state: State, call: Call) -> Answer:
    wanted = _wanted_fields(call)
    fuzzy = any(name.startswith("like_") for name in call.query.names())
    found, meta = page(call, _matching(state, call), counted=not fuzzy)
    rows = [row(client) for client in found]
    if wanted is not None:
        rows = [{name: value for name, value in shown.items() if name in wanted} for shown in rows]
    return listing(rows, meta)


@routes("GET", "/clients_v2")
def list_by_cursor(state: State, call: Call) -> Answer:
    """A cursor on every full page, also the last one; `fields` is ignored."""
    limit = limit_of(call)
    found = _matching(state, call)
    cursor = call.query.get("cursor")
    rest = found
    if cursor is not None:
        last = _decoded(cursor)
        rest = [client for client in found if client.serial < last]
    meta: dict[str, Any] = {"count": len(found)}
    if len(rest) >= limit:
        meta["cursor"] = base64.urlsafe_b64encode(str(rest[limit - 1].serial).encode()).decode()
    return listing([row(client) for client in rest[:limit]], meta)


def _decoded(cursor: str) -> int:
    """The serial of the last client of the page before."""
    try:
        return int(base64.urlsafe_b64decode(cursor))
    except (binascii.Error, ValueError) as trouble:
        raise invalid(reason="bad_cursor", path="cursor") from trouble


@routes("GET", "/clients/{clientid}")
def show(state: State, call: Call, clientid: str) -> Answer:
    return Answer.json(200, row(find(state, clientid)))


@routes("DELETE", "/clients/{clientid}")
def kick(state: State, call: Call, clientid: str) -> Answer:
    find(state, clientid)
    state.kick(clientid)
    return NO_CONTENT


@routes("POST", "/clients/kickout/bulk")
def kick_several(state: State, call: Call) -> Answer:
    """Who isn't there is ignored."""
    clientids = json_of(call)
    if not isinstance(clientids, list) or not all(isinstance(clientid, str) for clientid in clientids):
        raise bad_request("Invalid json message received")
    for clientid in clientids:
        state.kick(clientid)
    return NO_CONTENT


@routes("GET", "/clients/{clientid}/authorization/cache")
def list_cache(state: State, call: Call, clientid: str) -> Answer:
    return Answer.json(
        200,
        [
            {
                "access": {"action_type": decision.action, "qos": decision.qos},
                "topic": decision.topic,
                "result": decision.result,
                "updated_time": int(decision.at * 1000),
            }
            for decision in find(state, clientid).cache
        ],
    )


@routes("DELETE", "/clients/{clientid}/authorization/cache")
def clean_cache(state: State, call: Call, clientid: str) -> Answer:
    find(state, clientid).cache.clear()
    return NO_CONTENT


@routes("PUT", "/clients/{clientid}/keepalive")
def set_keepalive(state: State, call: Call, clientid: str) -> Answer:
    interval = validated(json_of(call), _KEEPALIVE)["interval"]
    client = find(state, clientid)
    client.keepalive = interval
    return Answer.json(200, row(client))
