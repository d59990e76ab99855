# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of a deployment that the role ``converge`` applies: its sections, and what is to be done for each.

A section is a variable of the role, ``converge_`` and its name. It goes to one call of a module as a whole, or its
items do, each to a call of its own. What is removed is found here by the rules that purging has in every module.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..module_utils._converge import Record
from ..module_utils._errors import EmqxError
from ..module_utils._resources._api import Store
from ..module_utils._resources._config import merged, paths_of
from ..module_utils._resources.bans import KINDS as BANNED
from ..module_utils._task import Task

Item = Mapping[str, Any]

PREFIX = "converge_"


@dataclass(frozen=True)
class Section:
    """One section of a model.

    :ivar module: the module that applies it, without the name of the collection.
    :ivar option: the module's option that takes the section as a whole; empty where the module takes one item.
    :ivar key: the options that name an item together, or of which one does (``option`` tells which of the two).
    :ivar generation: ``v4`` or ``v5`` where only that has it.
    :ivar end: where a new link of a chain goes, ``front`` or ``rear``; empty where there is no order.
    :ivar secret: the option of an item that takes its secret; empty where it has none.
    :ivar purged: it can be named in ``converge_exact``.
    """

    name: str
    module: str
    option: str = ""
    key: tuple[str, ...] = ()
    generation: str = ""
    end: str = ""
    secret: str = ""
    purged: bool = True

    @property
    def variable(self) -> str:
        """The role variable that holds it."""
        return PREFIX + self.name

    @property
    def one_by_one(self) -> bool:
        """Whether each item is a call of the module."""
        return not self.option and self.purged

    def name_of(self, item: Item) -> str:
        """Return what names an item, such as ``http:hook``; empty if it has no name."""
        return ":".join(str(item[option]) for option in self.key if item.get(option) is not None)


_CONFIG = "secret_config"

SECTIONS = {
    section.name: section
    for section in (
        Section("authenticators", "authenticator", "", ("mechanism", "backend"), "v5", "rear", _CONFIG),
        Section("authorization_sources", "authorization_source", "", ("type",), "v5", "front", _CONFIG),
        Section("authorization_settings", "authorization_settings", generation="v5", purged=False),
        Section("users", "auth_users", "users", ("username", "clientid"), secret="password"),
        Section("acl", "acls", "subjects", ("username", "clientid", "everyone")),
        Section("bans", "banned", "entries", BANNED),
        Section("connectors", "connector", "", ("type", "name"), "v5", secret=_CONFIG),
        Section("resources", "resource", "", ("name",), "v4", secret=_CONFIG),
        Section("actions", "action", "", ("type", "name"), "v5", secret=_CONFIG),
        Section("sources", "source", "", ("type", "name"), "v5", secret=_CONFIG),
        Section("rules", "rule", "", ("id",)),
        Section("topic_metrics", "topic_metrics", "topics", ("topic",)),
        Section("retained_messages", "retained_message", "", ("topic",), "v5"),
    )
}
"""All sections, in the order in which they are applied."""

REMOVAL = (
    "retained_messages", "rules", "actions", "sources", "resources", "connectors", "authorization_sources",
    "authenticators",
)
"""The order in which items are removed, after everything was applied: what depends on another thing goes first."""

SETTINGS = ("exact", "purge_limit", "purge_all", "secrets", "update_password")
"""The role's other variables, without the prefix."""

USER_SECRETS = ("usernames", "clientids")
SECRETS = (*USER_SECRETS, *(section.name for section in SECTIONS.values() if section.secret == _CONFIG))
"""The parts of ``converge_secrets``."""


# Secrets


