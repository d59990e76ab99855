# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shadow service of v4 on EMQX Cloud: JSON documents that devices and applications share.

No answer of the service was recorded; all of this follows EMQX Cloud's documentation.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

from .._converge import WRITE_ONLY, Outcomes, Plan, Record
from .._errors import ApiError, EmqxError, InputError
from .._json import checked_text
from .._times import normal
from .._urls import checked_name, path_of
from ._api import Api, Store
from ._config import mentioned

Document = Mapping[str, Any]

PAGE = 100
"""Rows a page; what the service takes at the most is not documented."""


@dataclass(frozen=True)
class Shadow(Record):
    """A shadow model.

    :ivar document: its JSON object; of a desired shadow, what is to be in it.
    :ivar renamed: its name or description is to be sent.
    :ivar patches: what the document that is ``held`` is to be merged with, one after the other.
    """

    shadow_id: str
    name: Optional[str] = None
    description: Optional[str] = None
    document: Optional[Document] = None
    created_at: Optional[str] = field(default=None, metadata=WRITE_ONLY)
    updated_at: Optional[str] = field(default=None, metadata=WRITE_ONLY)
    renamed: bool = field(default=False, metadata=WRITE_ONLY)
    patches: Tuple[Document, ...] = field(default=(), metadata=WRITE_ONLY)
    held: Document = field(default_factory=dict, metadata=WRITE_ONLY)

    @property
    def key(self) -> str:
        return self.shadow_id

    def differs(self, current: Any) -> bool:
        return self._is_renamed(current) or bool(next_patch(current.document or {}, self.document or {}))

    def _is_renamed(self, current: Shadow) -> bool:
        return self.name not in (None, current.name) or self.description not in (None, current.description)

    def completed(self, current: Any) -> Shadow:
        held = current.document or {}
        steps = tuple(patches(held, self.document or {}))
        document = functools.reduce(patched, steps, held)
        whole = dataclasses.replace(super().completed(current), document=document)
        return dataclasses.replace(whole, renamed=self._is_renamed(current), patches=steps, held=held)


def next_patch(held: Document, wanted: Document) -> Dict[str, Any]:
    """Return the most that one PATCH can do to bring ``wanted`` into a document; nothing if all of it is there.

    Only what differs is in it, so that what a device changes meanwhile stays. An object that is not there yet comes
    empty: the service refuses to add one together with what is in it.
    """
    patch: Dict[str, Any] = {}
    for name, value in wanted.items():
        there = held.get(name)
        if isinstance(value, Mapping) and isinstance(there, Mapping):
            inner = next_patch(there, value)
            patch.update({name: inner} if inner else {})
        elif isinstance(value, Mapping):
            patch[name] = {}
        elif name not in held or not _same(there, value):
            patch[name] = value
    return patch


def patches(held: Document, wanted: Document) -> Iterator[Document]:
    """Yield the bodies of the PATCHes that bring ``wanted`` into a document, one a level that is new."""
    while True:
        patch = next_patch(held, wanted)
        if not patch:
            return
        yield patch
        held = patched(held, patch)


def patched(held: Any, patch: Any) -> Any:
    """Return a document after a PATCH: objects are merged deeply, anything else is replaced."""
    if not isinstance(held, Mapping) or not isinstance(patch, Mapping):
        return patch
    return {**held, **{name: patched(held.get(name), value) for name, value in patch.items()}}


