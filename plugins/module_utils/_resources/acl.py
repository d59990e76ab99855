# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access rules of the built-in database: for each user name, each client id and everyone an ordered list.

The first rule that matches decides, client id before user name before everyone. One record holds the rules of one
subject. On v5 it is stored as one list. On v4 it is rows that are evaluated newest first, and a row either allows or
denies ``pub`` or ``sub``: what the vocabulary here calls ``all`` is two rows. Rows of ``pub`` and rows of ``sub`` never
meet, so the rules of a v4 subject are two orders, and nothing else counts when they are compared.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
import time
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from .._converge import WRITE_ONLY, Outcomes, Plan, Record
from .._errors import ApiError, EmqxError, InputError, Missing, NotAttempted, NotOffered, Unanswered
from .._http import doubt
from .._topics import filter_problem
from .._urls import checked_name, fit_path, path_of
from . import _guards, clients
from ._api import MEBIBYTE, RULES, SOURCE, Api, Batch, Store, in_batches

KINDS = ("username", "clientid", "everyone")
ACTIONS = ("publish", "subscribe")
ANY_QOS = (0, 1, 2)
MAX_RULES = 100
"""How many rules a subject has at the most on v5, unless the source says otherwise."""

WHOLE_LIST = 10_000_000
"""Rows a page on v4: its lists are in the order of evaluation only within a page, and it takes any number."""

SUBJECTS = 2500
"""Subjects a page on v5, so that it stays far below the longest answer that is read also if each has all its rules."""

APART = 0.002
"""Seconds between two requests about a subject: EMQX 4.4 orders rows by the millisecond they were posted in."""

V4_ACTIONS = {"pub": ("publish",), "sub": ("subscribe",), "pubsub": ACTIONS}
V4_NAMES = {"publish": "pub", "subscribe": "sub", "all": "pubsub"}
V5_PATHS = {"username": "users", "clientid": "clients"}


@dataclass(frozen=True)
class Rule:
    """One rule, or one row on v4, which has no ``qos`` and no ``retain``.

    ``permission`` is None only in a rule that is to be removed whatever it says. ``other`` holds the fields that are
    not known here (newer brokers have ``ipaddr``, ``clientid_re``…) as JSON: they are kept and never compared.
    """

    topic: str
    action: str
    permission: Optional[str] = None
    qos: Optional[Tuple[int, ...]] = None
    retain: Any = None
    other: str = field(default="", compare=False)

    @property
    def identity(self) -> Hashable:
        return self.topic, self.action, self.qos, self.retain

    def shown(self) -> Dict[str, Any]:
        """Return the rule as users see it."""
        shown: Dict[str, Any] = {"topic": self.topic, "action": self.action, "permission": self.permission}
        if self.qos is not None:
            shown.update(qos=list(self.qos), retain=self.retain)
        return {**shown, **(json.loads(self.other) if self.other else {})}

    def __str__(self) -> str:
        return f"{self.permission} {self.action} {self.topic!r}"

    def decides(self, other: Rule) -> bool:
        """Say whether everything that ``other`` matches is matched by this rule, as far as that can be told."""
        return (
            not self.other
            and self.action in ("all", other.action)
            and set(other.qos or ANY_QOS) <= set(self.qos or ANY_QOS)
            and (other.action == "subscribe" or self.retain in (None, "all", other.retain))
            and _covers(self.topic, other.topic)
        )


def _covers(wide: str, narrow: str) -> bool:
    """Say whether one topic of a rule matches whatever another one does."""
    if wide == narrow:
        return True
    if wide.startswith("eq "):
        return False
    narrow = narrow[len("eq "):] if narrow.startswith("eq ") else narrow
    if narrow.startswith("$") and not narrow.startswith("${") and wide[0] in "+#":
        return False
    wanted, levels = wide.split("/"), narrow.split("/")
    for position, pattern in enumerate(wanted):
        if pattern == "#":
            return True
        if position >= len(levels) or (pattern != levels[position] and (pattern != "+" or levels[position] == "#")):
            return False
    return len(wanted) == len(levels)


