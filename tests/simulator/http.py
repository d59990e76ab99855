# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP door: reads a request as it came over the wire, lets faults strike, asks the API, keeps the log."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import copy
import gzip
import hmac
import json
import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import web

from .answers import Answer, Call, Query
from .faults import PARTIAL, Fault, Faults

CONTROL = "/_simulator/"
BLOCK = b" " * (1 << 20)


@dataclass(frozen=True)
class Request:
    """One line of the log. `path` is raw and below the base path; `status` is 0 where the connection was reset.

    `connection` is the client's port.
    """

    method: str
    path: str
    query: str
    status: int
    size: int
    connection: int = field(default=0, compare=False)


class Api(Protocol):
    """One dialect: v4, v5 or platform."""

    bases: tuple[str, ...]

    def refuse_credentials(self, given: bool) -> Answer:
        """The answer to missing or wrong credentials."""

    def answer(self, call: Call) -> Answer:
        """The answer to an authenticated call."""


class Front:
    """One HTTP port with one API behind it."""

    def __init__(
        self,
        api: Api,
        user: str,
        password: str,
        *,
        control: Callable[[Call], Answer] | None = None,
        requests_per_second: int | None = None,
    ) -> None:
        self.api = api
        self.faults = Faults()
        self.requests: list[Request] = []
        self.callbacks: list[Callable[[Request], None]] = []
        self.port = 0
        self._authorization = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self._control = control
        self._limit = requests_per_second
        self._recent: deque[float] = deque()

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        # A bare server: an application's router would normalise the path. Bodies stay compressed if they came so.
        server = web.Server(self._handle, auto_decompress=False)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=tls)
        try:
            await site.start()
        except OSError:
            await self.stop()
            raise
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        await self._runner.cleanup()

    def forget(self) -> None:
        """A clean slate: no log, no faults, nobody is over the rate limit."""
        self.requests.clear()
        self.faults.clear()
        self._recent.clear()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        raw_path, _question, raw_query = request.raw_path.partition("?")
        body = await request.content.read()
        call = Call(request.method, raw_path, Query(raw_query), request.headers, body)
        if self._control is not None and raw_path.startswith(CONTROL):
            return _response(self._control(call))

        path = self._below_base(raw_path)
        fault = self.faults.strike(call.method, path)
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        answer = self._answer(call) if fault is None or fault.carried_out else None
        outcome = answer if fault is None else _outcome(fault, call, answer)
        peer = request.transport.get_extra_info("peername")[1] if request.transport else 0
        entry = Request(call.method, path, raw_query, 0 if outcome is None else outcome.status, len(body), peer)
        self.requests.append(entry)
        # Before the answer goes out, so that what a callback changes is there for the client's next call.
        for callback in list(self.callbacks):
            callback(entry)
        if fault is not None and fault.kind == "silent":
            await asyncio.sleep(fault.seconds)
            return _reset(request)
        if outcome is None:
            return _reset(request)
        if fault is not None and fault.kind in PARTIAL:
            return await _half(request, outcome, fault)
        if fault is not None and fault.kind in ("huge", "dripping"):
            return await _endless(request, fault)
        return _response(outcome)

    def _below_base(self, raw_path: str) -> str:
        for base in self.api.bases:
            if raw_path == base or raw_path.startswith(base + "/"):
                return raw_path[len(base) :]
        return raw_path

    def _answer(self, call: Call) -> Answer:
        if self._over_limit():
            text = '{"code":"TOO_MANY_REQUESTS","message":"Too many requests"}'
            return Answer.text(429, text, "application/json", **{"Retry-After": "1"})
        given = call.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), self._authorization.encode()):
            return self.api.refuse_credentials(given.startswith("Basic "))
        return self.api.answer(call)

    def _over_limit(self) -> bool:
        """Serverless: so many requests in any one second."""
        if self._limit is None:
            return False
        now = time.monotonic()
        while self._recent and now - self._recent[0] >= 1:
            self._recent.popleft()
        if len(self._recent) >= self._limit:
            return True
        self._recent.append(now)
        return False


def _outcome(fault: Fault, call: Call, answer: Answer | None) -> Answer | None:
    """What a fault makes of an answer; None is a connection reset."""
    if fault.kind == "reset":
        return None
    if fault.kind == "status":
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        headers |= {} if fault.location is None else {"Location": fault.location}
        return Answer.text(fault.status or 500, "", **headers)
    if fault.kind == "not_json":
        return Answer.text(200, "<!DOCTYPE html>\n<html><body><h1>It works!</h1></body></html>\n", "text/html")
    if fault.kind == "empty":
        return Answer(200, b"", {"Content-Type": "application/json"})
    if fault.kind == "body":
        is_text = isinstance(fault.body, str)
        return Answer.text(fault.status or 200, fault.body) if is_text else Answer.json(fault.status or 200, fault.body)
    if fault.kind == "edited" and fault.edit is not None and answer is not None:
        body = _parsed(answer.body)
        edited = fault.edit(copy.deepcopy(body), call)
        if edited == body:
            fault.struck -= 1
            return answer
        return Answer.json(answer.status, edited)
    if fault.kind == "cut_json" and answer is not None:
        return Answer(answer.status, _first_half(answer.body), answer.headers)
    return answer or Answer(200)


def _parsed(body: bytes) -> Any:
    """The JSON of a body; None where it is empty or text."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def _first_half(body: bytes) -> bytes:
    return body[: len(body) // 2] or b"{"


def _response(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, body=answer.body, headers=answer.headers)


def _reset(request: web.BaseRequest) -> web.Response:
    """End the connection with RST instead of FIN: linger for no time, then close."""
    transport = request.transport
    if transport is not None:
        plain = transport.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=500)  # goes nowhere


async def _half(request: web.BaseRequest, answer: Answer, fault: Fault) -> web.StreamResponse:
    """Promise the whole body, send half of it, and then what the fault says."""
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = max(len(answer.body), 2)
    response.force_close()
    await response.prepare(request)
    await response.write(_first_half(answer.body))
    if fault.kind == "reset_within":
        await asyncio.sleep(0.01)  # a RST overtakes what was sent just before it
        _reset(request)
    else:
        await asyncio.sleep(fault.seconds)
    if request.transport is not None:
        request.transport.close()
    return response


async def _endless(request: web.BaseRequest, fault: Fault) -> web.StreamResponse:
    """Send a long body until the client has had enough."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    part = BLOCK[:1] if fault.kind == "dripping" else BLOCK
    if fault.gzip:
        response.headers["Content-Encoding"] = "gzip"
        part = gzip.compress(part)  # members one after the other are one file
    if fault.chunked or fault.gzip:
        response.enable_chunked_encoding()
    else:
        response.content_length = fault.size
    response.force_close()
    with contextlib.suppress(OSError):  # the client has had enough
        await response.prepare(request)
        for _place in range(0, fault.size, len(BLOCK) if fault.kind == "huge" else 1):
            await response.write(part)
            if fault.seconds:
                await asyncio.sleep(fault.seconds)
    return response
