# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials of the built-in database: who may connect, by user name or by client id."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from .._converge import WRITE_ONLY, Outcomes, Plan, Record
from .._errors import V4_MESSAGES, ApiError, EmqxError, InputError, Missing, NotReady
from .._http import doubt
from .._masking import masked
from .._times import normal
from .._urls import checked_name, is_text, path_of
from . import _guards
from ._api import AUTHENTICATOR, MEBIBYTE, PAGE, Api, Batch, Store, in_batches, one_of_kind

KINDS = ("username", "clientid")
NO_SUPERUSERS = "is_superuser needs a v5 deployment: v4 knows no superusers."


@dataclass(frozen=True)
class User(Record):
    """One credential. ``kind`` is ``username`` or ``clientid``, ``created_at`` RFC 3339 (v4 only)."""

    kind: str
    name: str
    is_superuser: Optional[bool] = None
    created_at: Optional[str] = None
    password: Optional[str] = field(default=None, repr=False, compare=False, metadata=WRITE_ONLY)

    @property
    def key(self) -> Hashable:
        return self.kind, self.name

    def differs(self, current: Any) -> bool:
        return self.is_superuser is not None and self.is_superuser != current.is_superuser

    def shown(self) -> Dict[str, Any]:
        shown = super().shown()
        del shown["kind"]
        return {self.kind: shown.pop("name", None), **shown}


def user_from(options: Mapping[str, Any], where: str = "") -> User:
    """Return the user that a module's options, or a row of a list, describe.

    A row read from a CSV file has empty strings where a column is empty: they count as not given.

    :param where: what stands before an option's name in messages, such as ``users[3].``.
    :raises InputError: it names no user or two, or what can't be a name or a password.
    """
    kinds = [kind for kind in KINDS if options.get(kind)]
    if len(kinds) != 1:
        empty = [kind for kind in KINDS if options.get(kind) == ""]
        problem = "both are given" if kinds else f"{' and '.join(empty)} is empty" if empty else "none is given"
        raise InputError(f"{where}username or {where}clientid has to name one user: {problem}.")
    kind = kinds[0]
    password = options.get("password") or None
    if password is not None and not is_text(str(password)):
        raise InputError(f"{where}password is not valid Unicode text.")
    superuser = options.get("is_superuser")
    return User.of(
        kind=kind,
        name=checked_name(options[kind], kind, where),
        password=password,
        is_superuser=superuser if superuser is None else _flag(superuser, where + "is_superuser"),
    )


def one_user_from(options: Mapping[str, Any]) -> User:
    """Return the user that the options of a module for one user describe.

    Here an empty password is no empty column: a variable has come out empty, and nothing would be set.

    :raises InputError: see :func:`user_from`, or the password is empty.
    """
    user = user_from(options)
    if options["password"] == "" and options["state"] == "present":
        raise InputError(f"password is empty for the {user.kind} {user.name!r}: leave it out if it is not to be set.")
    return user


def _flag(value: Any, where: str) -> Optional[bool]:
    """Return a boolean that may have been read from a CSV file, or None where its column is empty."""
    if value == "":
        return None
    if isinstance(value, bool):
        return value
    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if str(value).lower() not in known:
        raise InputError(f"{where} is neither true nor false.")
    return known[str(value).lower()]


def users_from(rows: Sequence[Mapping[str, Any]]) -> List[User]:
    """Return the users of a list of options; see :func:`user_from`."""
    return [user_from(row, f"users[{position}].") for position, row in enumerate(rows)]


def check_length(api: Api, wanted: Sequence[User]) -> None:
    """Refuse, before any request, a list of users that is longer than what a Serverless deployment holds.

    :raises InputError: it is.
    """
    if api.serverless:
        _guards.check_quota("users", None, len({user.key for user in wanted}), _guards.MOST_USERS)


def kinds_of(users: Iterable[User], named: Optional[Sequence[str]] = None) -> Tuple[str, ...]:
    """Return the kinds that a task touches: those it names, and those that occur among its users."""
    touched = {user.kind for user in users} | set(named or ())
    return tuple(kind for kind in KINDS if kind in touched)


