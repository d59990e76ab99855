# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account holds: its deployments and its projects, and starting and stopping a deployment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from .._converge import WRITE_ONLY, Outcomes, Plan, Record
from .._errors import InputError, Missing
from .._times import normal
from .._urls import checked_name, path_of
from ._api import PlatformApi, Store, not_empty

DEPLOYMENT = {
    "id": "deploymentID",
    "name": "deploymentName",
    "type": "deploymentType",
    "platform": "platform",
    "project": "projectName",
    "region": "region",
    "status": "status",
    "version": "version",
    "connections": "connections",
    "tps": "tps",
    "created_at": "createAt",
}
"""The fields of a deployment as users see them, and as the API names them."""

PROJECT = {"id": "projectID", "name": "projectName", "description": "description"}
"""The same of a project."""


def deployments(api: PlatformApi) -> Iterator[Dict[str, Any]]:
    """Yield the deployments of the account, which one request lists; see :data:`DEPLOYMENT` for the fields.

    What the API leaves out is None; ``created_at`` is RFC 3339 in UTC.

    :raises ApiError: the call failed, or the answer is no list of objects.
    """
    return _listed(api, "deployments", DEPLOYMENT)


def deployment(api: PlatformApi, id: str) -> Optional[Dict[str, Any]]:
    """Return one deployment as :func:`deployments` does, or None where the account has none with this id.

    :raises ApiError: the call failed, or the answer is something else.
    """
    path = path_of("deployments/{}", id)
    try:
        row = api.call("GET", path)
    except Missing:
        return None
    if not isinstance(row, dict) or str(row.get(DEPLOYMENT["id"])) != id:
        raise api.odd("GET", path, "the deployment with this id was expected")
    return _shown(row, DEPLOYMENT)


def projects(api: PlatformApi) -> Iterator[Dict[str, Any]]:
    """Yield the projects of the account, which one request lists: ``id``, ``name`` and ``description``.

    :raises ApiError: the call failed, or the answer is no list of objects.
    """
    return _listed(api, "projects", PROJECT)


def _listed(api: PlatformApi, path: str, fields: Mapping[str, str]) -> Iterator[Dict[str, Any]]:
    return (_shown(row, fields) for row in api.dicts(api.call("GET", path), path))


def _shown(row: Mapping[str, Any], fields: Mapping[str, str]) -> Dict[str, Any]:
    found = {name: row.get(theirs) for name, theirs in fields.items()}
    return {**found, "created_at": normal(found["created_at"])} if "created_at" in found else found


def interval(seconds: float) -> float:
    """Return how many seconds lie between two looks, if something is waited for so long.

    They are so rare that one task, also if it waits twice, stays below the 60 reads in 60 minutes.
    """
    return min(seconds / 20, 120)


FILTERS = ("id", "name", "project", "region", "type", "status")
"""The options that say which deployments, or as far as they have them, which projects are asked for."""


def find_deployments(api: PlatformApi, options: Mapping[str, Optional[str]]) -> Iterator[Dict[str, Any]]:
    """Yield the deployments that the options of ``deployment_info`` ask for; it is one request.

    :raises InputError: an option is empty, or the id can't be one.
    """
    filters = _filters(options)
    if "id" not in filters:
        return _filtered(deployments(api), filters)
    found = deployment(api, checked_name(filters["id"], "id"))
    return _filtered(iter([] if found is None else [found]), filters)


def find_projects(api: PlatformApi, options: Mapping[str, Optional[str]]) -> Iterator[Dict[str, Any]]:
    """Yield the projects that the options of ``project_info`` ask for; it is one request.

    :raises InputError: an option is empty.
    """
    filters = _filters(options)
    return _filtered(projects(api), filters)


def _filters(options: Mapping[str, Optional[str]]) -> Dict[str, str]:
    filters = {}
    for name in FILTERS:
        value = options.get(name)
        not_empty(name, value)
        if value is not None:
            filters[name] = value
    return filters


def _filtered(rows: Iterator[Dict[str, Any]], filters: Mapping[str, str]) -> Iterator[Dict[str, Any]]:
    return (row for row in rows if all(str(row[name]) == value for name, value in filters.items()))


@dataclass(frozen=True)
class Operation:
    """What brings a deployment to a state: the call, what it says on the way (``via``), and in the end."""

    call: str
    via: str
    end: str


OPERATIONS = {
    "started": Operation("start", "starting", "running"),
    # EMQX documents no status for the way down; this is what it would be called.
    "stopped": Operation("stop", "stopping", "stopped"),
}


