# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator answers what real brokers answered: each recording is replayed once, each exchange is a test."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract import recordings, volatile
from contract.recordings import Exchange, Reply
from simulator import Simulator

ALL = [exchange for file in recordings.FILES for exchange in recordings.exchanges(file)]


def _param(exchange: Exchange) -> Any:
    name = f"{exchange.file}:{exchange.n}:{exchange.group}: {exchange.note}"
    return pytest.param(exchange, id=name, marks=pytest.mark.xdist_group(exchange.file))


@pytest.fixture(scope="session")
def replays() -> dict[str, dict[int, Reply]]:
    """The replies by file and number, filled by the first test that needs a file."""
    return {}


@pytest.fixture
def reply(exchange: Exchange, replays: dict[str, dict[int, Reply]]) -> Reply:
    if exchange.file not in replays:
        generation = "v4" if exchange.file.startswith("emqx-4") else "v5"
        # The brokers were recorded as they come from their package, with anonymous clients let in.
        with Simulator.start(generation, bare=True, allow_anonymous=True) as simulator:
            replays[exchange.file] = recordings.replay(exchange.file, simulator.deployments[0])
    return replays[exchange.file][exchange.n]


@pytest.mark.parametrize("exchange", [_param(exchange) for exchange in ALL])
def test_exchange(exchange: Exchange, reply: Reply) -> None:
    recorded = exchange.response
    assert reply.status == recorded["status"], _difference(exchange, reply)
    assert _normal(exchange, _body(reply)) == _normal(exchange, _recorded_body(exchange)), _difference(exchange, reply)
    for name, value in recorded.get("headers", {}).items():
        assert reply.headers.get(name, "").partition(";")[0] == value.partition(";")[0]


def _recorded_body(exchange: Exchange) -> Any:
    return exchange.response.get("json", exchange.response.get("text"))


def _body(reply: Reply) -> Any:
    if not reply.body:
        return None
    if "json" in reply.headers.get("content-type", ""):
        return json.loads(reply.body)
    return reply.body.decode()


def _normal(exchange: Exchange, body: Any) -> Any:
    """The body with everything that may differ made the same."""
    body = volatile.comparable(body, exchange.path)
    is_page = isinstance(body, dict) and isinstance(body.get("data"), list)
    rows = body["data"] if is_page else body
    for name in volatile.STALE.get((exchange.file, exchange.n), ()):
        body = {**body, name: "<stale>"}
    if not isinstance(rows, list):
        return body
    if (exchange.file, exchange.n) in volatile.HASH_PAGED:
        rows = len(rows)
    elif volatile.HASH_ORDERED[exchange.file[5]].match(exchange.path):
        rows = sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))
    return {**body, "data": rows} if is_page else rows


def _difference(exchange: Exchange, reply: Reply) -> str:
    request = exchange.request
    return "\n".join(
        [
            f"{exchange.file} {exchange.n}, {exchange.group}: {exchange.note}",
            f"{request['method']} {request['path']} {request.get('query', '')}",
            f"{request.get('json', request.get('raw', ''))}",
            f"broker    {exchange.response['status']} {_printed(exchange, _recorded_body(exchange))}",
            f"simulator {reply.status} {_printed(exchange, _body(reply))}",
        ]
    )


def _printed(exchange: Exchange, body: Any) -> str:
    return json.dumps(_normal(exchange, body), sort_keys=True, ensure_ascii=False)


def test_hash_paged_exchanges_exist() -> None:
    assert volatile.HASH_PAGED <= {(exchange.file, exchange.n) for exchange in ALL}


def test_all_recordings_are_here() -> None:
    assert len(ALL) == 625