def with_secrets(items: Any, section: str, secrets: Mapping[str, Any] | None) -> Any:
    """Return the items of a section, or one of them, with their secrets put in.

    A password that an item has already stays, and so does what isn't the shape of an item: that is for the validation.

    :param secrets: ``converge_secrets``; what it holds for others is not looked at.
    """
    kind = SECTIONS[section]
    if not kind.secret or not isinstance(secrets, Mapping):
        return items
    if isinstance(items, Mapping):
        return with_secrets([items], section, secrets)[0]
    if not isinstance(items, (list, tuple)):
        return items
    held = {part: _Held(secrets.get(part)) for part in (USER_SECRETS if section == "users" else (section,))}

    def completed(item: Item) -> Item:
        return _with_password(item, held) if section == "users" else _with_config(item, kind, held[section])

    return [completed(item) if isinstance(item, Mapping) else item for item in items]


class _Held:
    """A part of ``converge_secrets``, by names that may be numbers in the vault and texts elsewhere, or vice versa."""

    def __init__(self, held: Any) -> None:
        """:param held: the part; what is no dictionary holds nothing."""
        self._held: Mapping[Any, Any] = held if isinstance(held, Mapping) else {}
        self._names = {str(name): name for name in self._held}

    def get(self, name: Any) -> Any:
        """Return the secret of a name, or None."""
        text = "" if name is None else str(name)
        return self._held[self._names[text]] if text and text in self._names else None


def _with_password(item: Item, held: Mapping[str, _Held]) -> Item:
    if item.get("password") not in (None, ""):
        return item
    for kind in USER_SECRETS:
        password = held[kind].get(item.get(kind[:-1]))
        if password is not None:
            return {**item, "password": password}
    return item


def _with_config(item: Item, section: Section, held: _Held) -> Item:
    secret = held.get(section.name_of(item))
    if secret is None:
        return item
    own = item.get("secret_config")
    return {**item, "secret_config": merged(own, secret) if isinstance(own, Mapping) else secret}


def item_secrets(secrets: Any) -> dict[str, Any]:
    """Return the parts of ``converge_secrets`` that belong to single items: all but the passwords of users."""
    if not isinstance(secrets, Mapping):
        return {}
    return {part: secrets[part] for part in secrets if part not in USER_SECRETS}


def secret_places(sections: Mapping[str, Any], secrets: Mapping[str, Any] | None) -> list[str]:
    """Return the places in configurations at which the model has secrets, such as ``headers.x-plant``."""
    found: set[str] = set()
    for name, section in SECTIONS.items():
        items = with_secrets(sections.get(name), name, secrets) if section.secret == _CONFIG else None
        for item in items if isinstance(items, list) else ():
            given = item.get("secret_config") if isinstance(item, Mapping) else None
            found.update(".".join(path) for path in paths_of(given if isinstance(given, Mapping) else None))
    return sorted(found)


# What is to be done


@dataclass(frozen=True)
class Named(Record):
    """An item as far as purging has to know it: two with the same name and different content are refused."""

    name: str = ""
    content: str = ""

    @property
    def key(self) -> str:
        return self.name

    def differs(self, current: Any) -> bool:
        return False


class Names(Store[Named]):
    """Items that were listed already."""

    def __init__(self, listed: Iterable[Named]) -> None:
        """:param listed: what there is."""
        self._listed = listed

    def current(self, wanted: Sequence[Named], everything: bool) -> Iterator[Named]:
        yield from self._listed


def to_purge(
    section: Section, items: Sequence[Item], listed: Iterable[Named], limit: str | None, purge_all: bool, exact: bool
) -> list[str]:
    """Return the names of what is there and not wanted, by the rules of every module that purges.

    :param items: those of the model.
    :param listed: what is there.
    :param exact: whether the section is purged at all; if not, nothing is to go, and only the names are checked.
    :raises EmqxError: in the words of the model, that it would be too much, or that an item is there twice.
    """
    task = Task({"purge_limit": limit, "purge_all": purge_all}, check_mode=True)
    every = [Named(section.name_of(item), json.dumps(item, sort_keys=True, default=str)) for item in items]
    wanted = [named for named, item in zip(every, items) if item.get("state") != "absent"]
    try:
        done = task.converge(Names(listed), wanted if exact else every, section.variable, purge=exact).done
    except EmqxError as error:
        error.args = (in_role_words(str(error)),)
        raise
    return [named.name for named in done.delete]


