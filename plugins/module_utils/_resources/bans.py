# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bans: who is kept out, by client id, user name or address, and on v5 also by network and regular expression."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Hashable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from .._addresses import checked_address, checked_network
from .._converge import Outcomes, Plan, Record
from .._errors import ApiError, EmqxError, InputError, Missing, TransportError
from .._times import duration, future, normal, parse, rfc3339
from .._urls import checked_name, is_text, path_of
from . import _guards
from ._api import Api, Query, Store, one_of_kind

V4_KINDS = ("clientid", "username", "peerhost")
KINDS = (*V4_KINDS, "peerhost_net", "clientid_re", "username_re")
ADDRESSED = {"peerhost": checked_address, "peerhost_net": checked_network}
NEVER = "never"
BY = "ansible"
"""Who made a new ban, where the task doesn't say."""

LAST_SECOND = 253402300799
"""The end of the year 9999 in epoch seconds: v4 has no word for never, and ends a ban after 5 minutes by itself."""


@dataclass(frozen=True)
class Ban(Record):
    """One ban. ``until`` and ``at`` are RFC 3339 in UTC, ``until`` may be :data:`NEVER`.

    :ivar at: when it was made; it makes no difference by itself.
    :ivar seconds: of a desired ban, how long after ``at`` it ends where that was said as a duration.
    """

    kind: str
    who: str
    reason: Optional[str] = None
    by: Optional[str] = None
    until: Optional[str] = None
    at: Optional[str] = None
    seconds: Optional[int] = None

    @property
    def key(self) -> Hashable:
        return self.kind, self.who

    @classmethod
    def compared(cls) -> Tuple[str, ...]:
        return "kind", "who", "reason", "by", "until"

    def shown(self) -> Dict[str, Any]:
        shown = super().shown()
        del shown["kind"]
        return {self.kind: shown.pop("who"), **shown}

    def whole(self) -> Dict[str, Any]:
        """Return it with when it was made, which no task compares."""
        return {**self.shown(), "at": self.at}

    def differs(self, current: Any) -> bool:
        return Record.differs(self._settled(current), current)

    def completed(self, current: Any) -> Ban:
        """Keep what isn't mentioned, and when the ban was made unless it is made anew for some time from now."""
        ban = Record.completed(self._settled(current), current)
        return replace(ban, at=ban.at or current.at)

    def _settled(self, current: Ban) -> Ban:
        """Return this ban without its end if ``current`` was made for the same duration, whatever is left of it."""
        if self.seconds is None or self.seconds != current.lasted():
            return self
        return replace(self, until=None, at=None, seconds=None)

    def lasted(self) -> Optional[int]:
        """Return for how many seconds the ban was made, or None where that can't be told."""
        end, start = _epoch(self.until), _epoch(self.at)
        return None if end is None or start is None else end - start

    def ended(self, now: datetime) -> bool:
        """Say whether the ban no longer counts; brokers list such bans for up to a minute."""
        end = _epoch(self.until)
        return end is not None and end <= now.timestamp()


def _epoch(moment: Any) -> Optional[int]:
    """Return RFC 3339 as whole epoch seconds, or None where it is something else."""
    try:
        return int(parse(moment).timestamp()) if isinstance(moment, str) else None
    except (ValueError, OverflowError):
        return None


def bans_from(options: Mapping[str, Any], generation: str) -> List[Ban]:
    """Return the bans that ``entries``, or one of them given directly, describe.

    :raises InputError: one names nobody, or what a broker would take for somebody else or can't lift again.
    """
    now = datetime.now(timezone.utc).replace(microsecond=0)
    if options["entries"] is None:
        return [_ban_from(options, "", generation, now)]
    return [
        _ban_from(entry, f"entries[{position}].", generation, now) for position, entry in enumerate(options["entries"])
    ]


def _ban_from(options: Mapping[str, Any], where: str, generation: str, now: datetime) -> Ban:
    given = [kind for kind in KINDS if options[kind] not in (None, "")]
    if len(given) != 1:
        empty = [kind for kind in KINDS if options[kind] == ""]
        problem = " and ".join(given) + " are given" if given else f"{' and '.join(empty)} is empty" if empty else ""
        who = f"{where}clientid, {where}username or another kind" if where else "clientid, username or another kind"
        raise InputError(f"{who} has to say who is banned: {problem or 'none is given'}.")
    kind = given[0]
    _check_kind(kind, where + kind, generation)
    ban = Ban(kind, _who(kind, options[kind], where + kind), options["reason"], options["by"])
    for name in ("reason", "by"):
        if not is_text(str(options[name])):
            raise InputError(f"{where}{name} is not valid Unicode text.")
    end = options["until"]
    if end is None:
        return ban
    if end.strip() == NEVER:
        return replace(ban, until=NEVER)
    moment = future(where + "until", end, now)
    span = duration(end)
    ban = replace(ban, until=NEVER if moment.timestamp() >= LAST_SECOND else rfc3339(moment))
    return ban if span is None else replace(ban, at=rfc3339(now), seconds=int(span.total_seconds()))


