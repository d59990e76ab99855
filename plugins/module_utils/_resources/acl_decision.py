# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a broker would decide by the access rules of its built-in database, without asking one.

The rules of the client id come first, then those of the user name, then those for everyone; the first that matches
decides. Which generation a rule is for is told by its placeholders: modules refuse those of the other one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from .._errors import InputError
from .._topics import filter_problem, name_problem, split_share, takes
from .acl import ACTIONS, ANY_QOS, KINDS, Rule, rule_from

PERMISSIONS = ("allow", "deny")
FIELDS = {"topic", "action", "permission", "qos", "retain"}
ORDER = ("clientid", "username", "everyone")
UNKNOWN = re.compile(r"\$\{(?:zone|cert_common_name|client_attrs\.[^}]*)\}")
"""Placeholders of v5 that stand for what only the broker knows of a client."""


@dataclass(frozen=True)
class Attempt:
    """What a client wants to do.

    ``clientid`` is None where the client is one that no rule names; ``username`` is None if it connects without one.
    """

    action: str
    topic: str
    clientid: Optional[str] = None
    username: Optional[str] = None
    qos: int = 0
    retain: bool = False

    def checked(self) -> Attempt:
        """Return the attempt with the filter that a shared subscription is for.

        :raises InputError: no client could attempt that.
        """
        if self.action not in ACTIONS:
            raise InputError(f"action is {self.action!r}: it is publish or subscribe.")
        for name, value in (("clientid", self.clientid), ("username", self.username)):
            if value is not None and (not isinstance(value, str) or not value):
                raise InputError(f"{name} is {value!r}: it is a text, or left out.")
        if self.qos not in ANY_QOS or isinstance(self.qos, bool):
            raise InputError(f"qos is {self.qos!r}: it is 0, 1 or 2.")
        if not isinstance(self.retain, bool):
            raise InputError(f"retain is {self.retain!r}: it is true or false.")
        if not isinstance(self.topic, str):
            raise InputError(f"topic is {self.topic!r}: it is a text.")
        problem = (name_problem if self.action == "publish" else filter_problem)(self.topic)
        if problem:
            raise InputError(f"topic is {self.topic!r}, which nobody can {self.action} to: {problem}.")
        if self.action == "publish":
            return self
        return Attempt(self.action, split_share(self.topic)[1], self.clientid, self.username, self.qos, self.retain)


class _Placed(NamedTuple):
    """A rule, where it stands, and what it has that only a broker can decide."""

    at: str
    rule: Rule
    conditions: List[str]


def decision(policy: Any, attempt: Attempt, no_match: str = "allow") -> str:
    """Return ``allow`` or ``deny``.

    :param policy: a list of subjects, each with its rules, as ``acls`` takes them and ``acl_info`` returns them; the
        result of one of these (a dictionary with ``acls`` or ``subjects``); or a list of rules for whoever it is.
    :param no_match: the answer where no rule matches.
    :raises InputError: something can't be right, or a rule that may match depends on what only a broker knows.
    """
    if no_match not in PERMISSIONS:
        raise InputError(f"no_match is {no_match!r}: it is allow or deny.")
    attempt, subjects = attempt.checked(), _subjects(policy)
    for kind in ORDER:
        name = "" if kind == "everyone" else getattr(attempt, kind)
        for at, rule, conditions in subjects.get((kind, name), ()):
            if not _matches(rule, attempt):
                continue
            if conditions:
                raise InputError(f"{at} has {' and '.join(conditions)}, so that only a broker can decide.")
            return str(rule.permission)
    return no_match


