# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access rules, and what they decide. v4 and v5 write them differently and evaluate them alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from . import topics

CLIENTS, USERS, ALL = "clientid", "username", "all"
EVERYBODY = "$all"  # the one subject of kind ALL


@dataclass(frozen=True)
class Rule:
    """One rule. `action` is publish, subscribe or all; `serial` counts up with the requests that store rules (v4)."""

    topic: str
    action: str
    allow: bool
    qos: tuple[int, ...] = (0, 1, 2)
    retain: bool | str = "all"
    serial: int = 0


@dataclass(frozen=True)
class Attempt:
    """What a client wants to do."""

    action: str
    topic: str
    qos: int
    retain: bool
    clientid: str
    username: str | None
    generation: str = "v5"


@dataclass
class Acl:
    """Rules by kind and subject, each list in the order of evaluation."""

    rules: dict[str, dict[str, list[Rule]]] = field(default_factory=lambda: {CLIENTS: {}, USERS: {}, ALL: {}})

    def of(self, kind: str, subject: str) -> list[Rule]:
        return self.rules[kind].get(subject, [])

    def count(self) -> int:
        return sum(len(rules) for subjects in self.rules.values() for rules in subjects.values())

    def clear(self) -> None:
        for subjects in self.rules.values():
            subjects.clear()

    def decide(self, attempt: Attempt) -> bool | None:
        """The first match wins: rules of the client id, of the user name, of everybody. None if nothing matches."""
        return next((rule.allow for rule in self._of_attempt(attempt) if _matches(rule, attempt)), None)

    def _of_attempt(self, attempt: Attempt) -> Iterator[Rule]:
        yield from self.of(CLIENTS, attempt.clientid)
        if attempt.username is not None:
            yield from self.of(USERS, attempt.username)
        yield from self.of(ALL, EVERYBODY)


def _matches(rule: Rule, attempt: Attempt) -> bool:
    if rule.action not in ("all", attempt.action) or attempt.qos not in rule.qos:
        return False
    if attempt.action == "publish" and rule.retain not in ("all", attempt.retain):
        return False
    if attempt.generation == "v5" and rule.topic.startswith("eq "):  # literally, without placeholders
        return attempt.topic == rule.topic.removeprefix("eq ")
    return topics.matches(attempt.topic, _rendered(rule.topic, attempt))


def _rendered(topic: str, attempt: Attempt) -> str:
    """v5 has `${clientid}` and `${username}` anywhere, v4 has `%c` and `%u` as whole levels; others are literal.

    Who has no user name is called `undefined` on v5, and on v4 `%u` stays as it is (EMQX's source, not recorded).
    """
    if attempt.generation == "v5":
        values = {"clientid": attempt.clientid, "username": attempt.username or "undefined"}
        return re.sub(r"\$\{(clientid|username)\}", lambda found: values[found[1]], topic)
    levels = {"%c": attempt.clientid, "%u": attempt.username or "%u"}
    return "/".join(levels.get(level, level) for level in topic.split("/"))
