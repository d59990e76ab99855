# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The MQTT door: amqtt speaks MQTT 3.1.1, the deployment's state decides.

amqtt would keep sessions, subscriptions and retained messages of its own. Here they are in `State`, because the HTTP
API changes them too: every amqtt session lives as long as its connection, and amqtt delivers nothing by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import Action, BrokerConfig, ListenerConfig, ListenerType
from amqtt.mqtt.disconnect import DisconnectPacket
from amqtt.mqtt.packet import MQTTPacket
from amqtt.mqtt.publish import PublishPacket
from amqtt.mqtt.pubrec import PubrecPacket
from amqtt.mqtt.pubrel import PubrelPacket
from amqtt.mqtt.subscribe import SubscribePacket
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from . import topics
from .state import Client, Message, QuotaExceeded, State, Subscription

LISTENER = "default"
SHUTDOWN_SECONDS = 1

# It warns of every client that hangs up and of every PUBACK that it wasn't told of.
logging.getLogger("amqtt").setLevel(logging.CRITICAL)


class Peer:
    """One TCP connection, from accept to close."""

    def __init__(self, writer: asyncio.StreamWriter, task: asyncio.Task[Any] | None) -> None:
        self.writer = writer
        self.task = task
        self.session: Session | None = None
        self.client: Client | None = None
        self.requested_qos: dict[str, int] = {}  # by topic, for authorization
        self.ended_in_order = False
        self.is_gone = False
        self._may_send = False
        self._waiting: list[tuple[Message, int, bool]] = []

    def start(self) -> None:
        """The CONNACK is out: what was waiting can follow."""
        self._may_send = True
        waiting, self._waiting = self._waiting, []
        for message, qos, retained in waiting:
            self.send(message, qos, retained)

    def send(self, message: Message, qos: int, retained: bool) -> None:
        """Past amqtt: its handler begins later, and would send again what is on its way by then."""
        if not self._may_send:
            self._waiting.append((message, qos, retained))
        elif self.session is not None and not self.writer.is_closing():
            number = self.session.next_packet_id if qos else None
            packet = PublishPacket.build(message.topic, message.payload, number, False, qos, retained)
            self.writer.write(packet.to_bytes())

    def release(self, number: int) -> None:
        """The second half of QoS 2."""
        self.writer.write(PubrelPacket.build(number).to_bytes())

    def close(self) -> None:
        """From this side. Whether brokers send the will then was not recorded; here they don't."""
        self.ended_in_order = True
        self.writer.close()


class Reader(StreamReaderAdapter):
    """Tells when the client has hung up. amqtt may miss that while it is still busy with the CONNECT."""

    def __init__(self, reader: asyncio.StreamReader, at_end: Callable[[], None]) -> None:
        super().__init__(reader)
        self._at_end = at_end

    async def read(self, n: int = -1) -> bytes:
        try:
            return await super().read(n)
        except (asyncio.IncompleteReadError, OSError):
            self._at_end()
            raise


class Gate(BaseAuthPlugin, BaseTopicPlugin):
    """amqtt's view of the deployment: who may come in, and what happens then. One plugin a broker."""

    @dataclass
    class Config:
        """How amqtt hands the listener to its plugin."""

        listener: Any = field(default=None)

    @property
    def listener(self) -> Listener:
        return self.config.listener

    async def authenticate(self, *, session: Session) -> bool | None:
        return self.listener.admit(session)

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool | None:
        peer = self.listener.peer_of(session)
        if action != Action.SUBSCRIBE or peer is None or peer.client is None or topic is None:
            return False  # amqtt delivers and retains nothing
        return self.listener.state.authorize(peer.client, "subscribe", topic, peer.requested_qos.get(topic, 0), False)

    async def on_mqtt_packet_received(self, *, packet: MQTTPacket, session: Session | None = None) -> None:
        peer = self.listener.peer_of(session)
        if peer is None:
            return
        if isinstance(packet, SubscribePacket):
            peer.requested_qos.update(packet.payload.topics)
        elif isinstance(packet, PublishPacket) and peer.client is not None:
            # Here and not when amqtt passes it on: that is after its PUBACK is out.
            self.listener.publish(peer.client, packet.topic_name, packet.data, packet.qos, packet.retain_flag)
        elif isinstance(packet, PubrecPacket):
            peer.release(packet.packet_id)
        elif isinstance(packet, DisconnectPacket):
            peer.close()
            self.listener.gone(peer)

    async def on_broker_client_connected(self, *, client_id: str, client_session: Session) -> None:
        self.listener.connected(client_id, client_session)

    async def on_broker_client_subscribed(self, *, client_id: str, topic: str, qos: int) -> None:
        self.listener.subscribed(client_id, topic, qos)

    async def on_broker_client_unsubscribed(self, *, client_id: str, topic: str) -> None:
        client = self.listener.state.clients.get(client_id)
        if client is not None:
            self.listener.state.monitor.count("unsubscribed")
            self.listener.state.unsubscribe(client, topic)


