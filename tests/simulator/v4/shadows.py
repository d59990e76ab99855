# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shadow service of EMQX Cloud: /shadows. A broker of one's own has none.

Nothing of it is recorded. Answers that succeed are those of EMQX Cloud's documentation; what the service says to
errors, and how many shadows it lists on a page, is not known and made up here.
"""

from __future__ import annotations

import time
from typing import Any

from ..answers import Answer, Call, Refused
from ..routing import Routes
from ..state import Shadow, State
from .protocol import object_of, page

cloud_routes = Routes()

DEFAULT_LIMIT = 10


def _error(status: int, message: str) -> Refused:
    return Refused(Answer.json(status, {"message": message}))


def _find(state: State, shadow_id: str) -> Shadow:
    if shadow_id not in state.shadows:
        raise _error(404, "shadow does not exist")
    return state.shadows[shadow_id]


def _minute(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at))


def _row(shadow: Shadow) -> dict[str, Any]:
    return {
        "description": shadow.description,
        "updatedAt": _minute(shadow.updated_at),
        "shadowID": shadow.id,
        "createdAt": _minute(shadow.created_at),
        "shadowName": shadow.name,
    }


def _json(shadow: Shadow) -> Answer:
    times = {"createAt": int(shadow.created_at * 1000), "lastTime": int(shadow.updated_at * 1000)}
    return Answer.json(200, {"data": shadow.data, **times, "version": shadow.version})


@cloud_routes("GET", "/shadows")
def list_all(state: State, call: Call) -> Answer:
    rows, meta = page(call, state.shadows.values(), filtered=False, hasnext=False, default_limit=DEFAULT_LIMIT)
    return Answer.json(200, {"items": [_row(shadow) for shadow in rows], "meta": meta})


@cloud_routes("POST", "/shadows")
def create(state: State, call: Call) -> Answer:
    body = object_of(call)
    shadow_id = body.get("shadowID") or f"shadow-{state.next_serial():08}"
    if not body.get("shadowName"):
        raise _error(400, "shadowName is required")
    if shadow_id in state.shadows:
        raise _error(409, "shadow exists")
    state.shadows[shadow_id] = Shadow(shadow_id, body["shadowName"], body.get("description", ""))
    return Answer.json(200, _row(state.shadows[shadow_id]))


@cloud_routes("GET", "/shadows/{shadow_id}")
def show(state: State, call: Call, shadow_id: str) -> Answer:
    return Answer.json(200, _row(_find(state, shadow_id)))


@cloud_routes("PUT", "/shadows/{shadow_id}")
def change(state: State, call: Call, shadow_id: str) -> Answer:
    shadow, body = _find(state, shadow_id), object_of(call)
    shadow.name, shadow.description = body.get("shadowName", ""), body.get("description", "")
    shadow.updated_at = time.time()
    return Answer.json(200, _row(shadow))


@cloud_routes("DELETE", "/shadows/{shadow_id}")
def delete(state: State, call: Call, shadow_id: str) -> Answer:
    _find(state, shadow_id)
    del state.shadows[shadow_id]
    return Answer(200)


@cloud_routes("GET", "/shadows/{shadow_id}/json")
def show_json(state: State, call: Call, shadow_id: str) -> Answer:
    return _json(_find(state, shadow_id))


def _stored(shadow: Shadow, data: dict[str, Any]) -> Answer:
    shadow.data, shadow.version, shadow.updated_at = data, shadow.version + 1, time.time()
    return _json(shadow)


@cloud_routes("PUT", "/shadows/{shadow_id}/json")
def replace_json(state: State, call: Call, shadow_id: str) -> Answer:
    return _stored(_find(state, shadow_id), object_of(call))


@cloud_routes("PATCH", "/shadows/{shadow_id}/json")
def merge_json(state: State, call: Call, shadow_id: str) -> Answer:
    shadow = _find(state, shadow_id)
    return _stored(shadow, _merged(shadow.data, object_of(call)))


def _merged(data: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Deeply, but an object that is not there yet may only come empty: objects are added level by level."""
    result = dict(data)
    for name, value in changes.items():
        held = data.get(name)
        if not isinstance(value, dict):
            result[name] = value
        elif isinstance(held, dict):
            result[name] = _merged(held, value)
        elif value:
            raise _error(400, f"{name} can't be added together with what is in it")
        else:
            result[name] = {}
    return result
