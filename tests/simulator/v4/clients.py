# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients: /clients."""

from __future__ import annotations

from typing import Any

from ..answers import Answer, Call
from ..filters import ClientFilters
from ..routing import Routes
from ..state import Client, State
from .protocol import CLIENT_OFFLINE, NODE, failure, local_time, page, success

routes = Routes()

# A client that has done nothing but connect; counters are not kept.
_ROW = {
    "recv_msg.dropped": 0,
    "proto_ver": 4,
    "awaiting_rel": 0,
    "heap_size": 987,
    "mailbox_len": 0,
    "expiry_interval": 0,
    "recv_msg.qos0": 0,
    "recv_msg": 0,
    "recv_pkt": 1,
    "send_msg.dropped": 0,
    "send_msg.dropped.expired": 0,
    "send_msg.qos1": 0,
    "max_subscriptions": 0,
    "recv_msg.qos1": 0,
    "recv_oct": 24,
    "zone": "external",
    "proto_name": "MQTT",
    "max_awaiting_rel": 100,
    "recv_msg.qos2": 0,
    "send_msg.dropped.queue_full": 0,
    "recv_cnt": 1,
    "node": NODE,
    "mqueue_dropped": 0,
    "send_msg.qos2": 0,
    "max_inflight": 32,
    "mountpoint": "undefined",
    "send_msg.qos0": 0,
    "max_mqueue": 1000,
    "send_oct": 0,
    "reductions": 1865,
    "mqueue_len": 0,
    "send_cnt": 0,
    "is_bridge": False,
    "send_msg.dropped.too_large": 0,
    "send_pkt": 0,
    "send_msg": 0,
    "inflight": 0,
}

_FILTERS = ClientFilters(prefix="_", defaults=_ROW)


def row(client: Client) -> dict[str, Any]:
    shown = {
        **_ROW,
        "clientid": client.clientid,
        "username": "undefined" if client.username is None else client.username,
        "ip_address": client.ip,
        "port": client.port,
        "proto_ver": client.proto_ver,
        "clean_start": client.clean_start,
        "keepalive": client.keepalive,
        "connected": client.connected,
        "connected_at": local_time(client.connected_at),
        "created_at": local_time(client.created_at),
        "subscriptions_cnt": len(client.subscriptions),
    }
    if not client.clean_start:
        shown["expiry_interval"] = 7200
    if client.disconnected_at is not None:
        shown["disconnected_at"] = local_time(client.disconnected_at)
    shown.update(client.fields)
    return shown


@routes("GET", "/clients")
def list_clients(state: State, call: Call) -> Answer:
    tests = _FILTERS.of(call.query)
    found = (client for client in state.clients.values() if all(test(client) for test in tests))
    rows, meta = page(call, found, filtered=bool(tests))
    return success([row(client) for client in rows], meta)


@routes("GET", "/clients/{clientid}")
def show(state: State, call: Call, clientid: str) -> Answer:
    client = state.clients.get(clientid)
    return success([] if client is None else [row(client)])


@routes("DELETE", "/clients/{clientid}")
def kick(state: State, call: Call, clientid: str) -> Answer:
    """Code 0 also where there is nobody to kick."""
    state.kick(clientid)
    return success()


@routes("GET", "/clients/{clientid}/acl_cache")
def list_cache(state: State, call: Call, clientid: str) -> Answer:
    client = state.clients.get(clientid)
    if client is None:
        return failure(CLIENT_OFFLINE, "not_found")
    return success(
        [
            {
                "access": decision.action,
                "topic": decision.topic,
                "result": decision.result,
                "updated_time": int(decision.at * 1000),
            }
            for decision in client.cache
        ]
    )


@routes("DELETE", "/clients/{clientid}/acl_cache")
def clean_cache(state: State, call: Call, clientid: str) -> Answer:
    client = state.clients.get(clientid)
    if client is None:
        return failure(CLIENT_OFFLINE, "not_found")
    client.cache.clear()
    return success()


@routes("DELETE", "/acl-cache")
def clean_caches(state: State, call: Call) -> Answer:
    """Not in the recordings, and not in EMQX Cloud's documentation: 4.4 has it in its source (emqx_mgmt_api_acl)."""
    state.clean_caches()
    return success()
