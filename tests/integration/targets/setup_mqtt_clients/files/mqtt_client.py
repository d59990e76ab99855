# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""MQTT clients for the integration targets, one process for all of them.

start: connects the clients that stdin describes and returns once they are online; they stay online in the background
    and write what they receive to received.jsonl in the folder. A client is an object with clientid, username and
    password, and optionally protocol (4 or 5), reconnect (after it was kicked) and kept (it disconnects at once and
    leaves its session behind).
stop: ends them.
try: connects one client and disconnects it; the exit status is 0 if the broker let it in and 3 if it didn't.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

PATIENCE = 10
"""Seconds to wait for a broker."""
LIFETIME = 600
"""Seconds after which clients that nobody stopped end by themselves."""


class Refused(Exception):
    """The broker let a client not in, or did not answer."""


class Client:
    """One client, connected when the constructor returns."""

    def __init__(self, broker: str, ca_path: str, wanted: dict[str, Any], received: Path | None = None) -> None:
        self._received = received
        self._answered = threading.Event()
        self._reason = "no answer"
        protocol = wanted.get("protocol", mqtt.MQTTv311)
        kept = wanted.get("kept", False)
        modern = protocol == mqtt.MQTTv5
        self._client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2,
            client_id=wanted["clientid"],
            clean_session=None if modern else not kept,
            protocol=protocol,
            reconnect_on_failure=wanted.get("reconnect", False),
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.username_pw_set(wanted["username"], wanted["password"])
        self._client.on_connect = self._connected
        self._client.on_message = self._keep
        address = urlsplit(broker if "://" in broker else "mqtt://" + broker)
        if address.scheme == "mqtts":
            self._client.tls_set(ca_certs=ca_path or None, cert_reqs=ssl.CERT_REQUIRED)
        self._client.connect(address.hostname, address.port or 1883, **_session(kept) if modern else {})
        self._client.loop_start()
        self._answered.wait(PATIENCE)
        if self._reason:
            self.disconnect()
            raise Refused(f"{wanted['clientid']}: {self._reason}")
        if kept:
            self.disconnect()

    def _connected(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._reason = str(reason) if reason.is_failure else ""
        self._answered.set()

    def _keep(self, client: Any, _data: Any, message: Any) -> None:
        if self._received is None:
            return
        line = {
            "clientid": client._client_id.decode(),
            "topic": message.topic,
            "payload": message.payload.decode("utf-8", "replace"),
            "qos": message.qos,
        }
        with self._received.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n")

    def disconnect(self) -> None:
        """Say goodbye."""
        self._client.disconnect()
        self._client.loop_stop()


def _session(kept: bool) -> dict[str, Any]:
    """What MQTT 5 has in place of a clean session."""
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 3600 if kept else 0
    return {"clean_start": not kept, "properties": properties}


def start(options: argparse.Namespace) -> int:
    """Start a process in the background and wait until it says that all clients are online."""
    options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = options.folder / "status"
    status.unlink(missing_ok=True)
    command = [sys.executable, __file__, "stay", str(options.folder), options.broker, "--ca-path", options.ca_path]
    with (options.folder / "log").open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True, close_fds=True
        )
    assert process.stdin is not None
    process.stdin.write(sys.stdin.buffer.read())
    process.stdin.close()
    while process.poll() is None and not status.exists():
        time.sleep(0.02)
    if status.exists():
        return 0
    sys.stderr.write((options.folder / "log").read_text())
    return 1


def stay(options: argparse.Namespace) -> int:
    """Be online until somebody says stop."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    received = options.folder / "received.jsonl"
    received.touch()
    (options.folder / "pid").write_text(str(os.getpid()))
    try:
        online = [Client(options.broker, options.ca_path, wanted, received) for wanted in json.load(sys.stdin)]
    except (Refused, OSError) as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    (options.folder / "status").touch()
    ended.wait(LIFETIME)
    for client in online:
        client.disconnect()
    (options.folder / "pid").unlink(missing_ok=True)
    return 0


def stop(options: argparse.Namespace) -> int:
    """End the process that `start` has left; nothing to do is fine."""
    file = options.folder / "pid"
    end = time.monotonic() + PATIENCE
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int(file.read_text()), signal.SIGTERM)
        while file.exists() and time.monotonic() < end:
            time.sleep(0.02)
    return 0


def attempt(options: argparse.Namespace) -> int:
    """Whether the broker lets a client in."""
    try:
        Client(options.broker, options.ca_path, json.load(sys.stdin)).disconnect()
    except Refused as refusal:
        print(refusal)
        return 3
    return 0


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["start", "stay", "stop", "try"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("broker", nargs="?", default="", help="HOST:PORT or mqtts://HOST:PORT")
    parser.add_argument("--ca-path", default="", help="the CA of a broker that speaks TLS")
    options = parser.parse_args()
    commands = {"start": start, "stay": stay, "stop": stop, "try": attempt}
    return commands[options.command](options)


if __name__ == "__main__":
    sys.exit(main())
