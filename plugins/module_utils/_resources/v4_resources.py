# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resources of v4: what the actions of rules connect to, such as a web hook. v5 has connectors instead."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional

from .._converge import Outcomes, Plan
from .._errors import ApiError, InputError, Missing, NotReady
from .._json import checked_text
from .._urls import checked_name, path_of
from ._api import Api, Store
from ._config import Configured, config_from, refuse_mask


@dataclass(frozen=True)
class Resource(Configured):
    """One resource; its name is the id that the API gives it."""

    name: str = ""
    type: Optional[str] = None
    description: Optional[str] = None

    @property
    def key(self) -> str:
        return self.name


def resource_from(options: Mapping[str, Any]) -> Resource:
    """Return the resource that a module's options describe.

    :raises InputError: the name can't be one, or a value is given both in ``config`` and in ``secret_config``.
    """
    name = checked_name(options["name"], "name")
    description = checked_text(options["description"], "description")
    return Resource(name=name, type=options["type"], description=description, **config_from(options))


class Resources(Store[Resource]):
    """The resources of a v4 deployment. PUT replaces the configuration as a whole, and tests it first."""

    many = "resources"

    def __init__(self, api: Api) -> None:
        """:raises InputError: the deployment is none of v4."""
        api.needs("v4", "A resource", "v5 has connectors (emqx.cloud.connector)")
        super().__init__(api)

    def list(self) -> Iterator[Resource]:
        for row in self.api.rows("resources"):
            if not isinstance(row.get("id"), str):
                raise self.api.odd("GET", "resources", "a resource has no id")
            yield self._record(Resource(name=row["id"]), row)

    def get(self, record: Resource) -> Optional[Resource]:
        row = self._row(record.name)
        return None if row is None else self._record(record, row)

    def _record(self, wanted: Resource, row: Mapping[str, Any]) -> Resource:
        kind, config = row.get("type"), row.get("config")
        if not isinstance(kind, str) or not isinstance(config, Mapping):
            raise self.api.odd("GET", "resources", "a resource has no type or configuration")
        description = str(row.get("description") or "")
        return Resource(name=wanted.name, type=kind, description=description, config=config, hidden=wanted.hidden)

    def _row(self, name: str) -> Optional[Mapping[str, Any]]:
        path = path_of("resources/{}", name)
        try:
            row = self.api.call("GET", path).get("data")
        except Missing:
            return None
        if not isinstance(row, Mapping):
            raise self.api.odd("GET", path, "a resource was expected")
        return row

    def down(self, name: str) -> List[str]:
        """Return where the resource is not connected, in words: every node has its own connection."""
        row = self._row(name) or {}
        nodes = row.get("status")
        if not isinstance(nodes, list) or not all(isinstance(node, Mapping) for node in nodes):
            return [f"the resource {name!r}"]
        return [f"the resource {name!r} on {node.get('node')}" for node in nodes if node.get("is_alive") is not True]

    def fresh(self, record: Resource) -> Resource:
        return replace(record, description=record.description or "")

    def check(self, plan: Plan[Resource]) -> None:
        for wanted in plan.create:
            if wanted.type is None:
                raise InputError(
                    f"The resource {wanted.name!r} does not exist, and type is not given: it is needed to create it."
                )
            refuse_mask(wanted.whole(), f"The resource {wanted.name!r}")
            types = self.api.known("resource_types", "name")
            if types is not None and wanted.type not in types:
                raise InputError(
                    f"type is {wanted.type!r}, which this deployment lacks: it has {', '.join(sorted(types))}."
                )
        for old, new in plan.update:
            if old.type != new.type:
                raise InputError(
                    f"The resource {new.name!r} has the type {old.type!r}, which can't change: delete it first, or "
                    "take another name."
                )
            refuse_mask(new.whole(), f"The resource {new.name!r}", old.config)
        names = {"changed": [new.name for unused, new in plan.update], "deleted": [old.name for old in plan.delete]}
        rows = self.api.peek("rules") if any(names.values()) else None
        for change, those in names.items():
            for name in those:
                users = [str(row.get("id")) for row in rows or [] if row.get("enabled") is True and _uses(row, name)]
                if users:
                    raise NotReady(
                        f"The resource {name!r} can't be {change} while enabled rules use it "
                        f"({', '.join(sorted(users))}): disable or delete them first."
                    )

    def create(self, resources: Iterable[Resource]) -> Outcomes[Resource]:
        return self.one_by_one(self._create, resources)

    def _create(self, wanted: Resource) -> None:
        body = {"id": wanted.name, "type": wanted.type, **self._written(wanted)}
        self.api.call("POST", "resources", body=body, secrets=wanted.secrets())

    def update(self, resources: Iterable[Resource]) -> Outcomes[Resource]:
        return self.one_by_one(self._update, resources)

    def _update(self, wanted: Resource) -> None:
        path = path_of("resources/{}", wanted.name)
        try:
            self.api.call("PUT", path, body=self._written(wanted), secrets=wanted.secrets())
        except ApiError as error:
            if "resource_down" not in error.reason:
                raise
            message = (
                f"The resource {wanted.name!r} is not changed: the broker tries a new configuration first, and with "
                "this one there is no connection."
            )
            raise ApiError(message, error.status, error.code, error.reason, error.method, error.path) from error

    @staticmethod
    def _written(wanted: Resource) -> Dict[str, Any]:
        return {"config": wanted.whole(), "description": wanted.description}

    def delete(self, resources: Iterable[Resource]) -> Outcomes[Resource]:
        return self.one_by_one(self._delete, resources)

    def _delete(self, old: Resource) -> None:
        self.api.call("DELETE", path_of("resources/{}", old.name), secrets=old.secrets())


def _uses(rule: Mapping[str, Any], name: str) -> bool:
    """Say whether a rule depends on a resource; EMQX 4.4 doesn't look into fallbacks."""
    actions = rule.get("actions")
    return isinstance(actions, list) and any(
        isinstance(action, Mapping) and isinstance(action.get("params"), Mapping)
        and action["params"].get("$resource") == name
        for action in actions
    )
