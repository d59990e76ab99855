# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control endpoint /_simulator/, for playbooks and scripts: what tests do through `Deployment`, over HTTP."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .answers import NO_CONTENT, Answer, Call
from .faults import Fault

if TYPE_CHECKING:
    from .server import Deployment


def answer(deployment: Deployment, call: Call) -> Answer:
    what = call.method, call.path.removeprefix("/_simulator")
    try:
        if what == ("GET", "/requests"):
            return Answer.json(200, [asdict(request) for request in deployment.requests])
        if what == ("DELETE", "/requests"):
            deployment.forget_requests()
        elif what == ("POST", "/clients"):
            for client in _objects(call):
                deployment.add_client(**client)
        elif what == ("POST", "/alarms"):
            for alarm in _objects(call):
                deployment.add_alarm(**alarm)
        elif what == ("POST", "/faults"):
            deployment.faults.add(*(Fault(**fault) for fault in _objects(call)))
        elif what == ("DELETE", "/faults"):
            deployment.faults.clear()
        elif what == ("POST", "/reset"):
            deployment.reset()
        else:
            return Answer.text(404, f"no such control: {call.method} {call.path}")
    except (TypeError, ValueError) as error:
        return Answer.text(400, str(error))
    return NO_CONTENT


def _objects(call: Call) -> list[dict[str, Any]]:
    """One object or a list of them."""
    body = json.loads(call.body)
    return body if isinstance(body, list) else [body]
