# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subscriptions and routes; subscribing and unsubscribing on behalf of a client."""

from __future__ import annotations

from typing import Any

from .. import topics
from ..answers import Answer, Call
from ..routing import Routes
from ..state import Client, State, Subscription
from .protocol import (
    BAD_QOS,
    BAD_TOPIC,
    CLIENT_OFFLINE,
    NODE,
    failure,
    object_of,
    objects_of,
    page,
    success,
)

routes = Routes()

_MESSAGES = {BAD_TOPIC: "bad_topic", BAD_QOS: "bad_qos", CLIENT_OFFLINE: "channel_not_found"}
_FILTERS = ("clientid", "qos", "share", "topic", "_match_topic")


def _row(client: Client, subscription: Subscription) -> dict[str, Any]:
    return {"node": NODE, "clientid": client.clientid, "topic": subscription.topic, "qos": subscription.qos}


def parts(item: dict[str, Any]) -> list[str]:
    """The topics of a call: `topic` and `topics` are both split at commas, and not trimmed."""
    texts = [item[name] for name in ("topic", "topics") if isinstance(item.get(name), str)]
    return [part for text in texts for part in text.split(",")]


@routes("GET", "/subscriptions")
def list_all(state: State, call: Call) -> Answer:
    query = call.query
    clientid, qos, topic = query.get("clientid"), query.get("qos"), query.get("topic")
    share, match = query.get("share"), query.get("_match_topic")

    def wanted(client: Client, subscription: Subscription) -> bool:
        group, bare = topics.split_share(subscription.topic)
        return (
            (clientid is None or client.clientid == clientid)
            and (qos is None or str(subscription.qos) == qos)
            and (topic is None or subscription.topic == topic)
            and (share is None or group == share)
            and (match is None or topics.matches(match, bare))
        )

    found = (pair for pair in state.all_subscriptions() if wanted(*pair))
    rows, meta = page(call, found, filtered=any(name in query for name in _FILTERS))
    return success([_row(*pair) for pair in rows], meta)


@routes("GET", "/subscriptions/{clientid}")
def list_of_one(state: State, call: Call, clientid: str) -> Answer:
    client = state.clients.get(clientid)
    return success([] if client is None else [_row(client, item) for item in client.subscriptions.values()])


@routes("GET", "/routes")
def list_routes(state: State, call: Call) -> Answer:
    bare = dict.fromkeys(topics.split_share(topic)[1] for topic in state.subscribers)
    rows, meta = page(call, bare, filtered=False, hasnext=False)
    return success([{"topic": topic, "node": NODE} for topic in rows], meta)


@routes("GET", "/routes/{topic}")
def show_route(state: State, call: Call, topic: str) -> Answer:
    known = any(topics.split_share(held)[1] == topic for held in state.subscribers)
    return success([{"topic": topic, "node": NODE}] if known else [])


def _subscribe(state: State, item: dict[str, Any]) -> int:
    """The result code. Invalid filters are dropped silently as long as one is valid."""
    wanted = [topic for topic in parts(item) if topics.valid_filter(topic)]
    qos = item.get("qos", 0)
    if not wanted:
        return BAD_TOPIC
    if qos not in (0, 1, 2) or isinstance(qos, bool):
        return BAD_QOS
    client = state.clients.get(item.get("clientid", ""))
    if client is None:
        return CLIENT_OFFLINE
    for topic in wanted:
        state.subscribe(client, Subscription(topic, qos))
    return 0


def _unsubscribe(state: State, item: dict[str, Any]) -> int:
    """One filter, `topic` only: here a comma is a comma, and `topics` is not read."""
    if not topics.valid_filter(item.get("topic")):
        return BAD_TOPIC
    client = state.clients.get(item.get("clientid", ""))
    if client is None:
        return CLIENT_OFFLINE
    state.unsubscribe(client, item["topic"])
    return 0


def _answer(code: int) -> Answer:
    return success() if code == 0 else failure(code, _MESSAGES[code])


def _result(item: dict[str, Any], code: int) -> dict[str, Any]:
    return {"clientid": item.get("clientid"), "topic": item.get("topic", item.get("topics")), "code": code}


@routes("POST", "/mqtt/subscribe")
def subscribe(state: State, call: Call) -> Answer:
    return _answer(_subscribe(state, object_of(call)))


@routes("POST", "/mqtt/subscribe_batch")
def subscribe_batch(state: State, call: Call) -> Answer:
    return success([_result(item, _subscribe(state, item)) for item in objects_of(call)])


@routes("POST", "/mqtt/unsubscribe")
def unsubscribe(state: State, call: Call) -> Answer:
    return _answer(_unsubscribe(state, object_of(call)))


@routes("POST", "/mqtt/unsubscribe_batch")
def unsubscribe_batch(state: State, call: Call) -> Answer:
    return success([_result(item, _unsubscribe(state, item)) for item in objects_of(call)])