def _subjects(policy: Any) -> Dict[Tuple[str, Any], List[_Placed]]:
    """Return the rules by kind and name of their subjects."""
    if isinstance(policy, Mapping):
        name = next((name for name in ("acls", "subjects") if name in policy), None)
        if name is None:
            raise InputError("The policy is a dictionary without acls or subjects: give a list of subjects or rules.")
        policy = policy[name]
    if not isinstance(policy, (list, tuple)):
        raise InputError("The policy has to be a list of subjects or of rules, and is none.")
    if any(isinstance(item, Mapping) and "topic" in item for item in policy):
        return {("everyone", ""): list(_rules(policy, ""))}
    found: Dict[Tuple[str, Any], List[_Placed]] = {}
    for place, item in enumerate(policy):
        at = f"subjects[{place}]"
        if not isinstance(item, Mapping):
            raise InputError(f"{at} has to be a dictionary, and is none.")
        kinds = [kind for kind in KINDS if item.get(kind) not in (None, False)]
        if len(kinds) != 1:
            problem = f"{' and '.join(kinds)} are given" if kinds else "none is given"
            raise InputError(f"{at} has to name one subject by username, clientid or everyone: true: {problem}.")
        subject = (kinds[0], "" if kinds[0] == "everyone" else str(item[kinds[0]]))
        rules = list(_rules(item.get("rules"), at + "."))
        if [each.rule for each in found.setdefault(subject, rules)] != [each.rule for each in rules]:
            raise InputError(f"{at} is {' '.join(subject).strip()} once more, with other rules: give one of them.")
    return found


def _rules(rows: Any, where: str) -> Iterator[_Placed]:
    if not isinstance(rows, (list, tuple)):
        raise InputError(f"{where}rules has to be a list of rules, and is none.")
    for place, row in enumerate(rows):
        at = f"{where}rules[{place}]"
        if not isinstance(row, Mapping):
            raise InputError(f"{at} has to be a dictionary, and is none.")
        for name, known in (("topic", ()), ("action", (*ACTIONS, "all")), ("permission", PERMISSIONS)):
            value = row.get(name)
            if not isinstance(value, str) or (known and value not in known):
                said = "is missing" if value is None else f"is {value!r}"
                raise InputError(f"{at}.{name} {said}: it is {_listed(known) if known else 'a text'}.")
        qos = row.get("qos")
        if qos is not None and not (isinstance(qos, list) and all(each.__class__ is int for each in qos)):
            raise InputError(f"{at}.qos is {qos!r}: it is a list of at least one of 0, 1 and 2.")
        literal = row["topic"].startswith("eq ")
        generation = "v4" if not literal and {"%c", "%u"} & set(row["topic"].split("/")) else "v5"
        conditions = sorted(str(name) for name in set(row) - FIELDS)
        conditions += [] if literal else UNKNOWN.findall(row["topic"])
        yield _Placed(at, rule_from(row, at, generation), conditions)


def _listed(words: Tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _matches(rule: Rule, attempt: Attempt) -> bool:
    if rule.action not in ("all", attempt.action) or attempt.qos not in (rule.qos or ANY_QOS):
        return False
    if attempt.action == "publish" and rule.retain not in (None, "all", attempt.retain):
        return False
    if rule.topic.startswith("eq "):
        return rule.topic[len("eq "):] == attempt.topic
    wanted = _filled(rule.topic, attempt)
    return wanted is not None and takes(wanted, attempt.topic)


def _filled(topic: str, attempt: Attempt) -> Optional[str]:
    """Return the topic of a rule with its placeholders filled in, or None if the client is not known.

    A v5 broker knows who has no user name as ``undefined``; on v4 the placeholder stays as it is. What only the broker
    knows may be anything, so that ``#`` stands for all levels from there on.
    """
    levels = topic.split("/")
    cut = next((place for place, level in enumerate(levels) if UNKNOWN.search(level)), None)
    if cut is not None:
        levels = [*levels[:cut], "#"]
        topic = "/".join(levels)
    if attempt.clientid is None and ("${clientid}" in topic or "%c" in levels):
        return None
    v4 = {"%c": attempt.clientid or "", "%u": attempt.username or "%u"}
    v5 = {"clientid": attempt.clientid or "", "username": attempt.username or "undefined"}
    if set(v4) & set(levels):
        return "/".join(v4.get(level, level) for level in levels)
    return re.sub(r"\$\{(clientid|username)\}", lambda found: v5[found.group(1)], topic)
