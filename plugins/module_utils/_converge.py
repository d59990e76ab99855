# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Desired records and current records become a plan; a plan is shown, or applied to a store.

Nothing here knows HTTP, Ansible or EMQX. A plan is data: check mode, diff, ``changed`` and the counts of a result all
come from the same object, and none can disagree with what happens.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Generic, Iterable, Iterator, List, Optional, Set, Tuple, Type, TypeVar

from ._errors import EmqxError, InputError, NotAttempted, Unanswered

R = TypeVar("R", bound="Record")

Outcomes = Iterator[Tuple[R, Optional[EmqxError]]]
"""What a store yields while it changes something: each record with None or why it failed.

A record comes once, or where only a part of a change was made, as what was reached and as what failed.
"""


WRITE_ONLY: Dict[str, Any] = {"write_only": True}
"""The metadata of a field that is sent and never compared, shown or returned: a password."""


@dataclass(frozen=True)
class Record:
    """One thing in a store: a frozen dataclass with a key, compared fields and write-only fields.

    A field of a desired record that is None was not mentioned: it is not compared and keeps its current value.
    """

    @property
    def key(self) -> Hashable:
        """What tells this record from all others of its store."""
        raise TypeError(f"{type(self).__name__} defines no key")

    @classmethod
    def compared(cls) -> Tuple[str, ...]:
        """Return the names of the fields that are not write-only."""
        kind: Any = cls
        return _fields_of(kind, False)

    @classmethod
    def written(cls) -> Tuple[str, ...]:
        """Return the names of the write-only fields."""
        kind: Any = cls
        return _fields_of(kind, True)

    def shown(self) -> Dict[str, Any]:
        """Return the record as users see it, without write-only and unknown fields."""
        return {name: getattr(self, name) for name in self.compared() if getattr(self, name) is not None}

    def differs(self, current: Record) -> bool:
        """Say whether ``current`` would have to change to be as this (desired) record says."""
        for name in self.compared():
            value = getattr(self, name)
            if value is not None and value != getattr(current, name):
                return True
        return False

    def completed(self: R, current: Record) -> R:
        """Return this (desired) record with what it doesn't mention taken from ``current``.

        A kind of record that may come out empty returns None then: it is deleted.
        """
        kept = {name: getattr(current, name) for name in self.compared() if getattr(self, name) is None}
        return self.changed(**kept) if kept else self

    @classmethod
    def of(cls: Type[R], **fields: Any) -> R:
        """Return a record with these fields, where there are many: the constructor takes three times as long."""
        record = object.__new__(cls)
        record.__dict__.update(fields)
        return record

    def changed(self: R, **fields: Any) -> R:
        """Return this record with other values in some fields; ``dataclasses.replace`` takes five times as long."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, **fields)
        return other

    def without(self: R, current: R) -> Optional[R]:
        """Return what is left of ``current`` without this (unwanted) record: ``current`` itself, less, or None."""
        return None

    def carries_secret(self) -> bool:
        """Say whether a write-only field is set."""
        return any(getattr(self, name) is not None for name in self.written())


@functools.lru_cache(maxsize=None)
def _fields_of(kind: Any, write_only: bool) -> Tuple[str, ...]:
    fields = dataclasses.fields(kind)
    return tuple(each.name for each in fields if bool(each.metadata.get("write_only")) == write_only)


@dataclass
class Plan(Generic[R]):
    """What has to happen, or what has happened: ``update`` holds pairs of before and after."""

    create: List[R] = field(default_factory=list)
    update: List[Tuple[R, R]] = field(default_factory=list)
    delete: List[R] = field(default_factory=list)
    unchanged: int = 0
    existing: int = 0
    """How many records the store was seen to hold."""
    kept: List[R] = field(default_factory=list)
    """The records that are right already, where they were asked for."""

    def after(self) -> List[R]:
        """Return the records that are there afterwards, as far as they were kept, in the order of their keys."""
        records = [*self.kept, *self.create, *(new for unused, new in self.update)]
        return sorted(records, key=lambda record: str(record.key))

    @property
    def changed(self) -> bool:
        return bool(self.create or self.update or self.delete)

    @property
    def counts(self) -> Dict[str, int]:
        """The numbers of a result: ``created``, ``updated``, ``deleted`` and ``unchanged``."""
        return {
            "created": len(self.create),
            "updated": len(self.update),
            "deleted": len(self.delete),
            "unchanged": self.unchanged,
        }

    def diff(self, name: str, limit: int) -> Dict[str, Any]:
        """Return ``before`` and ``after``, each a list of at most ``limit`` changed records under ``name``."""
        before = [pair[0] for pair in self.update] + self.delete
        after = self.create + [pair[1] for pair in self.update]
        return {"before": _listed(name, before, limit), "after": _listed(name, after, limit)}


def _listed(name: str, records: List[Any], limit: int) -> Dict[str, Any]:
    records = sorted(records, key=lambda record: str(record.key))
    listed: Dict[str, Any] = {name: [record.shown() for record in records[:limit]]}
    if len(records) > limit:
        listed["left_out"] = len(records) - limit
    return listed


@dataclass(frozen=True)
class Failure(Generic[R]):
    """A change that was planned and did not happen; ``action`` is ``create``, ``update`` or ``delete``."""

    action: str
    record: R
    error: EmqxError


def unique(records: Iterable[R], option: str) -> List[R]:
    """Return the records without repetitions.

    :raises InputError: two have the same key and differ, so that it can't be told which is meant.
    """
    seen: Dict[Hashable, R] = {}
    for record in records:
        other = seen.setdefault(record.key, record)
        if other is not record and dataclasses.asdict(other) != dataclasses.asdict(record):
            raise InputError(f"{option} names {name_of(record)} twice with different values: give it once.")
    return list(seen.values())


def name_of(record: Record) -> str:
    """Return what a record is called in a sentence."""
    key = record.key
    return " ".join(str(part) for part in key) if isinstance(key, tuple) else repr(key)


def make_plan(
    current: Iterable[R],
    desired: Iterable[R],
    *,
    absent: bool = False,
    purge: bool = False,
    rewrite: bool = False,
    keep: bool = False,
    fresh: Callable[[R], Optional[R]] = lambda record: record,
) -> Plan[R]:
    """Compare what is with what should be.

    :param current: read once, so that it may be a generator over pages; only what the plan needs is kept.
    :param desired: with unique keys, see :func:`unique`.
    :param absent: the desired records should not be there.
    :param purge: every record that is not desired should not be there.
    :param rewrite: write-only fields are written to records that exist, too; since they can't be read, that is
        always a change.
    :param keep: also remember the records that stay as they are.
    :param fresh: gives what a record is once it is created, with defaults filled in; None if it isn't created.
    """
    plan: Plan[R] = Plan()
    wanted = {record.key: record for record in desired}
    found: Set[Hashable] = set()  # pages are no snapshot: a record that shifts while they are read comes twice
    for record in current:
        key = record.key
        if key in found:
            continue
        target = wanted.get(key)
        plan.existing += 1
        if target is not None or purge:
            found.add(key)
        after: Optional[R] = record
        if target is None:
            after = None if purge else record
        elif absent:
            after = target.without(record)
        elif target.differs(record) or (rewrite and target.carries_secret()):
            after = target.completed(record)
        if after is None:
            plan.delete.append(record)
        elif after is not record:
            plan.update.append((record, after))
        else:
            plan.unchanged += target is not None
            plan.kept.extend([record] if keep else [])
    missing = [record for key, record in wanted.items() if key not in found]
    created = [] if absent else [record for record in map(fresh, missing) if record is not None]
    plan.create.extend(created)
    plan.unchanged += len(missing) - len(created)
    return plan


class Ended(BaseException):
    """Something ended the work while a plan was carried out: a time limit of Ansible's, say, which is its cause.

    :ivar done: what was done until then, as a plan.
    :ivar failures: what was not, or is not known to be.
    """

    def __init__(self, done: Plan[Any], failures: List[Failure[Any]]) -> None:
        super().__init__("ended while changes were made")
        self.done = done
        self.failures = failures


def apply(plan: Plan[R], store: Any) -> Tuple[Plan[R], List[Failure[R]]]:
    """Carry a plan out: create and update before delete, so that a rename is never a gap, unless the store says else.

    :param store: has ``create``, ``update`` and ``delete``, each taking records and yielding :data:`Outcomes`, and
        ``steps``, their order.
    :returns: what was done, as a plan, and what was not. After an error that is fatal the rest is not attempted.
    :raises Ended: something else than an error ended it.
    """
    done: Plan[R] = Plan(unchanged=plan.unchanged, existing=plan.existing, kept=plan.kept)
    failures: List[Failure[R]] = []
    before = {new.key: old for old, new in plan.update}
    steps = store.steps(plan)
    settled: Set[Tuple[str, Hashable]] = set()

    def unsettled(error: EmqxError) -> List[Failure[R]]:
        if len(settled) == sum(len(records) for unused, records in steps):
            return []
        return [
            Failure(action, record, error)
            for action, records in steps for record in records if (action, record.key) not in settled
        ]

    try:
        for action, records in steps:
            if any(failure.error.fatal for failure in failures):
                break
            made: Any = getattr(done, action)
            for record, error in getattr(store, action)(records) if records else ():
                settled.add((action, record.key))
                if error is not None:
                    failures.append(Failure(action, record, error))
                else:
                    made.append((before[record.key], record) if action == "update" else record)
    except Exception:
        raise
    except BaseException as cause:
        raise Ended(done, [*failures, *unsettled(Unanswered())]) from cause
    failures.extend(unsettled(NotAttempted()))
    return done, failures
