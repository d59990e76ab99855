# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real HTTP server on the loopback address that answers, hesitates and breaks as scripted."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Seen(NamedTuple):
    """One request."""

    command: str
    path: str
    headers: Any
    sent: bytes


class Handler(BaseHTTPRequestHandler):
    """Plays the server's script: an answer, or a way to break the connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        seen = Seen(self.command, self.path, self.headers, self.rfile.read(length))
        with self.server.lock:
            self.server.seen.append(seen)
            step = self.server.script.pop(0) if self.server.script else answer(200, {"last": True})
        step(self)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_CONNECT = handle_any

    def log_message(self, *words):
        """Keep quiet."""


class Server(ThreadingHTTPServer):
    """What a test talks to; ``script`` is what comes, then nothing but HTTP 200."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.script = []
        self.seen = []
        self.connections = 0
        self.done = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/api/v5"

    def get_request(self):
        found = super().get_request()
        self.connections += 1
        return found

    def handle_error(self, request, client_address):
        """Keep quiet: connections break on purpose."""


class TlsServer(Server):
    """The same over TLS. Unlike the simulator it tells a client, as OpenSSL does, why it is refused."""

    def __init__(self, context):
        super().__init__()
        self.context = context
        self.url = f"https://localhost:{self.server_port}/api/v5"

    def finish_request(self, request, client_address):
        """Shake hands, then answer."""
        with self.context.wrap_socket(request, server_side=True, do_handshake_on_connect=False) as connection:
            try:
                connection.do_handshake()
            except OSError:
                # Wait until the client has hung up: a reset could overtake the alert.
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(4096):
                        pass
                return
            super().finish_request(connection, client_address)


def answer(status, body=None, **headers):
    """Answer with a status, and with a body: bytes as they are, anything else as JSON."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()

    def step(handler):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return step


def hang_up(handler):
    """Close the connection without a word."""
    handler.close_connection = True


def reset(handler):
    """Reset the connection."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def truncated(handler):
    """Promise a long body and send the beginning."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"data": [')
    handler.close_connection = True


def silent(handler):
    """Say nothing until the test is over."""
    handler.server.done.wait(20)
    handler.close_connection = True


@contextlib.contextmanager
def running_server(server=None):
    """Give a server, of its own kind or a plain one, that is torn down at the end."""
    with server or Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.done.set()
            server.shutdown()
            thread.join()
