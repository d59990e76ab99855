# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates in PEM: what is wrong with them and their key, what they say, and which one a TLS port serves."""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ._errors import InputError
from ._times import rfc3339

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
except ImportError:
    HAS_CRYPTOGRAPHY = False
else:
    # What chains are checked with came with version 40.
    HAS_CRYPTOGRAPHY = hasattr(x509.Certificate, "verify_directly_issued_by")

MOST = 1 << 20
"""The most that a PEM may have, in bytes; a chain has some ten thousand."""

_CERTIFICATE = re.compile(r"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----")
_KEY = re.compile(r"-----BEGIN ((?:[A-Z0-9]+ )*PRIVATE KEY)-----.+?-----END \1-----", re.DOTALL)


@dataclass(frozen=True)
class Pem:
    """A text in PEM and the option that it comes from, for messages."""

    option: str
    text: str = field(repr=False)


@dataclass(frozen=True)
class Identity:
    """A certificate with its chain and its key, which belong together and are valid.

    :ivar cert: the certificate and what issued it, in PEM.
    :ivar cacert: in PEM, the authorities that issue the certificates of clients; None where clients need none.
    :ivar facts: of the certificate itself, as users see them: ``subject``, ``issuer``, ``not_after`` (RFC 3339),
        ``fingerprint`` (SHA-256, as :func:`fingerprint_of` writes it) and ``sans``, a list.
    :ivar ends: of each certificate when it expires, and which one it is, as words for a message.
    """

    cert: str
    key: str = field(repr=False)
    cacert: Optional[str]
    facts: Dict[str, Any]
    ends: Tuple[Tuple[datetime, str], ...]

    def expiry_warning(self, days: float, now: datetime) -> Optional[str]:
        """Return a sentence about the first certificate that expires if that is within so many days, or None."""
        end, words = min(self.ends)
        if end - now > timedelta(days=days):
            return None
        return f"{words} expires at {rfc3339(end)}, which is in {(end - now).total_seconds() / 86400:.1f} days."


def pem_from(option: str, text: Optional[str], path: Optional[str]) -> Optional[Pem]:
    """Return what an option holds, or the file that the option ``OPTION_path`` names; None if neither is given.

    :raises InputError: the file can't be read, it is too much for a PEM, or Ansible Vault has encrypted it.
    """
    if path is not None:
        option += "_path"
        try:
            with open(path, "rb") as file:
                text = file.read(MOST + 1).decode("utf-8", "replace")
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "that is no name of a file"
            raise InputError(f"{option} is {path!r}, which can't be read: {why}.") from None
    if text is None:
        return None
    if len(text.encode("utf-8", "replace")) > MOST:
        raise InputError(f"{option} has more than a megabyte: a certificate with its chain, or a key, is far less.")
    if text.lstrip().startswith("$ANSIBLE_VAULT"):
        raise InputError(
            f"{option} is encrypted with Ansible Vault, which only the controller can read: give the text with "
            "lookup('ansible.builtin.unvault', FILE)."
        )
    return Pem(option, text)


def checked_identity(cert: Pem, key: Pem, cacert: Optional[Pem], now: datetime) -> Identity:
    """Return a certificate with its chain and its key, if nothing is wrong with them.

    :param cacert: the authorities of clients, where clients need a certificate.
    :param now: when they have to be valid.
    :raises InputError: the first thing that is wrong, or that the library for it is missing.
    """
    if not HAS_CRYPTOGRAPHY:
        raise InputError(
            f"The Python library cryptography, of version 40 or later, is missing for {sys.executable}: "
            "pip install cryptography."
        )
    secret, public = _private_key(key)
    chain = _certificates(cert)
    _check_place_of_key(chain, cert, key, public)
    _check_order(chain, cert)
    authorities = _certificates(cacert) if cacert else []
    for pem, some in ((cert, chain[1:]), (cacert, authorities)):
        for each in some:
            if pem and not _may_issue(each):
                raise InputError(f"{pem.option} holds {_name(each)}, which is no CA certificate.")
    dated = [(each, cert.option) for each in chain]
    dated += [(each, cacert.option) for each in authorities if cacert]
    for each, option in dated:
        _check_dates(each, option, now)
    leaf = chain[0]
    return Identity(
        cert=_text(chain),
        key=secret,
        cacert=_text(authorities) if cacert else None,
        facts={
            "subject": leaf.subject.rfc4514_string(),
            "issuer": leaf.issuer.rfc4514_string(),
            "not_after": rfc3339(_end(leaf)),
            "fingerprint": fingerprint_of(leaf.public_bytes(serialization.Encoding.DER)),
            "sans": _sans(leaf),
        },
        ends=tuple((_end(each), f"The certificate {_name(each)} of {option}") for each, option in dated),
    )