def _check_kind(kind: str, option: str, generation: str) -> None:
    if generation == "v4" and kind not in V4_KINDS:
        raise InputError(f"{option} needs a v5 deployment: v4 bans by clientid, username and peerhost only.")


def _who(kind: str, value: str, option: str) -> str:
    """Return who is banned as brokers list it."""
    checked_name(value, option)
    return ADDRESSED[kind](value, option) if kind in ADDRESSED else value


def kinds_of(bans: Iterable[Ban], named: Optional[Sequence[str]], generation: str) -> Set[str]:
    """Return the kinds that a task touches: those it names in ``kind``, and those that occur among its bans.

    :raises InputError: this generation lacks a kind that is named.
    """
    for kind in named or ():
        _check_kind(kind, f"kind {kind}", generation)
    return {ban.kind for ban in bans} | set(named or ())


def find(api: Api, options: Mapping[str, Any]) -> Iterator[Ban]:
    """Yield the bans in force that the options of an info module ask for.

    :raises InputError: a filter that can't be, or that this generation lacks.
    """
    exact = next((kind for kind in V4_KINDS if options[kind] is not None), None)
    named, like = options["kind"], options["like"]
    kinds = kinds_of((), named, api.generation) or set(KINDS)
    who = _who(exact, options[exact], exact) if exact else None
    if exact:
        one_of_kind(named, exact)
        kinds = {exact}
    store = bans(api, kinds)
    for ban in store.read(store.query(exact, who, like), options["limit"]):
        if ban.kind in kinds and who in (None, ban.who) and (like is None or like in ban.who):
            yield ban


class Bans(Store[Ban]):
    """The bans in force, of the kinds that a task touches."""

    many = "banned"

    def __init__(self, api: Api, kinds: Iterable[str] = KINDS) -> None:
        super().__init__(api)
        self.kinds = frozenset(kinds)

    def query(self, exact: Optional[str], who: Optional[str], like: Optional[str]) -> Query:
        """Return the filter that the broker has for this; what it lacks is filtered here."""
        return []

    def read(self, query: Query = (), page_size: Optional[int] = None) -> Iterator[Ban]:
        """Yield the bans in force; those whose end has passed don't count."""
        now = datetime.now(timezone.utc)
        for row in self.api.rows("banned", query, page_size):
            ban = self._record(row)
            if not ban.ended(now):
                yield ban

    def list(self) -> Iterator[Ban]:
        if not self.kinds:
            raise InputError(f"entries is empty, so kind has to name what is purged: {', '.join(KINDS)}.")
        return (ban for ban in self.read() if ban.kind in self.kinds)

    def current(self, wanted: Sequence[Ban], everything: bool) -> Iterator[Ban]:
        keys = {ban.key for ban in wanted}
        found = self.list() if everything else self._lookup(wanted)
        return (ban for ban in found if everything or ban.key in keys)

    def _lookup(self, wanted: Sequence[Ban]) -> Iterator[Ban]:
        return self.list() if wanted else iter(())

    def _record(self, row: Mapping[str, Any]) -> Ban:
        kind, who = row.get("as"), row.get("who")
        if not isinstance(kind, str) or not isinstance(who, str):
            raise self.api.odd("GET", "banned", "a ban says nothing of whom it keeps out")
        if kind in ADDRESSED:
            with contextlib.suppress(InputError):  # as the broker spells it, then
                who = ADDRESSED[kind](who, kind)
        return Ban(kind, who, row.get("reason"), row.get("by"), self._end(row.get("until")), self._time(row.get("at")))

    def _end(self, value: Any) -> Any:
        """Return the end of a ban from the API as RFC 3339, or :data:`NEVER`."""
        raise TypeError(f"{type(self).__name__} can't read times")

    @staticmethod
    def _time(value: Any) -> Any:
        """Return a time from the API as RFC 3339, or the value itself where it is no time."""
        return normal(value)

    def fresh(self, record: Ban) -> Optional[Ban]:
        # A short one may be over once its list was read.
        return None if record.ended(datetime.now(timezone.utc)) else self._whole(record)

    @staticmethod
    def _whole(ban: Ban) -> Ban:
        return Record.completed(ban, Ban(ban.kind, ban.who, "", BY, NEVER))

    def check(self, plan: Plan[Ban]) -> None:
        for ban in plan.delete:
            checked_name(ban.who, f"a {ban.kind} to lift the ban of")

    def cautions(self, plan: Plan[Ban]) -> Iterator[str]:
        settings = self.api.http.settings
        addressed = any(ban.kind in ADDRESSED for ban in plan.create)
        address = _guards.own_address(settings.url) if addressed else None
        for ban in plan.create:
            if ban.kind in ADDRESSED:
                if address is not None and _guards.covers(ban.who, address):
                    yield (
                        f"The ban of the {ban.kind} {ban.who!r} covers {address}, from which this task reaches "
                        "api_url: MQTT clients at this address are refused from then on."
                    )
            elif ban.who == settings.user or (ban.kind.endswith("_re") and _guards.matches(ban.who, settings.user)):
                yield (
                    f"app_id is {settings.user!r}, which the ban of the {ban.kind} {ban.who!r} matches: MQTT clients "
                    "that connect with this name are refused from then on."
                )

    def create(self, wanted: Iterable[Ban]) -> Outcomes[Ban]:
        return self.one_by_one(self._post, wanted)

    def delete(self, unwanted: Iterable[Ban]) -> Outcomes[Ban]:
        # One by one also where all go: the one call that lifts all would lift what was made meanwhile, too.
        return self.one_by_one(self._lift, unwanted)

    def _post(self, ban: Ban) -> None:
        ban = self._whole(ban)
        body = {"as": ban.kind, "who": ban.who, "reason": ban.reason, "by": ban.by, "until": self._sent(ban.until)}
        if _epoch(ban.at) is not None:
            body["at"] = self._sent(ban.at)
        self.api.call("POST", "banned", body=body)

    def _sent(self, moment: Optional[str]) -> Any:
        """Return a time as this generation takes it."""
        raise TypeError(f"{type(self).__name__} can't write times")

    def _lift(self, ban: Ban) -> None:
        with contextlib.suppress(Missing):  # it has ended, or went by itself meanwhile
            self.api.call("DELETE", path_of("banned/{}/{}", ban.kind, ban.who))


