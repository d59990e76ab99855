# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topic metrics: /topic-metrics. They need a module that is off by default."""

from __future__ import annotations

from .. import topics
from ..answers import Answer, Call
from ..monitoring import TopicMetrics
from ..routing import Routes
from ..state import State
from .protocol import failure_without_code, object_of, success

routes = Routes()

MODULE = "emqx_mod_topic_metrics"
NOT_LOADED = failure_without_code("module_not_loaded")
INVALID = failure_without_code("invalid_topic_name")


def _loaded(state: State) -> bool:
    return MODULE in state.modules


@routes("GET", "/topic-metrics")
def list_all(state: State, call: Call) -> Answer:
    if not _loaded(state):
        return NOT_LOADED
    counted = state.monitor.topics.topics
    return success([{"topic": topic, "metrics": counted[topic].metrics()} for topic in reversed(counted)])


@routes("POST", "/topic-metrics")
def register(state: State, call: Call) -> Answer:
    """Code 0 also for a topic that is registered, and past 512, where nothing is."""
    if not _loaded(state):
        return NOT_LOADED
    body = object_of(call)
    if "topic" not in body:
        return failure_without_code("missing_required_params")
    if not topics.valid_name(body["topic"]):
        return INVALID
    state.monitor.topics.register(body["topic"])
    return success()


@routes("DELETE", "/topic-metrics")
def unregister_all(state: State, call: Call) -> Answer:
    if not _loaded(state):
        return NOT_LOADED
    state.monitor.topics = TopicMetrics()
    return success()


@routes("GET", "/topic-metrics/{topic}")
def show(state: State, call: Call, topic: str) -> Answer:
    if not _loaded(state):
        return NOT_LOADED
    if not topics.valid_name(topic):
        return INVALID
    counted = state.monitor.topics.topics.get(topic)
    return success(counted.metrics() if counted else {})


@routes("DELETE", "/topic-metrics/{topic}")
def unregister(state: State, call: Call, topic: str) -> Answer:
    if not _loaded(state):
        return NOT_LOADED
    if not topics.valid_name(topic):
        return INVALID
    state.monitor.topics.topics.pop(topic, None)
    return success()
