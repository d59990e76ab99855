# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as users write them and as the API wants them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any, Optional

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


def duration(value: Any) -> Optional[timedelta]:
    """Return what ``90s``, ``5m``, ``2h``, ``7d`` or ``3w`` is, or None for anything else.

    :raises OverflowError: it is longer than Python can tell.
    """
    found = re.fullmatch(r"(\d+)([smhdw])", str(value).strip())
    return timedelta(seconds=int(found.group(1)) * _UNITS[found.group(2)]) if found else None


def _moment(option: str, value: Any, now: datetime, sign: int, durations: str) -> datetime:
    """Return the moment that an option names; a duration counts from ``now``, backwards where ``sign`` is -1."""
    text = str(value).strip()
    try:
        span = duration(text)
        if span is not None:
            return now + sign * span
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return datetime.fromtimestamp(float(text), timezone.utc)
        return parse(text)
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(
            f"{option} is {text!r}, which is no time: write RFC 3339 ('2026-11-22T20:55:51Z'), epoch seconds, "
            f"or {durations}."
        ) from error


def past(option: str, value: Any) -> datetime:
    """Return the moment an option of an info module names: RFC 3339, epoch seconds, or ``2h`` for two hours ago.

    :raises InputError: the value is none of the three.
    """
    return _moment(option, value, datetime.now(timezone.utc), -1, "how long ago ('90s', '2h', '7d')")


def future(option: str, value: Any, now: datetime) -> datetime:
    """Return when something ends, in whole seconds: RFC 3339, epoch seconds, or ``2h`` for two hours from ``now``.

    :raises InputError: the value is none of the three, or not after ``now``.
    """
    end = _moment(option, value, now, 1, "how long from now ('90s', '2h', '7d'), or never").replace(microsecond=0)
    if end <= now:
        raise InputError(f"{option} is {str(value).strip()!r}, which has passed: write a time to come.")
    return end


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
