# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a broker is set to besides its rules, and the calls an API key may not make. Nothing here can be changed."""

from __future__ import annotations

from typing import Any

from ..answers import Answer, Call
from ..routing import Handler, Routes
from ..state import State
from .protocol import error, listing, page

routes = Routes()

_SETTINGS: dict[str, Any] = {
    "/mqtt/auto_subscribe": [],
    "/mqtt/topic_rewrite": [],
    "/mqtt/delayed": {"enable": True, "max_delayed_messages": 0},
    "/mqtt/retainer": {
        "enable": True,
        "allow_never_expire": True,
        "backend": {
            "type": "built_in_database",
            "storage_type": "ram",
            "enable": True,
            "index_specs": [[1, 2, 3], [1, 3], [2, 3], [3]],
            "max_retained_messages": 0,
        },
        "delivery_rate": "1000/s",
        "max_payload_size": "1MB",
        "max_publish_rate": "1000/s",
        "msg_clear_interval": "0s",
        "msg_expiry_interval": "0s",
        "msg_expiry_interval_override": "disabled",
        "stop_publish_clear_msg": False,
    },
}


def _showing(settings: Any) -> Handler:
    return lambda state, call: Answer.json(200, settings)


for _path, _settings in _SETTINGS.items():
    routes.add("GET", _path, _showing(_settings))


@routes("GET", "/data/files")
def files(state: State, call: Call) -> Answer:
    return listing(*page(call, []))


@routes("GET", "/api_key")
def api_keys(state: State, call: Call) -> Answer:
    return error(
        401,
        "API_KEY_NOT_ALLOW",
        "Please use bearer Token instead, using API key/secret in api_key path is not permitted",
        **{"WWW-Authenticate": 'Basic Realm="emqx-dashboard"'},
    )
