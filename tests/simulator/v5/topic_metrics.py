# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topic metrics: /mqtt/topic_metrics."""

from __future__ import annotations

from typing import Any

from .. import topics
from ..answers import NO_CONTENT, Answer, Call, Refused
from ..monitoring import MAX_TOPICS, Counted
from ..routing import Routes
from ..state import State
from .protocol import Field, bad_request, error, json_of, one_of, rfc3339, text, validated

routes = Routes()

_REGISTER = {"topic": Field(text, required=True)}
_RESET = {"topic": Field(text), "action": Field(one_of("reset"), required=True)}

_REFUSALS = {
    "already_existed": error(400, "BAD_TOPIC", "Topic already registered"),
    "quota_exceeded": error(409, "EXCEED_LIMIT", f"Max topic metrics count is {MAX_TOPICS}"),
}


def _row(state: State, topic: str) -> dict[str, Any]:
    counted = state.monitor.topics.topics.get(topic)
    if counted is None:
        raise Refused(error(404, "TOPIC_NOT_FOUND", "Topic not found"))
    return {
        "topic": topic,
        "create_time": rfc3339(counted.created_at, milliseconds=False),
        "metrics": counted.metrics(),
    }


def _list(state: State) -> Answer:
    return Answer.json(200, [_row(state, topic) for topic in state.monitor.topics.topics])


@routes("GET", "/mqtt/topic_metrics")
def list_all(state: State, call: Call) -> Answer:
    return _list(state)


@routes("POST", "/mqtt/topic_metrics")
def register(state: State, call: Call) -> Answer:
    topic = validated(json_of(call), _REGISTER)["topic"]
    if not topic:
        raise bad_request("Topic can not be empty")
    if topics.has_wildcard(topic):
        return error(400, "BAD_TOPIC", "Wildcard topic is not supported")
    problem = state.monitor.topics.register(topic)
    return _REFUSALS[problem] if problem else Answer.json(200, _row(state, topic))


@routes("PUT", "/mqtt/topic_metrics")
def reset(state: State, call: Call) -> Answer:
    """All of them without a topic. How long it has been registered stays."""
    topic = validated(json_of(call), _RESET)["topic"]
    counted = state.monitor.topics.topics
    for name in counted if topic is None else [topic]:
        counted[name] = Counted(_counted(state, name).created_at)
    return _list(state) if topic is None else Answer.json(200, _row(state, topic))


def _counted(state: State, topic: str) -> Counted:
    _row(state, topic)
    return state.monitor.topics.topics[topic]


@routes("GET", "/mqtt/topic_metrics/{topic}")
def show(state: State, call: Call, topic: str) -> Answer:
    return Answer.json(200, _row(state, topic))


@routes("DELETE", "/mqtt/topic_metrics/{topic}")
def unregister(state: State, call: Call, topic: str) -> Answer:
    _row(state, topic)
    del state.monitor.topics.topics[topic]
    return NO_CONTENT
