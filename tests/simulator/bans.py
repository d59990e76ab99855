# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is banned, and addresses as Erlang reads them."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import Any


def address(text: str) -> str:
    """The canonical form; ValueError if it is none.

    Brokers parse with `inet:parse_address`, which like inet_aton takes `10.1` for 10.0.0.1 and `010.1.2.3` for 8.1.2.3.
    """
    if ":" in text:
        return str(ipaddress.IPv6Address(text))
    if not re.fullmatch(r"[0-9a-fA-FxX.]+", text):
        raise ValueError(f"no address: {text!r}")
    try:
        return socket.inet_ntoa(socket.inet_aton(text))
    except OSError as error:
        raise ValueError(f"no address: {text!r}") from error


def network(text: str) -> str:
    """The canonical form of a CIDR; a lone address is a network of one."""
    host, slash, length = text.partition("/")
    return str(ipaddress.ip_network(address(host) + slash + length, strict=False))


@dataclass(frozen=True)
class Ban:
    """One ban. Times are kept as they were given: v4 doesn't check them."""

    kind: str
    who: str
    by: str
    reason: str
    at: Any
    until: Any

    def in_force(self, now: float) -> bool:
        return not isinstance(self.until, (int, float)) or now < self.until


class Bans:
    """The bans of a deployment, by kind and who."""

    def __init__(self) -> None:
        self._bans: dict[tuple[str, str], Ban] = {}

    def __iter__(self):
        return iter(self._bans.values())

    def __len__(self) -> int:
        return len(self._bans)

    def get(self, kind: str, who: str) -> Ban | None:
        return self._bans.get((kind, who))

    def put(self, ban: Ban) -> None:
        self._bans[ban.kind, ban.who] = ban

    def lift(self, kind: str, who: str) -> bool:
        return self._bans.pop((kind, who), None) is not None

    def clear(self) -> None:
        self._bans.clear()

    def covers(self, clientid: str, username: str | None, ip: str, now: float) -> bool:
        """Whether a ban in force keeps this client out."""
        return any(ban.in_force(now) and _covers(ban, clientid, username, ip) for ban in self)


def _covers(ban: Ban, clientid: str, username: str | None, ip: str) -> bool:
    if ban.kind == "clientid":
        return ban.who == clientid
    if ban.kind == "username":
        return ban.who == username
    if ban.kind == "peerhost":
        return ban.who == ip
    if ban.kind == "peerhost_net":
        return ipaddress.ip_address(ip) in ipaddress.ip_network(ban.who)
    subject = clientid if ban.kind == "clientid_re" else username or ""
    return re.search(ban.who, subject) is not None