class Listener:
    """The MQTT port of one deployment."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.port = 0
        self._peers: dict[tuple[str, int], Peer] = {}

    async def start(self, host: str, port: int) -> None:
        self.broker = Broker(
            BrokerConfig(
                listeners={LISTENER: ListenerConfig(type=ListenerType.EXTERNAL)},
                plugins={f"{Gate.__module__}.{Gate.__qualname__}": {"listener": self}},
            )
        )
        self._server = await asyncio.start_server(self.serve, host, port, start_serving=False)
        await self.broker.start()
        await self._server.start_serving()
        self.port = self.state.mqtt_port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        for peer in self._peers.values():
            peer.close()
        tasks = [peer.task for peer in self._peers.values() if peer.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=SHUTDOWN_SECONDS)
        await self.broker.shutdown()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("peername")[:2]
        peer = self._peers[address] = Peer(writer, asyncio.current_task())
        watched = Reader(reader, lambda: self.gone(peer))
        try:
            await self.broker.external_connected(watched, StreamWriterAdapter(writer), LISTENER)
        except (OSError, asyncio.CancelledError):
            # Hung up while it was being answered, or cancelled by stop(): all the same, this is the end of it.
            self.broker.logger.debug("%s ended early", address)
        finally:
            self.gone(peer)
            del self._peers[address]
            writer.close()

    def peer_of(self, session: Session | None) -> Peer | None:
        if session is None:
            return None
        return self._peers.get((session.remote_address, session.remote_port))

    def admit(self, session: Session) -> bool:
        """Authentication. A client that is let in is online before its CONNACK is out."""
        peer = self.peer_of(session)
        if peer is None:
            return False
        peer.session = session
        if not self.state.admits(session.client_id, session.username, session.password, session.remote_address):
            return False
        kept = not session.clean_session and session.client_id in self.state.clients
        session.parent = int(kept)  # "session present" of the CONNACK
        peer.client = Client(
            clientid=session.client_id,
            username=session.username,
            ip=session.remote_address,
            port=session.remote_port,
            clean_start=bool(session.clean_session),
            keepalive=session.keep_alive,
            connection=peer,
        )
        self.state.connect(peer.client)
        return True

    def connected(self, client_id: str, session: Session) -> None:
        """Take the session from amqtt, which would hand it to the next client of that id."""
        peer = self.peer_of(session)
        self.broker.sessions.pop(client_id, None)
        if peer is not None:
            peer.start()

    def subscribed(self, client_id: str, topic: str, qos: int) -> None:
        client = self.state.clients.get(client_id)
        if client is None:
            return
        self.state.monitor.count("subscribed")
        try:
            self.state.subscribe(client, Subscription(topic, qos))
        except QuotaExceeded:
            self.broker.logger.warning("%s is over its quota of subscriptions", client_id)

    def publish(self, client: Client, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        """A message of a client, if it may."""
        if not topics.valid_name(topic) or not self.state.authorize(client, "publish", topic, qos, retain):
            return
        self.state.publish(
            Message(
                topic=topic,
                payload=bytes(payload),
                qos=qos,
                retain=retain,
                from_clientid=client.clientid,
                from_username=client.username or "",
                id=self.state.message_id(),
            )
        )

    def gone(self, peer: Peer) -> None:
        """Its connection has ended, in whatever way; the first to notice counts."""
        if peer.is_gone:
            return
        peer.is_gone = True
        session, client = peer.session, peer.client
        if session is not None and self.broker.sessions.get(session.client_id, (None,))[0] is session:
            del self.broker.sessions[session.client_id]
        if session is None or client is None:
            return
        self.state.disconnect(client)
        if session.will_flag and not peer.ended_in_order:
            will = bytes(session.will_message or b"")
            self.publish(client, session.will_topic or "", will, session.will_qos or 0, bool(session.will_retain))
