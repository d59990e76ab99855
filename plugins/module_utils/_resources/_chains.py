# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Things that are asked one after the other, in an order that can be changed: authenticators, authorization sources.

The API lists them all in one answer, in their order, creates them at one end, and moves one at a time.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Callable, ClassVar, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, TypeVar

from .._converge import WRITE_ONLY, Outcomes, Plan
from .._errors import InputError, Missing
from .._urls import path_of
from ._api import Api, Store
from ._config import Configured, Path, config_from, refuse_mask, without_stale

SELECTORS: Tuple[Path, ...] = (
    ("password_hash_algorithm", "name"), ("use_jwks",), ("algorithm",), ("redis_type",), ("mongo_type",)
)
"""Fields that select which others there are (``algorithm`` is one of jwt and of scram)."""


@dataclass(frozen=True)
class Link(Configured):
    """One of a chain.

    :ivar position: its place, from 1; of what exists, and of what will be once it is known where it goes.
    :ivar where: where it is wanted: ``front``, ``rear``, ``before:NAME``, ``after:NAME``, or None.
    :ivar chain: the names of all in their order, of what exists.
    :ivar rewritten: its configuration is to be sent; otherwise only its place changes.
    """

    what: ClassVar[str] = ""
    """How users call it, after ``The``."""

    enabled: Optional[bool] = None
    position: Optional[int] = None
    where: Optional[str] = field(default=None, metadata=WRITE_ONLY)
    chain: Tuple[str, ...] = field(default=(), metadata=WRITE_ONLY)
    rewritten: bool = field(default=False, metadata=WRITE_ONLY)

    @property
    def name(self) -> str:
        """The name that the API has for it."""
        raise TypeError(f"{type(self).__name__} has no name")

    @property
    def key(self) -> Hashable:
        return self.name

    def differs(self, current: Any) -> bool:
        return super().differs(current) or self.place_in(current.chain) != current.position

    def completed(self, current: Any) -> Any:
        place = self.place_in(current.chain)
        if not super().differs(current):
            return dataclasses.replace(current, position=place, where=self.where)
        held = dataclasses.replace(current, config=without_stale(current.config, self.config, SELECTORS))
        return dataclasses.replace(super().completed(held), position=place, chain=current.chain, rewritten=True)

    def place_in(self, chain: Sequence[str]) -> int:
        """Return the place, from 1, that it has in a chain once it is where it is wanted.

        :raises InputError: its neighbour is not there.
        """
        if self.where is None:
            return chain.index(self.name) + 1
        others = [name for name in chain if name != self.name]
        if self.where in ("front", "rear"):
            return 1 if self.where == "front" else len(others) + 1
        side, _colon, neighbour = self.where.partition(":")
        if neighbour not in others:
            there = ", ".join(others) or "no other"
            raise InputError(
                f"position is {self.where!r}, but this deployment has no {self.what} {neighbour!r}: it has {there}."
            )
        return others.index(neighbour) + (1 if side == "before" else 2)


L = TypeVar("L", bound=Link)


def link_options(options: Mapping[str, Any], name: str, fixed: Sequence[str]) -> Dict[str, Any]:
    """Return the fields of a :class:`Link` that a module's options describe.

    :param name: the thing's own name in its chain.
    :param fixed: what the configuration can't hold, since it has an option of its own or is the broker's.
    :raises InputError: a position that is none, or a value in two places.
    """
    fields = config_from(options)
    for place in ("config", "secret_config"):
        for taken in fixed:
            if taken in fields[place]:
                raise InputError(f"{place} can't hold {taken}: the module has an option for it.")
        if isinstance(fields[place].get("headers"), Mapping):
            # EMQX 5 stores the names of headers in lower case.
            headers = {header.lower(): value for header, value in fields[place]["headers"].items()}
            fields[place] = {**fields[place], "headers": headers}
    return {**fields, "enabled": options["enabled"], "where": _where(options["position"], name)}


def _where(position: Optional[str], name: str) -> Optional[str]:
    if position is not None and not re.fullmatch(r"front|rear|(?:before|after):.+", position):
        raise InputError(f"position is {position!r}: it is front, rear, before:NAME or after:NAME.")
    if position is not None and position.partition(":")[2] == name:
        raise InputError(f"position is {position!r}, which names the thing itself: name another one.")
    return position


def checked_word(value: str, option: str) -> str:
    """Return a word that becomes a part of a name in the API.

    :raises InputError: it has other characters than lower case letters, digits and ``_``.
    """
    if not re.fullmatch(r"[a-z0-9_]+", value):
        raise InputError(f"{option} is {value!r}: it is one word of lower case letters, digits and '_'.")
    return value


