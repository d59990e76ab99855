# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan is held against before it is carried out: what a Serverless deployment holds, and whom it locks out."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
import warnings
from typing import Any, Mapping, Optional
from urllib.parse import urlsplit

from .._errors import InputError

SERVERLESS = "serverless"
SERVERLESS_HOSTS = (".emqxsl.com", ".emqxsl.cn")
"""How the host names of Serverless deployments end."""

MOST_USERS = 2000
MOST_RULES = 2000
MOST_SUBSCRIPTIONS = 10
"""What a Serverless deployment holds at the most, the last for one client, as EMQX Cloud documents it."""


def is_serverless(options: Mapping[str, Any], url: str) -> bool:
    """Say whether the options of a module describe a Serverless deployment."""
    given = str(options.get("deployment_type") or "auto").lower()
    return given == SERVERLESS or (given == "auto" and (urlsplit(url).hostname or "").endswith(SERVERLESS_HOSTS))


def check_quota(what: str, existing: Optional[int], more: int, most: int) -> None:
    """Refuse a plan after which a Serverless deployment would hold more than it can.

    :param existing: how many there are; None if that need not be known, since the list alone is too long.
    :param more: how many more there are afterwards.
    :raises InputError: they don't fit. Where more than that are there already, the quota is evidently another one.
    """
    after = (existing or 0) + more
    if (existing or 0) <= most < after:
        there = "" if existing is None else f", and {existing} are there"
        raise InputError(
            f"{after} {what} don't fit: a Serverless deployment holds {most}{there}; leave {after - most} out, or set "
            "deployment_type if it is no Serverless deployment."
        )


def matches(pattern: str, name: str) -> bool:
    """Say whether a regular expression of a ban matches a name, as far as Python reads it as the broker does."""
    with contextlib.suppress(re.error, OverflowError, RecursionError, Warning), warnings.catch_warnings():
        warnings.simplefilter("error")  # of classes such as [[:alpha:]], which Python has not
        return re.search(pattern, name) is not None
    return False


def own_address(url: str) -> Optional[Any]:
    """Return the address under which the host of a URL sees this host, or None where that can't be told.

    A private address is told only where that host has one as well: otherwise it is translated on the way.
    Nothing is sent.
    """
    with contextlib.suppress(OSError, ValueError):
        for found in socket.getaddrinfo(urlsplit(url).hostname, 443, type=socket.SOCK_DGRAM):
            with contextlib.suppress(OSError), socket.socket(found[0], socket.SOCK_DGRAM) as probe:
                probe.connect(found[4])
                names = [str(name[0]) for name in (probe.getsockname(), found[4])]
                own, other = (ipaddress.ip_address(name.partition("%")[0]) for name in names)
                return own if own.is_global or not other.is_global else None
    return None


def covers(network: str, address: Any) -> bool:
    """Say whether a network, or an address as one, has this address in it."""
    with contextlib.suppress(ValueError):
        return address in ipaddress.ip_network(network)
    return False