def _private_key(pem: Pem) -> Tuple[str, bytes]:
    """Return the private key of a PEM as it stands there, and the public key that belongs to it."""
    found = list(_KEY.finditer(pem.text))
    if not found:
        raise InputError(
            f"{pem.option} holds no private key in PEM: it has to have a line like -----BEGIN PRIVATE KEY-----."
        )
    if len(found) > 1:
        raise InputError(f"{pem.option} holds {len(found)} private keys: give the one of the certificate.")
    text = found[0].group() + "\n"
    if "ENCRYPTED" in text:
        raise InputError(
            f"{pem.option} is encrypted with a passphrase, for which nobody can be asked: decrypt it, for example with "
            "openssl pkey, and keep it in Ansible Vault."
        )
    try:
        key = serialization.load_pem_private_key(text.encode("ascii"), password=None)
        return text, _public(key.public_key())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # What the library says may repeat a part of the key.
        raise InputError(f"{pem.option} can't be read: it is damaged, or of a kind that TLS doesn't use.") from None


def _certificates(pem: Pem) -> List[Any]:
    """Return the certificates of a PEM, each of them once."""
    if not _CERTIFICATE.search(pem.text):
        raise InputError(
            f"{pem.option} holds no certificate in PEM: it has to have the line -----BEGIN CERTIFICATE-----."
        )
    try:
        found = x509.load_pem_x509_certificates(pem.text.encode("utf-8", "replace"))
        for each in found:
            _public(each.public_key())
            _sans(each)  # extensions are read only now
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension):
        raise InputError(f"{pem.option} holds a certificate that can't be read: it is damaged.") from None
    for place, each in enumerate(found):
        if each in found[:place]:
            raise InputError(f"{pem.option} holds {_name(each)} twice.")
    return found


def _check_place_of_key(chain: Sequence[Any], cert: Pem, key: Pem, public: bytes) -> None:
    places = [place for place, each in enumerate(chain) if _public(each.public_key()) == public]
    if not places:
        raise InputError(f"{key.option} doesn't belong to {_name(chain[0])}, the first certificate of {cert.option}.")
    if places[0]:
        raise InputError(
            f"{cert.option} is in the wrong order: {key.option} belongs to {_name(chain[places[0]])}, which has to be "
            "the first certificate, followed by the one that issued it, and so on."
        )


def _check_order(chain: Sequence[Any], cert: Pem) -> None:
    for each, following in zip(chain, chain[1:]):
        if _has_issued(following, each):
            continue
        right = next((other for other in chain if other != each and _has_issued(other, each)), None)
        if right is not None:
            raise InputError(
                f"{cert.option} is in the wrong order: {_name(right)} has issued {_name(each)} and has to come right "
                "after it."
            )
        raise InputError(
            f"{cert.option} holds a certificate that doesn't belong there: {_name(following)} has not issued "
            f"{_name(each)}, which it follows."
        )


def _check_dates(certificate: Any, option: str, now: datetime) -> None:
    if _end(certificate) < now:
        raise InputError(f"{option} holds {_name(certificate)}, which has expired at {rfc3339(_end(certificate))}.")
    if _begin(certificate) > now:
        raise InputError(
            f"{option} holds {_name(certificate)}, which is not valid before {rfc3339(_begin(certificate))}."
        )


def _has_issued(issuer: Any, certificate: Any) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _may_issue(certificate: Any) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return False
    return bool(found.value.ca)


def _begin(certificate: Any) -> datetime:
    # cryptography has told the time zone since version 42.
    zoned = getattr(certificate, "not_valid_before_utc", None)
    found: datetime = zoned or certificate.not_valid_before.replace(tzinfo=timezone.utc)
    return found


def _end(certificate: Any) -> datetime:
    zoned = getattr(certificate, "not_valid_after_utc", None)
    found: datetime = zoned or certificate.not_valid_after.replace(tzinfo=timezone.utc)
    return found


def _name(certificate: Any) -> str:
    """Return which certificate it is, as words for a message: its subject, or where that is empty its names."""
    return certificate.subject.rfc4514_string() or " ".join(_sans(certificate)) or f"no. {certificate.serial_number:x}"


def _sans(certificate: Any) -> List[str]:
    """Return the names and addresses that a certificate is for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in names if isinstance(name, (x509.DNSName, x509.IPAddress))]


def _public(key: Any) -> bytes:
    encoding, kind = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    found: bytes = key.public_bytes(encoding, kind)
    return found


def _text(certificates: Sequence[Any]) -> str:
    return "".join(each.public_bytes(serialization.Encoding.PEM).decode("ascii") for each in certificates)


def fingerprint_of(der: bytes) -> str:
    """Return the SHA-256 of a certificate in DER, such as ``0f:3a:…``."""
    return ":".join(f"{byte:02x}" for byte in hashlib.sha256(der).digest())


def served(host: str, port: int, timeout: float) -> str:
    """Return the fingerprint of the certificate that a TLS port serves, whoever has issued it.

    :param timeout: in seconds.
    :raises OSError: no certificate was to be had; its text says why.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Nothing is sent and nobody is believed: this only looks which certificate is there.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        plain = socket.create_connection((host, port), timeout)
        with plain, context.wrap_socket(plain, server_hostname=host) as connection:
            return fingerprint_of(connection.getpeercert(binary_form=True) or b"")
    except ValueError as error:  # a host name that can't be one
        raise OSError(str(error)) from None
