# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorded exchanges, and how they are replayed."""

from __future__ import annotations

import base64
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from contract.mqtt_client import SECONDS, MqttClient
from simulator import Deployment

FOLDER = Path(__file__).parent
CONNECTED = "127.0.0.1:9911"
"""Where the connector of the recordings is connected to; at port 9910 it is refused."""
FILES = ("emqx-4.4.19", "emqx-4.4.19-traps", "emqx-5.8.9", "emqx-5.8.9-traps")


@dataclass(frozen=True)
class Exchange:
    """One recorded request and its response."""

    file: str
    n: int
    group: str
    note: str
    request: dict[str, Any]
    response: dict[str, Any]

    @property
    def path(self) -> str:
        return self.request["path"].partition("?")[0]


@dataclass(frozen=True)
class Reply:
    """What the simulator answered."""

    status: int
    headers: dict[str, str]
    body: bytes


def lines(file: str) -> list[dict[str, Any]]:
    with (FOLDER / f"{file}.jsonl").open(encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def exchanges(file: str) -> list[Exchange]:
    return [
        Exchange(file, line["n"], line["group"], line["note"], line["request"], line["response"])
        for line in lines(file)
        if "request" in line
    ]


def replay(file: str, deployment: Deployment) -> dict[int, Reply]:
    """Every step of a file in its order, over real HTTP and MQTT; the replies by number.

    An id that the broker chose is another one here, and stands for the recorded one from then on. So does the address
    of what a connector is connected to.
    """
    replies = {}
    ids: dict[str, str] = {}
    with _clients(deployment) as clients, _listening() as address:
        for line in lines(file):
            if "mqtt" in line:
                clients.step(line["mqtt"])
            else:
                request = json.loads(json.dumps(line["request"]).replace(CONNECTED, address))
                path = "/".join(ids.get(segment, segment) for segment in request["path"].split("/"))
                reply = send(deployment, {**request, "path": path})
                body = reply.body.replace(address.encode(), CONNECTED.encode())
                replies[line["n"]] = reply = replace(reply, body=body)
                ids.update(_chosen_id(line, reply))
    return replies


@contextmanager
def _listening() -> Iterator[str]:
    """An address where something takes connections, as it did where the recorded connector was connected to."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def _chosen_id(line: dict[str, Any], reply: Reply) -> dict[str, str]:
    """The recorded id of what was made without one, as it stands in paths, and the one that it has here."""
    sent, recorded = line["request"].get("json"), _named(line["response"].get("json"))
    if line["request"]["method"] != "POST" or not isinstance(sent, dict) or "id" in sent or not recorded:
        return {}
    return {quote(recorded, safe=""): quote(_named(json.loads(reply.body)), safe="")}


def _named(body: Any) -> str:
    """The id in an answer, or nothing."""
    data = body.get("data", body) if isinstance(body, dict) else {}
    return str(data.get("id", "")) if isinstance(data, dict) else ""


def send(deployment: Deployment, request: dict[str, Any]) -> Reply:
    """The path goes out as it was recorded; http.client leaves dots and percent signs alone."""
    url = urlsplit(deployment.api_url)
    path = url.path + request["path"]
    if "query" in request:
        path += "?" + urlencode(request["query"])
    headers = {}
    if request.get("auth") != "none":
        secret = "not-" + deployment.app_secret if request.get("auth") == "wrong" else deployment.app_secret
        headers["Authorization"] = "Basic " + base64.b64encode(f"{deployment.app_id}:{secret}".encode()).decode()
    body = None
    if "json" in request:
        body = json.dumps(request["json"], ensure_ascii=False).encode()
        headers["Content-Type"] = "application/json"
    elif "raw" in request:
        body = request["raw"].encode()
        if request["raw"].startswith("{not"):
            # The broken bodies were sent as JSON; the ones about the content type were sent without.
            headers["Content-Type"] = "application/json"
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=SECONDS)
    try:
        connection.request(request["method"], path, body, headers)
        response = connection.getresponse()
        return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    finally:
        connection.close()


class _Clients:
    """The MQTT clients of a recording."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.online: dict[str, MqttClient] = {}

    def step(self, step: dict[str, Any]) -> None:
        if "disconnect" in step:
            self.online.pop(step["disconnect"]).disconnect()
            self._deployment.wait_until_gone(step["disconnect"])
            return
        client = self.online[step["connect"]] = MqttClient(self._deployment, step["connect"], step["username"])
        assert client.accepted
        for topic, qos in step["topics"]:
            assert client.subscribe(topic, qos)


@contextmanager
def _clients(deployment: Deployment) -> Iterator[_Clients]:
    clients = _Clients(deployment)
    try:
        yield clients
    finally:
        for client in clients.online.values():
            client.disconnect()
