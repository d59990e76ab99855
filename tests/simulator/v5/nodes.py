# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes and stats, as far as they follow from the state; loads and limits are made up."""

from __future__ import annotations

import time

from ..answers import Answer, Call
from ..routing import Routes
from ..state import State
from .protocol import NODE

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