@dataclass(frozen=True)
class Power(Record):
    """Whether a deployment runs: its status, with all its fields in ``row``."""

    id: str
    status: str
    row: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False, metadata=WRITE_ONLY)

    @property
    def key(self) -> str:
        return self.id

    def shown(self) -> Dict[str, Any]:
        return {**self.row, "status": self.status}

    def differs(self, current: Record) -> bool:
        """Say whether something has to be asked for: not if ``current`` is on the way already."""
        return _heads_for(self.status) != _heads_for(current.status)  # type: ignore[attr-defined]


def _heads_for(status: str) -> str:
    return next((operation.end for operation in OPERATIONS.values() if status == operation.via), status)


class Powers(Store[Power]):
    """Starting and stopping one deployment, which is looked up once.

    :ivar found: the deployment as it was found.
    :ivar wanted: the deployment as it has to be.
    """

    many = "deployments"

    def __init__(self, api: PlatformApi, found: Power, state: str, wait: bool) -> None:
        super().__init__(api)
        self._platform = api
        self.found, self._wait, self._operation = found, wait, OPERATIONS[state]
        status = self._operation.end if wait else self._operation.via
        self.wanted = Power(found.id, status, found.row)

    def current(self, wanted: Sequence[Power], everything: bool) -> Iterator[Power]:
        on_the_way = self._wait and self.found.status == self._operation.via
        yield self.found.changed(status=self._operation.end) if on_the_way else self.found

    def is_turning(self) -> bool:
        """Say whether it is on the way to the opposite of what is wanted, from where it can't be called back."""
        return self.found.status in {each.via for each in OPERATIONS.values()} - {self._operation.via}

    def check(self, plan: Plan[Power]) -> None:
        if self.is_turning() and not self._wait:
            raise InputError(
                f"The deployment {self.found.id} is {self.found.status}, and can be asked to {self._operation.call} "
                "only once that is over: try again then, or set wait: true to wait for it."
            )

    def turned(self) -> Tuple[List[str], None]:
        """Look whether it has arrived at the opposite of what is wanted."""
        status = self._seen(self.found)["status"]
        return ([self._words(status)] if status == self.found.status else []), None

    def update(self, records: Iterable[Power]) -> Outcomes[Power]:
        path = f"deployments/{{}}/{self._operation.call}"
        return self.one_by_one(lambda record: self.api.call("POST", path_of(path, record.id)), records)

    def status(self, record: Power, anew: bool) -> Dict[str, Any]:
        """Return the whole deployment as ``deployment``, asked ``anew`` only if it has not been there from the start.
        """
        if not anew or self.found.status == self._operation.end:
            return {"deployment": record.shown()}
        return {"deployment": self._seen(record)}

    def _seen(self, record: Power) -> Dict[str, Any]:
        """Return the deployment with its status of now."""
        row = deployment(self._platform, record.id)
        if row is None:
            raise InputError(f"The account no longer has the deployment {record.id}.")
        # What else has changed meanwhile, such as the number of connections, is no outcome of this.
        return {**record.row, "status": row["status"]}

    def awaited(self, record: Power, status: Mapping[str, Any]) -> List[str]:
        seen = status["deployment"]["status"]
        return [] if seen == self._operation.end else [self._words(seen)]

    def _words(self, status: Any) -> str:
        return f"the deployment {self.found.id}, which is {status}"


def power(api: PlatformApi, options: Mapping[str, Any]) -> Powers:
    """Look up the deployment that the options of the module ``deployment`` mean; it is one request.

    :raises InputError: there is none, or several have the name.
    """
    row = find_deployment(api, options["id"], options["name"])
    if not isinstance(row["status"], str):
        path = "deployments" if options["id"] is None else path_of("deployments/{}", options["id"])
        raise api.odd("GET", path, "a deployment has no id or no status")
    return Powers(api, Power(str(row["id"]), row["status"], row), options["state"], options["wait"])


def find_deployment(api: PlatformApi, id: Optional[str], name: Optional[str]) -> Dict[str, Any]:
    """Return the one deployment with this id or name, which has an id; it is one request.

    :raises ApiError: the call failed, or the answer is something else.
    :raises InputError: there is none, or several have the name.
    """
    if id is not None:
        row = deployment(api, checked_name(id, "id"))
        if row is None:
            raise InputError(f"The account has no deployment with the id {id!r}.")
        return row
    if not name:
        raise InputError("name is empty: it is the name of a deployment.")
    found = [row for row in deployments(api) if row["name"] == name]
    if not found:
        raise InputError(f"The account has no deployment with the name {name!r}.")
    if len(found) > 1:
        ids = ", ".join(str(row["id"]) for row in found)
        raise InputError(f"{len(found)} deployments have the name {name!r}: give the id of the one you mean ({ids}).")
    if found[0]["id"] is None:
        raise api.odd("GET", "deployments", "a deployment has no id or no status")
    return found[0]
