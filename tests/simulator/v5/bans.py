# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bans: /banned."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from ..answers import NO_CONTENT, Answer, Call, Refused
from ..bans import Ban, address, network
from ..filters import epoch
from ..routing import Routes
from ..state import State
from .protocol import (
    Field,
    bad_request,
    error,
    invalid,
    json_of,
    listing,
    not_found,
    one_of,
    page,
    rfc3339,
    text,
    validated,
)

routes = Routes()

KINDS = ("clientid", "username", "peerhost", "clientid_re", "username_re", "peerhost_net")
FILTERS = ("clientid", "username", "peerhost")
FUZZY_FILTERS = ("like_clientid", "like_username", "like_peerhost", "like_peerhost_net")
FOREVER = "infinity"


def _time(value: Any, path: str) -> Any:
    """RFC 3339 or epoch seconds, both read back as RFC 3339."""
    if value == FOREVER:
        return value
    try:
        return int(epoch(value)) if isinstance(value, str) else int(value)
    except (TypeError, ValueError) as trouble:
        raise invalid(value=value, reason="invalid_datetime", path=path) from trouble


_SCHEMA = {
    "as": Field(one_of(*KINDS), required=True),
    "who": Field(text, required=True),
    "by": Field(text, default="mgmt_api"),
    "reason": Field(text, default=""),
    "at": Field(_time),
    "until": Field(_time, default=FOREVER),
}


def _canonical(kind: str, who: str) -> str:
    try:
        if kind == "peerhost":
            return address(who)
        if kind == "peerhost_net":
            return network(who)
        if kind.endswith("_re"):
            re.compile(who)
    except (ValueError, re.error) as trouble:
        raise bad_request(f'"bad {kind}"') from trouble
    return who


def _row(ban: Ban) -> dict[str, Any]:
    until = ban.until if ban.until == FOREVER else rfc3339(ban.until, milliseconds=False)
    at = rfc3339(ban.at, milliseconds=False)
    return {"who": ban.who, "until": until, "reason": ban.reason, "by": ban.by, "at": at, "as": ban.kind}


@routes("GET", "/banned")
def list_bans(state: State, call: Call) -> Answer:
    """`hasnext` comes with a filter only. One filter at a time; `who` and `as` are none."""
    given = [name for name in (*FILTERS, *FUZZY_FILTERS) if name in call.query]
    if len(given) > 1:
        raise bad_request("too_many_filters")
    now = time.time()
    found = [ban for ban in state.bans if ban.in_force(now)]
    for name in given:
        value, kind = call.query.get(name) or "", name.removeprefix("like_")
        if name in FUZZY_FILTERS:
            found = _like(found, kind, value)
        else:
            found = [ban for ban in found if (ban.kind, ban.who) == (kind, _canonical(kind, value))]
    rows, meta = page(call, found, counted=not any(name in FUZZY_FILTERS for name in given), exact=True)
    if not given:
        del meta["hasnext"]
    return listing([_row(ban) for ban in rows], meta)


def _like(bans: list[Ban], kind: str, pattern: str) -> list[Ban]:
    """A regular expression, which names and the expressions that ban names are held against alike."""
    try:
        wanted = re.compile(pattern)
    except re.error as trouble:
        message = {"message": "The filter is not a validation regex expression", "filter": pattern}
        raise bad_request(json.dumps(message)) from trouble
    return [ban for ban in bans if ban.kind in (kind, kind + "_re") and wanted.search(ban.who)]


@routes("POST", "/banned")
def ban(state: State, call: Call) -> Answer:
    item = validated(json_of(call), _SCHEMA)
    kind, now = item["as"], int(time.time())
    who = _canonical(kind, item["who"])
    at = now if item["at"] is None else item["at"]
    until = item["until"]
    if until != FOREVER and until < now:
        raise bad_request(_expired(at, until))
    known = state.bans.get(kind, who)
    if known is not None and known.in_force(now):
        message = json.dumps(_row(known), separators=(",", ":"), ensure_ascii=False)
        raise Refused(error(400, "ALREADY_EXISTS", message))
    new = Ban(kind, who, item["by"], item["reason"], at, until)
    state.bans.put(new)
    if kind == "clientid":  # a user name or an address keeps its connections
        state.kick(who)
    return Answer.json(200, _row(new))


def _expired(at: int, until: int) -> str:
    """5.8.9 prints the message as the Erlang list it is: character codes and strings, broken into lines."""
    parts = [*map(str, map(ord, "Cannot create expired banned, ")), f'"{at}"']
    parts += [*map(str, map(ord, " to ")), f'"{until}"']
    lines, line = [], "["
    for part in parts:
        if len(line) + len(part) + 1 > 78:
            lines.append(line)
            line = " "
        line += part + ","
    return "\n".join([*lines, line[:-1] + "]"])


@routes("DELETE", "/banned")
def lift_all(state: State, call: Call) -> Answer:
    state.bans.clear()
    return NO_CONTENT


@routes("DELETE", "/banned/{kind}/{who}")
def lift(state: State, call: Call, kind: str, who: str) -> Answer:
    one_of(*KINDS)(kind, "as")
    if not state.bans.lift(kind, _canonical(kind, who)):
        raise not_found(f"{kind}: {who} not found")
    return NO_CONTENT