class Chain(Store[L]):
    """All of one kind, in their order; one of them is managed at a time.

    :cvar root: the path of the list, below which each has its own.
    :cvar end: where the API puts a new one, ``front`` or ``rear``.
    :cvar none_left: a sentence about what holds once none is asked any more.
    :ivar lose: a change may take along what is kept in it.
    :ivar enabled: of each that there is, in their order, whether it is asked.
    """

    root = ""
    end = "rear"
    none_left = ""

    def __init__(self, api: Api, lose: bool) -> None:
        super().__init__(api)
        self.lose = lose
        self.enabled: Dict[str, bool] = {}

    def current(self, wanted: Sequence[L], everything: bool) -> Iterator[L]:
        found = list(self.list())
        self.enabled = {link.name: link.enabled is True for link in found}
        by_name = {link.name: link for link in wanted}
        for place, link in enumerate(found, start=1):
            if link.name in by_name:
                # What the user gives as a secret is one in what is there, too.
                hidden = by_name[link.name].hidden
                yield dataclasses.replace(link, position=place, chain=tuple(self.enabled), hidden=hidden)

    def fresh(self, record: L) -> L:
        where = record.where or self.end
        place = dataclasses.replace(record, where=where).place_in(tuple(self.enabled))
        return dataclasses.replace(record, position=place, enabled=record.enabled is not False)

    def check(self, plan: Plan[L]) -> None:
        for link in plan.create:
            refuse_mask(link.whole(), f"The {link.what} {link.name!r}")
        for old, new in plan.update:
            if new.rewritten:
                refuse_mask(new.whole(), f"The {new.what} {new.name!r}", old.config)
        if self.lose:
            return
        for link in plan.delete:
            self._refuse(link, self.lost_by_deleting(link))
        for old, new in plan.update:
            self._refuse(new, self.lost_by_changing(old, new))

    def cautions(self, plan: Plan[L]) -> List[str]:
        after = {**self.enabled, **{new.name: new.enabled is True for unused, new in plan.update}}
        after.update((new.name, new.enabled is True) for new in plan.create)
        for gone in plan.delete:
            del after[gone.name]
        return [self.none_left] if any(self.enabled.values()) and not any(after.values()) else []

    def _refuse(self, link: L, loss: Optional[str]) -> None:
        if loss:
            raise InputError(f"The {link.what} {link.name!r} {loss}")

    def lost_by_deleting(self, link: L) -> Optional[str]:
        """Return the end of a sentence about what is lost with it, or None."""
        raise TypeError(f"{type(self).__name__} doesn't know")

    def lost_by_changing(self, old: L, new: L) -> Optional[str]:
        """Return the end of a sentence about what is lost by changing it, or None."""

    def create(self, links: Iterable[L]) -> Outcomes[L]:
        for link in links:
            place = len(self.enabled) + 1 if self.end == "rear" else 1
            yield from self._carry_out(link, place, self._post)

    def update(self, links: Iterable[L]) -> Outcomes[L]:
        for link in links:
            yield from self._carry_out(link, link.chain.index(link.name) + 1, self._put if link.rewritten else None)

    def _carry_out(self, link: L, place: int, write: Optional[Callable[[L], Any]]) -> Outcomes[L]:
        """Write it, and move it if it isn't where it is wanted: ``place`` is where it is or comes to be."""
        steps: List[Tuple[L, Callable[[], Any]]] = []
        if write is not None:
            steps.append((dataclasses.replace(link, position=place), functools.partial(write, link)))
        if place != link.position:
            steps.append((link, functools.partial(self._move, link)))
        return self.step_by_step(steps)

    def delete(self, links: Iterable[L]) -> Outcomes[L]:
        return self.one_by_one(self._delete, links)

    def body(self, link: L) -> Dict[str, Any]:
        """Return what is sent for it, secrets included."""
        raise TypeError(f"{type(self).__name__} has no bodies")

    def _post(self, link: L) -> None:
        # The answer to an authenticator's POST shows secrets in clear, so it is not used.
        self.api.call("POST", self.root, body=self.body(link), secrets=link.secrets())

    def _put(self, link: L) -> None:
        self.api.call("PUT", self._path(link), body=self.body(link), secrets=link.secrets())

    def _move(self, link: L) -> None:
        raise TypeError(f"{type(self).__name__} can't move")

    def _delete(self, link: L) -> None:
        with suppress(Missing):  # somebody was quicker
            self.api.call("DELETE", self._path(link), secrets=link.secrets())

    def _path(self, link: L) -> str:
        return path_of(self.root + "/{}", link.name)

    def holds(self, path: str, key: str = "data") -> bool:
        """Say whether a list of the API has at least one row."""
        body = self.api.call("GET", path, [("page", 1), ("limit", 1)])
        return bool(self.api.dicts(body.get(key) if isinstance(body, dict) else None, path))