def find(api: Api, options: Mapping[str, Any]) -> Iterator[User]:
    """Yield the users that the options of an info module ask for.

    :raises InputError: a filter that can't be, or that this generation lacks.
    """
    kinds = tuple(kind for kind in KINDS if options[kind] is not None)
    if not kinds:
        named = options["kind"] or ([] if api.generation == "v5" else KINDS)
        searched = store(api, tuple(kind for kind in KINDS if kind in named))
        yield from searched.find(options["like"], options["is_superuser"], options["limit"])
        return
    if api.generation == "v4" and options["is_superuser"] is not None:
        raise InputError(NO_SUPERUSERS)
    one_of_kind(options["kind"], kinds[0])
    wanted = User(kinds[0], checked_name(options[kinds[0]], kinds[0]))
    for user in store(api, kinds).current([wanted], False):
        if options["is_superuser"] in (None, user.is_superuser):
            yield user


def store(api: Api, kinds: Sequence[str], rewrite: bool = False, batch_bytes: int = MEBIBYTE) -> _Users:
    """Return the store of credentials of this deployment.

    :param kinds: which kinds are read and changed.
    :param rewrite: passwords of users that exist are written, too (``update_password: always``).
    :param batch_bytes: how large the body of a bulk request may be.
    """
    if batch_bytes < 1:
        raise InputError(f"batch_bytes is {batch_bytes}: it is a number of bytes, at least 1.")
    return (V5Users if api.generation == "v5" else V4Users)(api, kinds, rewrite, batch_bytes)


class _Users(Store[User]):
    """What both generations share."""

    many = "users"

    def __init__(self, api: Api, kinds: Sequence[str], rewrite: bool, batch_bytes: int) -> None:
        super().__init__(api)
        self.kinds = kinds
        self.rewrite = rewrite
        self.batch_bytes = batch_bytes

    def find(
        self, like: Optional[str] = None, is_superuser: Optional[bool] = None, page_size: Optional[int] = None
    ) -> Iterator[User]:
        """Yield the users whose name contains ``like`` (case-sensitive) and who are superusers or not."""
        raise TypeError(f"{type(self).__name__} can't search")

    def list(self) -> Iterator[User]:
        if not self.kinds:
            raise InputError("users is empty, so kind has to name what is purged: username, clientid or both.")
        return self.find()

    def check(self, plan: Plan[User]) -> None:
        for user in plan.delete:
            checked_name(user.name, f"a {user.kind} to delete")
        for user in plan.create:
            if user.password is None:
                raise NotReady(f"The {user.kind} {user.name!r} does not exist: it needs a password to be created.")

    def cautions(self, plan: Plan[User]) -> Iterator[str]:
        own = self.api.http.settings.user
        for user in plan.delete:
            if user.name == own:
                yield (
                    f"app_id is {own!r}, and the {user.kind} of the same name goes: MQTT clients that connect with it "
                    "are refused from then on."
                )

    def delete(self, users: Iterable[User]) -> Outcomes[User]:
        return self.one_by_one(self._delete, users)

    def _delete(self, user: User) -> None:
        raise TypeError(f"{type(self).__name__} can't delete")


