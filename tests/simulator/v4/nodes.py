# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes, brokers and stats, as far as they follow from the state; loads and limits are made up."""

from __future__ import annotations

import time

from ..answers import Answer, Call
from ..routing import Routes
from ..state import State
from .protocol import NODE, local_time, success

routes = Routes()

VERSION = "4.4.19"
OTP = "25.2.3/13.1.5"


def _uptime(state: State) -> str:
    return f"{int(time.time() - state.started_at)} seconds"


@routes("GET", "/brokers")
def brokers(state: State, call: Call) -> Answer:
    return success(
        [
            {
                "node": NODE,
                "node_status": "Running",
                "version": VERSION,
                "otp_release": OTP,
                "sysdescr": "EMQX Broker",
                "uptime": _uptime(state),
                "datetime": local_time(time.time()),
            }
        ]
    )


@routes("GET", "/nodes")
def nodes(state: State, call: Call) -> Answer:
    online = sum(client.connected for client in state.clients.values())
    return success(
        [
            {
                "node": NODE,
                "node_status": "Running",
                "version": VERSION,
                "otp_release": OTP,
                "uptime": _uptime(state),
                "connections": len(state.clients),
                "live_connections": online,
                "process_used": 312,
                "process_available": 2097152,
                "max_fds": 20000,
                "memory_used": "529.41M",
                "memory_total": "23.54G",
                "load1": "0.38",
                "load5": "0.65",
                "load15": "0.49",
            }
        ]
    )


@routes("GET", "/stats")
def stats(state: State, call: Call) -> Answer:
    counts = state.counts()
    counts["routes"] = counts["topics"]
    numbers = {f"{name}.{which}": number for name, number in counts.items() for which in ("count", "max")}
    return success([{"node": NODE, "stats": numbers}])
