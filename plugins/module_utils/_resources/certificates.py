# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The TLS certificate of a deployment, which the Platform API keeps. It never tells more than type, expiry and status.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence

from .._certificates import Identity, checked_identity, pem_from, served
from .._converge import WRITE_ONLY, Outcomes, Record
from .._errors import InputError, Missing
from .._times import parse, rfc3339
from .._urls import checked_name, path_of
from ._api import PlatformApi, Store
from .platform import find_deployment

RUNNING, PENDING = "running", "pending"
"""What a certificate's status is: in use, or on the way there."""


@dataclass(frozen=True)
class Certificate(Record):
    """The certificate of a deployment.

    ``expire`` is RFC 3339 in UTC with whole seconds, or of a current one None where the API's time can't be read.
    ``fingerprint`` of a current one is None where it is not known. ``body`` is what is sent, ``force`` that it is in
    any case.
    """

    type: str = ""
    expire: Optional[str] = None
    fingerprint: Optional[str] = None
    status: str = ""
    body: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False, metadata=WRITE_ONLY)
    force: bool = field(default=False, metadata=WRITE_ONLY)

    @property
    def key(self) -> str:
        return "certificate"

    def differs(self, current: Record) -> bool:
        """Say whether it has to be sent: the fingerprint decides, or where that isn't known the expiry."""
        decisive = ("expire",) if current.fingerprint is None else ("fingerprint",)  # type: ignore[attr-defined]
        return self.force or any(getattr(self, name) != getattr(current, name) for name in ("type", *decisive))


def identity_from(options: Mapping[str, Any], now: datetime) -> Optional[Identity]:
    """Return the certificate that the options of ``tls_certificate`` describe, checked; None with ``state: absent``.

    :raises InputError: something is wrong with it, or with an option beside it.
    """
    if options["warn_days"] < 0:
        raise InputError(f"warn_days is {options['warn_days']:g}: it is a number of days, 0 or more.")
    for name in ("deployment", "deployment_name", "mqtt_host"):
        if options[name] == "":
            raise InputError(f"{name} is empty: leave it out, or give one.")
    if options["deployment"] is not None:
        checked_name(options["deployment"], "deployment")
    if not 1 <= options["mqtt_port"] <= 65535:
        raise InputError(f"mqtt_port is {options['mqtt_port']}: it is between 1 and 65535.")
    if options["state"] == "absent":
        return None
    cert, key, cacert = (pem_from(name, options[name], options[name + "_path"]) for name in ("cert", "key", "cacert"))
    if options["type"] == "two-way" and cacert is None:
        raise InputError("type is two-way, so clients need certificates: give in cacert the CA that issues them.")
    if options["type"] == "one-way" and cacert is not None:
        raise InputError("cacert is given, but type is one-way, for which there is none: leave one of them out.")
    if cert is None or key is None:
        raise InputError("A certificate needs cert and key.")
    return checked_identity(cert, key, cacert, now)


