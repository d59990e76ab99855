# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets, in each form in which they may come back, and texts without them."""

from __future__ import annotations

import base64
import json
import re
from typing import Collection, List, Set
from urllib.parse import quote, quote_plus


def connection_secrets(user: str, secret: str) -> List[str]:
    """Return the strings that must never be shown: the secret and ``user:secret`` (the Basic header) in all forms."""
    return sorted(forms(secret) | forms(f"{user}:{secret}"), key=len, reverse=True) if secret else []


def forms(secret: str) -> Set[str]:
    """Return a secret as it may come back: as it is, as JSON and URLs write it, in base64, and its long lines."""
    data = secret.encode("utf-8", "surrogatepass")
    in_base64 = base64.b64encode(data).decode("ascii")
    found = {secret, in_base64, in_base64.rstrip("="), quote(data, safe=""), quote(data), quote_plus(data)}
    found.update(json.dumps(secret, ensure_ascii=plain)[1:-1] for plain in (True, False))
    found.update(line for line in secret.splitlines() if len(line) >= 16)
    return found - {""}


def without_credentials(text: str) -> str:
    """Return text with what stands before the ``@`` of URLs left out, such as that of a proxy."""
    return re.sub(r"//\S*@", "//", text)


def masked(text: str, secrets: Collection[str]) -> str:
    """Return text that came from outside with the given values masked.

    In all their :func:`forms`. What has less than four characters is masked only where it stands in quotes, since it
    would garble every word.
    """
    for form in sorted({form for secret in secrets for form in forms(secret)}, key=len, reverse=True):
        text = text.replace(form, "********") if len(form) >= 4 else text.replace(f'"{form}"', '"********"')
    return text
