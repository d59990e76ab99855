# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may stand in a URL: addresses, paths, and the names of things in them; the rest is refused before it is sent."""

from __future__ import annotations

import ipaddress
import re
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ._addresses import checked_address
from ._errors import InputError

EXAMPLES = {"platform_url": "https://HOST/public_api/v1"}
"""What the URL of an option looks like, where it isn't that of a deployment."""

LONGEST_LINE = 7900
"""How long a path with its query gets: brokers refuse a request line of 8,000 bytes and more."""

LONGEST_NAME = 7500
"""How long a name gets in a path, which begins with what the name is one of. Brokers would make longer ones in the
body of a request, and nobody could delete them."""


def checked_url(url: str, option: str, allow_http: bool = False) -> str:
    """Return ``url`` without a slash at its end, or say what is wrong with it; credentials in it are not repeated.

    :raises InputError: it is no absolute HTTPS URL, or plain HTTP to another host without ``allow_http``.
    """
    example, url = EXAMPLES.get(option, "https://HOST:8443/api/v5"), url.strip()
    if "@" in unquote(url):
        raise InputError(f"{option} holds credentials: leave them out of the URL and use the options for them.")
    if not url.isascii():
        raise InputError(f"{option} is no valid URL: write what isn't ASCII in its host with xn--, elsewhere with %.")
    invalid = InputError(f"{option} is no valid URL: it should look like {example}.")
    try:
        parts = urlsplit(url)
        host, _unused_port = parts.hostname, parts.port
    except ValueError:
        raise invalid from None
    # Nothing that another reader of the URL, such as that of the HTTP library, could split in another way.
    if parts.scheme not in ("http", "https") or not host or not re.fullmatch(r"[!-\[\]-~]+", url):
        raise invalid
    if parts.query or parts.fragment:
        raise InputError(f"{option} ends at the path: a query or a fragment in it can't be right.")
    if any(unquote(segment) in (".", "..") for segment in parts.path.split("/")):
        raise InputError(f"{option} has '.' or '..' in its path, which would lead elsewhere: write the path without.")
    if not _is_host(host, "[" in parts.netloc):
        raise InputError(f"{option} has no host that is read in one way only: write a name, or an address in full.")
    if parts.scheme == "http" and not allow_http and not _is_loopback(host):
        raise InputError(
            f"{option} is plain HTTP to {host}, which would send the credentials unencrypted: use https://, "
            "or set allow_http to accept it."
        )
    return url.rstrip("/")


def _is_host(host: str, bracketed: bool) -> bool:
    """Say whether a host is a name, or one address written in full.

    Resolvers take 127.1, 0177.0.0.1 and 2130706433 for addresses, and ::ffff:127.0.0.1 leads to that of IPv4.
    """
    last = host.rstrip(".").rpartition(".")[2]
    if not bracketed and not re.fullmatch(r"\d+|0x[0-9a-f]*", last):
        return re.fullmatch(r"([a-z0-9_-]+\.)*[a-z0-9_-]+\.?", host) is not None
    try:
        address = ipaddress.ip_address(checked_address(host, "host"))
    except InputError:
        return False
    return (address.version == 6) is bracketed and getattr(address, "ipv4_mapped", None) is None


def _is_loopback(host: str) -> bool:
    """Say whether a host that :func:`_is_host` accepts is this machine; what ends in .localhost may be in any DNS."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def checked_name(name: Any, what: str = "a name", where: str = "") -> str:
    """Return ``name`` if it may be one segment of a path.

    ``.`` and ``..`` are normalised away by HTTP clients and by EMQX 5, also as ``%2E``: ``DELETE …/users/..`` deletes
    the authenticator with all its users. The empty name addresses the list.

    :param where: what stands before ``what`` in messages, such as ``users[3].``.
    :raises InputError: it is empty, ``.``, ``..``, too long, or no text that UTF-8 can carry.
    """
    if not isinstance(name, str):
        raise InputError(f"{name!r} can't be used as {where}{what}: it is no text, and no path leads to it.")
    if name in ("", ".", ".."):
        raise InputError(f"{name!r} can't be used as {where}{what}: the API would take it for another path.")
    if not is_text(name):
        raise InputError(f"{name!r} can't be used as {where}{what}: it is not valid Unicode text.")
    if not fit_path(name):
        raise InputError(
            f"{name[:50]!r}… can't be used as {where}{what}: it has {len(name)} characters, and brokers take no path "
            "of that length."
        )
    return name


def fit_path(*names: str) -> bool:
    """Say whether names are short enough to stand in one path."""
    # A character takes twelve bytes at the most, so that most names need not be encoded for this.
    few = 12 * sum(map(len, names)) <= LONGEST_NAME
    return few or sum(len(quote(name, safe="")) for name in names) <= LONGEST_NAME


def is_text(value: str) -> bool:
    """Say whether UTF-8 can carry a text."""
    try:
        return value.isascii() or bool(value.encode("utf-8"))
    except UnicodeEncodeError:
        return False


def path_of(template: str, *names: str) -> str:
    """Return the path that ``template`` gives with each ``{}`` replaced by a percent-encoded name.

    This is the only way in which a name gets into a path.

    :raises InputError: a name is refused by :func:`checked_name`.
    """
    return template.format(*(quote(checked_name(name), safe="") for name in names))


_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+")


def checked_path(path: str) -> str:
    """Return a path below the base URL if it addresses what it says, whoever made it.

    HTTP clients, gateways and brokers normalise ``.``, ``..`` and empty segments away, however they are encoded.

    :raises InputError: there is such a segment, or a character that has no place in one.
    """
    for segment in path.split("/"):
        if not _SEGMENT.fullmatch(segment) or unquote(segment) in (".", ".."):
            raise InputError(f"{path!r} can't be used as a path: it would address something else than it says.")
    return path