class Certificates(Store[Certificate]):
    """The certificate that one deployment has, or not.

    :ivar wanted: as it has to be.
    :ivar compared_by: ``fingerprint`` or ``expire``, once it was compared; None where there was none.
    :ivar warnings: sentences for the user.
    """

    many = "certificates"

    def __init__(self, api: PlatformApi, options: Mapping[str, Any], identity: Optional[Identity]) -> None:
        """Find the deployment, which takes a request if it is given by its name.

        :raises InputError: there is none, or several have the name.
        """
        super().__init__(api)
        self._platform, self._options, self._identity = api, options, identity
        self._id: str = options["deployment"]
        if self._id is None:
            self._id = str(find_deployment(api, None, options["deployment_name"])["id"])
        self._path = path_of("deployments/{}/tls", self._id)
        self._there: Optional[Certificate] = None
        self.wanted = self._wanted()
        self.compared_by: Optional[str] = None
        self.warnings: List[str] = []

    def _wanted(self) -> Certificate:
        given, options = self._identity, self._options
        if given is None:
            return Certificate()
        body = {"tlsType": options["type"], "cert": given.cert, "key": given.key}
        return Certificate(
            type=options["type"],
            expire=given.facts["not_after"],
            fingerprint=given.facts["fingerprint"],
            status=RUNNING if options["wait"] else PENDING,
            body={**body, "cacert": given.cacert} if given.cacert else body,
            force=options["force"],
        )

    def current(self, wanted: Sequence[Certificate], everything: bool) -> Iterator[Certificate]:
        try:
            found = self._read()
        except Missing:
            # The API says the same of a deployment that it doesn't have; one that was found by its name is there.
            if self._options["deployment"] is not None:
                find_deployment(self._platform, self._id, None)
            return
        if self._identity is not None and not self._options["force"]:
            found = self._comparable(found)
        self._there = found
        yield found.changed(status=RUNNING) if self._options["wait"] and found.status == PENDING else found

    def _read(self) -> Certificate:
        (row,) = self.api.dicts([self.api.call("GET", self._path)], self._path)
        kind, status, expire = (row.get(name) for name in ("tlsType", "status", "expire"))
        if not isinstance(kind, str) or not isinstance(status, str):
            raise self.api.odd("GET", self._path, "a certificate has no tlsType or no status")
        return Certificate(type=kind, expire=_moment(expire), status=status)

    def _comparable(self, found: Certificate) -> Certificate:
        """Return what the API tells of a certificate with what its port tells, if that is to be asked."""
        host, port = self._options["mqtt_host"], self._options["mqtt_port"]
        # One that is pending is not what the port serves.
        if host is not None and found.status == RUNNING:
            try:
                found = found.changed(fingerprint=served(host, port, self._options["timeout"]))
            except OSError as error:
                why = error.strerror or str(error) or type(error).__name__
                self.warnings.append(
                    f"{host}:{port} (mqtt_host and mqtt_port) can't be asked for its certificate ({why}): it is "
                    "compared by its expiry."
                )
        self.compared_by = "expire" if found.fingerprint is None else "fingerprint"
        if found.fingerprint is None and found.expire is None:
            raise self.api.odd(
                "GET", self._path, "expire is no time, so that certificates can't be compared: set mqtt_host, or force"
            )
        return found

    def create(self, records: Iterable[Certificate]) -> Outcomes[Certificate]:
        return self._sent("POST", records)

    def update(self, records: Iterable[Certificate]) -> Outcomes[Certificate]:
        return self._sent("PUT", records)

    def _sent(self, method: str, records: Iterable[Certificate]) -> Outcomes[Certificate]:
        def send(record: Certificate) -> None:
            self.api.call(method, self._path, body=dict(record.body), secrets=[record.body["key"]])

        return self.one_by_one(send, records)

    def delete(self, records: Iterable[Certificate]) -> Outcomes[Certificate]:
        return self.one_by_one(lambda unused: self.api.call("DELETE", self._path), records)

    def status(self, record: Certificate, anew: bool) -> Dict[str, Any]:
        """Return the certificate as ``certificate``, asked ``anew`` only if it was not in use from the start."""
        if not anew or (not record.body and record == self._there):
            return {"certificate": record.shown()}
        return {"certificate": {**record.shown(), "status": self._read().status}}

    def awaited(self, record: Certificate, status: Mapping[str, Any]) -> List[str]:
        seen = status["certificate"]["status"]
        return [] if seen == RUNNING else [f"the certificate of the deployment {self._id}, which is {seen}"]


def _moment(value: Any) -> Optional[str]:
    """Return a time of the API as RFC 3339 in UTC with whole seconds, or None if it is none.

    It may be RFC 3339, a number of seconds or milliseconds, or as OpenSSL writes it.
    """
    text = str(value).strip()
    try:
        if re.fullmatch(r"\d+(\.\d+)?", text):
            number = float(text)
            # Seconds reach this in the year 5138, milliseconds had it in 1973.
            found = datetime.fromtimestamp(number / 1000 if number > 1e11 else number, timezone.utc)
        elif text.endswith("GMT"):
            found = datetime.fromtimestamp(ssl.cert_time_to_seconds(text), timezone.utc)
        else:
            found = parse(text)
        return rfc3339(found.replace(microsecond=0))
    except (ValueError, OverflowError, OSError):
        return None