def _same(one: Any, other: Any) -> bool:
    """Say whether two JSON values are the same; to Python, ``True`` is 1 as well."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def shadow_from(options: Mapping[str, Any]) -> Shadow:
    """Return the shadow that a module's options describe.

    :raises InputError: it can't have this id or name.
    """
    shadow_id, name = checked_name(options["shadow_id"], "shadow_id"), options["name"]
    if name is not None and not re.fullmatch(r"[A-Za-z0-9_.-]{3,50}", name):
        raise InputError(f"name is {name!r}: it has 3 to 50 letters, digits, '-', '_' and '.'.")
    description, document = (checked_text(options[option], option) for option in ("description", "document"))
    return Shadow(shadow_id, name, description, None if document is None else mentioned(document))


class Shadows(Store[Shadow]):
    """The shadows of a deployment, each with its document where that is read."""

    many = "shadows"

    def list(self, limit: Optional[int] = None) -> Iterator[Shadow]:
        """Yield all shadows without their documents; ``limit`` is how many are wanted."""
        try:
            for row in self.api.rows("shadows", page_size=min(limit or PAGE, PAGE)):
                yield self._record(row, "shadows")
        except ApiError as error:
            raise self._no_service(error) from None

    def get(self, record: Shadow) -> Optional[Shadow]:
        path = path_of("shadows/{}", record.shadow_id)
        try:
            row = self.api.call("GET", path)
        except ApiError as error:
            if error.status != 404:
                raise
            self._look_for_service()
            return None
        if row == {}:  # v4 says so of most things that are not there
            return None
        found = self._record(row, path)
        if found.shadow_id != record.shadow_id:
            raise self.api.odd("GET", path, f"it should be about the shadow {record.shadow_id!r}")
        return self.with_document(found)

    def _look_for_service(self) -> None:
        """Tell a shadow that is not there from a service that is not there: both are a 404."""
        try:
            self.api.call("GET", "shadows", [("_page", 1), ("_limit", 1)])
        except ApiError as error:
            raise self._no_service(error) from None

    @staticmethod
    def _no_service(error: ApiError) -> EmqxError:
        if error.status != 404:
            return error
        return InputError(
            "This deployment has no shadow service: EMQX Cloud has it for v4 deployments, and its console enables it."
        )

    def _record(self, row: Any, path: str) -> Shadow:
        row = row if isinstance(row, dict) else {}
        shadow_id, name, description = row.get("shadowID"), row.get("shadowName"), row.get("description")
        if not isinstance(shadow_id, str):
            raise self.api.odd("GET", path, "a shadow has no shadowID")
        created, updated = (_time(row.get(each)) for each in ("createdAt", "updatedAt"))
        return Shadow(shadow_id, name, description or "", created_at=created, updated_at=updated)

    def with_document(self, shadow: Shadow) -> Shadow:
        """Return a shadow with its document, which is read."""
        path = path_of("shadows/{}/json", shadow.shadow_id)
        body = self.api.call("GET", path)
        data = body.get("data") if isinstance(body, dict) else None
        if not isinstance(data, dict):
            raise self.api.odd("GET", path, "data should be an object")
        return dataclasses.replace(shadow, document=data)

    def fresh(self, record: Shadow) -> Shadow:
        name = record.shadow_id if record.name is None else record.name
        return dataclasses.replace(
            record, name=name, description=record.description or "", document=record.document or {}
        )

    def check(self, plan: Plan[Shadow]) -> None:
        for shadow in plan.create:
            if not re.fullmatch(r"[A-Za-z0-9_-]{8,64}", shadow.shadow_id):
                raise InputError(f"shadow_id is {shadow.shadow_id!r}: it has 8 to 64 letters, digits, '-' and '_'.")
            if len(shadow.name or "") > 50:
                raise InputError("name has to be given: a shadow_id of more than 50 characters can't be the name.")

    def create(self, shadows: Iterable[Shadow]) -> Outcomes[Shadow]:
        for shadow in shadows:
            body = {"shadowID": shadow.shadow_id, **self._properties(shadow)}
            bare = dataclasses.replace(shadow, document={})
            post = functools.partial(self.api.call, "POST", "shadows", body=body)
            steps: List[Tuple[Shadow, Callable[[], Any]]] = [(bare, post)]
            if shadow.document:
                steps.append((shadow, self._document_call("PUT", shadow, shadow.document)))
            yield from self.step_by_step(steps)

    def update(self, shadows: Iterable[Shadow]) -> Outcomes[Shadow]:
        for shadow in shadows:
            steps: List[Tuple[Shadow, Callable[[], Any]]] = []
            document = shadow.held
            if shadow.renamed:
                path = path_of("shadows/{}", shadow.shadow_id)
                call = functools.partial(self.api.call, "PUT", path, body=self._properties(shadow))
                steps.append((dataclasses.replace(shadow, document=document), call))
            for patch in shadow.patches:
                document = patched(document, patch)
                steps.append(
                    (dataclasses.replace(shadow, document=document), self._document_call("PATCH", shadow, patch))
                )
            yield from self.step_by_step(steps)

    @staticmethod
    def _properties(shadow: Shadow) -> Dict[str, Any]:
        return {"shadowName": shadow.name, "description": shadow.description}

    def _document_call(self, method: str, shadow: Shadow, body: Document) -> Callable[[], Any]:
        return functools.partial(self.api.call, method, path_of("shadows/{}/json", shadow.shadow_id), body=body)

    def delete(self, shadows: Iterable[Shadow]) -> Outcomes[Shadow]:
        return self.one_by_one(lambda each: self.api.call("DELETE", path_of("shadows/{}", each.shadow_id)), shadows)


def _time(value: Any) -> Any:
    """Return a time as RFC 3339: the service says it in UTC, without seconds (``2022-06-10 03:20``)."""
    minute = isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", value)
    return normal(f"{value}:00" if minute else value)


def find(api: Api, shadow_id: Optional[str], limit: Optional[int], with_document: bool) -> Iterator[Dict[str, Any]]:
    """Yield the shadows that the options of an info module ask for, as users see them."""
    store = shadows(api)
    if shadow_id is not None:
        found = store.get(Shadow(checked_name(shadow_id, "shadow_id")))
        rows = [] if found is None else [found]
    else:
        rows = list(itertools.islice(store.list(limit), limit))
        if with_document:
            rows = _with_documents(store, rows)
    for shadow in rows:
        times = {"created_at": shadow.created_at, "updated_at": shadow.updated_at}
        shown = {**shadow.shown(), **{name: value for name, value in times.items() if value is not None}}
        yield {name: value for name, value in shown.items() if with_document or name != "document"}


def _with_documents(store: Shadows, rows: List[Shadow]) -> List[Shadow]:
    """Return the shadows with their documents, in their order; the API has no bulk call for it."""
    return store.api.http.results(store.with_document, rows)


def shadows(api: Api) -> Shadows:
    """Return the shadows of this deployment.

    :raises InputError: it is a v5 deployment.
    """
    api.needs("v4", "A shadow", "v5 has no shadow service; a retained message is what comes closest")
    return Shadows(api)