@dataclass(frozen=True)
class Policy(Record):
    """The rules of one subject. ``kind`` is ``username``, ``clientid`` or ``everyone``, the name of which is empty.

    A desired one says how it is meant: ``exact`` (these rules and no others), ``front`` (new ones come first). One that
    is to be removed has no ``rules`` (None) if the whole subject is meant. ``was`` holds the rules before a change.
    """

    kind: str
    name: str
    rules: Optional[Tuple[Rule, ...]] = None
    exact: bool = field(default=False, compare=False, metadata=WRITE_ONLY)
    front: bool = field(default=False, compare=False, metadata=WRITE_ONLY)
    was: Tuple[Rule, ...] = field(default=(), compare=False, repr=False, metadata=WRITE_ONLY)

    @property
    def key(self) -> Hashable:
        return (self.kind, self.name) if self.name else (self.kind,)

    def __str__(self) -> str:
        return f"the {self.kind} {self.name!r}" if self.name else self.kind

    def shown(self) -> Dict[str, Any]:
        who = {self.kind: self.name} if self.name else {self.kind: True}
        return {**who, "rules": [rule.shown() for rule in self.read()]}

    def read(self) -> Sequence[Rule]:
        """Return the rules in the order and the form in which they are read."""
        return self.rules or ()

    def same(self, rules: Sequence[Rule]) -> bool:
        """Say whether the rules are these, in this order."""
        return list(self.rules or ()) == list(rules)

    def differs(self, current: Any) -> bool:
        return not current.same(self._target(current)) or (self.exact and not self.rules)

    def completed(self, current: Any) -> Any:
        return self._changed(current, self._target(current))

    def without(self, current: Any) -> Any:
        if self.rules is None:
            return None
        unwanted = {(rule.identity, rule.permission) for rule in self.rules}
        kept = [
            rule for rule in current.rules
            if not {(rule.identity, None), (rule.identity, rule.permission)} & unwanted
        ]
        return current if len(kept) == len(current.rules) else self._changed(current, kept)

    def _changed(self, current: Any, rules: Sequence[Rule]) -> Any:
        """Return the current record with other rules, or None if it has none any more."""
        return replace(current, rules=self.arranged(current.rules, rules), was=current.rules) if rules else None

    @staticmethod
    def arranged(before: Sequence[Rule], after: Sequence[Rule]) -> Tuple[Rule, ...]:
        """Return the rules as they stand once they are changed."""
        return tuple(after)

    def _target(self, current: Any) -> List[Rule]:
        """Return what the rules of ``current`` should be."""
        rules, wanted = list(current.rules), list(self.rules or ())
        if self.exact:
            twins = [(rule, _twin(rules, rule)) for rule in wanted]
            return [rule if rule.other == other else replace(rule, other=other) for rule, other in twins]
        places: Dict[Hashable, int] = {}
        for place, rule in enumerate(rules):
            # The first one decides; one that unknown fields restrict stands back.
            known = places.setdefault(rule.identity, place)
            if rules[known].other and not rule.other:
                places[rule.identity] = place
        new = []
        for rule in wanted:
            found = places.get(rule.identity)
            if found is None:
                new.append(rule)
            elif rules[found].permission != rule.permission:
                rules[found] = replace(rules[found], permission=rule.permission)
        return new + rules if self.front else rules + new


def _twin(rules: Sequence[Rule], wanted: Rule) -> str:
    """Return the unknown fields of the rule with the same identity."""
    others = [rule.other for rule in rules if rule.identity == wanted.identity]
    return "" if "" in others or not others else others[0]


@dataclass(frozen=True)
class Rows(Policy):
    """The rules of one subject on v4: rows that each publish or subscribe, in the order of evaluation."""

    def read(self) -> Sequence[Rule]:
        return folded(self.rules or ())

    def same(self, rules: Sequence[Rule]) -> bool:
        return all(_of(action, self.rules or ()) == _of(action, rules) for action in ACTIONS)

    @staticmethod
    def arranged(before: Sequence[Rule], after: Sequence[Rule]) -> Tuple[Rule, ...]:
        sent = unfolded(folded(_to_send(before, after)))
        kept = set(after) - set(sent)
        return (*sent, *(row for row in before if row in kept))


def _of(action: str, rows: Iterable[Rule]) -> List[Rule]:
    return [row for row in rows if row.action == action]


def folded(rows: Sequence[Rule]) -> List[Rule]:
    """Return rows of v4 as rules: two that allow or deny both actions of a topic are one with the action ``all``.

    The order within each action stays as it is.
    """
    queues = {action: _of(action, rows)[::-1] for action in ACTIONS}
    places = {(row.topic, row.permission, row.action): place for place, row in enumerate(rows)}
    waiting = set(places)
    rules: List[Rule] = []

    def is_alone(row: Rule) -> bool:
        """Whether the same rule for the other action is not further down."""
        return (row.topic, row.permission, ACTIONS[row.action == ACTIONS[0]]) not in waiting

    def take(row: Rule) -> None:
        queues[row.action].pop()
        waiting.discard((row.topic, row.permission, row.action))

    while any(queues.values()):
        heads = [queue[-1] for queue in queues.values() if queue]
        first = heads[0]
        if len(heads) == 2 and (first.topic, first.permission) == (heads[1].topic, heads[1].permission):
            rules.append(Rule(first.topic, "all", first.permission))
        else:
            # A row waits for the one it goes together with, unless both heads do: then the two orders cross.
            alone = [row for row in heads if is_alone(row)] or heads
            heads = [min(alone, key=lambda row: places[row.topic, row.permission, row.action])]
            rules += heads
        for row in heads:
            take(row)
    return rules


def unfolded(rules: Iterable[Rule]) -> List[Rule]:
    """Return rules as rows of v4."""
    return [
        rule if rule.action == action else Rule(rule.topic, action, rule.permission)
        for rule in rules for action in ACTIONS if rule.action in ("all", action)
    ]


def _lost(before: Sequence[Rule], after: Sequence[Rule]) -> Dict[str, List[Rule]]:
    """Return the rows that have no successor, by topic: a DELETE takes every action of a topic."""
    kept = {(row.topic, row.action) for row in after}
    lost: Dict[str, List[Rule]] = {}
    for row in before:
        if (row.topic, row.action) not in kept:
            lost.setdefault(row.topic, []).append(row)
    return lost


