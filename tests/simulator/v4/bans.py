# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bans: /banned."""

from __future__ import annotations

import time
from typing import Any

from ..answers import Answer, Call
from ..bans import Ban, address
from ..routing import Routes
from ..state import State
from .protocol import BAD_PARAMETER, MISSING_PARAMETER, Crash, failure, object_of, page, success

routes = Routes()

KINDS = ("clientid", "username", "peerhost")
MINUTES_5 = 300


def _canonical(kind: str, who: Any) -> str:
    if not isinstance(who, str):
        raise Crash
    if kind != "peerhost":
        return who
    try:
        return address(who)
    except ValueError as error:
        raise Crash from error


@routes("GET", "/banned")
def list_bans(state: State, call: Call) -> Answer:
    rows, meta = page(call, reversed(list(state.bans)), filtered=False, hasnext=False)
    return success(
        [
            {"as": ban.kind, "who": ban.who, "by": ban.by, "reason": ban.reason, "at": ban.at, "until": ban.until}
            for ban in rows
        ],
        meta,
    )


@routes("POST", "/banned")
def ban(state: State, call: Call) -> Answer:
    """Takes the place of an existing entry. The answer holds what was sent, not what is stored."""
    item = object_of(call)
    if "who" not in item or "as" not in item:
        return failure(MISSING_PARAMETER, "missing mandatory params: ['who', 'as']")
    kind = item["as"]
    if kind not in KINDS:
        return failure(BAD_PARAMETER, "value of 'as' must be one of: ['clientid', 'username', 'peerhost']")
    if "reason" not in item:
        raise Crash
    now = int(time.time())
    who = _canonical(kind, item["who"])
    # Times are not checked; without an end it is five minutes from now, whatever `at` says.
    until = item.get("until", now + MINUTES_5)
    state.bans.put(Ban(kind, who, item.get("by", "user"), item["reason"], item.get("at", now), until))
    if kind == "clientid":  # a user name or an address keeps its connections
        state.kick(who)
    return success({name: item[name] for name in ("who", "as", "reason", "by", "at", "until") if name in item})


@routes("DELETE", "/banned/{kind}/{who}")
def lift(state: State, call: Call, kind: str, who: str) -> Answer:
    """Code 0 also where there is nothing to lift."""
    if kind not in KINDS:
        return failure(BAD_PARAMETER, "value of 'as' must be one of: ['clientid', 'username', 'peerhost']")
    state.bans.lift(kind, _canonical(kind, who))
    return success()
