# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes, brokers, stats, alarms and listeners, as far as they follow from the state; the rest is made up."""

from __future__ import annotations

import time
from typing import Any

from ..answers import Answer, Call
from ..monitoring import Alarm
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


def _alarm(alarm: Alarm) -> dict[str, Any]:
    """Times are microseconds."""
    end = alarm.deactivated_at
    return {
        "name": alarm.name,
        "message": alarm.message,
        "details": alarm.details,
        "activated": alarm.active,
        "activate_at": int(alarm.activated_at * 1_000_000),
        "deactivate_at": "infinity" if end is None else int(end * 1_000_000),
        "duration": int(alarm.seconds * 1_000_000),
    }


def _alarms(state: State, *kinds: bool) -> Answer:
    found = [alarm for active in kinds for alarm in state.monitor.alarms.listed(active)]
    return success([{"node": NODE, "alarms": [_alarm(alarm) for alarm in found]}])


@routes("GET", "/alarms")
def alarms(state: State, call: Call) -> Answer:
    return _alarms(state, True, False)


@routes("GET", "/alarms/activated")
def activated_alarms(state: State, call: Call) -> Answer:
    return _alarms(state, True)


@routes("GET", "/alarms/deactivated")
def deactivated_alarms(state: State, call: Call) -> Answer:
    return _alarms(state, False)


@routes("GET", "/listeners")
def listeners(state: State, call: Call) -> Answer:
    """The external one for plain TCP is the MQTT port."""
    online = sum(client.connected for client in state.clients.values())
    kicked = state.monitor.counts["kicked"]
    mqtt = _listener("mqtt:tcp", state.mqtt_port, 8, 1024000, online, "external")
    rows = [
        _listener("mqtt:ssl", 8893, 16, 102400, 0, "external"),
        {**mqtt, "shutdown_count": {"kicked": kicked} if kicked else []},
        _listener("mqtt:tcp", 11884, 4, 1024000, 0, "internal"),
        _listener("http:dashboard", 18184, 4, 512),
        _listener("http:management", 8081, 2, 512, 1),
        _listener("mqtt:ws:8093", 8093, 4, 102400),
        _listener("mqtt:wss:8094", 8094, 4, 102400),
    ]
    return success([{"node": NODE, "listeners": rows}])


def _listener(
    protocol: str, port: int, acceptors: int, most: int, current: int = 0, name: str | None = None
) -> dict[str, Any]:
    row = {
        "protocol": protocol,
        "listen_on": f"127.0.0.1:{port}",
        "acceptors": acceptors,
        "max_conns": most,
        "current_conns": current,
        "shutdown_count": [],
    }
    return row if name is None else {**row, "identifier": f"{protocol}:{name}"}
