# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters: /metrics. Packets and bytes are not counted: they are 0."""

from __future__ import annotations

from ..answers import Answer, Call
from ..routing import Routes
from ..state import State
from .protocol import NODE, success

routes = Routes()

NAMES = (
    "bytes.received", "bytes.sent", "client.acl.allow", "client.acl.cache_hit", "client.acl.deny",
    "client.auth.failure", "client.auth.success", "client.auth.success.anonymous", "client.authenticate",
    "client.check_acl", "client.connack", "client.connect", "client.connected", "client.disconnected",
    "client.subscribe", "client.unsubscribe", "delivery.dropped", "delivery.dropped.expired",
    "delivery.dropped.no_local", "delivery.dropped.qos0_msg", "delivery.dropped.queue_full",
    "delivery.dropped.too_large", "messages.acked", "messages.delayed", "messages.delivered", "messages.dropped",
    "messages.dropped.await_pubrel_timeout", "messages.dropped.no_subscribers", "messages.forward", "messages.publish",
    "messages.qos0.received", "messages.qos0.sent", "messages.qos1.received", "messages.qos1.sent",
    "messages.qos2.received", "messages.qos2.sent", "messages.received", "messages.retained", "messages.sent",
    "packets.auth.received", "packets.auth.sent", "packets.connack.auth_error", "packets.connack.error",
    "packets.connack.sent", "packets.connect.received", "packets.disconnect.received", "packets.disconnect.sent",
    "packets.pingreq.received", "packets.pingresp.sent", "packets.puback.inuse", "packets.puback.missed",
    "packets.puback.received", "packets.puback.sent", "packets.pubcomp.inuse", "packets.pubcomp.missed",
    "packets.pubcomp.received", "packets.pubcomp.sent", "packets.publish.auth_error", "packets.publish.dropped",
    "packets.publish.error", "packets.publish.inuse", "packets.publish.received", "packets.publish.sent",
    "packets.pubrec.inuse", "packets.pubrec.missed", "packets.pubrec.received", "packets.pubrec.sent",
    "packets.pubrel.missed", "packets.pubrel.received", "packets.pubrel.sent", "packets.received", "packets.sent",
    "packets.suback.sent", "packets.subscribe.auth_error", "packets.subscribe.error", "packets.subscribe.received",
    "packets.unsuback.sent", "packets.unsubscribe.error", "packets.unsubscribe.received", "session.created",
    "session.discarded", "session.resumed", "session.takeovered", "session.terminated",
)


@routes("GET", "/metrics")
def metrics(state: State, call: Call) -> Answer:
    return success([{"node": NODE, "metrics": {name: state.monitor.counts[name] for name in NAMES}}])