def _to_send(before: Sequence[Rule], after: Sequence[Rule]) -> List[Rule]:
    """Return the rows of ``after`` that have to be posted, where ``before`` is what there is.

    A row that is posted moves to the top, so what stays is the longest end of ``after`` that stands in this order
    already, for each action.
    """
    deleted = _lost(before, after)
    stays: Set[Rule] = set()
    for action in ACTIONS:
        there = _of(action, before)
        for row in reversed(_of(action, after)):
            while there and there[-1] != row:
                there.pop()
            if not there or row.topic in deleted:
                break
            stays.add(row)
    return [row for row in after if row not in stays]


# What options describe


def policy_from(options: Mapping[str, Any], where: str, state: str, position: str, generation: str) -> Policy:
    """Return the subject that a module's options, or an item of a list, describe.

    :param where: what stands before an option's name in messages, such as ``subjects[3].``.
    :param state: ``present``, ``absent`` or ``exact``.
    :raises InputError: it names no subject or two, or a rule can't be.
    """
    kinds = [kind for kind in KINDS if options.get(kind) not in (None, False)]
    if len(kinds) != 1:
        problem = f"{' and '.join(kinds)} are given" if kinds else "none is given"
        raise InputError(f"{where}username, clientid or everyone: true has to name one subject: {problem}.")
    kind, given = kinds[0], options.get("rules")
    name = "" if kind == "everyone" else checked_name(options[kind], where + kind)
    if given is None and state != "absent":
        raise InputError(f"{where}rules is missing: state: {state} needs it.")
    rules = None if given is None else tuple(_rules(given, where, generation, state == "absent"))
    if generation == "v4" and state != "absent":
        long = next((rule.topic for rule in rules or () if not fit_path(name, rule.topic)), None)
        if long is not None:
            raise InputError(
                f"{where}rules has the topic {long[:50]!r}…, which is too long: a v4 deployment would store it, and no "
                "path could name it and the subject to delete it."
            )
    return (Policy if generation == "v5" else Rows)(kind, name, rules, state == "exact", position == "front")


def policies_from(options: Mapping[str, Any], generation: str) -> List[Policy]:
    """Return the subjects of the module ``acls``, or the one of the module ``acl``; see :func:`policy_from`.

    :raises InputError: also where an empty list would take all rules of a subject, and ``purge_all`` isn't set.
    """
    state, position = options["state"], options["position"]
    rows = options.get("subjects")
    places = [("", options)] if rows is None else [(f"subjects[{place}].", row) for place, row in enumerate(rows)]
    found = []
    for where, row in places:
        found.append(policy_from(row, where, state, position, generation))
        if state == "exact" and not found[-1].rules and not options["purge_all"]:
            raise InputError(
                f"{where}rules is empty, so everything would be deleted: set purge_all: true if that is what you want."
            )
    return found


def _rules(rows: Sequence[Mapping[str, Any]], where: str, generation: str, unwanted: bool) -> Iterator[Rule]:
    """Yield the rules of a list, on v4 as rows; one that comes twice counts once."""
    seen: Dict[Hashable, Tuple[Optional[str], str]] = {}
    for place, row in enumerate(rows):
        at = f"{where}rules[{place}]"
        rule = rule_from(row, at, generation, unwanted)
        for each in [rule] if generation == "v5" else unfolded([rule]):
            permission, other = seen.setdefault(each.identity, (each.permission, at))
            if permission != each.permission:
                raise InputError(f"{at} has another permission than {other}, which is for the same: give one of them.")
            if other == at:
                yield each


def rule_from(row: Mapping[str, Any], at: str, generation: str, unwanted: bool = False) -> Rule:
    """Return the rule that a dictionary describes.

    :param at: the dictionary's place, as it stands in messages.
    :param unwanted: it is to be removed, so that it need not be one that can be stored.
    :raises InputError: it can't be a rule of that generation.
    """
    topic, permission = row["topic"], row.get("permission")
    if not unwanted:
        if permission is None:
            raise InputError(f"{at}.permission is missing: it is allow or deny.")
        _check_topic(topic, at + ".topic", generation)
    elif topic == "":
        raise InputError(f"{at}.topic is empty.")
    if generation == "v4":
        for name in ("qos", "retain"):
            if row.get(name) is not None:
                raise InputError(f"{at}.{name} needs a v5 deployment: the rules of v4 hold for every {name}.")
        return Rule(topic, row["action"], permission)
    qos = row.get("qos")
    if qos is not None and (not qos or not set(qos) <= set(ANY_QOS)):
        raise InputError(f"{at}.qos is {qos!r}: it is a list of at least one of 0, 1 and 2.")
    retain = _retain(row.get("retain"), at + ".retain")
    return Rule(
        topic, row["action"], permission, ANY_QOS if qos is None else tuple(sorted(set(qos))),
        "all" if row["action"] == "subscribe" else retain,  # as EMQX 5.8 reads it back
    )


def _check_topic(topic: str, at: str, generation: str) -> None:
    """Refuse a topic that a broker stores and that then never matches, or doesn't match what is meant."""
    literal = topic.startswith("eq ")
    if literal and generation == "v4":
        raise InputError(f"{at} is {topic!r}: a topic that is matched literally ('eq ') needs a v5 deployment.")
    problem = filter_problem(topic[len("eq "):] if literal else topic)
    if problem:
        raise InputError(f"{at} is {topic!r}, which is no topic filter: {problem}.")
    if generation == "v4":
        wrong = re.search(r"\$\{[^}/]*\}", topic)
        if wrong:
            raise InputError(
                f"{at} is {topic!r}: {wrong.group()} is no placeholder on v4, which has %c (client id) and %u (user "
                "name), each as a whole level."
            )
        if any(re.search("%[cu]", level) and level not in ("%c", "%u") for level in topic.split("/")):
            raise InputError(f"{at} is {topic!r}: on v4, %c and %u are placeholders only as a whole level.")
    elif not literal and {"%c", "%u"} & set(topic.split("/")):
        raise InputError(f"{at} is {topic!r}: %c and %u are no placeholders on v5: write ${{clientid}}, ${{username}}.")


