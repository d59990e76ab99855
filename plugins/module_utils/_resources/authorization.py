# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authorization of v5: the sources that are asked, in which order, and what holds where none has an answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Container, Dict, Iterable, Iterator, Mapping, Optional

from .._converge import Outcomes, Plan
from .._errors import EmqxError, InputError
from .._topics import filter_problem
from .._urls import path_of
from ._api import Api, Store
from ._chains import Chain, Link, checked_word, link_options
from ._config import Configured, mentioned

BUILT_IN = "built_in_database"
SOURCES = "authorization/sources"
SETTINGS = "authorization/settings"
DECISIONS = ("no_match", "deny_action")
CACHE = ("enable", "max_size", "ttl", "excludes")
"""The settings that there are; newer brokers may tell more of them."""


@dataclass(frozen=True)
class Source(Link):
    """An authorization source. There is one of a type at the most."""

    what: ClassVar[str] = "authorization source"

    type: str = ""

    @property
    def name(self) -> str:
        return self.type


def source_from(options: Mapping[str, Any]) -> Source:
    """Return the authorization source that a module's options describe."""
    kind = checked_word(options["type"], "type")
    return Source(type=kind, **link_options(options, kind, ("type", "enable")))


class Sources(Chain[Source]):
    """The authorization sources; a new one is the first to be asked."""

    many = "sources"
    root = SOURCES
    end = "front"
    none_left = (
        "No authorization source is enabled any more, so no_match of the authorization settings decides for every "
        "client."
    )

    def list(self) -> Iterator[Source]:
        body = self.api.call("GET", SOURCES)
        for row in self.api.dicts(body.get("sources") if isinstance(body, dict) else None, SOURCES):
            config = {name: value for name, value in row.items() if name not in ("type", "enable")}
            if not isinstance(row.get("type"), str):
                raise self.api.odd("GET", SOURCES, "a source has no type")
            yield Source(type=row["type"], enabled=row.get("enable") is not False, config=config)

    def lost_by_deleting(self, link: Source) -> Optional[str]:
        if link.type == "file" or (link.type == BUILT_IN and link.enabled and self.holds_rules()):
            return "holds access rules, which would be deleted with it: set lose_rules: true if that is what you want."
        return None

    def holds_rules(self) -> bool:
        """Say whether the built-in database has rules. EMQX 5 keeps them when it is disabled first."""
        rules = f"{SOURCES}/{BUILT_IN}/rules"
        lists = (("users", "data"), ("clients", "data"), ("all", "rules"))
        return any(self.holds(f"{rules}/{kind}", key) for kind, key in lists)

    def body(self, link: Source) -> Dict[str, Any]:
        return {"type": link.type, "enable": link.enabled, **link.whole()}

    def _move(self, link: Source) -> None:
        self.api.call("POST", path_of(SOURCES + "/{}/move", link.type), body={"position": link.where})


def sources(api: Api, lose_rules: bool = False) -> Sources:
    """Return the authorization sources of this deployment.

    :param lose_rules: a source may be deleted together with its rules.
    :raises InputError: it is a v4 deployment.
    """
    api.needs("v5", "An authorization source", "v4 keeps access rules without one, see emqx.cloud.acls")
    return Sources(api, lose_rules)


@dataclass(frozen=True)
class Settings(Configured):
    """What holds where no source has an answer, and the cache of decisions; ``config`` is all of it."""

    @property
    def key(self) -> str:
        return "settings"

    def shown(self) -> Dict[str, Any]:
        shown: Dict[str, Any] = super().shown()["config"]
        return shown

    def handed_back(self, hidden: Container[str] = ()) -> Dict[str, Any]:
        cache = {name: value for name, value in self.config["cache"].items() if name in CACHE}
        return {**{name: self.config[name] for name in DECISIONS if name in self.config}, "cache": cache}


def settings_from(options: Mapping[str, Any]) -> Settings:
    """Return the settings that a module's options describe.

    :raises InputError: a number, a time or a topic filter that the broker would choke on.
    """
    config = mentioned({name: options[name] for name in (*DECISIONS, "cache")})
    cache = config["cache"]
    if not 1 <= cache.get("max_size", 1) <= 1048576:
        raise InputError(f"cache.max_size is {cache['max_size']}: it is between 1 and 1048576.")
    if not re.fullmatch(r"(\d+(ms|s|m|h|d))+", cache.get("ttl", "1m")):
        raise InputError(f"cache.ttl is {cache['ttl']!r}: it is a time such as '30s', '1m' or '1h30m'.")
    for position, excluded in enumerate(cache.get("excludes", [])):
        problem = filter_problem(excluded)
        if problem:
            where = f"cache.excludes[{position}]"
            raise InputError(f"{where} is {excluded!r}, which is no topic filter: {problem}.")
    return Settings(config=config)


class SettingsStore(Store[Settings]):
    """The one record of settings, which is always there."""

    many = "settings"

    def list(self) -> Iterator[Settings]:
        yield self.get(Settings())

    def get(self, record: Settings) -> Settings:
        body = self.api.call("GET", SETTINGS)
        if not isinstance(body, dict) or not isinstance(body.get("cache"), dict):
            raise self.api.odd("GET", SETTINGS, "an object with the settings of the cache was expected")
        return Settings(config=body)

    def cautions(self, plan: Plan[Settings]) -> Iterator[str]:
        for old, new in plan.update:
            if new.config.get("no_match") == "deny" != old.config.get("no_match") and not self._may_allow():
                yield (
                    "no_match becomes deny, and no authorization source that is enabled has any rule: no client may "
                    "publish or subscribe from then on."
                )

    def _may_allow(self) -> bool:
        """Say whether an authorization source may allow something, or that can't be told."""
        found = Sources(self.api, False)
        try:
            return any(each.type != BUILT_IN or found.holds_rules() for each in found.list() if each.enabled)
        except EmqxError:
            return True

    def update(self, settings: Iterable[Settings]) -> Outcomes[Settings]:
        # EMQX 5 wants the whole object, what does not change included.
        return self.one_by_one(lambda each: self.api.call("PUT", SETTINGS, body=each.whole()), settings)


def settings(api: Api) -> SettingsStore:
    """Return the authorization settings of this deployment.

    :raises InputError: it is a v4 deployment.
    """
    api.needs("v5", "An authorization setting")
    return SettingsStore(api)
