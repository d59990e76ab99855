# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data integration of v5: connectors to other systems, and the actions and sources on them.

The three have one shape: a type, a name, and a configuration that a PUT replaces as a whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

from .._converge import WRITE_ONLY, Outcomes, Plan
from .._errors import ApiError, InputError, Missing, NotReady
from .._masking import masked
from .._urls import path_of
from ._api import Api, Store
from ._config import Config, Configured, config_from, redacted, refuse_mask

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}")
"""What EMQX 5.8 takes as a type or a name; it checks them with ``^[A-Za-z0-9]+[A-Za-z0-9-_]*$``."""

OPTIONS = {"type": "type", "name": "name", "connector": "connector", "enable": "enabled"}
"""Fields of an object that have options of their own."""

READ_ONLY = frozenset(
    ("status", "status_reason", "node_status", "actions", "sources", "rules", "error", "created_at", "last_modified_at")
)
"""Fields that a GET shows and a PUT refuses, or that the broker sets."""

USERS = ("actions", "sources", "rules")
"""The fields that name what depends on an object."""

_CHANNEL = re.compile(r"\b(action|source):[^:<>]+:([^:<>]+):connector:")


@dataclass(frozen=True)
class Integration(Configured):
    """A connector, an action or a source.

    :ivar connector: the name of the connector of an action or a source.
    :ivar users: what depends on it, as pairs such as ``("rules", "to-plant")``; only known of what exists.
    """

    type: str = ""
    name: str = ""
    connector: Optional[str] = None
    enabled: Optional[bool] = None
    users: Tuple[Tuple[str, str], ...] = field(default=(), repr=False, metadata=WRITE_ONLY)

    @property
    def key(self) -> str:
        return f"{self.type}:{self.name}"

    def sent(self) -> Dict[str, Any]:
        """Return the whole object as a PUT takes it: what it leaves out would go back to its default."""
        given = {"connector": self.connector, "enable": self.enabled}
        return {**self.whole(), **{name: value for name, value in given.items() if value is not None}}


def integration_from(options: Mapping[str, Any]) -> Integration:
    """Return the object that a module's options describe.

    :raises InputError: a type or a name that no broker takes, or a field of ``config`` that isn't one of it.
    """
    for option in ("type", "name", "connector"):
        value = options.get(option)
        if value is not None and not NAME.fullmatch(value):
            raise InputError(
                f"{option} is {value!r}: it consists of letters, digits, '-' and '_', begins with a letter or a digit "
                "and has at most 255 of them."
            )
    for given in ("config", "secret_config"):
        for name in options.get(given) or {}:
            if name in OPTIONS:
                raise InputError(f"{given}.{name} is no part of the configuration: give the option {OPTIONS[name]}.")
            if name in READ_ONLY:
                raise InputError(f"{given}.{name} can't be set: the broker only tells it.")
    return Integration(
        type=options["type"], name=options["name"], connector=options.get("connector"), enabled=options["enabled"],
        **config_from(options),
    )