def _retain(value: Any, at: str) -> Any:
    known = {"true": True, "yes": True, "false": False, "no": False, "all": "all", "none": "all"}
    if str(value).lower() not in known:
        raise InputError(f"{at} is {value!r}: it is true, false or all.")
    return known[str(value).lower()]


def kinds_of(policies: Iterable[Policy], named: Optional[Sequence[str]] = None) -> Tuple[str, ...]:
    """Return the kinds of subjects that a task touches: those that occur, and those it names."""
    touched = {policy.kind for policy in policies} | set(named or ())
    return tuple(kind for kind in KINDS if kind in touched)


def find(api: Api, options: Mapping[str, Any]) -> Iterator[Policy]:
    """Yield the subjects with rules that the options of an info module ask for.

    :raises InputError: more than one subject is named, or one and a filter too.
    """
    named = [kind for kind in KINDS if options[kind] not in (None, False)]
    others = [name for name in ("kind", "like") if options[name] is not None]
    if len(named) > 1 or (named and others):
        raise InputError(f"{' and '.join([*named, *others])} exclude each other: give one of them.")
    if named:
        name = "" if named[0] == "everyone" else checked_name(options[named[0]], named[0])
        yield from store(api, named).current([Policy(named[0], name)], False)
        return
    kinds = kinds_of((), options["kind"] or (KINDS if options["like"] is None else ("username", "clientid")))
    yield from store(api, kinds).find(options["like"], options["limit"])


def unreachable(plan: Plan[Policy], most: int = 10) -> List[str]:
    """Return a sentence for each new rule that does nothing, since one before it decides all that it matches."""
    pairs = [*(((), new) for new in plan.create), *((set(old.read()), new) for old, new in plan.update)]
    found: List[str] = []
    for before, policy in pairs:
        earlier: List[Rule] = []
        for rule in policy.read():
            above = None if rule in before else next((each for each in earlier if each.decides(rule)), None)
            if above:
                found.append(
                    f"The rule {rule} of {policy} does nothing: it stands behind {above}, which decides all that it "
                    "matches."
                )
            if above is None:
                earlier.append(rule)
            if len(found) == most:
                return found
    return found


def unlisted(plan: Plan[Policy]) -> Tuple[int, int]:
    """Return how many rules of how many go from the subjects that a plan changes."""
    changed = [*plan.update, *((old, None) for old in plan.delete)]
    kept = plan.kept + [old for old, unused in changed]
    gone = 0
    for old, new in changed:
        stays = {rule.identity for rule in (new.read() if new is not None else ())}
        gone += sum(rule.identity not in stays for rule in old.read())
    return gone, sum(len(policy.read()) for policy in kept)


def _denies_all(policy: Policy) -> bool:
    """Say whether the first rules of a subject deny everything."""
    denied: Set[str] = set()
    for rule in policy.read():
        if rule.permission != "deny":
            return False
        if rule.topic == "#" and not rule.other and rule.qos in (None, ANY_QOS) and rule.retain in (None, "all"):
            denied.update(ACTIONS if rule.action == "all" else (rule.action,))
        if len(denied) == len(ACTIONS):
            return True
    return False


# The stores


class Acl(Store[Policy]):
    """What both generations share."""

    many = "acls"
    lists: Mapping[str, str] = {}
    """The paths of the lists of subjects, by their kinds."""

    def __init__(self, api: Api, kinds: Sequence[str], batch_bytes: int) -> None:
        super().__init__(api)
        self.kinds = kinds
        self.batch_bytes = batch_bytes

    def rows(self, policies: Iterable[Policy], kind: str) -> int:
        """Return how many rows of a list these subjects are."""
        raise TypeError(f"{type(self).__name__} has no lists")

    def cautions(self, plan: Plan[Policy]) -> Iterator[str]:
        changed = [*((None, new) for new in plan.create), *plan.update]
        shut = any(
            new.kind == "everyone" and _denies_all(new) and not (old is not None and _denies_all(old))
            for old, new in changed
        )
        if shut and not any(new.name and new.rules for unused, new in changed) and self._nobody_else(plan):
            yield (
                "everyone is denied '#', and no username and no clientid has rules of its own: once these rules are "
                "asked, no client may publish or subscribe until one has."
            )

    def _nobody_else(self, plan: Plan[Policy]) -> bool:
        """Say whether no user name and no client id has rules after a plan that gives none to them."""
        return all(self.api.count(path) == self.rows(plan.delete, kind) for kind, path in self.lists.items())

    def find(self, like: Optional[str] = None, limit: Optional[int] = None) -> Iterator[Policy]:
        """Yield the subjects with rules whose name contains ``like`` (case-sensitive); ``limit`` is how many."""
        for kind in self.kinds:
            if kind == "everyone":
                found = self.get(Policy(kind, ""))
                yield from [found] if found is not None and like is None else []
                continue
            for policy in self._all(kind, [(f"like_{kind}", like)] if like else [], limit):
                if (like or "") in policy.name:  # the broker filters, and is held to it
                    yield policy

    def _all(self, kind: str, query: List[Tuple[str, Any]], limit: Optional[int]) -> Iterator[Policy]:
        raise TypeError(f"{type(self).__name__} can't list")

    def list(self) -> Iterator[Policy]:
        if not self.kinds:
            raise InputError("subjects is empty, so kind has to name what is purged: username, clientid, everyone.")
        return self.find()

    def fresh(self, record: Policy) -> Optional[Policy]:
        return replace(record, rules=record.arranged((), record.rules)) if record.rules else None


