# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The TLS certificates of deployments: what the Platform API says of them, and the MQTT port that shows them.

As the whole Platform API nothing of it was recorded. That a certificate is refused (422) which can't be used, and a
POST where there is one (409), is a guess.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from cryptography import x509

from .answers import NO_CONTENT, Answer, Call, error
from .routing import Routes

READS_AN_HOUR = 60
CHANGES_AN_HOUR = 6
TLS_TYPES = ("one-way", "two-way")


@dataclass(frozen=True)
class Installed:
    """A certificate that was accepted, and what clients meet: `context`."""

    type: str
    expire: str
    context: ssl.SSLContext
    cacert: str


@dataclass
class Slot:
    """What a deployment has for a certificate. The last one is in use from `until` (monotonic) on."""

    last: Installed | None = None
    before: Installed | None = None
    until: float = 0.0

    @property
    def status(self) -> str:
        return "pending" if time.monotonic() < self.until else "running"

    @property
    def in_use(self) -> Installed | None:
        return self.before if self.status == "pending" else self.last

    def put(self, installed: Installed, seconds: float) -> None:
        self.before = self.in_use
        self.last, self.until = installed, time.monotonic() + seconds

    def clear(self) -> None:
        self.last, self.before, self.until = None, None, 0.0


class Certificates:
    """The calls for certificates.

    seconds: how long a certificate says `pending`.
    expire: makes of a moment what is told as `expire`.
    """

    def __init__(self, routes: Routes, find: Callable[[str], Slot], count: Callable[..., None]) -> None:
        self.seconds = 0.02
        self.expire: Callable[[datetime], Any] = lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        self._find, self._count = find, count
        for method, handler in (
            ("GET", self._show), ("POST", self._create), ("PUT", self._change), ("DELETE", self._delete)
        ):
            routes.add(method, "/deployments/{id}/tls", handler)

    def _show(self, call: Call, id: str) -> Answer:
        slot = self._find(id)
        self._count(READS_AN_HOUR, "tls", id)
        return Answer.json(200, self._row(slot))

    def _row(self, slot: Slot) -> dict[str, Any]:
        if slot.last is None:
            raise error(404, "TLS_NOT_FOUND", "no certificate")
        return {"tlsType": slot.last.type, "expire": slot.last.expire, "status": slot.status}

    def _create(self, call: Call, id: str) -> Answer:
        slot = self._find(id)
        if slot.last is not None:
            raise error(409, "TLS_EXISTS", "there is a certificate")
        return self._put(slot, call, id, 201)

    def _change(self, call: Call, id: str) -> Answer:
        slot = self._find(id)
        self._row(slot)
        return self._put(slot, call, id, 200)

    def _put(self, slot: Slot, call: Call, id: str, status: int) -> Answer:
        self._count(CHANGES_AN_HOUR, "tls changes", id)
        try:
            item = json.loads(call.body)
        except ValueError as trouble:
            raise error(400, "BAD_REQUEST", "no JSON") from trouble
        slot.put(self._installed(item), self.seconds)
        return Answer.json(status, self._row(slot))

    def _installed(self, item: Any) -> Installed:
        """What a body installs, if a TLS server can use it."""
        if not isinstance(item, dict) or item.get("tlsType") not in TLS_TYPES:
            raise error(422, "INVALID_PROPERTIES", "wrong tlsType")
        cert, key, cacert = (item.get(name) for name in ("cert", "key", "cacert"))
        if not isinstance(cert, str) or not isinstance(key, str) or not isinstance(cacert, (str, type(None))):
            raise error(422, "INVALID_PROPERTIES", "wrong cert, key or cacert")
        if (item["tlsType"] == "two-way") is not bool(cacert):
            raise error(422, "INVALID_PROPERTIES", "cacert belongs to two-way")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            end = x509.load_pem_x509_certificates(cert.encode())[0].not_valid_after_utc
            with tempfile.TemporaryDirectory(prefix="emqx-simulator-") as folder:
                (Path(folder) / "cert").write_text(cert)
                (Path(folder) / "key").write_text(key)
                # No passphrase: otherwise OpenSSL would ask for one at the terminal.
                context.load_cert_chain(Path(folder) / "cert", Path(folder) / "key", password="")
            if cacert:
                context.load_verify_locations(cadata=cacert)
                context.verify_mode = ssl.CERT_REQUIRED
        except (ValueError, OSError) as trouble:
            raise error(422, "INVALID_PROPERTIES", "cert, key or cacert can't be used") from trouble
        if end < datetime.now(timezone.utc):
            raise error(422, "INVALID_PROPERTIES", "the certificate has expired")
        return Installed(item["tlsType"], self.expire(end), context, cacert or "")

    def _delete(self, call: Call, id: str) -> Answer:
        slot = self._find(id)
        self._row(slot)
        self._count(CHANGES_AN_HOUR, "tls changes", id)
        slot.clear()
        return NO_CONTENT


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Port:
    """The MQTT port of a deployment that speaks TLS. While it has no certificate, it hangs up on everybody."""

    def __init__(self, slot: Slot, serve: Serve) -> None:
        self.port = 0
        self._slot, self._serve = slot, serve

    async def start(self, host: str) -> None:
        self._socket = socket.create_server((host, 0))
        self._socket.setblocking(False)
        self.port = self._socket.getsockname()[1]
        self._task = asyncio.create_task(self._accept())

    async def stop(self) -> None:
        self._task.cancel()
        self._socket.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        handshakes = set()
        while True:
            connection, _address = await loop.sock_accept(self._socket)
            handshakes.add(task := asyncio.create_task(self._shake(connection)))
            task.add_done_callback(handshakes.discard)

    async def _shake(self, connection: socket.socket) -> None:
        """Each connection meets the certificate that is in use when it comes."""
        installed = self._slot.in_use
        if installed is None:
            connection.close()
            return
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader, self._serve)
        try:
            await loop.connect_accepted_socket(lambda: protocol, connection, ssl=installed.context)
        except OSError:  # the client didn't like it, or had no certificate
            connection.close()
