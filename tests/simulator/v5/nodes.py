# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes, stats, alarms and listeners, as far as they follow from the state; loads and limits are made up."""

from __future__ import annotations

import time
from typing import Any

from ..answers import Answer, Call
from ..monitoring import Alarm
from ..routing import Routes
from ..state import State
from .protocol import NODE, listing, page, rfc3339

routes = Routes()


@routes("GET", "/nodes")
def nodes(state: State, call: Call) -> Answer:
    online = sum(client.connected for client in state.clients.values())
    return Answer.json(
        200,
        [
            {
                "node": NODE,
                "node_status": "running",
                "version": "5.8.9",
                "edition": "Opensource",
                "role": "core",
                "otp_release": "25.2.3/13.1.5",
                "uptime": int((time.time() - state.started_at) * 1000),
                "connections": len(state.clients),
                "live_connections": online,
                "cluster_sessions": len(state.clients),
                "process_used": 480,
                "process_available": 2097152,
                "max_fds": 20000,
                "memory_used": "686.55M",
                "memory_total": "23.54G",
                "load1": 0.6,
                "load5": 0.82,
                "load15": 0.69,
                "log_path": "log",
                "sys_path": "/usr/lib/erlang",
            }
        ],
    )


@routes("GET", "/stats")
def stats(state: State, call: Call) -> Answer:
    counts = {**state.counts(), "cluster_sessions": len(state.clients), "delayed": 0}
    numbers: dict[str, object] = {
        f"{name}.{which}": number for name, number in counts.items() for which in ("count", "max")
    }
    if call.query.get("aggregate") == "true":
        return Answer.json(200, numbers)
    return Answer.json(200, [{**numbers, "node": NODE}])


@routes("GET", "/status")
def status(state: State, call: Call) -> Answer:
    return Answer.text(200, f"Node {NODE} is started\nemqx is running", **{"Retry-After": "15"})


@routes("GET", "/cluster")
def cluster(state: State, call: Call) -> Answer:
    return Answer.json(200, {"name": "emqxcl", "nodes": [NODE], "self": NODE})


_RATES = ("received_msg", "sent_msg", "dropped_msg", "persisted")
_RATES += ("transformation_failed", "transformation_succeeded", "validation_failed", "validation_succeeded")


@routes("GET", "/monitor_current")
def monitor_current(state: State, call: Call) -> Answer:
    """Rates are not kept: they are 0."""
    counts = state.counts()
    return Answer.json(
        200,
        {
            **{f"{name}_rate": 0 for name in _RATES},
            "connections": counts["connections"],
            "live_connections": counts["live_connections"],
            "disconnected_durable_sessions": 0,
            "retained_msg_count": counts["retained"],
            "shared_subscriptions": counts["subscriptions.shared"],
            "subscriptions": counts["subscriptions"],
            "subscriptions_durable": 0,
            "subscriptions_ram": counts["subscriptions"],
            "topics": counts["topics"],
        },
    )


def _alarm(alarm: Alarm) -> dict[str, Any]:
    shown = {
        "name": alarm.name,
        "node": NODE,
        "message": alarm.message,
        "details": alarm.details,
        "activate_at": rfc3339(alarm.activated_at),
        "duration": int(alarm.seconds * 1000),
    }
    return shown if alarm.deactivated_at is None else {**shown, "deactivate_at": rfc3339(alarm.deactivated_at)}


@routes("GET", "/alarms")
def alarms(state: State, call: Call) -> Answer:
    """Those that are active, unless their history is asked for."""
    found = state.monitor.alarms.listed(call.query.get("activated") != "false")
    rows, meta = page(call, found, exact=True)
    return listing([_alarm(alarm) for alarm in rows], meta)


@routes("GET", "/listeners")
def listeners(state: State, call: Call) -> Answer:
    """The one for plain TCP is the MQTT port."""
    online = sum(client.connected for client in state.clients.values())
    return Answer.json(
        200,
        [
            _listener("ssl", 8883, False),
            _listener("tcp", state.mqtt_port, True, online, 10000),
            _listener("ws", 8083, True),
            _listener("wss", 8084, False),
        ],
    )


def _listener(kind: str, port: int, runs: bool, current: int = 0, most: int | str = "infinity") -> dict[str, Any]:
    status = {"current_connections": current, "max_connections": most, "running": runs}
    return {
        "id": f"{kind}:default",
        "name": "default",
        "type": kind,
        "bind": f"127.0.0.1:{port}",
        "enable": runs,
        "number": 1,
        "acceptors": 16,
        "status": status,
        "node_status": [{"node": NODE, "status": status}],
    }