def in_role_words(message: str) -> str:
    """Return the sentence of a module with the role's variables for the options that guard a purge."""
    for option in ("purge_limit", "purge_all"):
        message = message.replace(f" {option} ", f" {PREFIX}{option} ").replace(f" {option}:", f" {PREFIX}{option}:")
        message = PREFIX + message if message.startswith(option + " ") else message
    return message


def plan(
    model: Mapping[str, Sequence[Item] | None], live: Mapping[str, Sequence[Item]], exact: Sequence[str],
    limit: str | None, purge_all: bool,
) -> dict[str, Any]:
    """Say what is to be applied and what is to be removed, item by item.

    :param model: the sections of which each item is a call; None for what is left out.
    :param live: what was listed: what is purged, and the chains in their order.
    :returns: ``problems``, a list of sentences; ``apply``, for each section a list of ``{place, name, position}``, in
        which ``place`` is the item's index in the model; ``remove``, for each section that has something to remove a
        list of ``{place, name, item}``, in the order of :data:`REMOVAL`, in which ``item`` names what is there and is
        not in the model (``place`` is then -1).
    """
    problems: list[str] = []
    apply: dict[str, list[dict[str, Any]]] = {}
    remove: dict[str, list[dict[str, Any]]] = {}
    for section in SECTIONS.values():
        items = model.get(section.name)
        if items is None or not section.one_by_one:
            continue
        # What is listed twice says the same both times: the validation has seen to that.
        by_name: dict[str, dict[str, Any]] = {}
        for place, item in enumerate(items):
            by_name.setdefault(section.name_of(item), {"place": place, "name": section.name_of(item)})
        places = list(by_name.values())
        absent = [each for each in places if items[each["place"]].get("state") == "absent"]
        present = [each for each in places if each not in absent]
        there = live.get(section.name) or ()
        if section.end and not any(item.get("position") for item in items):
            present = ordered(present, [section.name_of(item) for item in there], section.end)
        apply[section.name] = present
        gone = {each["name"] for each in absent}
        known = {section.name_of(item): {key: item[key] for key in section.key if key in item} for item in there}
        if section.name in exact:
            try:
                unwanted = to_purge(section, items, map(Named, known), limit, purge_all, True)
            except EmqxError as error:
                problems.append(str(error) if section.variable in str(error) else f"{section.variable}: {error}")
                continue
            unlisted = [name for name in unwanted if name not in gone]
            absent = absent + [{"place": -1, "name": name, "item": known[name]} for name in unlisted]
        if absent:
            remove[section.name] = absent
    return {"problems": problems, "apply": apply, "remove": {name: remove[name] for name in REMOVAL if name in remove}}


def ordered(wanted: Sequence[dict[str, Any]], there: Sequence[str], end: str) -> list[dict[str, Any]]:
    """Return links of a chain in the order in which they are to be applied, each with its ``position`` if it needs one.

    Afterwards they stand in the order in which they are listed, whatever else stands between them. Each position is one
    of a link that exists before anything is done, so that check mode can tell, too.

    :param wanted: ``{name, …}``, in their order.
    :param there: the names of those that exist, in their order.
    :param end: where the broker puts a new one.
    """
    steps: list[dict[str, Any]] = []
    chain = list(there)
    old = [link for link in wanted if link["name"] in chain]
    for before, link in zip([None, *old], old):
        name = link["name"]
        if before is None or chain.index(before["name"]) < chain.index(name):
            steps.append(link)
            continue
        chain.remove(name)
        chain.insert(chain.index(before["name"]) + 1, name)
        steps.append({**link, "position": f"after:{before['name']}"})
    new: list[dict[str, Any]] = []
    for link in wanted:
        if link["name"] not in chain:
            new.append(link)
            continue
        steps += [{**each, "position": f"before:{link['name']}"} for each in new]
        new = []
    if old:
        # The last one first: each goes directly after the same one.
        return steps + [{**each, "position": f"after:{old[-1]['name']}"} for each in reversed(new)]
    return steps + (new if end == "rear" else new[::-1])
