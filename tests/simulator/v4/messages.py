# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Publishing: /mqtt/publish and /mqtt/publish_batch. Retained messages can't be listed on 4.4."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from .. import topics
from ..answers import Answer, Call
from ..routing import Routes
from ..state import Message, State
from .protocol import BAD_TOPIC, Crash, failure, object_of, objects_of, success
from .subscriptions import parts

routes = Routes()


def _publish(state: State, item: dict[str, Any]) -> int:
    """The result code. Bad topics are dropped silently as long as one is good; a bad QoS is a crash."""
    wanted = [topic for topic in parts(item) if topics.valid_name(topic)]
    if not wanted:
        return BAD_TOPIC
    qos, payload = item.get("qos", 0), item.get("payload", "")
    if qos not in (0, 1, 2) or isinstance(qos, bool) or not isinstance(payload, str):
        raise Crash
    data = payload.encode()
    if item.get("encoding") == "base64":  # an unknown encoding counts as plain
        try:
            data = base64.b64decode(payload, validate=True)
        except binascii.Error as error:
            raise Crash from error
    for topic in wanted:
        state.publish(
            Message(
                topic=topic,
                payload=data,
                qos=qos,
                retain=item.get("retain") is True,  # the string "true" doesn't retain
                from_clientid=str(item.get("clientid", "undefined")),
                id=state.message_id(),
            )
        )
    return 0


@routes("POST", "/mqtt/publish")
def publish(state: State, call: Call) -> Answer:
    code = _publish(state, object_of(call))
    return success() if code == 0 else failure(code, "bad_topic")


@routes("POST", "/mqtt/publish_batch")
def publish_batch(state: State, call: Call) -> Answer:
    items = objects_of(call)
    return success([{"topic": item.get("topic", item.get("topics")), "code": _publish(state, item)} for item in items])
