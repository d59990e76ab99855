# SPDX-FileCopyrightText: Contributors to the emqx.cloud collection
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any call of either API, as a user describes it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import quote, unquote

from .._errors import ApiError, InputError
from .._http import NO_JSON, Answer
from .._urls import checked_path
from ._api import Api


@dataclass(frozen=True)
class Call:
    """One call; ``secrets`` are the texts in the body that must not be repeated in an error."""

    method: str
    path: str
    query: Sequence[Tuple[str, Any]] = ()
    body: Any = field(default=None, repr=False)
    secrets: Sequence[str] = field(default=(), repr=False)
    expected: Optional[Sequence[int]] = None


def call_from(options: Mapping[str, Any]) -> Call:
    """Return the call that the options of the module ``api`` describe.

    :raises InputError: the path could address something else than it says, or options don't go together.
    """
    path, method, body, secret = (options[name] for name in ("path", "method", "body", "secret_body"))
    segments = (path[1:] if path.startswith("/") else path).split("/")
    if "?" in path or "#" in path or "://" in path:
        raise InputError(f"path is {path!r}: it is the path below the base URL; parameters go into query_parameters.")
    if any(unquote(segment) in ("", ".", "..") for segment in segments):
        raise InputError(f"path is {path!r}: empty segments, '.' and '..' would address something else.")
    if options["paginate"]:
        _check_paginate(options)
    if secret is not None:
        if body is not None and not isinstance(body, dict):
            raise InputError("secret_body can only be merged over a body that is a dictionary.")
        body = _merged(body or {}, secret)
    try:
        encoded = checked_path("/".join(quote(segment, safe="%$:@!&'()*+,;=~") for segment in segments))
    except UnicodeEncodeError:
        raise InputError(f"path is {path!r}, which is not valid Unicode text.") from None
    return Call(
        method,
        encoded,
        _pairs(options["query_parameters"]),
        body,
        tuple(_texts(secret)),
        options["expected_status"],
    )


def _check_paginate(options: Mapping[str, Any]) -> None:
    if options["method"] != "GET":
        raise InputError(f"paginate reads a list, so method has to be GET and not {options['method']}.")
    for name in ("body", "secret_body", "expected_status"):
        if options[name]:
            raise InputError(f"paginate reads a list to its end: it goes without {name}.")
    for name in ("page", "limit", "_page", "_limit"):
        if name in options["query_parameters"]:
            raise InputError(f"paginate reads all pages: query_parameters can't hold {name}.")


class Unexpected(ApiError):
    """A status that the user did not expect; if it is one of a success, the call has been carried out."""

    def details(self) -> Dict[str, Any]:
        return {**super().details(), "changed": self.method != "GET" and 200 <= self.status < 300}


def send(api: Api, call: Call) -> Answer:
    """Send the call and return the answer; its ``json`` is None where the body is empty.

    :raises ApiError: the answer is none that is expected.
    """
    answer = api.sent(call.method, call.path, call.query, call.body, call.secrets)
    expected = call.expected or ()
    if answer.status == 200 or answer.status not in expected:
        api.checked(answer, call.secrets)
    if expected and answer.status not in expected:
        said = f"HTTP {answer.status} came, and expected_status is {list(expected)}"
        message = f"{call.method} {call.path} was answered otherwise than expected: {said}."
        raise Unexpected(message, answer.status, None, said, call.method, call.path)
    if answer.json is not NO_JSON:
        return answer
    return dataclasses.replace(answer, json=answer.text.strip() or None)


def rows(api: Api, call: Call) -> Iterator[Dict[str, Any]]:
    """Yield the rows of all pages of a list. With ``fields`` (EMQX 5) they may lack what tells one from another.

    :raises ApiError: see :meth:`Api.rows`.
    """
    return api.rows(call.path, call.query, named=all(name != "fields" for name, _value in call.query))


def _pairs(parameters: Mapping[str, Any]) -> List[Tuple[str, Any]]:
    pairs = []
    for name, value in parameters.items():
        for item in value if isinstance(value, list) else [value]:
            pairs.append((name, str(item).lower() if isinstance(item, bool) else item))
    return pairs


def _merged(body: Mapping[str, Any], over: Mapping[str, Any]) -> Dict[str, Any]:
    """Return ``body`` with ``over`` laid over it, level by level."""
    merged = dict(body)
    for name, value in over.items():
        below = merged.get(name)
        merged[name] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _texts(value: Any) -> List[str]:
    """Return all texts in a structure."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []
