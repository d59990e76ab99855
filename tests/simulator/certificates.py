# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for HTTPS on loopback, good ones and bad ones."""

from __future__ import annotations

import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path

import trustme

KINDS = ("valid", "expired", "wrong-host", "self-signed")


def make(kind: str, folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context, and the CA file a client should trust (which for `self-signed` doesn't help)."""
    if kind not in KINDS:
        raise ValueError(f"tls is {kind!r}, not one of {', '.join(KINDS)}")
    authority = trustme.CA()
    ca_path = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if kind == "self-signed":
        # The certificate of an authority nobody knows is signed by itself, and that's all it takes.
        stranger = trustme.CA()
        chain = folder / "self-signed.pem"
        chain.write_bytes(stranger.private_key_pem.bytes() + stranger.cert_pem.bytes())
        context.load_cert_chain(str(chain))
    else:
        names = ("other.invalid",) if kind == "wrong-host" else ("localhost", "127.0.0.1")
        yesterday = datetime.now(timezone.utc) - timedelta(days=1)
        end = yesterday if kind == "expired" else yesterday + timedelta(days=30)
        authority.issue_cert(*names, not_before=yesterday - timedelta(days=1), not_after=end).configure_cert(context)
    return context, ca_path
