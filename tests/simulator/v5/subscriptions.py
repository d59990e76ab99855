# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subscriptions and topics; subscribing and unsubscribing on behalf of a client."""

from __future__ import annotations

from typing import Any

from .. import topics
from ..answers import NO_CONTENT, Answer, Call, Refused
from ..routing import Routes
from ..state import Client, State, Subscription
from . import clients
from .protocol import (
    NODE,
    Field,
    bad_request,
    between,
    crash,
    error,
    json_of,
    listing,
    page,
    qos,
    text,
    validated,
)

routes = Routes()

_SUBSCRIBE = {
    "topic": Field(text, required=True),
    "qos": Field(qos, default=0),
    "nl": Field(between(0, 1), default=0),
    "rap": Field(between(0, 1), default=0),
    "rh": Field(between(0, 2), default=0),
}
_UNSUBSCRIBE = {"topic": Field(text, required=True)}


def _row(client: Client, subscription: Subscription) -> dict[str, Any]:
    """`nl` and `rap` need MQTT 5: on an older client they read back 0, though subscribing echoes them; `rh` stays."""
    is_v5 = client.proto_ver >= 5
    return {
        "node": NODE,
        "clientid": client.clientid,
        "topic": subscription.topic,
        "qos": subscription.qos,
        "nl": subscription.nl if is_v5 else 0,
        "rap": subscription.rap if is_v5 else 0,
        "rh": subscription.rh,
        "durable": False,
    }


@routes("GET", "/subscriptions")
def list_all(state: State, call: Call) -> Answer:
    query = call.query
    clientid, wanted_qos, topic = query.get("clientid"), query.get("qos"), query.get("topic")
    group, match = query.get("share_group"), query.get("match_topic")
    found = []
    for client, subscription in state.all_subscriptions():
        share, bare = topics.split_share(subscription.topic)
        if (
            (clientid is None or client.clientid == clientid)
            and (wanted_qos is None or str(subscription.qos) == wanted_qos)
            and (topic is None or subscription.topic == topic)
            and (group is None or share == group)
            and (match is None or topics.matches(match, bare))
        ):
            found.append((client, subscription))
    rows, meta = page(call, found, counted=match is None)
    return listing([_row(*pair) for pair in rows], meta)


@routes("GET", "/clients/{clientid}/subscriptions")
def list_of_one(state: State, call: Call, clientid: str) -> Answer:
    client = clients.find(state, clientid)
    return Answer.json(200, [_row(client, subscription) for subscription in client.subscriptions.values()])


def _subscribe(state: State, client: Client, item: dict[str, Any]) -> dict[str, Any]:
    """Invalid filters are accepted; they break GET /topics for everybody."""
    state.subscribe(client, Subscription(**item))
    return {"clientid": client.clientid, "node": NODE, **item}


def _items(call: Call, schema: dict[str, Field]) -> list[dict[str, Any]]:
    items = json_of(call)
    if not isinstance(items, list):
        raise bad_request("Invalid json message received")
    return [validated(item, schema) for item in items]


@routes("POST", "/clients/{clientid}/subscribe")
def subscribe(state: State, call: Call, clientid: str) -> Answer:
    item = validated(json_of(call), _SUBSCRIBE)
    return Answer.json(200, _subscribe(state, clients.find(state, clientid), item))


@routes("POST", "/clients/{clientid}/subscribe/bulk")
def subscribe_bulk(state: State, call: Call, clientid: str) -> Answer:
    items = _items(call, _SUBSCRIBE)
    client = clients.find(state, clientid)
    return Answer.json(200, [_subscribe(state, client, item) for item in items])


@routes("POST", "/clients/{clientid}/unsubscribe")
def unsubscribe(state: State, call: Call, clientid: str) -> Answer:
    """204 also for what is not subscribed."""
    item = validated(json_of(call), _UNSUBSCRIBE)
    state.unsubscribe(clients.find(state, clientid), item["topic"])
    return NO_CONTENT


@routes("POST", "/clients/{clientid}/unsubscribe/bulk")
def unsubscribe_bulk(state: State, call: Call, clientid: str) -> Answer:
    items = _items(call, _UNSUBSCRIBE)
    client = clients.find(state, clientid)
    for item in items:
        state.unsubscribe(client, item["topic"])
    return NO_CONTENT


@routes("GET", "/topics")
def list_topics(state: State, call: Call) -> Answer:
    held = list(dict.fromkeys(topics.split_share(topic)[1] for topic in state.subscribers))
    wanted = call.query.get("topic")
    if wanted is not None:
        held = [topic for topic in held if topic == wanted]
    if any(topics.misplaced_hash(topic) for topic in held):
        raise crash("'topic_invalid_#'")
    rows, meta = page(call, held, exact=True)
    return listing([{"topic": topic, "node": NODE} for topic in rows], meta)


@routes("GET", "/topics/{topic}")
def show_topic(state: State, call: Call, topic: str) -> Answer:
    if all(topics.split_share(held)[1] != topic for held in state.subscribers):
        raise Refused(error(404, "TOPIC_NOT_FOUND", "Topic not found"))
    return Answer.json(200, [{"topic": topic, "node": NODE}])