class Integrations(Store[Integration]):
    """The objects of one kind; the subclasses say which."""

    kind = ""
    """What users call one of them."""
    instead = ""
    """How v4 does it."""
    has_connector = True

    def __init__(self, api: Api) -> None:
        super().__init__(api)
        api.needs("v5", f"{'An' if self.kind[0] in 'aeiou' else 'A'} {self.kind}", self.instead)
        self._held: Dict[str, Integration] = {}
        self._status: Dict[str, Dict[str, Any]] = {}
        self._refusal: Optional[Missing] = None

    def _path(self, record: Integration) -> str:
        return path_of(self.many + "/{}", record.key)

    def _called(self, record: Integration) -> str:
        return f"The {self.kind} {record.key!r}"

    def list(self) -> Iterator[Integration]:
        for row in self.api.rows(self.many):
            kind, name = row.get("type"), row.get("name")
            if not isinstance(kind, str) or not isinstance(name, str):
                raise self.api.odd("GET", self.many, f"{self.kind} without a type or a name")
            yield self._read(self.many, Integration(type=kind, name=name), row)

    def get(self, record: Integration) -> Optional[Integration]:
        path = self._path(record)
        try:
            found = self._read(path, record, self.api.call("GET", path))
        except Missing as error:
            # EMQX 5.8: "Connector lookup failed: …", or "Invalid connector ID, unknown connector type: …".
            self._refusal = error if error.reason.startswith("Invalid ") else None
            return None
        self._held[record.key] = found
        return found

    def _read(self, path: str, wanted: Integration, row: Any) -> Integration:
        """Return the record that an answer is; what the user says is secret is secret in it, too."""
        if not isinstance(row, dict):
            raise self.api.odd("GET", path, "an object was expected")
        connector, enabled = row.get("connector"), row.get("enable")
        if not isinstance(enabled, bool) or isinstance(connector, str) is not self.has_connector:
            raise self.api.odd("GET", path, f"the object of the {self.kind} was expected")
        users = tuple((name, user) for name in USERS for user in _texts(row.get(name)))
        config = {name: value for name, value in row.items() if name not in READ_ONLY and name not in OPTIONS}
        found = Integration(
            type=wanted.type, name=wanted.name, connector=connector, enabled=enabled, users=users, config=config,
            hidden=wanted.hidden,
        )
        self._note(wanted, row, found)
        return found

    def _note(self, record: Integration, row: Any, *more: Integration) -> None:
        """Remember the status that an answer tells; if it tells none, it is asked for when it is needed."""
        self._status.pop(record.key, None)
        if isinstance(row, dict):
            told = {name: _told(row.get(name), record, *more) for name in ("status", "status_reason")}
            self._status[record.key] = told

    def fresh(self, record: Integration) -> Integration:
        return replace(record, enabled=record.enabled is not False)

    def check(self, plan: Plan[Integration]) -> None:
        for record in plan.create:
            if self._refusal is not None:
                raise InputError(f"type is {record.type!r}, which this deployment does not know as one of {self.many}.")
            if self.has_connector and record.connector is None:
                raise InputError(f"{self._called(record)} does not exist: to create it, connector has to be given.")
            refuse_mask(record.whole(), self._called(record))
        for old, new in plan.update:
            if not _only_enabled(old, new):
                refuse_mask(new.whole(), self._called(new), old.config)
        moved = [*plan.create, *(new for old, new in plan.update if new.connector != old.connector)]
        if self.has_connector and moved:
            self._check_connectors(moved)
        for record in plan.delete:
            if record.users:
                raise NotReady(self._used(record, record.users))

    def _check_connectors(self, records: Iterable[Integration]) -> None:
        rows = self.api.peek("connectors")
        if rows is None:
            return
        known = [(row.get("name"), row.get("type")) for row in rows]
        for record in records:
            # An action of type gcp_pubsub is on a connector of type gcp_pubsub_producer: the broker knows better.
            family = record.type.partition("_")[0]
            types = [str(kind) for name, kind in known if name == record.connector]
            if not any(kind.partition("_")[0] == family for kind in types):
                other = f" (there is one of type {', '.join(sorted(types))})" if types else ""
                raise NotReady(
                    f"connector is {record.connector!r}, and there is no such connector of type {record.type}{other}: "
                    "create it first."
                )

    def _used(self, record: Integration, users: Iterable[Tuple[str, str]]) -> str:
        named = ", ".join(f"{kind[:-1]} {user!r}" for kind, user in users)
        return f"{self._called(record)} can't be deleted as long as something depends on it: {named}."

    def create(self, records: Iterable[Integration]) -> Outcomes[Integration]:
        def send(record: Integration) -> None:
            body = {**record.sent(), "type": record.type, "name": record.name}
            self._note(record, self.api.call("POST", self.many, body=body, secrets=record.secrets()))

        return self.one_by_one(send, records)

    def update(self, records: Iterable[Integration]) -> Outcomes[Integration]:
        return self.one_by_one(self._update, records)

    def _update(self, record: Integration) -> None:
        path = self._path(record)
        if _only_enabled(self._held[record.key], record):
            # Only that: whatever else somebody changes meanwhile is not written over.
            self.api.call("PUT", f"{path}/enable/{'true' if record.enabled else 'false'}")
            self._status.pop(record.key, None)
            return
        self._note(record, self.api.call("PUT", path, body=record.sent(), secrets=record.secrets()))

    def delete(self, records: Iterable[Integration]) -> Outcomes[Integration]:
        return self.one_by_one(self._delete, records)

    def _delete(self, record: Integration) -> None:
        path = self._path(record)
        try:
            self.api.call("DELETE", path, secrets=record.secrets())
        except Missing:
            return  # somebody else was quicker
        except ApiError as error:
            if error.status != 400:
                raise
            # Something has come to depend on it. EMQX 5.8 prints the whole action then, with its secrets.
            found = self.get(record)
            channels = [(f"{kind}s", name) for kind, name in _CHANNEL.findall(error.reason)]
            users = (found.users if found else ()) or channels
            if not users:
                raise
            reason = self._used(record, users)
            raise ApiError(reason, error.status, error.code, reason, error.method, error.path) from None

    def status(self, record: Integration, anew: bool) -> Dict[str, Any]:
        if (anew or record.key not in self._status) and self.get(record) is None:
            return {"status": None, "status_reason": "it is gone"}
        return self._status[record.key]

    def awaited(self, record: Integration, status: Mapping[str, Any]) -> List[str]:
        if status["status"] == "connected" or record.enabled is False:
            return []
        known = status["status"] or "in an unknown state"
        reason = f" ({status['status_reason']})" if status["status_reason"] else ""
        return [f"the {self.kind} {record.key!r}, which is {known}{reason}"]


def _only_enabled(old: Integration, new: Integration) -> bool:
    """Say whether nothing but ``enabled`` is to change."""
    return new.sent() == {**old.sent(), "enable": new.enabled}


class Connectors(Integrations):
    """What the deployment is connected to."""

    kind = "connector"
    many = "connectors"
    instead = "v4 has resources (emqx.cloud.resource)"
    has_connector = False


class Actions(Integrations):
    """What rules do with messages."""

    kind = "action"
    many = "actions"
    instead = "v4 has resources (emqx.cloud.resource), and actions are parts of its rules"


class Sources(Integrations):
    """Where messages come from."""

    kind = "source"
    many = "sources"
    instead = "v4 has resources (emqx.cloud.resource)"


def _texts(value: Any) -> List[str]:
    """Return the texts of a list; newer brokers may list objects, of which the name counts."""
    items = value if isinstance(value, list) else []
    names = [item.get("name") if isinstance(item, dict) else item for item in items]
    return [str(name) for name in names if name is not None]


def _told(value: Any, *records: Integration) -> Optional[str]:
    """Return a status or its reason in one line and without secrets, or None if it is no text."""
    if not isinstance(value, str):
        return None
    secrets = [secret for record in records for secret in record.secrets()]
    shown: Config = redacted({"reason": masked(" ".join(value.split()), secrets)})
    return str(shown["reason"])[:500]