class V4Bans(Bans):
    """Posting replaces. Times are epoch seconds, and are stored as sent, whatever that is."""

    def _end(self, value: Any) -> Any:
        # EMQX 4.4 compares the end with a number, and Erlang takes whatever is none for more than any number.
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value >= LAST_SECOND:
            return NEVER
        return self._time(max(value, 0))

    @staticmethod
    def _time(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < LAST_SECOND:
            return value
        return rfc3339(datetime.fromtimestamp(int(value), timezone.utc))

    def update(self, wanted: Iterable[Ban]) -> Outcomes[Ban]:
        return self.create(wanted)

    def _sent(self, moment: Optional[str]) -> Any:
        return LAST_SECOND if moment == NEVER else _epoch(moment)


class V5Bans(Bans):
    """A ban that exists can't be changed: it is lifted and made again."""

    def __init__(self, api: Api, kinds: Iterable[str] = KINDS) -> None:
        super().__init__(api, kinds)
        self._known: Dict[Hashable, Ban] = {}

    def query(self, exact: Optional[str], who: Optional[str], like: Optional[str]) -> Query:
        if exact is not None:
            return [(exact, who)]
        kind = next(iter(self.kinds), "")
        if like and len(self.kinds) == 1 and not kind.endswith("_re"):
            # EMQX 5.8 takes it for a regular expression.
            return [("like_" + kind, re.sub(r"([\\^$.|?*+()\[\]{}])", r"\\\1", like))]
        return []

    def _lookup(self, wanted: Sequence[Ban]) -> Iterator[Ban]:
        if len(wanted) > self.few or any(ban.kind not in V4_KINDS for ban in wanted):
            yield from self.list()
            return
        for found in self.api.http.results(lambda ban: list(self.read([(ban.kind, ban.who)])), wanted):
            yield from found

    def _record(self, row: Mapping[str, Any]) -> Ban:
        ban = super()._record(row)
        self._known[ban.key] = ban
        return ban

    def _end(self, value: Any) -> Any:
        return NEVER if value == "infinity" else normal(value)

    def update(self, wanted: Iterable[Ban]) -> Outcomes[Ban]:
        return self.one_by_one(self._replace, wanted)

    def _replace(self, ban: Ban) -> None:
        self._lift(ban)
        try:
            self._post(ban)
        except EmqxError as error:
            error.args = (f"{error} {self._put_back(self._known[ban.key])}",)
            raise

    def _put_back(self, old: Ban) -> str:
        """Try to make the ban again that was lifted to be changed; return a sentence that tells how that went."""
        lifted = f"The ban of the {old.kind} {old.who!r} was lifted to be changed, and"
        try:
            self._post(old)
        except TransportError:
            return f"{lifted} it can't be told whether it is in force now."
        except ApiError as error:
            return f"{lifted} {'another is' if error.code == 'ALREADY_EXISTS' else 'is not'} in force now."
        return f"The ban of the {old.kind} {old.who!r} is in force as it was before."

    def _sent(self, moment: Optional[str]) -> Any:
        return "infinity" if moment == NEVER else moment


def bans(api: Api, kinds: Iterable[str] = KINDS) -> Bans:
    """Return the bans of this deployment, of the kinds that a task reads and changes."""
    return (V5Bans if api.generation == "v5" else V4Bans)(api, kinds)
