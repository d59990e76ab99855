# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for HTTPS on loopback, good ones and bad ones."""

from __future__ import annotations

import ssl
import warnings
from datetime import datetime, timedelta, timezone
from pathlib import Path

import trustme

KINDS = ("valid", "expired", "not-yet-valid", "wrong-host", "self-signed", "old-tls", "mutual", "mutual-tls-1.2")


def make(kind: str, folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context, and the CA file a client should trust (which for `self-signed` doesn't help).

    With `mutual` a client has to show a certificate; one stands beside the CA file, in `client.pem` with `client.key`.
    """
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
        now, day = datetime.now(timezone.utc), timedelta(days=1)
        begin, end = {"expired": (-2, -1), "not-yet-valid": (1, 30)}.get(kind, (-2, 30))
        authority.issue_cert(*names, not_before=now + begin * day, not_after=now + end * day).configure_cert(context)
    if kind == "old-tls":
        _speak_no_more_than_tls_1_1(context)
    if kind.startswith("mutual"):
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)
        client = authority.issue_cert("client")
        client.cert_chain_pems[0].write_to_path(str(folder / "client.pem"))
        client.private_key_pem.write_to_path(str(folder / "client.key"))
    if kind == "mutual-tls-1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context, ca_path


def _speak_no_more_than_tls_1_1(context: ssl.SSLContext) -> None:
    context.set_ciphers("ALL:@SECLEVEL=0")  # OpenSSL's own minimum is higher
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