class V4Acl(Acl):
    """Rows, evaluated newest first: each POST of one moves it to the top, and a DELETE takes all actions of a topic."""

    lists = {kind: f"acl/{kind}" for kind in V5_PATHS}

    def rows(self, policies: Iterable[Policy], kind: str) -> int:
        return sum(len(policy.rules or ()) for policy in policies if policy.kind == kind)

    def _all(self, kind: str, query: List[Tuple[str, Any]], limit: Optional[int]) -> Iterator[Policy]:
        found: Dict[str, List[Rule]] = {}
        query = [("_" + name, value) for name, value in query]
        for row in self.api.rows(f"acl/{kind}", query, WHOLE_LIST, most=WHOLE_LIST):
            if not isinstance(row.get(kind), str):
                raise self.api.odd("GET", f"acl/{kind}", f"a row has no {kind}")
            found.setdefault(row[kind], []).extend(self._read(row, f"acl/{kind}"))
        return (Rows(kind, name, tuple(rows)) for name, rows in found.items())

    def _read(self, row: Mapping[str, Any], path: str) -> List[Rule]:
        topic, action, access = row.get("topic"), row.get("action"), row.get("access")
        if not isinstance(topic, str) or access not in ("allow", "deny") or str(action) not in V4_ACTIONS:
            raise self.api.odd("GET", path, "a row is no access rule")
        return [Rule(topic, each, str(access)) for each in V4_ACTIONS[str(action)]]

    def get(self, record: Policy) -> Optional[Policy]:
        if record.name:
            path = path_of(f"acl/{record.kind}/{{}}", record.name)
            listed = self.api.call("GET", path).get("data")
            rows = self.api.dicts([] if listed == {} else listed, path)
        else:
            path = "acl/$all"
            rows = list(self.api.rows(path, (), WHOLE_LIST, most=WHOLE_LIST))
        rules = [rule for row in rows for rule in self._read(row, path)]
        return Rows(record.kind, record.name, tuple(rules)) if rules else None

    def check(self, plan: Plan[Policy]) -> None:
        gone = [(old, _lost(old.rules or (), new.rules or ())) for old, new in plan.update]
        gone += [(old, _lost(old.rules or (), ())) for old in plan.delete]
        for policy, topics in gone:
            for topic in topics:
                checked_name(topic, f"a topic of {policy} to delete")

    def mixes(self, wanted: Sequence[Policy]) -> bool:
        return any(policy.exact for policy in wanted)  # each row is a call of its own

    def steps(self, plan: Plan[Policy]) -> List[Tuple[str, Sequence[Policy]]]:
        """The stricter state comes first: rules that only allow go before others come, those that deny go last."""
        lenient: List[Policy] = []
        strict: List[Policy] = []
        for old in plan.delete:
            only_allows = all(rule.permission == "allow" for rule in old.rules or ())
            (lenient if only_allows else strict).append(old)
        update = [new for unused, new in plan.update]
        return [("delete", lenient), ("create", plan.create), ("update", update), ("delete", strict)]

    def create(self, policies: Iterable[Policy]) -> Outcomes[Policy]:
        return self._carry_out([_Change(policy, policy.was, policy.rules or ()) for policy in policies])

    update = create

    def delete(self, policies: Iterable[Policy]) -> Outcomes[Policy]:
        return self._carry_out([_Change(policy, policy.rules or (), ()) for policy in policies])

    def _carry_out(self, changes: List[_Change]) -> Outcomes[Policy]:
        try:
            self._send(changes)
        except Exception:
            raise
        except BaseException:  # such as a time limit of Ansible's: what was reached can still be told
            for change in changes:
                if not change.complete:
                    change.answered(Unanswered(), [], None)
                yield change.policy, change.outcome()
            raise
        for change in changes:
            yield change.policy, change.outcome()

    def _send(self, changes: List[_Change]) -> None:
        """Send the changes of many subjects side by side: the k-th request holds the k-th row of each of them."""
        self._delete_topics([(change, topic) for change in changes for topic in change.first], changes)
        for number in range(max((len(change.posts) for change in changes), default=0)):
            if number:
                time.sleep(APART)
            due = [change for change in changes if change.error is None and number < len(change.posts)]
            posts = [(change, change.posts[number]) for change in due]
            self._delete_topics([(change, change.tied[post]) for change, post in posts if post in change.tied], changes)
            rows: List[Tuple[Any, Any]] = [
                (change, self._row(change.policy, post)) for change, post in posts if change.error is None
            ]
            for change, error in in_batches(rows, self._post, self.batch_bytes):
                change.answered(error, [change.posts[number]], None)
            self._break(changes)
        self._delete_topics([(change, topic) for change in changes for topic in change.last], changes)

    def _delete_topics(self, topics: List[Tuple[_Change, str]], changes: List[_Change]) -> None:
        waiting = [(change, topic) for change, topic in topics if change.error is None]
        for (change, topic), result in self.api.http.each(self._delete_topic, waiting):
            change.answered(result if isinstance(result, EmqxError) else None, [], topic)
        self._break(changes)

    def _delete_topic(self, what: Tuple[_Change, str]) -> None:
        policy, topic = what[0].policy, what[1]
        base = "acl/$all" if not policy.name else path_of(f"acl/{policy.kind}/{{}}", policy.name)
        self.api.call("DELETE", base + path_of("/topic/{}", topic))

    @staticmethod
    def _break(changes: List[_Change]) -> None:
        """After an error that is fatal nothing more is sent."""
        if any(change.error is not None and change.error.fatal for change in changes):
            for change in changes:
                if not change.complete:
                    change.answered(NotAttempted(), [], None)

    @staticmethod
    def _row(policy: Policy, rule: Rule) -> Dict[str, Any]:
        who = {policy.kind: policy.name} if policy.name else {}
        return {**who, "topic": rule.topic, "action": V4_NAMES[rule.action], "access": rule.permission}

    def _post(self, batch: Any, body: bytes) -> Iterator[Tuple[_Change, Optional[EmqxError]]]:
        answer = self.api.call("POST", "acl", body=body)
        said = {self._who(row): row.get("result") for row in self.api.dicts(answer.get("data"), "acl", "POST")}
        for change, row in batch:
            # EMQX 4.4 answers code 0 though items failed, and in reverse order.
            answered = isinstance(said.get(self._who(row)), str)
            result = str(said[self._who(row)]) if answered else "no result"
            if result == "ok":
                yield change, None
                continue
            message = f"A rule for the topic {row['topic']!r} of {change.policy} was not stored ({result})."
            message += "" if answered else doubt("POST", "acl")
            yield change, ApiError(message, 200, None, result, "POST", "acl")

    @staticmethod
    def _who(row: Mapping[str, Any]) -> Hashable:
        return next(((kind, str(row[kind])) for kind in V5_PATHS if kind in row), None)


