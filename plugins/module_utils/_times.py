# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as users write them and as the API wants them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

from ._errors import InputError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)?")


def rfc3339(moment: datetime) -> str:
    """Return ``moment`` as RFC 3339 in UTC with milliseconds only where there are some: ``2026-11-22T20:55:51Z``."""
    utc = moment.astimezone(timezone.utc)
    precision = "milliseconds" if utc.microsecond >= 1000 else "seconds"
    return utc.isoformat(timespec=precision).replace("+00:00", "Z")


def parse(text: str) -> datetime:
    """Return the moment that ``text`` names: RFC 3339, with UTC where no offset is given.

    :raises ValueError: it is no such time.
    """
    found = _RFC3339.fullmatch(text.strip())
    if not found:
        raise ValueError(text)
    day, clock, fraction, offset = found.groups()
    micro = (fraction or "0").ljust(6, "0")[:6]
    zone = "+00:00" if offset in (None, "Z", "z") else offset
    return datetime.fromisoformat(f"{day}T{clock}.{micro}{zone}")


def past(option: str, value: Any) -> datetime:
    """Return the moment an option of an info module names: RFC 3339, epoch seconds, or ``2h`` for two hours ago.

    :raises InputError: the value is none of the three.
    """
    text = str(value).strip()
    duration = re.fullmatch(r"(\d+)([smhdw])", text)
    try:
        if duration:
            return datetime.now(timezone.utc) - timedelta(seconds=int(duration.group(1)) * _UNITS[duration.group(2)])
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return datetime.fromtimestamp(float(text), timezone.utc)
        return parse(text)
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(
            f"{option} is {text!r}, which is no time: write RFC 3339 ('2026-11-22T20:55:51Z'), epoch seconds, "
            "or how long ago ('90s', '2h', '7d')."
        ) from error


def normal(value: Any) -> Any:
    """Return a time from the API as RFC 3339 in UTC, or the value itself where it is no time.

    EMQX 5 sends RFC 3339 with an offset. EMQX 4.4 sends ``2026-11-22 20:37:27`` in the broker's own time zone
    (UTC on EMQX Cloud) for clients, and epoch milliseconds for credentials.
    """
    if isinstance(value, bool):
        return value
    try:
        if isinstance(value, int):
            return rfc3339(datetime.fromtimestamp(value / 1000, timezone.utc))
        return rfc3339(parse(value)) if isinstance(value, str) else value
    except (ValueError, OverflowError, OSError):
        return value