class V4Users(_Users):
    """User names and client ids are two stores, ``auth_username`` and ``auth_clientid``; there are no superusers."""

    def find(
        self, like: Optional[str] = None, is_superuser: Optional[bool] = None, page_size: Optional[int] = None
    ) -> Iterator[User]:
        if is_superuser is not None:
            raise InputError(NO_SUPERUSERS)
        for kind in self.kinds:
            query = [(f"_like_{kind}", like)] if like else []
            for row in self.api.rows(f"auth_{kind}", query, page_size):
                if not isinstance(row.get(kind), str):
                    raise self.api.odd("GET", f"auth_{kind}", f"a user has no {kind}")
                yield User(kind, row[kind], created_at=normal(row.get("created_at")))

    def get(self, record: User) -> Optional[User]:
        path = path_of(f"auth_{record.kind}/{{}}", record.name)
        body = self.api.call("GET", path)
        data = body.get("data")
        if data in ({}, []):  # EMQX 4.4 says so of a user that does not exist
            return None
        if not isinstance(data, dict) or data.get(record.kind) != record.name:
            raise self.api.odd("GET", path, f"it should be about the {record.kind} {record.name!r}")
        return User(record.kind, record.name, created_at=normal(data.get("created_at")))

    def check(self, plan: Plan[User]) -> None:
        for user in [*plan.create, *(new for unused, new in plan.update)]:
            if user.is_superuser is not None:
                raise InputError(
                    f"is_superuser is given for the {user.kind} {user.name!r}, but needs a v5 deployment: "
                    "v4 knows no superusers."
                )
        super().check(plan)

    def create(self, users: Iterable[User]) -> Outcomes[User]:
        users = list(users)
        for kind in self.kinds:
            rows = [(user, {kind: user.name, "password": user.password}) for user in users if user.kind == kind]
            yield from in_batches(rows, functools.partial(self._post, kind), self.batch_bytes)

    def _post(self, kind: str, batch: Batch[User], body: bytes) -> Iterator[Tuple[User, Optional[EmqxError]]]:
        path = f"auth_{kind}"
        secrets = [row["password"] for unused, row in batch]
        if len(batch) == 1:
            self.api.call("POST", path, body=batch[0][1], secrets=secrets)
            yield batch[0][0], None
            return
        answer = self.api.call("POST", path, body=body, secrets=secrets)
        results = answer.get("data")
        results = results if isinstance(results, dict) else {}
        for user, row in batch:
            # EMQX 4.4 answers code 0 though items failed, with {"data": {"alice": "{error,existed}"}}.
            answered = isinstance(results.get(user.name), str)
            said = results[user.name] if answered else "no result"
            if said == "ok":
                yield user, None
                continue
            said = masked(said, [row["password"]])
            code = said[len("{error,"):-1] if said.startswith("{error,") else said
            message = f"The {kind} {user.name!r} was not created: {V4_MESSAGES.get(code, 'no success')} ({code})."
            message += "" if answered else doubt("POST", path)
            yield user, ApiError(message, 200, code, said, "POST", path)

    def update(self, users: Iterable[User]) -> Outcomes[User]:
        return self.one_by_one(self._put, users)

    def _put(self, user: User) -> None:
        path = path_of(f"auth_{user.kind}/{{}}", user.name)
        self.api.call("PUT", path, body={"password": user.password}, secrets=[user.password or ""])

    def _delete(self, user: User) -> None:
        self.api.call("DELETE", path_of(f"auth_{user.kind}/{{}}", user.name))