class _Change:
    """What is sent for one v4 subject, in this order, and how far that has come.

    ``first`` are topics that only lose rows that allow, ``last`` those that lose a row that denies. A topic that loses
    one action and keeps the other goes right before the other is posted (``tied``): a DELETE takes both.
    """

    def __init__(self, policy: Policy, before: Sequence[Rule], after: Sequence[Rule]) -> None:
        self.policy = policy
        self.posts = folded(_to_send(before, after))[::-1]
        self.rows = list(before)
        self.error: Optional[EmqxError] = None
        lost = _lost(before, after)
        self.tied: Dict[Rule, str] = {}
        for post in self.posts:
            if post.topic in lost and post.topic not in self.tied.values():
                self.tied[post] = post.topic
        free = [topic for topic in lost if topic not in self.tied.values()]
        self.first = [topic for topic in free if all(row.permission == "allow" for row in lost[topic])]
        self.last = [topic for topic in free if topic not in self.first]
        self._left = len(self.posts) + len(lost)
        self._sent = 0

    @property
    def complete(self) -> bool:
        return self._left == 0 or self.error is not None

    def answered(self, error: Optional[EmqxError], posted: Sequence[Rule], deleted: Optional[str]) -> None:
        """Take note of what a request has done."""
        if error is not None:
            self.error = self.error or error
            return
        rows = unfolded(posted)
        gone = {(row.topic, row.action) for row in rows}
        self.rows = rows + [row for row in self.rows if row.topic != deleted and (row.topic, row.action) not in gone]
        self._left -= 1
        self._sent += 1

    def outcome(self) -> Optional[EmqxError]:
        """Return None, or what went wrong and which rules the subject was left with."""
        if self.error is None or not self._sent:
            return self.error
        shown = [str(rule) for rule in folded(self.rows)]
        more = [f"and {len(shown) - 10} more"] if len(shown) > 10 else []
        return Partial(self.error, f"{self.policy} was left with {', '.join(shown[:10] + more) or 'no rules'}")


class Partial(EmqxError):
    """A change that was made in part."""

    partly = True

    def __init__(self, error: EmqxError, state: str) -> None:
        super().__init__(f"{str(error).rstrip('.')}; {state}.")
        self.error = error

    def details(self) -> Dict[str, Any]:
        return self.error.details()

    @property
    def fatal(self) -> bool:  # type: ignore[override]
        return self.error.fatal


def _number(policies: Iterable[Policy]) -> int:
    return sum(len(policy.rules or ()) for policy in policies)


def _growth(pair: Tuple[Policy, Policy]) -> int:
    """Return how many rules more a subject has after a change."""
    return len(pair[1].rules or ()) - len(pair[0].rules or ())


