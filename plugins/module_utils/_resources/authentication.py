# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authenticators of v5: what is asked, and in which order, whether a client may connect."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Container, Dict, Iterator, Mapping, Optional

from .._errors import InputError
from .._urls import path_of
from ._api import Api
from ._chains import Chain, Link, checked_word, link_options
from ._config import merged

BUILT_IN = "built_in_database"
KEEPING_USERS = ("user_id_type", "password_hash_algorithm", "algorithm")
"""Fields of a built-in database on which it depends whether its users can still connect."""


@dataclass(frozen=True)
class Authenticator(Link):
    """An authenticator; its id is made of ``mechanism`` and ``backend`` (which jwt has none of)."""

    what: ClassVar[str] = "authenticator"

    id: str = ""
    mechanism: str = ""
    backend: Optional[str] = None

    @property
    def name(self) -> str:
        return self.id

    def handed_back(self, hidden: Container[str] = ()) -> Dict[str, Any]:
        return {name: value for name, value in super().handed_back(hidden).items() if name != "id"}


def authenticator_from(options: Mapping[str, Any]) -> Authenticator:
    """Return the authenticator that a module's options describe.

    :raises InputError: a mechanism without the backend that it needs, or with one that it can't have.
    """
    mechanism, backend = checked_word(options["mechanism"], "mechanism"), options["backend"]
    if mechanism == "jwt" and backend is not None:
        raise InputError("backend is given, but the mechanism jwt has none.")
    if mechanism in ("password_based", "scram") and backend is None:
        raise InputError(f"The mechanism {mechanism} needs a backend, such as {BUILT_IN}.")
    name = mechanism if backend is None else f"{mechanism}:{checked_word(backend, 'backend')}"
    fields = link_options(options, name, ("mechanism", "backend", "enable", "id"))
    return Authenticator(id=name, mechanism=mechanism, backend=backend, **fields)


class Authenticators(Chain[Authenticator]):
    """The chain of authenticators; a new one is the last to be asked."""

    many = "authenticators"
    root = "authentication"
    end = "rear"
    none_left = "No authenticator is enabled any more, so every client may connect."  # EMQX 5

    def list(self) -> Iterator[Authenticator]:
        for row in self.api.dicts(self.api.call("GET", self.root), self.root):
            config = {name: value for name, value in row.items() if name not in ("id", "enable")}
            name, mechanism, backend = row.get("id"), config.pop("mechanism", None), config.pop("backend", None)
            if not isinstance(name, str) or not isinstance(mechanism, str):
                raise self.api.odd("GET", self.root, "an authenticator has no id or no mechanism")
            enabled = row.get("enable") is not False
            yield Authenticator(id=name, mechanism=mechanism, backend=backend, enabled=enabled, config=config)

    def fresh(self, record: Authenticator) -> Authenticator:
        if record.id == f"password_based:{BUILT_IN}":
            # EMQX 5.8 has no default for the algorithm here; this is the one that its documentation uses.
            default: Dict[str, Any] = {"user_id_type": "username"}
            if "password_hash_algorithm" not in record.whole():
                default["password_hash_algorithm"] = {"name": "sha256", "salt_position": "suffix"}
            record = dataclasses.replace(record, config=merged(default, record.config))
        return super().fresh(record)

    def lost_by_deleting(self, link: Authenticator) -> Optional[str]:
        if self._holds_users(link):
            return "holds users, who would be deleted with it: set lose_users: true if that is what you want."
        return None

    def lost_by_changing(self, old: Authenticator, new: Authenticator) -> Optional[str]:
        before, after = old.config, new.whole()
        changed = [name for name in KEEPING_USERS if _decisive(before.get(name)) != _decisive(after.get(name))]
        if not changed or not self._holds_users(new):
            return None
        # EMQX 5 keeps them, but user names then count as client ids, and old hashes fit no new algorithm.
        return f"holds users, who can't connect any more once {changed[0]} changes: set lose_users: true to change it."

    def _holds_users(self, link: Authenticator) -> bool:
        return link.backend == BUILT_IN and self.holds(path_of("authentication/{}/users", link.id))

    def body(self, link: Authenticator) -> Dict[str, Any]:
        backend = {} if link.backend is None else {"backend": link.backend}
        return {"mechanism": link.mechanism, **backend, "enable": link.enabled, **link.whole()}

    def _move(self, link: Authenticator) -> None:
        self.api.call("PUT", path_of("authentication/{}/position/{}", link.id, link.where or ""))


def _decisive(value: Any) -> Any:
    """Return what of a field decides whether a password still fits: how often new ones are hashed does not."""
    return {name: part for name, part in value.items() if name != "salt_rounds"} if isinstance(value, dict) else value


def authenticators(api: Api, lose_users: bool = False) -> Authenticators:
    """Return the authenticators of this deployment.

    :param lose_users: changes are allowed that delete users or keep them from connecting.
    :raises InputError: it is a v4 deployment.
    """
    api.needs("v5", "An authenticator", "v4 keeps users without one, see emqx.cloud.auth_users")
    return Authenticators(api, lose_users)
