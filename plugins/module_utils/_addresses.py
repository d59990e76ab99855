# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""IP addresses and networks in their one spelling.

Brokers parse them loosely (``10.1`` is 10.0.0.1, ``010.1.2.3`` is 8.1.2.3) and list them as they understood them, so it
is done strictly here, before any request.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Callable

from ._errors import InputError


def checked_address(text: str, option: str) -> str:
    """Return the address that an option holds as brokers list it.

    :raises InputError: it is none, or not written in full.
    """
    return _canonical(ipaddress.ip_address, text, f"{option} is {text!r}, which is no address", _ADDRESSES)


def checked_network(text: str, option: str) -> str:
    """Return the network that an option holds as brokers list it; an address is a network of one.

    :raises InputError: it is none, or not written in full.
    """
    return _canonical(ipaddress.ip_network, text, f"{option} is {text!r}, which is no network", _NETWORKS)


_ADDRESSES = "write it like '10.1.2.3' or '2001:db8::1'"
_NETWORKS = "write it like '10.1.0.0/16' or '2001:db8::/32'"


def _canonical(read: Callable[[str], Any], text: str, problem: str, right: str) -> str:
    try:
        canonical = str(read(text))
    except ValueError as error:
        why = ": it has bits set outside the network" if "has host bits set" in str(error) else ""
        raise InputError(f"{problem}{why}: {right}.") from error
    # Python 3.8 takes leading zeros, and every Python takes 10.0.0.0/255.0.0.0 and zones (fe80::1%eth0).
    zeros = re.search(r"[:.]0\d+\.|\.0\d", text)
    if "%" in text or zeros or (":" not in text and canonical not in (text, text + "/32")):
        raise InputError(f"{problem}: {right}.")
    return canonical
