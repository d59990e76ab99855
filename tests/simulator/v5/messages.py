# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Publishing, and retained messages."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from .. import topics
from ..answers import NO_CONTENT, Answer, Call, Refused
from ..routing import Routes
from ..state import Message, State
from .protocol import (
    Field,
    anything,
    bad_request,
    between,
    crash,
    error,
    flag,
    json_of,
    listing,
    one_of,
    page,
    qos,
    rfc3339,
    text,
    validated,
)

routes = Routes()

MAX_PAYLOAD = 1_048_576

NO_SUBSCRIBERS = 16
IMPLEMENTATION_ERROR = 131
BAD_TOPIC = 144
QUOTA_EXCEEDED = 151

_PROPERTIES = {
    "payload_format_indicator": Field(between(0, 1)),
    "message_expiry_interval": Field(between(0, 2**32 - 1)),
    "response_topic": Field(text),
    "correlation_data": Field(text),
    "user_properties": Field(anything),
    "content_type": Field(text),
}


def _properties(value: Any, path: str) -> Any:
    """Checked, and then forgotten: nobody can be online here who speaks MQTT 5."""
    validated(value, _PROPERTIES, path)
    return value


_PUBLISH = {
    "topic": Field(text, required=True),
    "payload": Field(text, required=True),
    "payload_encoding": Field(one_of("plain", "base64"), default="plain"),
    "qos": Field(qos, default=0),
    "retain": Field(flag, default=False),
    "properties": Field(_properties, default={}),
}


def _refusal(reason_code: int, message: str) -> Refused:
    return Refused(Answer.json(400, {"reason_code": reason_code, "message": message}))


def _message(state: State, data: Any) -> Message:
    """A message that can be published, or a refusal."""
    item = validated(data, _PUBLISH)
    if not topics.valid_name(item["topic"]):
        raise _refusal(BAD_TOPIC, "topic_name_invalid")
    payload = item["payload"].encode()
    if item["payload_encoding"] == "base64":
        try:
            payload = base64.b64decode(payload, validate=True)
        except binascii.Error as trouble:
            message = f'{{decode_base64_payload_failed,<<"{item["payload"]}">>}}'
            raise _refusal(IMPLEMENTATION_ERROR, message) from trouble
    if len(payload) > MAX_PAYLOAD:
        raise _refusal(QUOTA_EXCEEDED, "quota_exceeded")
    return Message(item["topic"], payload, item["qos"], item["retain"], id=state.message_id())


def _publish(state: State, message: Message) -> dict[str, Any]:
    if state.publish(message):
        return {"id": message.id}
    return {"message": "no_matching_subscribers", "reason_code": NO_SUBSCRIBERS}


@routes("POST", "/publish")
def publish(state: State, call: Call) -> Answer:
    """202 where nobody is subscribed: not an error."""
    result = _publish(state, _message(state, json_of(call)))
    return Answer.json(200 if "id" in result else 202, result)


@routes("POST", "/publish/bulk")
def publish_bulk(state: State, call: Call) -> Answer:
    """One bad message refuses all."""
    items = json_of(call)
    if not isinstance(items, list):
        raise bad_request("Invalid json message received")
    if not items:
        raise crash('{case_clause,{errror,<<"empty_batch">>}}')
    messages = [_message(state, item) for item in items]
    results = [_publish(state, message) for message in messages]
    return Answer.json(200 if all("id" in result for result in results) else 202, results)


def _row(message: Message) -> dict[str, Any]:
    return {
        "topic": message.topic,
        "msgid": message.id,
        "qos": message.qos,
        "publish_at": rfc3339(message.at),
        "from_clientid": message.from_clientid,
        "from_username": message.from_username,
    }


def _retained(state: State, topic_filter: str) -> list[Message]:
    """The topic in the path is a filter."""
    found = state.retained_matching(topic_filter)
    if not found:
        raise Refused(error(404, "NOT_FOUND", "Viewed message doesn't exist"))
    return found


@routes("GET", "/mqtt/retainer/messages")
def list_retained(state: State, call: Call) -> Answer:
    topic_filter = call.query.get("topic")
    found = list(state.retained.values()) if topic_filter is None else state.retained_matching(topic_filter)
    rows, meta = page(call, found, counted=topic_filter is None, exact=True)
    return listing([_row(message) for message in rows], meta)


@routes("DELETE", "/mqtt/retainer/messages")
def delete_all_retained(state: State, call: Call) -> Answer:
    state.retained.clear()
    return NO_CONTENT


@routes("GET", "/mqtt/retainer/message/{topic}")
def show_retained(state: State, call: Call, topic: str) -> Answer:
    message = _retained(state, topic)[0]
    return Answer.json(200, {**_row(message), "payload": base64.b64encode(message.payload).decode()})


@routes("DELETE", "/mqtt/retainer/message/{topic}")
def delete_retained(state: State, call: Call, topic: str) -> Answer:
    """All that match."""
    for message in _retained(state, topic):
        del state.retained[message.topic]
    return NO_CONTENT