class V5Users(_Users):
    """One authenticator, which knows either user names or client ids (``user_id_type``)."""

    _kind_checked = False
    _listed = False
    _held = 0

    def fresh(self, record: User) -> User:
        return record if record.is_superuser is not None else record.changed(is_superuser=False)

    def _check_kind(self) -> None:
        """Refuse a kind that the authenticator lacks; where that can't be read, the name goes through as given."""
        if self._kind_checked:
            return
        self._kind_checked = True
        if len(self.kinds) > 1:
            raise InputError(
                "User names and client ids are mixed, but the authenticator of a v5 deployment has one kind of users."
            )
        try:
            authenticator = self.api.call("GET", AUTHENTICATOR)
        except ApiError as error:
            if error.status not in (403, 404):
                raise
            authenticator = None
        kind = authenticator.get("user_id_type") if isinstance(authenticator, dict) else None
        named = self.kinds[0] if self.kinds else kind
        if kind in KINDS and kind != named:
            raise InputError(
                f"The authenticator of this deployment knows its users by {kind}, and the task names a {named}: "
                f"use {kind}."
            )
        self.kinds = (named if named in KINDS else KINDS[0],)

    def find(
        self, like: Optional[str] = None, is_superuser: Optional[bool] = None, page_size: Optional[int] = None
    ) -> Iterator[User]:
        self._check_kind()
        query = [] if is_superuser is None else [("is_superuser", "true" if is_superuser else "false")]
        path = AUTHENTICATOR + "/users"
        try:
            search = [*query, ("like_user_id", like)] if like else query
            yield from self._users(self.api.rows(path, search, page_size))
        except ApiError as error:
            if like is None or error.status != 400 or "badarg" not in error.reason:
                raise
            # A user id that is no text breaks the search for everybody (EMQX 5.8): search here.
            found = self._users(self.api.rows(path, query, page_size and PAGE))
            yield from (user for user in found if like in str(user.name))

    def _users(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[User]:
        kind = self.kinds[0]
        for row in rows:
            name = row.get("user_id", "")  # EMQX 5.8 takes numbers and null, too
            if isinstance(name, (list, dict)):
                raise self.api.odd("GET", AUTHENTICATOR + "/users", "a user_id is no text")
            yield User.of(kind=kind, name=name, is_superuser=row.get("is_superuser") is True)

    def current(self, wanted: Sequence[User], everything: bool) -> Iterator[User]:
        if wanted:
            self._check_kind()  # here, before several threads look up
        self._listed = self.reads_all(wanted, everything)
        return super().current(wanted, everything)

    def get(self, record: User) -> Optional[User]:
        path = path_of(AUTHENTICATOR + "/users/{}", record.name)
        try:
            row = self.api.call("GET", path)
        except Missing:
            return None
        if not isinstance(row, dict) or row.get("user_id") != record.name:
            raise self.api.odd("GET", path, f"it should be about the {record.kind} {record.name!r}")
        return next(self._users([row]))

    def check(self, plan: Plan[User]) -> None:
        super().check(plan)
        for old, new in plan.update:
            if old.is_superuser == new.is_superuser:
                continue
            # EMQX 5 refuses to change the flag without a password.
            if not self.rewrite:
                raise NotReady(
                    f"is_superuser of the {new.kind} {new.name!r} can't change without setting its password: give "
                    "password and update_password: always."
                )
            if new.password is None:
                raise NotReady(f"is_superuser of the {new.kind} {new.name!r} needs its password to change: give it.")
        if self.api.serverless and plan.create:
            counted = None if self._listed else self.api.count(AUTHENTICATOR + "/users")
            self._held = plan.existing if counted is None else counted
            _guards.check_quota("users", self._held, len(plan.create) - len(plan.delete), _guards.MOST_USERS)

    def needs_room(self, plan: Plan[User]) -> bool:
        return self.api.serverless and self._held + len(plan.create) > _guards.MOST_USERS

    def create(self, users: Iterable[User]) -> Outcomes[User]:
        return self._write(list(users), self._post)

    def update(self, users: Iterable[User]) -> Outcomes[User]:
        return self._write(list(users), self._put)

    def _write(self, users: List[User], one: Any) -> Outcomes[User]:
        """Import many users in bulk; a single one has calls that say more when they fail."""
        if len(users) == 1:
            return self.one_by_one(one, users)
        return in_batches(((user, self._row(user)) for user in users), self._import, self.batch_bytes)

    @staticmethod
    def _row(user: User) -> Dict[str, Any]:
        """Return what is imported; the flag is always said, since an import without it takes it away (EMQX 5.8)."""
        return {"user_id": user.name, "password": user.password, "is_superuser": user.is_superuser}

    def _post(self, user: User) -> None:
        body = self._row(user)
        self.api.call("POST", AUTHENTICATOR + "/users", body=body, secrets=[body["password"]])

    def _put(self, user: User) -> None:
        body = self._row(user)
        path = path_of(AUTHENTICATOR + "/users/{}", body.pop("user_id"))
        self.api.call("PUT", path, body=body, secrets=[body["password"]])

    def _import(self, batch: Batch[User], body: bytes) -> Iterator[Tuple[User, Optional[EmqxError]]]:
        path = AUTHENTICATOR + "/import_users"
        users = [user for user, unused in batch]
        answer = self.api.call("POST", path, [("type", "plain")], body, [user.password or "" for user in users])
        # EMQX 5.8 answers counts, some 5.x nothing at all.
        failed = answer.get("failed", 0) if isinstance(answer, dict) else 0
        if not failed:
            yield from ((user, None) for user in users)
            return
        suspects = self._suspects(users, failed)
        reason = f"{failed} of {len(users)} users of the import failed"
        for user in users:
            if user.key in suspects:
                message = f"The {user.kind} {user.name!r} was not imported: {reason}."
                yield user, ApiError(message, 200, None, reason, "POST", path)
            else:
                yield user, None

    def _suspects(self, users: List[User], failed: Any) -> Set[Hashable]:
        """Return the keys of the users that an import lost: the broker says how many, not which.

        Those that a listing doesn't show, or all where it shows too many: a password that wasn't changed can't be seen.
        """
        keys = {user.key for user in users}
        lost = keys - {user.key for user in self.list()}
        return lost if isinstance(failed, int) and len(lost) >= failed else keys

    def _delete(self, user: User) -> None:
        with contextlib.suppress(Missing):  # it went by itself meanwhile
            self.api.call("DELETE", path_of(AUTHENTICATOR + "/users/{}", user.name))