class V5Acl(Acl):
    """One record a subject, created in bulk and replaced one by one; the rules for everyone are one list."""

    lists = {kind: f"{RULES}/{name}" for kind, name in V5_PATHS.items()}

    def __init__(self, api: Api, kinds: Sequence[str], batch_bytes: int) -> None:
        super().__init__(api, kinds, batch_bytes)
        self._listed = False
        self._seen: List[str] = []
        self._held = 0

    def rows(self, policies: Iterable[Policy], kind: str) -> int:
        return sum(policy.kind == kind for policy in policies)

    def current(self, wanted: Sequence[Policy], everything: bool) -> Iterator[Policy]:
        self._listed = self.reads_all(wanted, everything)
        for policy in super().current(wanted, everything):
            self._seen.append(policy.kind)
            self._held += len(policy.rules or ())
            yield policy

    def _all(self, kind: str, query: List[Tuple[str, Any]], limit: Optional[int]) -> Iterator[Policy]:
        path = f"{RULES}/{V5_PATHS[kind]}"
        for row in self.api.rows(path, query, limit, most=SUBJECTS):
            yield self._record(kind, row, path)

    def _record(self, kind: str, row: Any, path: str) -> Policy:
        name = row.get(kind) if isinstance(row, dict) else None
        if not isinstance(name, str):
            raise self.api.odd("GET", path, f"it has no {kind}")
        return Policy(kind, name, self._read(row, path))

    def _read(self, row: Mapping[str, Any], path: str) -> Tuple[Rule, ...]:
        rules = []
        for each in self.api.dicts(row.get("rules"), path):
            other = dict(each)
            topic, action, permission = (other.pop(name, None) for name in ("topic", "action", "permission"))
            qos, retain = other.pop("qos", list(ANY_QOS)), other.pop("retain", "all")
            if (
                not isinstance(topic, str) or action not in ("all", *ACTIONS) or permission not in ("allow", "deny")
                or not isinstance(qos, list) or not all(isinstance(value, int) for value in qos)
                or isinstance(retain, (list, dict))
            ):
                raise self.api.odd("GET", path, "it holds what is no access rule")
            unknown = json.dumps(other, sort_keys=True) if other else ""
            retain = "all" if action == "subscribe" else retain
            rules.append(Rule(topic, action, permission, tuple(sorted(set(qos))), retain, unknown))
        return tuple(rules)

    def get(self, record: Policy) -> Optional[Policy]:
        if not record.name:
            path = f"{RULES}/all"
            row = self.api.call("GET", path)
            rules = self._read(row, path) if isinstance(row, dict) else None
            if rules is None:
                raise self.api.odd("GET", path, "it should be an object")
            return Policy(record.kind, "", rules) if rules else None
        path = self._path(record)
        try:
            row = self.api.call("GET", path)
        except Missing:
            return None
        found = self._record(record.kind, row, path)
        if found.name != record.name:
            raise self.api.odd("GET", path, f"it should be about {record}")
        return found

    @staticmethod
    def _path(policy: Policy) -> str:
        return path_of(f"{RULES}/{V5_PATHS[policy.kind]}/{{}}", policy.name) if policy.name else f"{RULES}/all"

    def check(self, plan: Plan[Policy]) -> None:
        written = [*plan.create, *(new for unused, new in plan.update)]
        longest = max(written, key=lambda policy: len(policy.rules or ()), default=None)
        if longest is not None and len(longest.rules or ()) > MAX_RULES:
            most = self._max_rules()
            if len(longest.rules or ()) > most:
                raise InputError(
                    f"{longest} would have {len(longest.rules or ())} rules, and a subject has at most {most} here "
                    "(max_rules of the authorization source)."
                )
        for policy in plan.delete:
            if policy.name:
                checked_name(policy.name, f"a {policy.kind} to delete")
        if self.api.serverless:
            self._check_quota(plan)

    def _check_quota(self, plan: Plan[Policy]) -> None:
        """Refuse more rules than a Serverless deployment holds, as far as their number can be told."""
        more = sum(map(_growth, plan.update)) + _number(plan.create) - _number(plan.delete)
        if more <= 0:
            return
        if not self._listed:
            # Each subject that was not looked up has a rule at the least.
            for kind in set(self.kinds) & set(self.lists):
                self._held += max((self.api.count(self.lists[kind]) or 0) - self._seen.count(kind), 0)
        _guards.check_quota("access rules", self._held, more, _guards.MOST_RULES)

    def needs_room(self, plan: Plan[Policy]) -> bool:
        more = _number(plan.create) + sum(max(_growth(pair), 0) for pair in plan.update)
        return self.api.serverless and self._held + more > _guards.MOST_RULES

    def steps(self, plan: Plan[Policy]) -> List[Tuple[str, Sequence[Policy]]]:
        if not self.needs_room(plan):
            return super().steps(plan)
        less = [pair[1] for pair in plan.update if _growth(pair) <= 0]
        more = [pair[1] for pair in plan.update if _growth(pair) > 0]
        return [("delete", plan.delete), ("update", less), ("create", plan.create), ("update", more)]

    def _max_rules(self) -> int:
        try:
            source = self.api.call("GET", SOURCE)
        except ApiError as error:
            if error.status not in (403, 404):
                raise
            source = None
        most = source.get("max_rules") if isinstance(source, dict) else None
        return most if isinstance(most, int) else MAX_RULES

    def create(self, policies: Iterable[Policy]) -> Outcomes[Policy]:
        policies = list(policies)
        for kind in V5_PATHS:
            rows = [(policy, self._row(policy)) for policy in policies if policy.kind == kind]
            yield from in_batches(rows, functools.partial(self._post, kind), self.batch_bytes)
        yield from self.update(policy for policy in policies if not policy.name)

    def _post(self, kind: str, batch: Batch[Policy], body: bytes) -> Iterator[Tuple[Policy, Optional[EmqxError]]]:
        # EMQX 5.8 stores all of them or none.
        self.api.call("POST", f"{RULES}/{V5_PATHS[kind]}", body=body)
        for policy, _row in batch:
            yield policy, None

    @staticmethod
    def _row(policy: Policy) -> Dict[str, Any]:
        rules = []
        for rule in policy.rules or ():
            row = rule.shown()
            # Brokers before 5.1 don't know these fields, and the others fill the defaults in.
            if rule.qos == ANY_QOS:
                del row["qos"]
            if rule.retain == "all":
                del row["retain"]
            rules.append(row)
        return {policy.kind: policy.name, "rules": rules} if policy.name else {"rules": rules}

    def update(self, policies: Iterable[Policy]) -> Outcomes[Policy]:
        return self.one_by_one(self._put, policies)

    def _put(self, policy: Policy) -> None:
        self.api.call("PUT" if policy.name else "POST", self._path(policy), body=self._row(policy))

    def delete(self, policies: Iterable[Policy]) -> Outcomes[Policy]:
        return self.one_by_one(self._delete, policies)

    def _delete(self, policy: Policy) -> None:
        with contextlib.suppress(Missing):  # it went by itself meanwhile
            self.api.call("DELETE", self._path(policy))


