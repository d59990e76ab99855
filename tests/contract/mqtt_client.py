# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real MQTT client whose steps wait until the broker has answered."""

from __future__ import annotations

import queue
import threading
from typing import Any

from paho.mqtt import client as mqtt

from simulator import Deployment

SECONDS = 10


class MqttClient:
    """Connects when it is made; `accepted` tells how that went. Once disconnected it stays so."""

    def __init__(
        self,
        deployment: Deployment,
        clientid: str,
        username: str | None = None,
        password: str | None = None,
        *,
        clean_session: bool = True,
        will: tuple[str, str] | None = None,
    ) -> None:
        self._connected, self._acknowledged, self._closed = (threading.Event() for _number in range(3))
        self._messages: queue.Queue[mqtt.MQTTMessage] = queue.Queue()
        self.accepted = False
        self.session_present = False
        self.refused_filters: list[int] = []
        client = self._client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2,
            client_id=clientid,
            clean_session=clean_session,
            reconnect_on_failure=False,
        )
        if username is not None:
            client.username_pw_set(username, password)
        if will is not None:
            client.will_set(*will)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_unsubscribe = lambda *_: self._acknowledged.set()
        client.on_publish = lambda *_: self._acknowledged.set()
        client.on_disconnect = lambda *_: self._closed.set()
        client.on_message = lambda _client, _userdata, message: self._messages.put(message)
        client.connect(deployment.mqtt_host, deployment.mqtt_port)
        client.loop_start()
        assert self._connected.wait(SECONDS), f"no CONNACK for {clientid}"

    def _on_connect(self, client: mqtt.Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        self.accepted = not reason.is_failure
        self.session_present = flags.session_present
        self._connected.set()

    def _on_subscribe(self, client: mqtt.Client, userdata: Any, mid: int, reasons: Any, properties: Any) -> None:
        self.refused_filters = [reason.value for reason in reasons if reason.is_failure]
        self._acknowledged.set()

    def subscribe(self, topic: str, qos: int = 0) -> bool:
        """Whether it was accepted."""
        self._acknowledged.clear()
        self._client.subscribe(topic, qos)
        assert self._acknowledged.wait(SECONDS), f"no SUBACK for {topic}"
        return not self.refused_filters

    def unsubscribe(self, topic: str) -> None:
        self._acknowledged.clear()
        self._client.unsubscribe(topic)
        assert self._acknowledged.wait(SECONDS), f"no UNSUBACK for {topic}"

    def publish(self, topic: str, payload: str, *, qos: int = 1, retain: bool = False) -> None:
        """With QoS 1 or 2, to know that it has arrived."""
        self._acknowledged.clear()
        self._client.publish(topic, payload, qos=qos, retain=retain)
        assert self._acknowledged.wait(SECONDS), f"no PUBACK for {topic}"

    def next_message(self) -> tuple[str, bytes, int, bool]:
        """Topic, payload, QoS, retained."""
        message = self._messages.get(timeout=SECONDS)
        return message.topic, bytes(message.payload), message.qos, message.retain

    def has_message(self) -> bool:
        return not self._messages.empty()

    def wait_until_closed(self) -> None:
        assert self._closed.wait(SECONDS), "still connected"

    def disconnect(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def drop(self) -> None:
        """Go without a word, so that the will is sent."""
        connection = self._client.socket()
        assert connection is not None
        connection.close()
        self._client.loop_stop()

    def __enter__(self) -> MqttClient:
        return self

    def __exit__(self, *exception: object) -> None:
        self.disconnect()