def store(api: Api, kinds: Sequence[str], batch_bytes: int = MEBIBYTE) -> Acl:
    """Return the store of access rules of this deployment.

    :param kinds: which kinds of subjects are read and changed.
    :param batch_bytes: how large the body of a bulk request may be.
    """
    if batch_bytes < 1:
        raise InputError(f"batch_bytes is {batch_bytes}: it is a number of bytes, at least 1.")
    return (V5Acl if api.generation == "v5" else V4Acl)(api, kinds, batch_bytes)


def desired(api: Api, options: Mapping[str, Any]) -> Tuple[Acl, List[Policy]]:
    """Return the store that the options of ``acl`` or ``acls`` are about, and what they want there."""
    wanted = policies_from(options, api.generation)
    if api.serverless and options["state"] != "absent":
        named = {policy.key: policy for policy in wanted}
        _guards.check_quota("access rules", None, _number(named.values()), _guards.MOST_RULES)
    kinds = kinds_of(wanted, options.get("kind"))
    return store(api, kinds, options.get("batch_bytes", MEBIBYTE)), wanted


# Cached decisions


def client_from(clientid: Optional[str]) -> Optional[str]:
    """Return the client id of a module's options, or None where it isn't given.

    :raises InputError: it can't be part of a path.
    """
    return None if clientid is None else checked_name(clientid, "clientid")


def drop_cache(api: Api, clientid: Optional[str] = None) -> None:
    """Drop the cached decisions of one client, or of everybody; a client that isn't there has none."""
    v5 = api.generation == "v5"
    if clientid is not None:
        path = path_of("clients/{}/" + ("authorization/cache" if v5 else "acl_cache"), clientid)
        try:
            api.call("DELETE", path)
        except Missing:
            return
        except ApiError as error:
            if error.code != 112:  # v4's word for a client that is offline
                raise
        return
    if v5:
        api.call("DELETE", "authorization/cache")
        return
    try:
        api.call("DELETE", "acl-cache")  # EMQX 4.4 has it; the documentation of EMQX Cloud doesn't name it
    except NotOffered as error:
        if error.status != 404:
            raise
        _drop_each(api, (name for name, unused in _clients(api, clients.Filters())))


def _drop_each(api: Api, names: Iterable[str]) -> None:
    api.http.results(functools.partial(drop_cache, api), names)


def dropping(api: Api, options: Mapping[str, Any]) -> Optional[Callable[[Sequence[Policy]], None]]:
    """Return what drops the cached decisions of those whose rules have changed, if ``drop_cache`` asks for it."""
    return functools.partial(drop_caches, api) if options["drop_cache"] else None


def drop_caches(api: Api, policies: Sequence[Policy]) -> None:
    """Drop the cached decisions of the clients whose rules these are, and of no others."""
    names = {policy.name for policy in policies if policy.kind == "clientid"}
    users = {policy.name for policy in policies if policy.kind == "username"}
    if any(policy.kind == "everyone" for policy in policies):
        drop_cache(api)
        return
    # Many are looked up in the list of all clients, since those that aren't there have no decisions.
    few = len(names) + len(users) <= Store.few
    found = set(names) if few else set()
    for wanted in [clients.Filters(username=user) for user in users] if few else [clients.Filters()]:
        found.update(name for name, user in _clients(api, wanted) if name in names or user in users)
    if found & {"", ".", ".."}:  # they can't be in a path
        drop_cache(api)
        return
    _drop_each(api, sorted(found))


def _clients(api: Api, wanted: clients.Filters) -> Iterator[Tuple[str, str]]:
    """Yield the id and the user name of clients; the name is empty where there is none."""
    for row in clients.clients(api).rows(wanted, ("clientid", "username")):
        name, user = row.get("clientid"), row.get("username")
        if not isinstance(name, str):
            raise api.odd("GET", "clients", "a client has no id")
        yield name, user if isinstance(user, str) else ""
